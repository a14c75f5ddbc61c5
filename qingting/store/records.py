"""Cursors, source health, rejects, role heartbeats and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection

from qingting.model import AuditEntry, Cursor, Reject, SourceHealth
from qingting.store import tables
from qingting.store.database import Database
from qingting.store.tables import row_of

HORIZON = "posts dropped before"
ANSWERED = "posts answered"

DROPPED_AT_ONCE = 1_000
"""Rejects of up to 4 KB that one transaction removes, for which other writers wait: some 20 ms."""


class Records:
    """The small bookkeeping that makes a run restartable and accountable."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cursor(self, source: str) -> Cursor | None:
        """Return how far a source has been collected, None when never."""
        statement = select(tables.cursors).where(tables.cursors.c.source == source)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return Cursor(**row) if row else None

    def set_cursor(self, cursor: Cursor) -> None:
        """Replace a source's cursor."""
        insert = self._database.insert(tables.cursors).values(row_of(cursor))
        taken = {"value": insert.excluded.value, "updated_at": insert.excluded.updated_at}
        with self._database.transaction() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["source"], set_=taken))

    def health(self) -> list[SourceHealth]:
        """Return the health of every source that was ever collected, by source."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.health).order_by(tables.health.c.source)).mappings().all()
        return [SourceHealth(**row) for row in rows]

    def health_of(self, source: str) -> SourceHealth | None:
        """Return the health of one source, None if it was never collected."""
        statement = select(tables.health).where(tables.health.c.source == source)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return SourceHealth(**row) if row else None

    def set_health(self, health: SourceHealth) -> None:
        """Replace a source's health; `since` is kept from before while the state stays the same."""
        insert = self._database.insert(tables.health).values(row_of(health))
        new, old = insert.excluded, tables.health.c
        taken = {
            "state": new.state,
            "reason": new.reason,
            "since": case((old.state == new.state, old.since), else_=new.since),
            "checked_at": new.checked_at,
            "items": new["items"],
        }
        with self._database.transaction() as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["source"], set_=taken))

    def reject(self, rejects: Sequence[Reject]) -> None:
        """Keep input that could not be taken; the same reject again changes nothing."""
        if not rejects:
            return
        insert = self._database.insert(tables.rejects).on_conflict_do_nothing(index_elements=["id"])
        with self._database.transaction() as connection:
            connection.execute(insert, [row_of(each) for each in rejects])

    def drop_rejects(self, before: datetime) -> int:
        """Remove the rejects noted before a time, some at a time, so that no other writer waits; return how many."""
        columns = tables.rejects.c
        some = select(columns.id).where(columns.at < before).limit(DROPPED_AT_ONCE)
        dropped = 0
        while True:
            with self._database.transaction() as connection:
                gone = connection.execute(tables.rejects.delete().where(columns.id.in_(some))).rowcount
            dropped += gone
            if gone < DROPPED_AT_ONCE:
                return dropped

    def rejects(self, limit: int) -> list[Reject]:
        """Return the latest rejects."""
        columns = tables.rejects.c
        statement = select(tables.rejects).order_by(columns.at.desc(), columns.id).limit(limit)
        with self._database.reading() as connection:
            rows = connection.execute(statement).mappings().all()
        return [Reject(**row) for row in rows]

    def reject_counts(self) -> dict[str, int]:
        """Return the number of rejects per reason."""
        columns = tables.rejects.c
        statement = (
            select(columns.reason, func.count()).group_by(columns.reason).order_by(func.count().desc(), columns.reason)
        )
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}

    def beat(self, role: str, at: datetime, detail: str) -> None:
        """Note that a role is alive."""
        insert = self._database.insert(tables.beats).values(role=role, at=at, detail=detail)
        taken = {"at": insert.excluded.at, "detail": insert.excluded.detail}
        with self._database.transaction(apart=True) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["role"], set_=taken))

    def beats(self) -> dict[str, tuple[datetime, str]]:
        """Return each role's last sign of life and what it said."""
        with self._database.reading() as connection:
            rows = connection.execute(select(tables.beats).order_by(tables.beats.c.role)).all()
        return {row.role: (row.at, row.detail) for row in rows}

    def note_answer(self, at: datetime) -> None:
        """Note that the posts, which may be away while the cases are not, have answered a worker."""
        insert = self._database.insert(tables.marks).values(name=ANSWERED, at=at)
        taken = {"at": insert.excluded.at}
        with self._database.transaction(apart=True) as connection:
            connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=taken))

    def last_answer(self) -> datetime | None:
        """Return when the posts last answered a worker, None if they never did."""
        statement = select(tables.marks.c.at).where(tables.marks.c.name == ANSWERED)
        with self._database.reading() as connection:
            return connection.execute(statement).scalar()

    def horizon(self) -> datetime | None:
        """Return the time before which posts have been dropped, so that none may come back; None if none ever were."""
        statement = select(tables.marks.c.at).where(tables.marks.c.name == HORIZON)
        with self._database.reading() as connection:
            return connection.execute(statement).scalar()

    def move_horizon(self, before: datetime) -> None:
        """Note that posts before a time are being dropped; the horizon never moves back."""
        insert = self._database.insert(tables.marks).values(name=HORIZON, at=before)
        at = insert.excluded.at
        later = insert.on_conflict_do_update(index_elements=["name"], set_={"at": at}, where=at > tables.marks.c.at)
        with self._database.transaction() as connection:
            connection.execute(later)

    def audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit trail."""
        with self._database.transaction() as connection:
            write_audit(connection, *entries)

    def audit_of(self, subject: str, limit: int = 100) -> list[AuditEntry]:
        """Return a subject's audit entries, latest first."""
        columns = tables.audit.c
        statement = (
            select(columns.at, columns.actor, columns.action, columns.subject, columns.detail)
            .where(columns.subject == subject)
            .order_by(columns.number.desc())
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [AuditEntry(**row) for row in connection.execute(statement).mappings()]


def write_audit(connection: Connection, *entries: AuditEntry) -> None:
    """Append to the audit trail in the transaction of the write that the entries tell of."""
    if entries:
        connection.execute(tables.audit.insert(), [row_of(each) for each in entries])
