"""Explains a reading: which words moved the sentiment and by how much, and which dictionary entries fired."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from nlp.attitude import attitudes
from nlp.lookup import Names
from nlp.measurements import find_pollutants
from nlp.normalize import Clean
from nlp.reader import Reader, prepare
from nlp.segment import Word, domain_terms, words
from qingting.model import Post

# Every part left out costs one reading of the text; with more words than this they are left out by the clause.
_MOST_PARTS = 64
# Beyond this many characters nothing is left out: the model read little of it.
_READ = 1000
_CLAUSE = re.compile(r"[^,.!?;:。！？；\n]+[,.!?;:。！？；\n]*")
_SPOKEN = re.compile(r"\w|\[")


@dataclass(frozen=True, slots=True)
class Push:
    """A word and how far it pushes the score: what the score loses when the word is left out (-2..2)."""

    text: str
    push: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fired:
    """An entry of one of our dictionaries found in the text: 'attitude' with its weight there, 'environment' with its
    part of speech, 'pollutant' with its common name."""

    dictionary: str
    text: str
    says: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a post was read as it was. Positions are in `judged`, the words whose attitude counted; pushes strongest
    first."""

    post_id: str
    model: str
    judged: str
    relevant: bool
    sentiment: str
    score: float
    pushes: tuple[Push, ...]
    fired: tuple[Fired, ...]

    def to_dict(self) -> dict[str, object]:
        """Return the explanation in plain values, for JSON."""
        return asdict(self)


def explain(reader: Reader, post: Post, now: datetime) -> Explanation:
    """Return which words of a post moved its sentiment, by leaving out each in turn, and what the dictionaries found.

    Reads the text about as often as it has words: a fraction of a second. Raises ReaderError(broken_model).
    """
    reading = reader.read([post], now)[0]
    judged = prepare(post).own
    cut = words(judged[:_READ])
    parts = _parts(judged[:_READ], cut)
    whole, *without = reader.scores([judged, *(judged[: part.start] + judged[part.end :] for part in parts)])
    pushes = [
        Push(part.text, round(whole - score, 4), part.start, part.end)
        for part, score in zip(parts, without, strict=True)
    ]
    return Explanation(
        post_id=post.id,
        model=reading.model,
        judged=judged,
        relevant=reading.relevant,
        sentiment=reading.sentiment.value,
        score=round(reading.score, 4),
        pushes=tuple(sorted(pushes, key=lambda push: (-abs(push.push), push.start))),
        fired=_fired(judged, cut),
    )


def _parts(text: str, cut: Sequence[Word]) -> list[Word]:
    """Return the parts to leave out in turn: the words, or in a long text its clauses."""
    spoken = [word for word in cut if _SPOKEN.search(word.text)]
    if len(spoken) <= _MOST_PARTS:
        return spoken
    clauses = [Word(match[0], "", match.start(), match.end()) for match in _CLAUSE.finditer(text)]
    return clauses[:_MOST_PARTS]


def _fired(text: str, cut: Sequence[Word]) -> tuple[Fired, ...]:
    """Return what each dictionary has found, attitudes first, each in the order of the text."""
    found = [Fired("attitude", each.text, f"{each.weight:+.1f}") for each in attitudes(text, cut)]
    terms = Names(domain_terms())
    found += [Fired("environment", text[start:end], tag) for start, end, tag in terms.find(text.lower())]
    found += [Fired("pollutant", name, name) for name in find_pollutants(Clean(text))]
    return tuple(dict.fromkeys(found))
