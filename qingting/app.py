"""The main flow, and the only place that knows all rooms.

The numbers in the comments are those of ARCHITECTURE.md. Roles are separate processes: `collect` is the crawl
role's work, `work` and `deliver` the work role's; the store is all they share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

import httpx

from alerts.delivery import Delivered, deliver_due
from alerts.detect import detect
from alerts.grouping import Grouper
from alerts.settling import settle
from crawlers.extraction import Extract, extract_here, extraction_pool
from crawlers.files import read_posts
from crawlers.operators import notices
from crawlers.privacy import Pseudonyms, load_key
from crawlers.run import Collected, crawl_once
from nlp.origins import Known, first_seen
from nlp.reader import Place, Reader, open_reader
from nlp.regions import place_names
from nlp.segment import CUT_VERSION, cut
from qingting.config import Config, SourceConfig
from qingting.errors import NotFoundError
from qingting.model import (
    SOURCE_HEALTH,
    Alert,
    AuditEntry,
    Draft,
    Event,
    Level,
    Post,
    Reading,
    Reject,
    shown,
    stable_id,
)
from qingting.store import Search, Store, open_store
from responders.drafting import Office, create

SYSTEM = "系统"
"""The actor of whatever no person decided."""

FIRST_DRAFT = "situation_notice"
"""The document that is drafted by itself when an alert is raised (情况通报)."""

Item = TypeVar("Item")

Clock = Callable[[], datetime]

Timed = Callable[[str], AbstractContextManager[None]]
"""Wraps a named stage, so that a benchmark can time the very code that serves."""


@dataclass(frozen=True)
class Service:
    """One opened installation: its configuration, home, store and clock, and what turns authors into pseudonyms."""

    config: Config
    home: Path
    store: Store
    clock: Clock
    pseudonyms: Pseudonyms

    @property
    def office(self) -> Office:
        """Return the office in whose name drafts are written."""
        config = self.config
        return Office(
            name=config.drafts.issuer or config.service.office,
            telephone=config.drafts.telephone or config.service.telephone,
        )


@dataclass(frozen=True)
class Imported:
    """What came of importing a file: ids that were new or known, and rejects by reason."""

    new: int = 0
    known: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Outdated:
    """Posts from before a time: how many of them may go, how many stay, and the ids that cases rest on."""

    going: int
    staying: int
    cited: frozenset[str]


@dataclass(frozen=True)
class Worked:
    """What came of one round of work."""

    posts: int
    relevant: int
    events: frozenset[str]
    alerts: tuple[Alert, ...]


def open_service(config: Config, home: Path, clock: Clock) -> Service:
    """Open the installation in a home, creating it when it is not there.

    Raises StoreError(unavailable | schema | unsupported).
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    store = open_store(config.store, home, cut, config.service.timezone, cut_version=CUT_VERSION)
    return Service(config, home, store, clock, Pseudonyms(load_key(home)))


def open_service_reader(config: Config) -> Reader:
    """Return the configured reader, or the lexicon in its place, marked degraded, where its model is unusable."""
    settings = config.reader
    return open_reader(
        settings.backend,
        Path(settings.model) if settings.model else None,
        threads=settings.threads,
        max_tokens=settings.max_tokens,
        batch_tokens=settings.batch_tokens,
        places=_places(config),
        organisations=settings.organisations,
    )


def region_names(config: Config) -> dict[str, str]:
    """Return what people call each region code, the office's own places included."""
    return place_names(_places(config))


def _places(config: Config) -> list[Place]:
    return [Place(place.code, place.name, place.parent) for place in config.reader.places]


async def collect(
    service: Service, sources: Sequence[SourceConfig], holder: str, extract: Extract = extract_here
) -> list[Collected]:
    """Crawl each source once: (1) fetch and parse, (2) store posts, cursor and health in one transaction.

    `holder` names this process among all that may crawl the same sources.
    """
    return await crawl_once(
        sources,
        service.config.crawl,
        service.store,
        service.home,
        service.clock,
        service.pseudonyms,
        holder=holder,
        keep=kept_for(service.config),
        extract=extract,
    )


async def collect_with_workers(service: Service, sources: Sequence[SourceConfig], holder: str) -> list[Collected]:
    """Crawl each source once as `collect` does, with articles extracted by `crawl.workers` processes."""
    async with extraction_pool(service.config.crawl.workers) as extract:
        return await collect(service, sources, holder, extract)


