"""When standing jobs are due stands in the cases: it outlives restarts and leaders, and only the leader moves it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from apscheduler.schedulers.base import STATE_RUNNING
from sqlalchemy import MetaData, inspect

from qingting.app import Service, open_service
from qingting.config import StoreConfig, parse
from qingting.errors import StoreError
from qingting.model import AuditEntry
from qingting.standing import (
    LEASE,
    RETRY_SECONDS,
    Leadership,
    Means,
    Schedule,
    Standing,
    _Scheduler,
    standing_jobs,
)
from qingting.store import copy_cases
from qingting.store.address import open_address
from qingting.store.database import Database, open_sqlite
from qingting.store.migrations import CASES, migrate
from qingting.store.opening import FILE_NAME
from qingting.store.standing import StandingJobs
from qingting.strict import Secret

DAY = timedelta(days=1)
FIRST = timedelta(hours=2)


def note_run(means: Means) -> None:
    """Be a standing job that leaves a trace of who ran it."""
    service = means.service
    service.store.cases.records.audit([AuditEntry(service.clock(), means.client.headers["name"], "run", "daily", "")])


DAILY = Standing("daily", f"{__name__}:note_run", DAY, FIRST)


@dataclass
class Hands:
    """A process's clock, which goes wrong or stops as a test asks; it starts at the real time."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Process:
    """What a work role has of its own, on a store that it shares."""

    service: Service
    clock: Hands
    leadership: Leadership
    schedule: Schedule

    def lead(self) -> None:
        """Do what the role does every few seconds."""
        self.leadership.renew()
        self.schedule.follow()

    def end(self) -> None:
        """Stop in good order."""
        self.schedule.stop(wait=True)
        self.leadership.resign()

    @property
    def scheduler(self) -> Any:
        """Return what runs the jobs while this process leads."""
        return self.schedule._scheduler


Maker = Callable[..., Process]


@pytest.fixture(params=["sqlite", "postgres"])
def address(request: pytest.FixtureRequest) -> str:
    return "sqlite" if request.param == "sqlite" else str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def process(address: str, tmp_path: Path) -> Iterator[Maker]:
    """Return a maker of processes that share a store."""
    made: list[Process] = []
    clients: list[httpx.Client] = []

    def make(name: str, *jobs: Standing) -> Process:
        clock = Hands()
        config = replace(parse("", {}), store=StoreConfig(cases=Secret(address)))
        service = open_service(config, tmp_path / "home", clock)
        clients.append(httpx.Client(headers={"name": name}))
        leadership = Leadership(service.store.cases.leases, name, clock)
        schedule = Schedule(Means(service, clients[-1]), leadership, jobs or (DAILY,), lambda _event: None)
        made.append(Process(service, clock, leadership, schedule))
        return made[-1]

    yield make
    for each in made:
        each.schedule.stop(wait=True)
        each.service.store.close()
    for client in clients:
        client.close()


@contextmanager
def table(process: Process) -> Iterator[_Scheduler]:
    """Look into the table, or change it, past every fence."""
    scheduler = _Scheduler(timezone="UTC")
    scheduler.add_jobstore(process.service.store.cases.standing_jobs(nullcontext))
    scheduler.start(paused=True)
    yield scheduler
    scheduler.shutdown()


def due(process: Process) -> Mapping[str, datetime]:
    with table(process) as scheduler:
        return {job.id: job.next_run_time for job in scheduler.get_jobs()}


def make_due(process: Process, when: datetime) -> None:
    with table(process) as scheduler:
        scheduler.modify_job("daily", next_run_time=when)


def runs(process: Process) -> list[str]:
    return [entry.actor for entry in process.service.store.cases.records.audit_of("daily")]


def wait_for_runs(process: Process, count: int) -> None:
    pause = threading.Event()
    for _ in range(600):
        if len(runs(process)) >= count:
            return
        pause.wait(0.05)


def long_ago() -> datetime:
    return datetime.now(UTC) - 2.5 * DAY


