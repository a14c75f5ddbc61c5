"""From spider to store: posts, rejects, cursor and health of a run, in transactions that may be repeated.

Posts and rejects commit batch by batch; the cursor moves only with the last batch of a complete run. A run that is
killed has stored some posts under an old cursor: the next one finds them known, and the rest new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from scrapy.crawler import Crawler

from crawlers.bygones import Bygones
from crawlers.evidence import EvidenceWriter
from crawlers.health import FIELD_NAMES, Counts, Memory, judge
from crawlers.kinds import Found, SourceSpider, spider_of
from qingting.config import SourceConfig
from qingting.errors import QingtingError
from qingting.model import Cursor, Post, Reject, SourceHealth, stable_id
from qingting.store import Store

# A batch is committed at 200 posts, or at 32 MiB of answers waiting to be kept, whichever comes first.
BATCH_POSTS = 200
BATCH_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run of one source came to; `new` and `known` count posts."""

    source: SourceConfig
    health: SourceHealth
    new: int
    known: int
    rejected: int


class Recorder:
    """Takes the items of one run of one source.

    `guarded` goes around every write, and makes it fail once the source is another process's.
    """

    def __init__(
        self,
        source: SourceConfig,
        store: Store,
        evidence: EvidenceWriter,
        bygones: Bygones,
        guarded: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.source = source
        self.store = store
        self.evidence = evidence
        self.bygones = bygones
        self.guarded = guarded
        self.error: QingtingError | None = None
        self.counts: Counter[str] = Counter()
        self._posts: dict[str, Post] = {}
        self._rejects: dict[str, Reject] = {}
        self._answers: dict[str, Found] = {}
        self._waiting_bytes = 0
        self._seen: set[str] = set()

    def take(self, item: Found | Post | Reject) -> None:
        """Add an item, and commit when enough are together; after a store error nothing more is taken."""
        if self.error is not None:
            return
        if isinstance(item, Reject):
            self.counts["rejected"] += item.id not in self._rejects
            self._rejects[item.id] = item
        else:
            self._add(item)
        if len(self._posts) + len(self._rejects) >= BATCH_POSTS or self._waiting_bytes >= BATCH_BYTES:
            self._commit_or_note()

    def _add(self, item: Found | Post) -> None:
        post = item.post if isinstance(item, Found) else item
        if post.id in self._seen:
            return
        self._seen.add(post.id)
        self.counts["parsed"] += 1
        for name in FIELD_NAMES:
            self.counts[name] += bool(getattr(post, name))
        if self.bygones.is_bygone(post):
            self.counts["known"] += 1
            return
        self._posts[post.id] = post
        if isinstance(item, Found) and item.fetched.digest not in self._answers:
            self._answers[item.fetched.digest] = item
            self._waiting_bytes += len(item.fetched.body)

    def _commit_or_note(self) -> None:
        try:
            self.commit()
        except QingtingError as error:
            # Scrapy would log it and go on; the run must stop being taken for complete, and its caller must know.
            self.error = error

    def commit(self) -> None:
        """Write what has come together, the evidence of new posts before them. Raises StoreError."""
        posts = list(self._posts.values())
        known = self.store.posts.known(self._posts.keys()) if posts else set()
        for post in posts:
            if post.id not in known and post.evidence in self._answers:
                self.evidence.keep(self._answers[post.evidence].fetched)
        self.evidence.sync()
        with self.guarded(), self.store.transaction():
            if self._rejects:
                self.store.cases.records.reject(list(self._rejects.values()))
            if posts:
                appended = self.store.posts.append(posts)
                self.counts["new"] += len(appended.new)
                self.counts["known"] += len(appended.known)
        self._posts.clear()
        self._rejects.clear()
        self._answers.clear()
        self._waiting_bytes = 0

    def finish(self, spider: SourceSpider, complete: bool, previous: Mapping[str, object], now: datetime) -> Collected:
        """Commit the rest of a run together with its cursor and health, in one transaction. Raises StoreError.

        `previous` is the cursor's value before the run. The spider's part of it moves only after a complete run; what
        is remembered for health and back-off is kept in any case.
        """
        if self.error is not None:
            raise self.error
        with self.guarded(), self.store.transaction():
            self.commit()
            counts = self._totals()
            memory = Memory.from_json(previous.get("memory"))
            health, memory = judge(self.source, spider.outcome, counts, memory, now)
            moved = complete and not spider.outcome.unchanged
            progress = dict(spider.cursor() if moved else progress_of(previous, self.source))
            value = {
                "made_for": _likeness(self.source),
                "spider": progress,
                "memory": memory.as_json(),
                "bygones": self.bygones.as_json(),
            }
            self.store.cases.records.set_cursor(Cursor(self.source.id, value, now))
            self.store.cases.records.set_health(health)
        spider.committed()
        return Collected(self.source, health, counts.new, counts.known, counts.rejected)

    def _totals(self) -> Counts:
        return Counts(
            parsed=self.counts["parsed"],
            new=self.counts["new"],
            known=self.counts["known"],
            rejected=self.counts["rejected"],
            filled={name: self.counts[name] for name in FIELD_NAMES},
        )


def progress_of(cursor: Mapping[str, object], source: SourceConfig) -> Mapping[str, object]:
    """Return the spider's part of a cursor; nothing if the source has since been given another address or options."""
    progress = cursor.get("spider")
    same = cursor.get("made_for") == _likeness(source)
    return progress if same and isinstance(progress, Mapping) else {}


def _likeness(source: SourceConfig) -> str:
    options = (part for pair in sorted(source.options.items()) for part in pair)
    return stable_id("s", source.kind, source.address, *options)


class StorePipeline:
    """Scrapy's item pipeline: hands every item to the run's recorder."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> StorePipeline:
        """Return the pipeline of a crawler."""
        return cls(crawler)

    def process_item(self, item: Any) -> Any:
        """Record an item."""
        spider_of(self.crawler).task.take(item)
        return item
