"""Finds places in a text: provinces, prefectures, counties and the office's own local names, told apart by context.

The table is GB/T 2260 (data/regions.tsv) and the guards are data too (data/region_guards.txt). A full name
(杭州市) counts where it stands on word boundaries; a short one (杭州) unless something makes a street, a paper or a
person of it; a short name that is also a word (日照, 东方), and any county's, only where the text or the post's source
speaks of the same area. A name that several places bear is settled by what stands before it, then by the places named
in the text, then by the source's region; what cannot be settled is left out, for a wrong place misleads more than none.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nlp.lookup import lengths_by_beginning
from nlp.normalize import Clean
from nlp.segment import Word
from qingting.model import Region

_DATA = Path(__file__).parent / "data"

# Surnames that are no common words by themselves: with one straight before it, 海南 or 延安 is somebody's name.
_SURNAMES = frozenset(
    "王李张刘陈杨赵周吴徐孙胡朱郭罗梁宋郑谢韩唐冯董萧曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎潘杜戴钟汪姜范姚谭廖邹熊陆郝崔邱秦顾侯邵孟钱汤"
)
# What may follow inside one dictionary word and leave the place a place: 北京人, 上海港, 四川籍.
_STILL_A_PLACE = frozenset(("市", "省", "县", "区", "州", "人", "港", "籍", "城", "段", "地区"))


@dataclass(frozen=True, slots=True)
class Place:
    """A local name beyond the administrative divisions: a street, a river, an invented city.

    `code` is the office's own or a GB/T 2260 code, `parent` the code of the area it lies in, or ''.
    """

    code: str
    name: str
    parent: str = ""


@dataclass(frozen=True, slots=True)
class _Name:
    """What a name may stand for, and how readily it is believed: 'sure', 'short', 'doubtful', 'adjacent' or 'trap'."""

    codes: tuple[str, ...]
    trust: str


@dataclass(frozen=True, slots=True)
class _Mention:
    start: int
    end: int
    name: _Name
    common: bool


@dataclass(frozen=True, slots=True)
class _Division:
    code: str
    name: str
    short: str
    parent: str


class Gazetteer:
    """Knows the names of places; may be used from several threads."""

    def __init__(self, places: Sequence[Place] = ()) -> None:
        divisions = _divisions()
        self._titles = {each.code: each.name for each in divisions} | {place.code: place.name for place in places}
        self._parents = {each.code: each.parent for each in divisions} | {place.code: place.parent for place in places}
        self._names = dict(_national_names())
        for place in places:
            self._names[place.name] = _Name((place.code,), "own")
            if len(place.name) > 2 and place.name[-1] in "市县区镇乡":
                self._names[place.name[:-1]] = _Name((place.code,), "own")
        self._lengths = lengths_by_beginning(self._names)

    def find(self, passage: Clean, words: Sequence[Word], home: str = "") -> tuple[Region, ...]:
        """Return the places a cleaned passage names, in order; `words` is its cut, `home` its source's code or name.

        Names that follow one another from large to small (江苏省南通市通州区) are one place: the smallest.
        """
        mentions = list(self._mentions(passage.text, words))
        settled = self._settle(mentions, self._home(home), words)
        return tuple(
            Region(code, self._titles[code], *passage.span(start, end)) for start, end, code in self._joined(settled)
        )

    def ancestors(self, code: str) -> list[str]:
        """Return the codes of the areas a place lies in, nearest first."""
        found: list[str] = []
        parent = self._parents.get(code, "")
        while parent and parent not in found:
            found.append(parent)
            parent = self._parents.get(parent, "")
        return found

    def _mentions(self, text: str, words: Sequence[Word]) -> Iterator[_Mention]:
        """Yield the names that stand in a text, the longest at each place, past what the guards turn away."""
        borders = _Borders(words)
        start = 0
        last = len(text) - 1
        while start < last:
            lengths = self._lengths.get(text[start : start + 2], ())
            for length in lengths:
                name = self._names.get(text[start : start + length])
                if name is not None and borders.allow(start, start + length, name):
                    if name.trust != "trap":
                        yield _Mention(start, start + length, name, borders.is_common_word(start, start + length))
                    start += length
                    break
            else:
                start += 1

    def _settle(self, mentions: Sequence[_Mention], home: str, words: Sequence[Word]) -> list[tuple[int, int, str]]:
        """Return each mention's place: first those that need no support, then those that the first support."""
        before = {mention.end: index for index, mention in enumerate(mentions)}
        found: dict[int, str] = {}
        for sure_ones in (True, False):
            for index, mention in enumerate(mentions):
                if index in found or (mention.name.trust in ("doubtful", "adjacent")) is sure_ones:
                    continue
                leader = found.get(before.get(mention.start, -1), "")
                code = self._choose(mention, leader, tuple(found.values()), home, words)
                if code:
                    found[index] = code
        return [(mentions[index].start, mentions[index].end, found[index]) for index in sorted(found)]

    def _choose(self, mention: _Mention, leader: str, named: Collection[str], home: str, words: Sequence[Word]) -> str:
        """Return the place that a mention stands for, or '' where that can't be told."""
        codes = mention.name.codes
        inside = [code for code in codes if leader and leader in self.ancestors(code)]
        if inside:
            return inside[0]
        here = _said_to_be_here(mention.end, words)
        if mention.name.trust == "adjacent" or (mention.common and mention.name.trust == "doubtful" and not here):
            return ""
        if here and len(codes) == 1 and mention.name.trust == "doubtful":
            return codes[0]
        if mention.name.trust != "doubtful" and (default := self._default(codes)):
            return default
        supported = [code for code in codes if self._related(code, named)]
        supported = supported or [code for code in codes if home and self._related(code, (home,))]
        return supported[0] if len(supported) == 1 else ""

    def _default(self, codes: tuple[str, ...]) -> str:
        """Return the one place, or the one that is more than a county, which a name means without further support."""
        if len(codes) == 1:
            return codes[0]
        large = sorted((code for code in codes if code.endswith("00")), key=lambda code: not code.endswith("0000"))
        return large[0] if large else ""

    def _related(self, code: str, others: Collection[str]) -> bool:
        """Return whether one of the other places is this one, holds it, or lies in it."""
        above = self.ancestors(code)
        return any(other == code or other in above or code in self.ancestors(other) for other in others)

    def _home(self, home: str) -> str:
        """Return the code of a source's region given by code or name; '' where that is unknown or ambiguous."""
        if home in self._titles:
            return home
        name = self._names.get(home)
        return self._default(name.codes) if name is not None and name.trust != "trap" else ""

    def _joined(self, settled: Sequence[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
        """Yield the places, each run from large to small joined into its smallest."""
        held: tuple[int, int, str] | None = None
        for start, end, code in settled:
            if held is not None and held[1] == start and held[2] in self.ancestors(code):
                held = (held[0], end, code)
                continue
            if held is not None:
                yield held
            held = (start, end, code)
        if held is not None:
            yield held


class _Borders:
    """Where words begin and end in a text, and so which names may be read there."""

    def __init__(self, words: Sequence[Word]) -> None:
        self._starting = {word.start: index for index, word in enumerate(words)}
        self._ending = {word.end: index for index, word in enumerate(words)}
        self._words = words

    def allow(self, start: int, end: int, name: _Name) -> bool:
        """Return whether a name may be read from `start` to `end`."""
        if name.trust in ("own", "trap"):
            return True
        if start not in self._starting:
            return False
        if end not in self._ending:
            return name.trust != "sure" and self._goes_on_as_a_place(end)
        if name.trust == "sure" or name.trust == "adjacent":
            return True
        return not self._is_something_else(start, end)

    def is_common_word(self, start: int, end: int) -> bool:
        """Return whether a name is by the dictionary one word, and no place: 和平, 解放, 日照."""
        index = self._starting.get(start, -1)
        return self._ending.get(end, -2) == index and self._words[index].tag[:2] not in ("", "ns")

    def _goes_on_as_a_place(self, end: int) -> bool:
        """Return whether the dictionary word that the name begins is still about the place: 北京人, 上海南京路."""
        word = next(word for word in reversed(self._words) if word.start < end)
        tail = word.text[end - word.start :]
        return tail in _STILL_A_PLACE or (len(tail) > 1 and word.tag == "ns")

    def _is_something_else(self, start: int, end: int) -> bool:
        """Return whether the words round a short name make a person, a street or a paper of it."""
        before = self._words[self._starting[start] - 1].text if self._starting[start] else ""
        following = self._ending[end] + 1
        after = self._words[following].text if following < len(self._words) else ""
        return before in _SURNAMES or after in _guards()["no_place"]


def _said_to_be_here(end: int, words: Sequence[Word]) -> bool:
    """Return whether the word after a doubtful name makes a place of it."""
    return any(word.start == end and word.text in _guards()["here"] for word in words)


def place_names(places: Sequence[Place] = ()) -> dict[str, str]:
    """Return what people call each code: the administrative divisions' full names and the local places'."""
    return {each.code: each.name for each in _divisions()} | {place.code: place.name for place in places}


@cache
def _divisions() -> tuple[_Division, ...]:
    lines = (_DATA / "regions.tsv").read_text(encoding="utf-8").splitlines()
    return tuple(_Division(*line.split("\t")) for line in lines if not line.startswith("#"))


@cache
def _guards() -> Mapping[str, frozenset[str]]:
    lines = (_DATA / "region_guards.txt").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    return {row[0]: frozenset(row[1:]) for row in rows}


@cache
def _national_names() -> Mapping[str, _Name]:
    """Return every name of the administrative divisions and what it may stand for."""
    bearers: dict[tuple[str, bool], list[str]] = {}
    for each in _divisions():
        bearers.setdefault((each.name, False), []).append(each.code)
        if each.short != each.name and len(each.short) > 1:
            bearers.setdefault((each.short, True), []).append(each.code)
    names: dict[str, _Name] = {}
    for (name, short), codes in bearers.items():
        if not short or name not in names:
            names[name] = _Name(tuple(codes), _trust(name, short, codes))
    return names | {trap: _Name((), "trap") for trap in _guards()["trap"]}


def _trust(name: str, short: bool, codes: Sequence[str]) -> str:
    """Return how readily a name is believed; a short name that only counties bear is doubtful by itself."""
    if not short:
        return "adjacent" if name in _guards()["adjacent"] else "sure"
    small = all(not code.endswith("00") for code in codes)
    return "doubtful" if small or name in _guards()["doubtful"] else "short"
