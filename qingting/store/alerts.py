"""Alerts and their deliveries (the durable outbox)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qingting.model import Alert, AlertState, Delivery


class Alerts:
    """The alerts table, one alert an event, and one delivery per alert and receiver."""

    def add(self, alert: Alert, receivers: Sequence[str], at: datetime) -> bool:
        """Store an alert with a pending delivery to each receiver; False when its event already has one."""
        raise NotImplementedError

    def get(self, alert_id: str) -> Alert:
        """Return an alert. Raises NotFoundError(alert)."""
        raise NotImplementedError

    def latest(
        self, state: AlertState | None = None, event_id: str | None = None, limit: int | None = None
    ) -> list[Alert]:
        """Return alerts, last triggered first, then by id."""
        raise NotImplementedError

    def acknowledge(self, alert_id: str, by: str, at: datetime) -> Alert:
        """Mark an alert as taken by a person; one already taken stays as it is. Raises NotFoundError(alert)."""
        raise NotImplementedError

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """Return an alert's deliveries by receiver."""
        raise NotImplementedError

    def due(self, now: datetime, limit: int) -> list[Delivery]:
        """Return pending deliveries whose next attempt is due, longest due first."""
        raise NotImplementedError

    def record(self, delivery: Delivery, at: datetime) -> None:
        """Replace a delivery after an attempt; audited when its state changes."""
        raise NotImplementedError
