"""HTML in the place of a text (a Weibo post, a cell of an export) as the plain text that a reader would see.

Whole pages are another matter (crawlers.extract). Nothing here recurses or looks back, so that hostile markup costs
no more than its length.
"""

from __future__ import annotations

import html
import re

from qingting.errors import InputError

# HTML parsers stop at 256 levels themselves; no post of a human being has a tenth of that, nor 20,000 tags.
DEEPEST = 256
MOST_TAGS = 20_000

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*+)([^<>]*+)>")
_LOOKS_LIKE_HTML = re.compile(
    r"</?(?:p|br|div|span|a|img|script|style|html|head|body|table|tbody|tr|td|th|font|b|strong|em|i|u|ul|ol|li|h[1-6]"
    r"|section|article|iframe|center|blockquote|pre|video)(?:\s+[a-zA-Z:-]+\s*=[^<>]*|\s*/?)>"
    r"|&(?:nbsp|lt|gt|amp|quot|#\d{1,7}|#x[0-9a-f]{1,6});",
    re.IGNORECASE,
)
_ALTERNATIVE = re.compile(r"""\balt\s*=\s*["']?(\[[^\[\]"'<>]{1,20}\])""")
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "br", "center", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol"}
    | {"p", "pre", "section", "table", "tr", "ul"}
)
_UNCLOSED = frozenset(
    {"area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p"}
    | {"source", "td", "th", "tr", "wbr"}
)
_UNSEEN = frozenset({"script", "style", "template", "noscript", "iframe"})
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_ENDS = re.compile(r" ?\n[\s]*")


def looks_like_html(text: str) -> bool:
    """Return whether a text is markup rather than a text in which signs like < happen to stand."""
    return ("<" in text or "&" in text) and _LOOKS_LIKE_HTML.search(text) is not None


def plain_text(markup: str) -> str:
    """Return the visible text of a fragment: a block a line, emoticons as their names ([怒]), no scripts.

    Raises InputError(too_large) for markup that is nested too deep or has too many tags to be a text.
    """
    markup = _without_comments(markup)
    parts: list[str] = []
    unseen, depth, end = "", 0, 0
    for number, tag in enumerate(_TAG.finditer(markup)):
        name = tag[2].lower()
        depth += _step(name, tag)
        if depth > DEEPEST or number >= MOST_TAGS:
            raise InputError("HTML 标签过多或嵌套过深，不是正常的正文。", reason="too_large")
        if not unseen:
            parts += (markup[end : tag.start()], _shown(name, tag[3]))
            unseen = name if name in _UNSEEN and not tag[1] and not tag[3].endswith("/") else ""
        elif tag[1] and name == unseen:
            unseen = ""
        end = tag.end()
    if not unseen:
        parts.append(markup[end:])
    text = _BLANKS.sub(" ", html.unescape("".join(parts)))
    return _LINE_ENDS.sub("\n", text).strip()


def _without_comments(markup: str) -> str:
    """Return markup without its comments; one that is never closed is left as it is."""
    first, *rest = markup.split("<!--")
    for part in rest:
        comment, closed, after = part.partition("-->")
        first += after if closed else comment
    return first


def _step(name: str, tag: re.Match[str]) -> int:
    """Return by how much a tag nests what follows; elements that need no end tag don't count."""
    if name in _UNCLOSED or tag[3].endswith("/"):
        return 0
    return -1 if tag[1] else 1


def _shown(name: str, attributes: str) -> str:
    """Return what a tag itself shows."""
    if name == "img":
        emoticon = _ALTERNATIVE.search(attributes)
        return emoticon[1] if emoticon else ""
    return "\n" if name in _BLOCKS else ""
