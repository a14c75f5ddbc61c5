"""Events and which posts belong to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select

from qingting.errors import NotFoundError
from qingting.model import AuditEntry, Event, EventState, Membership
from qingting.store import tables
from qingting.store.database import Database
from qingting.store.records import write_audit
from qingting.store.tables import row_of

AUTOMATIC = "auto"
"""`Membership.decided_by` of what no person decided; the membership itself is its record."""

ASKED_AT_ONCE = 500
"""Ids bound in one statement, well below what any database takes."""


class Events:
    """The events table and its members; a post belongs to one event at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, event: Event, by: str, why: str, at: datetime) -> None:
        """Insert or replace an event; audited when it is new or its title, level or state changes."""
        with self._database.transaction() as connection:
            row = connection.execute(select(tables.events).where(tables.events.c.id == event.id)).mappings().first()
            before = Event(**row) if row else None
            if before is None:
                connection.execute(tables.events.insert().values(row_of(event)))
            elif before != event:
                connection.execute(tables.events.update().where(tables.events.c.id == event.id).values(row_of(event)))
            change = _change(before, event)
            if change:
                action = "event.change" if before else "event.create"
                write_audit(connection, AuditEntry(at, by, action, event.id, f"{why}：{change}" if why else change))

    def get(self, event_id: str) -> Event:
        """Return an event. Raises NotFoundError(event)."""
        with self._database.reading() as connection:
            row = connection.execute(select(tables.events).where(tables.events.c.id == event_id)).mappings().first()
        if row is None:
            raise NotFoundError(
                f"没有编号为 {event_id} 的事件。", reason="event", hint="请用 qingting events list 查看全部事件。"
            )
        return Event(**row)

    def latest(
        self, states: Collection[EventState] | None = None, since: datetime | None = None, limit: int | None = None
    ) -> list[Event]:
        """Return events in the states (None: all) last seen at or after `since`, last seen first, then by id."""
        columns = tables.events.c
        statement = select(tables.events).order_by(columns.last_seen.desc(), columns.id).limit(limit)
        if states is not None:
            statement = statement.where(columns.state.in_(list(states)))
        if since is not None:
            statement = statement.where(columns.last_seen >= since)
        with self._database.reading() as connection:
            return [Event(**row) for row in connection.execute(statement).mappings()]

    def add_members(self, members: Sequence[Membership]) -> None:
        """Put posts into events; a post that is already in one stays there."""
        if not members:
            return
        insert = self._database.insert(tables.members).on_conflict_do_nothing(index_elements=["post_id"])
        decided = [each for each in members if each.decided_by != AUTOMATIC]
        with self._database.transaction() as connection:
            there = self.event_of([each.post_id for each in decided])
            connection.execute(insert, [row_of(each) for each in members])
            entries = [
                AuditEntry(
                    each.decided_at, each.decided_by, "event.member", each.event_id, f"{each.post_id}：{each.reason}"
                )
                for each in decided
                if each.post_id not in there
            ]
            write_audit(connection, *entries)

    def members(self, event_id: str, since: datetime | None = None, until: datetime | None = None) -> list[Membership]:
        """Return an event's members with `since <= at < until`, earliest first."""
        columns = tables.members.c
        statement = select(tables.members).where(columns.event_id == event_id).order_by(columns.at, columns.post_id)
        if since is not None:
            statement = statement.where(columns.at >= since)
        if until is not None:
            statement = statement.where(columns.at < until)
        with self._database.reading() as connection:
            return [Membership(**row) for row in connection.execute(statement).mappings()]

    def event_of(self, post_ids: Collection[str]) -> dict[str, str]:
        """Return the event id of each post that is in one."""
        columns = tables.members.c
        wanted, found = list(post_ids), {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), ASKED_AT_ONCE):
                asked = columns.post_id.in_(wanted[start : start + ASKED_AT_ONCE])
                rows = connection.execute(select(columns.post_id, columns.event_id).where(asked))
                found.update({row.post_id: row.event_id for row in rows})
        return found


def _change(before: Event | None, after: Event) -> str:
    """Return in words what people are told of between two states of an event, '' for nothing."""
    if before is None:
        return f"{after.title}，{after.level.label}，{after.state.label}"
    changes = [
        ("标题", before.title, after.title),
        ("等级", before.level.label, after.level.label),
        ("状态", before.state.label, after.state.label),
    ]
    return "；".join(f"{name}由“{old}”变为“{new}”" for name, old, new in changes if old != new)
