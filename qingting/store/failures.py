"""What a database complains about, as StoreErrors with closed reasons; never a statement, a value or a password."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from qingting.errors import StoreError

BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
CORRUPT_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

BUSY_STATES = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "53300",  # too_many_connections
        "55P03",  # lock_not_available, which is what a lock_timeout ends in
        "57014",  # query_canceled, which is what a statement_timeout ends in
    }
)
CORRUPT_STATES = frozenset({"XX001", "XX002"})
"""SQLSTATEs of PostgreSQL (appendix A of its manual): data_corrupted and index_corrupted."""

UNTRUSTED = "certificate"
REFUSED = ("password authentication failed", "no password supplied", "no pg_hba.conf entry")
"""What libpq says of a connection that never came about; such errors have no SQLSTATE."""


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
    except PendingRollbackError as error:
        # The connection was lost earlier in this transaction, and whoever saw it went on.
        raise _unavailable("连接已中断") from error


def _store_error(error: DBAPIError) -> StoreError:
    # An extended code of SQLite keeps the primary one in its low byte.
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    state = getattr(error.orig, "sqlstate", None)
    if code in BUSY_CODES or state in BUSY_STATES:
        return _busy()
    if code in CORRUPT_CODES or state in CORRUPT_STATES:
        return StoreError("数据库文件已损坏。", reason="corrupt", hint="请停止服务，并从备份恢复数据库。")
    return _unconnected(_complaint(error)) or _unavailable(_complaint(error))


def _unconnected(complaint: str) -> StoreError | None:
    """Return what waiting won't mend: who the server is, or who we are, was not believed."""
    if UNTRUSTED in complaint:
        return StoreError(
            "PostgreSQL 的证书未通过验证，或找不到用来验证的根证书文件。",
            reason="unavailable",
            hint="请在 store.cases 的地址里用 sslrootcert= 指明单位自己的根证书文件，并核对主机名和证书有效期。",
        )
    if any(each in complaint for each in REFUSED):
        return StoreError(
            "PostgreSQL 不接受所给的账户或口令，或不允许这样连接。",
            reason="unavailable",
            hint="请核对 config.toml 里 store.cases 的账户、口令和 sslmode，以及服务器的 pg_hba.conf。",
        )
    return None


def _busy() -> StoreError:
    return StoreError("数据库正忙。", reason="busy", hint="请稍后重试。", retryable=True)


def _unavailable(complaint: str) -> StoreError:
    return StoreError(
        f"数据库无法使用：{complaint}",
        reason="unavailable",
        hint="请检查磁盘空间、目录权限和数据库服务。",
        retryable=True,
    )


def _complaint(error: DBAPIError) -> str:
    """Return the database's own words, without the statement and its values, which may hold what people wrote."""
    original: Any = error.orig
    return str(original).splitlines()[0] if str(original) else type(original).__name__
