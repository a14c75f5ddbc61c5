"""What every back end of the posts keeps to when old posts are dropped; and what only one of them has to do for it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from qingting.config import StoreConfig
from qingting.errors import NotFoundError, StoreError
from qingting.model import Post, Reading
from qingting.store import Appended, Search, Store, open_store, sqlite_dropping
from qingting.store.elastic_cluster import Cluster
from tests.store.conftest import cut

MONTH = "2020.01"
IN_JANUARY = datetime(2020, 1, 15, tzinfo=UTC)
FEBRUARY = datetime(2020, 2, 1, tzinfo=UTC)
MARCH = datetime(2020, 3, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)
DAY = timedelta(days=1)

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


@pytest.fixture(params=["sqlite", "elastic"])
def posts_settings(request: pytest.FixtureRequest) -> StoreConfig:
    """Return the configuration of a back end of the test's own."""
    if request.param == "sqlite":
        return StoreConfig()
    settings: StoreConfig = request.getfixturevalue("fresh_elastic")
    return settings


@pytest.fixture
def opened(posts_settings: StoreConfig, tmp_path: Path) -> Any:
    """Open the test's own store, as often as it asks."""
    stores = []

    def open_one() -> Store:
        stores.append(open_store(posts_settings, tmp_path / "home", cut))
        return stores[-1]

    yield open_one
    for each in stores:
        each.close()


@pytest.fixture
def fill(
    posts_settings: StoreConfig, opened: Callable[[], Store], make_post: MakePost, make_reading: MakeReading
) -> Callable[..., Store]:
    """Store posts of January 2020 that also arrived then, and one of March; return the store."""

    def filled(*january: Post) -> Store:
        store = opened()
        store.posts.append([make_post(100, published_at=MARCH + DAY, fetched_at=MARCH + DAY)])
        current = _arrive_in_january(posts_settings)
        store.posts.append(january)
        store.close()
        _arrive_again(posts_settings, current)
        return opened()

    return filled


def _arrive_in_january(settings: StoreConfig) -> str:
    """Have posts arrive in an earlier month, as far as Elasticsearch is concerned; return the index of this month."""
    url, _, prefix = settings.posts.reveal().partition("/?index=")
    if not prefix:
        return ""
    earlier = f"{prefix}-v1-{MONTH}"
    with Elasticsearch(url) as client:
        current: str
        (current,) = client.indices.get_alias(name=prefix).body
        client.indices.create(index=earlier)
        client.indices.update_aliases(actions=[_written(prefix, current, False), _written(prefix, earlier, True)])
    return current


def _arrive_again(settings: StoreConfig, current: str) -> None:
    """Have posts arrive in this month again."""
    url, _, prefix = settings.posts.reveal().partition("/?index=")
    if prefix:
        with Elasticsearch(url) as client:
            earlier = _written(prefix, f"{prefix}-v1-{MONTH}", False)
            client.indices.update_aliases(actions=[earlier, _written(prefix, current, True)])


def _written(prefix: str, index: str, written: bool) -> dict[str, Any]:
    return {"add": {"index": index, "alias": prefix, "is_write_index": written}}


@pytest.fixture
def january(make_post: MakePost) -> Callable[..., Post]:
    """Return a maker of posts of January 2020."""

    def make(number: int, text: str = "河水发臭", **others: object) -> Post:
        at = IN_JANUARY + timedelta(minutes=number)
        return make_post(number, text, **{"published_at": at, "fetched_at": at, **others})

    return make


def ids(store: Store, query: str = "") -> set[str]:
    return {hit.post.id for hit in store.posts.search(Search(query, limit=5000)).hits}


