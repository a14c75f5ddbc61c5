"""The reader's network in torch: an encoder, five heads on its first token, and a mean-pooled embedding.

The teacher's embedding is the mean of its last layer, the student's of its last but one: so the student's last layer
is worked out for the first token only, which saves 14 % of all its work (nlp.training.export.Plain).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from nlp.judgement import HEADS

WIDTH, INNER, ATTENTION_HEADS, POSITIONS = 384, 1536, 12, 512

Outputs = dict[str, Tensor]


class Network(nn.Module):  # type: ignore[misc]  # torch ships with training only
    """Encoder, heads and embedding; `forward` gives logits per head, 'embedding' (L2-normalised) and 'first'."""

    def __init__(self, layers: int, vocabulary: int, answers: Mapping[str, int], *, student: bool = False) -> None:
        super().__init__()
        self.student = student
        config = BertConfig(
            vocab_size=vocabulary,
            hidden_size=WIDTH,
            num_hidden_layers=layers,
            num_attention_heads=ATTENTION_HEADS,
            intermediate_size=INNER,
            max_position_embeddings=POSITIONS,
            layer_norm_eps=1e-12,
            pad_token_id=1,
        )
        self.bert = BertModel(config, add_pooling_layer=False)
        self.heads = nn.ModuleDict({head: nn.Linear(WIDTH, answers[head]) for head in HEADS})
        self.dropout = nn.Dropout(0.1)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Outputs:
        """Return logits (batch × answers) per head, the embedding (batch × 384) and the first token (batch × 384)."""
        layers = self.bert(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True).hidden_states
        first, pooled = layers[-1][:, 0], layers[-2 if self.student else -1]
        weights = attention_mask.unsqueeze(-1).to(pooled.dtype)
        mean = (pooled * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        outputs = {head: self.heads[head](self.dropout(first)) for head in HEADS}
        return outputs | {"embedding": nn.functional.normalize(mean.float(), dim=-1), "first": first}


def load_network(folder: Path, labels: Path | None = None, *, student: bool = False) -> Network:
    """Return the network of a folder's model.safetensors (any float precision), its answers as in labels.json."""
    state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    return network_of(state, answer_counts(labels or folder), student=student)


def network_of(state: Mapping[str, Tensor], answers: Mapping[str, int], *, student: bool = False) -> Network:
    """Return a network with these weights, as many layers deep as they are."""
    layers = 1 + max(int(name.split(".")[3]) for name in state if name.startswith("bert.encoder.layer."))
    network = Network(layers, len(state["bert.embeddings.word_embeddings.weight"]), answers, student=student)
    network.load_state_dict(dict(state), strict=True)
    return network


def mean_of(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Return the weights in the middle of several networks of one training run."""
    return {name: torch.stack([each[name] for each in states]).mean(0) for name in states[0]}


def save_network(network: Network, folder: Path) -> None:
    """Write model.safetensors in half precision to a folder that exists."""
    state = {name: tensor.detach().half().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, folder / "model.safetensors")


def answer_counts(folder: Path) -> dict[str, int]:
    """Return how many answers each head has."""
    return {head: len(answers) for head, answers in answers_of(folder).items()}


def answers_of(folder: Path) -> dict[str, tuple[str, ...]]:
    """Return each head's answers in the model's order, relevance as no and yes."""
    stated = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
    stated["relevance"] = ["yes" if answer else "no" for answer in stated["relevance"]]
    return {head: tuple(stated[head]) for head in HEADS}
