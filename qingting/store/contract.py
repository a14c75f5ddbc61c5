"""What every store promises: the two Protocols and the few shapes that only stores speak of.

`Posts` is what may grow to hundreds of millions (SQLite FTS5, Elasticsearch); `Cases` is what must be transactional
(SQLite, PostgreSQL). Both are opened together by `qingting.store.open_store` and joined by `Store.transaction`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from qingting.model import Post, Reading

if TYPE_CHECKING:
    from qingting.store.alerts import Alerts
    from qingting.store.drafts import Drafts
    from qingting.store.events import Events
    from qingting.store.leases import Leases
    from qingting.store.records import Records

Cut = Callable[[str], Sequence[str]]
"""Cuts a text into the words it is indexed by; the same function serves texts and queries."""

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


class Posts(Protocol):
    """Posts and their readings; every method raises StoreError(unavailable | busy | corrupt) if the back end fails."""

    def append(self, posts: Sequence[Post]) -> Appended:
        """Store posts that are not there yet, all or none; an id that is there is left as it is.

        Where posts live elsewhere, a call that fails may have stored some; repeating it completes it, and may then
        report these as known.
        """

    def known(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are stored."""

    def claim_unread(self, worker: str, limit: int, now: datetime, lease: timedelta) -> list[Post]:
        """Return unread posts, earliest first, that no other worker holds, and hold them until `now + lease`."""

    def save_readings(self, readings: Sequence[Reading]) -> None:
        """Store readings, mark their posts read and release the claims; the same reading twice changes nothing.

        A reading by another model is kept beside the earlier ones and becomes the standing one. Raises
        NotFoundError(post), and stores nothing, when a post is not there.
        """

    def get(self, ids: Collection[str]) -> dict[str, Post]:
        """Return the stored posts among the ids."""

    def readings(self, ids: Collection[str]) -> dict[str, Reading]:
        """Return the standing reading of each post that has one."""

    def search(self, search: Search) -> Page:
        """Return a page of hits, newest first.

        Raises UsageError(bad_query), and UsageError(bad_argument) for a limit below 1 or an `after` of no page.
        """

    def count(self, search: Search) -> int:
        """Return how many posts match, exactly. Raises UsageError(bad_query)."""

    def trend(self, search: Search, interval: Interval, by: Facet | None = None) -> list[Point]:
        """Return the counts per interval of the office's zone, by time then key; empty intervals are left out.

        Facets of a reading leave out unread posts. A post in two regions counts in both. Raises UsageError(bad_query).
        """

    def facet(self, search: Search, by: Facet) -> dict[str, int]:
        """Return the count of every value of a facet, largest first. Raises UsageError(bad_query)."""

    def similar(self, fingerprint: int, distance: int, since: datetime, until: datetime) -> list[tuple[str, int]]:
        """Return (post id, Hamming distance) of read posts within the distance, nearest, then earliest.

        Raises UsageError(bad_argument) for a distance above 7.
        """

    def tally(self, now: datetime) -> Tally:
        """Return how many posts are there, unread and claimed."""

    def scan(self, after: str = "", limit: int = 1000) -> Batch:
        """Return posts with all their readings in a lasting order of the back end's own, for copies and backups.

        `after` is the `next` of the batch before, and stays good when the process has ended in between. A post that
        is there when a scan begins comes exactly once; one that is added meanwhile may come or not. Raises
        UsageError(bad_argument) for a limit below 1 or an `after` of no batch.
        """


class Cases(Protocol):
    """Everything people and rules decide. Every write leaves its audit entry in the same transaction.

    Methods raise StoreError(unavailable | busy | conflict) when the back end fails or a write cannot be placed.
    """

    events: Events
    alerts: Alerts
    drafts: Drafts
    records: Records
    leases: Leases

    def dump(self) -> Iterator[str]:
        """Yield everything but leases as lines of JSON, as of one moment and in one order whatever the database."""

    def fill(self, lines: Iterable[str]) -> int:
        """Take the lines of a dump, all or none, and return how many.

        Raises StoreError(conflict) unless there is nothing yet, InputError(malformed) for a line of no dump.
        """


@dataclass(frozen=True, slots=True)
class Store:
    """The two halves, and what joins them.

    `transaction()` makes all writes inside it one: on a shared database truly so; where posts live elsewhere, case
    writes commit together at its end and post writes at once, so write posts last inside it: repeating the whole
    block after a crash then changes nothing twice. A transaction inside another joins it.
    """

    posts: Posts
    cases: Cases
    transaction: Callable[[], AbstractContextManager[None]]
    close: Callable[[], None]
    describe: Callable[[], Mapping[str, str]]
