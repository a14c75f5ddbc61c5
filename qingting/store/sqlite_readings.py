"""Readings in SQLite, and near-duplicates by their fingerprints."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from qingting.errors import UsageError
from qingting.model import Reading
from qingting.store.sqlite_keys import first_key, name_numbers
from qingting.store.sqlite_regions import add_regions, drop_regions
from qingting.store.sqlite_rows import READING_COLUMNS, reading_of, reading_row, signed, unsigned
from qingting.store.tables import microseconds

FARTHEST = 7
"""Two fingerprints that differ in at most 7 of 64 bits differ in at most one bit of some quarter (4 x 2 > 7)."""

QUARTER_BITS = 16

Keyed = tuple[int, Reading]


def save_readings(connection: Connection, readings: Sequence[Keyed]) -> None:
    """Store readings under the keys of their posts, in order; see the contract's `save_readings`."""
    for wave in _waves(readings):
        _save_wave(connection, wave)
    read = [(seq,) for seq in {seq for seq, _ in readings}]
    connection.exec_driver_sql("DELETE FROM unread WHERE seq = ?", read)


def standing(connection: Connection, keys: Sequence[int]) -> dict[int, Reading]:
    """Return the standing readings of posts by their keys."""
    return {seq: readings[-1] for seq, readings in _found(connection, keys, "r.standing").items()}


def every(connection: Connection, keys: Sequence[int]) -> dict[int, list[Reading]]:
    """Return all readings of posts by their keys: the standing one last, the others by time of reading, then model."""
    return _found(connection, keys, "1")


def _found(connection: Connection, keys: Sequence[int], condition: str) -> dict[int, list[Reading]]:
    columns = ", ".join(f"r.{name.strip()}" for name in READING_COLUMNS.split(","))
    statement = f"""
        SELECT r.seq, p.id, e.embedding, {columns}
        FROM readings r JOIN posts p ON p.seq = r.seq LEFT JOIN embeddings e ON e.reading = r.id
        WHERE {condition} AND r.seq IN (SELECT value FROM json_each(?))
        ORDER BY r.standing, r.read_at, r.model
    """
    found: dict[int, list[Reading]] = {}
    for row in connection.exec_driver_sql(statement, (json.dumps(list(keys)),)):
        found.setdefault(row[0], []).append(reading_of(row[1], row[3:], row[2] or b""))
    return found


def similar(
    connection: Connection, fingerprint: int, distance: int, since: datetime, until: datetime
) -> list[tuple[str, int]]:
    """Return ids and distances of the standing readings near a fingerprint; see the contract's `similar`."""
    if not 0 <= distance <= FARTHEST:
        raise UsageError(f"相似距离应在 0 到 {FARTHEST} 之间。", reason="bad_argument", hint="请改小距离。")
    statement = """
        SELECT DISTINCT q.seq, q.fingerprint
        FROM json_each(?) AS asked CROSS JOIN quarters q
        ON q.quarter = asked.value AND q.seq BETWEEN ? AND ?
    """
    asked = json.dumps(list(_asked_quarters(fingerprint, distance)))
    rows = connection.exec_driver_sql(statement, (asked, first_key(since), first_key(until) - 1))
    apart = ((seq, (unsigned(other) ^ fingerprint).bit_count()) for seq, other in rows)
    near = {seq: bits for seq, bits in apart if bits <= distance}
    wanted = "SELECT seq, id FROM posts WHERE seq IN (SELECT value FROM json_each(?))"
    ids = {row[0]: row[1] for row in connection.exec_driver_sql(wanted, (json.dumps(list(near)),))}
    return [(ids[seq], near[seq]) for seq in sorted(near, key=lambda seq: (near[seq], seq))]


def _waves(readings: Sequence[Keyed]) -> Iterator[list[Keyed]]:
    """Yield the readings in order, such that no post comes twice in one wave; nearly always there is one."""
    wave: dict[int, Keyed] = {}
    for seq, reading in readings:
        if seq in wave:
            yield list(wave.values())
            wave = {}
        wave[seq] = (seq, reading)
    yield list(wave.values())


def _save_wave(connection: Connection, wave: Sequence[Keyed]) -> None:
    keys = json.dumps([seq for seq, _ in wave])
    stored = "SELECT seq, model, read_at FROM readings WHERE seq IN (SELECT value FROM json_each(?))"
    before = {(row[0], row[1]): row[2] for row in connection.exec_driver_sql(stored, (keys,))}
    taken = [
        (seq, reading)
        for seq, reading in wave
        if (known := before.get((seq, reading.model))) is None or microseconds(reading.read_at) > known
    ]
    if not taken:
        return
    had = {seq for seq, _ in before}
    _forget(connection, [(seq, reading.model) for seq, reading in taken if seq in had])
    _insert(connection, sorted(taken, key=lambda each: each[0]))


