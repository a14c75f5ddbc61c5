"""The JSON of m.weibo.cn as statuses, free of I/O; whatever is not as expected is left out, never an error."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawlers.plaintext import looks_like_html, plain_text
from crawlers.values import count_of, object_of, objects_of, text_of

STATUS_CARD = 9
PINNED_BLOG_TYPE = 2
# Cards hold groups of cards; two levels are known.
DEEPEST_GROUP = 4
# What `ok` says when a visitor's cookie is missing or has expired.
LOGIN_WANTED = -100

_FULL_TEXT_LINK = re.compile(r"<a\b[^<>]*+>全文</a>\s*$")
_NO_CONTENT = re.compile("没有(?:内容|数据|更多|结果)|还没有|暂无")
_BLOG_ID = re.compile(r"[?&]mblogid=([0-9A-Za-z]{1,32})")
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: its data, or state 'empty', 'blocked' or 'failing' and the reason in Chinese."""

    data: Json
    state: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Status:
    """A status (微博) or a comment on one; `parent` is the id it answers to or reposts, where that is told."""

    id: str
    markup: str
    written: str
    bid: str = ""
    user_id: str = ""
    user_name: str = ""
    title: str = ""
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    is_long: bool = False
    pinned: bool = False
    parent: str = ""
    original: Status | None = None

    @property
    def deleted(self) -> bool:
        """Return whether only a notice is left in the place of the text (its user is gone, too)."""
        return not self.user_id and not self.user_name and self.markup.startswith("抱歉")

    @property
    def text(self) -> str:
        """Return the plain text, emoticons and topics kept. Raises InputError(too_large) for markup that is no text."""
        return text_of(plain_text(_FULL_TEXT_LINK.sub("", self.markup)))


@dataclass(frozen=True, slots=True)
class HotTitle:
    """One line of the hot search board."""

    title: str
    url: str


def read_answer(body: bytes) -> Answer:
    """Return what a body says; a web page in the place of JSON is what a refused visitor gets."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        if body.lstrip()[:1] == b"<":
            return Answer({}, "blocked", "返回的是网页而不是数据，多半是要求登录或验证")
        return Answer({}, "failing", "返回的不是 JSON")
    envelope = object_of(value)
    ok, message = envelope.get("ok"), text_of(envelope.get("msg"))[:200]
    if ok == LOGIN_WANTED:
        return Answer({}, "blocked", f"要求登录，或访客凭证已过期（ok=-100）{message}")
    if ok == 1 and isinstance(envelope.get("data"), dict):
        return Answer(object_of(envelope["data"]))
    if ok == 0 and (_NO_CONTENT.search(message) or not message):
        return Answer(object_of(envelope.get("data")), "empty", message)
    return Answer({}, "failing", f"返回 ok={str(ok)[:20]} {message}".strip())


def statuses_of(data: Json) -> list[Status]:
    """Return the statuses of a page in its order, those in groups of cards included."""
    cards = (card for card in _cards(data.get("cards"), 0) if card.get("card_type") == STATUS_CARD)
    statuses = (parse_status(object_of(card.get("mblog")), card) for card in cards)
    return [status for status in statuses if status is not None]


def _cards(value: object, depth: int) -> Iterator[Json]:
    for card in objects_of(value):
        yield card
        if depth < DEEPEST_GROUP:
            yield from _cards(card.get("card_group"), depth + 1)


def parse_status(blog: Json, card: Json | None = None) -> Status | None:
    """Return an mblog as a status, its original (one level) included; None without a usable id."""
    status_id = _id(blog, "id", "mid", "bid")
    if not status_id:
        return None
    scheme = _BLOG_ID.search(text_of((card or {}).get("scheme")))
    user = object_of(blog.get("user"))
    original = blog.get("retweeted_status")
    page = object_of(blog.get("page_info"))
    full = text_of(object_of(blog.get("longText")).get("longTextContent"))
    return Status(
        id=status_id,
        bid=_id(blog, "bid") or (scheme[1] if scheme else ""),
        markup=_as_markup(full) if full else text_of(blog.get("text")),
        written=text_of(blog.get("created_at")),
        user_id=text_of(user.get("id")),
        user_name=text_of(user.get("screen_name")),
        title=text_of(page.get("page_title"))[:200] if page.get("type") == "article" else "",
        reposts=count_of(blog.get("reposts_count")),
        comments=count_of(blog.get("comments_count")),
        likes=count_of(blog.get("attitudes_count")),
        is_long=blog.get("isLongText") is True and not full,
        pinned=_is_pinned(blog, card or {}),
        parent=_id(blog, "pid"),
        original=parse_status({**object_of(original), "retweeted_status": None}) if original else None,
    )


def _id(value: Json, *names: str) -> str:
    """Return the first of some fields that holds an identifier."""
    ids = (text_of(value.get(name)) for name in names)
    return next((each for each in ids if _ID.fullmatch(each)), "")


def _is_pinned(blog: Json, card: Json) -> bool:
    return (
        text_of(card.get("profile_type_id")).startswith("proweibotop")
        or blog.get("mblogtype") == PINNED_BLOG_TYPE
        or object_of(blog.get("title")).get("text") == "置顶"
    )


def _as_markup(text: str) -> str:
    """Return a full text, which comes as markup or as plain text, as markup."""
    return text if looks_like_html(text) else text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")


def full_text_of(data: Json) -> str:
    """Return the markup of a status's full text as /statuses/show gives it, '' where it gives none."""
    full = text_of(object_of(data.get("longText")).get("longTextContent")) or text_of(data.get("longTextContent"))
    return _as_markup(full) if full else text_of(data.get("text"))


