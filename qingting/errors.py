"""Every error that Qingting raises on purpose.

QingtingError
├── ConfigError        config.toml or the environment says something that cannot be followed
├── UsageError         the command was called in a way that makes no sense
├── InputError         a file, line, page or answer cannot be taken; it is recorded as a Reject, not dropped
├── NotFoundError      what was asked for is not there
├── StoreError         the database or index cannot be used as asked
├── ReaderError        the model cannot be loaded or run
├── CrawlError         a source cannot be collected
├── DeliveryError      a receiver did not confirm
└── DraftError         a draft cannot be made or changed as asked

Each carries a closed `reason` (for programs, one of its class's REASONS), a `hint` in the user's language (what to
do next) and `retryable` (whether the same call may succeed later with nothing else changed).
"""

from __future__ import annotations

from typing import ClassVar


class QingtingError(Exception):
    """The root: a message for people, a closed reason for programs, a hint, and whether a retry helps."""

    REASONS: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, message: str, *, reason: str, hint: str = "", retryable: bool = False) -> None:
        if reason not in self.REASONS:
            raise ValueError(f"{type(self).__name__} has no reason {reason!r}: {sorted(self.REASONS)}")
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.hint = hint
        self.retryable = retryable


class ConfigError(QingtingError):
    """The configuration cannot be followed."""

    REASONS = frozenset(
        {"unreadable", "syntax", "unknown_key", "wrong_type", "bad_value", "missing_secret", "conflict"}
    )


class UsageError(QingtingError):
    """A command was called in a way that makes no sense."""

    REASONS = frozenset({"bad_argument", "bad_query"})


class InputError(QingtingError):
    """Something handed in cannot be taken."""

    REASONS = frozenset(
        {
            "unreadable",
            "encoding",
            "malformed",
            "too_large",
            "empty_text",
            "missing_column",
            "bad_time",
            "duplicate_id",
            "unsupported",
        }
    )


class NotFoundError(QingtingError):
    """What was asked for is not there."""

    REASONS = frozenset({"event", "alert", "draft", "post", "source", "fact", "file"})


class StoreError(QingtingError):
    """The store cannot be used as asked."""

    REASONS = frozenset({"unavailable", "schema", "conflict", "corrupt", "busy", "partial", "unsupported"})


class ReaderError(QingtingError):
    """The model cannot be loaded or run."""

    REASONS = frozenset({"missing_model", "broken_model", "unsupported"})


class CrawlError(QingtingError):
    """A source cannot be collected."""

    REASONS = frozenset({"blocked", "robots", "forbidden_address", "malformed", "unreachable", "unsupported"})


class DeliveryError(QingtingError):
    """A receiver did not confirm."""

    REASONS = frozenset({"unreachable", "timeout", "rejected", "server_error", "rate_limited"})


class DraftError(QingtingError):
    """A draft cannot be made or changed as asked."""

    REASONS = frozenset({"no_evidence", "unknown_channel", "forbidden_transition"})
