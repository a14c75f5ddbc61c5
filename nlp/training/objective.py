"""What training minimises: labels, a teacher's answers, and nearness to the embedding of an earlier model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from nlp.judgement import HEADS
from nlp.training.network import Outputs
from nlp.training.prepare import Example

UNLABELLED = -100

# How much each head counts, as in the first training: what is asked about every text counts most.
HEAD_WEIGHTS: Mapping[str, float] = {"relevance": 1.0, "sentiment": 1.2, "topic": 1.0, "matter": 0.8, "target": 0.8}
# Annotators agree at 0.98 on relevance and 0.84 on target: the more they differ, the softer the label.
SMOOTHING: Mapping[str, float] = {"relevance": 0.03, "sentiment": 0.05, "topic": 0.04, "matter": 0.06, "target": 0.08}


def label_rows(examples: Sequence[Example], answers: Mapping[str, Sequence[str]]) -> dict[str, Tensor]:
    """Return each head's label per example as a place among its answers, -100 where there is none."""
    return {
        head: torch.tensor(
            [answers[head].index(each.labels[head]) if head in each.labels else UNLABELLED for each in examples]
        )
        for head in HEADS
    }


def label_loss(outputs: Outputs, labels: Mapping[str, Tensor]) -> Tensor:
    """Return the weighted cross-entropy over the heads; rows without a label count nothing."""
    total = outputs["first"].new_zeros(()).float()
    for head, weight in HEAD_WEIGHTS.items():
        if bool((labels[head] != UNLABELLED).any()):
            total = total + weight * functional.cross_entropy(
                outputs[head].float(), labels[head], ignore_index=UNLABELLED, label_smoothing=SMOOTHING[head]
            )
    return total


def soft_loss(outputs: Outputs, soft: Mapping[str, Tensor], temperature: float) -> Tensor:
    """Return the weighted KL divergence from a teacher's logits, both at a temperature, over the heads."""
    total = outputs["first"].new_zeros(()).float()
    for head, weight in HEAD_WEIGHTS.items():
        ours = functional.log_softmax(outputs[head].float() / temperature, dim=-1)
        theirs = functional.log_softmax(soft[head].float() / temperature, dim=-1)
        divergence = functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")
        total = total + weight * temperature**2 * divergence
    return total


def apart(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return how far vectors are from others on average: one less the cosine."""
    return (1.0 - functional.cosine_similarity(ours.float(), theirs.float(), dim=-1)).mean()
