"""How a text becomes the words it is indexed by, the same for texts and queries and for every back end.

A word is whatever `cut` gives, folded (full width to half width, upper case to lower case), with its punctuation
moved out of ASCII, so that no index takes "PM2.5" or "3.2万" apart again: in what this gives, only blanks part words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from qingting.store.shapes import Cut

_TO_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F) if not chr(code).isalnum()}
"""ASCII punctuation to its full-width twin, which no folded text holds: so different words stay different."""

_CONTROL = re.compile("[\x00-\x1f\x7f]")

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def fold(text: str) -> str:
    """Return a text as words are compared: compatibility forms and case folded."""
    return unicodedata.normalize("NFKC", text).casefold()


def index_words(cut: Cut, text: str) -> Sequence[str]:
    """Return the words of a text in its order, repetitions included; none for a text of signs and blanks only."""
    pieces = cut(_CONTROL.sub(" ", storable(fold(text))))
    if "".join(pieces).isalnum():
        # Most texts: nothing but letters and digits is left, which one look at all pieces tells.
        return pieces
    # One translation of all pieces together: a piece at a time costs four times as much as the cut itself.
    words = "\n".join(pieces).translate(_TO_FULL_WIDTH).split()
    return [word for word in words if word.isalnum() or any(map(str.isalnum, word))]


def joined_words(cut: Cut, text: str) -> str:
    """Return the different words of a text with blanks between, as an index is given them, and told to forget them."""
    return " ".join(dict.fromkeys(index_words(cut, text)))


def needed_words(cut: Cut, text: str) -> Sequence[str]:
    """Return the words that a text has to have to hold the given one: of words inside one another, the longest only."""
    words = sorted(dict.fromkeys(index_words(cut, text)), key=len, reverse=True)
    needed: list[str] = []
    for word in words:
        if not any(word in longer for longer in needed):
            needed.append(word)
    return needed


def storable(text: str) -> str:
    """Return a text that every back end can hold: U+FFFD for each half of a surrogate pair and each NUL."""
    return _UNSTORABLE.sub("\ufffd", text)
