"""情况通报: what was said, what is verified, what is being done, and when the public hears more.

The wording follows 速报事实、慎报原因: a slot without a verified fact stays visibly open, posts are only ever quoted as
what people say, and no number of theirs is repeated. Change TEMPLATE's version with the wording.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from qingting.model import (
    Basis,
    Channel,
    Draft,
    DraftState,
    Event,
    Fact,
    FactSlot,
    Post,
    Reading,
    Sentence,
    Topic,
    stable_id,
)
from responders.concerns import concerns
from responders.facts import standing
from responders.forms.form import Form
from responders.material import Material, Office
from responders.words import (
    PLACEHOLDER,
    absence_basis,
    amount,
    event_basis,
    fact_basis,
    fact_name,
    office_basis,
    one_line,
    post_basis,
    said,
    said_in_year,
)

ID = "situation_notice"
NAME = "情况通报"
TEMPLATE = f"{NAME}@1"

CONCERNS_SHOWN = 3
"""More words of the public's than this make the opening unreadable."""

ISSUES = {
    Topic.AIR: "大气环境",
    Topic.WATER: "水环境",
    Topic.MARINE: "海洋环境",
    Topic.SOIL: "土壤环境",
    Topic.WASTE: "固体废物",
    Topic.NOISE: "噪声",
    Topic.RADIATION: "核与辐射",
    Topic.ECOLOGY: "自然生态",
    Topic.CHEMICALS: "化学品环境",
}
"""How a notice speaks of a topic; of any other it says 生态环境."""

SPEAKERS = {
    Channel.HOTLINE: "市民通过热线",
    Channel.SOCIAL: "网民通过社交媒体",
    Channel.BOARD: "网民通过社交媒体",
    Channel.FORUM: "网民通过论坛",
    Channel.VIDEO: "网民通过视频平台",
    Channel.OTHER: "群众通过其他渠道",
}
"""Who spoke, by channel; our own publications are no voice of the public."""

MEDIA = "媒体报道"
"""Media report rather than complain."""

PATTERNS = {
    FactSlot.TIME: "经核实，{named}",
    FactSlot.PLACE: "经核实，{named}",
    FactSlot.CAUSE: "经核实，{named}",
    FactSlot.RESPONSIBLE: "经核实，{named}",
    FactSlot.POLLUTANT: "经核实，{named}",
    FactSlot.MEASUREMENT: "经监测，{timed}{named}",
    FactSlot.CASUALTIES: "人员方面，经核实，{value}",
    FactSlot.DRINKING_WATER: "饮用水方面，经核实，{value}",
    FactSlot.MEASURES: "已采取措施：{value}",
    FactSlot.RESULT: "处置结果：{value}",
    FactSlot.NEXT_NOTICE: "下次通报：{value}",
}
"""The slots in the order of the document, each with its wording."""

FURTHER = "此外，{value}"
"""The wording of every further sentence of a slot whose first one carries a heading."""

WATER_TOPICS = frozenset(Topic) - {Topic.NOISE, Topic.AIR, Topic.RADIATION, Topic.CLIMATE, Topic.ECOLOGY}
"""Where people will ask about drinking water, so that silence about it needs to be noticed."""


def compose(
    event: Event,
    posts: Sequence[Post],
    readings: Mapping[str, Reading],
    facts: Sequence[Fact],
    office: Office,
    version: int,
    now: datetime,
    by: str,
) -> Draft:
    """Return a 情况通报, unchecked: assertions from facts only, posts only as what people say."""
    material = Material(event, tuple(posts), readings, tuple(facts), office, now)
    chosen = standing(facts)
    missing = [slot for slot in PATTERNS if slot not in chosen and _is_needed(slot, event.topic)]
    sentences = [_opening(material)]
    for slot in PATTERNS:
        if slot in chosen:
            sentences += _stated(slot, chosen[slot])
        elif slot in missing:
            sentences.append(Sentence(PLACEHOLDER.format(slot.label), (absence_basis(event, slot),)))
    sentences += _closing(material, chosen.get(FactSlot.CONTACT, []))
    if not (office.telephone or FactSlot.CONTACT in chosen):
        missing.append(FactSlot.CONTACT)
    region = _region(material)[0]
    return Draft(
        id=stable_id("d", event.id, ID, str(version)),
        event_id=event.id,
        channel=ID,
        version=version,
        state=DraftState.DRAFTING,
        title=f"关于群众反映{region}{_issue(event)}问题的情况通报",
        sentences=tuple(sentences),
        missing=tuple(missing),
        findings=(),
        template=TEMPLATE,
        created_by=by,
        created_at=now,
    )


