"""What every store promises: the two Protocols, and the `Store` that joins them; their shapes are in shapes.py.

`Posts` is what may grow to hundreds of millions (SQLite FTS5, Elasticsearch); `Cases` is what must be transactional
(SQLite, PostgreSQL). Both are opened together by `qingting.store.open_store` and joined by `Store.transaction`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from apscheduler.jobstores.base import BaseJobStore

from qingting.model import Post, Reading
from qingting.store.alerts import Alerts
from qingting.store.drafts import Drafts
from qingting.store.events import Events
from qingting.store.leases import Leases
from qingting.store.records import Records
from qingting.store.shapes import Appended, Batch, Facet, Interval, Page, Point, Search, Tally


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

    def drop_before(self, before: datetime, keep: Collection[str]) -> int:
        """Remove the posts before a time with their readings, all but those whose ids are in `keep`; return how many.

        A post's time is `Post.at`: its publication, or where that is unknown its collection. It goes in small steps
        that each stand by themselves, outside any transaction: interrupted and called again it goes on, and no other
        writer waits for more than about a second. Elasticsearch forgets by months: what arrived in a month stays
        until the whole month lies before the time.
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

    def cited_posts(self) -> frozenset[str]:
        """Return the ids of all posts that an alert or a draft rests on: what is answered for in public."""

    def standing_jobs(self, fence: Callable[[], AbstractContextManager[None]]) -> BaseJobStore:
        """Return when each standing job is due next, as a job store for one scheduler of APScheduler at a time.

        Whatever the scheduler asks of it happens inside a `fence`, which lets the leader alone pass.
        """

    def dump(self) -> Iterator[str]:
        """Yield everything as lines of JSON, as of one moment and in one order whatever the database.

        Leases and standing jobs are left out.
        """

    def fill(self, lines: Iterable[str]) -> int:
        """Take the lines of a dump, all or none, and return how many.

        Raises StoreError(conflict) unless there is nothing yet, InputError(malformed) for a line of no dump.
        """


@dataclass(frozen=True, slots=True)
class Store:
    """The two halves, and what joins them.

    `transaction()` makes all writes inside it one: on a shared database truly so; where posts live elsewhere, case
    writes commit together at its end and post writes at once, so mark posts as done only after it: repeating the whole
    block after a crash then changes nothing twice. A transaction inside another joins it.
    """

    posts: Posts
    cases: Cases
    transaction: Callable[[], AbstractContextManager[None]]
    close: Callable[[], None]
    describe: Callable[[], Mapping[str, str]]
