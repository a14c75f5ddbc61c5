"""Migrations of the cases: portable definitions, frozen as released (tables.py is what queries see today)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Unicode,
    UniqueConstraint,
)
from sqlalchemy import Text as AnyText
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

Text = AnyText().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""In the order of its code points everywhere: PostgreSQL would sort by the locale that the database was made with."""


def create_cases(connection: Connection) -> None:
    """Make the tables of events, alerts, drafts and records."""
    metadata = MetaData()
    _events(metadata)
    _alerts(metadata)
    _drafts(metadata)
    _records(metadata)
    metadata.create_all(connection)


def create_leases(connection: Connection) -> None:
    """Make the table of who may do what for the time being."""
    metadata = MetaData()
    Table(
        "leases",
        metadata,
        Column("role", Text, primary_key=True),
        *_needed(Text, "holder"),
        *_needed(BigInteger, "token", "until"),
    )
    metadata.create_all(connection)


def create_marks(connection: Connection) -> None:
    """Make the table of the moments that every process has to know."""
    metadata = MetaData()
    Table("marks", metadata, Column("name", Text, primary_key=True), *_needed(BigInteger, "at"))
    metadata.create_all(connection)


def create_standing_jobs(connection: Connection) -> None:
    """Make the table of when each standing job is due next, in the columns that APScheduler 3 reads and writes."""
    metadata = MetaData()
    Table(
        "standing_jobs",
        metadata,
        Column("id", Unicode(191), primary_key=True),
        Column("next_run_time", Float(25), index=True),
        *_needed(LargeBinary, "job_state"),
    )
    metadata.create_all(connection)


def _needed(kind: Any, *names: str) -> list[Column[Any]]:
    return [Column(name, kind, nullable=False) for name in names]


def _events(metadata: MetaData) -> None:
    Table(
        "events",
        metadata,
        Column("id", Text, primary_key=True),
        *_needed(Text, "title", "region", "topic", "matter", "level", "state", "terms"),
        *_needed(BigInteger, "first_seen", "last_seen"),
        *_needed(Integer, "size", "distinct", "authors", "negative"),
        *_needed(LargeBinary, "centroid"),
        Index("events_by_last_seen", "last_seen"),
    )
    Table(
        "members",
        metadata,
        Column("post_id", Text, primary_key=True),
        *_needed(Text, "event_id", "reason", "author_key", "decided_by", "sentiment"),
        *_needed(BigInteger, "at", "decided_at"),
        *_needed(Float, "score"),
        *_needed(Boolean, "copy"),
        Index("members_by_event", "event_id", "at"),
    )


def _alerts(metadata: MetaData) -> None:
    Table(
        "alerts",
        metadata,
        Column("id", Text, primary_key=True),
        Column("event_id", Text, nullable=False, unique=True),
        *_needed(Text, "rule", "title", "summary", "acknowledged_by", "level", "state"),
        *_needed(Text, "steps", "post_ids", "deadlines"),
        *_needed(BigInteger, "triggered_at", "created_at"),
        Column("acknowledged_at", BigInteger),
        Index("alerts_by_triggered_at", "triggered_at"),
    )
    Table(
        "deliveries",
        metadata,
        Column("id", Text, primary_key=True),
        Column("alert_id", Text, ForeignKey("alerts.id"), nullable=False),
        *_needed(Text, "receiver", "reason", "state"),
        *_needed(Integer, "attempts"),
        *_needed(BigInteger, "next_attempt_at"),
        Column("delivered_at", BigInteger),
        UniqueConstraint("alert_id", "receiver"),
        Index("deliveries_by_next_attempt", "state", "next_attempt_at"),
    )


def _drafts(metadata: MetaData) -> None:
    Table(
        "facts",
        metadata,
        Column("id", Text, primary_key=True),
        *_needed(Text, "event_id", "slot", "name", "value", "unit", "source", "verifier"),
        Column("occurred_at", BigInteger),
        *_needed(BigInteger, "verified_at"),
        Index("facts_by_event", "event_id"),
    )
    Table(
        "drafts",
        metadata,
        Column("id", Text, primary_key=True),
        *_needed(Text, "event_id", "channel", "title", "template", "created_by", "state"),
        *_needed(Text, "sentences", "missing", "findings"),
        *_needed(Integer, "version"),
        *_needed(BigInteger, "created_at"),
        UniqueConstraint("event_id", "channel", "version"),
        Index("drafts_by_created_at", "created_at"),
    )
    Table(
        "approvals",
        metadata,
        Column("id", Text, primary_key=True),
        Column("draft_id", Text, ForeignKey("drafts.id"), nullable=False),
        *_needed(Text, "by", "text_hash", "comment", "step"),
        *_needed(Boolean, "approved"),
        *_needed(BigInteger, "at"),
        Index("approvals_by_draft", "draft_id", "at"),
    )


def _records(metadata: MetaData) -> None:
    Table(
        "cursors",
        metadata,
        Column("source", Text, primary_key=True),
        *_needed(Text, "value"),
        *_needed(BigInteger, "updated_at"),
    )
    Table(
        "health",
        metadata,
        Column("source", Text, primary_key=True),
        *_needed(Text, "state", "reason"),
        *_needed(BigInteger, "since", "checked_at"),
        *_needed(Integer, "items"),
    )
    Table(
        "rejects",
        metadata,
        Column("id", Text, primary_key=True),
        *_needed(Text, "source", "place", "reason", "detail"),
        *_needed(LargeBinary, "raw"),
        *_needed(BigInteger, "size", "at"),
        Index("rejects_by_at", "at"),
    )
    Table(
        "beats",
        metadata,
        Column("role", Text, primary_key=True),
        *_needed(BigInteger, "at"),
        *_needed(Text, "detail"),
    )
    Table(
        "audit",
        metadata,
        Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        *_needed(BigInteger, "at"),
        *_needed(Text, "actor", "action", "subject", "detail"),
        Index("audit_by_subject", "subject", "number"),
    )
