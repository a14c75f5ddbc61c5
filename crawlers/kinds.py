"""Kinds of source: what a kind offers, and how it is found.

A kind is one file in this folder with one subclass of SourceSpider that names itself in `kind`; nothing else has to
be told about it. Its sample site and the posts expected from it lie in tests/crawlers/data/kinds/KIND/, where one
test runs every registered kind.
"""

from __future__ import annotations

import difflib
import functools
import hashlib
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from scrapy import Request, Spider
from scrapy.crawler import Crawler
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response
from scrapy.spidermiddlewares.httperror import HttpError

import crawlers
from crawlers.pace import Pace
from crawlers.privacy import Pseudonyms, masked, scrubbed
from qingting.config import SourceConfig
from qingting.errors import ConfigError, CrawlError
from qingting.model import Channel, Post, Reject, stable_id

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from crawlers.extract import Article

# What anti-crawling measures answer with: 403, and Weibo's 418 and 432. None of them is ever retried within a run.
BLOCKED = frozenset({403, 418, 432})
# 403 may concern one page; these two are meant for the visitor.
SHOWN_THE_DOOR = frozenset({418, 432})
# After so many refusals in one run the rest of it is not even asked for.
SHUT_OUT = 3
GONE = frozenset({404, 410})
NOT_MODIFIED = 304
CHARSET = re.compile(r"""charset\s*=\s*["']?([\w:.-]+)""", re.IGNORECASE)
# A reject is kept for people to look at, not to be processed again: its first bytes are enough.
REJECT_BYTES = 4096
CAUSES: Mapping[type[Exception], str] = {
    CannotResolveHostError: "域名无法解析，或解析到内网地址",
    DownloadConnectionRefusedError: "连接被拒绝",
    DownloadTimeoutError: "超时未应答",
    DownloadCancelledError: "应答过大",
    ResponseDataLossError: "应答不完整",
    DownloadFailedError: "连接失败，或证书不可信",
}
CHANNELS = {str(each): each for each in Channel}