def test_a_daily_job_that_was_missed_runs_once_after_a_restart_and_keeps_its_hour(process: Maker) -> None:
    before = process("before")
    before.lead()
    before.end()
    missed = long_ago()
    make_due(before, missed)
    after = process("after")
    after.lead()
    wait_for_runs(after, 1)
    after.end()
    assert runs(after) == ["after"]
    assert due(after) == {"daily": missed + 3 * DAY}


def test_the_next_time_survives_a_restart(process: Maker) -> None:
    before = process("before")
    before.lead()
    before.end()
    planned = due(before)
    assert planned == {"daily": before.clock.now + FIRST}
    after = process("after")
    after.clock.now += timedelta(hours=1)
    after.lead()
    after.end()
    assert due(after) == planned
    assert runs(after) == []


def test_a_second_process_runs_nothing(process: Maker) -> None:
    leader, other = process("leader"), process("other")
    leader.lead()
    other.lead()
    assert leader.scheduler.running
    assert other.scheduler is None


def test_a_new_leader_goes_on_with_the_stored_times(process: Maker) -> None:
    first, second = process("first"), process("second")
    first.lead()
    planned = due(first)
    first.clock.now += LEASE
    second.clock.now += LEASE
    second.lead()
    first.lead()
    assert first.scheduler is None
    assert due(second) == planned
    make_due(second, long_ago())
    second.scheduler.wakeup()
    wait_for_runs(second, 1)
    second.end()
    assert runs(second) == ["second"]


def test_a_leader_that_leads_again_after_another_has_led_starts_anew(process: Maker) -> None:
    first, second = process("first"), process("second")
    first.lead()
    stale = first.scheduler
    second.clock.now += LEASE
    second.lead()
    second.end()
    first.lead()
    assert first.scheduler is not stale
    assert (stale.running, first.scheduler.running) == (False, True)


def test_a_paused_leader_that_wakes_up_neither_runs_a_job_nor_moves_its_time(process: Maker) -> None:
    paused, other = process("paused"), process("other")
    paused.lead()
    when = long_ago()
    make_due(paused, when)
    other.clock.now += LEASE
    other.leadership.renew()
    # To the paused one, whose clock has stood still, its lease still holds.
    assert paused.scheduler._process_jobs() is not None
    with pytest.raises(StoreError) as caught:
        paused.scheduler.modify_job("daily", next_run_time=datetime.now(UTC) + DAY)
    assert caught.value.reason == "conflict"
    assert (runs(paused), due(other)) == ([], {"daily": when})
    other.schedule.follow()
    wait_for_runs(other, 1)
    other.end()
    assert runs(other) == ["other"]


def test_a_leader_whose_lease_has_run_out_moves_no_time_even_if_nobody_has_followed(process: Maker) -> None:
    alone = process("alone")
    alone.lead()
    when = long_ago()
    make_due(alone, when)
    alone.clock.now += LEASE
    alone.scheduler._process_jobs()
    assert (runs(alone), due(alone)) == ([], {"daily": when})
    alone.lead()
    alone.scheduler.wakeup()
    wait_for_runs(alone, 1)
    alone.end()
    assert runs(alone) == ["alone"]


def test_what_is_due_when_the_scheduler_stops_does_not_count_as_run(process: Maker) -> None:
    only = process("only")
    only.lead()
    scheduler = only.scheduler
    only.end()
    when = long_ago()
    make_due(only, when)
    assert scheduler._process_jobs() is None
    assert (runs(only), due(only)) == ([], {"daily": when})


def test_a_table_that_cannot_be_written_for_a_while_does_not_end_the_scheduler(process: Maker) -> None:
    only = process("only")
    only.lead()
    only.end()
    asked = []

    @contextmanager
    def away_after_the_first() -> Iterator[None]:
        asked.append(1)
        if len(asked) == 2:
            raise StoreError("数据库连不上。", reason="unavailable")
        yield

    make_due(only, long_ago())
    scheduler = _Scheduler(timezone="UTC")
    scheduler.add_jobstore(only.service.store.cases.standing_jobs(away_after_the_first))
    scheduler.start(paused=True)
    # As if it ran, but in this thread.
    scheduler.state = STATE_RUNNING
    assert scheduler._process_jobs() == RETRY_SECONDS
    scheduler.shutdown()


