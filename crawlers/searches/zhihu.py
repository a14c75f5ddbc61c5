"""知乎's search, in the JSON of /api/v4/search_v3; visitors are often refused, which is then said."""

from __future__ import annotations

from urllib.parse import quote

from crawlers.answers import Json, Said, identifier_of, json_object, malformed, refused
from crawlers.searches import Search
from crawlers.values import count_of, object_of, objects_of, text_of

PAGE_SIZE = 20
KINDS = ("search_result", "zvideo")


def path(words: str, page: int) -> str:
    """Return a page's address, newest first."""
    offset = (page - 1) * PAGE_SIZE
    return f"/api/v4/search_v3?t=general&q={quote(words)}&offset={offset}&limit={PAGE_SIZE}&sort=created_time"


def read(text: str) -> list[Said]:
    """Return a page's answers, articles and videos. Raises CrawlError(blocked | malformed)."""
    answer = json_object(text)
    error = object_of(answer.get("error"))
    if error:
        raise refused(f"知乎拒绝了请求（{text_of(error.get('message'))[:100]}）")
    if not isinstance(answer.get("data"), list):
        raise malformed("知乎搜索的应答里没有列表")
    results = [each for each in objects_of(answer["data"]) if each.get("type") in KINDS]
    found = (_said(object_of(each.get("object"))) for each in results)
    return [said for said in found if said is not None]


def _said(thing: Json) -> Said | None:
    kind, number = text_of(thing.get("type")), identifier_of(thing.get("id"))
    question = object_of(thing.get("question"))
    pages = {
        "answer": f"https://www.zhihu.com/answer/{number}",  # leads to the answer below its question
        "article": f"https://zhuanlan.zhihu.com/p/{number}",
        "zvideo": f"https://www.zhihu.com/zvideo/{number}",
    }
    if not number or kind not in pages:
        return None
    author = object_of(thing.get("author"))
    return Said(
        id=f"{kind}-{number}",
        markup=text_of(thing.get("content")) or text_of(thing.get("excerpt")),
        heading=text_of(thing.get("title")) or text_of(question.get("name")) or text_of(question.get("title")),
        written=text_of(thing.get("created_time")) or text_of(thing.get("created")),
        url=pages[kind],
        author=text_of(author.get("name")),
        author_id=text_of(author.get("id")),
        comments=count_of(thing.get("comment_count")),
        likes=count_of(thing.get("voteup_count")),
    )


SEARCH = Search(path, read)
