"""One article page in, its title, text, time, author and source out.

In this order, the first that finds enough wins: the site's own selectors (crawlers/sites/*.toml), readability-lxml
(the best single tool on Chinese pages), trafilatura. Facts about the article come from the site's selectors, then
from meta elements, then from the words above the text, the time at last from htmldate.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, replace
from datetime import datetime, time

import lxml.html
from htmldate import find_date
from lxml.etree import Comment, ParserError, ProcessingInstruction, strip_attributes, strip_elements
from lxml.html import HtmlElement
from readability import Document
from readability.readability import Unparseable
from trafilatura import extract as trafilatura_extract

from crawlers.charsets import decoded
from crawlers.dates import parse_time
from crawlers.embedded import Embedded, embedded_article
from crawlers.sites import Site, site_of
from crawlers.treetext import tree_text
from qingting.model import SHANGHAI

# Below this, readability has most likely picked a caption or a footer, and trafilatura is asked as well.
TOO_SHORT = 80
# Titles longer than this are paragraphs that somebody put into a heading.
LONGEST_TITLE = 120
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
META_TITLES = ("articletitle", "og:title", "twitter:title")
META_TIMES = ("pubdate", "article:published_time", "og:time", "apub:time", "publishdate", "datepublished", "dateupdate")
META_AUTHORS = ("article:author", "og:article:author", "author")
META_SOURCES = ("contentsource", "source", "mediaid", "og:site_name")
# 来源 stands above the text in nearly every Chinese layout, the author and the time beside it.
SOURCE_LINE = re.compile(r"来\s*源\s*[:：]\s*([^\s|｜<>()（）:：]{2,30}?)(?=[\s|｜<>()（）]|作\s*者|编辑|发布|$)")
AUTHOR_LINE = re.compile(
    r"(?:作\s*者|记\s*者|撰\s*文)\s*[:：]\s*([^\s|｜<>()（）、，,:：]{2,20})(?=[\s|｜<>()（）、，,]|$)"
)
TIME_LINE = re.compile(
    r"(?<!\d)((?:19|20)\d{2}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?"
    r"(?:\s*[T　]?\s*\d{1,2}\s*[:：时]\s*\d{1,2}(?:\s*[:：分]\s*\d{1,2})?)?)"
)
# A page says when it was published within its first characters; further down dates belong to the story.
HEAD_CHARACTERS = 3000
NOT_A_NAME = re.compile(r"^[\d\W_]+$|@|转载|未知|不详|admin|管理员|^(?:昨|今|前)天", re.IGNORECASE)
SITE_NAME = re.compile(r"(?:网|网站|频道|日报|晚报|新闻)$")
NAME_LABEL = re.compile(r"^(?:来\s*源|作\s*者|记\s*者|责任编辑|责\s*编|编\s*辑)\s*[:：]\s*")
# What stands between headline and text in most layouts; only such lines, and what is above them, are cut off.
BYLINE = re.compile(
    r"(?:首页|位置).{0,60}[>＞»]|[>＞»].{0,30}(?:正文|详情)$|(?:字\s*[号体]|[【\[]?\s*大\s+中\s+小\s*[】\]]?)"
    r"|(?=.*来\s*源\s*[:：])(?=.*\d{4}\s*[-/.年])|(?=.*\d{4}\s*[-/.年])(?=.*(?:浏览|阅读|点击|访问)(?:次数|量|数)?)"
)
# Buttons and counters that readability leaves below the text.
CHROME = re.compile(
    r"(?:评论\s*[(（]?\d*[)）]?|我要跟帖|已输入\d*字|相关(?:推荐|阅读|新闻|链接|文章)[:：]?|[【\[]?(?:纠错|打印|关闭|收藏|返回顶部)[】\]]?"
    r"|分享到?[:：]?|扫一扫.{0,20}|(?:上|下)一[篇条][:：].{0,60}|特别声明|阅读原文|点赞\s*\d*|\d+)"
)
HEAD_LINES = 8
UNSEEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
UNSEEN_TAGS = ("script", "style", "noscript", "link")
# Readability goes by tags, classes and ids; addresses and labels only make its copies and searches longer.
TELLING_NOTHING = ("href", "src", "srcset", "data-src", "alt", "title", "target", "rel", "action", "onclick")
MIDNIGHT = time()
HEADLINE_LENGTH = 80


@dataclass(frozen=True, slots=True)
class Article:
    """What a page says; '' and None where it does not."""

    title: str
    text: str
    published_at: datetime | None
    author: str
    source: str


def extract(html: bytes, url: str, fetched_at: datetime, http_charset: str | None = None) -> Article:
    """Return the article of a page; an empty text if there is none. Any bytes are taken, no exception leaves."""
    page = CONTROL.sub("", decoded(html, http_charset))
    tree = parsed(page)
    if tree is None:
        return Article("", "", None, "", "")
    site = site_of(tree, url, page)
    metas = _metas(tree)
    head = tree_text(tree, limit=HEAD_CHARACTERS)
    article = Article(
        title=_title(tree, site, metas),
        text="",
        published_at=_published_at(page, tree, site, metas, head, fetched_at),
        author=_author(tree, site, metas, head),
        source=_source(tree, site, metas, head),
    )
    embedded = embedded_article(tree, fetched_at)
    # The text comes last: looking for it takes the tree apart.
    article = replace(article, text=without_frame(_text(page, tree, site), article.title))
    return _with_embedded(article, embedded)


def _with_embedded(article: Article, embedded: Embedded | None) -> Article:
    """Return an article as the page's script carries it, where that has at least as much of it as the page shows."""
    if embedded is None or len(embedded.text) < len(article.text):
        return article
    return replace(
        article,
        title=embedded.title or article.title,
        text=embedded.text,
        published_at=embedded.published_at or article.published_at,
        author=embedded.author or article.author,
    )


