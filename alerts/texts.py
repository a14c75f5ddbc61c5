"""Small questions about a text: its sentences, a reposter's own words, and names of places and works in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from qingting.model import Post

_SENTENCE = re.compile(r"[^。！？!?；;\n…]+[。！？!?；;…]*[”’」』\"]?")
_MARKUP = re.compile(r"\[[^\[\]]{1,8}\]|@[\w\-]{1,30}|转发微博|轻转发|快转微博|[^\w]")
_QUOTED = re.compile(r"//@|//\s*@|转发自")
_HASHTAG = re.compile(r"#([^#\n]{2,30})#")

GENERIC = "generic_words.txt"
"""The list of words that tell no event from another."""

BARE_WORDS = 6
"""A repost whose author adds fewer characters than this says nothing of its own (转发微博, 太可怕了)."""

# A name does not contain these: 里的河, 一个厂, 这条路 are no names.
_NO_NAME = frozenset(
    "的了在到是这那有和与把被从往向去来看说都也就还很一二三四五六七八九十几两个条家某我你他她们哪每各过其该对为让给"
    "上下里外边前后左右东南西北中旁附近离沿及或等不没无之于由当再又才只能会可要想大小新老多少全本区市县省开"
)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text in order, each with its closing mark, without surrounding spaces."""
    return [found for match in _SENTENCE.finditer(text) if (found := match.group().strip())]


def own_words(post: Post) -> str:
    """Return what the author of a post says himself: of a repost, only what stands before the quotation."""
    return _QUOTED.split(post.text, maxsplit=1)[0] if post.parent_id else post.passage


def is_bare_repost(post: Post) -> bool:
    """Return whether a post repeats another and adds nothing of its own."""
    return bool(post.parent_id) and len(_MARKUP.sub("", own_words(post))) < BARE_WORDS


def hashtags(text: str) -> Iterator[str]:
    """Yield the topics that an author set between two hash signs."""
    for match in _HASHTAG.finditer(text):
        yield match.group(1).strip()


def names(text: str) -> set[str]:
    """Return parts of names of places and works: the two characters before a telling end, and that end.

    翠湖苑, 恒泰化工 and 凝土搅拌站 are found without cutting words; texts that mean the same name share the part.
    """
    return {name for match in _name().finditer(text) if _is_name(name := match.group(1))}


def _is_name(text: str) -> bool:
    """Return whether neither the beginning of a text nor, where its end is one character, its tail is a common word."""
    tail = text[1:] if len(text) == len("翠湖苑") else ""
    return _NO_NAME.isdisjoint(text[:2]) and _common().isdisjoint((text[:2], tail))


@cache
def _common() -> frozenset[str]:
    return word_list("name_types.txt") | word_list(GENERIC)


@cache
def _name() -> re.Pattern[str]:
    ends = "|".join(sorted(word_list("name_ends.txt"), key=lambda end: (-len(end), end)))
    return re.compile(rf"(?=([一-鿿]{{2}}(?:{ends})))")


@cache
def word_list(name: str) -> frozenset[str]:
    """Return the words of a file in data/, its comment lines left out."""
    text = (Path(__file__).parent / "data" / name).read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())
