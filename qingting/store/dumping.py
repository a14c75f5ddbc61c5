"""The cases as lines of text and back: one JSON array a row, the same text whatever the database.

Values are what the database itself keeps (tables.py): whole microseconds, JSON texts, base64 for bytes. Leases and
standing jobs (standing.py) are left out: who does what, and when next, is of no use elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import Column, LargeBinary, MetaData, Table, func, select, text
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeDecorator

from qingting.errors import InputError, StoreError
from qingting.store import tables

INSERTED_AT_ONCE = 1000


def _plain_tables() -> dict[str, Table]:
    """Return the tables in an order in which rows may be inserted, their columns without our own types."""
    plain = MetaData()
    return {
        table.name: Table(
            table.name,
            plain,
            *(
                Column(
                    each.name,
                    each.type.impl_instance if isinstance(each.type, TypeDecorator) else each.type,
                    primary_key=each.primary_key,
                )
                for each in table.columns
            ),
        )
        for table in tables.metadata.tables.values()
        if table is not tables.leases
    }


PLAIN = _plain_tables()


def dump(connection: Connection) -> Iterator[str]:
    """Yield every row as a line, table by table, each by its primary key."""
    for name, table in PLAIN.items():
        for row in connection.execute(select(table).order_by(*table.primary_key)).mappings():
            yield json.dumps([name, _written(table, row)], ensure_ascii=False, separators=(",", ":"))


def fill(connection: Connection, lines: Iterable[str]) -> int:
    """Insert the rows of a dump and return how many.

    Raises StoreError(conflict) when anything is there already, InputError(malformed) for a line of no dump.
    """
    if not is_empty(connection):
        raise StoreError("目标案件库里已有记录。", reason="conflict", hint="请换一个空的数据库。")
    count = 0
    for name, rows in groupby(map(_read, lines), key=lambda each: each[0]):
        batch: list[dict[str, Any]] = []
        for _, row in rows:
            batch.append(row)
            if len(batch) == INSERTED_AT_ONCE:
                count += _insert(connection, PLAIN[name], batch)
                batch = []
        count += _insert(connection, PLAIN[name], batch)
    if connection.dialect.name == "postgresql":
        # Numbers given by hand leave the counter where it was.
        counter = "SELECT setval(pg_get_serial_sequence('audit', 'number'), greatest(max(number), 1)) FROM audit"
        connection.execute(text(counter))
    return count


def is_empty(connection: Connection) -> bool:
    """Return whether no table holds anything."""
    return all(not connection.execute(select(func.count()).select_from(table)).scalar() for table in PLAIN.values())


def digest(lines: Iterable[str]) -> tuple[int, str]:
    """Return how many lines there are and their SHA-256 as a whole."""
    count, total = 0, hashlib.sha256()
    for line in lines:
        count += 1
        total.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return count, total.hexdigest()


def _written(table: Table, row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        each.name: base64.b64encode(row[each.name]).decode() if isinstance(each.type, LargeBinary) else row[each.name]
        for each in table.columns
    }


def _read(line: str) -> tuple[str, dict[str, Any]]:
    try:
        name, row = json.loads(line)
        binary = [each.name for each in PLAIN[name].columns if isinstance(each.type, LargeBinary)]
        return name, {**row, **{key: base64.b64decode(row[key]) for key in binary}}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("案件记录的格式不对。", reason="malformed", hint="请确认文件完整，且由本程序备份。") from error


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> int:
    if rows:
        connection.execute(table.insert(), rows)
    return len(rows)
