"""Figures of a model over labelled texts: relevance F1, sentiment macro-F1, and accuracies on the relevant texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from nlp.judgement import HEADS
from nlp.training.prepare import Example

Logits = Mapping[str, npt.NDArray[np.floating]]


def scores(examples: Sequence[Example], logits: Logits, answers: Mapping[str, Sequence[str]]) -> dict[str, float]:
    """Return the five figures; topic and matter of a relevant text are the best answer other than none."""
    gold = {head: np.array([answers[head].index(each.labels[head]) for each in examples]) for head in HEADS}
    relevant = gold["relevance"] == 1
    found = {head: np.argmax(logits[head], axis=-1) for head in ("relevance", "sentiment", "target")}
    for head in ("topic", "matter"):
        masked = np.array(logits[head], dtype=np.float32)
        masked[:, list(answers[head]).index("none")] = -np.inf
        found[head] = np.argmax(masked, axis=-1)
    figures = {
        "relevance": f1(gold["relevance"] == 1, found["relevance"] == 1),
        "sentiment": float(np.mean([f1(gold["sentiment"] == c, found["sentiment"] == c) for c in range(3)])),
    }
    for head in ("topic", "matter", "target"):
        figures[head] = float(np.mean(found[head][relevant] == gold[head][relevant]))
    return figures


def f1(gold: npt.NDArray[np.bool_], found: npt.NDArray[np.bool_]) -> float:
    """Return the F1 of a yes-or-no question; 0 when nothing is either."""
    hits, either = int(np.sum(gold & found)), int(np.sum(gold) + np.sum(found))
    return 2 * hits / either if either else 0.0