def parsed(page: str) -> HtmlElement | None:
    """Return a page as a tree, None if there is nothing to parse."""
    try:
        return lxml.html.document_fromstring(XML_DECLARATION.sub("", page))
    except (ParserError, ValueError):
        return None


def _text(page: str, tree: HtmlElement, site: Site) -> str:
    chosen = site.body(tree)
    if chosen is not None:
        text = tree_text(chosen)
        if len(text) >= TOO_SHORT:
            return text
    text = _by_readability(tree)
    if len(text) >= TOO_SHORT:
        return text
    other = trafilatura_extract(page, include_comments=False, include_tables=True) or ""
    return max(text, other, key=len)


class _Bare(Document):  # type: ignore[misc]  # readability ships no types
    """A page for readability from which `_strip` has already taken all that its own, slower cleaning would."""

    def _parse(self, tree: HtmlElement) -> HtmlElement:
        copied = copy.deepcopy(tree)
        # lxml makes an element's Python object anew each time that nobody holds it: a sixth of readability's time.
        self.held = list(copied.iter())
        return copied


def _by_readability(tree: HtmlElement) -> str:
    _strip(tree)
    try:
        summary = _Bare(tree).summary(html_partial=True)
    except (Unparseable, ParserError, ValueError):
        return ""
    found = parsed(summary)
    return "" if found is None else tree_text(found)


def _strip(tree: HtmlElement) -> None:
    """Take out of a page what nobody sees, and the attributes that say nothing about what is where."""
    for each in tree.xpath("//*[@hidden or @style]"):
        unseen = each.get("hidden") is not None or UNSEEN.search(each.get("style"))
        if unseen and each.getparent() is not None:
            each.drop_tree()
    strip_elements(tree, Comment, ProcessingInstruction, *UNSEEN_TAGS, with_tail=False)
    strip_attributes(tree, *TELLING_NOTHING)


