"""Plays the scenario through the real rooms on a virtual clock, and says whether every stage did its part."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from string import Template

import httpx
import uvicorn
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from crawlers.run import Collected
from qingting.app import (
    FIRST_DRAFT,
    SYSTEM,
    Service,
    Worker,
    collect,
    deliver,
    draft,
    open_service,
    open_service_reader,
)
from qingting.config import Config, parse
from qingting.demo.judge import Verdict, judge
from qingting.demo.scenario import Scenario, fact_of, load_scenario
from qingting.demo.site import ReplaySite, drop_hotline, ticks
from qingting.errors import UsageError
from qingting.model import SHANGHAI
from qingting.roles import crawler_name, web_server

QUIET = timedelta(hours=8)
"""How often the demo collects while nothing happens: often enough that no list page or feed overflows."""

BUSY = timedelta(minutes=15)
"""How often it collects in the days that matter: the cadence a press office sets for its own city."""

BUSY_FROM = datetime(2026, 9, 22, 0, 0, tzinfo=SHANGHAI)
BUSY_UNTIL = datetime(2026, 9, 23, 0, 0, tzinfo=SHANGHAI)

NOTICES = (
    datetime(2026, 9, 22, 11, 25, tzinfo=SHANGHAI),
    datetime(2026, 9, 22, 18, 45, tzinfo=SHANGHAI),
)
"""When the scenario's press office wants a draft: shortly before each of its two notices of the first day."""

MARKER = "demo"
"""A file that says a home was made by the demo, and may be thrown away by the next one."""


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the virtual present."""
        return self.now


@dataclass
class Tallies:
    """What the replay has counted so far."""

    new: Counter[str] = field(default_factory=Counter)
    read: int = 0
    delivered: int = 0
    troubles: list[str] = field(default_factory=list)

    def take(self, collected: list[Collected]) -> None:
        """Add the results of one round of collecting."""
        for each in collected:
            self.new[each.source.id] += each.new
            if each.health.state in ("blocked", "failing"):
                self.troubles.append(f"{each.source.name}：{each.health.reason}")


async def run_demo(home: Path, once: bool) -> int:
    """Play the scenario; with `once` return 0 only if every stage did its part, else serve the result until Ctrl-C."""
    scenario = load_scenario()
    clock = VirtualClock(scenario.items[0].at)
    console = Console()
    _fresh(home)
    with ReplaySite(scenario, clock) as site:
        drop = home / "hotline"
        drop.mkdir()
        service = open_service(demo_config(site, drop), home, clock)
        server = web_server(service, lambda: "", port=0 if once else None)
        serving = asyncio.create_task(server.serve())
        try:
            await _started(server, serving)
            if not once:
                console.print(f"控制台：{_address(server)}（回放进行中，可随时刷新；Ctrl-C 停止）")
            replay = asyncio.create_task(_replay(service, scenario, clock, drop, console))
            await asyncio.wait({replay, serving}, return_when=asyncio.FIRST_COMPLETED)
            if not replay.done():
                replay.cancel()
                return 1
            verdict = judge(service, scenario, replay.result().new, site.received, await _pages(service, server))
            _report(console, verdict, replay.result())
            if not once:
                console.print(f"回放完毕。请打开 {_address(server)} 查看收件箱、事件和回应稿；Ctrl-C 停止。")
                await serving
            return 0 if verdict.good and not replay.result().troubles else 1
        finally:
            server.should_exit = True
            await serving
            service.store.close()


async def _replay(service: Service, scenario: Scenario, clock: VirtualClock, drop: Path, console: Console) -> Tallies:
    """Move the clock from tick to tick and let the rooms do at each what they do every day."""
    tallies = Tallies()
    worker = Worker(service, open_service_reader(service.config), "demo")
    office = _PressOffice(service, scenario)
    sources = service.config.sources
    previous = clock.now - QUIET
    steps = ticks(scenario, QUIET, BUSY, BUSY_FROM, BUSY_UNTIL)
    with httpx.Client() as client, Progress(console=console, transient=True) as progress:
        for now in progress.track(steps, description="回放"):
            clock.now = now
            drop_hotline(scenario.hotline, previous, now, drop)
            service.store.cases.records.beat("demo", now, "回放中")
            tallies.take(await collect(service, sources, crawler_name()))
            for worked in await asyncio.to_thread(lambda: list(worker.until_idle())):
                tallies.read += worked.posts
                for alert in worked.alerts:
                    progress.console.print(
                        f"{now.astimezone(SHANGHAI):%m-%d %H:%M} 预警【{alert.level.label}】{alert.title}"
                    )
            tallies.delivered += (await asyncio.to_thread(deliver, service, client)).delivered
            office.work(previous, now)
            previous = now
    return tallies


class _PressOffice:
    """What people do in the scenario: enter facts as departments answer, and have each notice drafted anew."""

    def __init__(self, service: Service, scenario: Scenario) -> None:
        self._service = service
        self._facts = scenario.facts

    def work(self, since: datetime, until: datetime) -> None:
        """Enter the facts verified in `since < at <= until` for the largest event; draft before each notice."""
        due = [row for row in self._facts if since < datetime.fromisoformat(row["verified_at"]) <= until]
        notices = [at for at in NOTICES if since < at <= until]
        if not due and not notices:
            return
        cases = self._service.store.cases
        event = max(cases.events.latest(), key=lambda each: each.size)
        for row in due:
            fact = fact_of(row, event.id)
            cases.drafts.add_fact(fact, fact.verifier)
        for _ in notices:
            draft(self._service, event.id, FIRST_DRAFT, SYSTEM)


def demo_config(site: ReplaySite, drop: Path) -> Config:
    """Return the demo's configuration for a running replay site."""
    text = (resources.files("qingting.demo") / "config.toml").read_text(encoding="utf-8")
    return parse(Template(text).substitute(site=site.base, port=site.port, drop=drop), name="demo/config.toml")


