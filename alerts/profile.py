"""An event as grouping holds it in memory, and how it is stored in and read back from Event.

`Event.terms` holds plain words with their share among the members and, beside them, grouping's own bookkeeping under
keys that begin with '@' (votes and near-duplicate fingerprints): whoever shows terms to people leaves those out.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from alerts.traits import Traits, Vector, contains, is_county, pack, stem, unpack
from qingting.model import Event, EventState, Level, Matter, Reading, Sentiment, Topic

MEMORY = 40
"""Members that the words and the centroid remember: later ones replace the oldest by degrees, so that an event may
follow its story (dead fish, then tap water, then the fine), but no single post can pull it away."""

WORDS_STORED = 128
"""Words kept per event: those that most members use, and of equals the latest, which may start a new turn."""

PRINTS_STORED = 64
"""Fingerprints kept per event, the latest: copies follow their original within hours."""

PLACE_MAJORITY = 0.6
"""Share of the members naming a place that must agree before it becomes the event's region."""

_MARK = "@"
_PRINT = "@print:"
_HEAT = "@heat"

HEAT_HALVES = timedelta(hours=6)
"""After which time a member counts half towards an event's heat: between a rumour's hour and an affair's day."""

VOTE_DIGITS, HEAT_DIGITS = 3, 4
"""Decimals kept, in memory as in the store: a process that reads events anew goes on exactly as it would have."""


@dataclass(slots=True)
class Profile:
    """An open event: what it is compared by, and the counts that `Event` shows.

    `shares` is the share of remembered members that use a word, `votes` counts members by 'topic:…', 'matter:…',
    'place:…', 'source:…', 'company:…' and 'channel:…'. `authors` is None until the members have been looked up.
    """

    id: str
    first_seen: datetime
    last_seen: datetime
    size: int = 0
    distinct: int = 0
    negative: int = 0
    authors: set[str] | None = None
    author_count: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    votes: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    heat: float = 0.0
    prints: list[int] = field(default_factory=list)
    vector: Vector | None = None
    title: str = ""
    state: EventState = EventState.CANDIDATE
    level: Level = Level.BLUE

    @property
    def codes(self) -> dict[str, float]:
        """Return the votes for each place code named."""
        return self.ballot("place:")

    @property
    def companies(self) -> dict[str, float]:
        """Return the votes for each enterprise named."""
        return self.ballot("company:")

    def ballot(self, kind: str) -> dict[str, float]:
        """Return the votes of one kind by value."""
        return {key.removeprefix(kind): count for key, count in self.votes.items() if key.startswith(kind)}

    def winner(self, kind: str, default: str) -> str:
        """Return the value with the most votes of a kind; among equals the first by name."""
        ballot = self.ballot(kind)
        return max(sorted(ballot), key=lambda value: ballot[value]) if ballot else default

    def leading(self, count: int) -> list[str]:
        """Return the words that most members share."""
        return heapq.nsmallest(count, self.shares, key=lambda word: (-self.shares[word], word))

    def add(self, member: Traits, copy: bool) -> None:
        """Count a member, and unless it is a copy or a repost let it shape what the event is compared by."""
        post, reading = member.post, member.reading
        self.size += 1
        self.negative += reading.sentiment is Sentiment.NEGATIVE
        latest = max(self.last_seen, post.at)
        self.heat = round(self.heat_at(latest), HEAT_DIGITS)
        self.last_seen, self.first_seen = latest, min(self.first_seen, post.at)
        if post.author_key and self.authors is not None:
            self.authors.add(post.author_key)
            self.author_count = len(self.authors)
        if reading.fingerprint:
            self.prints = [*self.prints, reading.fingerprint][-PRINTS_STORED:]
        self.votes[f"channel:{post.channel.value}"] += 1
        if not copy:
            self.distinct += 1
            self._warm(member)
            self._vote(member, reading)
            if not post.parent_id:
                self._learn(member)

    def heat_at(self, moment: datetime) -> float:
        """Return how many distinct members of late the event has: each counts half after HEAT_HALVES, and so on."""
        return float(self.heat * 0.5 ** (abs(moment - self.last_seen) / HEAT_HALVES))

    def _warm(self, member: Traits) -> None:
        """Count a member towards the heat; one that does not say when it was published cannot be of late."""
        if member.post.published_at is not None:
            self.heat = round(self.heat + 0.5 ** ((self.last_seen - member.post.at) / HEAT_HALVES), HEAT_DIGITS)

    def _vote(self, member: Traits, reading: Reading) -> None:
        if reading.relevant:
            for kind, value in (("topic", reading.topic), ("matter", reading.matter)):
                votes = self.votes[f"{kind}:{value.value}"] + reading.confidence.get(kind, 1.0)
                self.votes[f"{kind}:{value.value}"] = round(float(votes), VOTE_DIGITS)
        for code in member.codes:
            self.votes[f"place:{code}"] += 1
        for company in member.companies:
            self.votes[f"company:{company}"] += 1
        self.votes["placed"] += bool(member.codes)
        if post_region := member.post.region:
            self.votes[f"source:{post_region}"] += 1
        self.votes["grave"] += member.grave

    def _learn(self, member: Traits) -> None:
        """Move the shares and the centroid towards a member, by one part in as many as are remembered."""
        step = 1.0 / min(self.distinct, MEMORY)
        shares = {word: share * (1 - step) for word, share in self.shares.items()}
        for word in member.words:
            shares[word] = shares.get(word, 0.0) + step
        latest_first = reversed(shares.items())
        kept = heapq.nlargest(WORDS_STORED, latest_first, key=lambda pair: pair[1])
        self.shares = {word: round(share, 4) for word, share in reversed(kept)}
        if member.vector is not None:
            moved = member.vector if self.vector is None else self.vector + (member.vector - self.vector) * step
            self.vector = _stored(moved / np.linalg.norm(moved))

    def region(self) -> str:
        """Return the most specific code that most members naming a place share, else that of the sources."""
        codes, placed = self.codes, self.votes["placed"]
        wider = {stem(code)[:length] for code in codes if code.isdigit() for length in (2, 4, 6)}
        for code in sorted(
            {*codes, *(part.ljust(6, "0") for part in wider)}, key=lambda code: (-len(stem(code)), code)
        ):
            if sum(count for other, count in codes.items() if contains(code, other)) >= PLACE_MAJORITY * placed:
                return code
        return self.winner("source:", "")

    def counties(self) -> set[str]:
        """Return the counties and finer places that more than a stray member names."""
        floor = 1 if self.distinct < 8 else 2
        return {code for code, count in self.codes.items() if count >= floor and is_county(code)}

    def event(self) -> Event:
        """Return the event as it is stored and shown."""
        bookkeeping = {_MARK + key: round(float(count), VOTE_DIGITS) for key, count in self.votes.items() if count}
        bookkeeping |= {f"{_PRINT}{each:016x}": float(order) for order, each in enumerate(self.prints)}
        return Event(
            id=self.id,
            title=self.title,
            topic=Topic(self.winner("topic:", Topic.GENERAL.value)),
            matter=Matter(self.winner("matter:", Matter.OPINION.value)),
            region=self.region(),
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            size=self.size,
            distinct=self.distinct,
            authors=self.author_count,
            negative=self.negative,
            level=self.level,
            state=self.state,
            centroid=pack(self.vector),
            terms={**self.shares, **bookkeeping, _HEAT: round(self.heat, HEAT_DIGITS)},
        )


