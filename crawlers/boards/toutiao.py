"""今日头条热榜."""

from __future__ import annotations

from crawlers.answers import Json, identifier_of, json_object, malformed, title_of, web_address
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import objects_of


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    lines = json_object(text).get("data")
    if not isinstance(lines, list):
        raise malformed("头条热榜的应答里没有列表")
    return hot([_entry(each) for each in objects_of(lines)])


def _entry(line: Json) -> Entry:
    cluster = identifier_of(line.get("ClusterIdStr")) or identifier_of(line.get("ClusterId"))
    page = f"https://www.toutiao.com/trending/{cluster}/" if cluster else web_address(line.get("Url"))
    return Entry(title=title_of(line.get("Title")), url=page)


BOARD = Board("/hot-event/hot-board/?origin=toutiao_pc", read)
