"""The table of the standing jobs: when each is due next, in APScheduler's own job store.

A row's state is a pickle. Only this program writes the table, and whoever else can write it can write the cases too;
rows that can't be read any more, such as those of a newer program, are removed by APScheduler with a line in the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from apscheduler.jobstores.base import BaseJobStore
from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
from sqlalchemy.engine import Connection

from qingting.store.database import Database

TABLE = "standing_jobs"

Fence = Callable[[], AbstractContextManager[None]]
"""Makes what is written inside depend on a lease, or refuses at once with a StoreError."""


class StandingJobs(SQLAlchemyJobStore):  # type: ignore[misc]  # APScheduler ships no types.
    """APScheduler's job store on the table that a migration made, every access to it behind a fence."""

    def __init__(self, database: Database, fence: Fence) -> None:
        super().__init__(engine=_FencedEngine(database, fence), tablename=TABLE)

    def start(self, scheduler: Any, alias: str) -> None:
        """Begin to serve a scheduler; unlike its parent this makes no table, for migrations alone do."""
        BaseJobStore.start(self, scheduler, alias)

    def shutdown(self) -> None:
        """Leave the connections open, unlike its parent: they belong to all of the store."""


class _FencedEngine:
    """All that the job store needs of an engine: transactions, here the database's own and behind the fence.

    Reading is fenced too: who doesn't lead any more is not even told what is due.
    """

    def __init__(self, database: Database, fence: Fence) -> None:
        self._database = database
        self._fence = fence

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction. Raises StoreError(conflict) once another process leads."""
        with self._fence(), self._database.transaction(apart=True) as connection:
            yield connection
