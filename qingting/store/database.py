"""A database that threads and processes share: one engine, ambient transactions, closed reasons for every failure.

SQLite runs in WAL mode, so that readers never wait, with `synchronous=FULL`: each commit is synced to disk, and
neither a SIGKILL nor a power cut loses what was acknowledged (NORMAL would lose the last commits in a power cut).
A sync per commit costs little because everything here is written in batches. Writers take the lock at their start
(BEGIN IMMEDIATE) and wait for one another, so that no transaction is refused half-way for having read too early.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from qingting.errors import StoreError

BUSY_SECONDS = 30
"""How long a writer waits for another: far longer than the longest transaction (a batch of readings, about 1 s)."""

CACHE_KIB = 16_384
"""Page cache of one connection. Five are kept open by a process, so that all roles together stay small."""

KEPT_CONNECTIONS = 5
MOST_CONNECTIONS = 45
"""The console answers up to 40 requests at a time in threads; the connections above five are closed after use."""

SqlFunction = Callable[..., str | bytes | int | float | None]


@dataclass(slots=True)
class _Ambient:
    """The transaction that is open around the running code; `open` turns false when it ends."""

    connection: Connection
    open: bool = True


class Database:
    """An engine and the transaction that is open around the caller, if any.

    The ambient transaction belongs to the thread or asyncio task that opened it.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        # One variable an instance, not one a module: two databases may each have a transaction open at a time.
        self._ambient: ContextVar[_Ambient | None] = ContextVar("qingting_transaction", default=None)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Make all writes inside one, rolled back when the block raises.

        One inside another joins it, and undoes only its own writes if it raises and the outer block goes on.
        Raises StoreError(unavailable | busy | corrupt | conflict).
        """
        with translated():
            ambient = self._ambient.get()
            if ambient is not None and ambient.open:
                with ambient.connection.begin_nested():
                    yield ambient.connection
                return
            with self.engine.connect() as connection:
                # Read by `_begin`: SQLAlchemy starts a transaction by itself and passes nothing on.
                connection.info["writing"] = True
                with connection.begin():
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
            with self.engine.connect() as connection:
                connection.info["writing"] = False
                yield connection

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


def open_url(url: str) -> Database:
    """Open the database behind a SQLAlchemy URL. Raises StoreError(unsupported) without naming the URL."""
    try:
        return Database(create_engine(url, pool_size=KEPT_CONNECTIONS, pool_pre_ping=True))
    except (ArgumentError, ImportError) as error:
        raise StoreError(
            "config.toml 的 store.cases 不是可用的数据库地址，或缺少它的驱动程序。",
            reason="unsupported",
            hint="请填 sqlite，或形如 postgresql+psycopg://用户:口令@主机/库名 的地址，并安装 psycopg。",
        ) from error


def _begin(connection: Connection) -> None:
    """Start SQLite's transaction, which the driver is told to leave to us."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("writing") else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the database complains about into a StoreError with a closed reason."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError("写入与库中已有的记录冲突。", reason="conflict", hint="请刷新后重试。") from error
    except PoolTimeoutError as error:
        raise _busy() from error
    except DBAPIError as error:
        raise _store_error(error) from error


def _busy() -> StoreError:
    return StoreError("数据库正忙。", reason="busy", hint="请稍后重试。", retryable=True)


def _store_error(error: DBAPIError) -> StoreError:
    # An extended code keeps the primary one in its low byte.
    code = getattr(error.orig, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return _busy()
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return StoreError("数据库文件已损坏。", reason="corrupt", hint="请停止服务，并从备份恢复数据库文件。")
    return StoreError(
        f"数据库无法使用：{_complaint(error)}",
        reason="unavailable",
        hint="请检查磁盘空间、目录权限和数据库服务。",
        retryable=True,
    )


def _complaint(error: DBAPIError) -> str:
    """Return the database's own words, without the statement and its values, which may hold what people wrote."""
    original: Any = error.orig
    return str(original).splitlines()[0] if str(original) else type(original).__name__
