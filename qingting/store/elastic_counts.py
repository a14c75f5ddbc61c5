"""Facets and trends as aggregations: every count exact, or an error."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo
from typing import Any

from elasticsearch import ApiError

from qingting.errors import StoreError
from qingting.store.elastic_cluster import Cluster, error_kinds
from qingting.store.elastic_query import Dsl
from qingting.store.shapes import Facet, Interval, Point
from qingting.store.tables import moment

MOST_VALUES = 10_000
"""Values of a facet that one request gives: there are some 3,400 regions down to counties, and hundreds of sources."""

PAGE_BUCKETS = 10_000
"""Buckets that one request of a trend too fine for a single one gives."""

TOO_MANY_BUCKETS = "too_many_buckets_exception"

Size = tuple[int, str, int]
"""When an interval begins, in milliseconds since 1970, the facet's value, and how many posts."""


def facet_sizes(cluster: Cluster, index: str, query: Dsl, by: Facet) -> dict[str, int]:
    """Return the count of every value of a facet, largest first, then by value."""
    asked = {"values": _values(by)}
    found = cluster.search(index=index, size=0, track_total_hits=False, query=query, aggs=asked)
    buckets = _all_buckets(found["aggregations"]["values"])
    return dict(sorted(((each["key"], each["doc_count"]) for each in buckets), key=lambda each: (-each[1], each[0])))


def trend_points(
    cluster: Cluster, index: str, query: Dsl, interval: Interval, by: Facet | None, zone: tzinfo
) -> list[Point]:
    """Return the counts per interval of a zone, by time then value."""
    try:
        sizes = list(_in_one_request(cluster, index, query, interval, by, zone))
    except StoreError as error:
        if not isinstance(error.__cause__, ApiError) or TOO_MANY_BUCKETS not in error_kinds(error.__cause__):
            raise
        sizes = list(_page_by_page(cluster, index, query, interval, by, zone))
    return [Point(moment(start * 1000), key, size) for start, key, size in sorted(sizes)]


def _in_one_request(
    cluster: Cluster, index: str, query: Dsl, interval: Interval, by: Facet | None, zone: tzinfo
) -> Iterator[Size]:
    """Count by a histogram, and within each of its intervals by value: half the time of `_page_by_page`."""
    histogram: Dsl = {"date_histogram": {**_intervals(interval, zone), "min_doc_count": 1}}
    if by is not None:
        histogram["aggs"] = {"values": _values(by)}
    found = cluster.search(index=index, size=0, track_total_hits=False, query=query, aggs={"times": histogram})
    for time in found["aggregations"]["times"]["buckets"]:
        if by is None:
            yield time["key"], "", time["doc_count"]
            continue
        for value in _all_buckets(time["values"]):
            yield time["key"], value["key"], value["doc_count"]


def _page_by_page(
    cluster: Cluster, index: str, query: Dsl, interval: Interval, by: Facet | None, zone: tzinfo
) -> Iterator[Size]:
    """Count however many intervals and values there are, in pages: the server gives some 65,000 buckets at once."""
    sources: list[Dsl] = [{"time": {"date_histogram": _intervals(interval, zone)}}]
    if by is not None:
        sources.append({"value": {"terms": {"field": _column(by)}}})
    composite: Dsl = {"size": PAGE_BUCKETS, "sources": sources}
    while True:
        asked = {"pairs": {"composite": composite}}
        found = cluster.search(index=index, size=0, track_total_hits=False, query=query, aggs=asked)
        pairs: Any = found["aggregations"]["pairs"]
        for each in pairs["buckets"]:
            yield each["key"]["time"], each["key"].get("value", ""), each["doc_count"]
        if "after_key" not in pairs:
            return
        composite = {**composite, "after": pairs["after_key"]}


def _all_buckets(terms: Dsl) -> list[Dsl]:
    """Return the buckets of a terms aggregation; raise if it left any out or may have counted one short."""
    if terms["sum_other_doc_count"] or terms["doc_count_error_upper_bound"]:
        raise StoreError(
            f"取值超过 {MOST_VALUES} 种，无法一次数清。", reason="partial", hint="请缩小时间范围或检索范围。"
        )
    buckets: list[Dsl] = terms["buckets"]
    return buckets


def _intervals(interval: Interval, zone: tzinfo) -> Dsl:
    return {"field": "time", "calendar_interval": interval, "time_zone": str(zone)}


def _values(by: Facet) -> Dsl:
    return {"terms": {"field": _column(by), "size": MOST_VALUES, "shard_size": MOST_VALUES}}


def _column(by: Facet) -> str:
    return "regions" if by == "region" else by
