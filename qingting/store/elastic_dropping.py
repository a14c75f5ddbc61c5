"""Forgetting old posts in Elasticsearch: a month's index at a time, but for the posts that are to stay.

Deleting single documents costs as much as writing them, deleting an index nothing. So a month's index goes as a whole
once the whole month lies before the time; what is to stay of it is copied to an index of its own beforehand. One
request to the cluster then puts the copy behind the alias and deletes the month: no reader sees a post twice, or not
at all. Killed anywhere, or done by two processes at once, it is done anew and nothing is lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from elasticsearch import NotFoundError

from qingting.errors import StoreError
from qingting.store.elastic_cluster import CONFLICT, GONE, Cluster, Hit, Operation, translated
from qingting.store.elastic_index import Indexes
from qingting.store.tables import microseconds

IDS_A_REQUEST = 1_000


def drop_before(cluster: Cluster, indexes: Indexes, before: datetime, keep: Collection[str]) -> int:
    """Delete the months that lie before a time but for the posts to keep, and return how many posts are gone."""
    kept = frozenset(keep)
    dropped = sum(_thin_out(cluster, name, before, kept) for name in indexes.kept_months())
    return dropped + sum(_drop_month(cluster, indexes, name, before, kept) for name in indexes.months_before(before))


def _thin_out(cluster: Cluster, name: str, before: datetime, keep: frozenset[str]) -> int:
    """Delete what was kept of a month only because its time had not come."""
    past = {"range": {"at": {"lt": microseconds(before)}}}
    cluster.refresh(name)
    hits = cluster.all_hits(name, query=past, sort=["_doc"], source=False)
    gone = [Operation("delete", {"_index": name, "_id": hit["_id"]}) for hit in hits if hit["_id"] not in keep]
    outcomes = cluster.bulk(gone, accepted=frozenset({GONE, CONFLICT}))
    cluster.refresh(name)
    return sum(each.status < 300 for each in outcomes)


def _drop_month(cluster: Cluster, indexes: Indexes, name: str, before: datetime, keep: frozenset[str]) -> int:
    """Put the posts to keep of a month in its place, and return how many others there were."""
    if not _closed_to_writers(cluster, name):
        return 0
    try:
        cluster.refresh(name)
        total = int(cluster.search(index=name, size=0)["hits"]["total"]["value"])
        staying = list(_staying(cluster, name, before, keep))
        copy = indexes.make_kept(name) if staying else ""
        if copy:
            _copy(cluster, staying, copy)
            _require_all(cluster, staying, copy)
        return total - len(staying) if indexes.replace(name, copy) else 0
    finally:
        # Most often the month is gone by now.
        with translated(), suppress(NotFoundError):
            cluster.client.indices.put_settings(index=name, settings={"index.blocks.write": None})


def _closed_to_writers(cluster: Cluster, name: str) -> bool:
    """Keep a month as it is from now on, and return whether it is there; hardly anybody still reads posts so old."""
    with translated():
        try:
            cluster.client.indices.add_block(index=name, block="write")
        except NotFoundError:
            return False
    return True


def _staying(cluster: Cluster, name: str, before: datetime, keep: frozenset[str]) -> Iterator[Hit]:
    """Yield the documents of a month that are to stay: those to keep, and those whose own time is later."""
    later = {"range": {"at": {"gte": microseconds(before)}}}
    yield from cluster.all_hits(name, query=later, sort=["_doc"], version=True)
    ids = iter(keep)
    while chunk := list(islice(ids, IDS_A_REQUEST)):
        wanted = {"bool": {"filter": [{"ids": {"values": chunk}}], "must_not": [later]}}
        yield from cluster.all_hits(name, query=wanted, sort=["_doc"], version=True)


def _copy(cluster: Cluster, documents: Sequence[Hit], target: str) -> None:
    """Write documents under their own versions, so that a copy never takes the place of a later state."""
    copies = (
        Operation(
            "index",
            {"_index": target, "_id": each["_id"], "version": each["_version"], "version_type": "external"},
            each["_source"],
        )
        for each in documents
    )
    cluster.bulk(copies, accepted=frozenset({CONFLICT}))
    cluster.refresh(target)


def _require_all(cluster: Cluster, documents: Sequence[Hit], target: str) -> None:
    """Raise unless every document has arrived."""
    wanted = [(target, each["_id"]) for each in documents]
    starts = range(0, len(wanted), IDS_A_REQUEST)
    arrived = sum(len(cluster.documents(wanted[start : start + IDS_A_REQUEST], ["id"])) for start in starts)
    if arrived != len(wanted):
        raise StoreError(
            f"应保留帖文 {len(wanted)} 条，只复制了 {arrived} 条，未删除原索引。",
            reason="partial",
            hint="请检查集群状态后重试。",
            retryable=True,
        )
