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
from functools import partial
from pathlib import Path

import httpx
import uvicorn
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.schedulers.background import BackgroundScheduler

from crawlers.extraction import extraction_pool
from crawlers.run import crawl_forever, run_crawl
from nlp.reader import Reader
from qingting.app import (
    Service,
    Worker,
    chosen_sources,
    kept_for,
    region_names,
)
from qingting.doctor import condition, note_cases_answered
from qingting.errors import QingtingError, StoreError
from qingting.standing import RENEWAL, Leadership, Means, Schedule, standing_jobs
from qingting.web.app import create_app

LOG = logging.getLogger("qingting")

ROLES = ("crawl", "work", "web")

RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 30.0)
"""How long `up` waits before it starts a role again that ended by itself; the last goes on for ever."""

STEADY_SECONDS = 60.0
"""A role that ran this long counts as healthy: its next restart begins again at the shortest wait."""


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


def crawler_name() -> str:
    """Return what this process holds sources as; no other that is alive, on any machine, has the same name."""
    return f"crawl-{os.getpid()}@{socket.gethostname()}"


def stop_on_signals(stop: Callable[[], None]) -> None:
    """Call `stop` once SIGTERM or SIGINT arrives; a batch under way is finished first."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda _number, _frame: stop())


class Reading:
    """The standing job that works off what is unread; what keeps it from that stands in its sign of life."""

    def __init__(self, service: Service, worker: Worker, stopped: threading.Event) -> None:
        self._service = service
        self._worker = worker
        self._stopped = stopped
        self._trouble = ""

    def run(self) -> None:
        """Do batch after batch until nothing is pending or the role is stopped. Raises StoreError."""
        pending = True
        while pending and not self._stopped.is_set():
            self._beat()
            try:
                pending = self._worker.work() is not None
            except StoreError as error:
                self._trouble = f"研读暂停：{error.message.rstrip('。')}"
                self._beat()
                raise
            self._trouble = ""

    def _beat(self) -> None:
        service, now = self._service, self._service.clock()
        detail = self._trouble or self._worker.reader.problem or "正常"
        service.store.cases.records.beat(self._worker.name, now, detail)
        note_cases_answered(service.home, now)


class Troubles:
    """Logs a standing job that fails when it begins to fail, when it fails otherwise, and when it works again."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def note(self, event: JobExecutionEvent) -> None:
        """Take the outcome of a job; one that failed is run again at its next time."""
        if event.exception is None:
            if self._said.pop(event.job_id, ""):
                LOG.warning("定时任务 %s 已恢复。", event.job_id)
            return
        foreseen = isinstance(event.exception, QingtingError)
        trouble = str(event.exception) if foreseen else f"{event.exception!r}\n{event.traceback}"
        if self._said.get(event.job_id) != trouble:
            self._said[event.job_id] = trouble
            LOG.error("定时任务 %s 失败，稍后重试：%s", event.job_id, trouble)


def run_work(service: Service, reader: Reader) -> None:
    """Read, group, alert and deliver until told to stop."""
    stopped = threading.Event()
    stop_on_signals(stopped.set)
    interval = service.config.work.interval_seconds
    with worker_name(service.home) as name, httpx.Client(timeout=service.config.alerts.timeout_seconds) as client:
        reading = Reading(service, Worker(service, reader, name), stopped)
        leadership = Leadership(service.store.cases.leases, f"{name} {os.getpid()}", service.clock)

        means, note = Means(service, client), Troubles().note
        schedule = Schedule(means, leadership, standing_jobs(service), note)

        def lead() -> None:
            leadership.renew()
            schedule.follow()

        scheduler = _scheduler(service, note)
        every = partial(scheduler.add_job, trigger="interval")
        every(reading.run, id="read", seconds=interval, next_run_time=service.clock())
        every(lead, id="lead", seconds=RENEWAL.total_seconds())
        lead()
        scheduler.start()
        stopped.wait()
        scheduler.shutdown(wait=True)
        schedule.stop(wait=True)
        leadership.resign()


def _scheduler(service: Service, note: Callable[[JobExecutionEvent], None]) -> BackgroundScheduler:
    # A batch that takes longer than the interval is ordinary: the next one simply follows it.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    # It would log every failure with all its lines, each few seconds while a server is away.
    logging.getLogger("apscheduler.executors").setLevel(logging.CRITICAL)
    defaults = {"coalesce": True, "max_instances": 1}
    scheduler = BackgroundScheduler(timezone=service.config.service.timezone, job_defaults=defaults)
    scheduler.add_listener(note, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
    return scheduler


def run_crawl_role(service: Service) -> None:
    """Collect every enabled source at its own cadence until told to stop; several processes share the sources."""

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
                holder=crawler_name(),
                keep=kept_for(service.config),
                extract=extract,
            )

    run_crawl(forever())


def web_server(service: Service, reader_problem: Callable[[], str], port: int | None = None) -> uvicorn.Server:
    """Return the console's server, not yet started."""
    app = create_app(
        service.store,
        service.config,
        service.clock,
        lambda: condition(service, reader_problem()),
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