def words_of(event: Event) -> dict[str, float]:
    """Return an event's characteristic words with their shares, without grouping's bookkeeping."""
    return {word: share for word, share in event.terms.items() if not word.startswith(_MARK)}


def profile_of(event: Event) -> Profile:
    """Return a stored event as grouping holds it; its authors are looked up when a post first touches it."""
    prints = {key: order for key, order in event.terms.items() if key.startswith(_PRINT)}
    return Profile(
        id=event.id,
        first_seen=event.first_seen,
        last_seen=event.last_seen,
        size=event.size,
        distinct=event.distinct,
        negative=event.negative,
        author_count=event.authors,
        shares=words_of(event),
        votes=defaultdict(float, _votes(event.terms)),
        heat=event.terms.get(_HEAT, 0.0),
        prints=[int(key.removeprefix(_PRINT), 16) for key in sorted(prints, key=lambda key: prints[key])],
        vector=unpack(event.centroid),
        title=event.title,
        state=event.state,
        level=event.level,
    )


def new_profile(event_id: str, first: Traits) -> Profile:
    """Return an event without members that is about to take its first."""
    return Profile(event_id, first.post.at, first.post.at, authors=set())


def _votes(terms: Mapping[str, float]) -> dict[str, float]:
    keys: Iterable[str] = (key for key in terms if key.startswith(_MARK) and key != _HEAT)
    return {key.removeprefix(_MARK): terms[key] for key in keys if not key.startswith(_PRINT)}


def _stored(vector: Vector) -> Vector:
    """Return a vector rounded as storing would: memory and store then never disagree on a comparison."""
    again = unpack(pack(vector))
    return vector if again is None else again
