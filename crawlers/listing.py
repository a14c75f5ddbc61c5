"""Kind `list`: a page that lists articles, and the articles; a sitemap where the address is XML."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import urljoin, urlsplit

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement
from scrapy import Request
from scrapy.http import Response
from scrapy.utils.sitemap import Sitemap

from crawlers.charsets import decoded
from crawlers.kinds import Found, SourceSpider
from crawlers.listings import first_ask, listed
from crawlers.options import number, pattern, selector
from crawlers.urls import normalised
from qingting.config import SourceConfig
from qingting.model import Reject

MOST_ARTICLES = 100
# An index lists years of them; what is new stands in the latest.
MOST_SITEMAPS = 20
# Article links on Chinese sites carry a date or a long number in the path (t20241105_1091234.shtml,
# art/2024/4/24/art_1229_58934.html, newsDetail_forward_29301234, ?id=12345), channel links do not.
ARTICLE_PATH = re.compile(
    r"\d{6,}|/(?:19|20)\d{2}[-/]?\d{1,2}(?!\d)|(?:article|content|detail|news)[\w/-]*?\d{3,}", re.IGNORECASE
)
ARTICLE_QUERY = re.compile(r"(?:^|&)(?:a?id|contId|articleId|newsid|tid)=\w*\d", re.IGNORECASE)
NO_ARTICLE = re.compile(r"\.(?:jpe?g|png|gif|pdf|docx?|xlsx?|zip|rar|mp4|apk|css|js)\Z", re.IGNORECASE)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Headlines are sentences: channel names and buttons have fewer characters.
SHORTEST_HEADLINE = 6


class ListSpider(SourceSpider):
    """Follows each new article of a list page and extracts it."""

    kind = "list"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "links": "CSS selector of the article links, or of the elements that hold them",
            "limit": "most articles per run (100); the rest follow in the next",
            "match": "regular expression that an article's address must contain",
        }
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit = number(self.source, "limit", MOST_ARTICLES)
        self._match = pattern(self.source, "match")
        self._selector = selector(self.source, "links")
        self._seen: set[str] = set()
        self._settled: set[str] = set()
        self._asked = 0
        self._left_over = False
        self._validators: Mapping[str, object] = {}
        settled = self.previous.get("settled")
        self._settled_before = {str(each) for each in settled} if isinstance(settled, list) else set()

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for an option that cannot be followed."""
        number(source, "limit", MOST_ARTICLES)
        pattern(source, "match")
        selector(source, "links")

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the list page, if it has changed."""
        ask = first_ask(self.source.address)
        headers = {**ask.headers, **self.conditions()}
        yield self.get(ask.url, self.parse_list, essential=True, method=ask.method, body=ask.body, headers=headers)

    def cursor(self) -> Mapping[str, object]:
        """Return the list page's validators, unless articles were left over, and the pages that hold no article."""
        settled = sorted((self._settled_before & self._seen) | self._settled)
        return {**({} if self._left_over else self._validators), "settled": settled}

    async def parse_list(self, response: Response) -> AsyncIterator[Request]:
        """Yield a request for every listed article that is not known yet."""
        if response.meta.get("depth", 0) == 0 and self.is_unchanged(response):
            return
        if not self._validators:
            self._validators = self.validators(response)
        links = list(self._sitemap(response) if _is_xml(response) else self._listed(response))
        for further in links:
            if isinstance(further, Request):
                yield further
        for key, address in self._new({normalised(each): each for each in links if isinstance(each, str)}).items():
            yield self.get(address, self.parse_article, cb_kwargs={"key": key})

    def _new(self, listed: Mapping[str, str]) -> dict[str, str]:
        """Return those of the listed articles, address by key, that are to be asked for now."""
        fresh = {key: address for key, address in listed.items() if key not in self._seen}
        self._seen.update(fresh)
        self.outcome.listed += len(fresh)
        known = self.task.known([self.post_id(key) for key in fresh])
        wanted = [k for k in fresh if k not in self._settled_before and self.post_id(k) not in known]
        chosen = wanted[: self._limit - self._asked]
        self._left_over = self._left_over or len(chosen) < len(wanted)
        self._asked += len(chosen)
        return {key: fresh[key] for key in chosen}

    async def parse_article(self, response: Response, key: str) -> AsyncIterator[Found | Reject]:
        """Yield an article page's post."""
        at = self.fetched(response).at
        article = await self.task.extract(response.body, response.url, at, self.charset(response))
        if not article.text:
            self._settled.add(key)
            yield self.rejected(response.url, "empty_text", "页面上没有找到正文", response.body)
            return
        yield self.found(
            response,
            source_id=key,
            title=article.title,
            text=article.text,
            url=response.url,
            author=article.author,
            published_at=article.published_at,
        )

    def settle(self, request: Request) -> None:
        """Do not ask again for a page that is gone or will never be taken, while it is still listed."""
        self._settled.add(request.cb_kwargs.get("key", normalised(request.url)))

    def _listed(self, response: Response) -> Iterator[str | Request]:
        """Yield the addresses that a page or an answer lists, or requests for the lists that a page is filled from."""
        found = listed(decoded(response.body, self.charset(response)), response.url)
        if found is None:
            yield from self._links(response)
            return
        if found.further and response.meta.get("depth", 0) == 0:
            # Such a page stays as it is while its lists change: it must be asked for in full each time.
            self._left_over = True
            for address in found.further:
                yield self.get(address, self.parse_list, essential=True)
        yield from (each for each in found.articles if self._match.search(each))

    def _links(self, response: Response) -> list[str]:
        try:
            tree = lxml.html.document_fromstring(decoded(response.body, self.charset(response)))
        except (ParserError, ValueError):
            return []
        base = urljoin(response.url, (tree.xpath("string(//base/@href)") or "").strip())
        tree.make_links_absolute(base, resolve_base_href=False, handle_failures="ignore")
        addresses = (link.get("href").strip() for link in self._selected(tree))
        return [each for each in addresses if each.startswith(("http://", "https://")) and self._match.search(each)]

    def _selected(self, tree: HtmlElement) -> list[HtmlElement]:
        """Return the links that the source's selector finds, or the first link within each element it finds."""
        if self._selector is None:
            return article_links(tree, self.source.address)
        found = (each if each.tag == "a" else next(each.iter("a"), None) for each in self._selector(tree))
        return [each for each in found if each is not None and each.get("href")]

    def _sitemap(self, response: Response) -> Iterator[str | Request]:
        """Yield the addresses of a sitemap, newest first, or requests for the sitemaps that it lists."""
        sitemap = Sitemap(response.body)
        found = (entry for entry in sitemap if "loc" in entry and not self._is_past(entry.get("lastmod", "")))
        entries = sorted(found, key=lambda entry: entry.get("lastmod", ""), reverse=True)
        if sitemap.type == "sitemapindex" and response.meta.get("depth", 0) < 2:
            for entry in entries[:MOST_SITEMAPS]:
                yield self.get(entry["loc"], self.parse_list, essential=True)
        elif sitemap.type == "urlset":
            yield from (entry["loc"] for entry in entries if self._match.search(entry["loc"]))

    def _is_past(self, changed: str) -> bool:
        """Return whether what last changed then, in a sitemap's own words (W3CDTF), is older than posts are kept."""
        oldest = self.task.oldest
        return oldest is not None and bool(DAY.match(changed)) and changed[:10] < f"{oldest:%Y-%m-%d}"


