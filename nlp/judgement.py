"""What every reader's model offers: for each text, probabilities per question and an embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from qingting.model import Matter, Sentiment, Target, Topic

# The questions a model answers about a text, in this order everywhere; `relevance` answers no or yes.
HEADS = ("relevance", "sentiment", "topic", "matter", "target")
ANSWERS: Mapping[str, frozenset[str]] = {
    "relevance": frozenset({"no", "yes"}),
    "sentiment": frozenset(Sentiment),
    "topic": frozenset(Topic),
    "matter": frozenset(Matter),
    "target": frozenset(Target),
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model says about one text: per head the probability of every answer, summing to 1.

    `embedding` is 384 little-endian float16 values, L2-normalised, or b'' when the model gives none.
    """

    probabilities: Mapping[str, Mapping[str, float]]
    embedding: bytes = b""

    def best(self, head: str, *, without: str = "") -> str:
        """Return a head's most probable answer, one of them left out where named; the first of equals."""
        answers = self.probabilities[head]
        return max((answer for answer in answers if answer != without), key=answers.__getitem__)


class Backend(Protocol):
    """A model that judges texts; it may be called from several threads at once."""

    @property
    def name(self) -> str:
        """Return the model's name and version, as stored with every reading."""

    @property
    def degraded(self) -> bool:
        """Return whether readings by this model are only a makeshift."""

    @property
    def threshold(self) -> float:
        """Return the probability of relevance from which a text counts as relevant."""

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Return one judgement per text, in order; any text is judged, even an empty one.

        Raises ReaderError(broken_model) when the model fails while it runs.
        """
