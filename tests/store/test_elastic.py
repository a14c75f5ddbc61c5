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
from qingting.strict import Secret

MORNING = datetime(2025, 3, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
DAY = timedelta(days=1)
DEEPEST = 25
"""Parentheses and negations inside one another, well beyond what people type; the server nests 29."""

SHANGHAI = ZoneInfo("Asia/Shanghai")

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


@pytest.fixture
def client(elasticsearch: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(elasticsearch) as client:
        yield client


@pytest.fixture
def prefix(fresh_elastic: StoreConfig) -> str:
    """Return a prefix of the test's own, whose indexes are deleted when it ends."""
    return fresh_elastic.posts.reveal().partition("index=")[2]


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


def begin_in_an_earlier_month(client: Elasticsearch, prefix: str) -> str:
    """Put an index of an earlier month in the place of this month's, as if the service had begun then."""
    (current,) = months(client, prefix)
    earlier = f"{prefix}-v1-2020.01"
    client.indices.create(index=earlier)
    actions: list[dict[str, Any]] = [
        {"remove_index": {"index": current}},
        {"add": {"index": earlier, "alias": prefix, "is_write_index": True}},
    ]
    client.indices.update_aliases(actions=actions)
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


def test_posts_of_all_months_are_known_searched_claimed_and_read(
    client: Elasticsearch,
    prefix: str,
    reopen: Callable[..., ElasticPosts],
    make_post: MakePost,
    make_reading: MakeReading,
) -> None:
    before = reopen()
    before.append([make_post(0)])
    earlier = begin_in_an_earlier_month(client, prefix)
    undated = make_post(1, published_at=None, fetched_at=MORNING)
    before.append([undated, make_post(2)])
    posts = reopen()
    assert list(months(client, prefix).values()) == [False, True]
    again = make_post(1, published_at=None, fetched_at=MORNING + 40 * DAY)
    assert posts.append([again, make_post(3)]) == Appended(new=("p3",), known=("p1",))
    client.indices.refresh(index=prefix)
    assert {hit["_id"] for hit in client.search(index=earlier)["hits"]["hits"]} == {"p1", "p2"}
    assert [post.id for post in posts.claim_unread("a", 9, MORNING, LEASE)] == ["p1", "p2", "p3"]
    posts.save_readings([make_reading("p1"), make_reading("p3")])
    assert (posts.facet(Search(), "sentiment"), posts.get(["p1"])) == ({"negative": 2}, {"p1": undated})
    assert posts.tally(MORNING).unread == 1


def test_a_process_that_runs_through_the_end_of_a_month_moves_on_with_it(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    posts = reopen()
    begin_in_an_earlier_month(client, prefix)
    posts.append([make_post(1)])
    assert list(months(client, prefix).values()) == [False, True]


def test_a_month_is_forgotten_by_deleting_its_index(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    reopen()
    earlier = begin_in_an_earlier_month(client, prefix)
    client.index(index=earlier, id="p1", document={"id": "p1", "at": 0, "time": 0, "unread": True}, refresh=True)
    posts = reopen()
    posts.append([make_post(2)])
    client.indices.delete(index=earlier)
    assert (posts.count(Search()), posts.known(["p1", "p2"])) == (1, {"p2"})


def test_a_post_that_two_processes_store_in_two_months_at_once_stays_in_the_older_one(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    reopen()
    earlier = begin_in_an_earlier_month(client, prefix)
    posts = reopen()
    # The other process has stored p1 this instant: it is there, but no search sees it yet.
    client.indices.put_settings(index=earlier, settings={"refresh_interval": "-1"})
    client.index(index=earlier, id="p1", document={"id": "p1", "at": 0, "time": 0, "unread": True})
    assert posts.append([make_post(1), make_post(2)]) == Appended(new=("p2",), known=("p1",))
    client.indices.refresh(index=prefix)
    found = {hit["_id"]: hit["_index"] for hit in client.search(index=prefix)["hits"]["hits"]}
    assert (found["p1"], len(found)) == (earlier, 2)


@pytest.mark.parametrize("meta", [{}, {"_meta": {"version": 2}}])
def test_indexes_that_were_made_otherwise_are_refused(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], meta: dict[str, Any]
) -> None:
    client.indices.create(index=f"{prefix}-others", aliases={prefix: {"is_write_index": True}}, mappings=meta)
    posts = reopen()
    with pytest.raises(StoreError) as caught:
        posts.count(Search())
    assert (caught.value.reason, caught.value.retryable) == ("schema", False)


def test_an_index_in_the_place_of_the_alias_is_refused(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    client.index(index=prefix, document={"text": "made by a program that knows no alias"})
    posts = reopen()
    with pytest.raises(StoreError) as caught:
        posts.append([make_post(1)])
    assert caught.value.reason == "schema"


def test_a_deleted_alias_is_told_of_and_not_made_up_for_by_an_index_without_a_mapping(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    posts = reopen()
    (current,) = months(client, prefix)
    client.indices.delete(index=current)
    for call in (lambda: posts.count(Search()), lambda: posts.append([make_post(1)])):
        with pytest.raises(StoreError) as caught:
            call()
        assert (caught.value.reason, caught.value.retryable) == ("unavailable", False)
    assert not client.indices.exists(index=prefix)


def test_a_description_names_versions_state_and_a_changed_cut(reopen: Callable[..., ElasticPosts], prefix: str) -> None:
    assert f"（{prefix}，模式版本 1，1 个索引，状态 green）" in reopen("jieba-1").describe()
    assert "已变化" not in reopen("jieba-1").describe()
    assert "分词版本已变化" in reopen("jieba-2").describe()


def test_a_transaction_covers_the_cases_and_posts_are_written_at_once(
    elasticsearch: str, prefix: str, tmp_path: Path, make_post: MakePost
) -> None:
    def write_and_fail(store: Store) -> None:
        with store.transaction():
            store.cases.records.audit([AuditEntry(MORNING, "张三", "test", "s", "")])
            store.posts.append([make_post(1)])
            raise RuntimeError

    store = open_store(StoreConfig(posts=Secret(f"{elasticsearch}/?index={prefix}")), tmp_path, list)
    with pytest.raises(RuntimeError):
        write_and_fail(store)
    assert (store.cases.records.audit_of("s"), store.posts.known(["p1"])) == ([], {"p1"})
    assert store.describe().keys() == {"posts", "cases"}
    store.close()


def test_what_a_process_wrote_is_seen_by_others_once_it_has_closed(
    client: Elasticsearch, prefix: str, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    first, second = reopen(), reopen()
    client.indices.put_settings(index=prefix, settings={"refresh_interval": "-1"})
    first.append([make_post(1)])
    assert second.count(Search()) == 0
    first.close()
    assert second.count(Search()) == 1


def test_a_reading_finds_a_post_that_another_process_has_only_just_stored(
    client: Elasticsearch,
    prefix: str,
    reopen: Callable[..., ElasticPosts],
    make_post: MakePost,
    make_reading: MakeReading,
) -> None:
    first, second = reopen(), reopen()
    client.indices.put_settings(index=prefix, settings={"refresh_interval": "-1"})
    first.append([make_post(1)])
    second.save_readings([make_reading("p1")])
    assert second.readings(["p1"]) == {"p1": make_reading("p1")}


# Large and hostile requests


def test_a_post_that_the_mapping_refuses_is_named_and_the_others_are_stored(
    reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    posts = reopen()
    with pytest.raises(StoreError, match="p2") as caught:
        posts.append([make_post(1), make_post(2, likes=1 << 63), make_post(3)])
    assert (caught.value.reason, caught.value.retryable) == ("schema", False)
    assert posts.append([make_post(1), make_post(3)]) == Appended(new=(), known=("p1", "p3"))


def test_more_hits_than_one_answer_holds_are_read_from_one_point_in_time(
    monkeypatch: pytest.MonkeyPatch,
    reopen: Callable[..., ElasticPosts],
    make_post: MakePost,
    make_reading: MakeReading,
) -> None:
    monkeypatch.setattr(elastic_cluster, "WINDOW", 3)
    posts = reopen()
    numbers = range(10)
    posts.append([make_post(number) for number in numbers])
    assert [post.id for post in posts.claim_unread("a", 8, MORNING, LEASE)] == [f"p{number}" for number in range(8)]
    posts.save_readings([make_reading(f"p{number}", fingerprint=number) for number in numbers])
    page = posts.search(Search(limit=7))
    assert [hit.post.id for hit in page.hits] == [f"p{number}" for number in reversed(range(3, 10))]
    assert len(posts.search(Search(limit=7, after=page.next)).hits) == 3
    assert len(posts.similar(0, 4, MORNING, MORNING + DAY)) == 10


def test_a_trend_with_more_buckets_than_the_server_gives_at_once_is_read_in_pages(
    monkeypatch: pytest.MonkeyPatch,
    client: Elasticsearch,
    reopen: Callable[..., ElasticPosts],
    make_post: MakePost,
) -> None:
    monkeypatch.setattr(elastic_counts, "PAGE_BUCKETS", 4)
    posts = reopen()
    posts.append([make_post(number, source=("weibo", "news")[number % 2]) for number in range(0, 700, 9)])
    whole, by_source = posts.trend(Search(), "hour"), posts.trend(Search(), "hour", "source")
    client.cluster.put_settings(persistent={"search.max_buckets": 5})
    try:
        assert (posts.trend(Search(), "hour"), posts.trend(Search(), "hour", "source")) == (whole, by_source)
    finally:
        client.cluster.put_settings(persistent={"search.max_buckets": None})
    assert (len(whole), len(by_source), sum(point.count for point in by_source)) == (12, 24, 78)


def test_a_facet_with_more_values_than_are_asked_for_is_an_error_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    monkeypatch.setattr(elastic_counts, "MOST_VALUES", 2)
    posts = reopen()
    posts.append([make_post(number, source=f"s{number}") for number in range(3)])
    for call in (lambda: posts.facet(Search(), "source"), lambda: posts.trend(Search(), "day", "source")):
        with pytest.raises(StoreError) as caught:
            call()
        assert caught.value.reason == "partial"


def test_the_deepest_query_that_can_be_stated_is_answered(
    reopen: Callable[..., ElasticPosts], make_post: MakePost
) -> None:
    posts = reopen()
    posts.append([make_post(1, "a"), make_post(2, "b")])
    inner = "a"
    for depth in range(DEEPEST):
        inner = f"(a | b {inner})" if depth % 2 else f"(b a | {inner})"
    negated = "-" * DEEPEST + "a"
    for query in (inner, negated):
        assert posts.count(Search(query, since=MORNING)) == 1
