"""Delivers what is in the outbox: per receiver, retried until that receiver itself has confirmed, or given up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import httpx

from alerts.notifiers import NOTIFIERS, Message
from alerts.notifiers.contract import RetryLaterError
from qingting.config import AlertsConfig, ReceiverConfig
from qingting.errors import DeliveryError
from qingting.model import Alert, Delivery, DeliveryState, stable_id
from qingting.store import Cases

HOLD = timedelta(minutes=2)
"""How long a round keeps what it has taken from other processes; what a dead one had taken is tried again after."""

PER_ROUND = 200
"""Deliveries taken per round; the next round takes the rest, so that one round cannot hold up the roles for long."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a round: deliveries confirmed, to be tried again, and given up."""

    delivered: int = 0
    retried: int = 0
    failed: int = 0


def deliver_due(cases: Cases, settings: AlertsConfig, now: datetime, client: httpx.Client) -> Delivered:
    """Try every delivery that is due, and record each outcome as soon as it is known.

    A crash between a receiver's confirmation and our record of it sends the message again, under the same
    Idempotency-Key; nothing is recorded as delivered that was not confirmed.
    """
    outcomes: list[Delivery] = []
    receivers = {receiver.name: receiver for receiver in settings.receivers if receiver.enabled}
    for name, due in _by_receiver(cases.alerts.due(now, PER_ROUND, HOLD)).items():
        receiver = receivers.get(name)
        outcomes += (
            _abandoned(cases, due, now) if receiver is None else _sent(cases, settings, receiver, due, now, client)
        )
    states = [delivery.state for delivery in outcomes]
    return Delivered(
        states.count(DeliveryState.DELIVERED), states.count(DeliveryState.PENDING), states.count(DeliveryState.FAILED)
    )


def _by_receiver(due: Sequence[Delivery]) -> dict[str, list[Delivery]]:
    grouped: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in due:
        grouped[delivery.receiver].append(delivery)
    return grouped


def _sent(
    cases: Cases,
    settings: AlertsConfig,
    receiver: ReceiverConfig,
    due: Sequence[Delivery],
    now: datetime,
    client: httpx.Client,
) -> Iterator[Delivery]:
    """Send a receiver's messages one after the other; after one that is to be retried the rest wait as long."""
    postponed: datetime | None = None
    for bundle in _bundles(due, settings.digest_from):
        if postponed is not None:
            for delivery in bundle:
                cases.alerts.record(replace(delivery, next_attempt_at=postponed), now)
            continue
        outcomes = _attempt(cases, settings, receiver, bundle, now, client)
        for outcome in outcomes:
            cases.alerts.record(outcome, now)
            yield outcome
        postponed = next((each.next_attempt_at for each in outcomes if each.state is DeliveryState.PENDING), None)


def _bundles(due: Sequence[Delivery], digest_from: int) -> list[list[Delivery]]:
    """Return what goes into one message each: everything from `digest_from` alerts on, else every alert by itself."""
    return [list(due)] if len(due) >= digest_from else [[delivery] for delivery in due]


def _attempt(
    cases: Cases,
    settings: AlertsConfig,
    receiver: ReceiverConfig,
    bundle: Sequence[Delivery],
    now: datetime,
    client: httpx.Client,
) -> list[Delivery]:
    """Send one message and return what became of each delivery in it."""
    alerts = [cases.alerts.get(delivery.alert_id) for delivery in bundle]
    key = stable_id("k", *sorted(delivery.id for delivery in bundle))
    tried = [replace(delivery, attempts=delivery.attempts + 1) for delivery in bundle]
    try:
        NOTIFIERS[receiver.kind].notify(Message(receiver, alerts, now, key), client, settings.timeout_seconds)
    except DeliveryError as error:
        after = error.after if isinstance(error, RetryLaterError) else None
        pairs = zip(tried, alerts, strict=True)
        return [_after_error(delivery, alert, error, after, settings, now) for delivery, alert in pairs]
    return [replace(each, state=DeliveryState.DELIVERED, delivered_at=now, reason="") for each in tried]


def _after_error(
    delivery: Delivery,
    alert: Alert,
    error: DeliveryError,
    after: timedelta | None,
    settings: AlertsConfig,
    now: datetime,
) -> Delivery:
    """Return a delivery that was not confirmed: to be tried again, at last when its time is up, or given up."""
    if not error.retryable:
        return replace(delivery, state=DeliveryState.FAILED, reason=error.message)
    last = alert.created_at + timedelta(hours=settings.retry_hours)
    again = min(last, now + max(_pause(delivery.attempts, settings), after or timedelta(0)))
    if now >= last:
        reason = f"{error.message}；{settings.retry_hours:g} 小时内未能送达，不再重试"
        return replace(delivery, state=DeliveryState.FAILED, reason=reason)
    return replace(delivery, next_attempt_at=again, reason=error.message)


def _pause(attempts: int, settings: AlertsConfig) -> timedelta:
    """Return how long to wait after so many attempts: doubling from the first pause to the longest."""
    longest = settings.retry_max_minutes * 60
    return timedelta(seconds=min(longest, settings.retry_seconds * 2.0 ** min(attempts - 1, 60)))


def _abandoned(cases: Cases, due: Sequence[Delivery], now: datetime) -> Iterator[Delivery]:
    """Give up deliveries to a receiver that the configuration no longer has."""
    for delivery in due:
        outcome = replace(delivery, state=DeliveryState.FAILED, reason="接收方已从配置中删除或停用")
        cases.alerts.record(outcome, now)
        yield outcome
