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
]
