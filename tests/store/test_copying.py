"""That everything a back end keeps can be walked through, copied to another and proved to have arrived."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import InputError, StoreError, UsageError
from qingting.model import (
    Alert,
    AuditEntry,
    Cursor,
    Deadline,
    DeliveryState,
    Event,
    EventState,
    Fact,
    FactSlot,
    Level,
    Matter,
    Measurement,
    Membership,
    Organisation,
    Post,
    Reading,
    Reject,
    Sentiment,
    Step,
    Topic,
)
from qingting.store import (
    Digest,
    Kept,
    Posts,
    Progress,
    Search,
    Store,
    copy_cases,
    copy_posts,
    digest_posts,
    open_store,
    require_same,
)
from qingting.strict import Secret

BACK_ENDS = ("sqlite", "elastic")

NOW = datetime(2025, 3, 1, 1, 2, 3, 456789, tzinfo=UTC)
HOUR = timedelta(hours=1)

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


def scanned(posts: Posts, limit: int = 7) -> list[Kept]:
    kept: list[Kept] = []
    after = ""
    while True:
        batch = posts.scan(after, limit)
        kept += batch.kept
        after = batch.next
        if not after:
            return kept


@pytest.fixture
def fill(make_post: MakePost, make_reading: MakeReading) -> Callable[[Posts], dict[str, Kept]]:
    """Return what fills a back end with thirty posts: unread, read, and read by two models, the later one first."""

    def fill_one(posts: Posts) -> dict[str, Kept]:
        posts.append([make_post(number, f"河水{number}发臭", reposts=number or None) for number in range(30)])
        first = [
            make_reading(f"p{number}", relevance=0.1 + number / 30, confidence={"topic": 0.1, "情感": 1 / 3})
            for number in range(20)
        ]
        later = [
            make_reading(
                f"p{number}",
                model="reader-2",
                read_at=NOW - 9 * HOUR,
                topic=Topic.AIR,
                codes=("990102",),
                organisations=(Organisation("清源化工厂", "enterprise", 7, 12),),
                measurements=(Measurement("氨氮", 2.35, "mg/L", 20, 28),),
                fingerprint=(1 << 64) - 1 - number,
                copy_of="p0" if number % 2 else "",
                embedding=bytes(range(256)) * 3,
            )
            for number in range(10)
        ]
        posts.save_readings(first)
        posts.save_readings(later)
        found = posts.get([f"p{number}" for number in range(30)])
        return {
            **{f"p{number}": Kept(found[f"p{number}"], (first[number], later[number])) for number in range(10)},
            **{f"p{number}": Kept(found[f"p{number}"], (first[number],)) for number in range(10, 20)},
            **{f"p{number}": Kept(found[f"p{number}"], ()) for number in range(20, 30)},
        }

    return fill_one


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store of the default kind, to copy into."""
    store = open_store(StoreConfig(), tmp_path / "other", list)
    yield store
    store.close()


# Posts


def test_a_scan_gives_every_post_once_with_all_its_readings(
    store: Store, fill: Callable[[Posts], dict[str, Kept]]
) -> None:
    wanted = fill(store.posts)
    kept = scanned(store.posts)
    assert len(kept) == 30
    assert {each.post.id: each for each in kept} == wanted
    assert [each.post.id for each in scanned(store.posts, 10)] == [each.post.id for each in kept]
    assert [each.post.id for each in scanned(store.posts, 1000)] == [each.post.id for each in kept]


def test_a_scan_of_nothing_is_over_at_once(store: Store) -> None:
    batch = store.posts.scan()
    assert (batch.kept, batch.next) == ((), "")


def test_a_scan_goes_on_in_another_process_where_it_was(
    opener: Callable[..., Store], fill: Callable[[Posts], dict[str, Kept]]
) -> None:
    one = opener()
    fill(one.posts)
    everything = scanned(one.posts)
    begun = one.posts.scan(limit=12)
    one.close()
    rest = opener().posts.scan(begun.next, 100)
    assert [*begun.kept, *rest.kept] == everything


@pytest.mark.parametrize(("after", "limit"), [("no such place", 10), ("", 0), ("", -1)])
def test_a_scan_that_cannot_be_is_refused(store: Store, after: str, limit: int) -> None:
    with pytest.raises(UsageError) as caught:
        store.posts.scan(after, limit)
    assert caught.value.reason == "bad_argument"


