"""Events and which posts belong to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from qingting.model import Event, EventState, Membership


class Events:
    """The events table and its members; a post belongs to one event at a time."""

    def save(self, event: Event, by: str, why: str, at: datetime) -> None:
        """Insert or replace an event; audited when it is new or its title, level or state changes."""
        raise NotImplementedError

    def get(self, event_id: str) -> Event:
        """Return an event. Raises NotFoundError(event)."""
        raise NotImplementedError

    def latest(
        self, states: Collection[EventState] | None = None, since: datetime | None = None, limit: int | None = None
    ) -> list[Event]:
        """Return events in the states (None: all) last seen at or after `since`, last seen first, then by id."""
        raise NotImplementedError

    def add_members(self, members: Sequence[Membership]) -> None:
        """Put posts into events; a post that is already in one stays there."""
        raise NotImplementedError

    def members(self, event_id: str, since: datetime | None = None, until: datetime | None = None) -> list[Membership]:
        """Return an event's members with `since <= at < until`, earliest first."""
        raise NotImplementedError

    def event_of(self, post_ids: Collection[str]) -> dict[str, str]:
        """Return the event id of each post that is in one."""
        raise NotImplementedError
