"""What every way of telling a receiver promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import httpx

from qingting.config import ReceiverConfig
from qingting.errors import DeliveryError
from qingting.model import Alert


@dataclass(frozen=True, slots=True)
class Message:
    """One message: to whom, which alerts, when, and the key by which the receiver can tell a repetition."""

    receiver: ReceiverConfig
    alerts: Sequence[Alert]
    sent_at: datetime
    key: str


class RetryLaterError(DeliveryError):
    """The receiver asked to be tried again after a time."""

    def __init__(self, message: str, *, reason: str, after: timedelta | None = None) -> None:
        super().__init__(message, reason=reason, retryable=True)
        self.after = after


class Notifier(Protocol):
    """One way of telling a receiver."""

    def notify(self, message: Message, client: httpx.Client, timeout_seconds: float) -> None:
        """Send a message and return once the receiver itself has confirmed it.

        Raises DeliveryError, retryable or not; its message names no address, since that may hold a secret.
        """
