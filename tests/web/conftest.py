"""A console over a real store: one event in an invented city, with hostile posts among the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qingting.config import Config, ServiceConfig, SourceConfig, StoreConfig
from qingting.doctor import Condition
from qingting.model import (
    SHANGHAI,
    Alert,
    Approval,
    Basis,
    Channel,
    Deadline,
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
    Post,
    Reading,
    Region,
    Sentence,
    Sentiment,
    Severity,
    Step,
    Target,
    Topic,
)
from qingting.store import Store, open_store
from qingting.web.app import create_app

NOW = datetime(2026, 9, 22, 11, 20, tzinfo=SHANGHAI)
FIRST = datetime(2026, 9, 22, 2, 10, tzinfo=SHANGHAI)
HOSTILE = "<script>alert(1)</script>{{7*7}}<img src=x onerror=alert(2)>"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(StoreConfig(), tmp_path, list)
    yield opened
    opened.close()


@pytest.fixture
def problems() -> list[str]:
    """What is degraded; a test may add to it."""
    return []


@pytest.fixture
def client(store: Store, problems: list[str]) -> Iterator[TestClient]:
    source = SourceConfig("hotline", "12369热线", "hotline", "drop", assessment="本单位的数据")
    config = Config(service=ServiceConfig(office="清源市生态环境局"), sources=(source,))
    with TestClient(create_app(store, config, lambda: NOW, lambda: Condition(tuple(problems)))) as opened:
        yield opened


def make_event(event_id: str = "e1", state: EventState = EventState.ACTIVE, title: str = "清源河死鱼") -> Event:
    return Event(
        event_id,
        title,
        Topic.WATER,
        Matter.EMERGENCY,
        "990100",
        FIRST,
        FIRST + timedelta(hours=8),
        size=4,
        distinct=3,
        authors=3,
        negative=2,
        level=Level.ORANGE,
        state=state,
    )


@pytest.fixture
def event_maker() -> Callable[..., Event]:
    return make_event


def make_post(number: int, text: str, url: str = "", title: str = "") -> Post:
    at = FIRST + timedelta(hours=number)
    return Post(
        f"p{number}",
        "hotline",
        str(number),
        Channel.HOTLINE,
        text,
        fetched_at=at,
        published_at=at,
        title=title,
        url=url,
        author="王**",
    )


def read(post: Post) -> Reading:
    start = post.passage.find("清源市")
    regions = (Region("990100", "清源市", start, start + 3),) if start >= 0 else ()
    return Reading(
        post.id,
        "m",
        NOW,
        relevant=True,
        relevance=0.9,
        sentiment=Sentiment.NEGATIVE,
        score=-0.9,
        topic=Topic.WATER,
        matter=Matter.COMPLAINT,
        target=Target.POLLUTER,
        regions=regions,
    )


def join(post: Post, event_id: str = "e1") -> Membership:
    return Membership(
        event_id, post.id, post.at, "共有词：死鱼", 0.8, post.id == "p2", "", Sentiment.NEGATIVE, "auto", NOW
    )


@pytest.fixture
def filled(store: Store) -> Store:
    """The store with an event, its alert, deliveries, fact and draft."""
    posts = (
        make_post(0, "清源市化工园夜里死鱼，我的电话13912345678", url="https://example.org/a?b=1&c=2"),
        make_post(1, HOSTILE, url="javascript:alert(3)", title=HOSTILE),
        make_post(2, "死鱼" * 200, url="http://example.org/long"),
        make_post(3, "反转\u202e文字"),
    )
    store.posts.append(posts)
    store.posts.save_readings([read(post) for post in posts])
    cases = store.cases
    cases.events.save(make_event(), "auto", "新事件", NOW)
    cases.events.add_members([join(post) for post in posts])
    cases.alerts.add(_alert(), ["值班台"], FIRST)
    cases.drafts.add_fact(_fact(), "李某")
    draft = _draft()
    cases.drafts.add(draft, "王某")
    cases.drafts.add_approval(
        Approval("ap1", draft.id, DraftState.REVIEW, False, "孙某", NOW, draft.text_hash, "请补充数据")
    )
    return store


def _alert() -> Alert:
    return Alert(
        id="a1",
        event_id="e1",
        rule="must_never_miss",
        level=Level.RED,
        title="【必报】清源河死鱼",
        summary=f"事由：死鱼\n原话：“{HOSTILE}，电话13912345678”",
        triggered_at=FIRST + timedelta(minutes=20),
        created_at=FIRST + timedelta(minutes=21),
        steps=(Step("出现必报词", True, "饮用水"),),
        post_ids=("p0",),
        deadlines=(
            Deadline("发布权威信息", FIRST + timedelta(hours=5), "国办发〔2016〕80号"),
            Deadline("举行新闻发布会", FIRST + timedelta(hours=24), "国办发〔2016〕61号"),
        ),
    )


def _fact() -> Fact:
    return Fact("f1", "e1", FactSlot.PLACE, "事发地点", "化工园排口", "", "检查记录", FIRST, "李某", NOW)


def _draft() -> Draft:
    return Draft(
        id="d1",
        event_id="e1",
        channel="situation_notice",
        version=1,
        state=DraftState.DRAFTING,
        title="关于群众反映水环境问题的情况通报",
        sentences=(
            Sentence("有市民反映“死鱼”。", (Basis("post", "p0", "夜里死鱼，我的电话13912345678"),)),
            Sentence("事发地点为化工园排口。", (Basis("fact", "f1", "事发地点：化工园排口"),)),
            Sentence("原因：【待核实：起因】。", (Basis("event", "e1", "尚无“起因”的已核实事实"),)),
            Sentence("没有根据的话。"),
        ),
        missing=(FactSlot.CAUSE,),
        findings=(
            Finding("placeholders", Severity.BLOCKING, "还有 1 项待核实：起因。"),
            Finding("length", Severity.WARNING, "正文太短。"),
        ),
        template="情况通报@1",
        created_by="王某",
        created_at=NOW,
    )
