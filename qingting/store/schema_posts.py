"""Migrations of the posts in SQLite, frozen as released.

`seq` is a post's key everywhere: its time and a counter in one integer (see sqlite_keys.py), so that the order of
rows is the order of time, and a time range is a range of rows.
"""

from __future__ import annotations

from sqlalchemy.engine import Connection


def create_posts(connection: Connection) -> None:
    """Make the tables of posts, their words, facets, readings and fingerprints."""
    for statement in _CREATE_POSTS:
        connection.exec_driver_sql(statement)


def add_copies(connection: Connection) -> None:
    """Give readings a column for the first post that said the same."""
    connection.exec_driver_sql("ALTER TABLE readings ADD COLUMN copy_of TEXT NOT NULL DEFAULT ''")


_CREATE_POSTS = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE posts (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        source TEXT NOT NULL,
        source_id TEXT NOT NULL,
        channel TEXT NOT NULL,
        text TEXT NOT NULL,
        fetched_at INTEGER NOT NULL,
        published_at INTEGER,
        title TEXT NOT NULL,
        url TEXT NOT NULL,
        author TEXT NOT NULL,
        author_key TEXT NOT NULL,
        region TEXT NOT NULL,
        parent_id TEXT NOT NULL,
        root_id TEXT NOT NULL,
        reposts INTEGER,
        comments INTEGER,
        likes INTEGER,
        evidence TEXT NOT NULL
    )""",
    # Only which word is in which post: no positions and no copy of the text. The words come cut and escaped
    # (words.py), so that any run of characters between blanks is one token to the ascii tokenizer.
    "CREATE VIRTUAL TABLE words USING fts5(cut, content='', detail=none, columnsize=0, tokenize='ascii')",
    # The values of facets by small numbers: a scan over a million posts then reads some 25 MB.
    "CREATE TABLE names (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    """CREATE TABLE facets (
        seq INTEGER PRIMARY KEY,
        source INTEGER NOT NULL,
        channel INTEGER NOT NULL,
        sentiment INTEGER,
        topic INTEGER,
        matter INTEGER,
        target INTEGER,
        relevant INTEGER
    )""",
    "CREATE TABLE regions (seq INTEGER NOT NULL, code TEXT NOT NULL, PRIMARY KEY (seq, code)) WITHOUT ROWID",
    "CREATE INDEX regions_by_code ON regions (code, seq)",
    "CREATE TABLE unread (seq INTEGER PRIMARY KEY, worker TEXT NOT NULL, held_until INTEGER NOT NULL)",
    """CREATE TABLE readings (
        id INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL REFERENCES posts (seq),
        model TEXT NOT NULL,
        standing INTEGER NOT NULL,
        read_at INTEGER NOT NULL,
        relevant INTEGER NOT NULL,
        relevance REAL NOT NULL,
        sentiment TEXT NOT NULL,
        score REAL NOT NULL,
        topic TEXT NOT NULL,
        matter TEXT NOT NULL,
        target TEXT NOT NULL,
        degraded INTEGER NOT NULL,
        confidence TEXT NOT NULL,
        keywords TEXT NOT NULL,
        regions TEXT NOT NULL,
        organisations TEXT NOT NULL,
        pollutants TEXT NOT NULL,
        measurements TEXT NOT NULL,
        fingerprint INTEGER NOT NULL,
        UNIQUE (seq, model)
    )""",
    # Apart from the readings, which would otherwise take two pages where one does.
    "CREATE TABLE embeddings (reading INTEGER PRIMARY KEY REFERENCES readings (id), embedding BLOB NOT NULL)",
    # Quarters of the standing readings' fingerprints: number of the quarter << 16 | its 16 bits.
    """CREATE TABLE quarters (
        quarter INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        fingerprint INTEGER NOT NULL,
        PRIMARY KEY (quarter, seq)
    ) WITHOUT ROWID""",
)
