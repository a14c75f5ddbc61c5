"""Kind `board`: hot boards. What single boards look like is in crawlers/boards/.

A title is one post a day however long it stays and wherever it stands: its rank is no new post.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from scrapy.http import Response

from crawlers.answers import line_of, words_of
from crawlers.boards import Entry, boards
from crawlers.dates import parse_time
from crawlers.kinds import Found
from crawlers.platforms import PlatformSpider
from qingting.config import SourceConfig
from qingting.errors import ConfigError, InputError
from qingting.model import SHANGHAI, Channel, Reject


class BoardSpider(PlatformSpider):
    """Reads one board as it is now."""

    kind = "board"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "board": f"which board the address answers: {', '.join(boards())}",
            "id": "newsnow: the board's name there (weibo, zhihu, thepaper, …)",
            "hosts": "newsnow: domains that entries may lead to, separated by commas; needed for boards unknown here",
        }
    )

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for a board that there is not, or that lacks an option it needs."""
        name = source.options.get("board", "")
        if name not in boards():
            raise ConfigError(
                f"信源 {source.id}：选项 board = {name!r} 不可用。",
                reason="bad_value",
                hint=f"可用：{'、'.join(boards())}。",
            )
        boards()[name].check(source)

    def cursor(self) -> Mapping[str, object]:
        """Return nothing: a board is read whole."""
        return {}

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the board: at the address where that has a path, at the board's usual place where it has none."""
        address = self.source.address
        if urlsplit(address).path in ("", "/"):
            path = boards()[self.option("board")].path
            address = self.base + path.replace("{id}", quote(self.option("id").strip(), safe=""))
        yield self.ask(address, self.parse_board)

    async def parse_board(self, response: Response) -> AsyncIterator[Found | Reject]:
        """Yield the board's entries, each with the day in its identity."""
        board = boards()[self.option("board")]
        hot = self.read(response, lambda text: board.read(text, self.source.options))
        if hot is None:
            return
        self.outcome.listed += len(hot.entries)
        at = self._moment(response, hot.written)
        for entry in hot.entries:
            yield self._entry(response, entry, at)

    def _entry(self, response: Response, entry: Entry, at: datetime) -> Found | Reject:
        try:
            title, text = line_of(entry.title), words_of(entry.text)
        except InputError as error:
            return self.rejected(
                f"{response.url}#{entry.title[:50]}", error.reason, error.message, entry.title.encode()
            )
        if not title:
            return self.rejected(f"{response.url}#{entry.title[:50]}", "empty_text", "标题是空的。")
        return self.found(
            response,
            source_id=f"{at.astimezone(SHANGHAI):%Y-%m-%d} {title}",
            title=title,
            text=text or title,
            url=entry.url,
            published_at=at,
            channel=Channel.BOARD,
        )

    def _moment(self, response: Response, written: str) -> datetime:
        """Return when the board stood so: an aggregator's answer may be half an hour old."""
        fetched_at = self.fetched(response).at
        moment = parse_time(written, fetched_at) if written else None
        return min(moment, fetched_at) if moment else fetched_at