def _is_needed(slot: FactSlot, topic: Topic) -> bool:
    """Tell whether a notice on a topic is incomplete without a slot."""
    if slot is FactSlot.DRINKING_WATER:
        return topic in WATER_TOPICS
    return slot is not FactSlot.POLLUTANT or topic is not Topic.NOISE


def _issue(event: Event) -> str:
    return ISSUES.get(event.topic, "生态环境")


def _region(material: Material) -> tuple[str, tuple[Basis, ...]]:
    """Return the name of the event's region with a post about it, one that says the full name if there is one."""
    named = [
        (post, region)
        for post in material.posts
        if (reading := material.readings.get(post.id))
        for region in reading.regions
        if region.code == material.event.region
    ]
    if not named:
        return "", ()
    post, region = min(named, key=lambda each: each[1].name not in each[0].passage)
    return region.name, (post_basis(post, region.start, region.end),)


def _opening(material: Material) -> Sentence:
    """Return who has been saying what since when, and how much of it there is."""
    event = material.event
    public = [post for post in material.posts if _is_public(post, material.readings)]
    voices, reported, basis = _voices(public)
    region, region_basis = _region(material)
    found = concerns(public, CONCERNS_SHOWN)
    words = "".join(f"“{each.word}”" for each in found)
    mentioned = f"，提到{words}等情况" if words else ""
    quoted = tuple(post_basis(each.post, each.start, each.end) for each in found)
    text = (
        f"{said(event.first_seen)}起，有{voices}{region}{_issue(event)}问题{mentioned}{reported}。"
        f"截至{said_in_year(event.last_seen)}，共收集到相关信息{event.size}条。现将有关情况通报如下："
    )
    return Sentence(text, tuple(dict.fromkeys((event_basis(event), *basis, *region_basis, *quoted))))


def _is_public(post: Post, readings: Mapping[str, Reading]) -> bool:
    reading = readings.get(post.id)
    return post.channel is not Channel.OFFICIAL and (reading is None or reading.relevant)


def _voices(posts: Sequence[Post]) -> tuple[str, str, tuple[Basis, ...]]:
    """Return who spoke, in the order of who spoke first, whether media followed, and the first post of each."""
    first: dict[str, Post] = {}
    for post in sorted(posts, key=lambda post: (post.at, post.id)):
        first.setdefault(SPEAKERS.get(post.channel, MEDIA), post)
    basis = tuple(post_basis(post) for post in first.values())
    people = "、".join(voice for voice in first if voice != MEDIA)
    if people:
        return f"{people}反映", "，媒体也作了报道" if MEDIA in first else "", basis
    return MEDIA if first else "公开信息涉及", "", basis


def _stated(slot: FactSlot, facts: Sequence[Fact]) -> Iterator[Sentence]:
    """Yield one sentence for the facts of a slot that share time and source, naming the source."""
    pattern = PATTERNS[slot]
    for (moment, source), group in groupby(facts, key=lambda fact: (_moment(fact), one_line(fact.source))):
        together = list(group)
        named = "，".join(f"{fact_name(fact)}为{amount(fact)}" for fact in together)
        value = "；".join(amount(fact) for fact in together)
        timed = f"{moment}，" if moment else ""
        text = pattern.format(named=named, value=value if _has_time(value) else timed + value, timed=timed)
        stated_source = source or PLACEHOLDER.format("来源")
        yield Sentence(f"{text}（来源：{stated_source}）。", tuple(fact_basis(fact) for fact in together))
        pattern = FURTHER if "{value}" in pattern else pattern


def _moment(fact: Fact) -> str:
    """Return when a value was measured or a measure taken, '' for slots that hold without a time."""
    if fact.slot in (FactSlot.MEASUREMENT, FactSlot.MEASURES) and fact.occurred_at:
        return said_in_year(fact.occurred_at)
    return ""


def _has_time(text: str) -> bool:
    return any(f"{digit}{mark}" in text for digit in "0123456789" for mark in "时日:")


def _closing(material: Material, contacts: Sequence[Fact]) -> Iterator[Sentence]:
    """Yield thanks, telephone numbers, the issuing office and the time of writing."""
    office = office_basis(material.office, material.now)
    name, telephone = one_line(material.office.name), one_line(material.office.telephone)
    yield Sentence("感谢社会各界的关心和监督。", (office,))
    numbers = ([telephone] if telephone else []) + [amount(fact) for fact in contacts]
    listed = "；".join(numbers) or PLACEHOLDER.format(FactSlot.CONTACT.label)
    yield Sentence(f"举报、咨询电话：{listed}。", (office, *(fact_basis(fact) for fact in contacts)))
    yield Sentence(name, (office,))
    yield Sentence(said(material.now), (office,))


FORM = Form(ID, NAME, compose)
