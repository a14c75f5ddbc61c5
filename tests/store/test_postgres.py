"""That PostgreSQL may be restarted, killed or stopped at any moment, and so may the processes that use it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry
from qingting.store import Store, open_store
from qingting.strict import Secret

psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'qingting[postgres]'")

NOW = datetime(2025, 3, 1, tzinfo=UTC)


def entry(detail: str) -> AuditEntry:
    return AuditEntry(NOW, "张三", "test", "s", detail)


def details(store: Store) -> list[str]:
    return [each.detail for each in store.cases.records.audit_of("s", 1000)]


def settings(url: str) -> StoreConfig:
    return StoreConfig(cases=Secret(url))


@pytest.fixture
def open_cases(server: Any, tmp_path: Path) -> Iterator[Callable[[], Store]]:
    """Open the cases on the module's server, as often as a test asks."""
    opened = []

    def open_one() -> Store:
        opened.append(open_store(settings(server.url), tmp_path / "home", list))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_restarted_between_two_steps_is_not_even_noticed(
    server: Any, open_cases: Callable[[], Store], mode: str
) -> None:
    store = open_cases()
    store.cases.records.audit([entry("1")])
    server.stop(mode)
    server.start()
    store.cases.records.audit([entry("2")])
    assert details(store) == ["2", "1"]


def test_a_server_lost_inside_a_transaction_undoes_it_and_the_next_try_succeeds(
    server: Any, open_cases: Callable[[], Store]
) -> None:
    store = open_cases()

    def write() -> None:
        with store.transaction():
            store.cases.records.audit([entry("1")])
            server.stop("immediate")
            store.cases.records.audit([entry("2")])

    with pytest.raises(StoreError) as caught:
        write()
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
    with pytest.raises(StoreError) as caught:
        details(store)
    assert caught.value.reason == "unavailable"
    server.start()
    assert details(store) == []
    store.cases.records.audit([entry("3")])
    assert details(store) == ["3"]


def test_a_server_lost_at_the_commit_is_told_of(server: Any, open_cases: Callable[[], Store]) -> None:
    store = open_cases()

    def write() -> None:
        with store.transaction():
            store.cases.records.audit([entry("1")])
            server.stop("immediate")

    with pytest.raises(StoreError) as caught:
        write()
    assert caught.value.reason == "unavailable"
    server.start()
    assert details(store) == []


def test_a_server_that_stops_answering_is_given_up_and_taken_up_again(
    server: Any, open_cases: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qingting.store.postgres.ANSWER_SECONDS", 1)
    monkeypatch.setattr("qingting.store.postgres.CONNECT_SECONDS", 2)
    store = open_cases()
    store.cases.records.audit([entry("1")])
    server.signal(signal.SIGSTOP)
    try:
        with pytest.raises(StoreError) as caught:
            details(store)
    finally:
        server.signal(signal.SIGCONT)
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
    assert details(store) == ["1"]


WRITE_AND_WAIT = """
import sys, pathlib, datetime
from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry
from qingting.store import open_store, postgres
from qingting.strict import Secret

postgres.IDLE_SECONDS = 2
store = open_store(StoreConfig(cases=Secret(sys.argv[1])), pathlib.Path(sys.argv[2]), list)
now = datetime.datetime(2025, 3, 1, tzinfo=datetime.UTC)
try:
    with store.transaction():
        store.cases.records.audit([AuditEntry(now, "b", "test", "s", "half-done")])
        print("written", flush=True)
        sys.stdin.readline()
except StoreError as error:
    sys.exit(3 if error.reason == "unavailable" else 4)
"""


@pytest.fixture
def halted(server: Any, tmp_path: Path, open_cases: Callable[[], Store]) -> Iterator[subprocess.Popen[str]]:
    """Return another process, in the middle of a transaction."""
    open_cases()
    command = [sys.executable, "-c", WRITE_AND_WAIT, server.url, str(tmp_path / "other")]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def test_a_process_killed_inside_a_transaction_holds_nobody_up(
    open_cases: Callable[[], Store], halted: subprocess.Popen[str]
) -> None:
    store = open_cases()
    halted.send_signal(signal.SIGKILL)
    store.cases.records.audit([entry("1")])
    assert details(store) == ["1"]


def test_a_process_stopped_inside_a_transaction_loses_it_to_those_who_wait(
    open_cases: Callable[[], Store], halted: subprocess.Popen[str]
) -> None:
    store = open_cases()
    halted.send_signal(signal.SIGSTOP)
    # Signs of life and claims don't wait for it at all; this would be busy after the time that writers wait.
    store.cases.records.beat("work", NOW, "正常")
    store.cases.records.audit([entry("1")])
    assert details(store) == ["1"]
    halted.send_signal(signal.SIGCONT)
    halted.communicate("go on\n", timeout=60)
    assert halted.returncode == 3
    assert details(store) == ["1"]


def test_the_server_is_told_how_long_to_wait_for_locks_and_idle_transactions(open_cases: Callable[[], Store]) -> None:
    store = open_cases()
    database = store.cases.records._database  # type: ignore[attr-defined]
    with database.reading() as connection:
        shown = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("lock_timeout", "idle_in_transaction_session_timeout", "transaction_isolation")
        ]
    assert shown == ["30s", "20s", "repeatable read"]