class Refused(IgnoreRequest):
    """A request that Qingting itself will not send: the health state, the reason in Chinese, and whether for good."""

    def __init__(self, state: str, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason
        self.lasting = lasting


@dataclass(frozen=True)
class Fetched:
    """What a server answered: the evidence behind the posts parsed from it."""

    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime

    @functools.cached_property
    def digest(self) -> str:
        """Return the SHA-256 of the body in hexadecimal."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """A post together with the answer it was parsed from."""

    post: Post
    fetched: Fetched


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that made a run incomplete: 'blocked' or 'failing', why (in Chinese), and whether all hung on it."""

    state: str
    reason: str
    essential: bool = True


@dataclass(slots=True)
class Outcome:
    """What a run has met so far.

    `listed` counts the entries recognised on listings, known ones included, for kinds that skip known entries.
    """

    troubles: list[Trouble] = field(default_factory=list)
    unchanged: bool = False
    listed: int = 0


@dataclass(frozen=True, slots=True)
class Task:
    """What a spider is given: its source, what `cursor()` said after the last complete run, and its tools.

    `known` returns those of the post ids that are stored or not wanted; nothing from before `oldest` is wanted.
    `extract` is crawlers.extract.extract, perhaps in another process; `take` hands an item to the recorder.
    """

    source: SourceConfig
    previous: Mapping[str, object]
    clock: Callable[[], datetime]
    pseudonyms: Pseudonyms
    known: Callable[[Collection[str]], set[str]]
    extract: Callable[[bytes, str, datetime, str | None], Awaitable[Article]]
    take: Callable[[Found | Post | Reject], None]
    pace: Pace
    contact: str = ""
    loopback_ports: tuple[int, ...] = ()
    oldest: datetime | None = None


class SourceSpider(Spider):
    """The base of every kind: one instance is one run of one source.

    A kind sets `kind` and `options` (name -> what it does), yields Request, Found, Post and Reject from `start` and
    its callbacks, and answers `cursor()`. Requests are made by `get`, posts by `found`. A trouble reported, or an
    exception raised by a callback, makes the run incomplete: its posts are kept, its cursor is not advanced.
    """

    kind: ClassVar[str] = ""
    options: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(self, task: Task, **kwargs: Any) -> None:
        super().__init__(name=self.kind, **kwargs)
        self.task = task
        self.source = task.source
        self.previous = task.previous
        self.outcome = Outcome()

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError for an option whose value cannot be followed (see crawlers.options); none by default."""

    async def start(self) -> AsyncIterator[Any]:
        """Yield the first requests (or, where there is nothing to request, the posts themselves)."""
        raise NotImplementedError
        yield

    def cursor(self) -> Mapping[str, object]:
        """Return how far this run has come, as JSON; asked once, at the end, and kept if the run was complete."""
        return {}

    def committed(self) -> None:
        """Do what may only happen once everything of this run is in the store; nothing by default."""

    def option(self, name: str, default: str = "") -> str:
        """Return a declared option of the source."""
        if name not in self.options:
            raise KeyError(name)
        return self.source.options.get(name, default)

    def get(self, url: str, callback: Callable[..., Any], *, essential: bool = False, **kwargs: Any) -> Request:
        """Return a request. Without an `essential` one nothing is left of the run, so its 404 is no mere reject."""
        meta = {"handle_httpstatus_list": [NOT_MODIFIED], "essential": essential, **kwargs.pop("meta", {})}
        # Scrapy's filter drops a second request without a word, a redirect to a visited page too; kinds know better.
        return Request(url, callback=callback, errback=self.failed, meta=meta, dont_filter=True, **kwargs)

    def validators(self, response: Response) -> dict[str, str]:
        """Return what a later conditional request needs: ETag, Last-Modified and the body's digest."""
        found = {"etag": _header(response, "ETag"), "modified": _header(response, "Last-Modified")}
        found["digest"] = hashlib.sha256(response.body).hexdigest()
        return {name: value for name, value in found.items() if value}

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask only for what has changed since the last complete run."""
        pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
        return {header: str(self.previous[key]) for header, key in pairs if self.previous.get(key)}

    def is_unchanged(self, response: Response) -> bool:
        """Return whether the server, or the body itself, says that nothing changed, and note it."""
        same = bool(response.body) and self.previous.get("digest") == hashlib.sha256(response.body).hexdigest()
        if response.status == NOT_MODIFIED or same:
            self.outcome.unchanged = True
            return True
        return False

    def trouble(self, state: str, reason: str, *, essential: bool = True) -> None:
        """Note what went wrong: state is 'blocked' or 'failing', the reason is shown to the operator in Chinese."""
        self.outcome.troubles.append(Trouble(state, reason, essential))

    @property
    def is_shut_out(self) -> bool:
        """Return whether the server has refused so much in this run that asking on would be a storm."""
        refusals = [each for each in self.outcome.troubles if each.state == "blocked"]
        return len(refusals) >= SHUT_OUT or any(each.essential for each in refusals)

    def post_id(self, source_id: str) -> str:
        """Return the stable id of a post of this source."""
        return stable_id("p", self.source.id, source_id)

    def found(self, response: Response, *, source_id: str, text: str, author: str = "", **fields: Any) -> Found:
        """Return a post parsed from a response; `author` is the plain name and leaves here masked and hashed.

        `author_id`, where a platform has one, is what the hash is made of; further fields are those of Post.
        """
        identity = fields.pop("author_id", "") or author
        fetched = self.fetched(response)
        fields.setdefault("channel", CHANNELS[self.source.channel])
        fields.setdefault("region", self.source.region)
        post = Post(
            id=self.post_id(source_id),
            source=self.source.id,
            source_id=source_id,
            text=text,
            fetched_at=fetched.at,
            author=masked(author) if author else "",
            author_key=self.task.pseudonyms.key_of(self.source.id, identity) if identity else "",
            evidence=fetched.digest,
            **fields,
        )
        return Found(post, fetched)

    def charset(self, response: Response) -> str | None:
        """Return the charset that the server names."""
        found = CHARSET.search(_header(response, "Content-Type"))
        return found.group(1) if found else None

    def settle(self, request: Request) -> None:
        """Learn that a request was rejected for good; kinds that would ask again in every run remember it."""

    def fetched(self, response: Response) -> Fetched:
        """Return a response as evidence, the same object for the same response."""
        kept = response.meta.get("fetched")
        if isinstance(kept, Fetched):
            return kept
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in _pairs(response))
        response.meta["fetched"] = fetched = Fetched(
            response.url, response.status, headers, response.body, self.task.clock()
        )
        return fetched

    def rejected(self, place: str, reason: str, detail: str, raw: bytes = b"") -> Reject:
        """Return a record of input that could not be taken; `reason` is one of InputError.REASONS."""
        return Reject(
            id=stable_id("r", self.source.id, place, reason),
            source=self.source.id,
            place=place,
            reason=reason,
            detail=detail,
            raw=scrubbed(raw[:REJECT_BYTES]),
            size=len(raw),
            at=self.task.clock(),
        )

    async def failed(self, failure: Failure) -> AsyncIterator[Reject]:
        """Note a request that came to nothing: what will never work is a reject, the rest makes the run incomplete."""
        request: Request = failure.request  # type: ignore[attr-defined]
        essential = bool(request.meta.get("essential"))
        lasting = None if essential else _lasting(failure.value)
        if lasting is None:
            state, reason = _passing(failure.value, request.url)
            meant = isinstance(failure.value, HttpError) and failure.value.response.status in SHOWN_THE_DOOR
            self.trouble(state, reason, essential=essential or meant)
        else:
            self.settle(request)
            yield self.rejected(request.url, *lasting)


def spider_of(crawler: Crawler) -> SourceSpider:
    """Return the spider that a crawler runs."""
    spider = crawler.spider
    if not isinstance(spider, SourceSpider):
        raise TypeError(f"{spider!r} is no SourceSpider")
    return spider


def _lasting(error: BaseException | None) -> tuple[str, str] | None:
    """Return the reject's reason and detail for a failure that another try would not mend, else None."""
    if isinstance(error, HttpError) and error.response.status in GONE:
        return "unreadable", f"页面已不存在（HTTP {error.response.status}）"
    if isinstance(error, DownloadCancelledError):
        return "too_large", "页面过大，未采集"
    if isinstance(error, Refused):
        return ("unsupported", error.reason) if error.lasting else None
    if isinstance(error, IgnoreRequest) and not isinstance(error, HttpError):
        return "unsupported", f"未采集：{error}"
    return None


def _passing(error: BaseException | None, url: str) -> tuple[str, str]:
    """Return the health state and the reason in Chinese for a failure that may pass, or that must be looked at."""
    if isinstance(error, Refused):
        return error.state, error.reason
    if isinstance(error, HttpError):
        status = error.response.status
        if status in BLOCKED:
            return "blocked", f"对方拒绝采集（HTTP {status}）：{url}"
        return "failing", f"对方返回 HTTP {status}：{url}"
    return "failing", f"{cause_of(error)}：{url}"


def cause_of(error: BaseException | None) -> str:
    """Return in Chinese what became of a request that got no answer."""
    known = next((cause for kind, cause in CAUSES.items() if isinstance(error, kind)), "")
    return known or f"取不到页面（{type(error).__name__}）"


def _header(response: Response, name: str) -> str:
    value = response.headers.get(name)
    return value.decode("latin-1") if value else ""


def _pairs(response: Response) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, values in response.headers.items() for value in values]


