"""The shipped reader: a six-layer encoder with five heads in int8 on ONNX Runtime, on the CPU."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime

from nlp.backends.encoding import LEAD_WEIGHT, Encoder, Floats, Integers, Window, load_tokenizer, settled, softmax
from nlp.judgement import ANSWERS, HEADS, Judgement
from qingting.errors import ReaderError

SHIPPED = Path(__file__).parent.parent / "models" / "reader"

# On the development split relevance F1 stays within 0.931 and 0.941 for any threshold from 0.4 to 0.6: nothing to gain
# by moving it.
THRESHOLD = 0.5
# What the logits are divided by: fitted on 300 labelled texts held out of training (nlp/training/calibrate.py).
# Expected calibration error there before and after: relevance 0.017, 0.007; sentiment 0.030, 0.030; matter 0.078,
# 0.064. Topic and target are as well off without (0.028 and 0.057; 0.051 and 0.063 with). A temperature changes no
# answer.
TEMPERATURES: Mapping[str, float] = {
    "relevance": 1.15,
    "sentiment": 1.0,
    "topic": 1.0,
    "matter": 0.8,
    "target": 1.0,
}


class OnnxBackend:
    """Judges texts with a model folder holding model.onnx, tokenizer.json and labels.json."""

    threshold = THRESHOLD
    degraded = False

    def __init__(self, folder: Path = SHIPPED, *, threads: int, max_tokens: int, batch_tokens: int) -> None:
        """Load the model; raises ReaderError(missing_model | broken_model)."""
        for name in ("model.onnx", "tokenizer.json", "labels.json"):
            if not (folder / name).is_file():
                raise ReaderError(
                    f"阅读模型不完整：{folder} 里没有 {name}。",
                    reason="missing_model",
                    hint='请恢复模型文件，或在配置里改用 reader.backend = "lexicon"。',
                )
        try:
            self._labels = _labels(folder / "labels.json")
            self._encoder = Encoder(load_tokenizer(folder), max_tokens, batch_tokens)
            self._session = _session(folder / "model.onnx")
        # The one broad except of this room: tokenizer and runtime raise bare Exceptions and types of their own for a
        # damaged file; whatever it is, the caller reads on with the lexicon and says so.
        except Exception as error:
            raise ReaderError(
                f"阅读模型损坏，无法载入 {folder}：{error}",
                reason="broken_model",
                hint='请重新安装模型文件，或在配置里改用 reader.backend = "lexicon"。',
            ) from error
        self._workers = ThreadPoolExecutor(max(1, threads), thread_name_prefix="reader")
        self.name = f"onnx:{_digest(folder / 'model.onnx')}"

    def judge(self, texts: Sequence[str]) -> list[Judgement]:
        """Return one judgement per text, in order; see Backend.

        Leads are read first, then the rest of those long texts whose lead doesn't settle the matter.
        """
        leads, followers = self._encoder.windows(texts)
        totals = self._read(leads)
        sums = [{name: LEAD_WEIGHT * values for name, values in total.items()} for total in totals]
        open_ones = [
            window
            for window in followers
            if window.needed or not settled(totals[window.text]["relevance"], totals[window.text]["sentiment"])
        ]
        for window, found in zip(open_ones, self._read(open_ones), strict=True):
            total = sums[window.text]
            sums[window.text] = {name: total[name] + window.weight * values for name, values in found.items()}
        return [self._judgement(total) for total in sums]

    def _read(self, windows: Sequence[Window]) -> list[dict[str, Floats]]:
        """Return probabilities and embedding of each window, in order."""
        outputs: list[dict[str, Floats]] = [{} for _ in windows]
        batches = list(self._encoder.batches(windows))
        for (chosen, _, _), result in zip(batches, self._workers.map(self._run, batches), strict=True):
            for row, index in enumerate(chosen):
                outputs[index] = {head: values[row] for head, values in result.items()}
        return outputs

    def _run(self, batch: tuple[list[int], Integers, Integers]) -> dict[str, Floats]:
        """Return probabilities and embeddings of one batch; ONNX Runtime lets go of the GIL meanwhile."""
        _, ids, mask = batch
        wanted = [*HEADS, "embedding"]
        values = self._session.run(wanted, {"input_ids": ids, "attention_mask": mask})
        found = dict(zip(wanted, values, strict=True))
        return {
            name: softmax(value, TEMPERATURES[name]) if name in TEMPERATURES else value for name, value in found.items()
        }

    def _judgement(self, total: Mapping[str, Floats]) -> Judgement:
        probabilities = {
            head: dict(zip(self._labels[head], (total[head] / total[head].sum()).tolist(), strict=True))
            for head in HEADS
        }
        embedding = total["embedding"]
        length = float(np.linalg.norm(embedding)) or 1.0
        return Judgement(probabilities, (embedding / length).astype("<f2").tobytes())


def _digest(path: Path) -> str:
    """Return what tells one model from another: readings by different models must not pass for the same."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:8]


def _session(path: Path) -> onnxruntime.InferenceSession:
    """Return a session of one thread: our own workers share it, which is faster here than threads inside it."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # ONNX Runtime 1.32 joins each addition to the layer norm after it and works the two out one number at a time: kept
    # apart they take 4.4 ms a text instead of 5.3 on one core, with the same answers.
    apart = ["SkipLayerNormFusion"]
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=apart
    )


def _labels(path: Path) -> Mapping[str, tuple[str, ...]]:
    """Return each head's answers in the model's order; raises ValueError when they aren't the model's own."""
    stated = json.loads(path.read_text(encoding="utf-8"))
    stated["relevance"] = ["yes" if answer else "no" for answer in stated["relevance"]]
    labels = {head: tuple(stated[head]) for head in HEADS}
    for head, answers in labels.items():
        if frozenset(answers) != ANSWERS[head] or len(set(answers)) != len(answers):
            raise ValueError(f"labels.json: {head} = {answers}")
    return labels
