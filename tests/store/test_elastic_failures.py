"""That a cluster which is full, slow, cut off, killed, paused or red loses nothing and reads nothing twice."""

from __future__ import annotations

import http.client
import json
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from elasticsearch import Elasticsearch

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry, Post, Reading
from qingting.store import Appended, Search, Tally, open_store
from qingting.store.elastic import ElasticPosts
from qingting.store.elastic_address import connect, parse_address
from qingting.store.elastic_cluster import MOST_WAITS, Cluster
from qingting.strict import Secret

BACK_ENDS = ("elastic",)

NOW = datetime(2025, 3, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
PATIENCE = 3.0
"""Seconds that the posts wait for an answer in these tests."""

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]

Fault = str
"""What the proxy does to a request: 'full', 'half full', 'unavailable', 'cut before', 'cut after', 'silent'."""


class FaultyProxy(ThreadingHTTPServer):
    """Stands before a cluster and does to each bulk request, or to each request, what it was told to do next."""

    daemon_threads = True

    def __init__(self, target: str, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.target = target.removeprefix("http://")
        self.for_bulk: list[Fault] = []
        self.for_all: Fault = ""
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def stop(self) -> None:
        """End the proxy; what it keeps waiting is let go."""
        self.released.set()
        self.shutdown()
        self.server_close()
        self._thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of connections that a fault has cut."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FaultyProxy

    def handle_request(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = self.server.for_all
        if self.path.startswith("/_bulk") and self.server.for_bulk:
            fault = self.server.for_bulk.pop(0)
        if fault == "cut before":
            self.close_connection = True
        elif fault == "silent":
            self.server.released.wait()
            self.close_connection = True
        elif fault == "full":
            self.answer(429, {"error": {"type": "es_rejected_execution_exception"}, "status": 429})
        elif fault == "unavailable":
            self.answer(503, {"error": {"type": "unavailable"}, "status": 503})
        elif fault == "half full":
            self.answer(200, self.half_done(body))
        else:
            status, answer = self.forward(body)
            if fault == "cut after":
                self.close_connection = True
            else:
                self.answer(status, answer)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_request  # noqa: N815 - names that the library calls

    def forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.server.target, timeout=30)
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if name in self.headers}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        answer = response.status, response.read()
        connection.close()
        return answer

    def half_done(self, body: bytes) -> dict[str, Any]:
        """Have the first half of a bulk of creations done and refuse the other."""
        lines = body.splitlines(keepends=True)
        middle = len(lines) // 4 * 2
        _, answer = self.forward(b"".join(lines[:middle]))
        refused = {"status": 429, "_index": "", "error": {"type": "es_rejected_execution_exception"}}
        done: dict[str, Any] = json.loads(answer)
        done["items"] += [{"create": refused} for _ in lines[middle::2]]
        return done

    def answer(self, status: int, content: dict[str, Any] | bytes) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=9")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


@pytest.fixture
def proxy(elasticsearch: str) -> Iterator[FaultyProxy]:
    proxy = FaultyProxy(elasticsearch)
    yield proxy
    proxy.stop()


@pytest.fixture
def waits() -> list[float]:
    """Return where the posts note how long they wait, in place of waiting."""
    return []


@pytest.fixture
def posts(proxy: FaultyProxy, store_settings: StoreConfig, waits: list[float]) -> Iterator[ElasticPosts]:
    """Return posts that speak to the cluster through the proxy."""
    posts = open_posts(f"{proxy.url}/?{store_settings.posts.reveal().partition('?')[2]}", waits.append)
    yield posts
    proxy.for_all, proxy.for_bulk = "", []
    posts.close()


def open_posts(url: str, sleep: Callable[[float], None] = [].append) -> ElasticPosts:
    address = parse_address(url)
    cluster = Cluster(connect(address, PATIENCE), sleep)
    posts = ElasticPosts(cluster, address.prefix, list, ZoneInfo("Asia/Shanghai"))
    posts.open()
    return posts


def read_all(posts: ElasticPosts, make_reading: MakeReading) -> list[str]:
    """Claim and read posts until none is unread, and return the ids in the order in which they were read."""
    read: list[str] = []
    while claimed := posts.claim_unread("a", 400, NOW, LEASE):
        posts.save_readings([make_reading(post.id) for post in claimed])
        read += [post.id for post in claimed]
    return read


# Full


def test_only_the_posts_that_the_cluster_had_no_room_for_are_sent_again(
    posts: ElasticPosts, proxy: FaultyProxy, make_post: MakePost, waits: list[float]
) -> None:
    proxy.for_bulk = ["half full", "full"]
    given = [make_post(number) for number in range(10)]
    assert posts.append(given) == Appended(new=tuple(post.id for post in given), known=())
    assert (posts.count(Search()), waits) == (10, [0.1, 0.2])


def test_a_cluster_that_stays_full_is_called_busy_and_later_takes_what_is_left(
    posts: ElasticPosts, proxy: FaultyProxy, make_post: MakePost, waits: list[float]
) -> None:
    proxy.for_bulk = ["half full", *["full"] * MOST_WAITS]
    given = [make_post(number) for number in range(10)]
    with pytest.raises(StoreError) as caught:
        posts.append(given)
    assert (caught.value.reason, caught.value.retryable, len(waits)) == ("busy", True, MOST_WAITS)
    assert sorted(waits) == waits
    posts.append(given)
    assert (posts.count(Search()), posts.tally(NOW).unread) == (10, 10)