def test_old_posts_leave_with_their_readings_but_for_those_to_keep(
    fill: Callable[..., Store], january: MakePost, make_reading: MakeReading
) -> None:
    undated = january(3, published_at=None)
    store = fill(january(1, "河水发臭，鱼死了"), january(2, "河水清"), undated)
    store.posts.save_readings([make_reading("p1", codes=["990102"], fingerprint=5, embedding=b"12" * 384)])
    store.posts.save_readings([make_reading("p2", codes=["990102"], fingerprint=5, embedding=b"34" * 384)])
    kept = store.posts.get(["p2"])["p2"]

    assert store.posts.drop_before(FEBRUARY, {"p2", "p9"}) == 2

    assert store.posts.known(["p1", "p2", "p3", "p100"]) == {"p2", "p100"}
    assert store.posts.get(["p1", "p2"]) == {"p2": kept}
    assert store.posts.readings(["p1", "p2"]) == {
        "p2": make_reading("p2", codes=["990102"], fingerprint=5, embedding=b"34" * 384)
    }
    assert (ids(store), ids(store, "鱼"), ids(store, "河"), ids(store, "地域:990102")) == (
        {"p2", "p100"},
        set(),
        {"p2", "p100"},
        {"p2"},
    )
    assert (store.posts.count(Search("河水")), store.posts.count(Search("相关:是"))) == (2, 1)
    assert store.posts.facet(Search(), "region") == {"990102": 1}
    assert sum(point.count for point in store.posts.trend(Search(), "day")) == 2
    assert store.posts.similar(5, 0, IN_JANUARY, MARCH) == [("p2", 0)]
    assert store.posts.tally(MARCH).total == 2
    assert [kept.post.id for kept in store.posts.scan().kept] == ["p2", "p100"]


def test_what_was_dropped_may_be_stored_again_and_is_read_like_any_other(
    fill: Callable[..., Store], january: MakePost, make_reading: MakeReading
) -> None:
    store = fill(january(1, "废气呛人"))
    store.posts.drop_before(FEBRUARY, ())
    again = january(1, "河水发臭")
    assert store.posts.append([again]) == Appended(("p1",), ())
    assert [post.id for post in store.posts.claim_unread("a", 1, MARCH, LEASE)] == ["p1"]
    store.posts.save_readings([make_reading("p1")])
    assert (ids(store, "废气"), ids(store, "河水 相关:是")) == (set(), {"p1"})


def test_the_time_itself_and_what_is_later_stays(fill: Callable[..., Store], january: MakePost) -> None:
    store = fill(
        january(1, published_at=FEBRUARY), january(2, published_at=FEBRUARY - timedelta(microseconds=1)), january(3)
    )
    assert store.posts.drop_before(FEBRUARY, ()) == 2
    assert ids(store) == {"p1", "p100"}


def test_what_was_kept_leaves_when_nobody_cites_it_any_more_or_its_own_time_is_over(
    fill: Callable[..., Store], january: MakePost
) -> None:
    store = fill(january(1), january(2), january(3, published_at=FEBRUARY + DAY))
    assert store.posts.drop_before(FEBRUARY, {"p1"}) == 1
    assert store.posts.drop_before(FEBRUARY, {"p1"}) == 0
    assert store.posts.drop_before(MARCH, {"p2"}) == 2
    assert ids(store) == {"p100"}


def test_dropping_does_not_disturb_what_others_hold_unless_it_is_gone(
    fill: Callable[..., Store], january: MakePost, make_reading: MakeReading
) -> None:
    store = fill(january(1), january(2))
    assert len(store.posts.claim_unread("a", 2, MARCH, LEASE)) == 2
    store.posts.drop_before(FEBRUARY, {"p2"})
    with pytest.raises(NotFoundError):
        store.posts.save_readings([make_reading("p1"), make_reading("p2")])
    # The batch is done anew with what is still there.
    assert [post.id for post in store.posts.claim_unread("a", 1, MARCH, LEASE)] == ["p2"]
    store.posts.save_readings([make_reading("p2")])
    assert store.posts.tally(MARCH + DAY).unread == 1


