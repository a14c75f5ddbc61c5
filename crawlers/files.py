"""Posts from files: JSONL, CSV and XLSX exports, whatever their columns are called.

What cannot be taken becomes a Reject and the rest goes through. A post whose time makes no sense is kept without a
time, and one whose text is too long is cut: what somebody said is not lost for what stands beside it. Both leave a
Reject as a note.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from crawlers.dates import parse_time
from crawlers.plaintext import looks_like_html, plain_text
from crawlers.privacy import Pseudonyms, masked, scrubbed
from crawlers.rows import REJECT_BYTES, BadRow, Row, column_name, json_rows
from crawlers.tables import csv_rows, xlsx_rows
from crawlers.values import count_of, text_of
from qingting.config import ImportConfig
from qingting.errors import InputError
from qingting.model import Channel, Post, Reject, stable_id

MIB = 1024 * 1024
# The longest government reports have about 50,000 characters; no reader looks beyond the first hundreds.
LONGEST_TEXT = 100_000
LONGEST_FIELD = 500
# Files may be dated ahead: a rehearsal's posts, or an export from a machine whose clock is wrong.
AHEAD = timedelta(days=366)

# Which channel a source's name speaks of; the first part found in it counts.
CHANNEL_WORDS: Mapping[str, Channel] = {
    "hot_search": Channel.BOARD,
    "热搜": Channel.BOARD,
    "热榜": Channel.BOARD,
    "weibo": Channel.SOCIAL,
    "微博": Channel.SOCIAL,
    "微信": Channel.SOCIAL,
    "公众号": Channel.SOCIAL,
    "小红书": Channel.SOCIAL,
    "douyin": Channel.VIDEO,
    "bilibili": Channel.VIDEO,
    "抖音": Channel.VIDEO,
    "快手": Channel.VIDEO,
    "视频": Channel.VIDEO,
    "hotline": Channel.HOTLINE,
    "12345": Channel.HOTLINE,
    "12369": Channel.HOTLINE,
    "热线": Channel.HOTLINE,
    "信箱": Channel.HOTLINE,
    "留言": Channel.HOTLINE,
    "forum": Channel.FORUM,
    "tieba": Channel.FORUM,
    "论坛": Channel.FORUM,
    "贴吧": Channel.FORUM,
    "news": Channel.NEWS,
    "新闻": Channel.NEWS,
    "日报": Channel.NEWS,
    "晚报": Channel.NEWS,
    "电视": Channel.NEWS,
}


def read_posts(
    path: Path, settings: ImportConfig, source: str, clock: Callable[[], datetime], pseudonyms: Pseudonyms
) -> Iterator[Post | Reject]:
    """Yield the posts of a file, and a Reject for whatever cannot be taken, in the file's order and flat memory.

    `source` is the source of rows that name none. A file that breaks off is a last Reject(unreadable); one of which
    nothing can be read raises InputError(unreadable | unsupported | missing_column | too_large). Reading a file again
    yields the same ids. An id that comes again with the same text is yielded again, with another text rejected.
    """
    desk = _Desk(path.name, settings, source, clock(), pseudonyms)
    begun = False
    with closing(_Seen()) as seen:
        try:
            for row in _rows(path, settings):
                begun = True
                yield from (desk.reject(row),) if isinstance(row, BadRow) else desk.taken(row, seen)
        except InputError as error:
            if not begun:
                raise
            yield desk.reject(BadRow("末尾", error.reason, error.message, b"", 0))


def _rows(path: Path, settings: ImportConfig) -> Iterator[Row | BadRow]:
    cap = settings.max_line_mib * MIB
    wanted = {column_name(name) for name in (*settings.columns.text, *settings.columns.title)}
    kind = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if kind in {".jsonl", ".json", ".ndjson"}:
        return json_rows(path, cap)
    if kind in {".csv", ".tsv"}:
        return csv_rows(path, cap, wanted)
    if path.suffix.lower() == ".xlsx":
        return xlsx_rows(path, wanted)
    raise InputError(
        f"不支持的文件类型：{path.name}", reason="unsupported", hint="可用 .jsonl、.csv（均可再压缩为 .gz）和 .xlsx。"
    )


class _Seen:
    """Which ids a file had, with which text: in a temporary database of SQLite's, so that memory stays flat."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY, text BLOB) WITHOUT ROWID")

    def agrees(self, post: Post) -> bool:
        """Return whether a post's id is new in this file, or came with the same text before."""
        digest = hashlib.blake2b(post.text.encode(), digest_size=16).digest()
        self._database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (post.id, digest))
        (first,) = self._database.execute("SELECT text FROM seen WHERE id = ?", (post.id,)).fetchone()
        return bool(first == digest)

    def close(self) -> None:
        """Drop the database."""
        self._database.close()


