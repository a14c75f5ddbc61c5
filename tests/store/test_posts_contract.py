"""What every back end of the posts keeps to."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qingting.config import StoreConfig
from qingting.errors import NotFoundError, UsageError
from qingting.model import (
    Channel,
    Matter,
    Measurement,
    Organisation,
    Post,
    Reading,
    Region,
    Sentiment,
    Target,
    Topic,
)
from qingting.store import Appended, Hit, Page, Point, Search, Store, Tally

BACK_ENDS = ("sqlite", "elastic")

MORNING = datetime(2025, 3, 1, 1, tzinfo=UTC)
LEASE = timedelta(minutes=5)

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


def ids(page: Page) -> list[str]:
    return [hit.post.id for hit in page.hits]


def found(store: Store, query: str) -> set[str]:
    return set(ids(store.posts.search(Search(query))))


# Writing and reading back


def test_a_post_comes_back_as_it_was_given(store: Store, make_post: MakePost) -> None:
    post = make_post(
        1,
        "夜里“有异味”，\n<b>PM2.5</b> 😷 ' \" ; --",
        title="标题",
        url="https://example.org/1",
        author="张**",
        author_key="k1",
        region="990102",
        parent_id="p0",
        root_id="p00",
        reposts=0,
        comments=7,
        evidence="e" * 64,
        published_at=datetime(2025, 3, 1, 1, 2, 3, 456789, tzinfo=UTC),
    )
    bare = make_post(2, published_at=None)
    store.posts.append([post, bare])
    assert store.posts.get(["p1", "p2", "p9"]) == {"p1": post, "p2": bare}


def test_what_no_database_can_hold_in_a_text_becomes_the_replacement_sign(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(1, "河水\x00发\ud800臭")])
    assert store.posts.get(["p1"])["p1"].text == "河水�发�臭"


def test_appending_again_changes_nothing_and_says_so(store: Store, make_post: MakePost) -> None:
    first, second = make_post(1), make_post(2)
    assert store.posts.append([second, first, first]) == Appended(new=("p2", "p1"), known=())
    assert store.posts.append([make_post(1, "改过的文字"), make_post(3)]) == Appended(new=("p3",), known=("p1",))
    assert store.posts.get(["p1"]) == {"p1": first}
    assert store.posts.known(["p1", "p2", "p9"]) == {"p1", "p2"}
    assert store.posts.append([]) == Appended((), ())


def test_posts_of_the_same_instant_are_all_kept(store: Store, make_post: MakePost) -> None:
    midnight = datetime(2025, 3, 1, tzinfo=UTC)
    posts = [make_post(number, published_at=midnight) for number in range(2500)]
    store.posts.append(posts[:1000])
    store.posts.append(posts[1000:])
    assert store.posts.count(Search(since=midnight, until=midnight + timedelta(seconds=1))) == 2500


def test_posts_of_impossible_years_are_kept_too(store: Store, make_post: MakePost) -> None:
    years = [datetime(year, 1, 1, tzinfo=UTC) for year in (1, 1900, 1969, 2300, 9999)]
    store.posts.append([make_post(number, published_at=at) for number, at in enumerate(years)])
    assert ids(store.posts.search(Search())) == ["p4", "p3", "p2", "p1", "p0"]
    assert sum(point.count for point in store.posts.trend(Search(), "day", "source")) == 5


# Claims and readings


def test_unread_posts_are_claimed_earliest_first_and_by_one_worker_at_a_time(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(number) for number in (3, 1, 2, 4)])
    now = MORNING + timedelta(days=1)
    assert [post.id for post in store.posts.claim_unread("a", 2, now, LEASE)] == ["p1", "p2"]
    assert [post.id for post in store.posts.claim_unread("b", 9, now, LEASE)] == ["p3", "p4"]
    assert store.posts.claim_unread("c", 9, now, LEASE) == []
    assert store.posts.tally(now) == Tally(4, 4, 4, MORNING + timedelta(minutes=1))


def test_a_worker_that_comes_back_gets_what_it_held(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(1), make_post(2)])
    store.posts.claim_unread("a", 1, MORNING, LEASE)
    assert [post.id for post in store.posts.claim_unread("a", 9, MORNING, LEASE)] == ["p1", "p2"]


def test_a_claim_runs_out_with_its_lease(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(1)])
    store.posts.claim_unread("a", 1, MORNING, LEASE)
    assert store.posts.claim_unread("b", 1, MORNING + LEASE - timedelta(microseconds=1), LEASE) == []
    assert store.posts.tally(MORNING + LEASE) == Tally(1, 1, 0, MORNING + timedelta(minutes=1))
    assert [post.id for post in store.posts.claim_unread("b", 1, MORNING + LEASE, LEASE)] == ["p1"]


def test_a_reading_comes_back_as_it_was_given_and_releases_its_post(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    reading = make_reading(
        "p1",
        relevance=0.1 + 0.2,
        score=-1e-17,
        degraded=True,
        confidence={"topic": 0.1, "sentiment": 1 / 3},
        keywords=("水污染", "“引号”"),
        regions=(Region("990102", "清江区", 3, 6), Region("990100", "清源市", 0, 3)),
        organisations=(Organisation("清源化工厂", "enterprise", 7, 12),),
        pollutants=("氨氮",),
        measurements=(Measurement("氨氮", 2.35, "mg/L", 20, 28),),
        fingerprint=(1 << 64) - 1,
        copy_of="p0",
        embedding=bytes(range(256)) * 3,
        read_at=datetime(2025, 3, 1, 1, 2, 3, 456789, tzinfo=UTC),
    )
    store.posts.append([make_post(1), make_post(2)])
    store.posts.claim_unread("a", 2, MORNING, LEASE)
    store.posts.save_readings([reading])
    assert store.posts.readings(["p1", "p2"]) == {"p1": reading}
    assert store.posts.tally(MORNING) == Tally(2, 1, 1, MORNING + timedelta(minutes=2))
    assert store.posts.claim_unread("a", 9, MORNING, LEASE) == [make_post(2)]


def test_the_same_reading_twice_changes_nothing(store: Store, make_post: MakePost, make_reading: MakeReading) -> None:
    first = make_reading("p1", codes=["990102"])
    second = make_reading("p1", model="reader-2", sentiment=Sentiment.NEUTRAL)
    store.posts.append([make_post(1)])
    store.posts.save_readings([first])
    store.posts.save_readings([second])
    store.posts.save_readings([first])
    assert store.posts.readings(["p1"]) == {"p1": second}
    assert store.posts.facet(Search(), "sentiment") == {"neutral": 1}
    assert store.posts.facet(Search(), "region") == {}


def test_another_model_takes_over_everything_that_a_reading_says(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    old = make_reading("p1", codes=["990102"], fingerprint=0b1111, embedding=b"old")
    new = make_reading("p1", model="reader-2", codes=["880102"], fingerprint=1 << 60, relevant=False)
    store.posts.append([make_post(1)])
    store.posts.save_readings([old, new])
    day = (MORNING, MORNING + timedelta(days=1))
    assert store.posts.readings(["p1"]) == {"p1": new}
    assert (found(store, "地域:990000"), found(store, "地域:880000")) == (set(), {"p1"})
    assert (found(store, "相关:是"), found(store, "相关:否")) == (set(), {"p1"})
    assert (store.posts.similar(0b1111, 4, *day), store.posts.similar(1 << 60, 4, *day)) == ([], [("p1", 0)])


def test_of_one_models_readings_of_a_post_the_latest_stays(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    early = make_reading("p1", read_at=MORNING, topic=Topic.AIR, codes=["990102"], embedding=b"early")
    late = make_reading("p1", read_at=MORNING + timedelta(seconds=1), topic=Topic.SOIL)
    store.posts.append([make_post(1)])
    store.posts.save_readings([early])
    store.posts.save_readings([late])
    store.posts.save_readings([early])
    assert store.posts.readings(["p1"]) == {"p1": late}
    assert store.posts.facet(Search(), "topic") == {"soil": 1}


def test_a_reading_of_a_post_that_is_not_there_is_refused_with_its_batch(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    store.posts.append([make_post(1)])
    with pytest.raises(NotFoundError, match="p9") as caught:
        store.posts.save_readings([make_reading("p1"), make_reading("p9")])
    assert caught.value.reason == "post"
    assert store.posts.readings(["p1"]) == {}


def test_processes_that_claim_at_once_share_the_posts_out_between_them(
    store: Store, store_settings: StoreConfig, tmp_path: Path, make_post: MakePost
) -> None:
    store.posts.append([make_post(number) for number in range(400)])
    script = Path(__file__).with_name("claim_in_a_process.py")
    command = [sys.executable, script, tmp_path / "home", store_settings.posts.reveal()]
    workers = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("a", "b", "c", "d")]
    claimed = [line for worker in workers for line in worker.communicate(timeout=60)[0].split()]
    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert Counter(claimed) == Counter(f"p{number}" for number in range(400))


# Searching


def test_a_search_without_a_query_gives_all_posts_newest_first(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    posts = [make_post(number) for number in (2, 1, 3)]
    reading = make_reading("p1")
    store.posts.append(posts)
    store.posts.save_readings([reading])
    hits = (Hit(posts[2], None), Hit(posts[0], None), Hit(posts[1], reading))
    assert store.posts.search(Search()) == Page(hits, 3, exact=True, next="")


def test_words_are_found_in_titles_and_texts_whatever_their_width_and_case(store: Store, make_post: MakePost) -> None:
    store.posts.append(
        [
            make_post(1, "ＰＭ２．５超标", title="空气质量"),
            make_post(2, "pm2.5 正常"),
            make_post(3, "PM10 超标，3.2万人"),
            make_post(4, "温度 2.5"),
        ]
    )
    assert found(store, "PM2.5") == {"p1", "p2"}
    assert found(store, "ｐｍ2.5 超标") == {"p1"}
    assert found(store, "空气") == {"p1"}
    assert found(store, "3.2万") == {"p3"}
    assert found(store, "2.5") == {"p4"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("河水 臭", {"p1", "p2"}),
        ("河水 -臭", {"p3"}),
        ("河水 NOT 臭", {"p3"}),
        ("河水 非 臭", {"p3"}),
        ("-臭", {"p3", "p4"}),
        ("鱼 OR 废气", {"p2", "p4"}),
        ("鱼|废气", {"p2", "p4"}),
        ("鱼 或 废气", {"p2", "p4"}),
        ("河 鱼 OR 废气", {"p2", "p4"}),
        ("河 （鱼 OR 废气）", {"p2"}),
        ('"水发臭"', {"p1"}),
        ("“水发臭”", {"p1"}),
        ('"臭发水"', set()),
        ('-"水发臭" 河', {"p2", "p3"}),
        ('"水发臭" OR 废气', {"p1", "p4"}),
        ("情感:负面", {"p1", "p4"}),
        ("情感：负面 臭", {"p1"}),
        ("Sentiment:NEGATIVE", {"p1", "p4"}),
        ("-情感:负面", {"p2", "p3"}),
        ("情感:负面 OR 鱼", {"p1", "p2", "p4"}),
        ("-(情感:负面 OR 鱼)", {"p3"}),
        ("议题:大气", {"p4"}),
        ("事项:投诉举报 指向:排污者", {"p1"}),
        ("来源:news 载体:新闻媒体", {"p3"}),
        ('来源:"news"', {"p3"}),
        ("来源:nowhere", set()),
        ("地域:990100", {"p1", "p4"}),
        ("地域:990102", {"p1"}),
        ("地域:990000 -地域:990102", {"p4"}),
        ("相关:是", {"p1"}),
        ("相关:no", {"p4"}),
        ("-相关:是 -相关:否", {"p2", "p3"}),
        ("河 AND 水 且 臭", {"p1", "p2"}),
        ("的水", {"p1", "p2", "p3"}),
    ],
)
def test_the_query_language_finds(
    store: Store, make_post: MakePost, make_reading: MakeReading, query: str, expected: set[str]
) -> None:
    store.posts.append(
        [
            make_post(1, "河水发臭"),
            make_post(2, "河水臭，死鱼"),
            make_post(3, "河水清", source="news", channel=Channel.NEWS),
            make_post(4, "废气呛人"),
        ]
    )
    other = {"topic": Topic.AIR, "matter": Matter.OPINION, "target": Target.NONE, "relevant": False}
    store.posts.save_readings([make_reading("p1", codes=["990102"]), make_reading("p4", codes=["990100"], **other)])
    assert found(store, query) == expected
    assert store.posts.count(Search(query)) == len(expected)


def test_a_time_range_holds_its_first_moment_but_not_its_last(store: Store, make_post: MakePost) -> None:
    at = datetime(2025, 3, 1, 1, 0, 0, 500, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    store.posts.append([make_post(number, published_at=at + number * tick) for number in range(3)])
    for query in ("", "河水", "-鱼", "来源:weibo", "河 OR 来源:x"):
        assert ids(store.posts.search(Search(query, since=at, until=at + 2 * tick))) == ["p1", "p0"]
        assert store.posts.count(Search(query, since=at + tick)) == 2


def test_a_post_without_a_publication_time_counts_for_its_collection(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(1, published_at=None, fetched_at=MORNING)])
    assert store.posts.count(Search(since=MORNING, until=MORNING + timedelta(seconds=1))) == 1


@pytest.mark.parametrize("query", ["", "河水", "来源:weibo"])
def test_pages_follow_one_another_without_gaps_while_posts_come_in(
    store: Store, make_post: MakePost, query: str
) -> None:
    store.posts.append([make_post(number) for number in range(7)])
    first = store.posts.search(Search(query, limit=3))
    store.posts.append([make_post(20)])
    second = store.posts.search(Search(query, limit=3, after=first.next))
    last = store.posts.search(Search(query, limit=3, after=second.next))
    assert [ids(page) for page in (first, second, last)] == [["p6", "p5", "p4"], ["p3", "p2", "p1"], ["p0"]]
    assert (first.total, first.exact, last.total, last.next) == (7, True, 8, "")


def test_a_page_beyond_all_posts_is_empty(store: Store, make_post: MakePost) -> None:
    store.posts.append([make_post(1)])
    assert ids(store.posts.search(Search(after=f"-{'9' * 40}"))) == []


@pytest.mark.parametrize("search", [Search(after="x"), Search(limit=0), Search(limit=-1)])
def test_a_page_that_cannot_be_is_refused(store: Store, search: Search) -> None:
    with pytest.raises(UsageError) as caught:
        store.posts.search(search)
    assert caught.value.reason == "bad_argument"


# Counting


def test_facets_count_read_posts_by_value_largest_first(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    store.posts.append([make_post(number, source="news" if number else "weibo") for number in range(4)])
    store.posts.save_readings(
        [
            make_reading("p0", codes=["990102", "990103"]),
            make_reading("p1", sentiment=Sentiment.NEUTRAL, codes=["990103", "990103"]),
            make_reading("p2", sentiment=Sentiment.NEUTRAL),
        ]
    )
    assert list(store.posts.facet(Search(), "sentiment").items()) == [("neutral", 2), ("negative", 1)]
    assert list(store.posts.facet(Search(), "source").items()) == [("news", 3), ("weibo", 1)]
    assert list(store.posts.facet(Search(), "region").items()) == [("990103", 2), ("990102", 1)]
    assert store.posts.facet(Search("来源:weibo 河水"), "region") == {"990102": 1, "990103": 1}
    assert store.posts.facet(Search("鱼"), "topic") == {}


def test_a_trend_counts_the_hours_of_the_office(store: Store, make_post: MakePost, make_reading: MakeReading) -> None:
    store.posts.append([make_post(number) for number in (0, 59, 60, 200)])
    store.posts.save_readings([make_reading("p0"), make_reading("p59", sentiment=Sentiment.POSITIVE)])
    nine, ten, noon = MORNING, MORNING + timedelta(hours=1), MORNING + timedelta(hours=3)
    assert store.posts.trend(Search(), "hour") == [Point(nine, "", 2), Point(ten, "", 1), Point(noon, "", 1)]
    by_sentiment = [Point(nine, "negative", 1), Point(nine, "positive", 1)]
    assert store.posts.trend(Search(), "hour", "sentiment") == by_sentiment
    assert store.posts.trend(Search("河水", since=ten), "hour", "source") == [
        Point(ten, "weibo", 1),
        Point(noon, "weibo", 1),
    ]
    assert store.posts.trend(Search(), "day") == [Point(datetime(2025, 2, 28, 16, tzinfo=UTC), "", 4)]


@pytest.mark.parametrize(
    ("timezone", "times", "interval", "starts"),
    [
        # Clocks go back from 03:00 to 02:00: the hour at two comes twice, and the day has 25 hours.
        ("Europe/Berlin", ["2025-10-26T00:30", "2025-10-26T01:30"], "hour", ["2025-10-26T00:00", "2025-10-26T01:00"]),
        ("Europe/Berlin", ["2025-10-25T22:00", "2025-10-26T22:59"], "day", ["2025-10-25T22:00"]),
        ("Europe/Berlin", ["2025-10-26T22:59", "2025-10-26T23:00"], "day", ["2025-10-25T22:00", "2025-10-26T23:00"]),
        # Clocks go forward from 02:00 to 03:00: the day has 23 hours.
        ("Europe/Berlin", ["2025-03-29T23:00", "2025-03-30T21:59"], "day", ["2025-03-29T23:00"]),
        ("Europe/Berlin", ["2025-03-30T21:59", "2025-03-30T22:00"], "day", ["2025-03-29T23:00", "2025-03-30T22:00"]),
        ("Asia/Kathmandu", ["2025-03-01T00:14", "2025-03-01T00:15"], "hour", ["2025-02-28T23:15", "2025-03-01T00:15"]),
        # Summer time in China ended on 15 September 1991.
        ("Asia/Shanghai", ["1991-09-14T14:59", "1991-09-14T15:00"], "day", ["1991-09-13T15:00", "1991-09-14T15:00"]),
        ("Asia/Shanghai", ["1969-12-31T15:59", "1969-12-31T16:00"], "day", ["1969-12-30T16:00", "1969-12-31T16:00"]),
    ],
)
def test_a_trend_is_right_across_a_change_of_clocks(
    opener: Callable[..., Store],
    make_post: MakePost,
    timezone: str,
    times: list[str],
    interval: str,
    starts: list[str],
) -> None:
    store = opener(timezone)
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in times]
    store.posts.append([make_post(number, published_at=at) for number, at in enumerate(moments)])
    points = store.posts.trend(Search(), interval)  # type: ignore[arg-type]
    assert [point.start for point in points] == [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in starts]
    assert sum(point.count for point in points) == 2


# Near-duplicates


@given(
    fingerprint=st.integers(0, 2**64 - 1),
    flips=st.lists(st.sets(st.integers(0, 63), max_size=9), max_size=12),
    distance=st.integers(0, 7),
)
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_every_reading_within_the_distance_is_found(
    opener: Callable[..., Store],
    make_post: MakePost,
    make_reading: MakeReading,
    fingerprint: int,
    flips: list[set[int]],
    distance: int,
) -> None:
    store = opener()
    first = store.posts.tally(MORNING).total
    start = MORNING + timedelta(days=first)
    posts = [make_post(first + place, published_at=start + timedelta(minutes=place)) for place in range(len(flips))]
    changed = [fingerprint ^ sum(1 << bit for bit in bits) for bits in flips]
    store.posts.append(posts)
    store.posts.save_readings(
        [make_reading(post.id, fingerprint=each) for post, each in zip(posts, changed, strict=True)]
    )
    near = [(len(bits), post) for post, bits in zip(posts, flips, strict=True) if len(bits) <= distance]
    expected = [(post.id, apart) for apart, post in sorted(near, key=lambda each: (each[0], each[1].at))]
    assert store.posts.similar(fingerprint, distance, start, start + timedelta(days=1)) == expected
    store.close()


def test_near_duplicates_keep_to_the_time_range_and_to_read_posts(
    store: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    store.posts.append([make_post(number) for number in range(4)])
    store.posts.save_readings([make_reading(f"p{number}", fingerprint=5) for number in range(3)])
    minute = timedelta(minutes=1)
    assert store.posts.similar(4, 1, MORNING + minute, MORNING + 2 * minute) == [("p1", 1)]
    with pytest.raises(UsageError):
        store.posts.similar(4, 8, MORNING, MORNING + minute)