def test_a_search_that_a_full_cluster_refuses_is_called_busy(posts: ElasticPosts, proxy: FaultyProxy) -> None:
    proxy.for_all = "full"
    with pytest.raises(StoreError) as caught:
        posts.count(Search())
    assert (caught.value.reason, caught.value.retryable) == ("busy", True)


def test_a_disk_past_its_flood_mark_is_called_busy_and_searches_go_on(
    elasticsearch: str, store_settings: StoreConfig, posts: ElasticPosts, make_post: MakePost, make_reading: MakeReading
) -> None:
    indexes = f"{store_settings.posts.reveal().partition('index=')[2]}*"
    given = [make_post(number) for number in range(10)]
    posts.append(given[:5])
    with Elasticsearch(elasticsearch) as client:
        # What the server itself does to the indexes of a node whose disk is 95 % full.
        client.indices.put_settings(index=indexes, settings={"index.blocks.read_only_allow_delete": True})
        try:
            for call in (lambda: posts.append(given), lambda: posts.claim_unread("a", 9, NOW, LEASE)):
                with pytest.raises(StoreError) as caught:
                    call()
                assert (caught.value.reason, caught.value.retryable) == ("busy", True)
            assert posts.count(Search()) == 5
        finally:
            client.indices.put_settings(index=indexes, settings={"index.blocks.read_only_allow_delete": None})
    assert len(posts.append(given).new) == 5
    assert Counter(read_all(posts, make_reading)) == Counter(post.id for post in given)


# Cut off, slow, away


@pytest.mark.parametrize("fault", ["unavailable", "cut before"])
def test_a_cluster_that_does_not_answer_is_called_unavailable(
    posts: ElasticPosts, proxy: FaultyProxy, make_post: MakePost, make_reading: MakeReading, fault: Fault
) -> None:
    posts.append([make_post(1)])
    proxy.for_all = fault
    calls: list[Callable[[], object]] = [
        lambda: posts.search(Search()),
        lambda: posts.append([make_post(2)]),
        lambda: posts.save_readings([make_reading("p1")]),
    ]
    for call in calls:
        with pytest.raises(StoreError) as caught:
            call()
        assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
        assert proxy.url.rpartition("/")[2] not in f"{caught.value}{caught.value.hint}"
    proxy.for_all = ""
    assert posts.append([make_post(1), make_post(2)]) == Appended(new=("p2",), known=("p1",))


def test_a_cluster_that_is_too_slow_is_called_unavailable(posts: ElasticPosts, proxy: FaultyProxy) -> None:
    proxy.for_all = "silent"
    with pytest.raises(StoreError, match="限定时间") as caught:
        posts.count(Search())
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)


def test_a_connection_cut_before_the_answer_loses_no_post_and_stores_none_twice(
    posts: ElasticPosts, proxy: FaultyProxy, make_post: MakePost, make_reading: MakeReading
) -> None:
    given = [make_post(number) for number in range(10)]
    proxy.for_bulk = ["cut after"]
    appended = posts.append(given)
    assert sorted(appended.new + appended.known) == sorted(post.id for post in given)
    proxy.for_bulk = ["cut after", "", "cut after"]
    assert Counter(read_all(posts, make_reading)) == Counter(post.id for post in given)
    assert posts.tally(NOW).unread == 0


def test_readings_refused_half_way_are_complete_after_another_try(
    posts: ElasticPosts, proxy: FaultyProxy, make_post: MakePost, make_reading: MakeReading
) -> None:
    posts.append([make_post(number) for number in range(10)])
    claimed = posts.claim_unread("a", 9, NOW, LEASE)
    readings = [make_reading(post.id) for post in claimed]
    proxy.for_bulk = ["unavailable"]
    with pytest.raises(StoreError):
        posts.save_readings(readings)
    posts.save_readings(readings)
    assert posts.tally(NOW) == Tally(10, 1, 0, make_post(9).at)


def test_a_service_starts_while_its_cluster_is_away_and_goes_on_when_it_is_back(
    elasticsearch: str, store_settings: StoreConfig, tmp_path: Path, make_post: MakePost
) -> None:
    proxy = FaultyProxy(elasticsearch)
    proxy.stop()
    address = f"{proxy.url}/?{store_settings.posts.reveal().partition('?')[2]}"
    store = open_store(StoreConfig(posts=Secret(address)), tmp_path, list)
    store.cases.records.audit([AuditEntry(NOW, "张三", "test", "s", "")])
    assert "连接不上" in store.describe()["posts"]
    with pytest.raises(StoreError) as caught:
        store.posts.tally(NOW)
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
    back = FaultyProxy(elasticsearch, proxy.server_port)
    store.posts.append([make_post(1)])
    assert store.posts.tally(NOW).total == 1
    store.close()
    back.stop()