def _fresh(home: Path) -> None:
    """Empty a former demo's home. Raises UsageError when it is somebody's real home."""
    if home.exists() and any(home.iterdir()) and not (home / MARKER).exists():
        raise UsageError(f"{home} 不是演示目录，不能清空。", reason="bad_argument", hint="请用 --home 指定一个空目录。")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, parents=True)
    (home / MARKER).touch()


async def _started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """Wait until the console listens, or raise what kept it from doing so."""
    while not server.started:
        if serving.done():
            serving.result()
            raise UsageError("控制台没有启动。", reason="bad_argument", hint="端口可能被占用，请先停止占用它的程序。")
        await asyncio.sleep(0.02)


def _address(server: uvicorn.Server) -> str:
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    return f"http://{host}:{port}"


async def _pages(service: Service, server: uvicorn.Server) -> dict[str, int]:
    """Ask the running console for one page of each kind and return the status of each."""
    cases = service.store.cases
    paths = ["/", "/events", "/search?q=清源河"]
    paths += [f"/events/{alert.event_id}" for alert in cases.alerts.latest(limit=1)]
    paths += [f"/drafts/{each.id}" for each in cases.drafts.latest(limit=1)]
    async with httpx.AsyncClient(base_url=_address(server), timeout=30) as client:
        return {path: (await client.get(path)).status_code for path in paths}


def _report(console: Console, verdict: Verdict, tallies: Tallies) -> None:
    table = Table(title="演示结果", title_justify="left", header_style="bold")
    for column in ("环节", "结果", "说明"):
        table.add_column(column, overflow="fold")
    for name, good, detail in _rows(verdict):
        table.add_row(name, "正常" if good else "未达到", detail)
    console.print(table)
    for trouble in sorted(set(tallies.troubles)):
        console.print(f"采集问题：{trouble}", style="red", markup=False)


def _rows(verdict: Verdict) -> Iterator[tuple[str, bool, str]]:
    for stage in verdict.stages:
        yield stage.name, stage.good, stage.detail
