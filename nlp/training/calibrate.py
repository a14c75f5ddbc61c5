"""Fits a temperature per head and the threshold of relevance on texts that nothing was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nlp.judgement import HEADS
from nlp.training.prepare import Example
from nlp.training.scores import f1

Logits = Mapping[str, npt.NDArray[np.float32]]

_TEMPERATURES = np.arange(0.5, 3.01, 0.05)
# A threshold is moved from the middle only within these bounds, and only as far as the held-out texts ask for.
_THRESHOLDS = np.arange(0.3, 0.71, 0.02)


def calibrate(examples: Sequence[Example], logits: Logits, answers: Mapping[str, Sequence[str]]) -> dict[str, object]:
    """Return temperatures, the threshold, and the calibration error of each head before and after.

    The held-out texts were chosen among those the first model was least sure of, so the temperatures err on the side
    of caution.
    """
    gold = {head: np.array([answers[head].index(each.labels[head]) for each in examples]) for head in HEADS}
    temperatures = {head: temperature_of(logits[head], gold[head]) for head in HEADS}
    before = {head: calibration_error(softmax(logits[head]), gold[head]) for head in HEADS}
    after = {head: calibration_error(softmax(logits[head] / temperatures[head]), gold[head]) for head in HEADS}
    relevance = softmax(logits["relevance"] / temperatures["relevance"])[:, 1]
    threshold = threshold_of(relevance, gold["relevance"] == 1)
    return {"temperatures": temperatures, "threshold": threshold, "error_before": before, "error_after": after}


def temperature_of(logits: npt.NDArray[np.float32], gold: npt.NDArray[np.int_]) -> float:
    """Return the temperature with the least negative log-likelihood, in steps of 0.05."""
    losses = [-np.log(softmax(logits / t)[np.arange(len(gold)), gold] + 1e-12).mean() for t in _TEMPERATURES]
    return round(float(_TEMPERATURES[int(np.argmin(losses))]), 2)


def threshold_of(relevance: npt.NDArray[np.float32], gold: npt.NDArray[np.bool_]) -> float:
    """Return the middle of the thresholds whose F1 is within 0.002 of the best: a single best one is chance."""
    figures = np.array([f1(gold, relevance >= threshold) for threshold in _THRESHOLDS])
    return round(float(np.median(_THRESHOLDS[figures >= figures.max() - 0.002])), 2)


def calibration_error(probabilities: npt.NDArray[np.float32], gold: npt.NDArray[np.int_], bins: int = 10) -> float:
    """Return the expected calibration error: how far confidence is from accuracy, over bins of confidence."""
    confidence, right = probabilities.max(axis=-1), probabilities.argmax(axis=-1) == gold
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    shares = [(places == place) for place in range(bins) if bool(np.any(places == place))]
    return float(sum(each.mean() * abs(confidence[each].mean() - right[each].mean()) for each in shares))


def softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return probabilities along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    result: npt.NDArray[np.float32] = raised / raised.sum(axis=-1, keepdims=True)
    return result


def write_calibration(path: Path, found: Mapping[str, object]) -> None:
    """Write a calibration as JSON."""
    path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
