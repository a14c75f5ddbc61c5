"""The integer keys of SQLite: a post's time in microseconds and a counter, so that key order is time order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from qingting.errors import UsageError
from qingting.store.shapes import Search
from qingting.store.tables import microseconds

COUNTER_BITS = 10
"""Up to 1,024 posts of the same microsecond keep their exact time. More happen only where times are whole days; they
move on to the next microseconds, which no page shows. The 53 bits left reach from 1684 to 2255."""

ROOM = 1 << COUNTER_BITS

LOWEST = -(1 << 63)
HIGHEST = (1 << 63) - 1


def first_key(moment: datetime) -> int:
    """Return the lowest key of a moment; beyond the years that keys reach, the nearest key there is."""
    return max(LOWEST, min(HIGHEST - (ROOM << 20), microseconds(moment) << COUNTER_BITS))


def key_range(search: Search) -> tuple[int, int]:
    """Return the first and the last key of a search's time range, both inclusive."""
    low = first_key(search.since) if search.since else LOWEST
    high = first_key(search.until) - 1 if search.until else HIGHEST
    return low, high


def position(after: str, start: int) -> int:
    """Return the key that a page or batch ended at, `start` for the first one. Raises UsageError(bad_argument)."""
    if not after:
        return start
    try:
        return max(LOWEST + 1, min(int(after), HIGHEST))
    except ValueError as error:
        raise UsageError(f"没有“{after}”这个翻页位置。", reason="bad_argument", hint="请从第一页重新翻起。") from error


def assign_keys(connection: Connection, moments: Iterable[datetime]) -> list[int]:
    """Return a free key for each moment in order; the caller holds the writer's lock and the moments ascend."""
    keys = []
    last = LOWEST
    for moment in moments:
        key = first_key(moment)
        key = last + 1 if last >= key else _free(connection, key)
        keys.append(key)
        last = key
    return keys


def _free(connection: Connection, key: int) -> int:
    """Return the first key at or after this one beyond which its microsecond, or a later one, is empty."""
    while True:
        statement = "SELECT max(seq) FROM posts WHERE seq BETWEEN ? AND ?"
        taken = connection.exec_driver_sql(statement, (key, key + ROOM - 1)).scalar()
        if taken is None:
            return key
        if taken < key + ROOM - 1:
            return int(taken) + 1
        key += ROOM


def name_numbers(connection: Connection, names: Collection[str]) -> dict[str, int]:
    """Return the numbers that facets keep in place of names, giving new names one; within a transaction."""
    connection.exec_driver_sql("INSERT OR IGNORE INTO names (name) VALUES (?)", [(name,) for name in sorted(names)])
    return {name: number for number, name in names_by_number(connection).items()}


def names_by_number(connection: Connection) -> dict[int, str]:
    """Return all names of facets by their numbers: a few dozen, and one a source."""
    return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT number, name FROM names")}
