"""Drafting against a real store: what is loaded, checked, kept and refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import DraftError, NotFoundError
from qingting.model import Event, Fact, FactSlot, Membership, Post, Reading, Sentiment, Severity
from qingting.store import Store, open_store
from responders import drafting
from responders.drafting import create
from responders.material import Office
from responders.render import EDITORS_NOTE, render_text


def member(post: Post, copy: bool = False) -> Membership:
    return Membership("e1", post.id, post.at, "", 1.0, copy, "", Sentiment.NEGATIVE, "auto", post.at)


@pytest.fixture
def store(tmp_path: Path, event: Event, posts: tuple[Post, ...], now: datetime) -> Iterator[Store]:
    opened = open_store(StoreConfig(), tmp_path, list)
    opened.posts.append(posts)
    opened.cases.events.save(event, "auto", "新事件", now)
    opened.cases.events.add_members([member(post) for post in posts])
    yield opened
    opened.close()


def test_a_draft_is_checked_and_kept(store: Store, facts: tuple[Fact, ...], office: Office, now: datetime) -> None:
    for fact in facts[:3]:
        store.cases.drafts.add_fact(fact, fact.verifier)
    draft = create(store, "e1", "situation_notice", office, now, "王某")
    assert store.cases.drafts.get(draft.id) == draft
    assert "经核实，污染原因为应急池池壁破损渗漏" in draft.text
    assert [finding.severity for finding in draft.findings if finding.check == "placeholders"] == [Severity.BLOCKING]


def test_drafting_again_makes_the_next_version(store: Store, office: Office, now: datetime) -> None:
    first, second = (create(store, "e1", "情况通报", office, now, "王某") for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert first.text == second.text
    assert first.id != second.id


def test_contradictions_are_found_while_drafting(
    store: Store, office: Office, now: datetime, make_fact: Callable[..., Fact]
) -> None:
    store.cases.drafts.add_fact(make_fact(FactSlot.CASUALTIES, "无人员伤亡"), "李某")
    store.cases.drafts.add_fact(make_fact(FactSlot.CASUALTIES, "2人轻伤", verified_at=now), "李某")
    draft = create(store, "e1", "situation_notice", office, now, "王某")
    (finding,) = [each for each in draft.findings if each.check == "conflicting_facts"]
    assert "「2人轻伤」" in finding.message
    assert "「无人员伤亡」" in finding.message


def test_what_is_verified_later_is_not_known_yet(
    store: Store, office: Office, now: datetime, make_fact: Callable[..., Fact]
) -> None:
    store.cases.drafts.add_fact(make_fact(FactSlot.RESULT, "已立案", verified_at=now + timedelta(minutes=1)), "李某")
    assert "已立案" not in create(store, "e1", "situation_notice", office, now, "王某").text


def test_copies_do_not_speak_twice(store: Store, office: Office, now: datetime, make_post: Callable[..., Post]) -> None:
    copy = make_post("p0", "泡沫泡沫", minutes=-5)
    store.posts.append([copy])
    store.cases.events.add_members([member(copy, copy=True)])
    assert "泡沫" not in create(store, "e1", "situation_notice", office, now, "王某").text


def test_readings_of_the_batch_under_way_count(
    store: Store,
    office: Office,
    now: datetime,
    posts: tuple[Post, ...],
    make_reading: Callable[..., Reading],
) -> None:
    fresh = {"p1": make_reading(posts[0], "清源市")}
    assert "清源市" in create(store, "e1", "situation_notice", office, now, "王某", fresh).title


def test_only_the_first_posts_of_a_large_event_are_loaded(
    store: Store, office: Office, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafting, "POSTS_CONSIDERED", 2)
    assert [post.id for post in drafting.load(store, "e1", office, now).posts] == ["p1", "p2"]


def test_an_unknown_event_is_refused(store: Store, office: Office, now: datetime) -> None:
    with pytest.raises(NotFoundError):
        create(store, "nope", "situation_notice", office, now, "王某")


def test_an_unknown_channel_is_refused_with_the_known_ones(store: Store, office: Office, now: datetime) -> None:
    with pytest.raises(DraftError) as caught:
        create(store, "e1", "press_release", office, now, "王某")
    assert caught.value.reason == "unknown_channel"
    assert "situation_notice（情况通报）" in caught.value.hint


def test_a_rendered_draft_names_what_each_sentence_rests_on(
    store: Store, office: Office, now: datetime, make_post: Callable[..., Post], make_fact: Callable[..., Fact]
) -> None:
    caller = make_post("p5", "死鱼太多了，我电话13912345678", minutes=-60)
    store.posts.append([caller])
    store.cases.events.add_members([member(caller)])
    store.cases.drafts.add_fact(make_fact(FactSlot.PLACE, "化工园雨水排口", "事发地点"), "李某")
    shown = render_text(create(store, "e1", "situation_notice", office, now, "王某"))
    lines = shown.splitlines()
    assert lines[:2] == ["关于群众反映水环境问题的情况通报", EDITORS_NOTE]
    place = next(line for line in lines if line.startswith("经核实，事发地点"))
    mark = place[place.index("[依据") :]
    assert f"{mark} 事实 f-place-事发地点-化工园雨水排口：" in shown
    assert "139****5678" in shown
    assert "13912345678" not in shown
    assert "待核实：时间、" in shown
    assert "[必须处理] 还有" in shown


def test_the_editors_note_is_never_part_of_the_text(store: Store, office: Office, now: datetime) -> None:
    assert EDITORS_NOTE not in create(store, "e1", "situation_notice", office, now, "王某").text