def test_what_is_planned_otherwise_is_planned_anew_and_what_is_not_any_more_is_removed(process: Maker) -> None:
    gone = replace(DAILY, id="gone")
    before = process("before", DAILY, gone)
    before.lead()
    before.end()
    after = process("after", replace(DAILY, every=2 * DAY))
    after.clock.now += timedelta(minutes=5)
    after.lead()
    after.end()
    assert due(after) == {"daily": after.clock.now + FIRST}


def test_a_time_that_only_a_wrong_clock_can_have_set_is_set_anew(process: Maker) -> None:
    wrong = process("wrong")
    wrong.clock.now += 400 * DAY
    wrong.lead()
    wrong.end()
    right = process("right")
    right.lead()
    right.end()
    assert due(right) == {"daily": right.clock.now + FIRST}


def test_a_row_that_cannot_be_read_is_removed_and_the_job_planned_anew(
    process: Maker, address: str, tmp_path: Path
) -> None:
    before = process("before")
    before.lead()
    before.end()
    database = opened(address, tmp_path / "home")
    jobs = StandingJobs(database, nullcontext).jobs_t
    with database.transaction() as connection:
        connection.execute(jobs.update().values(job_state=b"of another program"))
    database.close()
    after = process("after")
    after.clock.now += timedelta(minutes=5)
    after.lead()
    after.end()
    assert due(after) == {"daily": after.clock.now + FIRST}


def test_the_standing_jobs_of_an_installation_can_be_kept(process: Maker) -> None:
    only = process("only")
    jobs = standing_jobs(only.service)
    every = process("every", *jobs)
    every.lead()
    every.end()
    assert set(due(every)) == {"deliver", "house", "sweep"}


def opened(address: str, home: Path) -> Database:
    home.mkdir(exist_ok=True)
    return open_sqlite(home / FILE_NAME) if address == "sqlite" else open_address(address)


def test_a_database_from_before_gets_the_table_that_the_scheduler_expects(
    process: Maker, address: str, tmp_path: Path
) -> None:
    database = opened(address, tmp_path / "home")
    assert migrate(database, "cases", CASES[:3]) == 3
    assert not inspect(database.engine).has_table("standing_jobs")
    process("new").lead()
    found = MetaData()
    found.reflect(database.engine, only=["standing_jobs"])
    made, expected = found.tables["standing_jobs"], StandingJobs(database, nullcontext).jobs_t
    kinds = {each.name: (str(each.type.compile(database.engine.dialect)), each.nullable) for each in expected.columns}
    if address != "sqlite":
        # FLOAT(25) is another name of it.
        kinds["next_run_time"] = ("DOUBLE PRECISION", True)
    assert {
        each.name: (str(each.type.compile(database.engine.dialect)).replace("(53)", ""), each.nullable)
        for each in made.columns
    } == kinds
    assert [each.name for each in made.primary_key] == ["id"]
    assert {each.name for each in made.indexes} == {each.name for each in expected.indexes}
    database.close()


def test_standing_jobs_go_into_no_copy_and_hinder_none(process: Maker, tmp_path: Path) -> None:
    leader = process("leader")
    leader.lead()
    note_run(leader.schedule._means)
    cases = leader.service.store.cases
    assert {json.loads(line)[0] for line in cases.dump()} == {"audit"}
    target = open_service(parse("", {}), tmp_path / "target", leader.clock)
    other = Leadership(target.store.cases.leases, "there", leader.clock)
    schedule = Schedule(Means(target, leader.schedule._means.client), other, (DAILY,), lambda _event: None)
    other.renew()
    schedule.follow()
    assert copy_cases(cases, target.store.cases)[0] == 1
    schedule.stop(wait=True)
    target.store.close()
