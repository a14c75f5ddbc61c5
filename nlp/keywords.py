"""Keywords of a text, and the words that are hot or new in a period: what is new there and not what is frequent."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import islice
from pathlib import Path

from nlp.segment import Word, is_domain_word, rarity

_DATA = Path(__file__).parent / "data"

# Parts of speech that name a subject; a verb does so too, but nouns come first.
_NAMING = ("n", "vn", "j", "l", "eng")
_ACTING = ("v", "a", "i")
_DOMAIN_FACTOR = 2.0
_ACTING_FACTOR = 0.6
_PLACE_FACTOR = 0.7
# A word in the first so many characters, where title and lead stand, weighs half as much again.
_LEAD = 40
_LEAD_FACTOR = 1.5
# Words that follow one another at least so often in a text are one term.
_MERGED_FROM = 2
_LONGEST_TERM = 10
# What a hashtag tells that holds no word of its text: as much as a rare word.
_TAG_WORTH = 10.0
_HASHTAG = re.compile(r"#([^#\s]{2,20})#")


@dataclass(frozen=True, slots=True)
class Terms:
    """How often words, and pairs of words straight after one another, stand in the texts of a period."""

    words: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class HotWord:
    """A word that a period has more of than its background: how often in both, and how sure that is (z-score)."""

    word: str
    count: int
    background: int
    score: float


def keywords(text: str, words: Sequence[Word], limit: int = 8) -> tuple[str, ...]:
    """Return what a cleaned text is about, weightiest first; `words` is its cut.

    A word counts by how often it stands, how rare it is in Chinese, whether our dictionary has it, and whether it
    stands in the lead. Words that keep following one another are merged, and a hashtag is a term as it stands.
    """
    scores: dict[str, float] = {}
    for word in words:
        weight = _worth(word.text, word.tag)
        if weight:
            weight *= _LEAD_FACTOR if word.start < _LEAD else 1.0
            scores[word.text] = scores.get(word.text, 0.0) + weight
    for tag in _HASHTAG.findall(text):
        inside = max((score for word, score in scores.items() if word in tag), default=_TAG_WORTH)
        scores[tag] = scores.get(tag, 0.0) + inside
    _merge(scores, words)
    ranked = sorted(scores, key=lambda term: (-scores[term], term))
    return tuple(islice(_without_parts(ranked), limit))


def count_terms(cuts: Iterable[Sequence[Word]]) -> Terms:
    """Return the terms of many texts, given their cuts, each counted once a text."""
    terms = Terms()
    for words in cuts:
        naming = [word for word in words if _worth(word.text, word.tag)]
        terms.words.update({word.text for word in naming})
        terms.pairs.update({(a.text, b.text) for a, b in _neighbours(words)})
    return terms


def hot_words(
    counts: Mapping[str, int], background: Mapping[str, int], *, limit: int = 20, least: int = 3, prior: float = 500.0
) -> list[HotWord]:
    """Return the words that a period has more of than the background, the surest first.

    Log-odds ratio with an informative Dirichlet prior (Monroe, Colaresi, Quinn 2008): the prior is spread over the
    words as the two periods together spread them, `prior` pseudo-counts in all, so that rare words need more evidence.
    """
    here, there = sum(counts.values()), sum(background.values())
    found: list[HotWord] = []
    for word, count in counts.items():
        before = background.get(word, 0)
        if not there or count < least or count + before == here + there:
            continue
        expected = prior * (count + before) / (here + there)
        odds_here = math.log((count + expected) / (here + prior - count - expected))
        odds_there = math.log((before + expected) / (there + prior - before - expected))
        spread = math.sqrt(1 / (count + expected) + 1 / (before + expected))
        score = (odds_here - odds_there) / spread
        if score > 0:
            found.append(HotWord(word, count, before, score))
    return sorted(found, key=lambda each: (-each.score, each.word))[:limit]


def new_words(
    period: Terms, background: Terms, *, limit: int = 20, least: int = 5, cohesion: float = 0.5
) -> list[HotWord]:
    """Return words and joined pairs of words that the background doesn't have at all, the most spoken of first.

    A pair is a word of its own when the background knows both parts but not together, and at least `cohesion` of the
    rarer part's texts have the two together; next to a part that is new itself, that part is the news.
    """
    found = [
        HotWord(word, n, 0, float(n)) for word, n in period.words.items() if n >= least and not background.words[word]
    ]
    for (a, b), count in period.pairs.items():
        rarer = min(period.words[a] or count, period.words[b] or count)
        known = background.words[a] and background.words[b] and not background.pairs[a, b]
        if known and count >= max(least, cohesion * rarer):
            found.append(HotWord(a + b, count, 0, float(count)))
    ranked = sorted(found, key=lambda each: (-each.count, -len(each.word), each.word))
    kept = set(_without_parts([each.word for each in ranked]))
    return [each for each in ranked if each.word in kept][:limit]


@lru_cache(maxsize=50_000)
def _worth(word: str, tag: str) -> float:
    """Return how much one occurrence of a word tells about a text; 0 for words that name no subject."""
    if len(word) < 2 or word in _stop_words() or not word[0].isalpha():
        return 0.0
    return _factor(word, tag) * rarity(word)


def _factor(word: str, tag: str) -> float:
    if is_domain_word(word.lower()):
        return _DOMAIN_FACTOR
    if tag.startswith("ns"):
        return _PLACE_FACTOR
    if tag.startswith(_NAMING):
        return 1.0
    return _ACTING_FACTOR if tag.startswith(_ACTING) else 0.0


def _neighbours(words: Sequence[Word]) -> Iterator[tuple[Word, Word]]:
    """Yield pairs of naming words straight after one another that together may be a term."""
    before: Word | None = None
    for word in words:
        naming = word if word.tag.startswith(_NAMING) and _worth(word.text, word.tag) else None
        if before is not None and naming is not None and len(before.text) + len(naming.text) <= _LONGEST_TERM:
            yield before, naming
        before = naming


def _merge(scores: dict[str, float], words: Sequence[Word]) -> None:
    """Put together the words that keep following one another; what they told apart, the term tells."""
    together = Counter((first.text, second.text) for first, second in _neighbours(words))
    for (first, second), count in together.items():
        if count >= _MERGED_FROM and first in scores and second in scores:
            scores[first + second] = scores[first] + scores[second]


def _without_parts(ranked: Sequence[str]) -> Iterator[str]:
    """Yield the terms that no weightier term, nor the next ones merged of them, already holds."""
    kept: list[str] = []
    for term in ranked:
        if not any(term in other for other in kept):
            kept.append(term)
            yield term


@cache
def _stop_words() -> frozenset[str]:
    lines = (_DATA / "stopwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())
