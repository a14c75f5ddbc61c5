"""Leases: which process, of all that share the database, may do a thing for the time being.

A holder that is paused for longer than its lease doesn't notice that another has taken over. So a lease has a token
that grows with every new holder, and writes can be made to depend on it (`guarded`): those of the paused one fail.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.engine import Connection

from qingting.errors import StoreError
from qingting.store import tables
from qingting.store.database import Database
from qingting.store.shapes import Lease
from qingting.store.tables import EPOCH, row_of


class Leases:
    """The leases table, one row a role that was ever led."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, role: str, holder: str, now: datetime, length: timedelta) -> Lease | None:
        """Return the lease of a role until `now + length`, new or renewed; None while another holder has it.

        The token grows whenever the holder changes. A holder's name must be its own, of all processes and machines.
        """
        columns = tables.leases.c
        with self._database.transaction(apart=True) as connection:
            statement = select(tables.leases).where(columns.role == role).with_for_update()
            row = connection.execute(statement).mappings().first()
            if row is None:
                first = Lease(role, holder, 1, now + length)
                insert = self._database.insert(tables.leases).values(row_of(first)).on_conflict_do_nothing()
                return first if connection.execute(insert).rowcount == 1 else None
            before = Lease(**row)
            if before.holder != holder and before.until > now:
                return None
            lease = Lease(role, holder, before.token + (before.holder != holder), now + length)
            connection.execute(tables.leases.update().where(columns.role == role).values(row_of(lease)))
            return lease

    def renew(self, lease: Lease, now: datetime, length: timedelta) -> Lease | None:
        """Return a lease prolonged until `now + length`; None once another has had it, even if it is free again.

        Unlike `take` this never begins anew: what was begun under a lease goes on only under the same token.
        """
        with self._database.transaction(apart=True) as connection:
            prolonged = tables.leases.update().where(_is(lease)).values(until=now + length)
            still = connection.execute(prolonged).rowcount == 1
        return replace(lease, until=now + length) if still else None

    def release(self, lease: Lease) -> None:
        """End a lease, so that another may take it at once; nothing happens if another has it already."""
        with self._database.transaction(apart=True) as connection:
            connection.execute(tables.leases.update().where(_is(lease)).values(until=EPOCH))

    def standing(self, role: str, now: datetime) -> Lease | None:
        """Return the lease that somebody has of a role, None while it is free."""
        statement = select(tables.leases).where(tables.leases.c.role == role, tables.leases.c.until > now)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return Lease(**row) if row else None

    @contextmanager
    def guarded(self, lease: Lease) -> Iterator[None]:
        """Have every write to the cases inside fail with StoreError(conflict) once the role has a newer holder.

        It belongs to the thread or asyncio task that opened it.
        """

        def check(connection: Connection) -> None:
            columns = tables.leases.c
            # Shared: whoever would take over waits until this write is done, or is undone.
            statement = select(columns.token).where(columns.role == lease.role).with_for_update(read=True)
            if connection.execute(statement).scalar() != lease.token:
                raise StoreError(
                    f"“{lease.role}”已由别的进程接手，本次写入作罢。",
                    reason="conflict",
                    hint="无需处理：接手的进程会重做。",
                )

        with self._database.checked(check):
            yield


def _is(lease: Lease) -> ColumnElement[bool]:
    """Return what finds a lease's row as long as nobody has had the role since."""
    columns = tables.leases.c
    return and_(columns.role == lease.role, columns.token == lease.token)
