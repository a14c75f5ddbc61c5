"""The reader's network in torch: an encoder, five heads on its first token, and a mean-pooled embedding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from nlp.judgement import HEADS

WIDTH, INNER, ATTENTION_HEADS, POSITIONS = 384, 1536, 12, 512

Outputs = dict[str, Tensor]


class Network(nn.Module):  # type: ignore[misc]  # torch ships with training only
    """Encoder, heads and embedding; `forward` gives logits per head, 'embedding' (L2-normalised) and 'first'."""

    def __init__(self, layers: int, vocabulary: int, answers: Mapping[str, int]) -> None:
        super().__init__()
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
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        first = hidden[:, 0]
        weights = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1.0)
        outputs = {head: self.heads[head](self.dropout(first)) for head in HEADS}
        return outputs | {"embedding": nn.functional.normalize(mean.float(), dim=-1), "first": first}


def load_network(folder: Path, labels: Path | None = None) -> Network:
    """Return the network of a folder's model.safetensors (any float precision), its answers as in labels.json."""
    state = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    return network_of(state, answer_counts(labels or folder))


def network_of(state: Mapping[str, Tensor], answers: Mapping[str, int]) -> Network:
    """Return a network with these weights, as many layers deep as they are."""
    layers = 1 + max(int(name.split(".")[3]) for name in state if name.startswith("bert.encoder.layer."))
    network = Network(layers, len(state["bert.embeddings.word_embeddings.weight"]), answers)
    network.load_state_dict(dict(state), strict=True)
    return network


def mixed(one: Network, other: Network, share: float, answers: Mapping[str, int]) -> Network:
    """Return a network whose weights lie between two of one origin, `share` of the way to the other."""
    theirs = other.state_dict()
    state = {name: tensor + share * (theirs[name] - tensor) for name, tensor in one.state_dict().items()}
    return network_of(state, answers)


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
