from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nlp.evaluation.dictionary import measure
from nlp.evaluation.evaluate import ROOT, evaluate, load
from nlp.evaluation.gate import FLOORS, Floors, check, digest, load_floors, lowered, raised, save_floors
from nlp.reader import open_reader

GOOD = {"relevance": 0.9, "sentiment": 0.8}
HELD = Floors(data="texts.jsonl", sha256="d1", backend="onnx", figures=GOOD, former=GOOD)


@pytest.mark.parametrize("name", load_floors(FLOORS))
def test_the_shipped_reader_keeps_its_floors(name: str) -> None:
    floors = load_floors(FLOORS)[name]
    path = ROOT / floors.data
    if not path.is_file():
        pytest.skip(f"{floors.data} is not here; this floor needs it")
    assert check(name, floors, evaluate(open_reader(floors.backend), load(path)), digest(path)) == []


def test_a_figure_below_its_floor_fails() -> None:
    (problem,) = check("set", HELD, {"relevance": 0.9, "sentiment": 0.7}, "d1")
    assert "sentiment" in problem
    assert "0.7000" in problem


def test_a_figure_that_is_not_there_fails() -> None:
    assert len(check("set", HELD, {"relevance": 0.9}, "d1")) == 1


def test_other_data_under_the_same_name_fails() -> None:
    (problem,) = check("set", HELD, GOOD, "d2")
    assert "摘要" in problem


def test_a_floor_is_not_lowered_without_a_reason() -> None:
    lower = replace(HELD, figures={"relevance": 0.85, "sentiment": 0.8})
    assert len(lowered("set", lower)) == 1
    assert len(lowered("set", replace(lower, reason="  "))) == 1
    assert lowered("set", replace(lower, reason="换用新的评测数据")) == []


def test_a_floor_is_not_dropped_without_a_reason() -> None:
    assert len(lowered("set", replace(HELD, figures={"relevance": 0.9}))) == 1


def test_updating_raises_floors_and_never_lowers_one() -> None:
    better = raised(HELD, {"relevance": 0.95, "sentiment": 0.5}, "d1")
    assert better.figures == {"relevance": 0.95, "sentiment": 0.8}
    assert raised(HELD, {"relevance": 1.0, "sentiment": 1.0}, "other data") == HELD


def test_floors_survive_being_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "floors.json"
    save_floors(path, {"set": replace(HELD, reason="原因")})
    assert load_floors(path) == {"set": replace(HELD, reason="原因")}


def test_our_own_texts_are_labelled_within_the_vocabularies() -> None:
    from nlp.judgement import ANSWERS

    texts = load(ROOT / "nlp" / "evaluation" / "own.jsonl")
    assert len({text.id for text in texts}) == len(texts) >= 80
    for text in texts:
        assert all(answer in ANSWERS[head] for head, answer in text.labels.items())
        assert text.relevant == (text.labels["topic"] != "none")


def test_the_dictionary_makes_terms_whole() -> None:
    change = measure(["小区噪音扰民", "今天天气不错"])
    assert (change.texts, change.changed, change.terms["噪音扰民"]) == (2, 1, 1)
