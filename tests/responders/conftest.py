"""Material for drafts: an invented city whose river smells and whose fish die."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from qingting.model import (
    SHANGHAI,
    Channel,
    Event,
    EventState,
    Fact,
    FactSlot,
    Level,
    Matter,
    Post,
    Reading,
    Region,
    Sentiment,
    Target,
    Topic,
)
from responders.material import Material, Office

NOW = datetime(2026, 9, 22, 18, 30, tzinfo=SHANGHAI)
FIRST = datetime(2026, 9, 22, 2, 10, tzinfo=SHANGHAI)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def office() -> Office:
    return Office("清源市生态环境局", "12369")


@pytest.fixture
def event() -> Event:
    return Event(
        id="e1",
        title="清源河死鱼",
        topic=Topic.WATER,
        matter=Matter.EMERGENCY,
        region="990100",
        first_seen=FIRST,
        last_seen=FIRST + timedelta(hours=8),
        size=128,
        distinct=96,
        authors=80,
        negative=70,
        level=Level.ORANGE,
        state=EventState.ACTIVE,
    )


@pytest.fixture
def make_post() -> Callable[..., Post]:
    def make(name: str, text: str, channel: Channel = Channel.HOTLINE, minutes: int = 0, title: str = "") -> Post:
        at = FIRST + timedelta(minutes=minutes)
        return Post(name, "信源", name, channel, text, fetched_at=at, published_at=at, title=title)

    return make


@pytest.fixture
def make_fact() -> Callable[..., Fact]:
    def make(slot: FactSlot, value: str, name: str = "", **changed: object) -> Fact:
        fact = Fact(
            id=f"f-{slot}-{name}-{value}",
            event_id="e1",
            slot=slot,
            name=name or slot.label,
            value=value,
            unit="",
            source="高新分局 现场检查记录",
            occurred_at=None,
            verifier="李某",
            verified_at=FIRST + timedelta(hours=6),
        )
        return replace(fact, **changed)  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    def make(post: Post, region: str = "") -> Reading:
        start = post.passage.find(region)
        regions = (Region("990100", region, start, start + len(region)),) if region else ()
        return Reading(
            post_id=post.id,
            model="m",
            read_at=NOW,
            relevant=True,
            relevance=0.9,
            sentiment=Sentiment.NEGATIVE,
            score=-0.8,
            topic=Topic.WATER,
            matter=Matter.COMPLAINT,
            target=Target.POLLUTER,
            regions=regions,
        )

    return make


@pytest.fixture
def posts(make_post: Callable[..., Post]) -> tuple[Post, ...]:
    return (
        make_post("p1", "清源市化工园夜里一股刺鼻气味，睡不着。请查一下！", minutes=0),
        make_post("p2", "河边漂了上千条死鱼，有人说超标500倍", Channel.SOCIAL, 30),
        make_post("p3", "死鱼还在漂，气味刺鼻", Channel.SOCIAL, 45),
        make_post("p4", "清源河临河段出现死鱼", Channel.NEWS, 300),
    )


@pytest.fixture
def facts(make_fact: Callable[..., Fact]) -> tuple[Fact, ...]:
    ten = datetime(2026, 9, 22, 10, 0, tzinfo=SHANGHAI)
    station = "清源市环境监测站 应急监测快报第1期"
    return (
        make_fact(FactSlot.TIME, "2026年9月22日1时30分许", "事发时间"),
        make_fact(FactSlot.PLACE, "化工园雨水排口", "事发地点"),
        make_fact(FactSlot.CAUSE, "应急池池壁破损渗漏", "污染原因"),
        make_fact(FactSlot.RESPONSIBLE, "恒泰化工有限公司", "责任单位"),
        make_fact(FactSlot.POLLUTANT, "生产废水约180立方米", "污染物"),
        make_fact(FactSlot.MEASUREMENT, "1.86", "氨氮（大桥断面）", unit="mg/L", source=station, occurred_at=ten),
        make_fact(FactSlot.MEASUREMENT, "6.8", "pH（大桥断面）", unit="无量纲", source=station, occurred_at=ten),
        make_fact(FactSlot.CASUALTIES, "无人员伤亡"),
        make_fact(FactSlot.DRINKING_WATER, "出厂水三次检测均符合标准"),
        make_fact(FactSlot.MEASURES, "关闭取水口", occurred_at=datetime(2026, 9, 22, 6, 50, tzinfo=SHANGHAI)),
        make_fact(FactSlot.MEASURES, "企业9时10分全面停产。", occurred_at=ten),
        make_fact(FactSlot.RESULT, "已立案调查"),
        make_fact(FactSlot.NEXT_NOTICE, "2026年9月23日10时"),
    )


@pytest.fixture
def material(event: Event, posts: tuple[Post, ...], facts: tuple[Fact, ...], office: Office) -> Material:
    return Material(event, posts, {}, facts, office, NOW)
