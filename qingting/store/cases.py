"""The cases in any database that SQLAlchemy speaks to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qingting.store import dumping
from qingting.store.alerts import Alerts
from qingting.store.database import Database
from qingting.store.drafts import Drafts
from qingting.store.events import Events
from qingting.store.leases import Leases
from qingting.store.records import Records
from qingting.store.standing import Fence, StandingJobs


class SqlCases:
    """The contract's Cases over one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.events = Events(database)
        self.alerts = Alerts(database)
        self.drafts = Drafts(database)
        self.records = Records(database)
        self.leases = Leases(database)

    def cited_posts(self) -> frozenset[str]:
        """Return the ids of all posts that an alert or a draft rests on."""
        return self.alerts.cited_posts() | self.drafts.cited_posts()

    def standing_jobs(self, fence: Fence) -> StandingJobs:
        """Return when each standing job is due next, as a job store for APScheduler."""
        return StandingJobs(self._database, fence)

    def dump(self) -> Iterator[str]:
        """Yield everything as lines of JSON, as of one moment and in one order whatever the database."""
        with self._database.reading() as connection:
            yield from dumping.dump(connection)

    def fill(self, lines: Iterable[str]) -> int:
        """Take the lines of a dump, all or none, and return how many. Raises StoreError(conflict) unless empty."""
        with self._database.transaction() as connection:
            return dumping.fill(connection, lines)
