"""Webhook: a JSON document by HTTP POST; any 2xx answer confirms it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from alerts.notifiers.contract import Message, RetryLaterError
from qingting.errors import DeliveryError
from qingting.model import Alert

TOO_MANY_REQUESTS = 429

_CLIENT_LOGS = ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy", "httpcore.socks")


class Webhook:
    """Posts alerts as JSON; the field names are a contract with receivers."""

    def notify(self, message: Message, client: httpx.Client, timeout_seconds: float) -> None:
        """Send a message and return once a 2xx answer has come; of the answer only its head is read.

        Raises DeliveryError(unreachable | timeout | server_error | rate_limited, retryable) and
        DeliveryError(rejected).
        """
        url = message.receiver.url.reveal()
        headers = {"Idempotency-Key": message.key}
        try:
            with (
                _address_kept_out_of_logs(),
                client.stream("POST", url, json=_document(message), headers=headers, timeout=timeout_seconds) as answer,
            ):
                _confirm(answer, message.sent_at)
        except httpx.TimeoutException as error:
            raise RetryLaterError(f"{timeout_seconds:g} 秒内没有应答", reason="timeout") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise DeliveryError("接收地址不可用，请检查配置", reason="rejected") from error
        except httpx.TransportError as error:
            raise RetryLaterError(f"连不上接收方（{type(error).__name__}）", reason="unreachable") from error


def _confirm(answer: httpx.Response, now: datetime) -> None:
    """Return for a 2xx answer and raise what any other one means."""
    status = answer.status_code
    if answer.is_success:
        return
    if status == TOO_MANY_REQUESTS:
        raise RetryLaterError(f"接收方限流（{status}）", reason="rate_limited", after=_retry_after(answer, now))
    if answer.is_server_error:
        raise RetryLaterError(f"接收方出错（{status}）", reason="server_error", after=_retry_after(answer, now))
    raise DeliveryError(f"接收方拒收（{status}）", reason="rejected")


def _retry_after(answer: httpx.Response, now: datetime) -> timedelta | None:
    """Return how long the receiver asks to wait, in seconds or until a date; None when it does not say."""
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value), 10**6))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment - now, timedelta(0))


def _document(message: Message) -> dict[str, Any]:
    return {
        "receiver": message.receiver.name,
        "sent_at": message.sent_at.isoformat(),
        "alerts": [_alert(alert) for alert in message.alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "id": alert.id,
        "event_id": alert.event_id,
        "rule": alert.rule,
        "level": alert.level.value,
        "level_label": alert.level.label,
        "title": alert.title,
        "summary": alert.summary,
        "steps": [{"question": step.question, "held": step.held, "detail": step.detail} for step in alert.steps],
        "triggered_at": alert.triggered_at.isoformat(),
        "deadlines": [
            {"name": each.name, "due_at": each.due_at.isoformat(), "basis": each.basis} for each in alert.deadlines
        ],
    }


@contextmanager
def _address_kept_out_of_logs() -> Iterator[None]:
    """Silence the HTTP client's own log records while sending: they hold the full address, and so its secret."""
    loggers = [logging.getLogger(name) for name in _CLIENT_LOGS]
    for logger in loggers:
        logger.addFilter(_nothing)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(_nothing)


def _nothing(_: logging.LogRecord) -> bool:
    return False