def test_nothing_old_means_nothing_to_do(fill: Callable[..., Store], january: MakePost) -> None:
    store = fill(january(1))
    assert store.posts.drop_before(datetime(2019, 1, 1, tzinfo=UTC), ()) == 0
    assert ids(store) == {"p1", "p100"}


def test_more_posts_than_one_step_takes_all_leave(
    fill: Callable[..., Store], january: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_dropping, "CHUNK", 7)
    store = fill(*(january(number) for number in range(30)))
    assert store.posts.drop_before(FEBRUARY, {"p3", "p20"}) == 28
    assert ids(store) == {"p3", "p20", "p100"}


# Only in SQLite


@pytest.mark.parametrize("posts_settings", ["sqlite"], indirect=True)
def test_no_table_holds_anything_of_a_dropped_post(
    fill: Callable[..., Store], january: MakePost, make_reading: MakeReading, tmp_path: Path
) -> None:
    store = fill(*(january(number, "PM2.5 超标，河水发臭！") for number in range(5)))
    for model in ("reader-1", "reader-2"):
        readings = [make_reading(f"p{n}", model=model, codes=["990102"], embedding=b"12" * 384) for n in range(4)]
        store.posts.save_readings(readings)
    store.posts.drop_before(FEBRUARY, {"p0"})
    with sqlite3.connect(tmp_path / "home" / "qingting.db") as database:
        tables = ("posts", "facets", "unread", "readings", "embeddings", "regions", "quarters")
        counts = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}
        database.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(words, instance)")
        rows = {row[0] for row in database.execute("SELECT DISTINCT doc FROM terms")}
        keys = {row[0] for row in database.execute("SELECT seq FROM posts")}
        database.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    database.close()
    assert counts == {
        "posts": 2,
        "facets": 2,
        "unread": 1,
        "readings": 2,
        "embeddings": 2,
        "regions": 1,
        "quarters": 4,
    }
    assert rows == keys