def chosen_sources(config: Config, ids: Sequence[str]) -> list[SourceConfig]:
    """Return the enabled sources, or exactly those named. Raises NotFoundError(source)."""
    if not ids:
        return [source for source in config.sources if source.enabled]
    known = {source.id: source for source in config.sources}
    for each in ids:
        if each not in known:
            raise NotFoundError(
                f"没有编号为 {each} 的信源。", reason="source", hint="请用 qingting sources list 查看全部信源。"
            )
    return [known[each] for each in ids]


def import_file(
    service: Service, path: Path, source: str, by: str, seen: Callable[[int], None] = lambda _: None
) -> Imported:
    """Take posts from a file (1, 2); what cannot be taken is kept as rejects; importing again changes nothing.

    `seen` is told the number of lines taken after each batch. Raises InputError(unreadable | unsupported |
    missing_column | too_large).
    """
    total = Imported()
    lines = read_posts(path, service.config.imports, source, service.clock, service.pseudonyms)
    for batch in _batches(lines, 1000):
        posts = [item for item in batch if isinstance(item, Post)]
        rejects = [item for item in batch if isinstance(item, Reject)]
        with service.store.transaction():
            appended = service.store.posts.append(posts)
            service.store.cases.records.reject(rejects)
        total = Imported(
            total.new + len(appended.new),
            # A repeat inside one batch is known as well.
            total.known + len(posts) - len(appended.new),
            total.rejected + Counter(reject.reason for reject in rejects),
        )
        seen(len(batch))
    entry = AuditEntry(service.clock(), by, "import", path.name, f"新增 {total.new}，已有 {total.known}")
    service.store.cases.records.audit([entry])
    return total


class Worker:
    """The work role's hands: reads, groups and alert-checks what is pending, a batch at a time."""

    def __init__(self, service: Service, reader: Reader, name: str, timed: Timed = lambda _: nullcontext()) -> None:
        self.service = service
        self.reader = reader
        self.name = name
        self.timed = timed
        self._places = region_names(service.config)
        self._grouper: Grouper | None = None

    def work(self) -> Worked | None:
        """Do one batch and return what came of it, None when nothing was pending.

        Events, alerts, deliveries and drafts of a batch commit together, and then its posts are marked read: killed at
        any point, the claims run out, the batch is done anew, and nothing is lost or there twice.
        """
        service, store, now = self.service, self.service.store, self.service.clock()
        settings = service.config

        # 3. Claim what nobody has read.
        lease = timedelta(minutes=settings.work.lease_minutes)
        with self.timed("claim"):
            posts = store.posts.claim_unread(self.name, settings.work.batch_posts, now, lease)
        store.cases.records.note_answer(now)
        if not posts:
            return None
        # 4. Read it.
        with self.timed("read"):
            readings = {reading.post_id: reading for reading in self.reader.read(posts, now)}
        with self.timed("copies"):
            readings |= self._pointed_to_origins(posts, readings)
        # What a grouper remembers of a batch that was undone is wrong, so it is kept only once the batch is committed.
        grouper, self._grouper = self._grouper or self._new_grouper(), None
        with store.transaction():
            # 5. Group what is relevant into events.
            with self.timed("group"):
                events = grouper.group(posts, readings, now)
            # 6. Ask the rules about every event that changed; a new alert goes into the outbox.
            with self.timed("detect"):
                alerts = detect(store, events, posts, readings, settings.alerts, now, self._places)
            # 7. Draft a first response for every new alert.
            with self.timed("draft"):
                for alert in alerts:
                    create(store, alert.event_id, FIRST_DRAFT, service.office, now, SYSTEM, readings)
        self._grouper = grouper
        # The readings come last: they mark the batch as done. Posts may live in another server than cases, where no
        # transaction covers both: were they marked first and the commit then failed, their events would be lost.
        with self.timed("save"):
            store.posts.save_readings(list(readings.values()))
        relevant = sum(reading.relevant for reading in readings.values())
        return Worked(len(posts), relevant, frozenset(event.id for event in events), tuple(alerts))

    def _new_grouper(self) -> Grouper:
        settings = self.service.config.alerts
        return Grouper(self.service.store.cases, settings.grouping, settings.never_miss)

    def _pointed_to_origins(self, posts: Sequence[Post], readings: Mapping[str, Reading]) -> dict[str, Reading]:
        """Return the readings of near-duplicates, each pointing to the first post that said the same."""
        origins = first_seen(posts, readings, self.service.store.posts.similar, self._known)
        return {copy: replace(readings[copy], copy_of=origin) for copy, origin in origins.items()}

    def _known(self, ids: Collection[str]) -> dict[str, Known]:
        posts, read = self.service.store.posts.get(ids), self.service.store.posts.readings(ids)
        return {each: Known(post, read[each].copy_of if each in read else "") for each, post in posts.items()}

    def until_idle(self) -> Iterator[Worked]:
        """Do batch after batch until nothing is pending, yielding what came of each."""
        while (worked := self.work()) is not None:
            yield worked


