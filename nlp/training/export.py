"""Writes a network as ONNX (opset 17) and in dynamic int8, with the outputs that the reader's back end asks for."""

from __future__ import annotations

import math
import shutil
import tempfile
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn
from torch.nn import functional

from nlp.judgement import HEADS
from nlp.training.network import ATTENTION_HEADS, WIDTH, Network

OPSET = 17
# Added to the attention of what is padding; large enough to leave nothing of it, small enough for half precision.
_NEVER = -10_000.0


class Plain(nn.Module):  # type: ignore[misc]  # torch ships with training only
    """A student in plain operations: a small graph, with nothing in it that depends on how it was traced."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.m, self.h = network.bert, network.heads

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, ...]:
        """Return the logits of each head and the embedding, in the order of the model's outputs."""
        mask = attention_mask.to(torch.float32)
        hidden = self._embedded(input_ids)
        blocked = (1.0 - mask)[:, None, None, :] * _NEVER
        *layers, last = self.m.encoder.layer
        for layer in layers:
            hidden = self._layer(layer, hidden, hidden, blocked)
        weights = mask.unsqueeze(-1)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        # The embedding is done, and the heads ask for the first token: nothing else of the last layer is needed.
        first = self._layer(last, hidden[:, :1], hidden, blocked)[:, 0]
        return (*(self.h[head](first) for head in HEADS), functional.normalize(mean, dim=-1))

    def _embedded(self, input_ids: Tensor) -> Tensor:
        table = self.m.embeddings
        places = table.position_embeddings.weight[: input_ids.shape[1]] + table.token_type_embeddings.weight[0]
        embedded: Tensor = table.LayerNorm(table.word_embeddings(input_ids) + places)
        return embedded

    def _layer(self, layer: nn.Module, asking: Tensor, hidden: Tensor, blocked: Tensor) -> Tensor:
        """Return what a layer makes of the asking tokens, which look at all hidden ones."""
        inner, size = layer.attention.self, WIDTH // ATTENTION_HEADS
        query, key, value = (
            part(tokens).view(tokens.shape[0], tokens.shape[1], ATTENTION_HEADS, size).transpose(1, 2)
            for part, tokens in ((inner.query, asking), (inner.key, hidden), (inner.value, hidden))
        )
        attention = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(size) + blocked, dim=-1)
        seen = (attention @ value).transpose(1, 2).reshape(asking.shape[0], asking.shape[1], WIDTH)
        hidden = layer.attention.output.LayerNorm(layer.attention.output.dense(seen) + asking)
        widened = functional.gelu(layer.intermediate.dense(hidden))
        result: Tensor = layer.output.LayerNorm(layer.output.dense(widened) + hidden)
        return result


def export(network: Network, tokenizer: Path, labels: Path, folder: Path) -> None:
    """Write float.onnx, model.onnx (int8), tokenizer.json and labels.json to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    plain = Plain(network.float()).eval()
    names = [*HEADS, "embedding"]
    axes = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}}
    example = torch.ones((2, 16), dtype=torch.long)
    # The newer exporter would need one more package; the older says at every call that it is, and what it fixes.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            plain,
            (example, example),
            str(folder / "float.onnx"),
            input_names=list(axes),
            output_names=names,
            dynamic_axes=axes | {name: {0: "batch"} for name in names},
            opset_version=OPSET,
            dynamo=False,
        )
    quantise(folder / "float.onnx", folder / "model.onnx")
    shutil.copyfile(tokenizer, folder / "tokenizer.json")
    shutil.copyfile(labels, folder / "labels.json")


def quantise(source: Path, destination: Path) -> None:
    """Write a float model in dynamic int8, each column of a matrix with a scale of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        prepared = Path(scratch) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_dynamic(str(prepared), str(destination), per_channel=True, weight_type=QuantType.QInt8)
