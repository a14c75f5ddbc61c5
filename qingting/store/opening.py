"""Opens the configured back ends and joins them to one store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.store import migrations
from qingting.store.address import open_address
from qingting.store.cases import SqlCases
from qingting.store.contract import Store
from qingting.store.database import Database, open_sqlite
from qingting.store.query_sql import holds
from qingting.store.shapes import AWAY, Cut
from qingting.store.sqlite import SqlitePosts

FILE_NAME = "qingting.db"
SQLITE = "sqlite"


def open_store(
    settings: StoreConfig, home: Path, cut: Cut, timezone: str = "Asia/Shanghai", *, cut_version: str = ""
) -> Store:
    """Open the store of a home, making what is not there yet.

    `cut_version` names how `cut` cuts; an index made under another one is told of by `Store.describe`.
    Raises StoreError(unsupported | unavailable | schema | corrupt | busy).
    """
    if settings.posts.reveal().startswith(("https://", "http://")):
        return _open_with_elastic(settings, home, cut, timezone, cut_version)
    if settings.posts.reveal() != SQLITE:
        raise StoreError(
            "config.toml 的 store.posts 不是本版本支持的帖文库。",
            reason="unsupported",
            hint="请填 sqlite，或 Elasticsearch 的地址，形如 https://用户:口令@主机:9200/。",
        )
    posts_database = _open_file(home)
    shared = settings.cases.reveal() == SQLITE
    cases_database = posts_database if shared else open_address(settings.cases.reveal())
    try:
        migrations.migrate(posts_database, "posts", migrations.POSTS)
        migrations.migrate(cases_database, "cases", migrations.CASES)
        _note_cut(posts_database, cut_version)
    except BaseException:
        # Whatever kept it from opening, Ctrl-C included: what is open already is closed, and the error goes on.
        _close(posts_database, cases_database)
        raise

    @contextmanager
    def transaction() -> Iterator[None]:
        with cases_database.transaction():
            yield

    def describe() -> Mapping[str, str]:
        return {
            "posts": _describe_posts(posts_database, cut_version),
            "cases": _describe(cases_database, "cases"),
        }

    return Store(
        posts=SqlitePosts(posts_database, cut, ZoneInfo(timezone)),
        cases=SqlCases(cases_database),
        transaction=transaction,
        close=lambda: _close(posts_database, cases_database),
        describe=describe,
    )


def _open_with_elastic(settings: StoreConfig, home: Path, cut: Cut, timezone: str, cut_version: str) -> Store:
    """Open a store whose posts live in Elasticsearch; its transactions are those of the cases alone."""
    # Half a second and 20 MB that nobody with the posts in SQLite needs.
    from qingting.store.elastic import open_elastic  # noqa: PLC0415  declared lazy

    cases = settings.cases.reveal()
    cases_database = _open_file(home) if cases == SQLITE else open_address(cases)
    try:
        migrations.migrate(cases_database, "cases", migrations.CASES)
        posts = open_elastic(settings.posts.reveal(), cut, ZoneInfo(timezone), cut_version)
    except BaseException:
        # Whatever kept it from opening, Ctrl-C included: what is open already is closed, and the error goes on.
        _close(cases_database)
        raise

    @contextmanager
    def transaction() -> Iterator[None]:
        with cases_database.transaction():
            yield

    def close() -> None:
        posts.close()
        _close(cases_database)

    def describe() -> Mapping[str, str]:
        return {"posts": posts.describe(), "cases": _describe(cases_database, "cases")}

    return Store(posts, SqlCases(cases_database), transaction, close, describe)


def _open_file(home: Path) -> Database:
    try:
        # What people said stays within the account that runs the service.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"无法建立数据目录 {home}：{error.strerror}。", reason="unavailable", hint="请检查 --home 的路径和权限。"
        ) from error
    return open_sqlite(home / FILE_NAME, {"holds": holds})


def _close(*databases: Database) -> None:
    for database in databases:
        database.close()


def _note_cut(database: Database, cut_version: str) -> None:
    """Note by which cut the index is made, when it is made."""
    if _noted_cut(database) is None:
        with database.transaction() as connection:
            connection.exec_driver_sql("INSERT OR IGNORE INTO meta (name, value) VALUES ('cut', ?)", (cut_version,))


def _noted_cut(database: Database) -> str | None:
    with database.reading() as connection:
        noted: str | None = connection.exec_driver_sql("SELECT value FROM meta WHERE name = 'cut'").scalar()
    return noted


def _cut_notice(database: Database, cut_version: str) -> str:
    noted = _noted_cut(database)
    return "；分词版本已变化，检索可能漏检" if noted and cut_version and noted != cut_version else ""


def _describe_posts(database: Database, cut_version: str) -> str:
    try:
        return _describe(database, "posts") + _cut_notice(database, cut_version)
    except StoreError as error:
        return f"SQLite（{FILE_NAME}）{AWAY}{error.message}{error.hint}"


def _describe(database: Database, series: str) -> str:
    url = database.engine.url
    name = Path(url.database or "").name
    label = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(url.get_backend_name(), url.get_backend_name())
    with database.reading() as connection:
        return f"{label}（{name}，模式版本 {migrations.version(connection, series)}）"