@functools.cache
def registry() -> Mapping[str, type[SourceSpider]]:
    """Return every kind by name: each module of this folder is looked at once."""
    kinds: dict[str, type[SourceSpider]] = {}
    for module_info in pkgutil.iter_modules(crawlers.__path__):
        module = importlib.import_module(f"crawlers.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, SourceSpider) and value.kind:
                kinds[value.kind] = value
    return MappingProxyType(kinds)


def spider_class(source: SourceConfig) -> type[SourceSpider]:
    """Return the class of a source's kind, its options checked.

    Raises CrawlError(unsupported) for an unknown kind and ConfigError(unknown_key | bad_value) for its options.
    """
    kinds = registry()
    if source.kind not in kinds:
        raise CrawlError(
            f"信源 {source.id}：类型 {source.kind!r} 不可用。", reason="unsupported", hint=_near(source.kind, kinds)
        )
    spider = kinds[source.kind]
    for name in source.options:
        if name not in spider.options:
            raise ConfigError(
                f"信源 {source.id}：{source.kind} 没有选项 {name!r}。",
                reason="unknown_key",
                hint=_near(name, spider.options),
            )
    spider.check(source)
    return spider


def _near(word: str, allowed: Collection[str]) -> str:
    near = difflib.get_close_matches(word, allowed, n=1)
    return f"是不是想写 {near[0]}？" if near else f"可用：{'、'.join(sorted(allowed)) or '（无）'}。"
