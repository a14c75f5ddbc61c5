"""Takes the float weights of the shipped six-layer reader back out of its int8 ONNX file, to go on from there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor


def shipped_weights(path: Path) -> dict[str, Tensor]:
    """Return a network's state from a model.onnx in dynamic int8 whose encoder is named m and whose heads h.

    A quantised matrix loses at most half a step of 1/127 of its column's largest weight, which the further training
    mends. Raises ValueError for a file that isn't of that kind.
    """
    graph = onnx.load(str(path)).graph
    held = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    state = {_named(name): value for name, value in held.items() if name.endswith((".bias", "LayerNorm.weight"))}
    for name in held:
        if name.endswith("embeddings.weight_quantized"):
            state[_named(name.removesuffix("_quantized"))] = _floats(held, name)
    for node in graph.node:
        if node.op_type == "MatMulInteger":
            state[_place(node.name)] = _floats(held, node.input[1]).T
    if not any(name.startswith("bert.encoder.layer.") for name in state):
        raise ValueError(f"{path.name}: no quantised encoder")
    return {name: torch.from_numpy(np.array(value, dtype=np.float32, order="C")) for name, value in state.items()}


def _floats(held: dict[str, np.ndarray], name: str) -> np.ndarray:
    stem = name.removesuffix("_quantized")
    whole = held[name].astype(np.float32) - held[stem + "_zero_point"].astype(np.float32)
    return whole * held[stem + "_scale"].astype(np.float32)


def _place(node: str) -> str:
    """Return the weight's name of a node: /m/encoder/layer.0/output/dense/MatMul_quant or /topic/Gemm_MatMul_quant."""
    parts = [part for part in node.split("/")[:-1] if part]
    return _named(".".join(parts if parts[0] == "m" else ["h", *parts]) + ".weight")


def _named(name: str) -> str:
    return ("bert." if name.startswith("m.") else "heads.") + name[2:]
