"""That a database gets the shape the program expects, step by step, and says so when it can't."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import MetaData, create_engine
from sqlalchemy.engine import Connection

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.store import open_store, tables
from qingting.store.database import Database, open_sqlite
from qingting.store.migrations import CASES, POSTS, Migration, migrate, version
from qingting.store.sqlite_regions import drop_regions
from qingting.strict import Secret


def note(name: str) -> Migration:
    def run(connection: Connection) -> None:
        connection.exec_driver_sql(f"CREATE TABLE {name} (x INTEGER)")

    return Migration(int(name[-1]), name, run)


def names(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.exec_driver_sql("SELECT name FROM migrations ORDER BY series, number").scalars())


def test_only_missing_migrations_run_and_each_series_counts_for_itself(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "q.db")
    assert migrate(database, "a", [note("t1")]) == 1
    assert migrate(database, "a", [note("t1"), note("t2")]) == 1
    assert migrate(database, "a", [note("t1"), note("t2")]) == 0
    assert migrate(database, "b", [note("u1")]) == 1
    assert names(database) == ["t1", "t2", "u1"]
    database.close()


def test_a_migration_that_fails_leaves_no_trace_and_the_ones_before_stay(tmp_path: Path) -> None:
    def fail(connection: Connection) -> None:
        connection.exec_driver_sql("CREATE TABLE half (x INTEGER)")
        raise RuntimeError

    database = open_sqlite(tmp_path / "q.db")
    with pytest.raises(RuntimeError):
        migrate(database, "a", [note("t1"), Migration(2, "fails", fail)])
    assert names(database) == ["t1"]
    assert migrate(database, "a", [note("t1"), Migration(2, "half2", note("half2").run)]) == 1
    with database.reading() as connection:
        assert version(connection, "a") == 2
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE name = 'half'").scalar() == 0
    database.close()


def test_a_database_of_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    open_store(StoreConfig(), tmp_path, list).close()
    with sqlite3.connect(tmp_path / "qingting.db") as connection:
        connection.execute("INSERT INTO migrations VALUES ('posts', 999, 'from the future')")
    connection.close()
    with pytest.raises(StoreError, match="999") as caught:
        open_store(StoreConfig(), tmp_path, list)
    assert caught.value.reason == "schema"
    assert "升级" in caught.value.hint


def test_migrations_are_numbered_one_after_another() -> None:
    for series in (POSTS, CASES):
        assert [migration.number for migration in series] == list(range(1, len(series) + 1))


def test_the_migrated_tables_are_those_that_queries_expect(tmp_path: Path) -> None:
    open_store(StoreConfig(), tmp_path, list).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'qingting.db'}")
    found = MetaData()
    found.reflect(engine, only=list(tables.metadata.tables))
    for name, table in tables.metadata.tables.items():
        expected = {column.name: column.type.compile(engine.dialect) for column in table.columns}
        assert {column.name: column.type.compile(engine.dialect) for column in found.tables[name].columns} == expected
        assert [each.name for each in found.tables[name].primary_key] == [each.name for each in table.primary_key]
    engine.dispose()


def test_processes_that_open_a_new_home_at_once_make_it_once(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from qingting.config import StoreConfig; from qingting.store import open_store; "
        "open_store(StoreConfig(), pathlib.Path(sys.argv[1]), list).close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, tmp_path / "home"]) for _ in range(4)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0, 0]


def test_a_home_is_made_for_its_owner_only(tmp_path: Path) -> None:
    open_store(StoreConfig(), tmp_path / "new" / "home", list).close()
    assert (tmp_path / "new" / "home").stat().st_mode & 0o777 == 0o700


def test_the_store_tells_what_it_is_and_when_texts_are_cut_otherwise(tmp_path: Path) -> None:
    first = open_store(StoreConfig(), tmp_path, list, cut_version="1")
    label = f"SQLite（qingting.db，模式版本 {len(POSTS)}）"
    assert first.describe() == {"posts": label, "cases": f"SQLite（qingting.db，模式版本 {len(CASES)}）"}
    first.close()
    second = open_store(StoreConfig(), tmp_path, list, cut_version="2")
    assert second.describe()["posts"] == f"{label}；分词版本已变化，检索可能漏检"
    second.close()


def test_cases_may_live_behind_an_address_of_their_own(tmp_path: Path) -> None:
    settings = StoreConfig(cases=Secret(f"sqlite:///{tmp_path / 'cases.db'}"))
    store = open_store(settings, tmp_path / "home", list)
    with store.transaction():
        store.cases.records.beat("work", tables.moment(0), "正常")
    assert store.cases.records.beats() == {"work": (tables.moment(0), "正常")}
    assert store.describe()["cases"] == f"SQLite（cases.db，模式版本 {len(CASES)}）"
    store.close()


@pytest.mark.parametrize(
    "settings",
    [
        StoreConfig(posts=Secret("mongo://user:pass@host")),
        StoreConfig(cases=Secret("user:pass@host")),
        StoreConfig(cases=Secret("nosuchdialect://user:pass@host/name")),
    ],
)
def test_a_back_end_that_is_not_known_is_refused_without_repeating_its_address(
    tmp_path: Path, settings: StoreConfig
) -> None:
    with pytest.raises(StoreError) as caught:
        open_store(settings, tmp_path, list)
    assert caught.value.reason == "unsupported"
    assert caught.value.hint
    assert "pass" not in caught.value.message + caught.value.hint


def test_regions_of_readings_that_are_there_become_words_of_the_index(tmp_path: Path) -> None:
    database = open_sqlite(tmp_path / "q.db")
    migrate(database, "posts", POSTS[:1])
    with database.transaction() as connection:
        codes = [(1, "990102"), (1, "990100"), (2, "990201"), (3, "990102003"), (4, "own-1"), (4, "9901")]
        connection.exec_driver_sql("INSERT INTO regions (seq, code) VALUES (?, ?)", codes)
    migrate(database, "posts", POSTS)

    def found(word: str) -> list[int]:
        with database.reading() as connection:
            statement = "SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid"
            return list(connection.exec_driver_sql(statement, (f'"{word}"',)).scalars())

    assert found("Ｒ99") == [1, 2, 3, 4]
    assert found("Ｒ9901") == [1, 3, 4]
    assert found("Ｒ990102") == [1, 3]
    assert found("Ｒ990102003") == [3]
    with database.transaction() as connection:
        drop_regions(connection, [1])
    assert (found("Ｒ9901"), found("Ｒ99")) == ([3, 4], [2, 3, 4])
    database.close()
