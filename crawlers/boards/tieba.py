"""贴吧热议榜."""

from __future__ import annotations

from crawlers.answers import Json, identifier_of, json_object, malformed, title_of, web_address
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of, text_of

TOPIC_PAGE = "https://tieba.baidu.com/hottopic/browse/hottopic?topic_id="


def read(text: str, _: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    topics = object_of(object_of(json_object(text).get("data")).get("bang_topic")).get("topic_list")
    if not isinstance(topics, list):
        raise malformed("贴吧热议榜的应答里没有列表")
    return hot([_entry(each) for each in objects_of(topics)])


def _entry(topic: Json) -> Entry:
    number = identifier_of(topic.get("topic_id"))
    # In JSON the address comes as it stands in HTML (&amp;).
    address = web_address(text_of(topic.get("topic_url")).replace("&amp;", "&"))
    return Entry(
        title=title_of(topic.get("topic_name")),
        url=address or (f"{TOPIC_PAGE}{number}" if number else ""),
        text=text_of(topic.get("topic_desc")),
    )


BOARD = Board("/hottopic/browse/topicList", read)
