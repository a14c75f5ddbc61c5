"""Cursors, source health, rejects, role heartbeats and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qingting.model import AuditEntry, Cursor, Reject, SourceHealth


class Records:
    """The small bookkeeping that makes a run restartable and accountable."""

    def cursor(self, source: str) -> Cursor | None:
        """Return how far a source has been collected, None when never."""
        raise NotImplementedError

    def set_cursor(self, cursor: Cursor) -> None:
        """Replace a source's cursor."""
        raise NotImplementedError

    def health(self) -> list[SourceHealth]:
        """Return the health of every source that was ever collected, by source."""
        raise NotImplementedError

    def set_health(self, health: SourceHealth) -> None:
        """Replace a source's health; `since` is kept from before while the state stays the same."""
        raise NotImplementedError

    def reject(self, rejects: Sequence[Reject]) -> None:
        """Keep input that could not be taken; the same reject again changes nothing."""
        raise NotImplementedError

    def rejects(self, limit: int) -> list[Reject]:
        """Return the latest rejects."""
        raise NotImplementedError

    def reject_counts(self) -> dict[str, int]:
        """Return the number of rejects per reason."""
        raise NotImplementedError

    def beat(self, role: str, at: datetime, detail: str) -> None:
        """Note that a role is alive."""
        raise NotImplementedError

    def beats(self) -> dict[str, tuple[datetime, str]]:
        """Return each role's last sign of life and what it said."""
        raise NotImplementedError

    def audit(self, entries: Sequence[AuditEntry]) -> None:
        """Append to the audit trail."""
        raise NotImplementedError

    def audit_of(self, subject: str, limit: int = 100) -> list[AuditEntry]:
        """Return a subject's audit entries, latest first."""
        raise NotImplementedError
