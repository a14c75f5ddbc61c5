"""知乎热榜, in both shapes: hot-list-web (title_area) and hot-lists/total (title)."""

from __future__ import annotations

import re

from crawlers.answers import json_object, malformed, refused, title_of, web_address
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of, text_of

# The API's own address of a question, which no browser can show.
API_QUESTION = re.compile(r"https?://api\.zhihu\.com/questions/(\d{1,20})")


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    answer = json_object(text)
    error = object_of(answer.get("error"))
    if error:
        raise refused(f"知乎拒绝了请求（{text_of(error.get('message'))[:100]}）")
    if not isinstance(answer.get("data"), list):
        raise malformed("知乎热榜的应答里没有列表")
    return hot([_entry(object_of(each.get("target"))) for each in objects_of(answer["data"])])


def _entry(target: object) -> Entry:
    found = object_of(target)
    address = object_of(found.get("link")).get("url") or found.get("url")
    question = API_QUESTION.match(text_of(address))
    return Entry(
        title=title_of(object_of(found.get("title_area")).get("text")) or title_of(found.get("title")),
        url=f"https://www.zhihu.com/question/{question[1]}" if question else web_address(address),
        text=text_of(object_of(found.get("excerpt_area")).get("text") or found.get("excerpt")),
    )


BOARD = Board("/api/v3/feed/topstory/hot-list-web?limit=50&desktop=true", read)
