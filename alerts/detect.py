"""Asks the rules about events that changed, and puts new alerts into the outbox of every receiver concerned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from alerts.baseline import History
from alerts.deadlines import deadlines
from alerts.rules import RULES, Answer, Case, Rule
from alerts.wording import alert_summary, alert_title, is_history
from qingting.config import AlertsConfig
from qingting.model import Alert, Event, Level, Membership, Post, Reading, stable_id
from qingting.store import Store

MOMENT = timedelta(microseconds=1)
"""The smallest step of time, to make an exclusive end include a post."""


def detect(
    store: Store,
    events: Sequence[Event],
    posts: Sequence[Post],
    readings: Mapping[str, Reading],
    settings: AlertsConfig,
    now: datetime,
    places: Mapping[str, str] = MappingProxyType({}),
) -> list[Alert]:
    """Ask every rule about the events touched by a batch of posts; store and return the alerts that are new.

    `places` are what people call the codes of regions. Everything is judged at the time of the posts, so that a
    backlog gives the alerts it would have given live. An event has one alert: the earliest that any rule calls for.
    Asking again about the same posts adds nothing.
    """
    history = History(store.posts, posts, readings)
    fresh = _fresh(store, posts, readings)
    added: list[Alert] = []
    for event in _touched(store, events, fresh):
        if store.cases.alerts.latest(event_id=event.id, limit=1):
            continue
        case = make_case(store, event, fresh[event.id], history, settings)
        if (found := first_answer(case)) is not None:
            alert = _alert(store, case, *found, now, places)
            if store.cases.alerts.add(alert, receivers_of(alert.level, settings), now):
                added.append(alert)
    return sorted(added, key=lambda alert: (alert.triggered_at, alert.id))


def first_answer(case: Case) -> tuple[Rule, Answer] | None:
    """Return the rule that fires on the earliest post, with its answer; of two on one post the first listed."""
    answers = [(rule, answer) for rule in RULES if (answer := rule.ask(case)).at is not None]
    return min(answers, key=lambda pair: pair[1].at or case.event.last_seen, default=None)


def make_case(
    store: Store, event: Event, fresh: Sequence[tuple[Post, Reading]], history: History, settings: AlertsConfig
) -> Case:
    """Return an event as the rules see it: its members around the fresh ones, if they may be many, and their posts."""
    members: list[Membership] = []
    if event.distinct >= settings.volume.min_posts:
        window = timedelta(hours=settings.volume.window_hours)
        times = [post.at for post, _ in fresh] or [event.last_seen]
        members = store.cases.events.members(event.id, min(times) - window, max(times) + window + MOMENT)
    posts = {post.id: post for post, _ in fresh}
    missing = [member.post_id for member in members if member.post_id not in posts]
    return Case(event, fresh, members, {**store.posts.get(missing), **posts}, history, settings)


def receivers_of(level: Level, settings: AlertsConfig) -> list[str]:
    """Return the names of the receivers who are told of alerts of a level."""
    return [
        receiver.name
        for receiver in settings.receivers
        if receiver.enabled and Level(receiver.min_level).rank <= level.rank
    ]


def _fresh(
    store: Store, posts: Sequence[Post], readings: Mapping[str, Reading]
) -> dict[str, list[tuple[Post, Reading]]]:
    """Return the batch's posts that are in an event, by event, earliest first."""
    homes = store.cases.events.event_of([post.id for post in posts])
    fresh: dict[str, list[tuple[Post, Reading]]] = defaultdict(list)
    for post in sorted(posts, key=lambda post: (post.at, post.id)):
        if post.id in homes and post.id in readings:
            fresh[homes[post.id]].append((post, readings[post.id]))
    return fresh


def _touched(store: Store, events: Sequence[Event], fresh: Collection[str]) -> list[Event]:
    """Return the events handed in and those that hold posts of the batch from an earlier, interrupted attempt."""
    known = {event.id: event for event in events}
    known |= {event_id: store.cases.events.get(event_id) for event_id in fresh if event_id not in known}
    return sorted(known.values(), key=lambda event: (event.first_seen, event.id))


def _alert(store: Store, case: Case, rule: Rule, answer: Answer, now: datetime, places: Mapping[str, str]) -> Alert:
    """Return the alert that a rule's answer calls for."""
    event, at = case.event, answer.at or case.event.last_seen
    level = answer.level
    due = deadlines(level, event.matter, at)
    members: list[Membership] = store.cases.events.members(event.id)
    posts = {**store.posts.get([each.post_id for each in members if each.post_id not in case.posts]), **case.posts}
    history = is_history(at, now, case.settings.history_hours)
    return Alert(
        id=stable_id("a", event.id),
        event_id=event.id,
        rule=rule.name,
        level=level,
        title=alert_title(rule, event, history),
        summary=alert_summary(answer, event, members, posts, places, due),
        triggered_at=at,
        created_at=now,
        steps=answer.steps,
        post_ids=answer.post_ids,
        deadlines=due,
    )
