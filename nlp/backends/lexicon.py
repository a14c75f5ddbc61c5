"""The makeshift reader: weighted words from our own list, for when no model can be loaded.

The words were chosen by hand; their weights for each answer (data/lexicon.tsv) are a softmax regression over
which words a text holds, fitted by `nlp.evaluation.fit_lexicon`. Attitude by rules (nlp/attitude.py) goes in beside
them, since a list of words alone reads 不好 as praise.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nlp.attitude import attitudes, is_ironic, listed_words
from nlp.judgement import ANSWERS, HEADS, Judgement
from nlp.lookup import Names
from nlp.segment import Word, words

WEIGHTS = Path(__file__).parent.parent / "data" / "lexicon.tsv"

# A text is judged by its beginning: the texts the weights were fitted on end at 600 characters.
_READ = 600


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a text has that the list has weights for: a listed word, or a trait (its name begins with *)."""

    name: str
    value: float
    start: int = 0
    end: int = 0


class LexiconBackend:
    """Judges texts by listed words and rules of attitude."""

    threshold = 0.5
    degraded = True

    def __init__(self) -> None:
        """Load the list, which is part of the program."""
        self.name = f"lexicon:{hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()[:8]}"

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Return one judgement per text, in order; see Backend."""
        return [_judgement(text) for text in texts]


def features(text: str, vocabulary: Names[str], single: Mapping[str, object] | set[str]) -> list[Feature]:
    """Return what a cleaned text holds of a vocabulary, each word once, and its traits.

    A word's value falls with the fourth root of how many there are, so that a long text is not judged by its length.
    """
    text = text[:_READ]
    cut = words(text)
    firsts: dict[str, tuple[int, int]] = {}
    for start, end in listed_words(text, cut, vocabulary, single):
        firsts.setdefault(text[start:end], (start, end))
    value = max(len(firsts), 1) ** -0.25
    return [Feature(word, value, start, end) for word, (start, end) in firsts.items()] + list(_traits(text, cut))


def _traits(text: str, cut: Sequence[Word]) -> Iterator[Feature]:
    """Yield what a text is like beside its words: its length, and the attitude that the rules find in it."""
    found = attitudes(text, cut)
    blame = -sum(each.weight for each in found if each.weight < 0)
    praise = sum(each.weight for each in found if each.weight > 0)
    yield Feature("*always", 1.0)
    yield Feature("*short", float(len(text) < 30))
    yield Feature("*long", float(len(text) > 150))
    yield Feature("*longest", float(len(text) > 300))
    yield Feature("*blame", math.log1p(blame))
    yield Feature("*praise", math.log1p(praise))
    yield Feature("*balance", (praise - blame) / (praise + blame + 2.0))
    yield Feature("*irony", float(is_ironic(text)))
    yield Feature("*question", float("?" in text))
    yield Feature("*exclamation", float("!" in text))


def _judgement(text: str) -> Judgement:
    lexicon = _lexicon()
    totals = {head: dict.fromkeys(sorted(answers), 0.0) for head, answers in ANSWERS.items()}
    for feature in features(text, lexicon.names, lexicon.weights.keys() | set()):
        for head, answer, weight in lexicon.weights.get(feature.name, ()):
            totals[head][answer] += weight * feature.value
    return Judgement({head: _softmax(totals[head]) for head in HEADS})


def _softmax(scores: Mapping[str, float]) -> dict[str, float]:
    highest = max(scores.values())
    raised = {answer: math.exp(score - highest) for answer, score in scores.items()}
    total = sum(raised.values())
    return {answer: value / total for answer, value in raised.items()}


@dataclass(frozen=True, slots=True)
class _Lexicon:
    weights: Mapping[str, tuple[tuple[str, str, float], ...]]
    names: Names[str]


@cache
def _lexicon() -> _Lexicon:
    """Return the weights of every listed word and trait, by head and answer; the file holds them in hundredths."""
    weights: dict[str, tuple[tuple[str, str, float], ...]] = {}
    for line in WEIGHTS.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            word, *stated = line.split("\t")
            weights[word] = tuple(_weight(each) for each in stated)
    return _Lexicon(weights, Names({word: word for word in weights if not word.startswith("*")}))


def _weight(stated: str) -> tuple[str, str, float]:
    """Return head, answer and weight of one entry such as topic:air=153."""
    says, _, hundredths = stated.partition("=")
    head, _, answer = says.partition(":")
    return head, answer, int(hundredths) / 100