def timeline_container(data: Json, uid: str) -> str:
    """Return the container of a user's timeline: the one named by the profile, or the usual one."""
    tabs = objects_of(object_of(data.get("tabsInfo")).get("tabs"))
    named = (_id(tab, "containerid") for tab in tabs if tab.get("tab_type") == "weibo")
    return next((each for each in named if each), f"107603{uid}")


def next_since_id(data: Json) -> str:
    """Return where a timeline's next page starts, '' at its end."""
    since = _id(object_of(data.get("cardlistInfo")), "since_id")
    return "" if since == "0" else since


def comments_of(data: Json) -> list[Status]:
    """Return the comments of a page of /comments/hotflow, each followed by the answers shown with it."""
    comments = (_comment(each) for each in _with_answers(data.get("data")))
    return [comment for comment in comments if comment is not None]


def _with_answers(value: object) -> Iterator[Json]:
    for comment in objects_of(value):
        yield comment
        yield from objects_of(comment.get("comments"))


def _comment(value: Json) -> Status | None:
    comment_id = _id(value, "id", "mid")
    if not comment_id:
        return None
    user = object_of(value.get("user"))
    root = _id(value, "rootid")
    return Status(
        id=comment_id,
        markup=text_of(value.get("text")),
        written=text_of(value.get("created_at")),
        user_id=text_of(user.get("id")),
        user_name=text_of(user.get("screen_name")),
        likes=count_of(value.get("like_count")),
        comments=count_of(value.get("total_number")),
        parent="" if root == comment_id else root,
    )


def next_comments(data: Json) -> tuple[str, str]:
    """Return max_id and max_id_type of the next page of comments; max_id is '' at the end."""
    max_id = _id(data, "max_id")
    return ("" if max_id == "0" else max_id), _id(data, "max_id_type") or "0"


def hot_titles(data: Json) -> list[HotTitle]:
    """Return the hot search board in its order, advertisements left out."""
    lines = [line for card in objects_of(data.get("cards"))[:1] for line in objects_of(card.get("card_group"))]
    genuine = (line for line in lines if not line.get("promotion") and not line.get("is_ad"))
    titles = (HotTitle(text_of(line.get("desc"))[:200], text_of(line.get("scheme"))) for line in genuine)
    return [title for title in titles if title.title]
