"""Puts posts into events: reposts and copies with their original, the rest with what they most probably speak of."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.board import Board
from alerts.headline import better_title
from alerts.levels import grade
from alerts.likeness import Likeness, likeness
from alerts.profile import Profile, new_profile, profile_of
from alerts.relevance import counts
from alerts.traits import Traits, traits
from qingting.config import GroupingConfig, NeverMissConfig
from qingting.errors import NotFoundError
from qingting.model import Event, EventState, Membership, Post, Reading, stable_id
from qingting.store import Cases

AUTOMATIC = "auto"
"""Who decided, where no person did (Membership.decided_by)."""

CANDIDATES = 24
"""Events compared in full per post, those with the most evidence from words; more changed no decision on the demo."""

NEWCOMERS = 256
"""Events that another process may have opened, looked up per batch, last seen first."""

LATE = timedelta(days=1)
"""How much later than others of its time a post may come without all events being read anew."""

DOUBTED_FROM, ALL_BUT_CERTAIN = 0.03, 0.9
"""A post read as irrelevant, yet with at least this relevance, joins a shown event if it is at least this likely to
speak of it: short talk of a known event (这水往下就是取水口吧) is more easily placed than read. On the demo this adds
78 posts to the spill and none that is about anything else."""

OPEN_STATES = (EventState.CANDIDATE, EventState.ACTIVE, EventState.QUIET)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post goes: an event's id ('' for a new event), why, how sure, and whether it is a copy."""

    event_id: str
    reason: str
    score: float
    copy: bool


def group(
    cases: Cases, posts: Sequence[Post], readings: Mapping[str, Reading], settings: GroupingConfig, now: datetime
) -> list[Event]:
    """Put each relevant post into exactly one event and return the events touched, as saved; see `Grouper.group`."""
    return Grouper(cases, settings).group(posts, readings, now)