def test_a_copy_equals_its_original_and_finds_the_same(
    store: Store, other: Store, fill: Callable[[Posts], dict[str, Kept]]
) -> None:
    fill(store.posts)
    read = copy_posts(store.posts, other.posts, Progress(), lambda _: None)
    assert (read.posts, read.readings) == (30, 30)
    require_same(read, digest_posts(other.posts))
    assert digest_posts(store.posts) == read
    assert sorted(scanned(other.posts), key=lambda each: each.post.id) == sorted(
        scanned(store.posts), key=lambda each: each.post.id
    )
    assert other.posts.facet(Search(), "topic") == store.posts.facet(Search(), "topic") == {"air": 10, "water": 10}
    assert other.posts.tally(NOW).unread == 10


def test_a_copy_and_its_way_back_change_nothing(
    store: Store, other: Store, opener: Callable[..., Store], fill: Callable[[Posts], dict[str, Kept]]
) -> None:
    fill(other.posts)
    original = digest_posts(other.posts)
    copy_posts(other.posts, store.posts, Progress(), lambda _: None)
    assert digest_posts(store.posts) == original
    copy_posts(store.posts, other.posts, Progress(), lambda _: None)
    assert digest_posts(other.posts) == original


def test_a_copy_that_was_cut_off_goes_on_from_its_last_note(
    store: Store, other: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    store.posts.append([make_post(number) for number in range(2500)])
    store.posts.save_readings([make_reading("p7")])
    notes: list[Progress] = []

    def cut_off(progress: Progress) -> None:
        notes.append(progress)
        if len(notes) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_posts(store.posts, other.posts, Progress(), cut_off)
    assert (notes[0].digest.posts, other.posts.count(Search())) == (1000, 2000)
    # The second note was never kept: its batch is simply copied again.
    read = copy_posts(store.posts, other.posts, notes[0], lambda _: None)
    require_same(read, digest_posts(other.posts))
    assert read == digest_posts(store.posts)


def test_a_difference_between_copy_and_original_is_told(
    store: Store, other: Store, make_post: MakePost, make_reading: MakeReading
) -> None:
    store.posts.append([make_post(1), make_post(2)])
    other.posts.append([make_post(1, "别的文字"), make_post(2)])
    read = copy_posts(store.posts, other.posts, Progress(), lambda _: None)
    with pytest.raises(StoreError, match="内容有出入") as caught:
        require_same(read, digest_posts(other.posts))
    assert caught.value.reason == "partial"
    other.posts.append([make_post(3)])
    with pytest.raises(StoreError, match="原库帖文 2 条、研读 0 条，新库帖文 3 条、研读 0 条"):
        require_same(read, digest_posts(other.posts))


def test_the_digest_of_the_same_posts_is_the_same_in_any_order(make_post: MakePost, make_reading: MakeReading) -> None:
    one = Kept(make_post(1), (make_reading("p1", confidence={"a": 0.1, "b": 0.2}),))
    same = Kept(make_post(1), (make_reading("p1", confidence={"b": 0.2, "a": 0.1}),))
    two = Kept(make_post(2), ())
    digest = Digest().with_batch((one, two))
    assert Digest().with_batch((two,)).with_batch((same,)) == digest
    assert Digest().with_batch((two, Kept(make_post(1), (make_reading("p1", score=-0.50001),)))) != digest


# Cases


def fill_cases(store: Store) -> None:
    """Put something into every table."""
    cases = store.cases
    event = Event(
        "e1",
        "清江水体异味",
        Topic.WATER,
        Matter.EMERGENCY,
        "990102",
        NOW,
        NOW + HOUR,
        12,
        9,
        8,
        7,
        Level.YELLOW,
        EventState.ACTIVE,
        bytes(range(256)) * 3,
        {"异味": 0.1 + 0.2, "清江": 2.0},
    )
    alert = Alert(
        "a1",
        "e1",
        "volume",
        Level.RED,
        "清江水体异味",
        "一小时内 12 条",
        NOW,
        NOW + HOUR,
        (Step("是否超过阈值？", True, "12 ≥ 10"),),
        ("p1", "p2"),
        (Deadline("首次回应", NOW + 5 * HOUR, "依据"),),
    )
    cases.events.save(event, "李四", "研判会", NOW)
    cases.events.add_members(
        [Membership("e1", "p1", NOW, "用词相近", 0.75, False, "k1", Sentiment.NEGATIVE, "李四", NOW + HOUR)]
    )
    cases.alerts.add(alert, ["desk", "inbox"], NOW)
    first = cases.alerts.deliveries("a1")[0]
    cases.alerts.record(replace(first, state=DeliveryState.DELIVERED, attempts=1, delivered_at=NOW), NOW)
    cases.drafts.add_fact(
        Fact("f1", "e1", FactSlot.MEASUREMENT, "氨氮", "2.35", "mg/L", "快报", None, "李四", NOW), "张三"
    )
    cases.records.set_cursor(Cursor("weibo", {"since": 2**60, "词": "水"}, NOW))
    cases.records.reject([Reject("r1", "news", "a.csv:1", "encoding", "不是 UTF-8", b"\xff\x00\n", 2**40, NOW)])
    cases.records.beat("work", NOW, "正常")
    cases.records.audit([AuditEntry(NOW, "张三", "import", "a.csv", f"第 {number} 行\n") for number in range(1500)])
    cases.leases.take("jobs", "a", NOW, HOUR)


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Return a store with empty cases in each database."""
    address = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    store = open_store(StoreConfig(cases=Secret(address)), tmp_path / "elsewhere", list)
    yield store
    store.close()


def test_cases_move_to_any_database_and_back_and_are_the_same(other: Store, elsewhere: Store, tmp_path: Path) -> None:
    fill_cases(other)
    rows, checksum = copy_cases(other.cases, elsewhere.cases)
    assert rows == len(list(other.cases.dump())) > 1500
    assert list(elsewhere.cases.dump()) == list(other.cases.dump())
    assert elsewhere.cases.events.get("e1") == other.cases.events.get("e1")
    assert elsewhere.cases.alerts.deliveries("a1") == other.cases.alerts.deliveries("a1")
    assert elsewhere.cases.records.rejects(9) == other.cases.records.rejects(9)
    back = open_store(StoreConfig(), tmp_path / "back", list)
    assert copy_cases(elsewhere.cases, back.cases) == (rows, checksum)
    back.close()


def test_cases_that_were_moved_can_be_written_on(other: Store, elsewhere: Store) -> None:
    fill_cases(other)
    copy_cases(other.cases, elsewhere.cases)
    last = AuditEntry(NOW, "王五", "import", "a.csv", "搬迁之后")
    elsewhere.cases.records.audit([last])
    assert elsewhere.cases.records.audit_of("a.csv", 1) == [last]


def test_cases_that_are_there_already_are_left_alone_or_refused(other: Store, elsewhere: Store) -> None:
    fill_cases(other)
    first = copy_cases(other.cases, elsewhere.cases)
    assert copy_cases(other.cases, elsewhere.cases) == first
    other.cases.records.beat("work", NOW + HOUR, "正常")
    before = list(elsewhere.cases.dump())
    with pytest.raises(StoreError) as caught:
        copy_cases(other.cases, elsewhere.cases)
    assert caught.value.reason == "conflict"
    assert list(elsewhere.cases.dump()) == before


@pytest.mark.parametrize("line", ["", "{}", "[1, 2]", '["no such table", {}]', '["rejects", {"id": "r1"}]', "不是"])
def test_a_line_of_no_dump_is_refused_and_nothing_is_taken(other: Store, elsewhere: Store, line: str) -> None:
    fill_cases(other)
    with pytest.raises(InputError) as caught:
        elsewhere.cases.fill([*other.cases.dump(), line])
    assert caught.value.reason == "malformed"
    assert list(elsewhere.cases.dump()) == []


def test_a_dump_is_one_json_array_a_row(other: Store) -> None:
    fill_cases(other)
    names = [json.loads(line)[0] for line in other.cases.dump()]
    assert set(names) == {
        "events",
        "members",
        "alerts",
        "deliveries",
        "facts",
        "cursors",
        "rejects",
        "beats",
        "audit",
    }
