"""One contract for every back end: a file in nlp/backends with a class …Backend is under it by existing."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import pytest

import nlp.backends
from nlp.backends.lexicon import LexiconBackend
from nlp.backends.onnx import OnnxBackend
from nlp.backends.torch import TorchBackend
from nlp.judgement import ANSWERS, HEADS, Backend
from nlp.reader import BACKENDS
from qingting.errors import ReaderError

FOUND = sorted(
    path.stem
    for path in Path(nlp.backends.__path__[0]).glob("*.py")
    if "Backend:" in path.read_text(encoding="utf-8") and path.stem != "__init__"
)


def _tiny_torch_model(folder: Path) -> Path:
    """Write an untrained classifier of a few hundred weights in Hugging Face's layout, with the shipped tokenizer."""
    from nlp.backends.encoding import load_tokenizer
    from nlp.backends.onnx import SHIPPED

    tokenizer = load_tokenizer(SHIPPED)
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        id2label={0: "negative", 1: "neutral", 2: "positive"}, pad_token_id=1,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=FOUND)
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    if request.param == "lexicon":
        return LexiconBackend()
    if request.param == "onnx":
        return OnnxBackend(threads=2, max_tokens=160, batch_tokens=1024)
    if request.param == "torch":
        if find_spec("torch") is None:
            pytest.skip("torch is not installed; `pip install qingting[torch]` to run its contract")
        return TorchBackend(_tiny_torch_model(tmp_path_factory.mktemp("tiny")), threads=1, max_tokens=64)
    raise AssertionError(f"say here how a {request.param} back end is opened in tests")


TEXTS = [
    "化工厂半夜偷排污水，河里的鱼都死了！",
    "",
    "今天蓝天白云，空气真好",
    "优化营商环境",
    "。",
    "😡" * 30,
    "长" * 3000,
]


def test_every_back_end_on_offer_is_under_the_contract() -> None:
    assert sorted(BACKENDS) == FOUND


def test_every_text_gets_a_judgement_with_every_answer(backend: Backend) -> None:
    judgements = backend.judge(TEXTS)
    assert len(judgements) == len(TEXTS)
    for judgement in judgements:
        assert set(judgement.probabilities) == set(HEADS)
        for head in HEADS:
            answers = judgement.probabilities[head]
            assert set(answers) == ANSWERS[head]
            assert math.isclose(sum(answers.values()), 1.0, abs_tol=1e-4)
            assert all(0.0 <= probability <= 1.0001 for probability in answers.values())


def test_judgements_come_in_the_order_of_the_texts(backend: Backend) -> None:
    forward = [judgement.best("topic") for judgement in backend.judge(TEXTS[:4])]
    backward = [judgement.best("topic") for judgement in backend.judge(TEXTS[:4][::-1])]
    assert forward == backward[::-1]


def test_no_texts_give_no_judgements(backend: Backend) -> None:
    assert backend.judge([]) == []


def test_an_embedding_is_384_halves_of_length_one_or_nothing(backend: Backend) -> None:
    import numpy as np

    for judgement in backend.judge(TEXTS[:3]):
        assert len(judgement.embedding) in (0, 768)
        if judgement.embedding:
            assert np.linalg.norm(np.frombuffer(judgement.embedding, "<f2").astype(float)) == pytest.approx(1, abs=0.01)


def test_a_back_end_has_a_name_and_a_threshold(backend: Backend) -> None:
    assert ":" in backend.name
    assert 0 < backend.threshold < 1


def test_a_missing_model_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match=r"model\.onnx") as caught:
        OnnxBackend(tmp_path, threads=1, max_tokens=160, batch_tokens=1024)
    assert caught.value.reason == "missing_model"


def test_torch_without_a_model_says_what_to_set() -> None:
    with pytest.raises(ReaderError) as caught:
        TorchBackend(None, threads=1, max_tokens=160)
    assert caught.value.reason == "missing_model"
    assert "reader.model" in caught.value.hint
