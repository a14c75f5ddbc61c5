"""That what belongs together is written together, or not at all, whatever happens to the process."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry, Post, Reading
from qingting.store import Search, Store, open_store

NOW = datetime(2025, 3, 1, tzinfo=UTC)

MakePost = Callable[..., Post]


def entry(detail: str) -> AuditEntry:
    return AuditEntry(NOW, "张三", "test", "s", detail)


def details(store: Store) -> list[str]:
    return [each.detail for each in store.cases.records.audit_of("s")]


def write_and_fail(store: Store, write: Callable[[], None]) -> None:
    with store.transaction():
        write()
        raise RuntimeError


def test_a_transaction_that_fails_leaves_nothing_in_either_half(store: Store, make_post: MakePost) -> None:
    def write() -> None:
        store.posts.append([make_post(2)])
        store.posts.claim_unread("a", 9, NOW, timedelta(minutes=5))
        store.cases.records.audit([entry("1")])
        assert store.posts.count(Search("河水")) == 2

    store.posts.append([make_post(1)])
    with pytest.raises(RuntimeError):
        write_and_fail(store, write)
    assert store.posts.known(["p1", "p2"]) == {"p1"}
    assert (store.posts.count(Search("河水")), store.posts.tally(NOW).claimed, details(store)) == (1, 0, [])


def test_an_inner_transaction_ends_with_the_outer_one(store: Store) -> None:
    def write() -> None:
        with store.transaction():
            store.cases.records.audit([entry("1")])

    with pytest.raises(RuntimeError):
        write_and_fail(store, write)
    assert details(store) == []


def test_an_inner_transaction_that_fails_takes_back_its_own_writes_only(store: Store, make_post: MakePost) -> None:
    def write() -> None:
        store.cases.records.audit([entry("2")])
        store.posts.append([make_post(1)])

    with store.transaction():
        store.cases.records.audit([entry("1")])
        with pytest.raises(RuntimeError):
            write_and_fail(store, write)
        store.cases.records.audit([entry("3")])
    assert (details(store), store.posts.count(Search("河水"))) == (["3", "1"], 0)


def test_others_see_a_transaction_only_once_it_is_done(opener: Callable[..., Store], make_post: MakePost) -> None:
    one, other = opener(), opener()
    with one.transaction():
        one.posts.append([make_post(1)])
        assert other.posts.count(Search()) == 0
    assert other.posts.count(Search()) == 1


def test_another_thread_is_not_inside_the_transaction(store: Store) -> None:
    seen: list[list[str]] = []
    with store.transaction():
        store.cases.records.audit([entry("1")])
        thread = threading.Thread(target=lambda: seen.append(details(store)))
        thread.start()
        thread.join()
    assert (seen, details(store)) == ([[]], ["1"])


def test_writers_that_first_read_wait_for_one_another(store: Store) -> None:
    def count_up() -> None:
        for _ in range(10):
            with store.transaction():
                store.cases.records.audit([entry(str(len(details(store))))])

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(int, details(store))) == list(range(40))


def test_a_killed_process_loses_what_it_had_not_finished_and_nothing_else(
    opener: Callable[..., Store], tmp_path: Path, make_post: MakePost, make_reading: Callable[..., Reading]
) -> None:
    script = Path(__file__).with_name("write_until_killed.py")
    process = subprocess.Popen([sys.executable, script, tmp_path / "home"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["committed\n", "written\n"]
    process.send_signal(signal.SIGKILL)
    process.communicate()

    store = opener()
    assert (store.posts.count(Search()), store.posts.count(Search("河水")), details(store)) == (300, 300, ["done"])
    store.posts.append([make_post(number) for number in range(600)])
    store.posts.save_readings([make_reading("p599")])
    assert (store.posts.count(Search("河水")), store.posts.tally(NOW).unread) == (600, 599)
    with sqlite3.connect(tmp_path / "home" / "qingting.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    connection.close()


def test_a_file_that_is_no_database_is_called_corrupt(tmp_path: Path) -> None:
    (tmp_path / "qingting.db").write_bytes(b"this is not a database, just some text" * 100)
    with pytest.raises(StoreError) as caught:
        open_store(StoreConfig(), tmp_path, list)
    assert (caught.value.reason, caught.value.retryable) == ("corrupt", False)


def test_a_home_that_cannot_be_made_is_called_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError) as caught:
        open_store(StoreConfig(), tmp_path / "file" / "home", list)
    assert caught.value.reason == "unavailable"
