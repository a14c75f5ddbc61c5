"""The standing jobs: what one process, the leader, does for all that share the store, and when each is due.

When each job is due next stands in the cases, so that a daily one keeps its time when the service restarts or another
process takes over; one that was missed meanwhile is run once. APScheduler 3 forbids several schedulers on one table:
only the leader runs one, and its lease is the fence around the table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, JobExecutionEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from qingting.app import Clock, Service, deliver, settle_events, sweep, watch_sources
from qingting.errors import StoreError
from qingting.store import Lease, Leases

STANDING_JOBS = "standing jobs"
LEASE = timedelta(seconds=60)
RENEWAL = timedelta(seconds=15)
"""An alert waits at most a minute for a new leader; three renewals may fail before that happens without need."""

HOUSEKEEPING = timedelta(minutes=1)
"""How often events are settled and sources looked after: neither changes faster than a source's cadence."""

SWEEP = timedelta(days=1)
FIRST_SWEEP = timedelta(minutes=5)
"""How often what is out of date is dropped, and how soon the very first time: by then it is settled who leads."""

RETRY_SECONDS = 5.0
"""How soon a store that was away is asked again what is due: as often as deliveries are looked for by default."""


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

    @property
    def token(self) -> int | None:
        """Return the token of the lease that was taken last, None where another leads."""
        return self._lease.token if self._lease else None

    def renew(self) -> None:
        """Take the lease, or renew it."""
        self._lease = self._leases.take(STANDING_JOBS, self._holder, self._clock(), LEASE)

    def run(self, job: Callable[[], object]) -> None:
        """Run a job if this process leads."""
        lease = self._lease
        if lease is not None and self._clock() < lease.until:
            with self._leases.guarded(lease):
                job()

    @contextmanager
    def fence(self, token: int) -> Iterator[None]:
        """Guard what is done inside by the lease with this token. Raises StoreError(conflict) if it is over."""
        lease = self._lease
        if lease is None or lease.token != token or self._clock() >= lease.until:
            raise StoreError("本进程不再主持定时任务。", reason="conflict", hint="无需处理：主持的进程会继续。")
        with self._leases.guarded(lease):
            yield

    def resign(self) -> None:
        """Let another lead at once, or when the lease is over if the store is away."""
        if self._lease is not None:
            with suppress(StoreError):
                self._leases.release(self._lease)


@dataclass(frozen=True)
class Means:
    """What a standing job works with; the table can't hold it."""

    service: Service
    client: httpx.Client


def deliver_due(means: Means) -> None:
    """Try the deliveries that are due."""
    deliver(means.service, means.client)


def keep_house(means: Means) -> None:
    """Settle events and look after sources."""
    settle_events(means.service)
    watch_sources(means.service)


def drop_outdated(means: Means) -> None:
    """Drop what is older than it is to be kept."""
    sweep(means.service)


