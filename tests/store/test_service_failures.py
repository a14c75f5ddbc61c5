"""The whole service over PostgreSQL and Elasticsearch, whose servers are killed, paused and spoiled under its hands."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from elasticsearch import Elasticsearch
from starlette.testclient import TestClient

from nlp.reader import Reader
from qingting.app import Service, Worker, deliver, import_file, open_service, open_service_reader
from qingting.cli import app
from qingting.commands.shared import run
from qingting.config import Config, StoreConfig, parse
from qingting.doctor import Check, examine
from qingting.errors import StoreError
from qingting.model import Alert, DeliveryState, Level
from qingting.roles import Reading, Troubles, web_server
from qingting.store import Digest, Search, Tally, digest_posts, elastic_cluster

psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'qingting[postgres]'")

NOON = datetime(2026, 9, 22, 4, tzinfo=UTC)
"""Twelve in Shanghai."""

HOUR = timedelta(hours=1)
PATIENCE = 60
"""Seconds to wait for something that happens within a few; only a failure takes so long."""

CONFIG = """
[store]
posts = "env:POSTS"
cases = "env:CASES"
[reader]
backend = "lexicon"
[work]
batch_posts = 16
interval_seconds = 0.5
[alerts]
digest_from = 99
[[alerts.receivers]]
name = "值班室"
url = "env:RECEIVER"
"""

CASES = ("events", "members", "alerts", "deliveries", "drafts")
PLACES = ("青石河", "白云湖", "长安路", "向阳小区")
TROUBLES = ("水里全是死鱼", "废气刺鼻", "半夜施工噪音", "自来水有异味")
SINCE_NOON = "帖文库自 2026-09-22 12:00 起没有正常答复"


class Receiver(ThreadingHTTPServer):
    """A receiver of alerts, which notes the key of every message; `before` is called before it answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Receiving)
        self.keys: list[str] = []
        self.status = 204
        self.before: Callable[[], None] = lambda: None
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()


