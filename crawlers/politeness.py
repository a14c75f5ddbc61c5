"""Politeness as Scrapy middleware: robots.txt that fails closed, Crawl-delay, and each host's pace."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http.request import NO_CALLBACK
from scrapy.robotstxt import ProtegoRobotParser, RobotParser

from crawlers.kinds import CAUSES, Refused, cause_of, spider_of

# A longer Crawl-delay than this leaves no room for a run within a usual cadence: such a host is not collected.
LONGEST_CRAWL_DELAY = 120.0
UNAVAILABLE = "{} 的 robots.txt 暂时取不到（{}），按不允许处理，稍后再试"


class PaceMiddleware:
    """Holds every request until its host's turn: articles, redirects, retries and robots.txt alike."""

    def __init__(self, crawler: Crawler) -> None:
        self.spider = spider_of(crawler)
        self.pace = self.spider.task.pace

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PaceMiddleware:
        """Return the middleware of a crawler."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Wait for the host's turn; raises Refused if the run has meanwhile been shut out."""
        host = urlsplit(request.url).hostname or ""
        request.meta["autothrottle_dont_adjust_delay"] = self.pace.is_free(host)
        await self.pace.wait(host)
        if self.spider.is_shut_out:
            raise Refused("blocked", f"对方已拒绝采集，本次不再请求其余页面：{request.url}", lasting=False)


class RobotsMiddleware:
    """Lets a request pass if the host's robots.txt allows it; asks each host once per run.

    In place of Scrapy's own, which allows everything when robots.txt cannot be had and ignores Crawl-delay. RFC 9309
    (2.3.1) wants unreachable and 5xx to mean "complete disallow", and 4xx to mean "no rules".
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.pace = spider_of(crawler).task.pace
        self.user_agent = str(crawler.settings["USER_AGENT"])
        self._rules: dict[str, asyncio.Task[RobotParser]] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> RobotsMiddleware:
        """Return the middleware of a crawler."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let an allowed request pass; raises Refused with what the operator should know."""
        if request.meta.get("is_robots_txt"):
            return
        parts = urlsplit(request.url)
        host, origin = parts.hostname or "", f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            self._rules[origin] = asyncio.ensure_future(self._fetch(origin, host))
        rules = await self._rules[origin]
        if not rules.allowed(request.url, self.user_agent):
            raise Refused("blocked", f"robots.txt 不允许采集：{request.url}")
        delay = rules.crawl_delay(self.user_agent)
        if delay and delay > LONGEST_CRAWL_DELAY:
            raise Refused("blocked", f"{host} 要求每次间隔 {delay:.0f} 秒，过长，不予采集")
        if delay:
            self.pace.slow_down(host, delay)

    async def _fetch(self, origin: str, host: str) -> RobotParser:
        """Return a host's rules; raises Refused if they cannot be had just now."""
        request = Request(f"{origin}/robots.txt", callback=NO_CALLBACK, meta={"is_robots_txt": True}, dont_filter=True)
        try:
            response = await self.crawler.engine.download_async(request)
        except tuple(CAUSES) as error:
            raise Refused("failing", UNAVAILABLE.format(host, cause_of(error)), lasting=False) from error
        if response.status >= 500 or response.status == 429:
            raise Refused("failing", UNAVAILABLE.format(host, f"HTTP {response.status}"), lasting=False)
        body = b"" if response.status >= 400 else response.body
        return ProtegoRobotParser.from_crawler(self.crawler, body)