def deliver(service: Service, client: httpx.Client) -> Delivered:
    """Try every delivery that is due (8); what fails is tried again later, never forgotten."""
    return deliver_due(service.store.cases, service.config.alerts, service.clock(), client)


def watch_sources(service: Service) -> list[Alert]:
    """Alert operators to each source that is blocked, silent or useless, once an episode; return the new alerts."""
    cases, now = service.store.cases, service.clock()
    told = [each.name for each in service.config.alerts.receivers if each.enabled and each.operations]
    added = []
    for notice in notices(service.config.sources, cases.records.health(), now):
        alert = Alert(
            id=stable_id("a", notice.id),
            event_id=notice.id,
            rule=SOURCE_HEALTH,
            level=Level.BLUE,
            title=notice.title,
            summary=notice.text,
            triggered_at=notice.since,
            created_at=now,
        )
        if cases.alerts.add(alert, told, now):
            added.append(alert)
    return added


def settle_events(service: Service) -> list[Event]:
    """Turn events that nobody speaks of any more quiet."""
    with service.store.transaction():
        return settle(service.store.cases, service.config.alerts.grouping, service.clock())


def outdated(service: Service, before: datetime) -> Outdated:
    """Return what dropping the posts from before a time would do."""
    posts = service.store.posts
    cited = service.store.cases.cited_posts()
    found = (post for ids in _batches(cited, 1000) for post in posts.get(ids).values())
    staying = sum(post.at < before for post in found)
    return Outdated(posts.count(Search(until=before)) - staying, staying, cited)


def drop_posts(service: Service, before: datetime, by: str) -> int:
    """Remove the posts from before a time that no case rests on, for good; the crawl doesn't bring them back.

    Return how many. Interrupted and called again it goes on; where whole months are dropped, some stay for later.
    """
    records, what = service.store.cases.records, outdated(service, before)
    if not what.going:
        return 0
    told = f"{shown(before)} 以前发布的帖文 {what.going} 条；另有 {what.staying} 条因预警或稿件引用而保留"
    with service.store.transaction():
        records.move_horizon(before)
        records.audit([AuditEntry(service.clock(), by, "posts.drop", "posts", f"开始删除{told}")])
    dropped = service.store.posts.drop_before(before, what.cited)
    rest = what.going - dropped
    told = f"删除了 {dropped} 条" + (f"，其余 {rest} 条待所在的月份全部过期再删" if rest > 0 else "")
    records.audit([AuditEntry(service.clock(), by, "posts.dropped", "posts", told)])
    return dropped


def sweep(service: Service) -> None:
    """Drop the posts and rejects that are older than they are to be kept."""
    settings, now = service.config.store, service.clock()
    if settings.keep_days:
        drop_posts(service, now - timedelta(days=settings.keep_days), SYSTEM)
    if settings.reject_days:
        service.store.cases.records.drop_rejects(now - timedelta(days=settings.reject_days))


def kept_for(config: Config) -> timedelta | None:
    """Return how long posts are kept, None for ever."""
    return timedelta(days=config.store.keep_days) if config.store.keep_days else None


def draft(service: Service, event_id: str, channel: str, by: str) -> Draft:
    """Draft a response to an event (9). Raises NotFoundError(event) and DraftError(unknown_channel)."""
    return create(service.store, event_id, channel, service.office, service.clock(), by)


def _batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
