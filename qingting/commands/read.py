"""`qingting read`: texts in, readings out, without a store."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from crawlers.files import read_posts
from crawlers.privacy import Pseudonyms
from nlp.explain import explain
from nlp.reader import Reader
from qingting.app import open_service_reader
from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    opened_config,
    plain,
    print_json,
    print_table,
    utc_now,
    warn,
)
from qingting.config import Config
from qingting.model import Post, Reading, Reject

BATCH = 256
"""Texts read together: enough for batches of like lengths, few enough that output flows."""


def reading_row(post: Post, reading: Reading) -> dict[str, object]:
    """Return a reading under the stable field names of the command line; `id` is the one the text came with."""
    row = plain(reading)
    assert isinstance(row, dict)  # noqa: S101  plain() makes an object of a dataclass
    del row["post_id"], row["read_at"], row["copy_of"]
    return {"id": post.source_id or post.id, **row, "fingerprint": f"{reading.fingerprint:016x}"}


def read_texts(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.jsonl]", help="每行一个含 id、text 的 JSON；默认读标准输入。")
    ] = None,
    explain_each: Annotated[bool, typer.Option("--explain", help="说明哪些词左右了情感、命中了哪些词典条目。")] = False,
    table: Annotated[bool, typer.Option("--table", help="以表格显示，而不是 JSON。")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="输出 JSON（默认）。")] = True,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """研读文本，不入库。"""
    loaded = opened_config(home, config)
    reader = open_service_reader(loaded)
    if reader.problem:
        warn(f"注意：{reader.problem}")
    rejected: Counter[str] = Counter()
    rows = (row for batch in _batches(_posts(file, loaded, rejected)) for row in _rows(reader, batch, explain_each))
    if table or not as_json:
        columns = ("编号", "相关", "情感", "分值", "议题", "事项", "指向", "关键词")
        fields = ("id", "relevant", "sentiment", "score", "topic", "matter", "target", "keywords")
        print_table("研读结果", columns, ([row[name] for name in fields] for row in rows), "没有文本。")
    else:
        print_json(rows)
    if rejected:
        warn("拒收：" + "、".join(f"{reason} {count} 行" for reason, count in rejected.items()))


def _rows(reader: Reader, posts: list[Post], explain_each: bool) -> Iterator[dict[str, object]]:
    now = utc_now()
    for post, reading in zip(posts, reader.read(posts, now), strict=True):
        row = reading_row(post, reading)
        if explain_each:
            row["explanation"] = explain(reader, post, now).to_dict()
        yield row


def _posts(file: Path | None, config: Config, rejected: Counter[str]) -> Iterator[Post]:
    """Yield the posts of a file or of standard input, counting what cannot be taken."""
    if file is None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "stdin.jsonl"
            path.write_bytes(sys.stdin.buffer.read())
            yield from _posts(path, config, rejected)
        return
    # Nothing is stored, so any key serves.
    for item in read_posts(file, config.imports, "stdin", utc_now, Pseudonyms(b"read")):
        if isinstance(item, Reject):
            rejected[item.reason] += 1
        else:
            yield item


def _batches(posts: Iterator[Post]) -> Iterator[list[Post]]:
    while batch := list(islice(posts, BATCH)):
        yield batch
