"""Events that nobody speaks of any more turn quiet by themselves; the first new post wakes them again (grouping)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from alerts.grouping import AUTOMATIC
from qingting.config import GroupingConfig
from qingting.model import Event, EventState
from qingting.store import Cases


def settle(cases: Cases, settings: GroupingConfig, now: datetime) -> list[Event]:
    """Turn active events without a new post for `settings.quiet_hours` quiet, and return them."""
    before = now - timedelta(hours=settings.quiet_hours)
    silent = [event for event in cases.events.latest({EventState.ACTIVE}) if event.last_seen < before]
    settled = [replace(event, state=EventState.QUIET) for event in silent]
    for event in settled:
        cases.events.save(event, AUTOMATIC, f"{settings.quiet_hours:g} 小时没有新帖文", now)
    return settled
