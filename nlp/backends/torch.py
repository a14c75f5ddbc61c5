"""Reads with any sequence-classification model in Hugging Face's layout, on PyTorch, on a GPU where there is one.

Such a model has one question. Its labels say which: where they are attitudes (negative, 负面, 积极 …) it answers
sentiment, where they are exactly the answers of another head it answers that; the lexicon answers the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nlp.backends.encoding import without_advice
from nlp.backends.lexicon import LexiconBackend
from nlp.judgement import ANSWERS, Judgement
from qingting.errors import ReaderError
from qingting.model import Sentiment

# How public models name attitudes, beside our own names.
_ATTITUDES: Mapping[str, Sentiment] = {
    spelling: attitude
    for attitude, spellings in {
        Sentiment.NEGATIVE: ("negative", "neg", "负面", "消极", "负向", "负"),
        Sentiment.NEUTRAL: ("neutral", "neu", "中性", "中立"),
        Sentiment.POSITIVE: ("positive", "pos", "正面", "积极", "正向", "正"),
    }.items()
    for spelling in spellings
}
_BATCH = 16


class TorchBackend:
    """Judges texts with a model directory that transformers can load for sequence classification."""

    threshold = 0.5
    degraded = False

    def __init__(self, model: Path | None, *, threads: int, max_tokens: int) -> None:
        """Load the model; raises ReaderError(unsupported | missing_model | broken_model)."""
        if model is None or not (model / "config.json").is_file():
            raise ReaderError(
                f"没有找到 torch 后端的模型：{model or '未指定'}。",
                reason="missing_model",
                hint="请用 reader.model 指定一个含 config.json 的 Hugging Face 模型目录。",
            )
        if find_spec("torch") is None:
            raise ReaderError(
                "没有安装 torch，不能使用 torch 后端。",
                reason="unsupported",
                hint="请运行 pip install 'qingting[torch]'。",
            )
        # An extra that may be absent, and 2 s to import: loaded here, by name.
        self._torch: Any = import_module("torch")
        self._torch.set_num_threads(max(1, threads))
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        self._model, self._tokenizer = _load(model, self._device)
        self._max_tokens = max_tokens
        self._head, self._answers = _question(self._model.config.id2label, model)
        self._rest = LexiconBackend()
        self.name = f"torch:{model.name}"

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Return one judgement per text, in order; see Backend."""
        answered = [
            probabilities
            for start in range(0, len(texts), _BATCH)
            for probabilities in self._probabilities(texts[start : start + _BATCH])
        ]
        return [
            Judgement({**rest.probabilities, self._head: self._named(probabilities)})
            for rest, probabilities in zip(self._rest.judge(texts), answered, strict=True)
        ]

    def _probabilities(self, texts: Sequence[str]) -> list[list[float]]:
        inputs = self._tokenizer(
            list(texts), truncation=True, max_length=self._max_tokens, padding=True, return_tensors="pt"
        ).to(self._device)
        with self._torch.inference_mode():
            found: list[list[float]] = self._model(**inputs).logits.softmax(-1).cpu().tolist()
        return found

    def _named(self, probabilities: Sequence[float]) -> dict[str, float]:
        """Return probabilities by our answers; an attitude the model doesn't know has probability 0."""
        named = dict.fromkeys(sorted(ANSWERS[self._head]), 0.0)
        for answer, probability in zip(self._answers, probabilities, strict=True):
            named[answer] += probability
        return named


def _load(folder: Path, device: str) -> tuple[Any, Any]:
    """Return model and tokenizer; raises ReaderError(broken_model)."""
    without_advice()
    from transformers import AutoModelForSequenceClassification, AutoTokenizer  # noqa: PLC0415  declared lazy

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ReaderError(
            f"模型目录 {folder} 无法载入：{error}",
            reason="broken_model",
            hint="请检查该目录是否为完整的序列分类模型。",
        ) from error
    return model.to(device).eval(), tokenizer


def _question(labels: Mapping[int, str], folder: Path) -> tuple[str, list[str]]:
    """Return which head a model's labels answer, and our answer for each; raises ReaderError(unsupported)."""
    names = [str(labels[index]).strip().lower() for index in sorted(labels)]
    attitudes = [_ATTITUDES[name].value for name in names if name in _ATTITUDES]
    if len(attitudes) == len(names):
        return "sentiment", attitudes
    for head, answers in ANSWERS.items():
        if frozenset(names) == answers:
            return head, names
    raise ReaderError(
        f"模型 {folder.name} 的标签 {'、'.join(names)} 不是情感，也不是本系统的议题、事项或指向。",
        reason="unsupported",
        hint="请在其 config.json 的 id2label 里写明，例如 negative、neutral、positive。",
    )
