"""Running sources: once, or for good by each one's cadence; each by one process at a time (see crawlers.holding).

From outside an event loop: `run_crawl(crawl_once(...))`, as often as wanted (see crawlers.reactor).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from scrapy import signals
from scrapy.crawler import AsyncCrawlerRunner, Crawler
from scrapy.http import Response
from twisted.python.failure import Failure

from crawlers.addresses import GuardedResolver
from crawlers.bygones import Bygones
from crawlers.evidence import EvidenceWriter, drop_expired
from crawlers.extraction import Extract, extract_here
from crawlers.health import Memory
from crawlers.holding import Hold, held, renewal, role_of
from crawlers.kinds import SourceSpider, Task, spider_class
from crawlers.pace import Pace
from crawlers.privacy import Pseudonyms
from crawlers.reactor import install_reactor, install_resolver, run_crawl
from crawlers.recorder import Collected, Recorder, progress_of
from crawlers.scrapy_settings import scrapy_settings
from qingting.config import CrawlConfig, SourceConfig
from qingting.errors import QingtingError, StoreError
from qingting.model import AuditEntry, SourceHealth, shown
from qingting.store import Store

__all__ = ["Collected", "crawl_forever", "crawl_once", "install_reactor", "run_crawl"]

log = logging.getLogger(__name__)

# How many sources run at the same time; hosts are paced one by one whatever this is.
SOURCES_AT_ONCE = 8
# A source whose run broke unexpectedly, or whose store was busy, is tried again after this long at the earliest.
PAUSE_AFTER_ERROR = timedelta(minutes=5)
# A crawl that is just starting when the role is told to stop runs its engine some milliseconds later.
ASK_AGAIN_SECONDS = 0.05
SWEEP_EVERY = timedelta(hours=24)
SYSTEM = "系统"


@dataclass(frozen=True)
class _Desk:
    """What all runs of one call share."""

    settings: CrawlConfig
    store: Store
    home: Path
    clock: Callable[[], datetime]
    pseudonyms: Pseudonyms
    pace: Pace
    extract: Extract
    runner: AsyncCrawlerRunner
    holder: str
    keep: timedelta | None
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SOURCES_AT_ONCE))


async def crawl_once(
    sources: Sequence[SourceConfig],
    settings: CrawlConfig,
    store: Store,
    home: Path,
    clock: Callable[[], datetime],
    pseudonyms: Pseudonyms,
    *,
    holder: str,
    keep: timedelta | None = None,
    extract: Extract = extract_here,
) -> list[Collected]:
    """Run each source once and return what came of it, in the order given.

    A source that refused us is left alone until its back-off is over, and one that another process is running
    altogether. `holder` names this process apart from all others, on any machine, that share the store; `keep` is how
    long posts are kept, None for ever. `extract` finds the article of a page, here or in other processes (see
    `extraction_pool`). Raises CrawlError(unsupported) or ConfigError for a source that cannot be run at all, before
    any is, and StoreError.
    """
    for source in sources:
        spider_class(source)
    desk = _desk(settings, store, home, clock, pseudonyms, extract, holder, keep)
    results = await asyncio.gather(*(_in_turn(desk, source) for source in sources), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if isinstance(result, Collected)]


async def crawl_forever(
    sources: Sequence[SourceConfig],
    settings: CrawlConfig,
    store: Store,
    home: Path,
    clock: Callable[[], datetime],
    pseudonyms: Pseudonyms,
    stop: asyncio.Event,
    *,
    holder: str,
    keep: timedelta | None = None,
    extract: Extract = extract_here,
) -> None:
    """Run every enabled source by its cadence until `stop` is set; then running ones finish what they have in hand.

    Several processes may do so with the same sources: each source is run by one of them at a time, once a cadence.
    Raises as `crawl_once` for a source that cannot be run at all; everything later becomes the source's health.
    """
    enabled = [source for source in sources if source.enabled]
    for source in enabled:
        spider_class(source)
    desk = _desk(settings, store, home, clock, pseudonyms, extract, holder, keep)
    tending = [asyncio.create_task(_tend(desk, source, stop)) for source in enabled]
    tending.append(asyncio.create_task(_sweep(desk, stop)))
    await stop.wait()
    await _stop_crawls(desk.runner, tending)
    await asyncio.gather(*tending)


async def _stop_crawls(runner: AsyncCrawlerRunner, tending: Sequence[asyncio.Task[None]]) -> None:
    """Ask each crawl under way to stop, until all have ended.

    Scrapy forgets to end a crawl that was asked before its engine ran, so one that is just starting is asked later.
    """
    pending = set(tending)
    while pending:
        under_way = filter(_is_under_way, runner.crawlers)
        await asyncio.gather(*(crawler.stop_async() for crawler in under_way))
        _, pending = await asyncio.wait(pending, timeout=ASK_AGAIN_SECONDS)


async def _stop_once_lost(hold: Hold, crawler: Crawler) -> None:
    """Ask a crawl to stop as soon as its source may be another process's; cancelled when the crawl ends by itself."""
    await hold.until_lost()
    while not _is_under_way(crawler):
        await asyncio.sleep(ASK_AGAIN_SECONDS)
    await crawler.stop_async()