@dataclass(frozen=True)
class _Desk:
    """Turns the rows of one file into posts and rejects."""

    file: str
    settings: ImportConfig
    source: str
    now: datetime
    pseudonyms: Pseudonyms

    def taken(self, row: Row, seen: _Seen) -> Iterator[Post | Reject]:
        """Yield a row's post, or why there is none, and notes on what was left out of it."""
        try:
            text, note = self._text(row)
            moment = self._moment(row)
        except InputError as error:
            yield self._noted(row, error.reason, error.message)
            return
        post = self._post(row, text, moment)
        if not seen.agrees(post):
            yield self._noted(row, "duplicate_id", f"编号 {post.source_id} 在本文件中已有另一段正文。")
            return
        yield post
        if note:
            yield self._noted(row, "too_large", note)
        if moment is None and self._field(row, "published_at"):
            detail = f"时间无法识别：{self._field(row, 'published_at')[:50]}；帖子已按时间不详收下。"
            yield self._noted(row, "bad_time", detail)

    def reject(self, bad: BadRow, author: str = "") -> Reject:
        """Return the record of a row that cannot be taken; its id is the same for the same row of the same file."""
        digest = hashlib.sha256(bad.raw).hexdigest()
        return Reject(
            id=stable_id("r", self.file, bad.place, bad.reason, digest),
            source=self.source,
            place=f"{self.file} {bad.place}",
            reason=bad.reason,
            detail=bad.detail,
            raw=scrubbed(bad.raw, *([author] if author else [])),
            size=bad.size,
            at=self.now,
        )

    def _noted(self, row: Row, reason: str, detail: str) -> Reject:
        bad = BadRow(row.place, reason, detail, row.raw[:REJECT_BYTES], len(row.raw))
        return self.reject(bad, self._field(row, "author"))

    def _text(self, row: Row) -> tuple[str, str]:
        """Return the text of a row and a note if it was cut. Raises InputError(empty_text | missing_column | ...)."""
        value = self._value(row, "text")
        if value is None and not self._has(row, "text"):
            # Boards and feeds have titles only; there a title is all that was said.
            value = self._value(row, "title")
            if value is None:
                raise InputError("没有正文列，也没有标题列。", reason="missing_column")
        if isinstance(value, dict | list):
            raise InputError("正文不是文字。", reason="malformed")
        text = _plain(value)
        if not text:
            raise InputError("正文是空的。", reason="empty_text")
        if len(text) > LONGEST_TEXT:
            return text[:LONGEST_TEXT], f"正文有 {len(text)} 字，只收下前 {LONGEST_TEXT} 字。"
        return text, ""

    def _moment(self, row: Row) -> datetime | None:
        value = self._value(row, "published_at")
        if isinstance(value, date):
            value = (value if isinstance(value, datetime) else datetime.combine(value, time())).isoformat()
        return parse_time(text_of(value), self.now, AHEAD)

    def _post(self, row: Row, text: str, moment: datetime | None) -> Post:
        source = self._field(row, "source") or self.source
        author = self._field(row, "author")
        author_key = self.pseudonyms.key_of(source, author)
        source_id = self._field(row, "id")
        url = self._field(row, "url")
        content = (text, text_of(self._value(row, "published_at")), author_key)
        return Post(
            id=stable_id("p", source, source_id) if source_id else stable_id("p", source, *content),
            source=source,
            source_id=source_id,
            channel=_channel(self._field(row, "channel"), source, self.settings.channel),
            text=text,
            fetched_at=self.now,
            published_at=moment,
            title=_plain(self._value(row, "title"))[:LONGEST_FIELD] if self._has(row, "text") else "",
            url=url if url.startswith(("http://", "https://")) else "",
            author=masked(author),
            author_key=author_key,
            region=self._field(row, "region"),
            parent_id=_id_of(source, self._field(row, "parent")),
            root_id=_id_of(source, self._field(row, "root")),
            reposts=count_of(self._value(row, "reposts")),
            comments=count_of(self._value(row, "comments")),
            likes=count_of(self._value(row, "likes")),
        )

    def _has(self, row: Row, field: str) -> bool:
        names: tuple[str, ...] = getattr(self.settings.columns, field)
        return any(column_name(name) in row.values for name in names)

    def _value(self, row: Row, field: str) -> object:
        """Return the first value that any of a field's columns has in a row, None where all are empty."""
        names: tuple[str, ...] = getattr(self.settings.columns, field)
        values = (row.values.get(column_name(name)) for name in names)
        return next((value for value in values if value not in (None, "")), None)

    def _field(self, row: Row, field: str) -> str:
        value = self._value(row, field)
        return " ".join(text_of(value.isoformat() if isinstance(value, date) else value)[:LONGEST_FIELD].split())


def _plain(value: object) -> str:
    """Return a value as plain text. Raises InputError(too_large) for markup that is no text."""
    text = text_of(value)
    return text_of(plain_text(text)) if looks_like_html(text) else text


def _id_of(source: str, source_id: str) -> str:
    return stable_id("p", source, source_id) if source_id else ""


def _channel(named: str, source: str, default: str) -> Channel:
    """Return the channel that a row names, or that its source's name speaks of, or the default."""
    by_name = {channel.value: channel for channel in Channel} | {channel.label: channel for channel in Channel}
    if named in by_name:
        return by_name[named]
    folded = source.lower()
    return next((channel for word, channel in CHANNEL_WORDS.items() if word in folded), by_name[default])
