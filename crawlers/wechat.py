"""Kind `wechat`: articles of official accounts (公众号), found through an RSS bridge, each read at WeChat itself.

The bridge is any feed that a bridge of the office's own, or of a provider, offers; nothing here logs in anywhere.
Pages are read by crawlers/sites/wechat.toml (#js_content).
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from scrapy import Request
from scrapy.http import Response

from crawlers.answers import malformed, refused
from crawlers.feed import Entry, parse_feed
from crawlers.kinds import Found
from crawlers.options import number
from crawlers.platforms import PlatformSpider
from crawlers.treetext import fragment_text
from crawlers.urls import normalised
from qingting.config import SourceConfig
from qingting.model import Reject

MOST_ARTICLES = 50
BODY = re.compile(r"""\bid\s*=\s*["']?js_content\b""")
VERIFICATION = re.compile("环境异常|完成验证后即可继续访问|访问过于频繁|wappoc_appmsgcaptcha")
TAKEN_DOWN = re.compile(
    "该内容已被发布者删除|此内容因违规无法查看|该公众号已迁移|此账号已(?:自主)?注销|内容无法查看|链接已过期|此内容被投诉"
)


class WechatSpider(PlatformSpider):
    """Follows each new article of a bridge's feed; one that was taken down is stored as the feed has it."""

    kind = "wechat"
    options: ClassVar[Mapping[str, str]] = MappingProxyType({"limit": f"most articles per run ({MOST_ARTICLES})"})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settled = self.previous.get("settled")
        self._settled_before = {str(each) for each in settled} if isinstance(settled, list) else set()
        self._settled: set[str] = set()
        self._listed: set[str] = set()
        self._validators: Mapping[str, object] = {}

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for an option that cannot be followed."""
        number(source, "limit", MOST_ARTICLES)

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the bridge's feed, if it has changed."""
        yield self.get(self.source.address, self.parse_account, essential=True, headers=self.conditions())

    def cursor(self) -> Mapping[str, object]:
        """Return the feed's validators, unless articles were left over, and the articles that are gone for good."""
        return {**self._validators, "settled": sorted((self._settled_before & self._listed) | self._settled)}

    async def parse_account(self, response: Response) -> AsyncIterator[Request | Found | Reject]:
        """Yield a request for every article in the feed that is not known yet."""
        if self.is_unchanged(response):
            return
        entries = parse_feed(response.body, response.url, self.fetched(response).at)
        if entries is None:
            self.trouble("failing", f"不是可以识别的订阅源：{response.url}")
            yield self.rejected(response.url, "malformed", "桥接服务返回的不是订阅源", response.body)
            return
        keyed = {article_key(entry): entry for entry in entries if entry.id}
        self._listed = set(keyed)
        self.outcome.listed += len(keyed)
        known = self.task.known([self.post_id(key) for key in keyed])
        wanted = [key for key in keyed if key not in self._settled_before and self.post_id(key) not in known]
        chosen = wanted[: number(self.source, "limit", MOST_ARTICLES)]
        self._validators = self.validators(response) if len(chosen) == len(wanted) else {}
        for key in chosen:
            if keyed[key].link:
                yield self.get(keyed[key].link, self.parse_article, cb_kwargs={"entry": keyed[key], "key": key})
            else:
                yield self._article(response, keyed[key], key)

    async def parse_article(self, response: Response, entry: Entry, key: str) -> AsyncIterator[Found | Reject]:
        """Yield an article; one that was taken down as the feed has it, or as a reject where the feed has no text."""
        shown = self.read(response, article_state, essential=False)
        if shown is None:
            return
        if shown:
            kept = fragment_text(entry.content)
            yield self._article(response, entry, key) if kept else self._gone(response, key, shown)
            return
        at = self.fetched(response).at
        article = await self.task.extract(response.body, response.url, at, self.charset(response))
        yield self._article(
            response,
            entry,
            key,
            title=article.title or entry.title,
            text=max(article.text, fragment_text(entry.content), key=len),
            author=article.source or article.author or entry.author,
            # A bridge's time is often the one at which it saw the article.
            published_at=article.published_at or entry.published_at,
        )

    def settle(self, request: Request) -> None:
        """Do not ask again for an article that is gone, while it is still listed."""
        self._settled.add(request.cb_kwargs.get("key", ""))

    def _gone(self, response: Response, key: str, notice: str) -> Reject:
        self._settled.add(key)
        return self.rejected(response.url, "empty_text", f"文章已不可见（{notice}）。")

    def _article(self, response: Response, entry: Entry, key: str, **fields: Any) -> Found | Reject:
        fields.setdefault("title", " ".join(fragment_text(entry.title).split()))
        fields["text"] = fields.get("text") or fragment_text(entry.content) or fields["title"]
        fields.setdefault("author", entry.author)
        fields.setdefault("published_at", entry.published_at)
        if not fields["text"]:
            return self.rejected(entry.link or key, "empty_text", "文章没有正文和标题。")
        return self.found(response, source_id=key, url=entry.link, **fields)


def article_key(entry: Entry) -> str:
    """Return what identifies an article: account, message and place in it; other parameters change from day to day."""
    try:
        query = parse_qs(urlsplit(entry.link).query)
    except ValueError:
        query = {}
    parts = [query.get(name, [""])[0] for name in ("__biz", "mid", "idx")]
    return ":".join(parts) if parts[0] and parts[1] else normalised(entry.link) or entry.id


def article_state(page: str) -> str:
    """Return '' for an article's page, the notice in its place for one that was taken down.

    Raises CrawlError(blocked) for a page that wants a captcha, and CrawlError(malformed) for one that is empty.
    """
    if BODY.search(page):
        return ""
    verification = VERIFICATION.search(page)
    if verification:
        raise refused(f"微信要求验证（{verification[0]}）")
    if not page.strip():
        raise malformed("返回空页面")
    notice = TAKEN_DOWN.search(page)
    return notice[0] if notice else ""
