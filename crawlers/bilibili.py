"""B站's JSON as what was said there: videos found by a search, one video, its comments. Free of I/O.

Shapes: /x/web-interface/search/type, /x/web-interface/view and /x/v2/reply, which need no WBI signature.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crawlers.answers import Json, Said, identifier_of, json_object, malformed, refused, web_address
from crawlers.values import count_of, object_of, objects_of, text_of

# 未登录, 风控, 未授权, 权限不足, 请求被拦截, 超出频率限制 (twice).
REFUSALS = frozenset({-101, -352, -401, -403, -412, -509, -799})
# 啥都木有, 稿件不可见, 评论区已关闭 (twice): an answer, and it says that there is nothing.
NOTHING = frozenset({-404, 62002, 12002, 12061})
VIDEO_PAGE = "https://www.bilibili.com/video/"
BV = re.compile(r"BV[0-9A-Za-z]{10}")
# Comments show some of their answers, answers none of their own.
DEEPEST_ANSWER = 2


def answer_of(text: str) -> Json:
    """Return a whole answer that is good or says that there is nothing. Raises CrawlError(blocked | malformed)."""
    answer = json_object(text)
    code, message = answer.get("code"), text_of(answer.get("message"))[:100]
    if code in REFUSALS or "v_voucher" in object_of(answer.get("data")):
        raise refused(f"B站拒绝了请求（code={code} {message}）")
    if code in NOTHING:
        return {}
    if code != 0:
        raise malformed(f"B站返回 code={str(code)[:20]} {message}")
    return answer


def data_of(text: str) -> Json:
    """Return an answer's data, an empty object where there is nothing. Raises CrawlError(blocked | malformed)."""
    return object_of(answer_of(text).get("data"))


def found_videos(text: str) -> list[Said]:
    """Return the videos of a search's page in its order. Raises CrawlError(blocked | malformed)."""
    videos = (_found_video(each) for each in objects_of(data_of(text).get("result")))
    return [video for video in videos if video is not None]


def _found_video(value: Json) -> Said | None:
    aid = identifier_of(value.get("aid"))
    if not aid:
        return None
    return Said(
        id=f"av{aid}",
        markup=text_of(value.get("description")),
        heading=text_of(value.get("title")),
        written=text_of(value.get("pubdate")),
        url=video_page(aid, value.get("bvid")),
        author=text_of(value.get("author")),
        author_id=text_of(value.get("mid")),
        comments=count_of(value.get("review")),
        likes=count_of(value.get("like")),
    )


def video_page(aid: str, bvid: object) -> str:
    """Return a video's address by its BV number, or by its old number where it has none."""
    text = text_of(bvid)
    return f"{VIDEO_PAGE}{text if BV.fullmatch(text) else f'av{aid}'}"


def shown_video(text: str) -> list[Said]:
    """Return the video that a view shows, nothing where it is gone. Raises CrawlError(blocked | malformed)."""
    data = data_of(text)
    aid = identifier_of(data.get("aid"))
    if not aid:
        return []
    owner, counts = object_of(data.get("owner")), object_of(data.get("stat"))
    video = Said(
        id=f"av{aid}",
        markup=text_of(data.get("desc")),
        heading=text_of(data.get("title")),
        written=text_of(data.get("pubdate")),
        url=video_page(aid, data.get("bvid")),
        author=text_of(owner.get("name")),
        author_id=text_of(owner.get("mid")),
        reposts=count_of(counts.get("share")),
        comments=count_of(counts.get("reply")),
        likes=count_of(counts.get("like")),
    )
    return [video]


def comments_on(text: str, video: str) -> list[Said]:
    """Return a page's comments on a video ('av…'), each followed by the answers shown with it.

    Raises CrawlError(blocked | malformed).
    """
    comments = (_comment(each, video) for each in _with_answers(data_of(text).get("replies"), 1))
    return [comment for comment in comments if comment is not None]


def _with_answers(value: object, depth: int) -> Iterator[Json]:
    for comment in objects_of(value):
        yield comment
        if depth < DEEPEST_ANSWER:
            yield from _with_answers(comment.get("replies"), depth + 1)


def _comment(value: Json, video: str) -> Said | None:
    number, parent = identifier_of(value.get("rpid")), identifier_of(value.get("parent"))
    if not number:
        return None
    member = object_of(value.get("member"))
    return Said(
        id=f"reply{number}",
        markup=text_of(object_of(value.get("content")).get("message")),
        written=text_of(value.get("ctime")),
        url=web_address(f"{video}#reply{number}", VIDEO_PAGE),
        author=text_of(member.get("uname")),
        author_id=text_of(member.get("mid")),
        parent=f"reply{parent}" if parent else video,
        root=video,
        comments=count_of(value.get("rcount")),
        likes=count_of(value.get("like")),
    )
