"""B站's popular videos and ranking (one shape), and its hot words."""

from __future__ import annotations

from urllib.parse import quote

from crawlers.answers import Json, identifier_of, malformed, title_of
from crawlers.bilibili import answer_of, video_page
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of, text_of


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    answer = answer_of(text)
    lines = object_of(answer.get("data")).get("list", answer.get("list"))
    if not isinstance(lines, list):
        raise malformed("B站榜单的应答里没有列表")
    return hot([_video(each) if "title" in each else _word(each) for each in objects_of(lines)])


def _video(line: Json) -> Entry:
    aid = identifier_of(line.get("aid"))
    url = video_page(aid, line.get("bvid")) if aid or line.get("bvid") else ""
    return Entry(title=title_of(line.get("title")), url=url, text=text_of(line.get("desc")))


def _word(line: Json) -> Entry:
    word = title_of(line.get("keyword"))
    return Entry(
        title=title_of(line.get("show_name")) or word,
        url=f"https://search.bilibili.com/all?keyword={quote(word)}" if word else "",
    )


BOARD = Board("/x/web-interface/popular?ps=50&pn=1", read)
