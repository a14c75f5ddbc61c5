"""百度热搜: JSON inside an HTML comment of the page, or what /api/board answers; the pinned line is left out."""

from __future__ import annotations

import json
from itertools import chain

from crawlers.answers import Json, json_object, malformed, refuse_refusals, title_of, web_address
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of, text_of

COMMENT = "<!--s-data:"


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    answer = _within_page(text) if text.lstrip()[:1] == "<" else json_object(text)
    cards = object_of(answer.get("data")).get("cards")
    if not isinstance(cards, list):
        raise malformed("百度热搜的应答里没有榜单")
    lines = [line for card in objects_of(cards)[:1] for line in _lines(card)]
    return hot([_entry(line) for line in lines if not line.get("isTop")])


def _within_page(page: str) -> Json:
    _, found, rest = page.partition(COMMENT)
    if not found:
        refuse_refusals(page)
        raise malformed("百度热搜的页面里没有数据")
    try:
        # The JSON itself may hold "-->", so its own end counts, not the comment's.
        value, _ = json.JSONDecoder().raw_decode(rest.lstrip())
    except (ValueError, RecursionError) as error:
        raise malformed("百度热搜的页面里的数据不是 JSON") from error
    return object_of(value)


def _lines(card: Json) -> list[Json]:
    """Return a card's lines; in the variant they lie one level deeper."""
    lines = objects_of(card.get("content"))
    return list(chain.from_iterable(objects_of(each["content"]) if "content" in each else [each] for each in lines))


def _entry(line: Json) -> Entry:
    return Entry(
        title=title_of(line.get("word")),
        url=web_address(line.get("rawUrl") or line.get("url")),
        text=text_of(line.get("desc")),
    )


BOARD = Board("/board?tab=realtime", read)