def _forget(connection: Connection, replaced: Sequence[tuple[int, str]]) -> None:
    """Take back what the standing readings of posts put into other tables, and the same models' earlier readings."""
    if not replaced:
        return
    execute = connection.exec_driver_sql
    _drop_standing(connection, [seq for seq, _ in replaced])
    keys = json.dumps([seq for seq, _ in replaced])
    execute("UPDATE readings SET standing = 0 WHERE seq IN (SELECT value FROM json_each(?))", (keys,))
    of_model = "SELECT id FROM readings WHERE seq = ? AND model = ?"
    execute(f"DELETE FROM embeddings WHERE reading IN ({of_model})", list(replaced))
    execute("DELETE FROM readings WHERE seq = ? AND model = ?", list(replaced))


def drop_readings(connection: Connection, keys: Sequence[int]) -> None:
    """Remove all readings of posts by their keys, and what other tables have from them."""
    _drop_standing(connection, keys)
    asked = (json.dumps(list(keys)),)
    of_posts = "FROM readings WHERE seq IN (SELECT value FROM json_each(?))"
    connection.exec_driver_sql(f"DELETE FROM embeddings WHERE reading IN (SELECT id {of_posts})", asked)
    connection.exec_driver_sql(f"DELETE {of_posts}", asked)


def _drop_standing(connection: Connection, keys: Sequence[int]) -> None:
    """Take back what the standing readings of posts put into other tables, embeddings apart."""
    fingerprints = "SELECT seq, fingerprint FROM readings WHERE standing AND seq IN (SELECT value FROM json_each(?))"
    rows = connection.exec_driver_sql(fingerprints, (json.dumps(list(keys)),)).all()
    if rows:
        old = [(quarter, seq) for seq, fingerprint in rows for quarter in _quarters(unsigned(fingerprint))]
        connection.exec_driver_sql("DELETE FROM quarters WHERE quarter = ? AND seq = ?", old)
    drop_regions(connection, keys)


def _insert(connection: Connection, readings: Sequence[Keyed]) -> None:
    execute = connection.exec_driver_sql
    names = {str(name) for _, reading in readings for name in _facets(reading)}
    numbers = name_numbers(connection, names)
    marks = ", ".join("?" * (1 + READING_COLUMNS.count(",") + 1))
    execute(
        f"INSERT INTO readings (standing, seq, {READING_COLUMNS}) VALUES (1, {marks})",
        [reading_row(seq, reading) for seq, reading in readings],
    )
    execute(
        "UPDATE facets SET sentiment = ?, topic = ?, matter = ?, target = ?, relevant = ? WHERE seq = ?",
        [(*(numbers[name] for name in _facets(reading)), reading.relevant, seq) for seq, reading in readings],
    )
    others: dict[str, list[tuple[object, ...]]] = {
        "INSERT INTO embeddings (reading, embedding) SELECT id, ? FROM readings WHERE seq = ? AND model = ?": [
            (reading.embedding, seq, reading.model) for seq, reading in readings if reading.embedding
        ],
        "INSERT INTO regions (seq, code) VALUES (?, ?)": [
            (seq, code) for seq, reading in readings for code in {region.code for region in reading.regions}
        ],
        "INSERT INTO quarters (quarter, seq, fingerprint) VALUES (?, ?, ?)": [
            (quarter, seq, signed(reading.fingerprint))
            for seq, reading in readings
            for quarter in _quarters(reading.fingerprint)
        ],
    }
    for statement, rows in others.items():
        if rows:
            execute(statement, rows)
    add_regions(connection, ((seq, (region.code for region in reading.regions)) for seq, reading in readings))


def _facets(reading: Reading) -> tuple[str, str, str, str]:
    return reading.sentiment.value, reading.topic.value, reading.matter.value, reading.target.value


def _quarters(fingerprint: int) -> list[int]:
    """Return the four quarters of a fingerprint, each with its number above its bits."""
    mask = (1 << QUARTER_BITS) - 1
    return [number << QUARTER_BITS | (fingerprint >> number * QUARTER_BITS) & mask for number in range(4)]


def _asked_quarters(fingerprint: int, distance: int) -> Iterator[int]:
    """Yield the quarters one of which every fingerprint within the distance has: these, or one bit beside."""
    for quarter in _quarters(fingerprint):
        yield quarter
        if distance > 3:
            yield from (quarter ^ (1 << bit) for bit in range(QUARTER_BITS))
