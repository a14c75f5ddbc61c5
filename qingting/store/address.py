"""Opens the database behind an address of the configuration."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from qingting.errors import StoreError
from qingting.store.database import Database, open_sqlite


def open_address(address: str) -> Database:
    """Open a database by its SQLAlchemy URL. Raises StoreError, which never repeats the address."""
    try:
        url = make_url(address)
        if url.get_backend_name() == "sqlite" and url.database:
            return open_sqlite(Path(url.database))
        if url.get_backend_name() == "postgresql":
            # Only offices that outgrew SQLite install the driver (the extra `postgres`).
            from qingting.store.postgres import open_postgres  # noqa: PLC0415

            return open_postgres(url)
    except (ArgumentError, ImportError) as error:
        raise _unsupported() from error
    raise _unsupported()


def _unsupported() -> StoreError:
    return StoreError(
        "config.toml 的 store.cases 不是可用的数据库地址，或缺少它的驱动程序。",
        reason="unsupported",
        hint="请填 sqlite，或形如 postgresql://用户:口令@主机/库名 的地址，并安装 qingting[postgres]。",
    )
