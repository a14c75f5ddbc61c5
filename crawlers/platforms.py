"""What the kinds that read platforms share: asking, being refused, paging, and posts out of what was said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urljoin

from scrapy import Request
from scrapy.http import Response

from crawlers.answers import Said, refused
from crawlers.charsets import decoded
from crawlers.dates import parse_time
from crawlers.kinds import Found, SourceSpider
from crawlers.options import number
from qingting.errors import CrawlError, InputError
from qingting.model import Reject

# 401 and 412 (Bilibili's favourite) are answers by which platforms refuse, beside those that no site means otherwise.
REFUSING = (401, 412)
MOST_PAGES = 5
# Ids of the last complete run and those before it: several times what one run reads, so that late comers are known.
REMEMBERED = 2000

T = TypeVar("T")


class PlatformSpider(SourceSpider):
    """The base of kinds that read a platform's answers page by page, newest first.

    A listing is read until a whole page was there in the last complete run.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before = self.previous.get("seen")
        self._before = [str(each) for each in before] if isinstance(before, list) else []
        self._complete_before = frozenset(self._before)
        self._seen: dict[str, None] = {}
        self._read_of: dict[str, set[str]] = {}

    def cursor(self) -> Mapping[str, object]:
        """Return the ids seen in this and earlier complete runs, the latest first."""
        return {"seen": list(dict.fromkeys([*self._seen, *self._before]))[:REMEMBERED]}

    def ask(self, url: str, callback: Callable[..., Any], *, essential: bool = True, **kwargs: Any) -> Request:
        """Return the request for an answer; `kwargs` are handed to the callback."""
        headers = {"Referer": urljoin(url, "/")}
        meta = {"handle_httpstatus_list": list(REFUSING)}
        return self.get(url, callback, essential=essential, headers=headers, meta=meta, cb_kwargs=kwargs)

    @property
    def base(self) -> str:
        """Return the platform's address without a slash at its end."""
        return self.source.address.rstrip("/")

    def read(self, response: Response, reader: Callable[[str], T], *, essential: bool = True) -> T | None:
        """Return what a reader makes of an answer; None, after noting why, where it can make nothing of it.

        A refusal in words is meant for the visitor, not for one page: nothing more is asked for in this run.
        """
        try:
            if response.status in REFUSING:
                raise refused(f"对方拒绝采集（HTTP {response.status}）")
            return reader(decoded(response.body, self.charset(response)))
        except CrawlError as error:
            reason = f"{error.message}：{response.url}"
            if error.reason == "blocked":
                self.trouble("blocked", reason)
            else:
                self.trouble("failing", reason, essential=essential)
                self.task.take(self.rejected(response.url, "malformed", error.message, response.body))
            return None

    def goes_on(self, listing: str, ids: Collection[str], page: int) -> bool:
        """Note a page's ids; return whether the next may hold what neither this nor the last complete run has seen."""
        self.outcome.listed += len(ids)
        self._seen.update(dict.fromkeys(ids))
        read = self._read_of.setdefault(listing, set())
        unread = set(ids) - read
        read |= unread
        if not unread or unread <= self._complete_before:
            return False
        if page < number(self.source, "pages", MOST_PAGES):
            return True
        self.logger.warning("%s: stopped after %d pages with new entries on the last", self.source.id, page)
        return False

    def posts(self, response: Response, said: Collection[Said]) -> Iterator[Found | Reject]:
        """Yield what was said as posts, or why it cannot be; a time that makes no sense is left out and noted."""
        for each in said:
            yield from self._post(response, each)

    def _post(self, response: Response, said: Said) -> Iterator[Found | Reject]:
        place = f"{said.url or response.url}#{said.id}"
        try:
            title, text = said.title, said.text
        except InputError as error:
            yield self.rejected(place, error.reason, error.message, said.markup.encode())
            return
        if not text:
            yield self.rejected(place, "empty_text", "正文是空的。")
            return
        moment = parse_time(said.written, self.fetched(response).at)
        yield self.found(
            response,
            source_id=said.id,
            text=text,
            title=title,
            url=said.url,
            author=said.author,
            author_id=said.author_id,
            published_at=moment,
            parent_id=self.post_id(said.parent) if said.parent else "",
            root_id=self.post_id(said.root) if said.root else "",
            reposts=said.reposts,
            comments=said.comments,
            likes=said.likes,
        )
        if moment is None and said.written:
            yield self.rejected(place, "bad_time", f"时间无法识别：{said.written[:50]}；帖子已按时间不详收下。")


def with_query(address: str, asked: Mapping[str, str]) -> str:
    """Return an address with a query in UTF-8, spaces as %20."""
    return f"{address}?{urlencode(asked, quote_via=quote)}"
