"""Numbered steps that bring a database to the shape this program expects.

Append only: a migration that was ever released is never changed, the next number changes its work. Posts and cases
have a series each, because they may live in different databases. Every migration runs in a transaction of its own,
together with the note that it ran; one that fails leaves its series at the number before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, inspect, select
from sqlalchemy.engine import Connection

from qingting.errors import StoreError
from qingting.store.database import Database
from qingting.store.schema_cases import create_cases, create_leases, create_marks, create_standing_jobs
from qingting.store.schema_posts import add_copies, create_posts
from qingting.store.sqlite_regions import fill_region_words


@dataclass(frozen=True, slots=True)
class Migration:
    """One step: its number in its series, a name for people, and what it does."""

    number: int
    name: str
    run: Callable[[Connection], None]


POSTS = (
    Migration(1, "posts, words, facets, readings, near-duplicates", create_posts),
    Migration(2, "regions as words of the index", fill_region_words),
    Migration(3, "first posts of copies", add_copies),
)
CASES = (
    Migration(1, "events, alerts, drafts, records", create_cases),
    Migration(2, "leases", create_leases),
    Migration(3, "marks", create_marks),
    Migration(4, "standing jobs", create_standing_jobs),
)

applied = Table(
    "migrations",
    MetaData(),
    Column("series", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
)


def migrate(database: Database, series: str, migrations: Sequence[Migration]) -> int:
    """Run the migrations a database lacks and return how many this call ran; several processes may call at once.

    Raises StoreError(schema) if the database was made by a newer program.
    """
    ran = 0
    while _run_next(database, series, migrations):
        ran += 1
    return ran


def version(connection: Connection, series: str) -> int:
    """Return the number of the last migration that ran, 0 for none."""
    if not inspect(connection).has_table(applied.name):
        return 0
    statement = select(func.max(applied.c.number)).where(applied.c.series == series)
    return connection.execute(statement).scalar() or 0


def _run_next(database: Database, series: str, migrations: Sequence[Migration]) -> bool:
    """Run the first migration that is missing; the version is read under the writer's lock."""
    latest = migrations[-1].number
    with database.reading() as connection:
        found = version(connection, series)
    if found == latest:
        return False
    with database.transaction() as connection:
        found = version(connection, series)
        if found > latest:
            raise StoreError(
                f"数据库的模式版本是 {found}，本程序只认识到 {latest}。",
                reason="schema",
                hint="这个数据库由更新的版本建立，请升级 Qingting，或换一个 --home 目录。",
            )
        missing = [each for each in migrations if each.number > found]
        if not missing:
            return False
        applied.create(connection, checkfirst=True)
        missing[0].run(connection)
        connection.execute(applied.insert().values(series=series, number=missing[0].number, name=missing[0].name))
    return True
