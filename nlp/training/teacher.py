"""Fine-tunes the twelve-layer teacher on the old and the new labels."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from nlp.judgement import HEADS
from nlp.training.batching import Batch, shuffled_batches, token_ids
from nlp.training.loop import noted, train
from nlp.training.network import (
    Network,
    Outputs,
    answer_counts,
    answers_of,
    load_network,
    mean_of,
    network_of,
    save_network,
)
from nlp.training.objective import apart, label_loss, label_rows
from nlp.training.prepare import Example, read_examples
from nlp.training.scores import scores

log = logging.getLogger(__name__)

EPOCHS = 3
RATE, HEAD_RATE = 4e-5, 1e-4
TOKENS = 2_500
# Texts that the teacher was trained on before are in half of the epochs only; the new ones in all.
OLD_SHARE = 0.5
# What holds the general ability: unlabelled texts in every epoch, on which sentiment and embedding stay as they were.
KEPT = 1_200
KEPT_WEIGHT = 0.5
EMBEDDING_WEIGHT = 6.0


def fine_tune(shared: Path, work: Path, folder: Path, seed: int) -> None:
    """Train from shared/models/teacher-12 and write the mean of the last two epochs' networks to `folder`."""
    source = shared / "models" / "teacher-12"
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311  an order, not a secret
    answers = answers_of(source)
    examples = read_examples(work / "train.jsonl")
    kept = chance.sample(read_examples(work / "unlabelled.jsonl"), KEPT * EPOCHS)
    development = read_examples(work / "development.jsonl")
    ids = token_ids([each.text for each in (*examples, *kept)], source)
    network = load_network(source)
    before = noted(network, ids, ("sentiment", "embedding"))
    labels = label_rows([*examples, *kept], answers)
    report(network, development, source, "before")

    def loss_of(outputs: Outputs, batch: Batch) -> Tensor:
        rows = torch.tensor(batch.rows)
        loss = EMBEDDING_WEIGHT * apart(outputs["embedding"], before["embedding"][rows])
        if batch.rows[0] >= len(examples):
            return loss + KEPT_WEIGHT * _sentiment_kept(outputs, before["sentiment"][rows])
        return loss + label_loss(outputs, {head: labels[head][rows] for head in HEADS})

    epochs = [_epoch(examples, ids, number, chance) for number in range(EPOCHS)]
    states: list[Mapping[str, Tensor]] = []

    def after(number: int) -> None:
        report(network, development, source, f"epoch {number}")
        states.append({name: tensor.detach().clone() for name, tensor in network.state_dict().items()})

    train(network, epochs, loss_of, rate=RATE, head_rate=HEAD_RATE, after=after)
    finished = network_of(mean_of(states[-2:]), answer_counts(source))
    report(finished, development, source, "mean of the last two")
    folder.mkdir(parents=True, exist_ok=True)
    save_network(finished, folder)


def report(network: Network, examples: Sequence[Example], source: Path, when: str) -> dict[str, float]:
    """Log and return the figures of a network over labelled texts."""
    logits = noted(network, token_ids([each.text for each in examples], source), HEADS)
    figures = scores(examples, {head: values.float().numpy() for head, values in logits.items()}, answers_of(source))
    log.info("%s: %s", when, ", ".join(f"{head} {figure:.3f}" for head, figure in figures.items()))
    return figures


def _epoch(
    examples: Sequence[Example], ids: Sequence[Sequence[int]], number: int, chance: random.Random
) -> list[Batch]:
    old = [row for row, each in enumerate(examples) if each.origin == "train"]
    new = [row for row, each in enumerate(examples) if each.origin != "train"]
    rows = new + chance.sample(old, int(len(old) * OLD_SHARE))
    kept = range(len(examples) + number * KEPT, len(examples) + (number + 1) * KEPT)
    epoch = [*shuffled_batches(ids, rows, TOKENS, chance), *shuffled_batches(ids, kept, TOKENS, chance)]
    chance.shuffle(epoch)
    return epoch


def _sentiment_kept(outputs: Outputs, before: Tensor) -> Tensor:
    ours = torch.log_softmax(outputs["sentiment"].float(), dim=-1)
    theirs = torch.log_softmax(before.float(), dim=-1)
    return torch.nn.functional.kl_div(ours, theirs, log_target=True, reduction="batchmean")
