"""Posts and readings as documents of Elasticsearch and back, and the mapping of their fields.

A document holds the post as given, what it is searched by (`words`, `characters`, `at`), and, once read, what its
standing reading says (`sentiment` … `bands`), with all its readings as JSON texts in `readings`, the standing one
first. Everything that changes together is in one document, so that one write changes it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from qingting.model import Channel, Post, Reading
from qingting.store.nested import from_json, to_json
from qingting.store.tables import member, microseconds, moment
from qingting.store.words import fold, storable

POST_FIELDS = tuple(each.name for each in fields(Post))
HIT_FIELDS = (*POST_FIELDS, "readings")

LONGEST_WORD = 128
"""Longer words (addresses, digits run together) are indexed by their beginning and a hash: the analyser would take
them apart at 255 characters, and the index refuses terms of more than 32,766 bytes."""

EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
"""Trends count what is earlier for this day: the day before it does not begin within the years there are."""

_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u1680\u2028\u2029"
"""All blanks that a folded text may hold, and for each a full-width letter, which no folded text holds."""
_BLANK_TO_LETTER = {blank: chr(0xFF21 + number) for number, blank in enumerate(_BLANKS)}
_BLANK = re.compile(f"[{_BLANKS}]")

QUARTER_BITS = 16

_KEYWORD = {"type": "keyword"}
_LONG = {"type": "long"}
_KEPT = {"type": "text", "index": False}
_KEPT_NUMBER = {"type": "long", "index": False, "doc_values": False}


def _words(options: str) -> dict[str, object]:
    return {"type": "text", "analyzer": "whitespace", "norms": False, "index_options": options}


PROPERTIES: Mapping[str, Mapping[str, object]] = {
    **dict.fromkeys(("id", "source", "channel", "sentiment", "topic", "matter", "target"), _KEYWORD),
    **dict.fromkeys(("regions", "bands"), _KEYWORD),
    **dict.fromkeys(("source_id", "title", "text", "url", "author", "author_key", "region"), _KEPT),
    **dict.fromkeys(("parent_id", "root_id", "evidence", "readings"), _KEPT),
    **dict.fromkeys(("fetched_at", "published_at", "reposts", "comments", "likes"), _KEPT_NUMBER),
    # Microseconds since 1970: a date field keeps milliseconds only, or else no year before 1970 or after 2262.
    "at": _LONG,
    # The same in milliseconds, which is what a date histogram counts by.
    "time": {"type": "date", "format": "epoch_millis", "index": False},
    "unread": {"type": "boolean"},
    "relevant": {"type": "boolean"},
    "fingerprint": {"type": "long", "index": False},
    # Only which word is in which post; the characters with their places, so that a phrase is exactly a substring.
    "words": _words("docs"),
    "characters": _words("positions"),
}
"""The fields of a post's document; no field is mapped that is not named here."""


def post_document(post: Post, words: Sequence[str]) -> dict[str, object]:
    """Return the document of a post not read yet."""
    values = {name: _plain(getattr(post, name)) for name in POST_FIELDS}
    at = microseconds(post.at)
    return {
        **{name: value for name, value in values.items() if value is not None and value != ""},
        "at": at,
        "time": max(at, microseconds(EARLIEST)) // 1000,
        "unread": True,
        "words": " ".join(map(index_term, dict.fromkeys(words))),
        "characters": [spaced(fold(storable(each))) for each in (post.title, post.text) if each],
    }


def post_of(document: Mapping[str, Any]) -> Post:
    """Return the post of a document."""
    values = {name: document[name] for name in POST_FIELDS if name in document}
    values["channel"] = member(Channel, values["channel"])
    for name in ("fetched_at", "published_at"):
        if name in values:
            values[name] = moment(values[name])
    return Post(**{"source": "", "source_id": "", "text": "", **values})


def reading_fields(readings: Sequence[str]) -> dict[str, object]:
    """Return what changes in a post's document when these become its readings, the standing one first."""
    standing = reading_of(readings[0])
    return {
        "unread": False,
        "relevant": standing.relevant,
        "sentiment": standing.sentiment.value,
        "topic": standing.topic.value,
        "matter": standing.matter.value,
        "target": standing.target.value,
        "regions": sorted({region.code for region in standing.regions}),
        "fingerprint": signed(standing.fingerprint),
        "bands": [_band(*quarter) for quarter in _quarters(standing.fingerprint)],
        "readings": list(readings),
    }


def reading_text(reading: Reading) -> str:
    """Return a reading as JSON text, its embedding in base 64: a third of the room of a list of numbers."""
    return storable(to_json(reading))


def reading_of(text: str) -> Reading:
    """Return the reading that `reading_text` made the text from."""
    reading: Reading = from_json(Reading, text)
    return reading


def standing(document: Mapping[str, Any]) -> Reading | None:
    """Return the standing reading of a document, None while it is unread."""
    texts = document.get("readings")
    return reading_of(texts[0]) if texts else None


def every_reading(document: Mapping[str, Any]) -> tuple[Reading, ...]:
    """Return all readings of a document: the standing one last, the others by time of reading, then model."""
    readings = [reading_of(text) for text in document.get("readings", [])]
    others = sorted(readings[1:], key=lambda reading: (reading.read_at, reading.model))
    return (*others, *readings[:1])


def with_reading(texts: Sequence[str], reading: Reading) -> list[str]:
    """Return a post's readings once another has come in: the standing one first, of each model the latest."""
    kept = []
    for text in texts:
        known = reading_of(text)
        if known.model != reading.model:
            kept.append(text)
        elif known.read_at >= reading.read_at:
            return list(texts)
    return [reading_text(reading), *kept]


def index_term(word: str) -> str:
    """Return what a word is indexed by."""
    if len(word) <= LONGEST_WORD:
        return word
    return word[:64] + hashlib.sha256(word.encode()).hexdigest()


def spaced(folded: str) -> str:
    """Return a folded text's characters, each a word of its own, blanks included."""
    return " ".join(_BLANK.sub(lambda match: _BLANK_TO_LETTER[match.group()], folded))


def asked_bands(fingerprint: int, distance: int) -> Iterator[str]:
    """Yield the bands one of which every fingerprint within the distance has: its quarters, or one bit beside."""
    for number, bits in _quarters(fingerprint):
        yield _band(number, bits)
        if distance > 3:
            yield from (_band(number, bits ^ (1 << bit)) for bit in range(QUARTER_BITS))


def signed(fingerprint: int) -> int:
    """Return a 64-bit fingerprint as the signed integer that a document keeps."""
    return fingerprint - (1 << 64) if fingerprint >= 1 << 63 else fingerprint


def unsigned(stored: int) -> int:
    """Return the fingerprint that `signed` was given."""
    return stored % (1 << 64)


def _quarters(fingerprint: int) -> list[tuple[int, int]]:
    mask = (1 << QUARTER_BITS) - 1
    return [(number, fingerprint >> number * QUARTER_BITS & mask) for number in range(4)]


def _band(number: int, bits: int) -> str:
    return f"{number}{bits:04x}"


def _plain(value: object) -> object:
    if isinstance(value, Channel):
        return value.value
    if isinstance(value, datetime):
        return microseconds(value)
    return storable(value) if isinstance(value, str) else value
