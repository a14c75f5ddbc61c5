"""Distils the teacher to a six-layer student, on labelled texts and on texts that nobody has labelled."""

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
from nlp.training.network import Network, Outputs, answer_counts, answers_of, load_network, network_of, save_network
from nlp.training.objective import apart, label_loss, label_rows, soft_loss
from nlp.training.prepare import Example, read_examples
from nlp.training.shipped import shipped_weights
from nlp.training.teacher import report

log = logging.getLogger(__name__)

EPOCHS = 4
RATE, HEAD_RATE = 8e-5, 2e-4
TOKENS = 2_500
TEMPERATURE = 1.5
# How much of the soft answers is the teachers', the rest being the first reader's (nlp/evaluation/RESULTS.md).
TEACHERS_SHARE = 2 / 3
HARD_WEIGHT, SOFT_WEIGHT = 0.5, 1.0
FIRST_WEIGHT, EMBEDDING_WEIGHT = 2.0, 4.0

_NOTED = (*HEADS, "first", "embedding")


def soft_answers(shared: Path, work: Path, teachers: Sequence[Path], path: Path) -> None:
    """Write what the teachers say about every text: mean logits, and the first one's first token and embedding.

    The first reader is heard beside them: it learnt from other texts, and their mean knows more than each.
    """
    source = shared / "models" / "teacher-12"
    ids = token_ids([each.text for each in _texts(work)], source)
    said = [noted(load_network(folder, source), ids, _NOTED) for folder in teachers]
    first = noted(_first_reader(shared), ids, HEADS)
    heard = {
        head: TEACHERS_SHARE * torch.stack([each[head].float() for each in said]).mean(0)
        + (1.0 - TEACHERS_SHARE) * first[head].float()
        for head in HEADS
    }
    torch.save({**heard, "first": said[0]["first"], "embedding": said[0]["embedding"]}, path)


def distil(shared: Path, work: Path, soft_path: Path, folder: Path, seed: int) -> None:
    """Train the student on labels and the teachers' answers and write it to `folder`.

    It starts from the first reader and not from the teacher's layers 1, 3, 5, 7, 9, 11: that one has already been
    distilled on 50,000 texts, a third of them of general sentiment, which two hours on two cores can't repeat.
    """
    source = shared / "models" / "teacher-12"
    torch.manual_seed(seed)
    chance = random.Random(seed)  # noqa: S311  an order, not a secret
    examples = _texts(work)
    ids = token_ids([each.text for each in examples], source)
    soft = torch.load(soft_path)
    labels = label_rows(examples, answers_of(source))
    development = read_examples(work / "development.jsonl")
    student = _first_reader(shared)
    report(student, development, source, "student before")

    def loss_of(outputs: Outputs, batch: Batch) -> Tensor:
        rows = torch.tensor(batch.rows)
        hard = label_loss(outputs, {head: labels[head][rows] for head in HEADS})
        return HARD_WEIGHT * hard + _soft(outputs, {name: soft[name][rows] for name in _NOTED})

    labelled = [row for row, each in enumerate(examples) if each.labels]
    others = [row for row, each in enumerate(examples) if not each.labels]
    epochs = [_epoch(labelled, others, ids, number, chance) for number in range(EPOCHS)]
    folder.mkdir(parents=True, exist_ok=True)

    def after(number: int) -> None:
        report(student, development, source, f"student epoch {number}")
        save_network(student, folder)

    train(student, epochs, loss_of, rate=RATE, head_rate=HEAD_RATE, after=after)


def _epoch(
    labelled: Sequence[int], others: Sequence[int], ids: Sequence[Sequence[int]], number: int, chance: random.Random
) -> list[Batch]:
    """Return an epoch: all labelled texts and a fresh part of the others, so that each of these is met once in all."""
    part = list(others)[number::EPOCHS]
    return list(shuffled_batches(ids, [*labelled, *part], TOKENS, chance))


def _soft(outputs: Outputs, soft: Mapping[str, Tensor]) -> Tensor:
    alike = FIRST_WEIGHT * apart(outputs["first"], soft["first"])
    alike = alike + EMBEDDING_WEIGHT * apart(outputs["embedding"], soft["embedding"])
    return alike + SOFT_WEIGHT * soft_loss(outputs, soft, TEMPERATURE)


def _first_reader(shared: Path) -> Network:
    reader = shared / "models" / "reader"
    return network_of(shipped_weights(reader / "model.onnx"), answer_counts(reader), student=True)


def _texts(work: Path) -> list[Example]:
    return [*read_examples(work / "train.jsonl"), *read_examples(work / "unlabelled.jsonl")]
