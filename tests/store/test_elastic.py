"""What only the posts in Elasticsearch have: addresses, months behind an alias, requests too large for one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from elasticsearch import Elasticsearch

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry, Post, Reading
from qingting.store import Appended, Search, Store, elastic_cluster, elastic_counts, open_store
from qingting.store.elastic import ElasticPosts, open_elastic
from qingting.store.elastic_address import parse_address
from qingting.store.query import DEEPEST
from qingting.strict import Secret

MORNING = datetime(2025, 3, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


@pytest.fixture
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as client:
        yield client


@pytest.fixture
def prefix(client: Elasticsearch, tmp_path: Path) -> Iterator[str]:
    """Return a prefix of the test's own, whose indexes are deleted when it ends."""
    prefix = f"own-{tmp_path.name[-60:].lower().replace('_', '-')}"
    yield prefix
    for name in client.indices.get(index=f"{prefix}*").body:
        client.indices.delete(index=name)
    client.indices.delete_index_template(name=f"{prefix}*")


@pytest.fixture
def reopen(elasticsearch: str, prefix: str) -> Iterator[Callable[..., ElasticPosts]]:
    """Open the posts under the test's own prefix, as often as a test asks."""
    opened = []

    def open_one(cut_version: str = "") -> ElasticPosts:
        opened.append(open_elastic(f"{elasticsearch}/?index={prefix}", list, SHANGHAI, cut_version))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def months(client: Elasticsearch, prefix: str) -> dict[str, bool]:
    """Return the indexes behind the alias, and to which of them it writes."""
    found = client.indices.get_alias(name=prefix).body
    return {name: each["aliases"][prefix]["is_write_index"] for name, each in sorted(found.items())}


def begin_in_an_earlier_month(client: Elasticsearch, posts: ElasticPosts, prefix: str) -> str:
    """Put an index of an earlier month before this month's, as if the service had begun then; return its name."""
    (current,) = months(client, prefix)
    earlier = f"{prefix}-v1-2020.01"
    client.indices.create(index=earlier, aliases={prefix: {"is_write_index": False}})
    actions = [
        {"add": {"index": current, "alias": prefix, "is_write_index": False}},
        {"add": {"index": earlier, "alias": prefix, "is_write_index": True}},
    ]
    client.indices.update_aliases(actions=actions)
    client.indices.delete(index=current)
    return earlier


# Addresses


@pytest.mark.parametrize(
    ("url", "nodes", "user", "secret", "index"),
    [
        ("http://127.0.0.1:9200", ("http://127.0.0.1:9200",), "", "", "qingting-posts"),
        ("https://es.example/?index=qt", ("https://es.example:9200",), "", "", "qt"),
        ("https://u:p%40ss@es.example:9243/", ("https://es.example:9243",), "u", "p@ss", "qingting-posts"),
        ("https://a2V5OnNlY3JldA==@es.example", ("https://es.example:9200",), "", "a2V5OnNlY3JldA==", "qingting-posts"),
        ("https://u:p@a:1,b:2", ("https://a:1", "https://b:2"), "u", "p", "qingting-posts"),
        ("http://u:p@[::1]:9200", ("http://[::1]:9200",), "u", "p", "qingting-posts"),
        ("http://u:p@localhost", ("http://localhost:9200",), "u", "p", "qingting-posts"),
    ],
)
def test_an_address_names_nodes_credentials_and_prefix(
    url: str, nodes: tuple[str, ...], user: str, secret: str, index: str
) -> None:
    address = parse_address(url)
    assert (address.nodes, address.user, address.secret, address.prefix) == (nodes, user, secret, index)


@pytest.mark.parametrize(
    "url",
    [
        "https://u:geheim@es.example/posts",
        "https://u:geheim@es.example/?shards=3",
        "https://u:geheim@es.example/?index=Posts",
        "https://u:geheim@es.example/?index=a*",
        "https://u:geheim@es.example/?ca=/no/such/file",
        "https://u:geheim@es.example:port/",
        "https://u:geheim@/",
        "http://u:geheim@es.example/",
        "http://geheim@10.0.0.1/",
    ],
)
def test_an_address_that_cannot_be_followed_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_address(url)
    assert caught.value.reason == "unsupported"
    assert "geheim" not in f"{caught.value!r}{caught.value.hint}"


# The indexes


def test_a_new_month_gets_its_own_index_and_all_months_are_searched(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    earlier = begin_in_an_earlier_month(client, reopen(), prefix)
    undated = make_post(1, published_at=None, fetched_at=MORNING)
    client.bulk(operations=[])if False else None
    posts = reopen()
    (_, current) = months(client, prefix)
    assert months(client, prefix) == {earlier: False, current: True}
    posts.append([undated])
    assert {hit["_index"] for hit in client.search(index=prefix)["hits"]["hits"]} == {current}
