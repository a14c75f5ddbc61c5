"""Moves what one back end keeps to another, and proves that it arrived.

Copying is repeatable: an id that is there stays as it is, the same reading twice changes nothing. So a copy that was
cut off goes on where it was, and one beside a running service is made once more when the service has been stopped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from qingting.errors import StoreError
from qingting.store.contract import Cases, Posts
from qingting.store.dumping import digest as digest_of_lines
from qingting.store.nested import canonical
from qingting.store.shapes import Kept

BATCH = 1000
"""Posts taken at a time: 2.6 MB with one reading each, and a second or so between two notes of how far it came."""

_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True)
class Digest:
    """How many posts and readings there are, and a sum over all of them that no order changes."""

    posts: int = 0
    readings: int = 0
    sum: str = "0" * 64

    def with_batch(self, batch: tuple[Kept, ...]) -> Digest:
        """Return the digest with some more posts."""
        total = int(self.sum, 16)
        for kept in batch:
            total += int.from_bytes(hashlib.sha256(canonical(kept)).digest())
        readings = self.readings + sum(len(kept.readings) for kept in batch)
        return Digest(self.posts + len(batch), readings, f"{total % _MODULUS:064x}")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a copy has come: where the next batch starts ('' at the beginning), and the digest up to there."""

    next: str = ""
    digest: Digest = Digest()


def copy_posts(source: Posts, target: Posts, begun: Progress, note: Callable[[Progress], None]) -> Digest:
    """Copy all posts with all their readings, going on from `begun`; return the digest of what was read.

    `note` is told after each batch how far it is safe to go on from.
    """
    progress = begun
    while True:
        batch = source.scan(progress.next, BATCH)
        target.append([kept.post for kept in batch.kept])
        target.save_readings([reading for kept in batch.kept for reading in kept.readings])
        progress = Progress(batch.next, progress.digest.with_batch(batch.kept))
        if not batch.next:
            return progress.digest
        note(progress)


def digest_posts(posts: Posts, note: Callable[[int], None] = lambda _: None) -> Digest:
    """Return the digest of everything that is kept; `note` is told how many posts were seen, after each batch."""
    found, after = Digest(), ""
    while True:
        batch = posts.scan(after, BATCH)
        found, after = found.with_batch(batch.kept), batch.next
        note(found.posts)
        if not after:
            return found


def require_same(read: Digest, arrived: Digest) -> None:
    """Raise StoreError(partial), saying what differs, unless two digests are equal."""
    if read == arrived:
        return
    if replace(read, sum="") == replace(arrived, sum=""):
        difference = "条数相同，但内容有出入"
    else:
        there, here = (f"帖文 {each.posts} 条、研读 {each.readings} 条" for each in (read, arrived))
        difference = f"原库{there}，新库{here}"
    raise StoreError(
        f"核对不一致：{difference}。",
        reason="partial",
        hint="请停止采集和研读后再复制一次；新库里若原有别的帖文，请换一个空的库。",
    )


def copy_cases(source: Cases, target: Cases) -> tuple[int, str]:
    """Copy all cases in one transaction and compare them; return how many rows there are and their SHA-256.

    Cases that are there already are left alone if they are the same. Raises StoreError(conflict) if they are not,
    StoreError(partial) if what arrived differs.
    """
    # Into memory, since both ends must not be kept waiting for one another inside their transactions.
    lines = list(source.dump())
    read = digest_of_lines(lines)
    if digest_of_lines(target.dump()) != read:
        target.fill(lines)
    arrived = digest_of_lines(target.dump())
    if arrived != read:
        raise StoreError(
            f"核对不一致：原库 {read[0]} 行，新库 {arrived[0]} 行。", reason="partial", hint="请停止服务后再复制一次。"
        )
    return read
