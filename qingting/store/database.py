"""A database that threads and processes share: one engine, ambient transactions, closed reasons for every failure.

SQLite runs in WAL mode, so that readers never wait, with `synchronous=FULL`: each commit is synced to disk, and
neither a SIGKILL nor a power cut loses what was acknowledged (NORMAL would lose the last commits in a power cut).
A sync per commit costs little because everything here is written in batches. Writers take the lock at their start
(BEGIN IMMEDIATE) and wait for one another, so that no transaction is refused half-way for having read too early.
PostgreSQL is made to keep to the same (postgres.py): what reads first and then decides what to write is right in both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine

from qingting.store.failures import translated

BUSY_SECONDS = 30
"""How long a writer waits for another: far longer than the longest transaction (a batch of readings, about 1 s)."""

CACHE_KIB = 16_384
"""Page cache of one connection. Five are kept open by a process, so that all roles together stay small."""

KEPT_CONNECTIONS = 5
MOST_CONNECTIONS = 45
"""The console answers up to 40 requests at a time in threads; the connections above five are closed after use."""

WRITER = "writer"
"""In a connection's `info`: how its next transaction begins."""

Writer = Literal["none", "alone", "apart"]

SqlFunction = Callable[..., str | bytes | int | float | None]
Check = Callable[[Connection], None]


@dataclass(slots=True)
class _Ambient:
    """The transaction that is open around the running code; `open` turns false when it ends."""

    connection: Connection
    open: bool = True


class Database:
    """An engine and the transaction that is open around the caller, if any.

    The ambient transaction belongs to the thread or asyncio task that opened it.
    """

    def __init__(self, engine: Engine, reader: Engine | None = None) -> None:
        self.engine = engine
        self._reader = reader or engine
        # One variable an instance, not one a module: two databases may each have a transaction open at a time.
        self._ambient: ContextVar[_Ambient | None] = ContextVar("qingting_transaction", default=None)
        self._check: ContextVar[Check | None] = ContextVar("qingting_check", default=None)

    @contextmanager
    def transaction(self, *, apart: bool = False) -> Iterator[Connection]:
        """Make all writes inside one, rolled back when the block raises.

        One inside another joins it, and undoes only its own writes if it raises and the outer block goes on. Writers
        wait for one another; one that is `apart`, because it touches nothing that others decide by, waits only where
        the database can't lock row by row. Raises StoreError(unavailable | busy | corrupt | conflict).
        """
        with translated():
            ambient = self._ambient.get()
            if ambient is not None and ambient.open:
                with ambient.connection.begin_nested():
                    yield ambient.connection
                return
            with self.engine.connect() as connection, _begun(connection, "apart" if apart else "alone"):
                check = self._check.get()
                if check is not None:
                    check(connection)
                current = _Ambient(connection)
                token = self._ambient.set(current)
                try:
                    yield connection
                finally:
                    current.open = False
                    self._ambient.reset(token)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give one unchanging view of the database, that of the ambient transaction where there is one."""
        with translated():
            ambient = self._ambient.get()
            if ambient is not None and ambient.open:
                yield ambient.connection
                return
            with self._reader.connect() as connection, _begun(connection, "none"):
                yield connection

    @contextmanager
    def checked(self, check: Check) -> Iterator[None]:
        """Have every transaction that begins inside call `check` first; what it raises undoes the transaction."""
        token = self._check.set(check)
        try:
            yield
        finally:
            self._check.reset(token)

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT in the database's own dialect."""
        if self.engine.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)

    def close(self) -> None:
        """Close all connections that are not in use."""
        self.engine.dispose()


def open_sqlite(path: Path, functions: Mapping[str, SqlFunction] | None = None) -> Database:
    """Open or create the SQLite file, with Python functions that SQL may call."""
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=KEPT_CONNECTIONS,
        max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
        connect_args={"timeout": BUSY_SECONDS, "isolation_level": None},
    )

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        for name, function in (functions or {}).items():
            connection.create_function(name, -1, function, deterministic=True)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return Database(engine)


def _begin(connection: Connection) -> None:
    """Start SQLite's transaction, which the driver is told to leave to us."""
    connection.exec_driver_sql("BEGIN" if connection.info.get(WRITER) == "none" else "BEGIN IMMEDIATE")


@contextmanager
def _begun(connection: Connection, writer: Writer) -> Iterator[None]:
    # Read by the listeners of "begin": SQLAlchemy passes nothing on to them.
    connection.info[WRITER] = writer
    with connection.begin():
        yield