class _Receiving(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:  # the library's name
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status < 300:
            self.server.keys.append(self.headers["Idempotency-Key"])
        self.server.before()
        self.send_response(self.server.status)
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Noting:
    """A reader that notes which posts it was given."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.name, self.problem = reader.name, ""
        self.read_ids: Counter[str] = Counter()

    def read(self, posts: Sequence[Any], now: datetime) -> list[Any]:
        self.read_ids.update(post.id for post in posts)
        return self._reader.read(posts, now)


@dataclass(frozen=True)
class Result:
    """What an installation holds in the end, and which messages it sent."""

    posts: Digest
    tally: Tally
    keys: set[str]
    tables: dict[str, list[str]]

    def but_records(self) -> Result:
        """Return it without the records of how often something was handed in."""
        return replace(self, tables={name: self.tables[name] for name in CASES})


@dataclass
class Office:
    """An installation, and what its steps are done with."""

    service: Service
    receiver: Receiver
    clock: Clock
    reader: Noting
    failures: list[StoreError] = field(default_factory=list)

    def worker(self, timed: Any = None) -> Worker:
        return Worker(self.service, self.reader, "work-1", *([timed] if timed else []))  # type: ignore[arg-type]

    def carry_out(self, step: Callable[[], Any]) -> Any:
        """Do a step again and again until it succeeds, as the standing roles do."""
        for _ in range(5):
            try:
                return step()
            except StoreError as error:
                if not error.retryable:
                    raise
                self.failures.append(error)
        pytest.fail("the service did not recover")

    def do_all(self, file: Path, done: Callable[[str], None]) -> None:
        """Import, read and deliver everything; `done` is told of each step that has just been done."""

        @contextmanager
        def timed(stage: str) -> Iterator[None]:
            yield
            done(stage)

        worker = self.worker(timed)
        self.carry_out(lambda: import_file(self.service, file, "weibo", "张三"))
        done("import")
        while self.carry_out(worker.work) is not None:
            done("batch")
        self.deliver_all(done)

    def deliver_all(self, done: Callable[[str], None] = lambda _: None) -> None:
        while self.pending():
            self.deliver()
            done("deliver")
            # What a broken round had taken is anybody's again after two minutes.
            self.clock.now += timedelta(minutes=3)

    def deliver(self) -> None:
        with httpx.Client() as client:
            self.carry_out(lambda: deliver(self.service, client))

    def pending(self) -> int:
        counts = self.carry_out(self.service.store.cases.alerts.delivery_counts)
        return int(counts.get(DeliveryState.PENDING, 0))

    def pages(self) -> TestClient:
        return TestClient(web_server(self.service, lambda: "").config.app)

    def checks(self) -> dict[str, Check]:
        return {check.name: check for check in examine(self.service, "")}

    def result(self) -> Result:
        """Return all that is stored but for what a second try may change: numbers, and how deliveries were tried."""
        tables: dict[str, list[str]] = {}
        for table, row in map(json.loads, self.service.store.cases.dump()):
            if table == "deliveries":
                row.update(attempts=0, next_attempt_at=0, delivered_at=0)
            if table == "audit":
                row["number"] = 0
                if row["action"].startswith("delivery."):
                    row.update(at=0, detail="")
            if table not in {"marks", "beats"}:
                tables.setdefault(table, []).append(json.dumps(row, ensure_ascii=False, sort_keys=True))
        posts = self.service.store.posts
        rows = {name: sorted(each) for name, each in tables.items()}
        return Result(digest_posts(posts), posts.tally(NOON), set(self.receiver.keys), rows)


@pytest.fixture(scope="module", autouse=True)
def one_key() -> Iterator[None]:
    """Hash all authors with one key, so that what installations store can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QINGTING_AUTHOR_KEY", "5f" * 32)
        yield


@pytest.fixture(scope="module")
def lexicon() -> Reader:
    return open_service_reader(parse('[reader]\nbackend = "lexicon"\n', {}))


def posts_file(folder: Path, numbers: range) -> Path:
    """Return a file of posts, some of which call for an alert, and a line that is none."""
    file = folder / f"posts-{numbers.start}-{numbers.stop}.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number in numbers:
            place, trouble = PLACES[number % 4], TROUBLES[number // 4 % 4]
            at = NOON - 5 * HOUR + timedelta(minutes=5 * number)
            text = f"{place}第{number * 7919 % 1000}号：{trouble}，求处理"
            row = {"id": f"k{number}", "author": f"u{number}", "text": text, "published_at": at.isoformat()}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        out.write("{broken\n")
    return file


@pytest.fixture
def forty(tmp_path: Path) -> Path:
    return posts_file(tmp_path, range(40))


def configured(posts: str, cases: str, receiver: Receiver) -> Config:
    return parse(CONFIG, {"POSTS": posts, "CASES": cases, "RECEIVER": receiver.url})


@contextmanager
def opened(home: Path, posts: str, cases: str, reader: Reader) -> Iterator[Office]:
    """Open an installation on the addresses of its posts and cases."""
    receiver, clock = Receiver(), Clock()
    try:
        service = open_service(configured(posts, cases, receiver), home, clock)
        yield Office(service, receiver, clock, Noting(reader))
        service.store.close()
    finally:
        receiver.stop()


@pytest.fixture
def office(tmp_path: Path, fresh_elastic: StoreConfig, server: Any, lexicon: Reader) -> Iterator[Office]:
    """Return an installation with its cases in the module's own PostgreSQL."""
    with opened(tmp_path / "home", fresh_elastic.posts.reveal(), server.url, lexicon) as one:
        yield one


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, elastic_settings: StoreConfig, lexicon: Reader) -> Result:
    """Return what is stored when nothing goes wrong; with cases in SQLite, for that must make no difference."""
    folder = tmp_path_factory.mktemp("whole")
    with opened(folder / "home", f"{elastic_settings.posts.reveal()}-whole", "sqlite", lexicon) as one:
        steps: list[str] = []
        one.do_all(posts_file(folder, range(40)), steps.append)
        assert {*STEPS} <= {*steps}
        assert (one.failures, set(one.reader.read_ids.values())) == ([], {1})
        assert len(one.receiver.keys) == len(set(one.receiver.keys)) >= 4
        return one.result()


# PostgreSQL killed between any two steps


STEPS = ("import", "claim", "read", "copies", "group", "detect", "draft", "save", "batch", "deliver")


@pytest.mark.parametrize("moment", STEPS)
def test_postgresql_killed_after_any_step_changes_nothing_in_the_end(
    office: Office, server: Any, forty: Path, undisturbed: Result, moment: str
) -> None:
    passed: Counter[str] = Counter()

    def kill_it(step: str) -> None:
        passed[step] += 1
        # In the second batch, where there is something before and something after.
        if step == moment and passed[step] == (1 if step in {"import", "deliver"} else 2):
            server.kill()
            server.start()

    office.do_all(forty, kill_it)
    assert passed[moment]
    assert office.result() == undisturbed


def test_postgresql_lost_between_a_receivers_answer_and_its_record_sends_again_under_the_same_key(
    office: Office, server: Any, forty: Path, undisturbed: Result
) -> None:
    def kill_it() -> None:
        office.receiver.before = lambda: None
        server.kill()

    import_file(office.service, forty, "weibo", "张三")
    worker = office.worker()
    while worker.work() is not None:
        pass
    office.receiver.before = kill_it
    with httpx.Client() as client, pytest.raises(StoreError):
        deliver(office.service, client)
    server.start()
    office.clock.now += timedelta(minutes=3)
    office.deliver_all()
    assert [count for count in Counter(office.receiver.keys).values() if count > 1] == [2]
    assert office.result() == undisturbed


# Posts away


@contextmanager
def killed(node: Any, _index: str) -> Iterator[None]:
    node.kill()
    yield
    node.start()
    with Elasticsearch(node.url) as client:
        client.cluster.health(wait_for_status="yellow", timeout="60s")


@contextmanager
def paused(node: Any, _index: str) -> Iterator[None]:
    node.signal(signal.SIGSTOP)
    yield
    node.signal(signal.SIGCONT)


@contextmanager
def red(node: Any, index: str) -> Iterator[None]:
    """Let a month be lost: its index is there, and none of its shards is."""
    lost, nowhere = f"{index}-v1-2020.01", {"index.routing.allocation.require._name": "no-such-node"}
    with Elasticsearch(node.url) as client:
        client.indices.create(index=lost, aliases={index: {}}, settings=nowhere, wait_for_active_shards="0")
        yield
        client.indices.delete(index=lost)


@contextmanager
def deleted(node: Any, index: str) -> Iterator[None]:
    """Let somebody take the alias away, behind which all months lie."""
    with Elasticsearch(node.url) as client:
        (name,) = client.indices.get_alias(name=index).body
        client.indices.update_aliases(actions=[{"remove": {"index": name, "alias": index}}])
        yield
        add = {"add": {"index": name, "alias": index, "is_write_index": True}}
        client.indices.update_aliases(actions=[add])


@contextmanager
def remapped(node: Any, index: str) -> Iterator[None]:
    """Let somebody put an index of another making behind the alias."""
    with Elasticsearch(node.url) as client:
        client.indices.create(index=f"{index}-others", aliases={index: {}})
        yield
        client.indices.delete(index=f"{index}-others")


@pytest.fixture
def own_office(tmp_path: Path, elastic_node: Any, server: Any, lexicon: Reader) -> Iterator[Office]:
    """Return an installation with its posts on the module's own node, to be mistreated."""
    with opened(tmp_path / "home", f"{elastic_node.url}/?index={tmp_path.name}", server.url, lexicon) as one:
        yield one


def index_of(office: Office) -> str:
    return office.service.config.store.posts.reveal().partition("index=")[2]


@pytest.mark.parametrize("fault", [killed, paused, red, deleted, remapped])
def test_pages_and_doctor_say_what_is_stale_and_since_when_whatever_has_happened_to_the_posts(
    own_office: Office, elastic_node: Any, forty: Path, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(elastic_cluster, "GLANCE_SECONDS", 0.5)
    office = own_office
    office.do_all(forty, lambda _: None)
    office.clock.now = NOON
    assert office.worker().work() is None
    cases = office.service.store.cases
    event = cases.events.get(cases.alerts.latest()[0].event_id)
    (draft,) = cases.drafts.latest(event.id)
    paths = ("/", "/events", f"/events/{event.id}", f"/drafts/{draft.id}", "/search")
    office.clock.now = NOON + HOUR
    with office.pages() as pages:
        before = {path: pages.get(path).text for path in paths}
        assert not any("没有正常答复" in page for page in before.values())
        with fault(elastic_node, index_of(office)):
            for path in paths:
                answer = pages.get(path)
                assert (answer.status_code, SINCE_NOON in answer.text) == (200, True)
                assert "已有预警照常投递" in answer.text
            shown = pages.get(f"/events/{event.id}").text
            assert (shown.count("原文暂时取不到"), "求处理" in before[f"/events/{event.id}"]) == (event.size, True)
            found = pages.get("/search", params={"q": "死鱼"})
            assert (found.status_code, "现在不能检索" in found.text, SINCE_NOON in found.text) == (503, True, True)
            health = pages.get("/healthz")
            assert (health.status_code, health.json()["status"], health.json()["posts"]) == (200, "degraded", None)
            assert health.json()["problems"][0].startswith(SINCE_NOON)
            told = office.checks()
            assert (told["帖文库"].state, told["帖文库"].found.startswith(SINCE_NOON)) == ("broken", True)
            assert (told["案件库"].state, "研读进度" in told) == ("ok", False)
        assert pages.get("/search", params={"q": "死鱼"}).status_code == 200
        assert "没有正常答复" not in pages.get("/").text
    assert office.checks()["帖文库"].state == "ok"


def test_an_hour_without_elasticsearch_delays_reading_and_loses_nothing(
    own_office: Office, elastic_node: Any, forty: Path, tmp_path: Path, undisturbed: Result
) -> None:
    office = own_office
    worker = office.worker()
    import_file(office.service, posts_file(tmp_path, range(20)), "weibo", "张三")
    assert worker.work() is not None
    office.receiver.status = 503
    office.deliver()
    waiting = office.pending()
    assert (waiting > 0, office.receiver.keys) == (True, [])

    elastic_node.kill()
    office.receiver.status = 204
    for minutes in range(10, 61, 10):
        office.clock.now = NOON + timedelta(minutes=minutes)
        for step in (worker.work, lambda: import_file(office.service, forty, "weibo", "张三")):
            with pytest.raises(StoreError) as caught:
                step()
            assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
        office.deliver()
    assert (office.pending(), len(office.receiver.keys)) == (0, waiting)
    with office.pages() as pages:
        assert SINCE_NOON in pages.get("/").text

    elastic_node.start()
    with Elasticsearch(elastic_node.url) as client:
        client.cluster.health(wait_for_status="yellow", timeout="60s")
    office.clock.now = NOON
    import_file(office.service, forty, "weibo", "张三")
    while worker.work() is not None:
        pass
    office.deliver_all()
    assert set(office.reader.read_ids.values()) == {1}
    assert office.service.store.posts.tally(NOON).unread == 0
    assert office.service.store.posts.count(Search("死鱼")) == 12
    assert office.result().but_records() == undisturbed.but_records()


def test_a_sign_of_life_tells_what_keeps_a_worker_from_reading_and_the_log_tells_it_once(
    own_office: Office, elastic_node: Any, caplog: pytest.LogCaptureFixture
) -> None:
    office, records = own_office, own_office.service.store.cases.records
    reading, troubles = Reading(office.service, office.worker(), threading.Event()), Troubles()

    def run_it() -> None:
        error: Exception | None = None
        try:
            reading.run()
        except StoreError as caught:
            error = caught
        troubles.note(Ran("read", error))  # type: ignore[arg-type]

    with killed(elastic_node, ""):
        for _ in range(3):
            run_it()
            assert records.beats()["work-1"] == (NOON, "研读暂停：Elasticsearch 连接不上")
    for _ in range(2):
        run_it()
    assert records.beats()["work-1"] == (NOON, "正常")
    told = [record.getMessage() for record in caplog.records if record.name == "qingting"]
    assert told == ["定时任务 read 失败，稍后重试：Elasticsearch 连接不上。", "定时任务 read 已恢复。"]


@dataclass
class Ran:
    """What the scheduler says of a job that ran."""

    job_id: str
    exception: Exception | None
    traceback: str = ""


# Cases away


def test_an_hour_without_postgresql_is_told_of_and_made_up_for(
    office: Office,
    server: Any,
    forty: Path,
    undisturbed: Result,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    worker = office.worker()
    import_file(office.service, forty, "weibo", "张三")
    worker.work()
    with office.pages() as pages:
        assert pages.get("/").status_code == 200
        server.kill()
        office.clock.now = NOON + HOUR
        for step in (worker.work, lambda: import_file(office.service, forty, "weibo", "张三")):
            with pytest.raises(StoreError) as caught:
                step()
            assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
        for path in ("/", "/events", "/search?q=死鱼"):
            answer = pages.get(path)
            assert answer.status_code == 503
            assert "案件库自 2026-09-22 12:00 起没有正常答复：数据库无法使用" in answer.text
        health = pages.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (503, "unavailable")
        assert doctor(office, tmp_path, monkeypatch) == 1
        assert "案件库自 2026-09-22 12:00 起没有正常答复" in capsys.readouterr().out
        server.start()
        assert pages.get("/").status_code == 200
    office.clock.now = NOON
    while worker.work() is not None:
        pass
    office.deliver_all()
    assert office.result().but_records() == undisturbed.but_records()


def doctor(office: Office, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run `qingting doctor` on an installation and return its exit code."""
    environment(office.service.config, office.receiver, monkeypatch)
    (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
    arguments = ["doctor", "--home", str(office.service.home), "--config", str(folder / "config.toml"), "--json"]
    return run(app, arguments)


def environment(config: Config, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTS", config.store.posts.reveal())
    monkeypatch.setenv("CASES", config.store.cases.reveal())
    monkeypatch.setenv("RECEIVER", receiver.url)


# The standing role itself


@pytest.fixture
def standing(own_office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """Run `qingting work` as a process of its own on the office's servers."""
    environment(own_office.service.config, own_office.receiver, monkeypatch)
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    options = ["--home", str(own_office.service.home), "--config", str(tmp_path / "config.toml")]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "qingting.cli", "work", *options], stderr=log)
        yield process
        process.kill()
        process.wait()


def eventually(happened: Callable[[], bool]) -> None:
    """Wait until something has happened, or fail."""
    pause = threading.Event()
    for _ in range(PATIENCE * 5):
        if happened():
            return
        pause.wait(0.2)
    pytest.fail("it never happened")


def test_the_work_role_outlives_both_servers_and_delivers_meanwhile(
    own_office: Office, standing: subprocess.Popen[bytes], elastic_node: Any, server: Any, forty: Path, tmp_path: Path
) -> None:
    office, store = own_office, own_office.service.store
    import_file(office.service, forty, "weibo", "张三")
    eventually(lambda: store.posts.tally(NOON).unread == 0 and office.pending() == 0)
    sent = len(office.receiver.keys)

    elastic_node.kill()
    alert = Alert("a-late", "e-late", "volume", Level.RED, "清江异味", "", datetime.now(UTC), datetime.now(UTC))
    store.cases.alerts.add(alert, ["值班室"], datetime.now(UTC))
    eventually(lambda: len(office.receiver.keys) == sent + 1)
    eventually(lambda: any(detail.startswith("研读暂停") for _, detail in store.cases.records.beats().values()))
    server.kill()
    server.start()
    elastic_node.start()

    more = posts_file(tmp_path, range(40, 50))
    eventually(lambda: succeeds(lambda: import_file(office.service, more, "weibo", "张三")))
    eventually(lambda: store.posts.tally(NOON).unread == 0 and office.pending() == 0)
    assert (store.posts.tally(NOON).total, standing.poll()) == (50, None)
    assert len(office.receiver.keys) == len(set(office.receiver.keys))
    standing.send_signal(signal.SIGTERM)
    assert standing.wait(timeout=PATIENCE) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def succeeds(step: Callable[[], object]) -> bool:
    try:
        step()
    except StoreError:
        return False
    return True
