"""Kind `feed`: RSS 0.9x, 1.0 and 2.0, Atom and JSON Feed, RSSHub instances included.

Entries are the same when their normalised address is; failing an address, when their own id is. Some feeds give one
story two addresses: there the title decides, among entries of one day.
"""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, ClassVar

import feedparser
from scrapy import Request
from scrapy.http import Response

from crawlers.charsets import decoded
from crawlers.dates import parse_time
from crawlers.kinds import Found, SourceSpider
from crawlers.options import number, switch
from crawlers.treetext import fragment_text
from crawlers.urls import normalised
from qingting.config import SourceConfig
from qingting.model import Reject

# As mediacloud's rss-fetcher does; nobody publishes more between two visits.
MOST_ENTRIES = 2000
# Shorter titles (每日一图) come back every day without being the same story.
TELLING_TITLE = 8
REMEMBERED_TITLES = 500
NAMED_ZONE = re.compile(r"(?:[A-Z]{1,4}|[+-]\d{2}:?\d{2})\s*\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed, whatever the format; `content` may be HTML."""

    id: str
    link: str
    title: str
    content: str
    author: str
    published_at: datetime | None


class FeedSpider(SourceSpider):
    """Reads one feed; with `fulltext` it follows each new entry's link for the whole article."""

    kind = "feed"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"fulltext": "yes: follow each entry's link and extract the article", "limit": "most entries per run (2000)"}
    )

    _cursor: Mapping[str, object] = MappingProxyType({})

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for an option that cannot be followed."""
        number(source, "limit", MOST_ENTRIES)
        switch(source, "fulltext")

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the feed, if it has changed."""
        yield self.get(self.source.address, self.parse_feed, essential=True, headers=self.conditions())

    def cursor(self) -> Mapping[str, object]:
        """Return the feed's validators and the titles seen lately."""
        return self._cursor

    async def parse_feed(self, response: Response) -> AsyncIterator[Found | Reject | Request]:
        """Yield the feed's new posts, or the requests for their articles."""
        if self.is_unchanged(response):
            return
        entries = parse_feed(response.body, response.url, self.fetched(response).at)
        if entries is None:
            self.trouble("failing", f"不是可以识别的订阅源：{response.url}")
            yield self.rejected(response.url, "malformed", "不是 RSS、Atom 或 JSON Feed", response.body)
            return
        entries = entries[: number(self.source, "limit", MOST_ENTRIES)]
        self.outcome.listed += len(entries)
        titles = self._remembered_titles()
        for entry in entries:
            if not entry.id:
                yield self.rejected(f"{response.url}#{entry.title}", "malformed", "条目没有编号、链接和标题")
            elif self._is_repeated(entry, titles):
                continue
            elif switch(self.source, "fulltext") and entry.link:
                if not self.task.known([self.post_id(entry.id)]):
                    yield self.get(entry.link, self.parse_article, cb_kwargs={"entry": entry})
            else:
                yield self._post(response, entry, entry.content)
        self._cursor = {**self.validators(response), "titles": dict(list(titles.items())[-REMEMBERED_TITLES:])}

    async def parse_article(self, response: Response, entry: Entry) -> AsyncIterator[Found | Reject]:
        """Yield an entry with its article's text; what the feed itself says of it remains where the page is poorer."""
        at = self.fetched(response).at
        article = await self.task.extract(response.body, response.url, at, self.charset(response))
        content = max(article.text, fragment_text(entry.content), key=len)
        yield self._post(response, entry, content, author=article.author, published_at=article.published_at)

    def _post(
        self, response: Response, entry: Entry, content: str, author: str = "", published_at: datetime | None = None
    ) -> Found | Reject:
        text = fragment_text(content) or entry.title
        if not text:
            return self.rejected(entry.link or entry.id, "empty_text", "条目没有正文和标题")
        return self.found(
            response,
            source_id=entry.id,
            title=entry.title,
            text=text,
            url=entry.link,
            author=entry.author or author,
            published_at=entry.published_at or published_at,
        )

    def _remembered_titles(self) -> dict[str, str]:
        remembered = self.previous.get("titles")
        return {str(k): str(v) for k, v in remembered.items()} if isinstance(remembered, Mapping) else {}

    def _is_repeated(self, entry: Entry, titles: dict[str, str]) -> bool:
        """Return whether the same story came before under another address, and remember this one."""
        title = "".join(entry.title.split())
        if len(title) < TELLING_TITLE or entry.published_at is None:
            return False
        return titles.setdefault(f"{entry.published_at:%Y-%m-%d} {title}", entry.id) != entry.id


def parse_feed(body: bytes, url: str, fetched_at: datetime) -> list[Entry] | None:
    """Return the entries of a feed in its own order, None if it is none."""
    if body.lstrip()[:1] == b"{":
        return _json_entries(decoded(body), fetched_at)
    parsed = feedparser.parse(body, response_headers={"content-location": url}, sanitize_html=False)
    if not parsed.get("version"):
        return None
    return [_xml_entry(each, fetched_at) for each in parsed.entries]


def _xml_entry(entry: Any, fetched_at: datetime) -> Entry:
    contents = [str(each.get("value", "")) for each in entry.get("content", [])]
    content = max([*contents, str(entry.get("summary", ""))], key=len)
    link = str(entry.get("link", ""))
    title = fragment_text(str(entry.get("title", ""))).replace("\n", " ")
    return Entry(
        id=normalised(link) or str(entry.get("id", "")) or title,
        link=link,
        title=title,
        content=content,
        author=str(entry.get("author", "")),
        published_at=_xml_time(entry, fetched_at),
    )


def _xml_time(entry: Any, fetched_at: datetime) -> datetime | None:
    """Return when an entry was published: by our own parser (a time without a zone is Shanghai's), then feedparser's.

    feedparser knows more zones and forms, but takes a time without a zone for UTC, which Chinese feeds never mean.
    """
    for name in ("published", "updated", "created"):
        written = str(entry.get(name) or "")
        moment = parse_time(written, fetched_at) if written else None
        structured = entry.get(f"{name}_parsed")
        if moment is None and structured and NAMED_ZONE.search(written):
            moment = datetime.fromtimestamp(calendar.timegm(structured), UTC)
        if moment is not None:
            return moment
    return None


def _json_entries(text: str, fetched_at: datetime) -> list[Entry] | None:
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(feed, dict) or not str(feed.get("version", "")).startswith("https://jsonfeed.org/version/"):
        return None
    items = feed.get("items")
    if not isinstance(items, list):
        return []
    return [_json_entry(each, fetched_at) for each in items if isinstance(each, dict)]


def _json_entry(item: Mapping[str, Any], fetched_at: datetime) -> Entry:
    link = str(item.get("url") or item.get("external_url") or "")
    authors = item.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else item.get("author")
    title = str(item.get("title") or "")
    written = str(item.get("date_published") or item.get("date_modified") or "")
    return Entry(
        id=normalised(link) or str(item.get("id") or "") or title,
        link=link,
        title=title,
        content=str(item.get("content_html") or item.get("content_text") or item.get("summary") or ""),
        author=str(first.get("name") or "") if isinstance(first, dict) else "",
        published_at=parse_time(written, fetched_at) if written else None,
    )
