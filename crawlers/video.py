"""Kind `video`: what B站 shows to visitors of a search for videos, of one video, and of the comments on them.

No login, no signature: where B站 wants either, the source is blocked, and says so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

from scrapy import Request
from scrapy.http import Response

from crawlers.answers import Said
from crawlers.bilibili import BV, comments_on, found_videos, shown_video
from crawlers.kinds import Found
from crawlers.options import number, switch
from crawlers.platforms import MOST_PAGES, REMEMBERED, PlatformSpider, with_query
from qingting.config import SourceConfig
from qingting.errors import ConfigError
from qingting.model import Reject

VIDEO_COMMENTS = "1"
BY_TIME = "0"
REQUIRED = {"search": "query", "comments": "id"}

Item = Found | Reject | Request


class VideoSpider(PlatformSpider):
    """Reads a search for videos, newest first, or one video; comments follow the video that they are on."""

    kind = "video"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "mode": "search (default), or comments: one video and its comments",
            "query": "search: the words; several searches are separated by |",
            "comments": "search: yes to read the comments of each video found, whenever it has more of them",
            "id": "comments: the video's number, BV… or av…",
            "pages": f"most pages per run of each search and of each video's comments ({MOST_PAGES})",
        }
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counted = self.previous.get("comments")
        self._counted = {str(k): v for k, v in counted.items()} if isinstance(counted, Mapping) else {}
        self._asked: set[str] = set()

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for a mode that there is not, or that lacks the option it needs."""
        number(source, "pages", MOST_PAGES)
        switch(source, "comments")
        mode = source.options.get("mode", "search")
        if mode not in REQUIRED:
            raise _bad(source, "mode", mode, f"可用：{'、'.join(REQUIRED)}。")
        wanted = source.options.get(REQUIRED[mode], "").strip("| ")
        if not wanted or (mode == "comments" and not (BV.fullmatch(wanted) or _number_of(wanted))):
            raise _bad(source, REQUIRED[mode], wanted, f"{REQUIRED[mode]} 的含义：{cls.options[REQUIRED[mode]]}。")

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the first page of each search, or for the video."""
        if not self._is_single:
            for query in self.option("query").split("|"):
                if query.strip():
                    yield self._search_page(query.strip(), 1)
        else:
            wanted = self.option("id").strip()
            asked = {"bvid": wanted} if BV.fullmatch(wanted) else {"aid": _number_of(wanted)}
            yield self.ask(with_query(f"{self.base}/x/web-interface/view", asked), self.parse_video)

    def cursor(self) -> Mapping[str, object]:
        """Return the ids seen, and how many comments each video had when they were last read."""
        return {**super().cursor(), "comments": dict(list(self._counted.items())[-REMEMBERED:])}

    @property
    def _is_single(self) -> bool:
        return self.option("mode", "search") == "comments"

    def _search_page(self, query: str, page: int) -> Request:
        asked = {"search_type": "video", "keyword": query, "order": "pubdate", "page": str(page)}
        address = with_query(f"{self.base}/x/web-interface/search/type", asked)
        return self.ask(address, self.parse_search, query=query, page=page)

    def _comments_page(self, video: str, page: int) -> Request:
        asked = {"type": VIDEO_COMMENTS, "oid": video.removeprefix("av"), "sort": BY_TIME, "pn": str(page)}
        address = with_query(f"{self.base}/x/v2/reply", asked)
        # Of a search's many videos one may have lost its comments; of a single one they are all there is to read.
        return self.ask(address, self.parse_comments, essential=self._is_single, video=video, page=page)

    async def parse_search(self, response: Response, query: str, page: int) -> AsyncIterator[Item]:
        """Yield a page's videos, the requests for their comments and the one for the next page."""
        videos = self.read(response, found_videos)
        if videos is None:
            return
        for item in self.posts(response, videos):
            yield item
        if switch(self.source, "comments"):
            for request in self._comments_of(videos):
                yield request
        if self.goes_on(query, [video.id for video in videos], page):
            yield self._search_page(query, page + 1)

    async def parse_video(self, response: Response) -> AsyncIterator[Item]:
        """Yield the video and the request for its comments."""
        videos = self.read(response, shown_video)
        if videos == []:
            self.trouble("failing", f"没有这个视频，或已不可见：{response.url}")
        for video in videos or []:
            self.outcome.listed += 1
            for item in self.posts(response, [video]):
                yield item
            yield self._comments_page(video.id, 1)

    async def parse_comments(self, response: Response, video: str, page: int) -> AsyncIterator[Item]:
        """Yield a page's comments and the request for the next page."""
        comments = self.read(response, partial(comments_on, video=video), essential=self._is_single)
        if comments is None:
            return
        for item in self.posts(response, comments):
            yield item
        if self.goes_on(video, [comment.id for comment in comments], page):
            yield self._comments_page(video, page + 1)

    def _comments_of(self, videos: list[Said]) -> Iterator[Request]:
        """Yield the requests for the comments of those videos that have more of them than when they were last read."""
        for video in videos:
            count = video.comments or 0
            if count and count != self._counted.get(video.id) and video.id not in self._asked:
                self._asked.add(video.id)
                self._counted.pop(video.id, None)  # to its new place, the last
                self._counted[video.id] = count
                yield self._comments_page(video.id, 1)


def _number_of(text: str) -> str:
    """Return the digits of an old number (av170001 or 170001), '' for anything else."""
    digits = text.lower().removeprefix("av")
    return digits if digits.isascii() and digits.isdigit() else ""


def _bad(source: SourceConfig, name: str, value: str, hint: str) -> ConfigError:
    return ConfigError(f"信源 {source.id}：选项 {name} = {value!r} 不可用。", reason="bad_value", hint=hint)
