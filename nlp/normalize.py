"""Brings texts into one form: what is invisible goes, what looks alike becomes alike, whose words they are is settled.

`fold` never changes a text's length and `clean` keeps a map of what it dropped, so that positions found in the cleaned
text can be given in the original. No conversion library is among the dependencies: traditional characters are folded
one by one with a table of our own (1,529 of them; see data/traditional.txt), without phrases.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

# Characters without a shape of their own: controls, zero-width and bidi marks, variation selectors, byte order marks,
# tags, and surrogates that lost their other half. Line breaks and tabs stay.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc\ud800-\udfff\U000e0000-\U000e01ff]"
)

# An address ends at the first character that is not printable ASCII: Chinese follows it without a space.
_LINK = re.compile(r"(?:https?://|www\.)[!-~]+", re.IGNORECASE)
# Wording that Weibo itself puts into a post where a link or a picture was.
_CHROME = re.compile(r"[OL]?网页链接|\[组图共\d+张\]\s*原图|(?:展开|收起)全文[cd]?")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")

# A repost's chain: own words//@one:their words//@another:… The name never holds a colon, space or slash; 30 is
# Weibo's longest name.
_LINK_OF_CHAIN = re.compile(r"(?:/{2}|\|{2})\s*@([^\s:：/@]{1,30})\s*[:：]?\s*")
_REPLY = re.compile(r"^\s*回复\s*@[^\s:：/@]{1,30}\s*[:：]\s*")
# What a client writes when the poster adds nothing.
_NOTHING_ADDED = re.compile(r"(?:轉發微博|转发微博|转发|轉發|repost|rt|转|分享)?[\s。.,，!！~…]*", re.IGNORECASE)

# Emoji that carry an attitude and that the reader's vocabulary (20,545 pieces) lacks, as the bracketed words Weibo
# uses for the same faces; other emoji stay as they are.
_FACES: Mapping[int, str] = {
    ord(face): f"[{word}]"
    for word, faces in {
        "怒": "😠👺",
        "怒骂": "🤬",
        "吐": "🤮🤢💩",
        "弱": "👎🖕",
        "小丑": "🤡",
        "悲伤": "😿",
        "害怕": "😧",
        "爱心": "🥰",
    }.items()
    for face in faces
}


@dataclass(frozen=True, slots=True)
class Clean:
    """A cleaned text and the way back: `removed` holds, in order, the positions that each dropped character would
    have in the cleaned text."""

    text: str
    removed: tuple[int, ...] = ()

    def origin(self, index: int) -> int:
        """Return where a character of the cleaned text stood in the original."""
        return index + bisect_right(self.removed, index)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where a non-empty stretch of the cleaned text stood in the original."""
        return self.origin(start), self.origin(end - 1) + 1


@dataclass(frozen=True, slots=True)
class Spoken:
    """Whose words a post consists of: the poster's own, and those of the posts passed on, newest first."""

    own: str
    quoted: tuple[str, ...] = ()

    @property
    def bare(self) -> bool:
        """Return whether the poster passed something on without a word of their own."""
        return bool(self.quoted) and not self.own

    @property
    def voice(self) -> str:
        """Return the words to judge: the poster's own, or for a bare repost the newest words passed on."""
        return self.own or next(iter(self.quoted), "")

    @property
    def whole(self) -> str:
        """Return everything said, without the names of those who said it."""
        return "\n".join(part for part in (self.own, *self.quoted) if part)


def fold(text: str) -> str:
    """Return the text with full-width letters, digits and signs as half-width ones and traditional characters as
    simplified ones; every character stays where it was."""
    others, alike = _alike()
    # Only the characters that change are looked up: str.translate asks for every one and takes three times as long.
    return others.sub(lambda match: alike[match.group()], text)


def clean(text: str) -> Clean:
    """Return the folded text without invisible characters and broken surrogates, and the way back."""
    removed = tuple(match.start() - count for count, match in enumerate(_INVISIBLE.finditer(text)))
    return Clean(fold(_INVISIBLE.sub("", text) if removed else text), removed)


def spoken(text: str) -> Spoken:
    """Return whose words a cleaned text consists of; a reply's 回复@name is no word of the poster's."""
    parts = [_REPLY.sub("", part).strip() for part in _LINK_OF_CHAIN.split(text)[::2]]
    said = ["" if says_nothing(part) else part for part in parts]
    if len(parts) == 1:
        return Spoken(parts[0])
    return Spoken(said[0], tuple(part for part in said[1:] if part))


def says_nothing(text: str) -> bool:
    """Return whether a text is only what a client writes for a repost without a word (转发微博)."""
    return _NOTHING_ADDED.fullmatch(text) is not None


def tidy(text: str) -> str:
    """Return a cleaned text as the reader's model takes it: no links, no client wording, telling faces in words.

    Hashtags and bracketed emoticons stay: they carry topic and attitude.
    """
    text = _LINK.sub(" ", text)
    text = _CHROME.sub(" ", text)
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", text)).strip().translate(_FACES)


@cache
def _alike() -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return what finds a character to fold, and what each becomes."""
    table = {chr(code): chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= dict.fromkeys(map(chr, (0x3000, 0x00A0, *range(0x2000, 0x200B), 0x202F, 0x205F)), " ")
    source = (Path(__file__).parent / "data" / "traditional.txt").read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if not line.startswith("#")]
    for traditional, simplified in zip(lines[::2], lines[1::2], strict=True):
        table |= zip(traditional, simplified, strict=True)
    return re.compile(f"[{re.escape(''.join(table))}]"), table