def _is_under_way(crawler: Crawler) -> bool:
    return bool(crawler.crawling and crawler.engine and crawler.engine.running)


def _desk(
    settings: CrawlConfig,
    store: Store,
    home: Path,
    clock: Callable[[], datetime],
    pseudonyms: Pseudonyms,
    extract: Extract,
    holder: str,
    keep: timedelta | None,
) -> _Desk:
    install_reactor()
    install_resolver(GuardedResolver(settings.allow_loopback_ports))
    runner = AsyncCrawlerRunner(scrapy_settings(settings))
    pace = Pace(settings.delay_seconds)
    return _Desk(settings, store, home, clock, pseudonyms, pace, extract, runner, holder, keep)


async def _in_turn(desk: _Desk, source: SourceConfig) -> Collected:
    """Run one source when it is its turn, unless another process is running it."""
    async with desk.turns:
        with _held(desk, source) as hold:
            return await _run(desk, source, hold) if hold else _left_to_another(desk, source)


async def _in_turn_if_due(desk: _Desk, source: SourceConfig, stop: asyncio.Event) -> datetime:
    """Run one source if it is due and nobody else is running it; return when to look at it again."""
    due = _due(desk, source)
    if due > desk.clock():
        return due
    async with desk.turns:
        if stop.is_set():
            return due
        with _held(desk, source) as hold:
            if hold is None:
                return desk.clock() + renewal()
            # Another process may have run it while this one waited for its turn.
            if _due(desk, source) <= desk.clock():
                await _run(desk, source, hold)
    return _due(desk, source)


def _held(desk: _Desk, source: SourceConfig) -> AbstractContextManager[Hold | None]:
    return held(desk.store.cases.leases, source.id, desk.holder, desk.clock)


async def _run(desk: _Desk, source: SourceConfig, hold: Hold) -> Collected:
    """Run one source: look where the last run ended, crawl, and record how far this one came."""
    cursor = desk.store.cases.records.cursor(source.id)
    previous: Mapping[str, object] = cursor.value if cursor else {}
    memory = Memory.from_json(previous.get("memory"))
    if memory.blocked and memory.not_before and desk.clock() < memory.not_before:
        return _left_alone(source, memory.not_before, desk.clock())
    evidence = EvidenceWriter(desk.home, source.id)
    oldest = _oldest(desk)
    bygones = Bygones(desk.store.posts.known, oldest, previous.get("bygones"))
    recorder = Recorder(source, desk.store, evidence, bygones, hold.guarded)
    crawler = desk.runner.create_crawler(spider_class(source))
    holding = asyncio.create_task(_stop_once_lost(hold, crawler))
    try:
        watch = _Watch(crawler)
        await desk.runner.crawl(crawler, task=_task(desk, source, previous, recorder, oldest))
        return recorder.finish(watch.spider, watch.is_complete(), previous, desk.clock())
    except StoreError:
        hold.renew()
        if not hold.taken:
            raise
        return _handed_over(desk, recorder)
    finally:
        holding.cancel()
        evidence.close()


def _oldest(desk: _Desk) -> datetime | None:
    """Return the time before which nothing is taken: posts so old are dropped, or were once dropped, None if never."""
    limits = [desk.store.cases.records.horizon(), desk.clock() - desk.keep if desk.keep else None]
    return max((each for each in limits if each is not None), default=None)


def _task(
    desk: _Desk,
    source: SourceConfig,
    previous: Mapping[str, object],
    recorder: Recorder,
    oldest: datetime | None,
) -> Task:
    return Task(
        source=source,
        previous=progress_of(previous, source),
        clock=desk.clock,
        pseudonyms=desk.pseudonyms,
        known=recorder.bygones.known,
        extract=desk.extract,
        take=recorder.take,
        pace=desk.pace,
        contact=desk.settings.contact,
        loopback_ports=desk.settings.allow_loopback_ports,
        oldest=oldest,
    )