class Grouper:
    """Keeps the open events in memory between batches; what another process did meanwhile is noticed when touched."""

    def __init__(self, cases: Cases, settings: GroupingConfig, never_miss: NeverMissConfig | None = None) -> None:
        self._cases = cases
        self._settings = settings
        self._never_miss = never_miss or NeverMissConfig()
        self._window = timedelta(days=settings.days)
        self._board = Board()
        self._loaded_since: datetime | None = None
        self._current: set[str] = set()

    def group(self, posts: Sequence[Post], readings: Mapping[str, Reading], now: datetime) -> list[Event]:
        """Put each relevant post into exactly one event, in time order; return the events touched, as saved.

        A post that is in an event already, unread or irrelevant changes nothing; an irrelevant repost of a member
        joins as a copy. Call it inside a transaction: events and members are written event by event.
        """
        fresh = self._ungrouped(posts, readings)
        if not fresh:
            return []
        self._refresh(fresh[0].at)
        touched: dict[str, Event] = {}
        for _, day in itertools.groupby(fresh, key=lambda post: _day(post.at)):
            touched |= self._group_day(list(day), readings, now)
        return list(touched.values())

    def _group_day(self, posts: Sequence[Post], readings: Mapping[str, Reading], now: datetime) -> dict[str, Event]:
        """Group the posts of one day and return the events touched, by id."""
        self._advance(posts[0].at)
        homes = self._cases.events.event_of({each for post in posts for each in (post.parent_id, post.root_id) if each})
        members: dict[str, list[tuple[Traits, Membership]]] = {}
        for post in posts:
            seen = traits(post, readings[post.id], self._never_miss)
            place = self._place(seen, homes)
            if place is not None:
                profile = self._join(seen, place)
                homes[post.id] = profile.id
                members.setdefault(profile.id, []).append((seen, _membership(profile.id, seen, place, now)))
        return {event_id: self._save(event_id, joined, now) for event_id, joined in members.items()}

    def _ungrouped(self, posts: Sequence[Post], readings: Mapping[str, Reading]) -> list[Post]:
        """Return the read posts that are in no event, in time order, originals before reposts of the same moment."""
        grouped = self._cases.events.event_of([post.id for post in posts])
        fresh = {post.id: post for post in posts if post.id in readings and post.id not in grouped}
        return sorted(fresh.values(), key=lambda post: (post.at, bool(post.parent_id), post.id))

    def _refresh(self, earliest: datetime) -> None:
        """Make the board hold every open event that a post from `earliest` on may join."""
        self._current = set()
        if self._loaded_since is None or earliest - self._window < self._loaded_since:
            self._loaded_since = self._horizon(earliest)
            self._board = Board(map(profile_of, self._cases.events.latest(OPEN_STATES, self._loaded_since)))
            return
        for event in self._cases.events.latest(OPEN_STATES, earliest - timedelta(hours=1), NEWCOMERS):
            if event.id not in self._board.profiles:
                self._board.put(profile_of(event))

    def _advance(self, at: datetime) -> None:
        """Forget events that are long past at a moment, by the day, so that it does not matter how batches are cut."""
        horizon = self._horizon(at)
        if self._loaded_since is None or horizon <= self._loaded_since:
            return
        self._loaded_since = horizon
        for profile in [each for each in self._board.profiles.values() if each.last_seen < horizon]:
            self._board.drop(profile.id)

    def _horizon(self, at: datetime) -> datetime:
        """Return since when events are held for posts of a day, with a day to spare for posts that come late."""
        return _day(at) - self._window - LATE

    def _place(self, post: Traits, homes: Mapping[str, str]) -> Place | None:
        """Return where a post goes, None for nowhere; the events considered are as the store has them."""
        while (place := self._propose(post, homes)) is not None:
            if not place.event_id or self._as_stored(place.event_id):
                return place
        return None

    def _propose(self, post: Traits, homes: Mapping[str, str]) -> Place | None:
        relevant = counts(post.post, post.reading, self._never_miss)
        home = homes.get(post.post.parent_id) or homes.get(post.post.root_id)
        if home:
            return Place(home, "转发事件内的帖文", 1.0, copy=post.bare or not relevant)
        if not relevant:
            return self._doubted(post)
        return self._copied(post) or self._likest(post) or Place("", "首帖", 1.0, copy=False)

    def _doubted(self, post: Traits) -> Place | None:
        """Return the shown event that a post read as barely irrelevant all but certainly speaks of."""
        if post.reading.relevance < DOUBTED_FROM:
            return None
        place = self._likest(post)
        if place is None or place.score < ALL_BUT_CERTAIN:
            return None
        return place if self._board.profiles[place.event_id].distinct >= self._settings.shown_from else None

    def _copied(self, post: Traits) -> Place | None:
        """Return the event that holds a near-duplicate of a post, if one does that is not ruled out."""
        if not post.reading.fingerprint:
            return None
        for event_id in self._board.copies(post.reading.fingerprint):
            profile = self._board.profiles[event_id]
            if self._takes(post, profile) and not likeness(post, profile, self._rarity(post)).veto:
                return Place(event_id, "与事件内帖文几乎相同", 1.0, copy=True)
        return None

    def _likest(self, post: Traits) -> Place | None:
        """Return the event that a post most probably speaks of, if that is probable enough."""
        likely = [each for each in self.compare(post) if not each.veto and each.score >= self._settings.threshold]
        if not likely:
            return None
        best = max(likely, key=lambda each: (each.rank, each.event_id))
        shared = "、".join(best.shared)
        return Place(best.event_id, f"与事件同提：{shared}；相似度 {best.score:.2f}", best.score, copy=post.bare)

    def compare(self, post: Traits) -> list[Likeness]:
        """Return how a post compares with the open events that share a telling word with it, in no order."""
        rarity = self._rarity(post)
        profiles = [self._board.profiles[each] for each in self._board.sharing(post.words)]
        near = [profile for profile in profiles if self._takes(post, profile)]
        if len(near) > CANDIDATES:
            telling = {word: -math.log(share) for word, share in rarity.items()}
            near.sort(key=lambda profile: (-_told(profile, telling), profile.id))
        return [likeness(post, profile, rarity) for profile in near[:CANDIDATES]]

    def _rarity(self, post: Traits) -> dict[str, float]:
        return {word: self._board.rarity(word) for word in post.words}

    def _takes(self, post: Traits, profile: Profile) -> bool:
        """Return whether an event is open, and seen within the window around a post."""
        at, window = post.post.at, self._window
        return profile.state in OPEN_STATES and profile.last_seen >= at - window and profile.first_seen <= at + window

    def _as_stored(self, event_id: str) -> bool:
        """Return whether the board holds an event as the store does; if not, correct the board.

        Another process may have added to it, a person changed it, or a transaction with our last batch been undone.
        """
        held = self._board.profiles.get(event_id)
        if held is not None and event_id in self._current:
            return True
        self._current.add(event_id)
        try:
            stored = self._cases.events.get(event_id)
        except NotFoundError:
            if held is not None:
                self._board.drop(event_id)
            return False
        if held is None or not _same(held, stored):
            self._board.put(profile_of(stored))
            return False
        return True

    def _join(self, post: Traits, place: Place) -> Profile:
        """Let a post join the event chosen for it, or open a new one, and return that event."""
        if place.event_id:
            profile = self._board.profiles[place.event_id]
        else:
            profile = new_profile(stable_id("e", post.post.id), post)
            self._current.add(profile.id)
        if profile.authors is None:
            profile.authors = {each.author_key for each in self._cases.events.members(profile.id)} - {""}
        profile.add(post, place.copy)
        self._board.put(profile)
        return profile

    def _save(self, event_id: str, joined: Sequence[tuple[Traits, Membership]], now: datetime) -> Event:
        """Write an event and its new members, and return the event."""
        profile = self._board.profiles[event_id]
        profile.title = better_title(
            profile, [post for post, member in joined if not member.copy], self._never_miss.words
        )
        profile.level = grade(profile)
        if profile.state in OPEN_STATES:
            shown = profile.distinct >= self._settings.shown_from
            profile.state = EventState.ACTIVE if shown else EventState.CANDIDATE
        event = profile.event()
        self._cases.events.save(event, AUTOMATIC, f"并入帖文 {len(joined)} 条", now)
        self._cases.events.add_members([member for _, member in joined])
        return event


def _told(profile: Profile, telling: Mapping[str, float]) -> float:
    """Return roughly how much a post's words speak for an event: what chooses the events to compare in full."""
    shares = profile.shares
    return sum(weight * shares[word] for word, weight in telling.items() if word in shares)


def _membership(event_id: str, post: Traits, place: Place, now: datetime) -> Membership:
    return Membership(
        event_id=event_id,
        post_id=post.post.id,
        at=post.post.at,
        reason=place.reason,
        score=round(place.score, 4),
        copy=place.copy,
        author_key=post.post.author_key,
        sentiment=post.reading.sentiment,
        decided_by=AUTOMATIC,
        decided_at=now,
    )


def _same(held: Profile, stored: Event) -> bool:
    """Return whether what is held is what is stored, by the counts that every change moves and what people may set."""
    return (held.size, held.distinct, held.last_seen, held.title, held.state) == (
        stored.size,
        stored.distinct,
        stored.last_seen,
        stored.title,
        stored.state,
    )


def _day(at: datetime) -> datetime:
    """Return the beginning of the day, in UTC, that a moment falls into."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