def article_links(tree: HtmlElement, base: str) -> list[HtmlElement]:
    """Return the links of a page that look like articles of its site: an article's path and a headline's length."""
    site = _site(base)
    found = []
    for link in tree.iter("a"):
        try:
            address = urljoin(base, (link.get("href") or "").strip())
            parts = urlsplit(address)
        except ValueError:
            continue
        headline = "".join((link.get("title") or link.text_content()).split())
        if _site(address) != site or NO_ARTICLE.search(parts.path) or len(headline) < SHORTEST_HEADLINE:
            continue
        if ARTICLE_PATH.search(parts.path) or ARTICLE_QUERY.search(parts.query):
            found.append(link)
    return found


def _site(address: str) -> str:
    """Return what two hosts of one site share: the last two labels, three under a shared suffix (com.cn, gov.cn)."""
    try:
        host = (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""
    labels = host.split(".")
    if host.replace(".", "").isdigit() or len(labels) < 3:
        return host
    shared = labels[-2] in ("com", "net", "org", "gov", "edu", "ac")
    return ".".join(labels[-3:] if shared else labels[-2:])


def _is_xml(response: Response) -> bool:
    head = response.body[:512].lstrip(b"\xef\xbb\xbf \r\n\t")
    return head.startswith((b"<urlset", b"<sitemapindex")) or (
        head.startswith(b"<?xml") and b"<html" not in head.lower()
    )
