"""贴吧's search: JSON (multsearch), and the pages of both layouts, told apart by what comes."""

from __future__ import annotations

import html
import re
from urllib.parse import parse_qs, quote, urlsplit

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

from crawlers.answers import REFUSAL, Json, Said, identifier_of, json_object, malformed, refuse_refusals, refused
from crawlers.searches import Search
from crawlers.treetext import tree_text
from crawlers.values import count_of, object_of, objects_of, text_of

THREAD_PAGE = "https://tieba.baidu.com/p/"
THREAD = re.compile(r"/p/(\d{1,20})")
# The old layout lists answers beside threads; their title says so.
ANSWER = re.compile(r"回复\s*[:：]\s*")
NOTHING_FOUND = re.compile("没有找到|暂无(?:相关|搜索)?结果|抱歉")


def path(words: str, page: int) -> str:
    """Return a page's address, newest first."""
    return f"/mo/q/search/multsearch?word={quote(words)}&pn={page}&rn=20&st=1&come_from=search&subapp_type=pc"


def read(text: str) -> list[Said]:
    """Return a page's threads and answers. Raises CrawlError(blocked | malformed)."""
    return _of_page(text) if text.lstrip()[:1] == "<" else _of_json(text)


def _of_json(text: str) -> list[Said]:
    answer = json_object(text)
    number, message = answer.get("no"), text_of(answer.get("error"))[:100]
    if number != 0:
        refusal = REFUSAL.search(message)
        raise (refused if refusal else malformed)(f"贴吧返回 no={str(number)[:20]} {message}")
    cards = object_of(answer.get("data")).get("card_list")
    if not isinstance(cards, list):
        raise malformed("贴吧搜索的应答里没有列表")
    threads = (_thread(object_of(card.get("data"))) for card in objects_of(cards) if card.get("cardInfo") == "thread")
    return [thread for thread in threads if thread is not None]


def _thread(data: Json) -> Said | None:
    number, user = identifier_of(data.get("tid")), object_of(data.get("user"))
    if not number:
        return None
    return Said(
        id=number,
        markup=text_of(data.get("content")),
        heading=text_of(data.get("title")),
        written=text_of(data.get("time")),
        url=f"{THREAD_PAGE}{number}",
        author=text_of(user.get("show_nickname")),
        author_id=text_of(user.get("portrait")).partition("?")[0],
        comments=count_of(data.get("post_num")),
    )


def _of_page(page: str) -> list[Said]:
    try:
        tree = lxml.html.document_fromstring(page)
    except (ParserError, ValueError) as error:
        raise malformed("贴吧搜索返回的网页无法解析") from error
    old = [_of_old(each) for each in _having(tree, "s_post")]
    new = [_of_new(each) for each in _having(tree, "threadcardclass")]
    found = [said for said in (*old, *new) if said is not None]
    if not found and not NOTHING_FOUND.search(tree.text_content()):
        refuse_refusals(page)
        raise malformed("贴吧搜索的网页里没有结果，也没有说没有")
    return found


def _of_old(post: HtmlElement) -> Said | None:
    link = next((each for each in post.iter("a") if each.get("data-tid")), None)
    number = identifier_of(link.get("data-tid")) if link is not None else ""
    if link is None or not number:
        return None
    title = tree_text(link)
    answer = ANSWER.match(title)
    said = identifier_of(_parameter(link.get("href") or "", "pid")) if answer else ""
    return Said(
        id=f"{number}-{said}" if said else number,
        markup=_first(post, "p_content"),
        heading=html.escape(title[answer.end() :] if answer else title, quote=False),
        written=_first(post, "p_date"),
        url=f"{THREAD_PAGE}{number}" + (f"?pid={said}#{said}" if said else ""),
        parent=number if said else "",
        root=number if said else "",
    )


def _of_new(card: HtmlElement) -> Said | None:
    links = (THREAD.search(each.get("href") or "") for each in card.iter("a"))
    number = next((link[1] for link in links if link), "")
    if not number:
        return None
    return Said(
        id=number,
        markup=_first(card, "abstract-wrap"),
        heading=_first(card, "title-wrap"),
        written=_date_in(_first(card, "top-title")),
        url=f"{THREAD_PAGE}{number}",
    )


def _date_in(line: str) -> str:
    """Return what follows 发布于: a name may stand before it."""
    return line.rpartition("发布于")[2].strip()


def _having(tree: HtmlElement, name: str) -> list[HtmlElement]:
    """Return the elements of a class."""
    found: list[HtmlElement] = tree.find_class(name)
    return found


def _first(element: HtmlElement, name: str) -> str:
    """Return the words of the first element of a class, written as markup again: a "<b>" in them is text."""
    return next((html.escape(tree_text(each), quote=False) for each in _having(element, name)), "")


def _parameter(address: str, name: str) -> str:
    try:
        return parse_qs(urlsplit(address).query).get(name, [""])[0]
    except ValueError:
        return ""


SEARCH = Search(path, read)
