"""Forgetting old posts in SQLite: everything that any table or index holds of them, a few hundred at a time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.engine import Connection

from qingting.model import Post
from qingting.store.database import Database
from qingting.store.shapes import Cut
from qingting.store.sqlite_keys import LOWEST, first_key
from qingting.store.sqlite_readings import drop_readings
from qingting.store.sqlite_rows import POST_COLUMNS, post_of
from qingting.store.words import joined_words

CHUNK = 500
"""Posts of one transaction, for which others wait: some 30 ms. Their words are cut before it, without the lock."""


def drop_before(database: Database, cut: Cut, before: datetime, keep: Collection[str]) -> int:
    """Remove the posts before a time but for those to keep, each chunk in its own transaction; return how many."""
    kept, dropped, after = frozenset(keep), 0, LOWEST
    statement = f"SELECT seq, {POST_COLUMNS} FROM posts WHERE seq > ? AND seq < ? ORDER BY seq LIMIT ?"
    while True:
        with database.reading() as connection:
            rows = connection.exec_driver_sql(statement, (after, first_key(before), CHUNK)).all()
        if not rows:
            return dropped
        after = rows[-1][0]
        posts = {row[0]: post_of(row[1:]) for row in rows if row[1] not in kept}
        words = {seq: joined_words(cut, post.passage) for seq, post in posts.items()}
        if posts:
            with database.transaction() as connection:
                dropped += _drop(connection, posts, words)


def _drop(connection: Connection, posts: Mapping[int, Post], words: Mapping[int, str]) -> int:
    """Remove posts by their keys, if they are still there, and return how many."""
    execute = connection.exec_driver_sql
    still = "SELECT seq, id FROM posts WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq"
    # Another process may have dropped some meanwhile, and even have given their keys away again.
    keys = [seq for seq, post_id in execute(still, (json.dumps(list(posts)),)) if posts[seq].id == post_id]
    if not keys:
        return 0
    drop_readings(connection, keys)
    # The index holds no copy of a text: it forgets exactly the words that it is given.
    execute("INSERT INTO words (words, rowid, cut) VALUES ('delete', ?, ?)", [(seq, words[seq]) for seq in keys])
    for table in ("facets", "unread", "posts"):
        execute(f"DELETE FROM {table} WHERE seq IN (SELECT value FROM json_each(?))", (json.dumps(keys),))
    return len(keys)
