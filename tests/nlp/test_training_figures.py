from __future__ import annotations

import numpy as np
import pytest

from nlp.training.calibrate import calibrate, calibration_error, softmax, temperature_of, threshold_of
from nlp.training.prepare import Example
from nlp.training.scores import f1, scores

ANSWERS = {
    "relevance": ("no", "yes"),
    "sentiment": ("negative", "neutral", "positive"),
    "topic": ("none", "air", "water"),
    "matter": ("none", "complaint", "policy"),
    "target": ("none", "polluter", "authority"),
}


def example(*labels: str) -> Example:
    return Example("p", "", "development", dict(zip(ANSWERS, labels, strict=True)))


def logits(*rows: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Return logits of which the given answers are the highest."""
    return {
        head: np.eye(len(ANSWERS[head]), dtype=np.float32)[[row[place] for row in rows]] * 4
        for place, head in enumerate(ANSWERS)
    }


def test_a_reader_that_is_right_about_everything_scores_one() -> None:
    examples = [
        example("yes", "negative", "water", "complaint", "polluter"),
        example("yes", "positive", "air", "policy", "authority"),
        example("no", "neutral", "none", "none", "none"),
    ]
    found = scores(examples, logits((1, 0, 2, 1, 1), (1, 2, 1, 2, 2), (0, 1, 0, 0, 0)), ANSWERS)
    assert found == dict.fromkeys(ANSWERS, 1.0)


def test_topic_matter_and_target_are_judged_on_relevant_texts_and_none_is_no_topic() -> None:
    examples = [
        example("yes", "negative", "water", "complaint", "polluter"),
        example("no", "neutral", "none", "none", "none"),
    ]
    values = logits((1, 0, 0, 1, 0), (0, 1, 2, 2, 1))
    values["topic"][0, 2] = 3.0
    found = scores(examples, values, ANSWERS)
    assert (found["topic"], found["matter"], found["target"]) == (1.0, 1.0, 0.0)


def test_f1_of_nothing_found_and_nothing_to_find_is_nought() -> None:
    assert f1(np.array([False]), np.array([False])) == 0.0
    assert f1(np.array([True, True, False]), np.array([True, False, True])) == pytest.approx(0.5)


def test_a_model_too_sure_of_itself_is_cooled() -> None:
    chance = np.random.default_rng(3)
    gold = chance.integers(0, 2, 400)
    shown = np.where(chance.random(400) < 0.7, gold, 1 - gold)
    sure = np.eye(2, dtype=np.float32)[shown] * 6
    temperature = temperature_of(sure, gold)
    assert temperature > 2.0
    assert calibration_error(softmax(sure / temperature), gold) < calibration_error(softmax(sure), gold)


def test_the_threshold_is_the_middle_of_the_equally_good_ones() -> None:
    gold = np.array([False] * 5 + [True] * 5)
    assert threshold_of(np.array([0.1] * 5 + [0.9] * 5), gold) == pytest.approx(0.5)
    assert threshold_of(np.array([0.55] * 5 + [0.9] * 5), gold) > 0.55


def test_a_calibration_names_every_head() -> None:
    examples = [
        example("yes", "negative", "water", "complaint", "polluter"),
        example("no", "neutral", "none", "none", "none"),
    ]
    found = calibrate(examples, logits((1, 0, 2, 1, 1), (0, 1, 0, 0, 0)), ANSWERS)
    assert set(found["temperatures"]) == set(ANSWERS)
    assert found["threshold"] == pytest.approx(0.5)
