"""Regions of readings as words of the full-text index, so that a word and a region meet in one walk over it.

Each code is kept as one word a level it lies in: 110108 as Ｒ11, Ｒ1101 and Ｒ110108. A full-width letter begins them,
which folding takes out of every text, so that no text holds such a word. Codes of an office's own that are not all
digits have no levels: they are looked up in the table of regions.

FTS5 adds words to a row that is there already when the same rowid comes again, for a table without content and column
sizes keeps nothing by row; taking them back needs exactly the words that were given.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy.engine import Connection

LEVELS = (2, 4, 6, 9, 12)
"""Digits of a code of GB/T 2260 down to province, city and county, and of township and village below it."""

MARK = "Ｒ"
FILLED_AT_ONCE = 10_000


def region_word(prefix: str) -> str | None:
    """Return the word that all posts of a region have, None where there is no such word."""
    return f"{MARK}{prefix}" if prefix.isascii() and prefix.isdigit() and len(prefix) in LEVELS else None


def add_regions(connection: Connection, codes: Iterable[tuple[int, Iterable[str]]]) -> None:
    """Add the words of posts' regions, by the posts' keys."""
    rows = sorted((seq, words) for seq, each in codes if (words := _words(each)))
    if rows:
        connection.exec_driver_sql("INSERT INTO words (rowid, cut) VALUES (?, ?)", rows)


def drop_regions(connection: Connection, keys: Sequence[int]) -> None:
    """Take back the words and the rows of posts' regions."""
    asked = (json.dumps(list(keys)),)
    of_posts = "FROM regions WHERE seq IN (SELECT value FROM json_each(?))"
    found = connection.exec_driver_sql(f"SELECT seq, json_group_array(code) {of_posts} GROUP BY seq", asked)
    rows = sorted((seq, words) for seq, codes in found if (words := _words(json.loads(codes))))
    if rows:
        connection.exec_driver_sql("INSERT INTO words (words, rowid, cut) VALUES ('delete', ?, ?)", rows)
    connection.exec_driver_sql(f"DELETE {of_posts}", asked)


def fill_region_words(connection: Connection) -> None:
    """Migration: give the posts that have regions already the words of these."""
    statement = "SELECT seq, json_group_array(code) FROM regions WHERE seq > ? GROUP BY seq ORDER BY seq LIMIT ?"
    last = -(1 << 63)
    while rows := connection.exec_driver_sql(statement, (last, FILLED_AT_ONCE)).all():
        add_regions(connection, ((seq, json.loads(codes)) for seq, codes in rows))
        last = rows[-1][0]


def _words(codes: Iterable[str]) -> str:
    """Return the words of some codes, each once, for a word is taken back as often as it was given."""
    prefixes = (code[:level] for code in codes for level in LEVELS if level <= len(code))
    return " ".join(sorted({word for prefix in prefixes if (word := region_word(prefix)) is not None}))
