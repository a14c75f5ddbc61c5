"""Compares the int8 model with the float network that it was made from, text by text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from nlp.judgement import HEADS
from nlp.training.batching import batches

# A head of the int8 model may answer otherwise than in float on one text in twenty, and an embedding may turn by so
# much on average.
LEAST_SAME = 0.95
LEAST_COSINE = 0.98
_TOKENS = 1_024

Floats = npt.NDArray[np.float32]


def int8_outputs(model: Path, ids: Sequence[Sequence[int]]) -> dict[str, Floats]:
    """Return the outputs of an ONNX model for all texts, by name (texts × width)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    names = [*HEADS, "embedding"]
    parts: list[list[Floats]] = []
    order: list[int] = []
    for batch in batches(ids, range(len(ids)), _TOKENS):
        parts.append(session.run(names, {"input_ids": batch.ids.numpy(), "attention_mask": batch.mask.numpy()}))
        order.extend(batch.rows)
    back = np.argsort(np.array(order))
    return {name: np.concatenate([part[place] for part in parts])[back] for place, name in enumerate(names)}


def parity(ours: Mapping[str, Floats], theirs: Mapping[str, Floats]) -> dict[str, float]:
    """Return the share of texts with the same answer per head, and the mean cosine of the embeddings."""
    same = {head: float(np.mean(ours[head].argmax(-1) == theirs[head].argmax(-1))) for head in HEADS}
    return same | {"embedding": float(np.mean(np.sum(ours["embedding"] * theirs["embedding"], axis=-1)))}


def check_parity(found: Mapping[str, float]) -> None:
    """Raise ValueError when the int8 model strays too far from the float one."""
    strayed = [head for head in HEADS if found[head] < LEAST_SAME]
    if strayed or found["embedding"] < LEAST_COSINE:
        raise ValueError(f"int8 strays from float: {found}")
