"""Kind `weibo`: the JSON that m.weibo.cn serves to visitors, by keyword, user, status, its comments or the hot board.

No login, no signature: where Weibo wants either, the source is blocked, and says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

from scrapy import Request
from scrapy.http import Response
from twisted.python.failure import Failure

from crawlers.dates import parse_time
from crawlers.kinds import Found, SourceSpider
from crawlers.options import number
from crawlers.weibo_parse import (
    Json,
    Status,
    comments_of,
    full_text_of,
    hot_titles,
    next_comments,
    next_since_id,
    parse_status,
    read_answer,
    statuses_of,
    timeline_container,
)
from qingting.config import SourceConfig
from qingting.errors import ConfigError, InputError
from qingting.model import SHANGHAI, Channel, Reject

HEADERS = {"Accept": "application/json", "MWeibo-Pwa": "1", "X-Requested-With": "XMLHttpRequest"}
HOT_BOARD = "106003type=25&t=3&disable_hot=1&filter_type=realtimehot"
# Weibo shows about 50 pages of a search; ten of them are some 100 statuses, a busy half-hour of one keyword.
MOST_PAGES = 10
# Ids of the last complete run and those before it: twenty times a full run's, so that late comers are recognised.
REMEMBERED = 2000
REALTIME = "61"
REQUIRED = {"search": "query", "user": "uid", "status": "id", "comments": "id", "hot": ""}

Item = Found | Reject | Request


class WeiboSpider(SourceSpider):
    """Reads one search, timeline, status, its comments or the hot board.

    A listing is read until a whole page was there in the last complete run, pinned statuses aside. What an incomplete
    run stored does not count: the pages behind it were never read.
    """

    kind = "weibo"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "mode": "search (default), user, status, comments or hot",
            "query": "search: the words; several searches are separated by |",
            "type": "search: 61 latest first (default), 1 as Weibo ranks them",
            "uid": "user: the user's number",
            "id": "status, comments: the status's number",
            "pages": f"most pages per run and search ({MOST_PAGES})",
        }
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        before = self.previous.get("seen")
        self._before = [str(each) for each in before] if isinstance(before, list) else []
        self._complete_before = frozenset(self._before)
        self._seen: dict[str, None] = {}
        self._read: dict[str, set[str]] = {}
        self._asked: set[str] = set()

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for a mode that there is not, or that lacks the option it needs."""
        number(source, "pages", MOST_PAGES)
        mode = source.options.get("mode", "search")
        if mode not in REQUIRED:
            modes = "、".join(REQUIRED)
            raise ConfigError(
                f"信源 {source.id}：选项 mode = {mode!r} 不可用。", reason="bad_value", hint=f"可用：{modes}。"
            )
        required = REQUIRED[mode]
        if required and not source.options.get(required, "").strip("| "):
            raise ConfigError(
                f"信源 {source.id}：mode = {mode!r} 时要有选项 {required}。",
                reason="bad_value",
                hint=f"{required} 的含义：{cls.options[required]}。",
            )

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the first page."""
        for request in self._first_requests(self.option("mode", "search")):
            yield request

    def cursor(self) -> Mapping[str, object]:
        """Return the ids seen in this and earlier complete runs, the latest first."""
        return {"seen": list(dict.fromkeys([*self._seen, *self._before]))[:REMEMBERED]}

    def _first_requests(self, mode: str) -> Iterator[Request]:
        uid, status = self.option("uid"), self.option("id")
        if mode == "search":
            for query in self.option("query").split("|"):
                if query.strip():
                    yield self._search_page(query.strip(), 1)
        elif mode == "user":
            yield self._ask("/api/container/getIndex", {"type": "uid", "value": uid}, self.parse_profile)
        elif mode == "status":
            yield self._ask("/statuses/show", {"id": status}, self.parse_one)
        elif mode == "comments":
            yield self._comments_page("", "0", 1)
        else:
            yield self._ask("/api/container/getIndex", {"containerid": HOT_BOARD}, self.parse_hot)

    def _ask(self, path: str, asked: Mapping[str, str], callback: Any, **kwargs: Any) -> Request:
        base = self.source.address.rstrip("/")
        url = f"{base}{path}?{urlencode(asked, quote_via=quote)}"
        headers = {**HEADERS, "Referer": f"{base}/"}
        return self.get(url, callback, essential=True, headers=headers, cb_kwargs=kwargs)

    def _search_page(self, query: str, page: int) -> Request:
        container = f"100103type={self.option('type', REALTIME)}&q={query}"
        asked = {"containerid": container, "page_type": "searchall", "page": str(page)}
        return self._ask("/api/container/getIndex", asked, self.parse_search, query=query, page=page)

    def _timeline_page(self, container: str, since_id: str, page: int) -> Request:
        asked = {"type": "uid", "value": self.option("uid"), "containerid": container}
        asked |= {"since_id": since_id} if since_id else {}
        return self._ask("/api/container/getIndex", asked, self.parse_timeline, container=container, page=page)

    def _comments_page(self, max_id: str, max_id_type: str, page: int) -> Request:
        status = self.option("id")
        asked = {"id": status, "mid": status, "max_id_type": max_id_type} | ({"max_id": max_id} if max_id else {})
        return self._ask("/comments/hotflow", asked, self.parse_comments, page=page)

    async def parse_search(self, response: Response, query: str, page: int) -> AsyncIterator[Item]:
        """Yield a page's statuses and the request for the next page."""
        data = self._data(response)
        if data is None:
            return
        statuses = statuses_of(data)
        for item in self._statuses(response, statuses):
            yield item
        if self._goes_on(query, statuses, page):
            yield self._search_page(query, page + 1)

    async def parse_profile(self, response: Response) -> AsyncIterator[Item]:
        """Yield the request for a user's timeline."""
        data = self._data(response)
        if data is not None:
            yield self._timeline_page(timeline_container(data, self.option("uid")), "", 1)

    async def parse_timeline(self, response: Response, container: str, page: int) -> AsyncIterator[Item]:
        """Yield a page's statuses and the request for the next page."""
        data = self._data(response)
        if data is None:
            return
        statuses = statuses_of(data)
        for item in self._statuses(response, statuses):
            yield item
        since_id = next_since_id(data)
        if since_id and self._goes_on(container, statuses, page):
            yield self._timeline_page(container, since_id, page + 1)

    async def parse_one(self, response: Response) -> AsyncIterator[Item]:
        """Yield a single status."""
        data = self._data(response)
        status = parse_status(data) if data is not None else None
        if status is not None:
            # This is the answer that a long status's full text is asked from: asking again would bring nothing new.
            for item in self._statuses(response, [replace(status, is_long=False)]):
                yield item
        elif data is not None:
            yield self.rejected(response.url, "malformed", "没有这条微博的数据。", response.body)

    async def parse_comments(self, response: Response, page: int) -> AsyncIterator[Item]:
        """Yield a page's comments and the request for the next page."""
        data = self._data(response)
        if data is None:
            return
        comments = comments_of(data)
        root = self.post_id(self.option("id"))
        for comment in comments:
            self._note(comment)
            parent = self.post_id(comment.parent) if comment.parent else root
            for item in self._post(response, replace(comment, bid=self.option("id")), parent, root):
                yield item
        max_id, max_id_type = next_comments(data)
        if max_id and self._goes_on("comments", comments, page):
            yield self._comments_page(max_id, max_id_type, page + 1)

    async def parse_hot(self, response: Response) -> AsyncIterator[Item]:
        """Yield the hot board's titles, each once a day."""
        data = self._data(response)
        titles = hot_titles(data) if data is not None else []
        self.outcome.listed += len(titles)
        at = self.fetched(response).at.astimezone(SHANGHAI)
        for each in titles:
            url = each.url if each.url.startswith(("http://", "https://")) else ""
            source_id = f"{at:%Y-%m-%d} {each.title}"
            yield self.found(
                response, source_id=source_id, text=each.title, url=url, published_at=at, channel=Channel.BOARD
            )

    async def parse_full_text(self, response: Response, status: Status, short: Found) -> AsyncIterator[Item]:
        """Yield a long status with its full text, or as it stood in the listing."""
        data = self._data(response, essential=False)
        markup = full_text_of(data) if data is not None else ""
        whole = self._post(response, replace(status, markup=markup), short.post.parent_id, short.post.root_id)
        items = list(whole) if markup else []
        for item in items if any(isinstance(item, Found) for item in items) else (*items, short):
            yield item

    async def without_full_text(self, failure: Failure) -> AsyncIterator[Item]:
        """Note why the full text could not be had, and yield the status as it stood in the listing."""
        async for reject in self.failed(failure):
            yield reject
        yield failure.request.cb_kwargs["short"]  # type: ignore[attr-defined]

    def _data(self, response: Response, *, essential: bool = True) -> Json | None:
        """Return the data of an answer, None after noting why there is none."""
        answer = read_answer(response.body)
        if answer.state in ("", "empty"):
            return answer.data
        self.trouble(answer.state, f"{answer.reason}：{response.url}", essential=essential)
        if answer.state == "failing":
            self.task.take(self.rejected(response.url, "malformed", answer.reason, response.body))
        return None

    def _goes_on(self, listing: str, statuses: Iterable[Status], page: int) -> bool:
        """Return whether the next page may hold something that neither this run nor the last complete one has seen."""
        ids = {status.id for status in statuses if not status.pinned}
        read = self._read.setdefault(listing, set())
        unread = ids - read
        read |= ids
        if not unread or unread <= self._complete_before or self._blocked():
            return False
        if page < number(self.source, "pages", MOST_PAGES):
            return True
        self.logger.warning("%s: stopped after %d pages with new statuses on the last", self.source.id, page)
        return False

    def _note(self, status: Status) -> None:
        self.outcome.listed += 1
        self._seen[status.id] = None

    def _blocked(self) -> bool:
        return any(trouble.state == "blocked" for trouble in self.outcome.troubles)

    def _statuses(self, response: Response, statuses: Iterable[Status]) -> Iterator[Item]:
        """Yield statuses, each after the original it reposts."""
        for status in statuses:
            self._note(status)
            original = status.original
            root = self.post_id(original.id) if original else ""
            if original and not original.deleted:
                yield from self._whole(response, original, "", "")
            parent = self.post_id(status.parent) if root and status.parent else root
            yield from self._whole(response, status, parent, root)

    def _whole(self, response: Response, status: Status, parent: str, root: str) -> Iterator[Item]:
        """Yield a status, or for a long one the request for its full text."""
        for item in self._post(response, status, parent, root):
            if not isinstance(item, Found) or not status.is_long or self._blocked():
                yield item
            elif status.id not in self._asked and not self.task.known([item.post.id]):
                self._asked.add(status.id)  # an original that many repost is asked for once
                asked = {"id": status.bid or status.id}
                request = self._ask("/statuses/show", asked, self.parse_full_text, status=status, short=item)
                yield request.replace(errback=self.without_full_text, meta={**request.meta, "essential": False})

    def _post(self, response: Response, status: Status, parent: str, root: str) -> Iterator[Found | Reject]:
        """Yield a status as a post, or why it cannot be one; a time that makes no sense is left out and noted."""
        url = f"{self.source.address.rstrip('/')}/status/{status.bid or status.id}"
        place = f"{url}#{status.id}"
        try:
            text = status.text
        except InputError as error:
            yield self.rejected(place, error.reason, error.message, status.markup.encode())
            return
        if not text or status.deleted:
            yield self.rejected(place, "empty_text", "微博已被删除。" if status.deleted else "正文是空的。")
            return
        moment = parse_time(status.written, self.fetched(response).at)
        yield self.found(
            response,
            source_id=status.id,
            text=text,
            title=status.title,
            url=url,
            author=status.user_name,
            author_id=status.user_id,
            published_at=moment,
            region=self.source.region,
            parent_id=parent,
            root_id=root,
            reposts=status.reposts,
            comments=status.comments,
            likes=status.likes,
        )
        if moment is None and status.written:
            yield self.rejected(place, "bad_time", f"时间无法识别：{status.written[:50]}；帖子已按时间不详收下。")
