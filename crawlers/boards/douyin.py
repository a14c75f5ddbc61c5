"""抖音热点榜; an empty body, or the word "blocked", is how it refuses."""

from __future__ import annotations

from crawlers.answers import Json, identifier_of, json_object, malformed, title_of
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    lines = object_of(json_object(text).get("data")).get("word_list")
    if not isinstance(lines, list):
        raise malformed("抖音热点榜的应答里没有列表")
    return hot([_entry(each) for each in objects_of(lines)])


def _entry(line: Json) -> Entry:
    sentence = identifier_of(line.get("sentence_id"))
    url = f"https://www.douyin.com/hot/{sentence}" if sentence else ""
    return Entry(title=title_of(line.get("word")), url=url)


PATH = "/aweme/v1/web/hot/search/list/?device_platform=webapp&aid=6383&channel=channel_pc_web&detail_list=1"
BOARD = Board(PATH, read)
