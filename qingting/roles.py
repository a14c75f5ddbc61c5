"""The standing roles: crawl, work and web, each a process of its own, and `up`, which keeps all three running."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from crawlers.extraction import extraction_pool
from crawlers.run import crawl_forever, run_crawl
from nlp.reader import Reader
from qingting.app import Clock, Service, Worker, chosen_sources, deliver, region_names, settle_events, watch_sources
from qingting.doctor import problems
from qingting.store import Lease, Leases
from qingting.web.app import create_app

LOG = logging.getLogger("qingting")

ROLES = ("crawl", "work", "web")

HOUSEKEEPING = timedelta(minutes=1)
"""How often events are settled and sources looked after: neither changes faster than a source's cadence."""

RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
"""How long `up` waits before it starts a role again that ended by itself; the last goes on for ever."""

STEADY_SECONDS = 60.0
"""A role that ran this long counts as healthy: its next restart begins again at the shortest wait."""

STANDING_JOBS = "standing jobs"
LEASE = timedelta(seconds=60)
RENEWAL = timedelta(seconds=15)
"""An alert waits at most a minute for a new leader; three renewals may fail before that happens without need."""


@contextmanager
def worker_name(home: Path) -> Iterator[str]:
    """Hold a free worker's name while inside; a dead worker's name, and with it its claims, falls to the next one."""
    number = 1
    while True:
        handle = os.open(home / f"work-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            number += 1
            continue
        try:
            # Other machines may share the store, and each has a work-1.
            yield f"work-{number}@{socket.gethostname()}"
        finally:
            os.close(handle)
        return


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` once SIGTERM or SIGINT arrives; a batch under way is finished first."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _number, _frame: stop())


class Leadership:
    """The standing jobs that one process runs for all that share the store, such as deliveries.

    Who leads has a lease and renews it; where the leader dies or is stopped, another takes over when it runs out. A
    stopped leader that goes on writes nothing more: the store refuses what it does under its old lease.
    """

    def __init__(self, leases: Leases, holder: str, clock: Clock) -> None:
        self._leases = leases
        self._holder = holder
        self._clock = clock
        self._lease: Lease | None = None

    def renew(self) -> None:
        """Take the lease, or renew it."""
        self._lease = self._leases.take(STANDING_JOBS, self._holder, self._clock(), LEASE)

    def run(self, job: Callable[[], object]) -> None:
        """Run a job if this process leads."""
        lease = self._lease
        if lease is not None and self._clock() < lease.until:
            with self._leases.guarded(lease):
                job()

    def resign(self) -> None:
        """Let another lead at once."""
        if self._lease is not None:
            self._leases.release(self._lease)


def run_work(service: Service, reader: Reader) -> None:
    """Read, group, alert and deliver until told to stop."""
    stopped = threading.Event()
    stop_on_signals(stopped.set)
    interval = service.config.work.interval_seconds
    records = service.store.cases.records
    with worker_name(service.home) as name, httpx.Client(timeout=service.config.alerts.timeout_seconds) as client:
        worker = Worker(service, reader, name)
        leadership = Leadership(service.store.cases.leases, f"{name} {os.getpid()}", service.clock)

        def read_pending() -> None:
            reading = True
            while reading and not stopped.is_set():
                records.beat(name, service.clock(), reader.problem or "正常")
                reading = worker.work() is not None

        def deliver_due() -> None:
            leadership.run(lambda: deliver(service, client))

        def keep_house() -> None:
            leadership.run(lambda: settle_events(service))
            leadership.run(lambda: watch_sources(service))

        # A batch that takes longer than the interval is ordinary: the next one simply follows it.
        logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
        scheduler = BackgroundScheduler(timezone=service.config.service.timezone, job_defaults={"coalesce": True})
        scheduler.add_listener(_log_failure, EVENT_JOB_ERROR)
        scheduler.add_job(
            read_pending, "interval", seconds=interval, id="read", max_instances=1, next_run_time=service.clock()
        )
        scheduler.add_job(deliver_due, "interval", seconds=interval, id="deliver", max_instances=1)
        scheduler.add_job(keep_house, "interval", seconds=HOUSEKEEPING.total_seconds(), id="house", max_instances=1)
        scheduler.add_job(leadership.renew, "interval", seconds=RENEWAL.total_seconds(), id="lead", max_instances=1)
        leadership.renew()
        scheduler.start()
        stopped.wait()
        scheduler.shutdown(wait=True)
        leadership.resign()


def _log_failure(event: JobExecutionEvent) -> None:
    """Log a job that failed; the scheduler runs it again at its next time."""
    LOG.error("定时任务 %s 失败，稍后重试：%s", event.job_id, event.exception)


def run_crawl_role(service: Service) -> None:
    """Collect every enabled source at its own cadence until told to stop."""

    async def forever() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, stop.set)
        sources = chosen_sources(service.config, ())
        settings = service.config.crawl
        async with extraction_pool(settings.workers) as extract:
            await crawl_forever(
                sources,
                settings,
                service.store,
                service.home,
                service.clock,
                service.pseudonyms,
                stop,
                extract=extract,
            )

    run_crawl(forever())


def web_server(service: Service, reader_problem: Callable[[], str], port: int | None = None) -> uvicorn.Server:
    """Return the console's server, not yet started."""
    app = create_app(
        service.store,
        service.config,
        service.clock,
        lambda: problems(service, reader_problem()),
        region_names(service.config),
    )
    web = service.config.web
    settings = uvicorn.Config(
        app, host=web.host, port=web.port if port is None else port, log_level="warning", access_log=False
    )
    return uvicorn.Server(settings)


@dataclass
class _Child:
    role: str
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    restart_at: float = 0.0


def up(arguments: Sequence[str], roles: Sequence[str] = ROLES) -> int:
    """Keep the roles running, each as `python -m qingting.cli ROLE`, until SIGTERM or SIGINT; return the exit code."""
    stopped = threading.Event()
    stop_on_signals(stopped.set)
    children = [_Child(role, _start(role, arguments), time.monotonic()) for role in roles]
    while not stopped.wait(0.5):
        for child in children:
            _keep_running(child, arguments, time.monotonic())
    return _stop_all(children)


def _start(role: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "qingting.cli", role, *arguments])  # noqa: S603  our own program


def _keep_running(child: _Child, arguments: Sequence[str], now: float) -> None:
    """Start a role again that ended by itself, after a wait that grows while it keeps failing."""
    code = child.process.poll()
    if code is None:
        return
    if not child.restart_at:
        child.failures = 0 if now - child.started > STEADY_SECONDS else child.failures
        wait = RESTART_SECONDS[min(child.failures, len(RESTART_SECONDS) - 1)]
        LOG.error("角色 %s 已退出（代码 %s），%.0f 秒后重新启动。", child.role, code, wait)
        child.failures += 1
        child.restart_at = now + wait
    elif now >= child.restart_at:
        child.process, child.started, child.restart_at = _start(child.role, arguments), now, 0.0


def _stop_all(children: Sequence[_Child]) -> int:
    """Ask every role to stop and wait until it has; return 0 if all ended cleanly."""
    for child in children:
        with suppress(ProcessLookupError):
            child.process.terminate()
    codes = []
    for child in children:
        try:
            codes.append(child.process.wait(timeout=60))
        except subprocess.TimeoutExpired:
            LOG.error("角色 %s 在 60 秒内没有停止，强制结束。", child.role)
            child.process.kill()
            codes.append(child.process.wait())
    # Uvicorn shuts down in good order and then ends by the very signal that it was asked with.
    return 0 if all(code in (0, -signal.SIGTERM) for code in codes) else 1
