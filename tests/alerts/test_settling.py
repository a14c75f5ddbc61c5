"""Events that nobody speaks of any more turn quiet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.settling import settle
from qingting.config import GroupingConfig, StoreConfig
from qingting.model import Event, EventState, Level, Matter, Topic
from qingting.store import open_store

NOW = datetime(2026, 9, 22, 12, tzinfo=UTC)


def event(number: int, last_seen: datetime, state: EventState) -> Event:
    """Return an event last seen at a time."""
    first = last_seen - timedelta(hours=5)
    counts = {"size": 9, "distinct": 7, "authors": 5, "negative": 4}
    return Event(
        f"e{number}",
        "河里死鱼",
        Topic.WATER,
        Matter.EMERGENCY,
        "",
        first,
        last_seen,
        level=Level.BLUE,
        state=state,
        **counts,
    )


@pytest.mark.parametrize(
    ("hours", "state", "becomes"),
    [
        (47, EventState.ACTIVE, EventState.ACTIVE),
        (49, EventState.ACTIVE, EventState.QUIET),
        (49, EventState.CANDIDATE, EventState.CANDIDATE),
        (49, EventState.CLOSED, EventState.CLOSED),
    ],
)
def test_only_an_active_event_without_new_posts_turns_quiet(
    tmp_path: Path, hours: int, state: EventState, becomes: EventState
) -> None:
    store = open_store(StoreConfig(), tmp_path, lambda text: list(text))
    store.cases.events.save(event(1, NOW - timedelta(hours=hours), state), "auto", "新事件", NOW)
    settled = settle(store.cases, GroupingConfig(quiet_hours=48), NOW)
    assert store.cases.events.get("e1").state is becomes
    assert bool(settled) is (becomes is not state)
    assert settle(store.cases, GroupingConfig(quiet_hours=48), NOW) == []
    store.close()