class _Watch:
    """Sees what Scrapy itself only logs: an exception in a spider becomes a reject and makes the run incomplete."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        crawler.signals.connect(self._on_error, signal=signals.spider_error)

    @property
    def spider(self) -> SourceSpider:
        """Return the spider that ran."""
        assert isinstance(self.crawler.spider, SourceSpider)  # noqa: S101 - narrows for mypy, crawl() made it
        return self.crawler.spider

    def is_complete(self) -> bool:
        """Return whether the run went to its end with nothing missing."""
        return self.crawler.stats.get_value("finish_reason") == "finished" and not self.spider.outcome.troubles

    def _on_error(self, failure: Failure, response: Response, spider: SourceSpider) -> None:
        detail = f"{type(failure.value).__name__}: {failure.value}"
        essential = bool(response.meta.get("essential"))
        spider.trouble("failing", f"解析出错（{detail}）：{response.url}", essential=essential)
        spider.task.take(spider.rejected(response.url, "malformed", detail, response.body))


def _left_alone(source: SourceConfig, until: datetime, now: datetime) -> Collected:
    reason = f"对方此前拒绝采集，{shown(until)} 之前不再请求"
    return Collected(source, SourceHealth(source.id, "blocked", reason, since=now, checked_at=now, items=0), 0, 0, 0)


def _left_to_another(desk: _Desk, source: SourceConfig) -> Collected:
    now = desk.clock()
    lease = desk.store.cases.leases.standing(role_of(source.id), now)
    reason = f"来源 {source.id} 正由 {lease.holder if lease else '别的进程'} 采集，本次跳过"
    return Collected(source, SourceHealth(source.id, "unchanged", reason, since=now, checked_at=now, items=0), 0, 0, 0)


def _handed_over(desk: _Desk, recorder: Recorder) -> Collected:
    """Record that another process took a source over during a run; its cursor and health are that process's to write.

    What the run had stored before stays, and the other finds it known.
    """
    source, now = recorder.source, desk.clock()
    reason = f"{desk.holder} 的这次采集中断过久，来源 {source.id} 已由别的进程接手，本次作罢"
    log.warning("source %s was taken over by another process; this run is given up", source.id)
    with contextlib.suppress(QingtingError):
        desk.store.cases.records.audit([AuditEntry(now, SYSTEM, "source.handover", source.id, reason)])
    health = SourceHealth(source.id, "failing", reason, since=now, checked_at=now, items=0)
    counts = recorder.counts
    return Collected(source, health, counts["new"], counts["known"], counts["rejected"])


async def _tend(desk: _Desk, source: SourceConfig, stop: asyncio.Event) -> None:
    """Run one source whenever it is due, until told to stop."""
    due = desk.clock()
    while not await _stopped_before(due, desk.clock, stop):
        try:
            due = await _in_turn_if_due(desk, source, stop)
        except Exception as error:  # the room's boundary: one source must not end the role; logged and recorded
            log.exception("source %s could not be run", source.id)
            _note_breakdown(desk, source, error)
            due = desk.clock() + PAUSE_AFTER_ERROR


def _due(desk: _Desk, source: SourceConfig) -> datetime:
    """Return when a source's next run is due: its cadence after the last one, or when its back-off ends.

    The last run may have been another process's. One that broke is noted in the source's health alone.
    """
    cursor, health = desk.store.cases.records.cursor(source.id), desk.store.cases.records.health_of(source.id)
    if health and (cursor is None or health.checked_at > cursor.updated_at):
        return health.checked_at + PAUSE_AFTER_ERROR
    if cursor is None:
        return desk.clock()
    not_before = Memory.from_json(cursor.value.get("memory")).not_before
    return not_before or cursor.updated_at + timedelta(minutes=source.cadence_minutes)


async def _stopped_before(due: datetime, clock: Callable[[], datetime], stop: asyncio.Event) -> bool:
    """Wait until `due`, and return whether `stop` was set before that."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max((due - clock()).total_seconds(), 0.0))
    return stop.is_set()


def _note_breakdown(desk: _Desk, source: SourceConfig, error: Exception) -> None:
    """Record as the source's health what broke its run; if the store itself is down, the log has it."""
    reason = error.message if isinstance(error, QingtingError) else f"采集程序出错：{type(error).__name__}: {error}"
    now = desk.clock()
    with contextlib.suppress(QingtingError), desk.store.transaction():
        desk.store.cases.records.set_health(SourceHealth(source.id, "failing", reason, now, now, 0))


async def _sweep(desk: _Desk, stop: asyncio.Event) -> None:
    """Drop expired evidence once a day."""
    due = desk.clock()
    while not await _stopped_before(due, desk.clock, stop):
        try:
            drop_expired(desk.home, desk.clock(), desk.settings.evidence_days)
        except OSError:
            log.exception("expired evidence could not be dropped")
        due = desk.clock() + SWEEP_EVERY
