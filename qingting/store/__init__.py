"""The store: `open_store`, the contract's names, copies and backups; which back end serves is known nowhere else."""

from qingting.store.backup import Manifest, write_backup
from qingting.store.contract import Cases, Posts, Store
from qingting.store.copying import Digest, Progress, copy_cases, copy_posts, digest_posts, require_same
from qingting.store.leases import Leases
from qingting.store.opening import open_store
from qingting.store.restoring import restore_backup
from qingting.store.shapes import (
    AWAY,
    Appended,
    Batch,
    Cut,
    Facet,
    Hit,
    Interval,
    Kept,
    Lease,
    Page,
    Point,
    Search,
    Tally,
)

__all__ = [
    "AWAY",
    "Appended",
    "Batch",
    "Cases",
    "Cut",
    "Digest",
    "Facet",
    "Hit",
    "Interval",
    "Kept",
    "Lease",
    "Leases",
    "Manifest",
    "Page",
    "Point",
    "Posts",
    "Progress",
    "Search",
    "Store",
    "Tally",
    "copy_cases",
    "copy_posts",
    "digest_posts",
    "open_store",
    "require_same",
    "restore_backup",
    "write_backup",
]
