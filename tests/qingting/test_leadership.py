"""Standing jobs run in one process of all that share a store, and in another when that one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import StoreError
from qingting.model import AuditEntry
from qingting.standing import LEASE, Leadership
from qingting.store import Store, open_store

START = datetime(2026, 9, 1, tzinfo=UTC)


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def candidate(tmp_path: Path, clock: Hands) -> Iterator[Callable[[str], tuple[Leadership, Store]]]:
    """Return a maker of processes that would lead, each with a store of its own on the same file."""
    stores = []

    def make(name: str) -> tuple[Leadership, Store]:
        stores.append(open_store(StoreConfig(), tmp_path, list))
        return Leadership(stores[-1].cases.leases, name, clock), stores[-1]

    yield make
    for store in stores:
        store.close()


Candidate = Callable[[str], tuple[Leadership, Store]]


def test_only_the_leader_runs_the_jobs_and_another_follows_when_its_lease_is_over(
    candidate: Candidate, clock: Hands
) -> None:
    (first, _), (second, _) = candidate("a"), candidate("b")
    ran: list[str] = []

    def round_of_jobs() -> None:
        for name, each in (("a", first), ("b", second)):
            each.run(lambda name=name: ran.append(name))  # type: ignore[misc]

    round_of_jobs()
    first.renew()
    second.renew()
    round_of_jobs()
    clock.now += LEASE
    second.renew()
    round_of_jobs()
    assert ran == ["a", "b"]


def test_a_leader_that_resigns_is_followed_at_once(candidate: Candidate) -> None:
    (first, _), (second, _) = candidate("a"), candidate("b")
    ran: list[str] = []
    first.renew()
    first.resign()
    second.renew()
    second.run(lambda: ran.append("b"))
    assert ran == ["b"]


def test_a_leader_that_was_stopped_in_the_middle_of_a_job_writes_nothing_more(
    candidate: Candidate, clock: Hands
) -> None:
    (first, store), (second, _) = candidate("a"), candidate("b")

    def job() -> None:
        store.cases.records.audit([AuditEntry(clock(), "a", "test", "s", "before")])
        clock.now += LEASE + timedelta(seconds=1)
        second.renew()
        store.cases.records.audit([AuditEntry(clock(), "a", "test", "s", "after")])

    first.renew()
    with pytest.raises(StoreError) as caught:
        first.run(job)
    assert caught.value.reason == "conflict"
    assert [each.detail for each in store.cases.records.audit_of("s")] == ["before"]
