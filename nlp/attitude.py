"""Weighs the words of attitude in a text by rules: negation, degree, contrast, emoticons and irony."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nlp.lookup import Names
from nlp.segment import Word

_DATA = Path(__file__).parent / "data"

# A negation, degree or contrast word works on what follows it up to the next of these.
_CLAUSE_END = re.compile(r"[,.!?;:。，！？；：…~\n]")
# What a negated word keeps of its weight, the other way round: 不好 is less bad than 坏 is.
_NEGATED = -0.7
# How much more counts what follows a 但是 in the same clause.
_AFTER_CONTRAST = 1.5


@dataclass(frozen=True, slots=True)
class Attitude:
    """A word of attitude as it counts where it stands: above 0 praise, below 0 blame, in steps of about 1 to 3."""

    text: str
    weight: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Rules:
    weights: Mapping[str, float]
    degrees: Mapping[str, float]
    negations: frozenset[str]
    contrasts: frozenset[str]
    ironies: tuple[str, ...]
    names: Names[str]


@dataclass(slots=True)
class _Clause:
    """What the words so far in a clause do to the next word of attitude."""

    turned: bool = False
    factor: float = 1.0
    contrast: float = 1.0

    def take(self, word: str, rules: _Rules) -> None:
        """Note a word that works on the words after it."""
        if word in rules.negations:
            self.turned = not self.turned
        elif word in rules.degrees:
            self.factor *= rules.degrees[word]
        elif word in rules.contrasts:
            self.contrast = _AFTER_CONTRAST

    def weigh(self, weight: float, *, face: bool) -> float:
        """Return a word's weight after what stands before it; an emoticon is not negated by words."""
        weighed = weight * self.factor * self.contrast * (_NEGATED if self.turned and not face else 1.0)
        self.turned, self.factor = False, 1.0
        return weighed


def attitudes(text: str, words: Sequence[Word]) -> list[Attitude]:
    """Return the words of attitude in a cleaned text with the weight they have there; `words` is its cut.

    In a text with a mark of irony (呵呵, 好一个, [doge]) praise counts as blame.
    """
    rules = _rules()
    ironic = is_ironic(text)
    clause, clause_end = _Clause(), 0
    found: list[Attitude] = []
    for start, end in listed_words(text, words, rules.names, rules.weights.keys() | rules.negations):
        if start >= clause_end:
            clause = _Clause()
            border = _CLAUSE_END.search(text, start)
            clause_end = border.end() if border else len(text)
        word = text[start:end]
        clause.take(word, rules)
        if word in rules.weights:
            weight = clause.weigh(rules.weights[word], face=word.startswith("["))
            found.append(Attitude(word, -abs(weight) if ironic else weight, start, end))
    return found


def is_ironic(text: str) -> bool:
    """Return whether a text holds a mark of irony."""
    return any(mark in text for mark in _rules().ironies)


def listed_words(
    text: str, words: Sequence[Word], names: Names[str], single: Mapping[str, object] | frozenset[str] | set[str]
) -> list[tuple[int, int]]:
    """Return where listed words stand, in order: the longer ones anywhere, single characters only as whole words."""
    found = [(start, end) for start, end, _ in names.find(text)]
    covered = {index for start, end in found for index in range(start, end)}
    found += [
        (word.start, word.end)
        for word in words
        if word.end - word.start == 1 and word.text in single and word.start not in covered
    ]
    return sorted(found)


@cache
def _rules() -> _Rules:
    rows = [
        line.split()
        for line in (_DATA / "sentiment.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    by_rule: dict[str, list[str]] = {}
    weights: dict[str, float] = {}
    degrees: dict[str, float] = {}
    for rule, *members in rows:
        if rule.startswith("degree*"):
            degrees |= dict.fromkeys(members, float(rule.removeprefix("degree*")))
        elif rule.lstrip("-").isdigit():
            weights |= dict.fromkeys(members, float(rule))
        else:
            by_rule.setdefault(rule, []).extend(members)
    negations, contrasts = frozenset(by_rule["not"]), frozenset(by_rule["but"])
    listed = [*weights, *degrees, *negations, *contrasts]
    names = Names({word: word for word in listed})
    return _Rules(weights, degrees, negations, contrasts, tuple(by_rule["irony"]), names)
