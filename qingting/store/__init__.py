"""The store: `open_store` and the contract's names; which back end serves is known nowhere else."""

from qingting.store.contract import (
    Appended,
    Cases,
    Cut,
    Facet,
    Hit,
    Interval,
    Page,
    Point,
    Posts,
    Search,
    Store,
    Tally,
)
from qingting.store.opening import open_store

__all__ = [
    "Appended",
    "Cases",
    "Cut",
    "Facet",
    "Hit",
    "Interval",
    "Page",
    "Point",
    "Posts",
    "Search",
    "Store",
    "Tally",
    "open_store",
]
