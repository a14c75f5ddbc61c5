"""Which worker holds which unread post: a small document each, under the post's id, apart from the posts.

A claim is made on condition that nobody has made or changed it since it was looked at, so of several workers that
reach for a post one gets it. The posts themselves stay as they are: writing them anew with all their words for each
claim took some 0.6 s for 512 posts, a claim of its own a tenth of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from qingting.model import Post
from qingting.store.elastic_cluster import CONFLICT, GONE, Cluster, Hit, Operation
from qingting.store.elastic_documents import POST_FIELDS, post_of
from qingting.store.elastic_index import Indexes
from qingting.store.tables import microseconds

UNREAD = {"term": {"unread": True}}
EARLIEST_FIRST = [{"at": "asc"}, {"id": "asc"}]

MOST_ROUNDS = 100
"""How often a worker looks again after others were quicker with everything it saw; each time they got on."""


class Claims:
    """The claims of workers on unread posts. Methods raise StoreError as Cluster does."""

    def __init__(self, cluster: Cluster, indexes: Indexes) -> None:
        self._cluster = cluster
        self._indexes = indexes

    def claim(self, worker: str, limit: int, now: datetime, until: datetime) -> list[Post]:
        """Return unread posts, earliest first, that are now held by the worker; [] if all are held by others."""
        for _ in range(MOST_ROUNDS):
            # Where posts come in, and where others claim them; older months come to be seen by themselves.
            self._cluster.refresh(self._indexes.names()[-1], self._indexes.claims)
            seen = self._unheld(worker, limit, now)
            held = self._hold(seen, worker, now, until)
            if held or not seen:
                return held
        return []

    def release(self, ids: Sequence[str]) -> None:
        """Give up the claims on posts, whoever holds them; those without one are passed over."""
        deletions = [Operation("delete", {"_index": self._indexes.claims, "_id": each}) for each in ids]
        self._cluster.bulk(deletions, accepted=frozenset({GONE, CONFLICT}))

    def count(self, now: datetime) -> int:
        """Return how many posts are held."""
        held = {"range": {"held_until": {"gt": microseconds(now)}}}
        found = self._cluster.search(index=self._indexes.claims, size=0, query=held)
        return int(found["hits"]["total"]["value"])

    def _unheld(self, worker: str, limit: int, now: datetime) -> list[Hit]:
        of_others = {
            "filter": [{"range": {"held_until": {"gt": microseconds(now)}}}],
            "must_not": [{"term": {"worker": worker}}],
        }
        held = self._cluster.all_hits(self._indexes.claims, query={"bool": of_others}, sort=["_doc"], source=False)
        query = {"bool": {"filter": [UNREAD], "must_not": [{"ids": {"values": [hit["_id"] for hit in held]}}]}}
        return self._cluster.all_hits(
            self._indexes.alias, limit, query=query, sort=EARLIEST_FIRST, source_includes=list(POST_FIELDS)
        )

    def _hold(self, seen: Sequence[Hit], worker: str, now: datetime, until: datetime) -> list[Post]:
        """Return those of the posts that the worker got hold of, in their order."""
        claims = self._cluster.documents([(self._indexes.claims, hit["_id"]) for hit in seen], ["worker", "held_until"])
        known = {claim["_id"]: claim for claim in claims}
        free = [hit for hit in seen if _is_free(known.get(hit["_id"]), worker, now)]
        body = {"worker": worker, "held_until": microseconds(until)}
        operations = [self._claiming(hit["_id"], known.get(hit["_id"]), body) for hit in free]
        outcomes = self._cluster.bulk(operations)
        won = [hit for hit, outcome in zip(free, outcomes, strict=True) if outcome.status != CONFLICT]
        return self._still_unread(won)

    def _claiming(self, post_id: str, known: dict[str, Any] | None, body: dict[str, object]) -> Operation:
        target = {"_index": self._indexes.claims, "_id": post_id}
        if known is None:
            return Operation("create", target, body)
        unchanged = {"if_seq_no": known["_seq_no"], "if_primary_term": known["_primary_term"]}
        return Operation("index", {**target, **unchanged}, body)

    def _still_unread(self, won: Sequence[Hit]) -> list[Post]:
        """Return the posts less those that another worker read, and released, between our look and our claim."""
        documents = self._cluster.documents([(hit["_index"], hit["_id"]) for hit in won], ["unread"])
        unread = {each["_id"] for each in documents if each["_source"].get("unread")}
        self.release([hit["_id"] for hit in won if hit["_id"] not in unread])
        return [post_of(hit["_source"]) for hit in won if hit["_id"] in unread]


def _is_free(known: dict[str, Any] | None, worker: str, now: datetime) -> bool:
    if known is None:
        return True
    claim = known["_source"]
    return bool(claim["worker"] == worker or claim["held_until"] <= microseconds(now))
