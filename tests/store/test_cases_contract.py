"""What the cases keep to, in any database."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import NotFoundError, StoreError
from qingting.model import (
    Alert,
    AlertState,
    Approval,
    AuditEntry,
    Basis,
    Cursor,
    Deadline,
    Delivery,
    DeliveryState,
    Draft,
    DraftState,
    Event,
    EventState,
    Fact,
    FactSlot,
    Finding,
    Level,
    Matter,
    Membership,
    Reject,
    Sentence,
    Sentiment,
    Severity,
    SourceHealth,
    Step,
    Topic,
)
from qingting.store import Lease, Store, open_store
from qingting.strict import Secret

NOW = datetime(2025, 3, 1, 1, 2, 3, 456789, tzinfo=UTC)
HOUR = timedelta(hours=1)

EVENT = Event(
    id="e1",
    title="清江水体异味",
    topic=Topic.WATER,
    matter=Matter.EMERGENCY,
    region="990102",
    first_seen=NOW,
    last_seen=NOW + HOUR,
    size=12,
    distinct=9,
    authors=8,
    negative=7,
    level=Level.YELLOW,
    state=EventState.ACTIVE,
    centroid=bytes(range(256)) * 3,
    terms={"异味": 0.1 + 0.2, "清江": 2.0},
)

ALERT = Alert(
    id="a1",
    event_id="e1",
    rule="volume",
    level=Level.RED,
    title="清江水体异味",
    summary="一小时内 12 条",
    triggered_at=NOW,
    created_at=NOW + HOUR,
    steps=(Step("是否超过阈值？", True, "12 ≥ 10"), Step("是否静默？", False, "")),
    post_ids=("p1", "p2"),
    deadlines=(Deadline("首次回应", NOW + 5 * HOUR, "国办发〔2016〕61号"),),
)

FACT = Fact("f1", "e1", FactSlot.MEASUREMENT, "氨氮", "2.35", "mg/L", "监测快报", NOW, "李四", NOW + HOUR)

DRAFT = Draft(
    id="d1",
    event_id="e1",
    channel="situation_notice",
    version=1,
    state=DraftState.DRAFTING,
    title="情况通报",
    sentences=(
        Sentence("3月1日，清江出现异味。", (Basis("fact", "f1", "2.35"), Basis("post", "p1", "异味"))),
        Sentence(""),
    ),
    missing=(FactSlot.CAUSE, FactSlot.CONTACT),
    findings=(Finding("numbers", Severity.BLOCKING, "数字无依据"),),
    template="situation_notice/1",
    created_by="张三",
    created_at=NOW,
)


def membership(post_id: str, event_id: str = "e1", at: datetime = NOW, decided_by: str = "auto") -> Membership:
    return Membership(event_id, post_id, at, "用词相近", 0.75, False, "k1", Sentiment.NEGATIVE, decided_by, NOW + HOUR)


def approval(draft: Draft, number: int = 1, approved: bool = True) -> Approval:
    at = NOW + number * HOUR
    return Approval(f"v{number}", draft.id, DraftState.REVIEW, approved, "王五", at, draft.text_hash, "同意")


def actions(store: Store, subject: str) -> list[tuple[str, str]]:
    return [(entry.action, entry.actor) for entry in store.cases.records.audit_of(subject)]


@pytest.fixture(params=["sqlite", "postgresql"])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Store]]:
    """Open the cases in each database; the posts stay in SQLite."""
    shared = request.param == "sqlite"
    address = "sqlite" if shared else request.getfixturevalue("postgres_database")
    opened = []

    def open_one() -> Store:
        opened.append(open_store(StoreConfig(cases=Secret(address)), tmp_path / "home", list))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


# Events


def test_an_event_comes_back_as_it_was_saved(store: Store) -> None:
    store.cases.events.save(EVENT, "auto", "", NOW)
    assert store.cases.events.get("e1") == EVENT
    with pytest.raises(NotFoundError, match="e9") as caught:
        store.cases.events.get("e9")
    assert caught.value.reason == "event"


def test_an_event_is_audited_when_people_would_notice_the_change(store: Store) -> None:
    events = store.cases.events
    events.save(EVENT, "auto", "并入 12 条", NOW)
    events.save(replace(EVENT, size=13), "auto", "并入 1 条", NOW + HOUR)
    events.save(replace(EVENT, size=13, level=Level.RED, state=EventState.QUIET), "李四", "研判会", NOW + 2 * HOUR)
    assert store.cases.records.audit_of("e1") == [
        AuditEntry(
            NOW + 2 * HOUR,
            "李四",
            "event.change",
            "e1",
            "研判会：等级由“黄色（较大）”变为“红色（特别重大）”；状态由“发展中”变为“趋于平息”",
        ),
        AuditEntry(NOW, "auto", "event.create", "e1", "并入 12 条：清江水体异味，黄色（较大），发展中"),
    ]
    assert events.get("e1").size == 13


def test_the_latest_events_come_first_by_state_and_time(store: Store) -> None:
    for number, state in enumerate([EventState.ACTIVE, EventState.CLOSED, EventState.ACTIVE, EventState.CANDIDATE]):
        store.cases.events.save(
            replace(EVENT, id=f"e{number}", state=state, last_seen=NOW + (number // 2) * HOUR), "auto", "", NOW
        )

    def latest(*arguments: object) -> list[str]:
        return [event.id for event in store.cases.events.latest(*arguments)]  # type: ignore[arg-type]

    assert latest() == ["e2", "e3", "e0", "e1"]
    assert latest({EventState.ACTIVE, EventState.CLOSED}) == ["e2", "e0", "e1"]
    assert latest(None, NOW + HOUR) == ["e2", "e3"]
    assert latest(None, None, 1) == ["e2"]
    assert latest(set()) == []


def test_a_post_stays_in_the_event_it_came_into_first(store: Store) -> None:
    first, second = membership("p1"), membership("p2", at=NOW - HOUR)
    store.cases.events.add_members([first, second])
    store.cases.events.add_members([membership("p1", "e2"), membership("p3", "e2")])
    assert store.cases.events.event_of(["p1", "p2", "p3", "p4"]) == {"p1": "e1", "p2": "e1", "p3": "e2"}
    assert store.cases.events.members("e1") == [second, first]
    assert store.cases.events.members("e1", since=NOW) == [first]
    assert store.cases.events.members("e1", until=NOW) == [second]


def test_the_event_of_thousands_of_posts_is_known_at_once(store: Store) -> None:
    store.cases.events.add_members([membership(f"p{number}") for number in range(3000)])
    assert len(store.cases.events.event_of({f"p{number}" for number in range(4000)})) == 3000


def test_a_person_who_puts_a_post_into_an_event_is_named(store: Store) -> None:
    store.cases.events.add_members([membership("p1"), membership("p2", decided_by="李四")])
    store.cases.events.add_members([membership("p2", decided_by="王五")])
    assert store.cases.records.audit_of("e1") == [AuditEntry(NOW + HOUR, "李四", "event.member", "e1", "p2：用词相近")]


# Alerts


def test_an_alert_goes_out_to_each_receiver_once_an_event(store: Store) -> None:
    alerts = store.cases.alerts
    assert alerts.add(ALERT, ["desk", "inbox", "desk"], NOW) is True
    assert alerts.add(replace(ALERT, id="a2"), ["desk"], NOW) is False
    assert alerts.get("a1") == ALERT
    assert [(each.receiver, each.state, each.attempts) for each in alerts.deliveries("a1")] == [
        ("desk", DeliveryState.PENDING, 0),
        ("inbox", DeliveryState.PENDING, 0),
    ]
    assert alerts.latest() == [ALERT]
    assert (actions(store, "a1"), actions(store, "e1")) == ([("alert.raise", "系统")], [("event.alert", "系统")])


def test_the_latest_alerts_come_first_by_state_and_event(store: Store) -> None:
    alerts = store.cases.alerts
    for number in range(3):
        alert = replace(ALERT, id=f"a{number}", event_id=f"e{number}", triggered_at=NOW + (number // 2) * HOUR)
        alerts.add(alert, [], NOW)
    alerts.acknowledge("a1", "李四", NOW)
    assert [alert.id for alert in alerts.latest()] == ["a2", "a0", "a1"]
    assert [alert.id for alert in alerts.latest(AlertState.NEW, limit=1)] == ["a2"]
    assert [alert.id for alert in alerts.latest(event_id="e1")] == ["a1"]


def test_an_alert_is_taken_by_the_first_person_only(store: Store) -> None:
    alerts = store.cases.alerts
    alerts.add(ALERT, [], NOW)
    taken = replace(ALERT, state=AlertState.ACKNOWLEDGED, acknowledged_by="李四", acknowledged_at=NOW)
    assert alerts.acknowledge("a1", "李四", NOW) == taken
    assert alerts.acknowledge("a1", "王五", NOW + HOUR) == taken
    assert actions(store, "a1") == [("alert.acknowledge", "李四"), ("alert.raise", "系统")]
    with pytest.raises(NotFoundError):
        alerts.acknowledge("a9", "李四", NOW)


def test_due_deliveries_come_longest_due_first(store: Store) -> None:
    alerts = store.cases.alerts
    alerts.add(ALERT, ["a", "b", "c"], NOW)
    waiting = {each.receiver: each for each in alerts.deliveries("a1")}
    later = replace(waiting["a"], attempts=1, next_attempt_at=NOW + HOUR, reason="超时")
    alerts.record(later, NOW)
    alerts.record(replace(waiting["b"], state=DeliveryState.DELIVERED, attempts=1, delivered_at=NOW), NOW)
    assert alerts.due(NOW, 9) == [waiting["c"]]
    assert alerts.due(NOW + HOUR, 9) == [waiting["c"], later]
    assert alerts.due(NOW + HOUR, 1) == [waiting["c"]]
    assert alerts.delivery_counts() == {DeliveryState.DELIVERED: 1, DeliveryState.PENDING: 2}
    assert actions(store, "a1") == [("delivery.delivered", "系统"), ("alert.raise", "系统")]
    with pytest.raises(NotFoundError):
        alerts.record(Delivery("v9", "a9", "a", DeliveryState.FAILED, 1, NOW), NOW)


def test_deliveries_that_one_process_holds_are_not_due_for_another(store: Store) -> None:
    alerts = store.cases.alerts
    alerts.add(ALERT, ["a", "b", "c"], NOW)
    first, second = alerts.due(NOW, 2, HOUR), alerts.due(NOW, 9, HOUR)
    assert (len(first), len(second)) == (2, 1)
    assert {each.receiver for each in first + second} == {"a", "b", "c"}
    assert alerts.due(NOW, 9, HOUR) == alerts.due(NOW, 9) == []
    alerts.record(replace(first[0], state=DeliveryState.DELIVERED, attempts=1, delivered_at=NOW), NOW)
    again = alerts.due(NOW + HOUR, 9, HOUR)
    assert {each.receiver for each in again} == {"a", "b", "c"} - {first[0].receiver}


def test_what_a_late_process_says_of_a_delivery_that_another_has_made_is_refused(store: Store) -> None:
    alerts = store.cases.alerts
    alerts.add(ALERT, ["a"], NOW)
    (late,) = alerts.due(NOW, 1, HOUR)
    (quick,) = alerts.due(NOW + HOUR, 1, HOUR)
    alerts.record(replace(quick, attempts=2, next_attempt_at=NOW + 2 * HOUR, reason="超时"), NOW)
    with pytest.raises(StoreError) as caught:
        alerts.record(replace(late, attempts=1, state=DeliveryState.FAILED), NOW)
    assert caught.value.reason == "conflict"
    delivered = replace(quick, attempts=3, state=DeliveryState.DELIVERED, delivered_at=NOW)
    alerts.record(delivered, NOW)
    with pytest.raises(StoreError):
        alerts.record(replace(late, attempts=3, next_attempt_at=NOW + 3 * HOUR), NOW)
    assert alerts.deliveries("a1") == [delivered]


# Drafts


def test_facts_come_in_the_order_of_a_notice(store: Store) -> None:
    drafts = store.cases.drafts
    contact = replace(FACT, id="f2", slot=FactSlot.CONTACT, occurred_at=None, verified_at=NOW)
    earlier = replace(FACT, id="f3", verified_at=NOW)
    for fact in (contact, FACT, earlier):
        drafts.add_fact(fact, "张三")
    drafts.add_fact(replace(FACT, value="9.99"), "张三")
    assert drafts.facts("e1") == [earlier, FACT, contact]
    assert drafts.facts("e2") == []
    assert actions(store, "e1") == [("fact.add", "张三")] * 3


def test_a_draft_comes_back_as_it_was_written(store: Store) -> None:
    store.cases.drafts.add(DRAFT, "张三")
    assert store.cases.drafts.get("d1") == DRAFT
    assert (actions(store, "d1"), actions(store, "e1")) == ([("draft.add", "张三")], [("event.draft", "张三")])
    with pytest.raises(NotFoundError) as caught:
        store.cases.drafts.get("d9")
    assert caught.value.reason == "draft"


def test_versions_of_a_draft_count_up_and_never_collide(store: Store) -> None:
    drafts = store.cases.drafts
    assert drafts.next_version("e1", "situation_notice") == 1
    drafts.add(DRAFT, "张三")
    assert drafts.next_version("e1", "situation_notice") == 2
    assert drafts.next_version("e1", "weibo") == 1
    with pytest.raises(StoreError) as caught:
        drafts.add(replace(DRAFT, id="d2"), "张三")
    assert (caught.value.reason, caught.value.retryable) == ("conflict", False)
    second = replace(DRAFT, id="d2", version=2)
    drafts.add(second, "张三")
    assert drafts.latest() == [second, DRAFT]
    assert drafts.latest("e1", 1) == [second]
    assert drafts.latest("e2") == []


def test_a_decision_is_bound_to_the_text_it_was_made_on(store: Store) -> None:
    drafts = store.cases.drafts
    drafts.add(DRAFT, "张三")
    refused, agreed = approval(DRAFT, 1, approved=False), approval(DRAFT, 2)
    drafts.add_approval(agreed)
    drafts.add_approval(refused)
    drafts.add_approval(agreed)
    assert drafts.approvals("d1") == [refused, agreed]
    with pytest.raises(StoreError) as caught:
        drafts.add_approval(replace(approval(DRAFT, 3), text_hash="0" * 64))
    assert caught.value.reason == "conflict"
    with pytest.raises(NotFoundError):
        drafts.add_approval(replace(approval(DRAFT, 3), draft_id="d9"))
    assert actions(store, "d1") == [("draft.refuse", "王五"), ("draft.approve", "王五"), ("draft.add", "张三")]


def test_the_posts_that_alerts_and_drafts_rest_on_are_cited(store: Store) -> None:
    assert store.cases.cited_posts() == frozenset()
    store.cases.alerts.add(ALERT, [], NOW)
    store.cases.alerts.add(replace(ALERT, id="a2", event_id="e2", post_ids=("p2", "p3")), [], NOW)
    later = (Sentence("网民反映异味。", (Basis("post", "p4", "异味"), Basis("event", "e1", "12 条"))),)
    store.cases.drafts.add(DRAFT, "张三")
    store.cases.drafts.add(replace(DRAFT, id="d2", version=2, sentences=later), "张三")
    store.cases.events.add_members([membership("p5")])
    assert store.cases.cited_posts() == {"p1", "p2", "p3", "p4"}


# Records


def test_a_cursor_is_kept_whatever_its_spider_puts_into_it(store: Store) -> None:
    records = store.cases.records
    assert records.cursor("weibo") is None
    records.set_cursor(Cursor("weibo", {"since": 1, "nested": {"ids": ["a", None, 1.5, True]}}, NOW))
    cursor = Cursor("weibo", {"since": 2**60, "词": "水"}, NOW + HOUR)
    records.set_cursor(cursor)
    assert records.cursor("weibo") == cursor


def test_the_health_of_a_source_says_since_when(store: Store) -> None:
    records = store.cases.records
    ok = SourceHealth("b", "ok", "", NOW, NOW, 5)
    records.set_health(ok)
    records.set_health(replace(ok, since=NOW + HOUR, checked_at=NOW + HOUR, items=3))
    records.set_health(SourceHealth("a", "failing", "超时", NOW, NOW, 0))
    assert records.health() == [
        SourceHealth("a", "failing", "超时", NOW, NOW, 0),
        SourceHealth("b", "ok", "", NOW, NOW + HOUR, 3),
    ]
    blocked = SourceHealth("b", "blocked", "403", NOW + 2 * HOUR, NOW + 2 * HOUR, 0)
    records.set_health(blocked)
    assert records.health()[1].since == NOW + 2 * HOUR
    assert (records.health_of("b"), records.health_of("c")) == (blocked, None)


def test_rejects_are_kept_once_with_their_bytes(store: Store) -> None:
    records = store.cases.records
    first = Reject("r1", "news", "a.csv:1", "encoding", "不是 UTF-8", b"\xff\x00", 2**40, NOW)
    second = replace(first, id="r2", reason="malformed", at=NOW + HOUR)
    third = replace(first, id="r3", place="坏\udcff名.csv")
    records.reject([first, second])
    records.reject([first, third])
    records.reject([])
    assert records.rejects(9) == [second, first, replace(third, place="坏�名.csv")]
    assert records.rejects(1) == [second]
    assert records.reject_counts() == {"encoding": 2, "malformed": 1}


def test_old_rejects_are_dropped_and_later_ones_stay(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qingting.store.records.DROPPED_AT_ONCE", 3)
    records = store.cases.records
    made = [Reject(f"r{n}", "news", "a.csv:1", "encoding", "", b"\xff", 1, NOW + n * HOUR) for n in range(10)]
    records.reject(made)
    assert records.drop_rejects(NOW + 7 * HOUR) == 7
    assert records.rejects(99) == [made[9], made[8], made[7]]
    assert records.drop_rejects(NOW + 7 * HOUR) == 0


def test_the_time_before_which_posts_were_dropped_never_moves_back(store: Store) -> None:
    records = store.cases.records
    assert records.horizon() is None
    records.move_horizon(NOW)
    records.move_horizon(NOW - HOUR)
    assert records.horizon() == NOW
    records.move_horizon(NOW + HOUR)
    assert records.horizon() == NOW + HOUR


def test_roles_show_their_last_sign_of_life(store: Store) -> None:
    records = store.cases.records
    records.beat("work", NOW, "正常")
    records.beat("crawl", NOW, "正常")
    records.beat("work", NOW + HOUR, "降级")
    assert records.beats() == {"crawl": (NOW, "正常"), "work": (NOW + HOUR, "降级")}


def test_the_audit_trail_gives_the_latest_first(store: Store) -> None:
    entries = [AuditEntry(NOW, "张三", "import", "a.csv", str(number)) for number in range(3)]
    store.cases.records.audit(entries)
    store.cases.records.audit([])
    assert store.cases.records.audit_of("a.csv", 2) == [entries[2], entries[1]]


def test_threads_write_side_by_side(store: Store) -> None:
    def write(name: str) -> None:
        for number in range(20):
            store.cases.records.audit([AuditEntry(NOW, name, "test", "s", str(number))])

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.cases.records.audit_of("s")) == 80


# Leases


def test_a_role_has_one_holder_until_its_lease_runs_out(store: Store) -> None:
    leases = store.cases.leases
    first = leases.take("jobs", "a", NOW, HOUR)
    assert first == Lease("jobs", "a", 1, NOW + HOUR)
    assert leases.take("jobs", "b", NOW + HOUR - timedelta(microseconds=1), HOUR) is None
    assert leases.take("other", "b", NOW, HOUR) == Lease("other", "b", 1, NOW + HOUR)
    assert leases.take("jobs", "b", NOW + HOUR, HOUR) == Lease("jobs", "b", 2, NOW + 2 * HOUR)
    assert leases.take("jobs", "a", NOW + HOUR, HOUR) is None


def test_a_holder_renews_its_lease_under_the_same_token(store: Store) -> None:
    leases = store.cases.leases
    leases.take("jobs", "a", NOW, HOUR)
    assert leases.take("jobs", "a", NOW + HOUR / 2, HOUR) == Lease("jobs", "a", 1, NOW + 3 * HOUR / 2)
    assert leases.take("jobs", "a", NOW + 9 * HOUR, HOUR) == Lease("jobs", "a", 1, NOW + 10 * HOUR)


def test_a_lease_given_back_is_free_at_once_but_not_by_one_who_lost_it(store: Store) -> None:
    leases = store.cases.leases
    first = leases.take("jobs", "a", NOW, HOUR)
    assert first is not None
    leases.release(first)
    assert leases.take("jobs", "b", NOW, HOUR) == Lease("jobs", "b", 2, NOW + HOUR)
    leases.release(first)
    assert leases.take("jobs", "a", NOW, HOUR) is None


def test_a_lease_is_renewed_even_late_but_not_once_another_has_had_the_role(store: Store) -> None:
    leases = store.cases.leases
    first = leases.take("jobs", "a", NOW, HOUR)
    assert first is not None
    assert leases.renew(first, NOW + HOUR / 2, HOUR) == Lease("jobs", "a", 1, NOW + 3 * HOUR / 2)
    assert leases.take("jobs", "b", NOW + HOUR, HOUR) is None
    assert leases.renew(first, NOW + 5 * HOUR, HOUR) == Lease("jobs", "a", 1, NOW + 6 * HOUR)
    second = leases.take("jobs", "b", NOW + 6 * HOUR, HOUR)
    assert leases.renew(first, NOW + 6 * HOUR, HOUR) is None
    assert second is not None
    leases.release(second)
    assert leases.renew(first, NOW + 6 * HOUR, HOUR) is None
    assert leases.renew(Lease("other", "a", 1, NOW), NOW, HOUR) is None


def test_who_has_a_role_can_be_asked(store: Store) -> None:
    leases = store.cases.leases
    assert leases.standing("jobs", NOW) is None
    lease = leases.take("jobs", "a", NOW, HOUR)
    assert lease is not None
    assert leases.standing("jobs", NOW + HOUR - timedelta(microseconds=1)) == lease
    assert leases.standing("jobs", NOW + HOUR) is None
    leases.release(lease)
    assert leases.standing("jobs", NOW) is None


def test_a_paused_holder_that_wakes_up_writes_nothing(opener: Callable[..., Store]) -> None:
    paused, other = opener(), opener()
    lease = paused.cases.leases.take("jobs", "a", NOW, HOUR)
    assert lease is not None
    with paused.cases.leases.guarded(lease):
        paused.cases.records.audit([AuditEntry(NOW, "a", "test", "s", "1")])
        other.cases.leases.take("jobs", "b", NOW + HOUR, HOUR)
        for write in (
            lambda: paused.cases.records.audit([AuditEntry(NOW, "a", "test", "s", "2")]),
            lambda: paused.cases.records.beat("work", NOW, "正常"),
        ):
            with pytest.raises(StoreError, match="jobs") as caught:
                write()
            assert (caught.value.reason, caught.value.retryable) == ("conflict", False)
        assert paused.cases.records.beats() == {}
    paused.cases.records.audit([AuditEntry(NOW, "a", "test", "s", "3")])
    assert [each.detail for each in other.cases.records.audit_of("s")] == ["3", "1"]


def test_of_many_that_ask_at_once_one_gets_the_lease(opener: Callable[..., Store]) -> None:
    stores = [opener() for _ in range(4)]
    got: list[Lease | None] = []

    def ask(number: int) -> None:
        got.append(stores[number].cases.leases.take("jobs", str(number), NOW, HOUR))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(got), sum(lease is not None for lease in got)) == (4, 1)


def test_processes_share_out_the_deliveries_without_sending_one_twice(opener: Callable[..., Store]) -> None:
    stores = [opener() for _ in range(3)]
    stores[0].cases.alerts.add(ALERT, [f"r{number}" for number in range(60)], NOW)
    got: list[str] = []

    def take(store: Store) -> None:
        while held := store.cases.alerts.due(NOW, 5, HOUR):
            got.extend(delivery.receiver for delivery in held)

    threads = [threading.Thread(target=take, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(f"r{number}" for number in range(60))


def test_those_who_read_first_and_then_write_wait_for_one_another(opener: Callable[..., Store]) -> None:
    def count_up(store: Store) -> None:
        for _ in range(5):
            with store.transaction():
                count = len(store.cases.records.audit_of("s"))
                store.cases.records.audit([AuditEntry(NOW, "a", "test", "s", str(count))])

    stores = [opener() for _ in range(4)]
    threads = [threading.Thread(target=count_up, args=(each,)) for each in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(each.detail) for each in stores[0].cases.records.audit_of("s")) == list(range(20))
