"""The cases in any database that SQLAlchemy speaks to."""

from __future__ import annotations

from qingting.store.alerts import Alerts
from qingting.store.database import Database
from qingting.store.drafts import Drafts
from qingting.store.events import Events
from qingting.store.leases import Leases
from qingting.store.records import Records


class SqlCases:
    """The contract's Cases over one database."""

    def __init__(self, database: Database) -> None:
        self.events = Events(database)
        self.alerts = Alerts(database)
        self.drafts = Drafts(database)
        self.records = Records(database)
        self.leases = Leases(database)
