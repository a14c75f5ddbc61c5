"""Kind `search`: what a site's own search shows to visitors. What single sites look like is in crawlers/searches/.

No login, no signature: where a site wants either, the source is blocked, and says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote

from scrapy import Request
from scrapy.http import Response

from crawlers.kinds import Found
from crawlers.options import number
from crawlers.platforms import MOST_PAGES, PlatformSpider
from crawlers.searches import searches
from qingting.config import SourceConfig
from qingting.errors import ConfigError
from qingting.model import Reject


class SearchSpider(PlatformSpider):
    """Reads one site's search for some words, newest first."""

    kind = "search"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "site": f"whose search the address is: {', '.join(searches())}",
            "query": "the words; several searches are separated by |",
            "pages": f"most pages per run and search ({MOST_PAGES})",
        }
    )

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for a site that there is not, or words that are missing."""
        number(source, "pages", MOST_PAGES)
        site = source.options.get("site", "")
        if site not in searches():
            raise ConfigError(
                f"信源 {source.id}：选项 site = {site!r} 不可用。",
                reason="bad_value",
                hint=f"可用：{'、'.join(searches())}。",
            )
        if not source.options.get("query", "").strip("| "):
            raise ConfigError(
                f"信源 {source.id}：要有选项 query。",
                reason="bad_value",
                hint=f"query 的含义：{cls.options['query']}。",
            )

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the first page of each search."""
        for query in self.option("query").split("|"):
            if query.strip():
                yield self._page(query.strip(), 1)

    def _page(self, query: str, page: int) -> Request:
        """Return the request for a page: at the address, where {query} and {page} stand in it, else where is usual."""
        address = self.source.address
        if "{query}" in address:
            url = address.replace("{query}", quote(query, safe="")).replace("{page}", str(page))
        else:
            url = self.base + searches()[self.option("site")].path(query, page)
        return self.ask(url, self.parse_page, query=query, page=page)

    async def parse_page(self, response: Response, query: str, page: int) -> AsyncIterator[Found | Reject | Request]:
        """Yield a page's posts and the request for the next page."""
        said = self.read(response, searches()[self.option("site")].read)
        if said is None:
            return
        for item in self.posts(response, said):
            yield item
        address = self.source.address
        has_pages = "{page}" in address or "{query}" not in address
        if self.goes_on(query, [each.id for each in said], page) and has_pages:
            yield self._page(query, page + 1)