def without_frame(text: str, title: str) -> str:
    """Return an article without the headline, path and byline above it and the buttons below it."""
    lines = text.split("\n")
    headline = "".join(title.split())
    start = 0
    for number, line in enumerate(lines[:HEAD_LINES]):
        if len(line) > HEADLINE_LENGTH and "".join(line.split()) != headline:
            break
        if "".join(line.split()) == headline or BYLINE.search(line):
            start = number + 1
    end = len(lines)
    while end > start and CHROME.fullmatch(lines[end - 1]):
        end -= 1
    # A page of nothing but frame is kept whole: better a headline than no text.
    return "\n".join(lines[start:end]) or text


def _metas(tree: HtmlElement) -> dict[str, str]:
    """Return the meta elements by lower-case name; the first of a name counts."""
    found: dict[str, str] = {}
    for meta in tree.iter("meta"):
        name = meta.get("name") or meta.get("property") or meta.get("itemprop") or ""
        content = " ".join((meta.get("content") or "").split())
        if name and content:
            found.setdefault(name.strip().lower(), content)
    return found


def _title(tree: HtmlElement, site: Site, metas: dict[str, str]) -> str:
    """Return the headline: what the site's selector, a meta element, or the heading that <title> begins with says."""
    whole = " ".join((tree.findtext(".//title") or "").split())
    for title in (site.first("title", tree), *(metas.get(name, "") for name in META_TITLES)):
        # A quotation mark inside an unescaped attribute cuts a meta title short: then <title> goes on where it ends.
        if title and not (whole.startswith(title) and whole[len(title) : len(title) + 1] in ('"', "'")):
            return title
    headings = [" ".join(each.text_content().split()) for each in tree.iter("h1", "h2")]
    for heading in headings:
        if 4 <= len(heading) <= LONGEST_TITLE and heading[:20] in whole:
            return heading
    return _without_site_name(whole) if whole else next(iter(headings), "")[:LONGEST_TITLE]


def _without_site_name(title: str) -> str:
    """Return the longest part of a <title>: channel and site names, before or after, are shorter than the headline."""
    parts = re.split(r"\s*(?:_|--|——| - |\||｜|-(?=[^-]*网\s*$))\s*", title)
    return max(parts, key=lambda part: (not SITE_NAME.search(part), len(part)))


def _published_at(
    page: str, tree: HtmlElement, site: Site, metas: dict[str, str], head: str, fetched_at: datetime
) -> datetime | None:
    candidates = [site.pattern(page), site.first("published", tree), *(metas.get(name, "") for name in META_TIMES)]
    candidates += TIME_LINE.findall(head)[:1]
    moments = [moment for moment in (parse_time(each, fetched_at) for each in candidates if each) if moment]
    if moments:
        return _with_clock_time(moments)
    found = find_date(page, original_date=True, extensive_search=False, outputformat="%Y-%m-%d")
    return parse_time(found, fetched_at) if found else None


def _with_clock_time(moments: list[datetime]) -> datetime:
    """Return the first moment, or a later candidate of the same day if only that one has a time of day."""
    first = moments[0].astimezone(SHANGHAI)
    if first.time() != MIDNIGHT:
        return moments[0]
    return next((m for m in moments[1:] if m.astimezone(SHANGHAI).date() == first.date() and m != first), moments[0])


def _author(tree: HtmlElement, site: Site, metas: dict[str, str], head: str) -> str:
    line = AUTHOR_LINE.search(head)
    candidates = [site.first("author", tree), line.group(1) if line else "", *(metas.get(n, "") for n in META_AUTHORS)]
    return _first_name(candidates)


def _source(tree: HtmlElement, site: Site, metas: dict[str, str], head: str) -> str:
    line = SOURCE_LINE.search(head)
    candidates = [site.first("source", tree), *(metas.get(name, "") for name in META_SOURCES)]
    candidates.append(line.group(1) if line else "")
    return _first_name(candidates)


def _first_name(candidates: list[str]) -> str:
    names = (NAME_LABEL.sub("", each).strip() for each in candidates)
    return next((each for each in names if each and not NOT_A_NAME.search(each)), "")
