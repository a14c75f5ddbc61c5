"""Kind `messageboard`: the newest messages to an official on 人民网's 领导留言板, as its unsigned JSONP gives them.

The board's other interfaces want a signature that was taken out of its front end; they are not used. What is read here
is the JSONP's name and call-back, as public code has them; names of fields are those of the board's other answers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from scrapy import Request
from scrapy.http import Response

from crawlers.answers import Json, Said, identifier_of, json_value, malformed
from crawlers.kinds import Found
from crawlers.platforms import PlatformSpider
from crawlers.values import object_of, objects_of, text_of
from qingting.config import SourceConfig
from qingting.errors import ConfigError
from qingting.model import Reject

MESSAGE_PAGE = "https://liuyan.people.com.cn/threads/content?tid="
LISTS = ("data", "responseData", "threads", "list", "result")
TIMES = ("createDateline", "threadsCheckTime", "dateline", "createTime")
# Envelopes lie in envelopes; two levels are known of the board's other answers.
DEEPEST_LIST = 3


class MessageboardSpider(PlatformSpider):
    """Reads the newest messages to each of some officials or departments."""

    kind = "messageboard"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"fid": "numbers of the officials or departments (fid in the address of their page), separated by commas"}
    )

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) without the number of anybody."""
        numbers = _numbers(source)
        if not numbers or any(not identifier_of(each) for each in numbers):
            raise ConfigError(
                f"信源 {source.id}：选项 fid = {source.options.get('fid', '')!r} 不可用。",
                reason="bad_value",
                hint="例如 571，或 571,572：留言对象页面地址里 fid= 后面的数字。",
            )

    def cursor(self) -> Mapping[str, object]:
        """Return nothing: there is one short page for each."""
        return {}

    async def start(self) -> AsyncIterator[Any]:
        """Ask for the newest messages to each."""
        for each in _numbers(self.source):
            yield self.ask(f"{self.base}/new_threads_{each}.jsonp", self.parse_messages)

    async def parse_messages(self, response: Response) -> AsyncIterator[Found | Reject | Request]:
        """Yield the messages."""
        messages = self.read(response, messages_of)
        if messages is None:
            return
        self.outcome.listed += len(messages)
        for item in self.posts(response, messages):
            yield item


def messages_of(text: str) -> list[Said]:
    """Return the messages that a JSONP answer holds. Raises CrawlError(blocked | malformed)."""
    lines = _list_in(json_value(text), 1)
    if lines is None:
        raise malformed("领导留言板的应答里没有列表")
    messages = (_message(each) for each in objects_of(lines))
    return [message for message in messages if message is not None]


def _list_in(value: object, depth: int) -> list[object] | None:
    """Return a list, or the first one that lies in an envelope."""
    if isinstance(value, list):
        return value
    inner = (object_of(value).get(name) for name in LISTS) if depth < DEEPEST_LIST else ()
    return next((found for found in (_list_in(each, depth + 1) for each in inner) if found is not None), None)


def _message(value: Json) -> Said | None:
    number = identifier_of(value.get("tid"))
    if not number:
        return None
    return Said(
        id=number,
        markup=text_of(value.get("content")),
        heading=text_of(value.get("subject")),
        written=next((text for text in (text_of(value.get(name)) for name in TIMES) if text not in ("", "0")), ""),
        url=f"{MESSAGE_PAGE}{number}",
        author=text_of(value.get("nickName")),
        author_id=identifier_of(value.get("userId")),
    )


def _numbers(source: SourceConfig) -> list[str]:
    return [each.strip() for each in source.options.get("fid", "").split(",") if each.strip()]