def test_processes_that_open_an_empty_database_at_once_make_its_tables_once(server: Any, tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from qingting.config import StoreConfig; from qingting.store import open_store; "
        "from qingting.strict import Secret; "
        "open_store(StoreConfig(cases=Secret(sys.argv[1])), pathlib.Path(sys.argv[2]), list).close()"
    )
    homes = [tmp_path / str(number) for number in range(3)]
    processes = [subprocess.Popen([sys.executable, "-c", program, server.url, home]) for home in homes]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]


def test_a_lease_of_a_process_that_was_killed_falls_to_another(open_cases: Callable[[], Store]) -> None:
    first, second = open_cases(), open_cases()
    lease = first.cases.leases.take("jobs", "a", NOW, timedelta(seconds=60))
    first.close()
    assert second.cases.leases.take("jobs", "b", NOW + timedelta(seconds=59), timedelta(seconds=60)) is None
    taken = second.cases.leases.take("jobs", "b", NOW + timedelta(seconds=60), timedelta(seconds=60))
    assert lease is not None
    assert taken is not None
    assert (lease.token, taken.token) == (1, 2)


def test_readers_see_one_state_while_others_write(open_cases: Callable[[], Store]) -> None:
    one, other = open_cases(), open_cases()
    one.cases.records.audit([entry("1")])
    database = one.cases.records._database  # type: ignore[attr-defined]
    with database.reading() as connection:
        count = "SELECT count(*) FROM audit"
        before = connection.exec_driver_sql(count).scalar_one()
        thread = threading.Thread(target=lambda: other.cases.records.audit([entry("2")]))
        thread.start()
        thread.join()
        assert (before, connection.exec_driver_sql(count).scalar_one()) == (1, 1)


def test_a_server_that_is_not_there_is_called_unavailable_without_its_password(server: Any, tmp_path: Path) -> None:
    wrong = [
        server.url.replace(f":{server.port}/", ":1/").replace("postgres@", "postgres:hush@"),
        server.url.rpartition("/")[0].replace("postgres@", "postgres:hush@") + "/nowhere",
    ]
    for url in wrong:
        with pytest.raises(StoreError) as caught:
            open_store(settings(url), tmp_path, list)
        assert caught.value.reason == "unavailable"
        assert "hush" not in caught.value.message


def test_a_database_that_cannot_hold_chinese_is_refused(server: Any, tmp_path: Path) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin")
        connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="LATIN1") as caught:
        open_store(settings(server.url.rpartition("/")[0] + "/latin"), tmp_path, list)
    assert caught.value.reason == "unsupported"
