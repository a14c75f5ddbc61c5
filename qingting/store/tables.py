"""The tables of the cases, as queries see them; migrations.py makes them.

A dataclass of the model and its row have the same names, and each column turns its value into what both SQLite and
PostgreSQL keep exactly: times are whole microseconds since 1970 in UTC, vocabularies their values, nested
tuples and mappings JSON text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from qingting.model import (
    AlertState,
    Deadline,
    DeliveryState,
    DraftState,
    EventState,
    FactSlot,
    Finding,
    Level,
    Matter,
    Sentence,
    Sentiment,
    Step,
    Topic,
    utc,
)
from qingting.store.nested import from_json, to_json
from qingting.store.words import storable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Member = TypeVar("Member", bound=StrEnum)

MICROSECOND = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return the whole microseconds from 1970 to a moment; exact, unlike a float timestamp."""
    return (utc(moment) - EPOCH) // MICROSECOND


def moment(value: int) -> datetime:
    """Return the moment in UTC that lies these microseconds after 1970."""
    return EPOCH + timedelta(microseconds=value)


def member(vocabulary: Callable[..., Member], value: str) -> Member:
    """Return the member of a vocabulary with a value."""
    return vocabulary(value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Return the microseconds."""
        return None if value is None else microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Return the moment in UTC."""
        return None if value is None else moment(value)


class Written(TypeDecorator[str]):
    """What a person or a page wrote, less what no database can hold."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the text as it can be stored."""
        return None if value is None else storable(value)


class Choice(TypeDecorator[StrEnum]):
    """A member of a closed vocabulary, kept as its value."""

    impl = Text
    cache_ok = True

    def __init__(self, vocabulary: type[StrEnum]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: StrEnum | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Return the member's value."""
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: Dialect) -> StrEnum | None:  # noqa: ARG002
        """Return the member."""
        return None if value is None else self.vocabulary(value)


class Nested(TypeDecorator[Any]):
    """A tuple or mapping, kept as JSON text and rebuilt by its declared type."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """Return the JSON text."""
        return storable(to_json(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Return the value."""
        return None if value is None else from_json(self.kind, value)


def row_of(thing: Any) -> dict[str, Any]:
    """Return a dataclass of the model as a row: one value a field, under the field's name."""
    return {each.name: getattr(thing, each.name) for each in fields(thing)}


def _key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


def _text(*names: str) -> list[Column[Any]]:
    return [Column(name, Written) for name in names]


metadata = MetaData()

events = Table(
    "events",
    metadata,
    _key("id"),
    *_text("title", "region"),
    Column("topic", Choice(Topic)),
    Column("matter", Choice(Matter)),
    Column("first_seen", Moment),
    Column("last_seen", Moment),
    *(Column(name, Integer) for name in ("size", "distinct", "authors", "negative")),
    Column("level", Choice(Level)),
    Column("state", Choice(EventState)),
    Column("centroid", LargeBinary),
    Column("terms", Nested(Mapping[str, float])),
)

members = Table(
    "members",
    metadata,
    _key("post_id"),
    *_text("event_id", "reason", "author_key", "decided_by"),
    Column("at", Moment),
    Column("score", Float),
    Column("copy", Boolean),
    Column("sentiment", Choice(Sentiment)),
    Column("decided_at", Moment),
)

alerts = Table(
    "alerts",
    metadata,
    _key("id"),
    *_text("event_id", "rule", "title", "summary", "acknowledged_by"),
    Column("level", Choice(Level)),
    Column("triggered_at", Moment),
    Column("created_at", Moment),
    Column("steps", Nested(tuple[Step, ...])),
    Column("post_ids", Nested(tuple[str, ...])),
    Column("deadlines", Nested(tuple[Deadline, ...])),
    Column("state", Choice(AlertState)),
    Column("acknowledged_at", Moment),
)

deliveries = Table(
    "deliveries",
    metadata,
    _key("id"),
    *_text("alert_id", "receiver", "reason"),
    Column("state", Choice(DeliveryState)),
    Column("attempts", Integer),
    Column("next_attempt_at", Moment),
    Column("delivered_at", Moment),
)

facts = Table(
    "facts",
    metadata,
    _key("id"),
    *_text("event_id", "name", "value", "unit", "source", "verifier"),
    Column("slot", Choice(FactSlot)),
    Column("occurred_at", Moment),
    Column("verified_at", Moment),
)

drafts = Table(
    "drafts",
    metadata,
    _key("id"),
    *_text("event_id", "channel", "title", "template", "created_by"),
    Column("version", Integer),
    Column("state", Choice(DraftState)),
    Column("sentences", Nested(tuple[Sentence, ...])),
    Column("missing", Nested(tuple[FactSlot, ...])),
    Column("findings", Nested(tuple[Finding, ...])),
    Column("created_at", Moment),
)

approvals = Table(
    "approvals",
    metadata,
    _key("id"),
    *_text("draft_id", "by", "text_hash", "comment"),
    Column("step", Choice(DraftState)),
    Column("approved", Boolean),
    Column("at", Moment),
)

cursors = Table(
    "cursors", metadata, _key("source"), Column("value", Nested(Mapping[str, object])), Column("updated_at", Moment)
)

health = Table(
    "health",
    metadata,
    _key("source"),
    *_text("state", "reason"),
    Column("since", Moment),
    Column("checked_at", Moment),
    Column("items", Integer),
)

rejects = Table(
    "rejects",
    metadata,
    _key("id"),
    *_text("source", "place", "reason", "detail"),
    Column("raw", LargeBinary),
    Column("size", BigInteger),
    Column("at", Moment),
)

beats = Table("beats", metadata, _key("role"), Column("at", Moment), Column("detail", Written))

marks = Table("marks", metadata, _key("name"), Column("at", Moment))

leases = Table(
    "leases", metadata, _key("role"), Column("holder", Written), Column("token", BigInteger), Column("until", Moment)
)

audit = Table(
    "audit",
    metadata,
    # SQLite numbers rows by itself only in a column that is called INTEGER, which is as wide there as BIGINT.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", Moment),
    *_text("actor", "action", "subject", "detail"),
)
