"""From a parsed page to the words a reader sees, a paragraph a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import lxml.html
from lxml.etree import ParserError
from lxml.html import HtmlElement

SKIPPED = frozenset(
    {"script", "style", "noscript", "template", "iframe", "object", "svg", "head", "button", "select", "textarea"}
)
INLINE = frozenset(
    {"a", "abbr", "b", "big", "cite", "code", "em", "font", "i", "img", "ins", "kbd", "label", "mark", "q", "rb"}
    | {"ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "u", "var"}
)
SPACES = re.compile(r"[^\S\n]+")
HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def tree_text(element: HtmlElement, limit: int | None = None) -> str:
    """Return an element's text, a block a line, without scripts and hidden parts; about `limit` characters if given."""
    pieces: list[str] = []
    size = 0
    for piece in _pieces(element):
        pieces.append(piece)
        size += len(piece)
        if limit is not None and size > limit:
            break
    return _tidied("".join(pieces))


def fragment_text(fragment: str) -> str:
    """Return the words of a piece of HTML, or of a text that holds none."""
    if "<" not in fragment and "&" not in fragment:
        return _tidied(fragment)
    try:
        return tree_text(lxml.html.fragment_fromstring(fragment, create_parent="div"))
    except (ParserError, ValueError):
        return ""


def _tidied(text: str) -> str:
    lines = (SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _pieces(root: HtmlElement) -> Iterator[str]:
    """Yield texts and line breaks in document order, without recursion: pages nest hundreds of levels deep."""
    stack: list[tuple[HtmlElement, bool]] = [(root, True)]
    while stack:
        element, entering = stack.pop()
        block = element.tag not in INLINE
        if entering and _is_seen(element):
            if block:
                yield "\n"
            yield _inline(element.text)
            stack.append((element, False))
            stack.extend((child, True) for child in reversed(element))
            continue
        if not entering and block:
            yield "\n"
        if element is not root:
            yield _inline(element.tail)


def _is_seen(element: HtmlElement) -> bool:
    if not isinstance(element.tag, str) or element.tag in SKIPPED:
        return False
    style = element.get("style")
    return style is None or not HIDDEN.search(style)


def _inline(text: str | None) -> str:
    """Return text with its line breaks as spaces: in HTML they are none."""
    return text.replace("\n", " ").replace("\r", " ") if text else ""
