"""Searches, counts, facets and trends over the posts in SQLite.

SQLite groups by sorting, which takes 0.6 s for a million rows. So facets and trends have the values handed over as one
JSON array and count it here, which takes 0.1 s: nothing is sorted, and no row is made for each post.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy.engine import Connection

from qingting.errors import UsageError
from qingting.store.query import Query
from qingting.store.query_sql import Compiled, Sql, compile_query, reads_texts
from qingting.store.shapes import Facet, Hit, Interval, Page, Point, Search
from qingting.store.sqlite_keys import COUNTER_BITS, HIGHEST, key_range, names_by_number, position
from qingting.store.sqlite_readings import standing
from qingting.store.sqlite_rows import POST_COLUMNS, post_of
from qingting.store.tables import moment

COUNTED = 10_000
"""Hits that a page counts at most: nobody pages further, and the pages say so ("10,000 or more")."""

COUNTED_BY_TEXT = 1_000
"""The same where each hit's text is looked into for a phrase, some 20 microseconds a text."""

FIRST_WINDOW = 20_000
"""Posts that a query without a leading word is asked of first: some 10 ms, and mostly enough to fill the count."""

HOUR = 3600 * 1_000_000
QUARTER_HOUR = HOUR // 4
"""The steps, in microseconds, that all hours and days of the zones in use since 1972 are made of."""

BEFORE = (1 << 53) // HOUR * HOUR + HOUR
"""Added to make every time positive, for SQLite divides towards zero; a whole number of hours."""

NUMBERS = 1 << 20
"""More than there are numbers of names (sqlite_keys.py), of which none is 0."""

MOST_STEPS = 20_000
"""Hours, some two years, that a trend counts one by one, about 8 microseconds each; beyond, in one pass."""

Size = tuple[int, Any, int]
"""The time that a step begins, in microseconds, the number or name of a facet's value, and how many posts."""


def search_page(connection: Connection, search: Search, query: Query) -> Page:
    """Return a page of hits, newest first."""
    if search.limit < 1:
        raise UsageError("每页条数至少为 1。", reason="bad_argument", hint="请改大条数。")
    low, high = key_range(search)
    # The first page, which most searches end at, is found and counted in one walk.
    most = max(COUNTED_BY_TEXT if reads_texts(query) else COUNTED, search.limit)
    newest = _newest_keys(connection, query, low, high, most + 1)
    keys = newest
    if search.after:
        last = min(high, position(search.after, HIGHEST) - 1)
        keys = _newest_keys(connection, query, low, last, search.limit + 1)
    shown = keys[: search.limit]
    following = str(shown[-1]) if len(keys) > search.limit else ""
    return Page(tuple(_hits(connection, shown)), min(len(newest), most), len(newest) <= most, following)


def count(connection: Connection, search: Search, query: Query) -> int:
    """Return how many posts match."""
    rows = compile_query(query, *key_range(search))
    statement = f"SELECT count(*) FROM {rows.source} WHERE {rows.where.text}"
    return int(connection.exec_driver_sql(statement, rows.where.values).scalar_one())


def facet(connection: Connection, search: Search, query: Query, by: Facet) -> dict[str, int]:
    """Return the count of every value of a facet, largest first, then by value."""
    rows = compile_query(query, *key_range(search), needs_facets=True)
    column, source = _faceted(rows, by)
    statement = f"SELECT json_group_array({column}) FROM {source} WHERE {rows.where.text}"
    values = json.loads(connection.exec_driver_sql(statement, rows.where.values).scalar_one())
    names = names_by_number(connection)
    counts = [(str(names.get(value, value)), size) for value, size in Counter(values).items() if value is not None]
    return dict(sorted(counts, key=lambda each: (-each[1], each[0])))


def trend(
    connection: Connection, search: Search, query: Query, interval: Interval, by: Facet | None, zone: tzinfo
) -> list[Point]:
    """Return the counts per interval of a zone, by time then key."""
    rows = compile_query(query, *key_range(search), needs_facets=by is not None)
    # MATCH costs some 0.2 ms to begin, too much for each hour of a month; the walk over the facets begins for nothing.
    steps = range(0) if rows.leads_by_words else _steps(connection, rows, zone)
    sizes = _sizes_by_step(connection, rows, by, steps) if steps else _sizes_in_one_pass(connection, rows, by)
    names = names_by_number(connection)
    counts: Counter[tuple[datetime, str]] = Counter()
    starts: dict[int, datetime] = {}
    for time, value, size in sizes:
        start = starts.get(time)
        if start is None:
            start = starts[time] = interval_start(moment(time), interval, zone)
        counts[start, str(names.get(value, value))] += size
    return [Point(start, key, size) for (start, key), size in sorted(counts.items())]


