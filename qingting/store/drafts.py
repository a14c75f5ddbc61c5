"""Facts, drafts and approvals."""

from __future__ import annotations

from qingting.model import Approval, Draft, Fact


class Drafts:
    """What has been verified about events, and what has been written and decided on that ground."""

    def add_fact(self, fact: Fact, by: str) -> None:
        """Store a fact; the same id again changes nothing."""
        raise NotImplementedError

    def facts(self, event_id: str) -> list[Fact]:
        """Return an event's facts in the order of FactSlot, then by time of verification."""
        raise NotImplementedError

    def add(self, draft: Draft, by: str) -> None:
        """Store a draft. Raises StoreError(conflict) when that event, channel and version exists."""
        raise NotImplementedError

    def get(self, draft_id: str) -> Draft:
        """Return a draft. Raises NotFoundError(draft)."""
        raise NotImplementedError

    def latest(self, event_id: str | None = None, limit: int | None = None) -> list[Draft]:
        """Return drafts, last made first."""
        raise NotImplementedError

    def next_version(self, event_id: str, channel: str) -> int:
        """Return the number that the next draft of an event for a channel gets; the first is 1."""
        raise NotImplementedError

    def add_approval(self, approval: Approval) -> None:
        """Store a decision on a draft. Raises StoreError(conflict) when its text is not the one that was decided on."""
        raise NotImplementedError

    def approvals(self, draft_id: str) -> list[Approval]:
        """Return the decisions on a draft, earliest first."""
        raise NotImplementedError