@pytest.mark.parametrize("posts_settings", ["sqlite"], indirect=True)
def test_a_key_that_another_process_has_given_away_again_meanwhile_is_left_alone(
    fill: Callable[..., Store],
    opened: Callable[[], Store],
    january: MakePost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, other = fill(january(1), january(2)), opened()
    joined, at_once = sqlite_dropping.joined_words, january(1).at

    def while_words_are_cut(*arguments: Any) -> str:
        monkeypatch.setattr(sqlite_dropping, "joined_words", joined)
        assert other.posts.drop_before(FEBRUARY, {"p2"}) == 1
        other.posts.append([january(3, "废气呛人", published_at=at_once)])
        return joined(*arguments)

    monkeypatch.setattr(sqlite_dropping, "joined_words", while_words_are_cut)
    assert store.posts.drop_before(FEBRUARY, ()) == 1
    assert (ids(store), ids(store, "废气"), ids(store, "河水")) == ({"p3", "p100"}, {"p3"}, {"p100"})


DROP = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from qingting.config import StoreConfig
from qingting.store import open_store, sqlite_dropping
from tests.store.conftest import cut
sqlite_dropping.CHUNK = 5
store = open_store(StoreConfig(), Path(sys.argv[1]), cut)
drop, dropped = sqlite_dropping._drop, []
def told(*arguments):
    dropped.append(drop(*arguments))
    if len(dropped) == 4:
        print("three chunks are gone, the fourth is on its way", flush=True)
        sys.stdin.read()
    return dropped[-1]
sqlite_dropping._drop = told
store.posts.drop_before(datetime(2020, 2, 1, tzinfo=UTC), ())
"""


@pytest.mark.parametrize("posts_settings", ["sqlite"], indirect=True)
def test_a_process_killed_while_dropping_leaves_whole_posts_and_the_next_call_goes_on(
    fill: Callable[..., Store], january: MakePost, tmp_path: Path
) -> None:
    store = fill(*(january(number) for number in range(40)))
    command = [sys.executable, "-c", DROP, str(tmp_path / "home")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert "three chunks" in process.stdout.readline()
        process.kill()
    assert len(ids(store, "河水")) == store.posts.tally(MARCH).total == 26
    assert store.posts.drop_before(FEBRUARY, ()) == 25
    assert ids(store) == {"p100"}


# Only in Elasticsearch


@pytest.fixture
def elastic_only(posts_settings: StoreConfig) -> tuple[str, str]:
    """Return the address and prefix of the test's own indexes."""
    url, _, prefix = posts_settings.posts.reveal().partition("/?index=")
    return url, prefix


@pytest.mark.parametrize("posts_settings", ["elastic"], indirect=True)
def test_a_month_goes_as_an_index_and_what_is_kept_of_it_gets_a_small_one(
    fill: Callable[..., Store], january: MakePost, make_post: MakePost, elastic_only: tuple[str, str]
) -> None:
    url, prefix = elastic_only
    store = fill(january(1), january(2))
    assert store.posts.drop_before(FEBRUARY - DAY, ()) == 0
    assert store.posts.drop_before(FEBRUARY, {"p1"}) == 1
    with Elasticsearch(url) as client:
        found = client.indices.get(index=prefix).body
        names = sorted(found)
        assert [name.removeprefix(f"{prefix}-v1-") for name in names][1:] == [f"kept-{MONTH}"]
        assert f"{prefix}-v1-{MONTH}" not in client.indices.get(index=f"{prefix}*").body
        assert "blocks" not in found[names[1]]["settings"]["index"]
    # The alias still writes to the latest month, and the store still opens.
    store.posts.append([make_post(101)])
    assert store.posts.known(["p1", "p101"]) == {"p1", "p101"}


@pytest.mark.parametrize("posts_settings", ["elastic"], indirect=True)
def test_a_month_nobody_has_written_to_since_is_no_longer_written_to_and_goes(
    opened: Callable[[], Store], january: MakePost, posts_settings: StoreConfig, elastic_only: tuple[str, str]
) -> None:
    store = opened()
    url, prefix = elastic_only
    with Elasticsearch(url) as client:
        (current,) = client.indices.get_alias(name=prefix).body
        _arrive_in_january(posts_settings)
        client.indices.delete(index=current)
        client.index(index=prefix, id="p1", document={"id": "p1", "at": 0, "time": 0, "unread": True}, refresh=True)
        assert store.posts.drop_before(FEBRUARY, ()) == 1
        (now_written_to,) = client.indices.get_alias(name=prefix).body
        assert now_written_to == current


@pytest.mark.parametrize("posts_settings", ["elastic"], indirect=True)
@pytest.mark.parametrize("step", ["bulk", "documents", "refresh"])
def test_a_drop_that_fails_half_way_loses_nothing_and_is_done_anew(
    fill: Callable[..., Store],
    january: MakePost,
    make_reading: MakeReading,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    store = fill(january(1), january(2), january(3))
    whole = getattr(Cluster, step)

    def failing(self: Cluster, *arguments: Any, **others: Any) -> Any:
        if "kept" in str(arguments):
            raise StoreError("断开", reason="unavailable", retryable=True)
        return whole(self, *arguments, **others)

    with monkeypatch.context() as patched:
        patched.setattr(Cluster, step, failing if step != "bulk" else _cut_off)
        with pytest.raises(StoreError):
            store.posts.drop_before(FEBRUARY, {"p1"})
    assert ids(store) == {"p1", "p2", "p3", "p100"}
    # Writers are let in again, and what they write meanwhile is not lost by what was copied before.
    store.posts.save_readings([make_reading("p1")])
    assert store.posts.drop_before(FEBRUARY, {"p1"}) == 2
    assert store.posts.readings(["p1"]) == {"p1": make_reading("p1")}
    assert ids(store, "相关:是") == {"p1"}


def _cut_off(self: Cluster, *_arguments: Any, **_others: Any) -> Any:
    raise StoreError("断开", reason="unavailable", retryable=True)