def _steps(connection: Connection, rows: Compiled, zone: tzinfo) -> range:
    """Return the times, in microseconds, that cut what there is of the range into steps; empty if too many."""
    # Each end is one look at the tree's edge; asked for together, SQLite would walk through all between.
    lowest, highest = (f"SELECT {end}(seq) FROM facets WHERE seq BETWEEN ? AND ?" for end in ("min", "max"))
    first = connection.exec_driver_sql(lowest, (rows.low, rows.high)).scalar()
    last = connection.exec_driver_sql(highest, (rows.low, rows.high)).scalar()
    if first is None or last is None:
        return range(0)
    low, high = first >> COUNTER_BITS, last >> COUNTER_BITS
    if high - low > MOST_STEPS * HOUR:
        return range(0)
    month = 30 * 24 * HOUR
    offsets = [zone.utcoffset(moment(time).astimezone(zone)) for time in (*range(low, high, month), high)]
    whole_hours = all(offset is not None and not offset % timedelta(hours=1) for offset in offsets)
    step = HOUR if whole_hours else QUARTER_HOUR
    return range(low // step * step, high + 1, step)


def _sizes_by_step(connection: Connection, rows: Compiled, by: Facet | None, steps: range) -> Iterator[Size]:
    """Count step by step: keys are in the order of time already, so nothing need be sorted."""
    column, source = _faceted(rows, by)
    where = rows.within(
        Sql(f"{rows.key} BETWEEN json_extract(step.value, '$[0]') AND json_extract(step.value, '$[1]')")
    )
    what = f"json_group_array({column})" if by else "count(*)"
    inner = f"SELECT {what} FROM {source} WHERE {where.text}"
    statement = f"SELECT json_extract(step.value, '$[2]'), ({inner}) FROM json_each(?) AS step"
    bounds = [
        (max(time << COUNTER_BITS, rows.low), min((time + steps.step << COUNTER_BITS) - 1, rows.high), time)
        for time in steps
    ]
    for time, found in connection.exec_driver_sql(statement, (*where.values, json.dumps(bounds))):
        if by is None:
            if found:
                yield time, "", found
            continue
        for value, size in Counter(json.loads(found)).items():
            if value is not None:
                yield time, value, size


def _sizes_in_one_pass(connection: Connection, rows: Compiled, by: Facet | None) -> Iterator[Size]:
    """Count by quarters of an hour over any range, in the order in which the rows come."""
    column, source = _faceted(rows, by)
    quarter = f"((({rows.key} >> {COUNTER_BITS}) + {BEFORE}) / {QUARTER_HOUR})"
    if by == "region":
        what = f"json_group_array({quarter} || ' ' || {column})"
    else:
        # Both in one integer, which is handed over and counted faster than a pair.
        what = f"json_group_array({quarter} * {NUMBERS} + {f'coalesce({column}, 0)' if by else '0'})"
    found = connection.exec_driver_sql(f"SELECT {what} FROM {source} WHERE {rows.where.text}", rows.where.values)
    for both, size in Counter(json.loads(found.scalar_one())).items():
        number, _, code = both.partition(" ") if by == "region" else (both // NUMBERS, "", both % NUMBERS)
        if code or by is None:
            yield int(number) * QUARTER_HOUR - BEFORE, code if by else "", size


def interval_start(at: datetime, interval: Interval, zone: tzinfo) -> datetime:
    """Return when the hour or day that a moment falls into, as clocks in the zone show it, began, in UTC."""
    local = at.astimezone(zone)
    if interval == "day":
        return datetime(local.year, local.month, local.day, tzinfo=zone).astimezone(UTC)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    # Taken off the moment itself: in the hour that clocks repeat, local arithmetic would fall into the first one.
    return at.astimezone(UTC) - past


def _newest_keys(connection: Connection, query: Query, low: int, high: int, limit: int) -> list[int]:
    """Return the keys of the newest hits in a range.

    A query that MATCH does not lead may first have to gather all posts with some word (`-水`); so it is asked of the
    newest posts first, and of four times as many older ones each time until there are enough hits.
    """
    keys: list[int] = []
    window = FIRST_WINDOW
    while len(keys) < limit and low <= high:
        rows = compile_query(query, low, high)
        if not rows.leads_by_words:
            first = _nth_newest(connection, low, high, window)
            rows = compile_query(query, first, high)
        statement = f"SELECT {rows.key} FROM {rows.source} WHERE {rows.where.text} ORDER BY {rows.key} DESC LIMIT ?"
        keys += connection.exec_driver_sql(statement, (*rows.where.values, limit - len(keys))).scalars()
        high = rows.low - 1
        window *= 4
    return keys


def _nth_newest(connection: Connection, low: int, high: int, count: int) -> int:
    """Return the key that this many posts of a range are at or above, the low end if there are fewer."""
    statement = "SELECT seq FROM facets WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT 1 OFFSET ?"
    found = connection.exec_driver_sql(statement, (low, high, count - 1)).scalar()
    return low if found is None else int(found)


def _hits(connection: Connection, keys: list[int]) -> list[Hit]:
    statement = f"SELECT seq, {POST_COLUMNS} FROM posts WHERE seq IN (SELECT value FROM json_each(?))"
    rows = connection.exec_driver_sql(statement, (json.dumps(keys),))
    posts = {row[0]: post_of(row[1:]) for row in rows}
    readings = standing(connection, keys)
    # Words that an older cut gave a post stay in the index when the post is dropped: no post, no hit.
    return [Hit(posts[key], readings.get(key)) for key in keys if key in posts]


def _faceted(rows: Compiled, by: Facet | None) -> tuple[str, str]:
    """Return the column of a facet and what to select it from."""
    if by is None:
        return "''", rows.source
    if by == "region":
        return "region.code", f"{rows.source} JOIN regions region ON region.seq = {rows.key}"
    return f"f.{by}", rows.source