def test_no_failure_tells_the_password(tmp_path: Path) -> None:
    store = open_store(StoreConfig(posts=Secret("http://u:geheim@127.0.0.1:9/")), tmp_path, list)
    with pytest.raises(StoreError) as caught:
        store.posts.count(Search())
    assert "geheim" not in f"{caught.value!r}{caught.value.hint}{store.describe()}"
    store.close()


# Killed, paused, red


def test_a_node_killed_in_the_middle_of_writing_keeps_what_it_acknowledged(
    elastic_node: Any, make_post: MakePost, make_reading: MakeReading
) -> None:
    posts = open_posts(f"{elastic_node.url}/?index=killed")
    batches = [[make_post(number) for number in range(start, start + 100)] for start in range(0, 20_000, 100)]
    acknowledged: set[str] = set()
    under_way = threading.Event()

    def write() -> None:
        for batch in batches:
            acknowledged.update(posts.append(batch).new)
            if len(acknowledged) >= 300:
                under_way.set()

    failures: list[StoreError] = []

    def write_until_it_fails() -> None:
        try:
            write()
        except StoreError as error:
            failures.append(error)

    writer = threading.Thread(target=write_until_it_fails)
    writer.start()
    under_way.wait()
    elastic_node.kill()
    writer.join()
    elastic_node.start()
    assert [(each.reason, each.retryable) for each in failures] == [("unavailable", True)]
    wait_until_whole(elastic_node.url)
    assert posts.known(acknowledged) == acknowledged

    given = [post for batch in batches[: len(acknowledged) // 100 + 2] for post in batch]
    appended = posts.append(given)
    assert acknowledged <= set(appended.known)
    assert posts.count(Search()) == len(given)
    assert Counter(read_all(posts, make_reading)) == Counter(post.id for post in given)
    posts.close()


def test_one_of_three_nodes_killed_while_posts_come_in_loses_none_and_stores_none_twice(
    elastic_cluster: list[Any], make_post: MakePost, make_reading: MakeReading
) -> None:
    hosts = ",".join(node.url.removeprefix("http://") for node in elastic_cluster)
    posts = open_posts(f"http://{hosts}/")
    with Elasticsearch(elastic_cluster[0].url) as client:
        client.cluster.health(wait_for_status="green", wait_for_nodes="3", timeout="60s")
    given = [make_post(number) for number in range(3_000)]
    batches = [given[start : start + 100] for start in range(0, len(given), 100)]
    under_way = threading.Event()

    def write() -> None:
        for number, batch in enumerate(batches):
            append_in_the_end(posts, batch)
            if number == len(batches) // 4:
                under_way.set()

    writer = threading.Thread(target=write)
    writer.start()
    under_way.wait()
    elastic_cluster[0].kill()
    writer.join()
    wait_until_whole(elastic_cluster[1].url)
    assert posts.count(Search()) == len(given)
    assert Counter(read_all(posts, make_reading)) == Counter(post.id for post in given)
    posts.close()


def append_in_the_end(posts: ElasticPosts, batch: list[Post]) -> None:
    """Store a batch, as often as it takes the cluster to choose another master."""
    pause = threading.Event()
    for _ in range(100):
        try:
            posts.append(batch)
        except StoreError as error:
            if not error.retryable:
                raise
            pause.wait(0.3)
        else:
            return
    pytest.fail("the cluster did not recover")


def test_a_paused_node_is_called_unavailable_and_answers_again_when_it_goes_on(
    elastic_node: Any, make_post: MakePost
) -> None:
    posts = open_posts(f"{elastic_node.url}/?index=paused")
    posts.append([make_post(1)])
    elastic_node.signal(signal.SIGSTOP)
    with pytest.raises(StoreError) as caught:
        posts.append([make_post(1), make_post(2)])
    assert (caught.value.reason, caught.value.retryable) == ("unavailable", True)
    elastic_node.signal(signal.SIGCONT)
    assert posts.append([make_post(1), make_post(2)]).known[0] == "p1"
    assert posts.count(Search()) == 2
    posts.close()


def test_a_month_that_is_lost_is_told_of_in_place_of_results_without_it(
    elasticsearch: str, store_settings: StoreConfig, posts: ElasticPosts, make_post: MakePost
) -> None:
    prefix = store_settings.posts.reveal().partition("index=")[2]
    nowhere = {"index.routing.allocation.require._name": "no-such-node"}
    posts.append([make_post(1)])
    with Elasticsearch(elasticsearch) as client:
        lost = f"{prefix}-v1-2020.01"
        client.indices.create(index=lost, aliases={prefix: {}}, settings=nowhere, wait_for_active_shards="0")
        try:
            assert "状态 red" in posts.describe()
            for call in (lambda: posts.count(Search()), lambda: posts.facet(Search(), "source")):
                with pytest.raises(StoreError) as caught:
                    call()
                assert (caught.value.reason, caught.value.retryable) == ("partial", True)
        finally:
            client.indices.delete(index=lost)
    assert posts.count(Search()) == 1


def wait_until_whole(url: str) -> None:
    with Elasticsearch(url) as client:
        client.cluster.health(wait_for_status="yellow", timeout="60s")
