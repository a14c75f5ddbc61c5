"""Politeness as Scrapy middleware: robots.txt that fails closed, Crawl-delay, and each host's pace."""

from __future__ import annotations

from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

from crawlers.kinds import Refused, task_of
from crawlers.pace import Pace

# A longer Crawl-delay than this leaves no room for a run within a usual cadence: such a host is not collected.
LONGEST_CRAWL_DELAY = 120.0


class PaceMiddleware:
    """Holds every request until its host's turn: articles, redirects, retries and robots.txt alike."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> PaceMiddleware:
        """Return the middleware of a crawler."""
        return cls(task_of(crawler).pace)

    async def process_request(self, request: Request) -> None:
        """Wait for the host's turn."""
        host = urlsplit(request.url).hostname or ""
        request.meta["autothrottle_dont_adjust_delay"] = self.pace.is_free(host)
        await self.pace.wait(host)


class _Closed(RobotParser):
    """Stands for a robots.txt that could not be had: nothing is allowed (RFC 9309, 2.3.1.4)."""

    @classmethod
    def from_crawler(cls, crawler: Crawler, robotstxt_body: bytes) -> _Closed:  # noqa: ARG003
        return cls()

    def allowed(self, url: str | bytes, user_agent: str | bytes) -> bool:  # noqa: ARG002
        return False


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's robots.txt middleware, failing closed and honouring Crawl-delay.

    Scrapy allows everything when robots.txt cannot be fetched and ignores Crawl-delay; RFC 9309 wants 5xx and
    unreachable to mean "complete disallow" and 4xx to mean "no rules".
    """

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        if response.status >= 500 or response.status == 429:
            raise ConnectionError(f"robots.txt answered {response.status}")
        if response.status >= 400:
            response = response.replace(body=b"")
        await super()._parse_robots(response, netloc, request)

    def _robots_error(self, exc: Exception, netloc: str) -> None:
        super()._robots_error(exc, netloc)
        self._parsers[netloc] = _Closed()

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Let an allowed request pass; raises Refused with what the operator should know."""
        host = urlsplit(request.url).hostname or ""
        if rp is None or isinstance(rp, _Closed):
            raise Refused("failing", f"{host} 的 robots.txt 暂时取不到，按不允许处理，稍后再试", lasting=False)
        if not rp.allowed(request.url, self._default_useragent):
            self._stats.inc_value("robotstxt/forbidden")
            raise Refused("blocked", f"robots.txt 不允许采集：{request.url}")
        delay = rp.crawl_delay(self._default_useragent)
        if delay and delay > LONGEST_CRAWL_DELAY:
            raise Refused("blocked", f"{host} 要求每次间隔 {delay:.0f} 秒，过长，不予采集")
        if delay:
            task_of(self.crawler).pace.slow_down(host, delay)
