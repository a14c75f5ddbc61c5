"""The plain shapes that stores take and give, free of methods: what contract.py and the back ends have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from qingting.model import Post, Reading

Cut = Callable[[str], Sequence[str]]
"""Cuts a text into the words it is indexed by; the same function serves texts and queries."""

AWAY = "没有正常答复："
"""What a description says of posts that can't be used at present, before it says why."""

Facet = Literal["sentiment", "topic", "matter", "target", "source", "channel", "region"]
Interval = Literal["hour", "day"]


@dataclass(frozen=True, slots=True)
class Appended:
    """Which of the posts handed in were new and which were there before, by id, in the order given."""

    new: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A question to the posts, newest first.

    `query` is the query language of `qingting.store.query`; '' means every post. `since` is inclusive, `until`
    exclusive, both over `Post.at`. `after` is the `next` of the page before.
    """

    query: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 50
    after: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """A post found, with its standing reading (None while unread)."""

    post: Post
    reading: Reading | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some hits, how many there are in all (a count if `exact`, else a lower bound), and where the next page starts."""

    hits: tuple[Hit, ...]
    total: int
    exact: bool
    next: str


@dataclass(frozen=True, slots=True)
class Point:
    """How many posts fell into the interval from `start` (UTC); `key` is the facet's value, '' without one."""

    start: datetime
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Tally:
    """How many posts there are, how many are still unread, and how many of these are claimed by a worker."""

    total: int
    unread: int
    claimed: int
    oldest_unread: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A post with every reading of it: the standing one last, the others by time of reading, then model."""

    post: Post
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some of all that is kept, and where the next batch starts; '' after the last."""

    kept: tuple[Kept, ...]
    next: str


@dataclass(frozen=True, slots=True)
class Lease:
    """That a process may do what a role stands for until a time; a later holder's `token` is higher."""

    role: str
    holder: str
    token: int
    until: datetime
