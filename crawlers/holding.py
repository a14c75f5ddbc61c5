"""Holding a source: of all processes that share the cases, one at a time collects it.

Who holds a source has a lease on it and renews it while the run lasts. Where that process dies, the lease runs out and
the next process that finds the source due takes it over. One that was paused, or cut off from the database, for longer
than its lease finds at its next renewal, or at its next write, that another has had the source, and writes nothing
more: the store refuses what is written under an old lease (see qingting.store.leases).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from qingting.errors import StoreError
from qingting.store import Lease, Leases

# A process renews from its event loop, which one write may hold up: for 30 seconds where SQLite is busy, for 60 where
# PostgreSQL has stopped answering. With two minutes, 80 seconds are left when a renewal falls due, so that no healthy
# run loses its source; and a dead process's sources wait two minutes at most, far less than the usual half hour.
HOLD = timedelta(minutes=2)
RENEWALS = 3


def renewal() -> timedelta:
    """Return how long after its last renewal a hold is renewed, and how soon one held elsewhere is looked at again."""
    return HOLD / RENEWALS


def role_of(source_id: str) -> str:
    """Return the name of the lease on a source."""
    return f"source {source_id}"


@dataclass(slots=True)
class Hold:
    """A source that is this process's to collect, until another has it."""

    leases: Leases
    lease: Lease
    clock: Callable[[], datetime]
    taken: bool = False

    def guarded(self) -> AbstractContextManager[None]:
        """Have every write to the cases inside fail with StoreError(conflict) once another has the source."""
        return self.leases.guarded(self.lease)

    def renew(self) -> None:
        """Prolong the lease, or learn that another has had the source; a store that does not answer changes nothing."""
        try:
            renewed = self.leases.renew(self.lease, self.clock(), HOLD)
        except StoreError:
            return
        self.taken = renewed is None
        self.lease = renewed or self.lease

    async def until_lost(self) -> None:
        """Renew the lease for as long as it can be; return once another has the source, or may have it by now."""
        while not self.taken and self.clock() < self.lease.until:
            await asyncio.sleep(renewal().total_seconds())
            self.renew()


@contextmanager
def held(leases: Leases, source_id: str, holder: str, clock: Callable[[], datetime]) -> Iterator[Hold | None]:
    """Hold a source while inside, and give it back at once; None while another process holds it."""
    lease = leases.take(role_of(source_id), holder, clock(), HOLD)
    if lease is None:
        yield None
        return
    try:
        yield Hold(leases, lease, clock)
    finally:
        # A store that does not answer now need not be asked again: the lease runs out by itself.
        with suppress(StoreError):
            leases.release(lease)
