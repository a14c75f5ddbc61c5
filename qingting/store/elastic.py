"""Posts in Elasticsearch: writing and reading them back.

The layout of the indexes is in elastic_index.py, the documents in elastic_documents.py, claims in elastic_claims.py,
queries in elastic_query.py, facets and trends in elastic_counts.py.

What this process wrote it sees at once: the first search after a write refreshes the indexes. Other processes see it
within a second, and at once what a process wrote that has closed its store.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import Any

from qingting.errors import NotFoundError, StoreError, UsageError
from qingting.model import Post, Reading
from qingting.store.elastic_address import connect, parse_address
from qingting.store.elastic_claims import EARLIEST_FIRST, UNREAD, Claims
from qingting.store.elastic_cluster import CONFLICT, GONE, Cluster, Operation, Outcome
from qingting.store.elastic_counts import facet_sizes, trend_points
from qingting.store.elastic_documents import (
    HIT_FIELDS,
    POST_FIELDS,
    asked_bands,
    every_reading,
    post_document,
    post_of,
    reading_fields,
    standing,
    unsigned,
    with_reading,
)
from qingting.store.elastic_dropping import drop_before
from qingting.store.elastic_index import VERSION, Indexes
from qingting.store.elastic_query import EVERYTHING, Dsl, compile_search, conjunction
from qingting.store.query import parse
from qingting.store.shapes import AWAY, Appended, Batch, Cut, Facet, Hit, Interval, Kept, Page, Point, Search, Tally
from qingting.store.tables import microseconds, moment
from qingting.store.words import index_words

TIMEOUT_SECONDS = 30.0
"""How long one request may take; the slowest, a trend over all posts, takes some 2 s for 10 million of them."""

NEWEST_FIRST = [{"at": "desc"}, {"id": "desc"}]

IDS_A_REQUEST = 1_000

FARTHEST = 7
"""Two fingerprints that differ in at most 7 of 64 bits differ in at most one bit of some quarter (4 x 2 > 7)."""

MOST_ROUNDS = 20
"""How often a reading is tried again that another process was quicker to change; two are already rare."""

LOWEST, HIGHEST = -(1 << 63), (1 << 63) - 1


class ElasticPosts:
    """The contract's Posts in an Elasticsearch cluster. See the contract for what each method promises.

    There are no transactions: a batch that fails half-way is raised, what is stored of it stays, and handing the same
    batch in again completes it and changes nothing twice.
    """

    def __init__(self, cluster: Cluster, prefix: str, cut: Cut, zone: tzinfo, cut_version: str = "") -> None:
        self._cluster = cluster
        self._indexes = Indexes(cluster, prefix, cut_version)
        self._claims = Claims(cluster, self._indexes)
        self._cut = cut
        self._cut_version = cut_version
        self._zone = zone
        self._unrefreshed: set[str] = set()
        self._refreshing = threading.Lock()

    def open(self) -> None:
        """Make the indexes ready; where that fails, the first call that needs them tries again and says why.

        Alerts are delivered and the console opens also while posts are away, whatever the reason: a key that ended in
        the night must not keep the service from starting. Raises StoreError(unsupported) for what is no Elasticsearch.
        """
        try:
            self._indexes.make_ready()
        except StoreError as error:
            if error.reason == "unsupported":
                raise

    def close(self) -> None:
        """Make everything written visible to other processes, and close the connections."""
        with suppress(StoreError):
            # If this fails nothing is lost: the cluster shows what is stored within a second of its own accord.
            if self._unrefreshed:
                self._see_all()
        self._cluster.client.close()

    def describe(self) -> str:
        """Return what this is and how it is, for people; without an address, which may hold a password."""
        try:
            version = self._cluster.version()
            self._indexes.make_ready()
            found = self._indexes.found()
            status = self._cluster.status(self._indexes.alias)
        except StoreError as error:
            return f"Elasticsearch（{self._indexes.alias}）{AWAY}{error.message}{error.hint}"
        other_cut = self._cut_version and any(cut and cut != self._cut_version for cut in found.cuts)
        notice = "；分词版本已变化，检索可能漏检" if other_cut else ""
        name = f"{self._indexes.alias}，模式版本 {VERSION}，{len(found.names)} 个索引，状态 {status}"
        return f"Elasticsearch {version}（{name}）{notice}"

    def append(self, posts: Sequence[Post]) -> Appended:
        """Store posts that are not there yet; an id that is there is left as it is."""
        # Without a refresh first: what this month's index has got since its last one, the creation itself finds there.
        self._indexes.make_ready()
        there = {hit["_id"] for hit in self._visible([post.id for post in posts], [])}
        fresh: dict[str, Post] = {}
        for post in posts:
            if post.id not in there:
                fresh.setdefault(post.id, post)
        if fresh:
            self._indexes.turn_over_for(max(post.fetched_at for post in fresh.values()))
            there |= self._create(list(fresh.values()))
        new = dict.fromkeys(post.id for post in posts if post.id not in there)
        return Appended(tuple(new), tuple(dict.fromkeys(post.id for post in posts if post.id in there)))

    def known(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are stored."""
        return {hit["_id"] for hit in self._hits_of(ids, [])}

    def claim_unread(self, worker: str, limit: int, now: datetime, lease: timedelta) -> list[Post]:
        """Return unread posts, earliest first, that no other worker holds, and hold them until `now + lease`."""
        self._indexes.make_ready()
        return self._claims.claim(worker, limit, now, now + lease)

    def save_readings(self, readings: Sequence[Reading]) -> None:
        """Store readings, mark their posts read and release the claims. Raises NotFoundError(post).

        The same reading twice changes nothing; of one model's readings of a post, the latest stays.
        """
        if not readings:
            return
        pending: dict[str, list[Reading]] = {}
        for reading in readings:
            pending.setdefault(reading.post_id, []).append(reading)
        ids = list(pending)
        for _ in range(MOST_ROUNDS):
            pending = self._save(pending)
            if not pending:
                self._claims.release(ids)
                self._unrefreshed.add(self._indexes.claims)
                return
        raise StoreError("帖文正被其他进程改写。", reason="busy", hint="请稍后重试。", retryable=True)

    def get(self, ids: Collection[str]) -> dict[str, Post]:
        """Return the stored posts among the ids."""
        return {hit["_id"]: post_of(hit["_source"]) for hit in self._hits_of(ids, POST_FIELDS)}

    def readings(self, ids: Collection[str]) -> dict[str, Reading]:
        """Return the standing reading of each post that has one."""
        found = ((hit["_id"], standing(hit["_source"])) for hit in self._hits_of(ids, ["readings"]))
        return {post_id: reading for post_id, reading in found if reading is not None}

    def search(self, search: Search) -> Page:
        """Return a page of hits, newest first. Raises UsageError(bad_query | bad_argument)."""
        if search.limit < 1:
            raise UsageError("每页条数至少为 1。", reason="bad_argument", hint="请改大条数。")
        position = _position(search.after)
        query = self._compiled(search)
        hits, total = self._cluster.page(
            self._indexes.alias,
            search.limit + 1,
            query=query,
            sort=NEWEST_FIRST,
            source_includes=list(HIT_FIELDS),
            **position,
        )
        shown = hits[: search.limit]
        page = tuple(Hit(post_of(hit["_source"]), standing(hit["_source"])) for hit in shown)
        following = _place(shown[-1]) if len(hits) > search.limit else ""
        return Page(page, total, exact=True, next=following)

    def count(self, search: Search) -> int:
        """Return how many posts match, exactly. Raises UsageError(bad_query)."""
        return self._count(self._compiled(search))

    def trend(self, search: Search, interval: Interval, by: Facet | None = None) -> list[Point]:
        """Return the counts per interval of the office's zone, by time then key; `start` is in UTC."""
        query = self._compiled(search)
        return trend_points(self._cluster, self._indexes.alias, query, interval, by, self._zone)

    def facet(self, search: Search, by: Facet) -> dict[str, int]:
        """Return the count of every value of a facet, largest first. Raises UsageError(bad_query)."""
        return facet_sizes(self._cluster, self._indexes.alias, self._compiled(search), by)

    def similar(self, fingerprint: int, distance: int, since: datetime, until: datetime) -> list[tuple[str, int]]:
        """Return (post id, Hamming distance) of read posts within the distance (at most 7), nearest, then earliest."""
        if not 0 <= distance <= FARTHEST:
            raise UsageError(f"相似距离应在 0 到 {FARTHEST} 之间。", reason="bad_argument", hint="请改小距离。")
        self._see_all()
        times = {"range": {"at": {"gte": microseconds(since), "lt": microseconds(until)}}}
        hits = self._cluster.all_hits(
            self._indexes.alias,
            query=conjunction([{"terms": {"bands": list(asked_bands(fingerprint, distance))}}, times]),
            sort=EARLIEST_FIRST,
            source=False,
            docvalue_fields=["fingerprint"],
        )
        apart = ((hit["_id"], (unsigned(hit["fields"]["fingerprint"][0]) ^ fingerprint).bit_count()) for hit in hits)
        # Sorting keeps the order of time among equally near ones.
        return sorted(((post_id, bits) for post_id, bits in apart if bits <= distance), key=lambda each: each[1])

    def tally(self, now: datetime) -> Tally:
        """Return how many posts are there, unread and claimed."""
        self._see_all()
        unread = self._cluster.search(
            index=self._indexes.alias, query=UNREAD, sort=EARLIEST_FIRST, size=1, source=False
        )["hits"]
        oldest = moment(unread["hits"][0]["sort"][0]) if unread["hits"] else None
        return Tally(self._count(EVERYTHING), unread["total"]["value"], self._claims.count(now), oldest)

    def scan(self, after: str = "", limit: int = 1000) -> Batch:
        """Return posts with all their readings, earliest first. Raises UsageError(bad_argument)."""
        position = _position(after)
        if limit < 1:
            raise UsageError("每批条数至少为 1。", reason="bad_argument", hint="请改大条数。")
        self._see_all()
        hits = self._cluster.all_hits(
            self._indexes.alias, limit, sort=EARLIEST_FIRST, source_includes=list(HIT_FIELDS), **position
        )
        kept = tuple(Kept(post_of(hit["_source"]), every_reading(hit["_source"])) for hit in hits)
        return Batch(kept, _place(hits[-1]) if len(hits) == limit else "")

    def drop_before(self, before: datetime, keep: Collection[str]) -> int:
        """Remove what arrived in months that lie before a time, but for the posts to keep; return how many posts."""
        self._see_all()
        return drop_before(self._cluster, self._indexes, before, keep)

    def _compiled(self, search: Search) -> Dsl:
        query = compile_search(search, parse(search.query, self._cut))
        self._see_all()
        return query

    def _count(self, query: Dsl) -> int:
        found = self._cluster.search(index=self._indexes.alias, size=0, query=query)
        return int(found["hits"]["total"]["value"])

    def _see_all(self) -> None:
        """Let searches see what this process wrote."""
        self._indexes.make_ready()
        # Under a lock, so that no other thread searches while a refresh that it counts on is still under way.
        with self._refreshing:
            for name in sorted(self._unrefreshed):
                # Taken out first: a write that another thread makes meanwhile puts it in again.
                self._unrefreshed.discard(name)
                try:
                    self._cluster.refresh(name)
                except StoreError:
                    self._unrefreshed.add(name)
                    raise

    def _write(self, operations: Iterable[Operation], place: str) -> list[Outcome]:
        """Carry operations out; the next search will see them, even if some of them fail."""
        try:
            outcomes = self._cluster.bulk(operations)
        except StoreError:
            self._unrefreshed.add(place)
            raise
        self._unrefreshed.update(each.index for each in outcomes)
        return outcomes

    def _hits_of(self, ids: Collection[str], fields: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the stored documents among the ids, with the place and version of each."""
        self._see_all()
        return self._visible(ids, fields)

    def _visible(self, ids: Collection[str], fields: Iterable[str]) -> Iterator[Mapping[str, Any]]:
        """Yield what a search can see of the ids: all but what was written since the last refresh."""
        source = list(fields)
        for chunk in _chunks(list(dict.fromkeys(ids))):
            found = self._cluster.search(
                index=self._indexes.alias,
                size=2 * IDS_A_REQUEST,
                track_total_hits=False,
                query={"ids": {"values": chunk}},
                source_includes=source or None,
                source=None if source else False,
                seq_no_primary_term=True,
            )
            yield from found["hits"]["hits"]

    def _create(self, posts: Sequence[Post]) -> set[str]:
        """Create documents and return the ids of those that were there after all."""
        target = {"_index": self._indexes.alias, "require_alias": True}
        documents = (post_document(post, index_words(self._cut, post.passage)) for post in posts)
        creations = (
            Operation("create", {**target, "_id": post.id}, each) for post, each in zip(posts, documents, strict=True)
        )
        outcomes = self._write(creations, self._indexes.alias)
        placed = {post.id: outcome for post, outcome in zip(posts, outcomes, strict=True)}
        created = {post_id: outcome.index for post_id, outcome in placed.items() if outcome.status != CONFLICT}
        return (set(placed) - set(created)) | self._withdraw_second_copies(created)

    def _withdraw_second_copies(self, created: Mapping[str, str]) -> set[str]:
        """Return which of the ids another process created in another month's index, and leave only the older copy.

        An id is unique in one index. Two processes that store the same post while the month turns over may each do
        so in another one; whoever is the later to do so sees both here, for this look needs no refresh.
        """
        latest = self._indexes.names()[-2:]
        twins = [(name, post_id) for post_id, own in created.items() for name in latest if name != own]
        second = {each["_id"]: each["_index"] for each in self._cluster.documents(twins, ["id"])}
        newer = [(max(name, created[post_id]), post_id) for post_id, name in second.items()]
        deletions = [Operation("delete", {"_index": name, "_id": post_id}) for name, post_id in newer]
        self._cluster.bulk(deletions, accepted=frozenset({GONE, CONFLICT}))
        return set(second)

    def _places(self, ids: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the readings of posts with place and version. Raises NotFoundError(post) if one is not there."""
        hits = list(self._hits_of(ids, ["readings"]))
        missing = set(ids) - {hit["_id"] for hit in hits}
        if missing:
            # Another process may have stored it within the last second.
            self._unrefreshed.add(self._indexes.alias)
            late = list(self._hits_of(missing, ["readings"]))
            missing -= {hit["_id"] for hit in late}
            hits += late
        if missing:
            raise NotFoundError(f"没有编号为 {min(missing)} 的帖文。", reason="post", hint="请先导入帖文。")
        return hits

    def _save(self, pending: Mapping[str, list[Reading]]) -> dict[str, list[Reading]]:
        """Write readings into their posts and return those whose post somebody changed meanwhile."""
        changed: list[str] = []
        operations: list[Operation] = []
        for hit in self._places(list(pending)):
            stored = texts = hit["_source"].get("readings", [])
            for reading in pending[hit["_id"]]:
                texts = with_reading(texts, reading)
            if texts != stored:
                unchanged = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
                target = {"_index": hit["_index"], "_id": hit["_id"], **unchanged}
                operations.append(Operation("update", target, {"doc": reading_fields(texts)}))
                changed.append(hit["_id"])
        outcomes = self._write(operations, self._indexes.alias)
        late = [post_id for post_id, each in zip(changed, outcomes, strict=True) if each.status == CONFLICT]
        return {post_id: pending[post_id] for post_id in late}


def open_elastic(
    url: str, cut: Cut, zone: tzinfo, cut_version: str = "", timeout_seconds: float = TIMEOUT_SECONDS
) -> ElasticPosts:
    """Open the posts behind the URL of a cluster, whether or not it answers. Raises StoreError(unsupported)."""
    address = parse_address(url)
    posts = ElasticPosts(Cluster(connect(address, timeout_seconds)), address.prefix, cut, zone, cut_version)
    try:
        posts.open()
    except BaseException:
        # Whatever kept it from opening, Ctrl-C included: what is open already is closed, and the error goes on.
        posts.close()
        raise
    return posts


def _chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), IDS_A_REQUEST):
        yield ids[start : start + IDS_A_REQUEST]


def _place(hit: Mapping[str, Any]) -> str:
    """Return what `_position` makes the place behind a hit of."""
    at, post_id = hit["sort"][:2]
    return f"{at}.{post_id}"


def _position(after: str) -> dict[str, Any]:
    """Return where a page begins, as a search takes it.

    A page goes by the time and the id of the post before it, which no two posts share and no post changes, rather than
    by a point in time: that is some 160 characters for each shard, too long for the address of a page after a year,
    and gone once nobody has turned a page for a while.
    """
    if not after:
        return {}
    at, _, post_id = after.partition(".")
    try:
        return {"search_after": [max(LOWEST, min(int(at), HIGHEST)), post_id]}
    except ValueError as error:
        raise UsageError(f"没有“{after}”这个翻页位置。", reason="bad_argument", hint="请从第一页重新翻起。") from error
