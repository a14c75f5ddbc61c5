"""Rows of the pages' tables: what belongs together, fetched in few questions to the store."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from qingting.config import Config
from qingting.model import (
    Alert,
    Basis,
    Channel,
    Delivery,
    Draft,
    Event,
    Membership,
    Post,
    Reading,
    Sentence,
)
from qingting.store import Store
from qingting.web.at_hand import PostsAtHand
from qingting.web.charts import Rectangle, sparkline
from responders.render import BASIS_NAMES

PAGE_ROWS = 30
"""Alerts or events a page: what a duty officer scans without losing the place."""

PAGE_POSTS = 50
"""Posts a page, of an event or found by a search."""

CHANNEL_POSTS = 2_000
"""Channels are counted over this many of an event's latest posts, so that a huge event opens as fast as any."""

_PLACEHOLDER = re.compile(r"(【待核实：[^】]*】)")

T = TypeVar("T")


@dataclass(frozen=True)
class AlertRow:
    """An alert with its event, None for one about a source, and its deliveries."""

    alert: Alert
    event: Event | None
    deliveries: tuple[Delivery, ...]


@dataclass(frozen=True)
class EventRow:
    """An event with the name of its region and its course."""

    event: Event
    region: str
    course: tuple[Rectangle, ...]


@dataclass(frozen=True)
class MemberRow:
    """A post of an event (None while posts are away): why it is there, how it was read, and where it came from."""

    member: Membership
    post: Post | None
    reading: Reading | None
    source: str


@dataclass(frozen=True)
class HitRow:
    """A post found, how it was read (None while unread), where it came from, and its event's id, '' without one."""

    post: Post
    reading: Reading | None
    source: str
    event_id: str


@dataclass(frozen=True)
class Evidence:
    """What a sentence rests on, and where that can be looked at."""

    basis: Basis
    kind: str
    post: Post | None
    source: str


@dataclass(frozen=True)
class SentenceRow:
    """A sentence of a draft, cut at its placeholders (every second piece is one), with its evidence."""

    sentence: Sentence
    pieces: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def slice_of(rows: Sequence[T], page: int, size: int) -> list[T]:
    """Return the rows of a page; pages count from 1."""
    return list(islice(rows, (page - 1) * size, page * size))


def alert_rows(store: Store, alerts: Sequence[Alert]) -> list[AlertRow]:
    """Return alerts with what belongs to them."""
    cases = store.cases
    return [
        AlertRow(
            alert,
            None if alert.about_source else cases.events.get(alert.event_id),
            tuple(cases.alerts.deliveries(alert.id)),
        )
        for alert in alerts
    ]


def event_rows(store: Store, regions: Mapping[str, str], events: Sequence[Event]) -> list[EventRow]:
    """Return events with what belongs to them."""
    rows = []
    for event in events:
        members = store.cases.events.members(event.id)
        rows.append(EventRow(event, region_name(regions, event), sparkline(members)))
    return rows


def region_name(regions: Mapping[str, str], event: Event) -> str:
    """Return what people call an event's region."""
    return regions.get(event.region, event.region) or "未明确"


def channel_counts(at_hand: PostsAtHand, members: Sequence[Membership]) -> list[tuple[Channel, int]]:
    """Return how many of the first CHANNEL_POSTS members came by each channel, most first."""
    ids = [each.post_id for each in members[:CHANNEL_POSTS]]
    posts: Mapping[str, Post] = at_hand.ask(lambda posts: posts.get(ids), {})
    return Counter(post.channel for post in posts.values()).most_common()


def member_rows(at_hand: PostsAtHand, config: Config, members: Sequence[Membership]) -> list[MemberRow]:
    """Return members with their posts; one whose post is gone is left out, none while posts are away."""
    ids = [each.post_id for each in members]
    posts: Mapping[str, Post] = at_hand.ask(lambda posts: posts.get(ids), {})
    readings: Mapping[str, Reading] = at_hand.ask(lambda posts: posts.readings(ids), {})
    if at_hand.stale:
        return [MemberRow(each, posts.get(each.post_id), None, "") for each in members]
    return [
        MemberRow(each, posts[each.post_id], readings.get(each.post_id), source_name(config, posts[each.post_id]))
        for each in members
        if each.post_id in posts
    ]


def evidence_rows(at_hand: PostsAtHand, config: Config, draft: Draft) -> list[SentenceRow]:
    """Return a draft's sentences with what they rest on."""
    cited = {basis.id for sentence in draft.sentences for basis in sentence.basis if basis.kind == "post"}
    posts: Mapping[str, Post] = at_hand.ask(lambda posts: posts.get(cited), {})

    def evidence(basis: Basis) -> Evidence:
        post = posts.get(basis.id) if basis.kind == "post" else None
        return Evidence(basis, BASIS_NAMES.get(basis.kind, basis.kind), post, source_name(config, post) if post else "")

    return [SentenceRow(each, pieces(each.text), tuple(map(evidence, each.basis))) for each in draft.sentences]


def pieces(text: str) -> tuple[str, ...]:
    """Return a text cut around its 【待核实：…】, so that every second piece is one of these.

    The pieces joined give the text again.
    """
    return tuple(_PLACEHOLDER.split(text))


def source_name(config: Config, post: Post) -> str:
    """Return what the office calls a post's source."""
    names = {source.id: source.name for source in config.sources}
    return names.get(post.source) or post.source
