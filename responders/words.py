"""The words that sentences rely on: how a fact, an event, a post or the office is quoted as a basis."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime

from qingting.model import SHANGHAI, Basis, Event, Fact, FactSlot, Post
from responders.material import Office

PLACEHOLDER = "【待核实：{}】"
"""What stands where no fact does."""

UNITLESS = frozenset({"", "无", "无量纲", "-", "—"})
"""Units that say there is none; they are not printed."""

EXCERPT_CHARACTERS = 60
"""A quote from a post is one clause; a clause without punctuation is cut here, long enough to be understood."""


def one_line(text: str) -> str:
    """Return a text with every run of white space as one blank and without control characters."""
    visible = "".join(" " if unicodedata.category(each) in ("Cc", "Zl", "Zp") else each for each in text)
    return " ".join(visible.split())


def said(moment: datetime) -> str:
    """Return a moment as official Chinese prose writes it, for example 2026年9月22日2时10分 (Asia/Shanghai)."""
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{said_in_year(moment)}"


def said_in_year(moment: datetime) -> str:
    """Return a moment as in `said`, without its year."""
    local = moment.astimezone(SHANGHAI)
    minute = f"{local.minute}分" if local.minute else ""
    return f"{local.month}月{local.day}日{local.hour}时{minute}"


def fact_name(fact: Fact) -> str:
    """Return what a fact is about, the slot's own name where it has none."""
    return one_line(fact.name) or fact.slot.label


def amount(fact: Fact) -> str:
    """Return a fact's value with its unit, without closing punctuation."""
    value = one_line(fact.value).strip("。；;，, ")
    unit = one_line(fact.unit)
    if unit in UNITLESS:
        return value
    return f"{value} {unit}" if unit[0].isascii() and unit[0].isalpha() else f"{value}{unit}"


def fact_words(fact: Fact) -> str:
    """Return a fact as it is quoted: name, value with unit, time, source."""
    when = f"；时间：{said(fact.occurred_at)}" if fact.occurred_at else ""
    return f"{fact_name(fact)}：{amount(fact)}{when}；来源：{one_line(fact.source)}"


def event_words(event: Event) -> str:
    """Return an event's own figures as they are quoted."""
    first, last = said(event.first_seen), said(event.last_seen)
    figures = f"首次出现：{first}；最近出现：{last}；相关信息：{event.size}条"
    return f"{figures}；议题：{event.topic.label}；地域：{event.region}"


def absence_words(slot: FactSlot) -> str:
    """Return how it is quoted that nobody has verified anything for a slot."""
    return f"尚无“{slot.label}”的已核实事实"


def office_words(office: Office, now: datetime) -> str:
    """Return the office's own data as they are quoted."""
    return f"发布单位：{one_line(office.name)}；电话：{one_line(office.telephone)}；成稿时间：{said(now)}"


def fact_basis(fact: Fact) -> Basis:
    """Return a fact as the basis of a sentence."""
    return Basis("fact", fact.id, fact_words(fact))


def event_basis(event: Event) -> Basis:
    """Return an event's figures as the basis of a sentence."""
    return Basis("event", event.id, event_words(event))


def absence_basis(event: Event, slot: FactSlot) -> Basis:
    """Return the lack of facts on an event as the basis of a placeholder."""
    return Basis("event", event.id, absence_words(slot))


def office_basis(office: Office, now: datetime) -> Basis:
    """Return the office's data as the basis of a sentence."""
    return Basis("office", one_line(office.name), office_words(office, now))


def post_basis(post: Post, start: int = 0, end: int = 0) -> Basis:
    """Return a post as the basis of a sentence, quoting the clause around the characters from start to end."""
    return Basis("post", post.id, excerpt(post.passage, start, end))


def excerpt(passage: str, start: int, end: int) -> str:
    """Return the clause of a passage that holds the characters from start to end, as it stands there."""
    before = max((each.end() for each in re.finditer(r"[。！？!?；;\s]", passage[:start])), default=0)
    after = re.search(r"[。！？!?；;\s]", passage[end:])
    stop = end + after.start() if after else len(passage)
    if stop - before <= EXCERPT_CHARACTERS:
        return passage[before:stop]
    begin = max(before, start - EXCERPT_CHARACTERS // 3)
    return passage[begin : min(stop, max(end, begin + EXCERPT_CHARACTERS))]
