"""Posts and readings as rows of SQLite and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qingting.model import (
    Channel,
    Matter,
    Measurement,
    Organisation,
    Post,
    Reading,
    Region,
    Sentiment,
    Target,
    Topic,
)
from qingting.store.nested import from_json, to_json
from qingting.store.tables import member, microseconds, moment
from qingting.store.words import storable

POST_COLUMNS = (
    "id, source, source_id, channel, text, fetched_at, published_at, title, url, author, author_key, region, "
    "parent_id, root_id, reposts, comments, likes, evidence"
)

READING_COLUMNS = (
    "model, read_at, relevant, relevance, sentiment, score, topic, matter, target, degraded, confidence, keywords, "
    "regions, organisations, pollutants, measurements, copy_of, fingerprint"
)

_HALF, _WHOLE = 1 << 63, 1 << 64


def signed(fingerprint: int) -> int:
    """Return a 64-bit fingerprint as the signed integer that SQLite keeps."""
    return fingerprint - _WHOLE if fingerprint >= _HALF else fingerprint


def unsigned(stored: int) -> int:
    """Return the fingerprint that `signed` was given."""
    return stored % _WHOLE


def post_row(seq: int, post: Post) -> tuple[object, ...]:
    """Return a post under its key, in the order of POST_COLUMNS."""
    return (
        seq,
        post.id,
        storable(post.source),
        storable(post.source_id),
        post.channel.value,
        storable(post.text),
        microseconds(post.fetched_at),
        None if post.published_at is None else microseconds(post.published_at),
        storable(post.title),
        storable(post.url),
        storable(post.author),
        post.author_key,
        storable(post.region),
        post.parent_id,
        post.root_id,
        post.reposts,
        post.comments,
        post.likes,
        post.evidence,
    )


def post_of(row: Sequence[Any]) -> Post:
    """Return the post of a row of POST_COLUMNS."""
    identifier, source, source_id, channel, text, fetched_at, published_at, *others = row
    published = None if published_at is None else moment(published_at)
    return Post(identifier, source, source_id, member(Channel, channel), text, moment(fetched_at), published, *others)


def reading_row(seq: int, reading: Reading) -> tuple[object, ...]:
    """Return a reading under its post's key, in the order of READING_COLUMNS."""
    return (
        seq,
        reading.model,
        microseconds(reading.read_at),
        reading.relevant,
        reading.relevance,
        reading.sentiment.value,
        reading.score,
        reading.topic.value,
        reading.matter.value,
        reading.target.value,
        reading.degraded,
        to_json(reading.confidence),
        to_json(reading.keywords),
        to_json(reading.regions),
        to_json(reading.organisations),
        to_json(reading.pollutants),
        to_json(reading.measurements),
        reading.copy_of,
        signed(reading.fingerprint),
    )


def reading_of(post_id: str, row: Sequence[Any], embedding: bytes) -> Reading:
    """Return the reading of a row of READING_COLUMNS."""
    model, read_at, relevant, relevance, sentiment, score, topic, matter, target, degraded, *nested, fingerprint = row
    confidence, keywords, regions, organisations, pollutants, measurements, copy_of = nested
    return Reading(
        post_id=post_id,
        model=model,
        read_at=moment(read_at),
        relevant=bool(relevant),
        relevance=relevance,
        sentiment=member(Sentiment, sentiment),
        score=score,
        topic=member(Topic, topic),
        matter=member(Matter, matter),
        target=member(Target, target),
        degraded=bool(degraded),
        confidence=from_json(Mapping[str, float], confidence),
        keywords=from_json(tuple[str, ...], keywords),
        regions=from_json(tuple[Region, ...], regions),
        organisations=from_json(tuple[Organisation, ...], organisations),
        pollutants=from_json(tuple[str, ...], pollutants),
        measurements=from_json(tuple[Measurement, ...], measurements),
        fingerprint=unsigned(fingerprint),
        embedding=embedding,
        copy_of=copy_of,
    )
