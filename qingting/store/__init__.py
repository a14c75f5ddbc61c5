"""The store: `open_store` and the contract's names; which back end serves is known nowhere else."""

from qingting.store.contract import (
    Appended,
    Batch,
    Cases,
    Cut,
    Facet,
    Hit,
    Interval,
    Kept,
    Lease,
    Page,
    Point,
    Posts,
    Search,
    Store,
    Tally,
)
from qingting.store.leases import Leases
from qingting.store.opening import open_store

__all__ = [
    "Appended",
    "Batch",
    "Cases",
    "Cut",
    "Facet",
    "Hit",
    "Interval",
    "Kept",
    "Lease",
    "Leases",
    "Page",
    "Point",
    "Posts",
    "Search",
    "Store",
    "Tally",
    "open_store",
]