@dataclass(frozen=True)
class Standing:
    """A standing job: an importable function by its name, how often it runs, and how soon the very first time."""

    id: str
    function: str
    every: timedelta
    first: timedelta

    def due(self, stored: Job | None, now: datetime) -> datetime:
        """Return when to run next: as stored, unless that was planned otherwise or can't be meant.

        Of the times that were missed the last is kept, which is run at once: the daily rhythm stays, and APScheduler
        needn't count up all that a long rest has left out. A time further off than the interval comes of a clock that
        was wrong, and would keep the job from running until then.
        """
        when = stored.next_run_time if stored is not None and self.is_planned(stored) else None
        if when is None or when > now + self.every:
            return now + self.first
        result: datetime = when + max((now - when) // self.every, 0) * self.every
        return result

    def is_planned(self, stored: Job) -> bool:
        """Return whether a stored job calls the same function just as often."""
        return (stored.func_ref, str(stored.trigger)) == (self.function, str(self.trigger("UTC")))

    def trigger(self, timezone: str) -> IntervalTrigger:
        """Return what APScheduler counts the times by."""
        return IntervalTrigger(seconds=self.every.total_seconds(), timezone=timezone)


def standing_jobs(service: Service) -> tuple[Standing, ...]:
    """Return the standing jobs of an installation."""
    often = timedelta(seconds=service.config.work.interval_seconds)
    return (
        Standing("deliver", f"{__name__}:deliver_due", often, often),
        Standing("house", f"{__name__}:keep_house", HOUSEKEEPING, HOUSEKEEPING),
        Standing("sweep", f"{__name__}:drop_outdated", SWEEP, FIRST_SWEEP),
    )


class Schedule:
    """The scheduler of the standing jobs, which runs for as long as this process leads."""

    def __init__(
        self,
        means: Means,
        leadership: Leadership,
        jobs: Sequence[Standing],
        note: Callable[[JobExecutionEvent], None],
    ) -> None:
        self._means = means
        self._leadership = leadership
        self._jobs = jobs
        self._note = note
        self._scheduler: BackgroundScheduler | None = None
        self._token: int | None = None

    def follow(self) -> None:
        """Start where this process has come to lead, stop where it leads no more. Raises StoreError."""
        token = self._leadership.token
        if token == self._token:
            return
        self.stop(wait=False)
        if token is not None:
            self._scheduler = self._started(token)
            self._token = token

    def stop(self, *, wait: bool) -> None:
        """Run nothing more, and wait for what is being run if asked to."""
        scheduler, self._scheduler, self._token = self._scheduler, None, None
        if scheduler is not None:
            scheduler.shutdown(wait=wait)

    def _started(self, token: int) -> BackgroundScheduler:
        service, leadership = self._means.service, self._leadership
        # However late: a daily job is not due again before tomorrow.
        defaults = {"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        timezone = service.config.service.timezone
        scheduler = _Scheduler(timezone=timezone, job_defaults=defaults, jobstore_retry_interval=RETRY_SECONDS)
        scheduler.add_executor(_Executor(lambda function: leadership.run(partial(function, self._means))))
        scheduler.add_jobstore(service.store.cases.standing_jobs(partial(leadership.fence, token)))
        scheduler.add_listener(self._note, EVENT_JOB_ERROR | EVENT_JOB_EXECUTED)
        scheduler.start(paused=True)
        try:
            self._plan(scheduler, service.clock(), timezone)
        except BaseException:
            # Whatever it was, its thread must not be left behind; the error goes on.
            scheduler.shutdown(wait=False)
            raise
        scheduler.resume()
        return scheduler

    def _plan(self, scheduler: BackgroundScheduler, now: datetime, timezone: str) -> None:
        """Make the table hold these jobs, and leave alone what stands there rightly."""
        stored = {job.id: job for job in scheduler.get_jobs()}
        for gone in stored.keys() - {job.id for job in self._jobs}:
            scheduler.remove_job(gone)
        for job in self._jobs:
            before = stored.get(job.id)
            due = job.due(before, now)
            if before is None or not job.is_planned(before) or before.next_run_time != due:
                trigger = job.trigger(timezone)
                # The place of the means is empty in the table; the executor fills it.
                planned = {"args": [None], "id": job.id, "next_run_time": due, "replace_existing": True}
                scheduler.add_job(job.function, trigger, **planned)


class _Executor(ThreadPoolExecutor):  # type: ignore[misc]  # APScheduler ships no types.
    """Runs a job's function with what the table can't hold: an opened service, a client, the leader's fence."""

    def __init__(self, run: Callable[[Callable[[Means], None]], None]) -> None:
        super().__init__()
        self._run = run

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        # A copy, because the scheduler goes on to write the job itself into the table.
        filled = copy(job)
        filled._jobstore_alias = job._jobstore_alias
        filled.func, filled.args = self._run, (job.func,)
        super()._do_submit_job(filled, run_times)


class _Scheduler(BackgroundScheduler):  # type: ignore[misc]  # APScheduler ships no types.
    """A scheduler that outlives a table which can't be written for a while, or not any more."""

    def _process_jobs(self) -> Any:
        """Run what is due and return the seconds until there is more to do."""
        with self._jobstores_lock:
            # APScheduler looks once more after it was stopped: what is due then would count as run, and is not.
            if not self.running:
                return None
            try:
                return super()._process_jobs()
            except (StoreError, JobLookupError):
                # Its thread would end, and with it all standing jobs of this leader. What couldn't be noted as run
                # is run again; that the store is away is said by the renewal of the lease.
                return RETRY_SECONDS
