"""PostgreSQL, made to keep to what SQLite keeps to (database.py).

Writers wait for one another by an advisory lock that each transaction takes at its start: grouping, versions and
approvals read first and then decide what to write, and two that did so at once would make two events of one. A
transaction takes milliseconds, the costly reading of texts lies outside, and what needs no such order (claims, leases,
signs of life) is written `apart`, row by row. Reads see one snapshot (REPEATABLE READ).
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, create_engine

from qingting.errors import StoreError
from qingting.store.database import BUSY_SECONDS, KEPT_CONNECTIONS, MOST_CONNECTIONS, WRITER, Database
from qingting.store.failures import translated

Result = TypeVar("Result")

CONNECT_SECONDS = 10
"""How long the server may take to accept a connection: a start after a crash is refused at once, not answered late."""

IDLE_SECONDS = 20
"""How long a transaction may rest before the server ends it: less than others wait (BUSY_SECONDS), so that a process
that is stopped in the middle of a transaction holds nobody up for good; far more than ever lies between two statements
(grouping a batch, about 1 s)."""

ANSWER_SECONDS = 60
"""How long a statement may go unanswered before the connection is given up: twice what a writer waits for the lock."""

WRITERS_LOCK = 0x51494E4754494E47
"""The advisory lock that writers take, "QINGTING" in ASCII: ours alone in a database of our own."""


class PatientConnection(psycopg.Connection[Any]):
    """A connection that gives up a server which has stopped answering: libpq alone would wait for ever."""

    def wait(self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None) -> Result:
        """Wait for the server's answer. Raises OperationalError, the connection closed, after ANSWER_SECONDS."""
        try:
            return super().wait(gen, interval, ANSWER_SECONDS if timeout is None else timeout)
        except _WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError(f"no answer within {ANSWER_SECONDS} seconds") from error


def open_postgres(url: URL) -> Database:
    """Open a PostgreSQL database. Raises StoreError(unavailable | busy | unsupported)."""
    settings = {
        "lock_timeout": f"{BUSY_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    }
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=KEPT_CONNECTIONS,
        max_overflow=MOST_CONNECTIONS - KEPT_CONNECTIONS,
        pool_pre_ping=True,
        # How many rows an INSERT ... ON CONFLICT DO NOTHING made is asked for; SQLAlchemy forgets it otherwise.
        execution_options={"preserve_rowcount": True},
        connect_args={
            "connect_timeout": CONNECT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
            "application_name": "qingting",
            # Statements are few and small: nothing is gained by preparing them, and poolers can't pass it on.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "begin", _begin)
    reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    database = Database(engine, reader)
    try:
        _require_unicode(database)
    except BaseException:
        # Whatever kept it from opening, Ctrl-C included: what is open already is closed, and the error goes on.
        database.close()
        raise
    return database


def _connect(_dialect: object, _record: object, arguments: list[Any], options: dict[str, Any]) -> PatientConnection:
    return PatientConnection.connect(*arguments, **options)


def _begin(connection: Connection) -> None:
    if connection.info.get(WRITER) == "alone":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (WRITERS_LOCK,))


def _require_unicode(database: Database) -> None:
    with translated(), database.reading() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise StoreError(
            f"PostgreSQL 数据库的字符集是 {encoding}，存不下中文。",
            reason="unsupported",
            hint="请新建数据库：CREATE DATABASE qingting ENCODING 'UTF8' TEMPLATE template0。",
        )
