"""Posts in SQLite: writing and reading them back; searches are in sqlite_search.py, readings in sqlite_readings.py.

All SQL here is this package's own text; every value is bound.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta, tzinfo

from sqlalchemy.engine import Connection

from qingting.errors import NotFoundError, UsageError
from qingting.model import Post, Reading
from qingting.store.database import Database
from qingting.store.query import parse
from qingting.store.shapes import Appended, Batch, Cut, Facet, Interval, Kept, Page, Point, Search, Tally
from qingting.store.sqlite_dropping import drop_before
from qingting.store.sqlite_keys import LOWEST, assign_keys, name_numbers, position
from qingting.store.sqlite_readings import every, save_readings, similar, standing
from qingting.store.sqlite_rows import POST_COLUMNS, post_of, post_row
from qingting.store.sqlite_search import count, facet, search_page, trend
from qingting.store.tables import microseconds, moment
from qingting.store.words import joined_words


class SqlitePosts:
    """The contract's Posts in one SQLite file. See the contract for what each method promises."""

    def __init__(self, database: Database, cut: Cut, zone: tzinfo) -> None:
        self._database = database
        self._cut = cut
        self._zone = zone

    def append(self, posts: Sequence[Post]) -> Appended:
        """Store posts that are not there yet, all or none; an id that is there is left as it is."""
        # Cutting is most of the work, and needs no lock; what turns out to be known was cut for nothing.
        there = self.known([post.id for post in posts])
        fresh: dict[str, Post] = {}
        for post in posts:
            if post.id not in there:
                fresh.setdefault(post.id, post)
        words = {post.id: joined_words(self._cut, post.passage) for post in fresh.values()}
        if fresh:
            with self._database.transaction() as connection:
                there |= _known(connection, list(fresh))
                _insert_posts(connection, [post for post in fresh.values() if post.id not in there], words)
        new = dict.fromkeys(post.id for post in posts if post.id not in there)
        return Appended(tuple(new), tuple(dict.fromkeys(post.id for post in posts if post.id in there)))

    def known(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are stored."""
        with self._database.reading() as connection:
            return _known(connection, ids)

    def claim_unread(self, worker: str, limit: int, now: datetime, lease: timedelta) -> list[Post]:
        """Return unread posts, earliest first, that no other worker holds, and hold them until `now + lease`."""
        with self._database.transaction() as connection:
            free = "SELECT seq FROM unread WHERE held_until <= ? OR worker = ? ORDER BY seq LIMIT ?"
            keys = connection.exec_driver_sql(free, (microseconds(now), worker, limit)).scalars().all()
            if not keys:
                return []
            hold = "UPDATE unread SET worker = ?, held_until = ? WHERE seq IN (SELECT value FROM json_each(?))"
            connection.exec_driver_sql(hold, (worker, microseconds(now + lease), json.dumps(list(keys))))
            held = f"SELECT {POST_COLUMNS} FROM posts WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
            return [post_of(row) for row in connection.exec_driver_sql(held, (json.dumps(list(keys)),))]

    def save_readings(self, readings: Sequence[Reading]) -> None:
        """Store readings, mark their posts read and release the claims. Raises NotFoundError(post).

        The same reading twice changes nothing; of one model's readings of a post, the latest stays.
        """
        if not readings:
            return
        with self._database.transaction() as connection:
            keys = _keys(connection, {reading.post_id for reading in readings})
            for reading in readings:
                if reading.post_id not in keys:
                    raise NotFoundError(f"没有编号为 {reading.post_id} 的帖文。", reason="post", hint="请先导入帖文。")
            save_readings(connection, [(keys[reading.post_id], reading) for reading in readings])

    def get(self, ids: Collection[str]) -> dict[str, Post]:
        """Return the stored posts among the ids."""
        wanted = f"SELECT {POST_COLUMNS} FROM posts WHERE id IN (SELECT value FROM json_each(?))"
        with self._database.reading() as connection:
            rows = connection.exec_driver_sql(wanted, (json.dumps(list(ids)),))
            posts = [post_of(row) for row in rows]
        return {post.id: post for post in posts}

    def readings(self, ids: Collection[str]) -> dict[str, Reading]:
        """Return the standing reading of each post that has one."""
        with self._database.reading() as connection:
            keys = _keys(connection, ids)
            found = standing(connection, list(keys.values()))
        return {reading.post_id: reading for reading in found.values()}

    def search(self, search: Search) -> Page:
        """Return a page of hits, newest first. Raises UsageError(bad_query | bad_argument)."""
        query = parse(search.query, self._cut)
        with self._database.reading() as connection:
            return search_page(connection, search, query)

    def count(self, search: Search) -> int:
        """Return how many posts match, exactly. Raises UsageError(bad_query)."""
        query = parse(search.query, self._cut)
        with self._database.reading() as connection:
            return count(connection, search, query)

    def trend(self, search: Search, interval: Interval, by: Facet | None = None) -> list[Point]:
        """Return the counts per interval of the office's zone, by time then key; `start` is in UTC."""
        query = parse(search.query, self._cut)
        with self._database.reading() as connection:
            return trend(connection, search, query, interval, by, self._zone)

    def facet(self, search: Search, by: Facet) -> dict[str, int]:
        """Return the count of every value of a facet, largest first. Raises UsageError(bad_query)."""
        query = parse(search.query, self._cut)
        with self._database.reading() as connection:
            return facet(connection, search, query, by)

    def similar(self, fingerprint: int, distance: int, since: datetime, until: datetime) -> list[tuple[str, int]]:
        """Return (post id, Hamming distance) of read posts within the distance (at most 7), nearest, then earliest."""
        with self._database.reading() as connection:
            return similar(connection, fingerprint, distance, since, until)

    def tally(self, now: datetime) -> Tally:
        """Return how many posts are there, unread and claimed."""
        unread = "SELECT count(*), coalesce(sum(held_until > ?), 0), min(seq) FROM unread"
        with self._database.reading() as connection:
            total = connection.exec_driver_sql("SELECT count(*) FROM facets").scalar_one()
            pending, claimed, first = connection.exec_driver_sql(unread, (microseconds(now),)).one()
            at = "SELECT coalesce(published_at, fetched_at) FROM posts WHERE seq = ?"
            oldest = None if first is None else connection.exec_driver_sql(at, (first,)).scalar_one()
        return Tally(total, pending, claimed, None if oldest is None else moment(oldest))

    def scan(self, after: str = "", limit: int = 1000) -> Batch:
        """Return posts with all their readings, earliest first. Raises UsageError(bad_argument)."""
        start = position(after, LOWEST)
        if limit < 1:
            raise UsageError("每批条数至少为 1。", reason="bad_argument", hint="请改大条数。")
        statement = f"SELECT seq, {POST_COLUMNS} FROM posts WHERE seq > ? ORDER BY seq LIMIT ?"
        with self._database.reading() as connection:
            rows = connection.exec_driver_sql(statement, (start, limit)).all()
            readings = every(connection, [row[0] for row in rows])
        kept = tuple(Kept(post_of(row[1:]), tuple(readings.get(row[0], ()))) for row in rows)
        return Batch(kept, str(rows[-1][0]) if len(rows) == limit else "")

    def drop_before(self, before: datetime, keep: Collection[str]) -> int:
        """Remove posts before a time with their readings but for those to keep, a chunk at a time; return how many."""
        return drop_before(self._database, self._cut, before, keep)


def _known(connection: Connection, ids: Collection[str]) -> set[str]:
    wanted = "SELECT id FROM posts WHERE id IN (SELECT value FROM json_each(?))"
    return set(connection.exec_driver_sql(wanted, (json.dumps(list(ids)),)).scalars())


def _keys(connection: Connection, ids: Collection[str]) -> dict[str, int]:
    wanted = "SELECT id, seq FROM posts WHERE id IN (SELECT value FROM json_each(?))"
    return {row[0]: row[1] for row in connection.exec_driver_sql(wanted, (json.dumps(list(ids)),))}


def _insert_posts(connection: Connection, posts: Sequence[Post], words: dict[str, str]) -> None:
    """Insert posts in the order of their keys, which both the tables and FTS5 write fastest."""
    if not posts:
        return
    ordered = sorted(posts, key=lambda post: post.at)
    keyed = list(zip(assign_keys(connection, [post.at for post in ordered]), ordered, strict=True))
    numbers = name_numbers(connection, {value for post in ordered for value in (post.source, post.channel.value)})
    marks = ", ".join("?" * (1 + POST_COLUMNS.count(",") + 1))
    execute = connection.exec_driver_sql
    execute(f"INSERT INTO posts (seq, {POST_COLUMNS}) VALUES ({marks})", [post_row(seq, post) for seq, post in keyed])
    execute("INSERT INTO words (rowid, cut) VALUES (?, ?)", [(seq, words[post.id]) for seq, post in keyed])
    execute(
        "INSERT INTO facets (seq, source, channel) VALUES (?, ?, ?)",
        [(seq, numbers[post.source], numbers[post.channel.value]) for seq, post in keyed],
    )
    execute("INSERT INTO unread (seq, worker, held_until) VALUES (?, '', 0)", [(seq,) for seq, _ in keyed])
