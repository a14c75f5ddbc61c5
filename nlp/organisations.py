"""Finds enterprises, plants and departments in a text: by the endings of their names, and by names that are listed.

A name is read backwards from its ending, over the words that may be part of a name, to where it begins. What is left
must say which one it is: 化工厂 alone, 附近的化工厂 and 某公司 name nobody and are left out. The words are data
(data/organisations.txt).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from nlp.lookup import Names
from nlp.normalize import Clean
from nlp.segment import Word
from qingting.model import Organisation

_DATA = Path(__file__).parent / "data"
KINDS = ("enterprise", "plant", "department")

# Parts of speech (of the dictionary) that a name may hold: nouns of all sorts, places, abbreviations, verbal nouns,
# distinguishing words, foreign words, and what the dictionary doesn't know.
_IN_NAMES = ("n", "j", "vn", "b", "eng", "s")
# A name's own characters (龙盛, 恒泰) often fall apart into single ones; these parts of speech are taken then.
_SINGLE = frozenset("avgzmqf")
# No ending has more characters than this; words themselves may be as long as a run of letters is.
_LONGEST_ENDING = 12
# A name of more than 24 characters is taken for a sentence that ends like one.
_LONGEST = 24


class OrganisationFinder:
    """Knows the endings and names of organisations; may be used from several threads."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        listed = {name: _kind_of(name) for name in names if name} | dict(_listed())
        self._listed = Names(listed)

    def find(self, passage: Clean, words: Sequence[Word]) -> tuple[Organisation, ...]:
        """Return the organisations a cleaned passage names, in order; `words` is its cut."""
        found = [*self._listed.find(passage.text), *_by_ending(words)]
        found.sort(key=lambda each: (each[0], -each[1]))
        organisations: list[Organisation] = []
        reached = 0
        for start, end, kind in found:
            if start >= reached:
                organisations.append(Organisation(passage.text[start:end], kind, *passage.span(start, end)))
                reached = end
        return tuple(organisations)


def _by_ending(words: Sequence[Word]) -> Iterator[tuple[int, int, str]]:
    """Yield where names with a known ending stand, and of what kind they are."""
    endings = _endings()
    for index, word in enumerate(words):
        ending = _ending(word.text, endings)
        if not ending or (index + 1 < len(words) and _goes_on(words[index + 1].text, endings)):
            continue
        first = _beginning(words, index)
        if _names_one(words[first : index + 1], ending):
            yield words[first].start, word.end, endings[ending]


def _ending(word: str, endings: Mapping[str, str]) -> str:
    """Return the longest ending that a word is or ends with, or ''."""
    first = max(0, len(word) - _LONGEST_ENDING)
    return next((word[start:] for start in range(first, len(word)) if word[start:] in endings), "")


def _goes_on(following: str, endings: Mapping[str, str]) -> bool:
    """Return whether the next word is an ending too, so that this one lies inside a longer name."""
    return following in endings


def _beginning(words: Sequence[Word], last: int) -> int:
    """Return the index of the word a name begins with, given that it ends with the word `last`."""
    first = last
    while first > 0:
        word = words[first - 1]
        if words[last].end - word.start > _LONGEST or word.text in _rules()["before"] or not _may_be_inside(word):
            break
        first -= 1
    while first < last and words[first].text in _NOT_FIRST:
        first += 1
    return first


_NOT_FIRST = frozenset(("和", "及", "与", "的", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十"))


def _may_be_inside(word: Word) -> bool:
    """Return whether a word can be part of a name."""
    if word.text in _rules()["inside"]:
        return True
    if not word.text.isalnum():
        return word.text in ("(", ")", "·")
    if len(word.text) == 1 and word.tag[:1] in _SINGLE:
        return True
    return not word.tag or word.tag.startswith(_IN_NAMES)


def _names_one(words: Sequence[Word], ending: str) -> bool:
    """Return whether a name tells which organisation is meant, and not only of what sort it is."""
    if ending in _rules()["agency"]:
        return True
    generic = _rules()["generic"]
    before = words[-1].text[: -len(ending)]
    telling = [word.text for word in words[:-1]] + ([before] if before else [])
    left = "".join(text for text in telling if text not in generic and not text.isdigit() and text.isalnum())
    return len(left) > 1


def _kind_of(name: str) -> str:
    """Return the kind of an organisation by its name's ending; without a known one it is an enterprise."""
    ending = _ending(name, _endings())
    return _endings()[ending] if ending else "enterprise"


@cache
def _rows() -> tuple[tuple[str, ...], ...]:
    lines = (_DATA / "organisations.txt").read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if line and not line.startswith("#"))


@cache
def _endings() -> Mapping[str, str]:
    """Return the endings of names and the kinds they tell."""
    return {ending: row[0] for row in _rows() if row[0] in KINDS for ending in row[1:] if not ending.startswith("=")}


@cache
def _listed() -> Mapping[str, str]:
    """Return whole names and their kinds."""
    return {name[1:]: row[0] for row in _rows() if row[0] in KINDS for name in row[1:] if name.startswith("=")}


@cache
def _rules() -> Mapping[str, frozenset[str]]:
    return {row[0]: frozenset(row[1:]) for row in _rows() if row[0] not in KINDS}
