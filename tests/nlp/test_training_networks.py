# ruff: noqa: E402  what needs torch is imported once it is known to be there
from __future__ import annotations

from pathlib import Path

import pytest

for package in ("torch", "safetensors", "onnx"):
    pytest.importorskip(package, reason=f"training needs {package}, which the product does not")

import numpy as np
import torch

from nlp.backends.onnx import SHIPPED
from nlp.judgement import HEADS
from nlp.training.batching import batches, token_ids
from nlp.training.loop import noted, train
from nlp.training.network import Network, answer_counts, answers_of, load_network, mean_of, network_of, save_network
from nlp.training.objective import UNLABELLED, label_loss, label_rows, soft_loss
from nlp.training.parity import int8_outputs
from nlp.training.prepare import Example
from nlp.training.shipped import shipped_weights

TEXTS = ["清水河又被偷排污水，气死人了", "今天空气真好", "", "广场舞太吵，半夜还在放音乐，希望有人来管管" * 4]
YES = {"relevance": "yes", "sentiment": "negative", "topic": "water", "matter": "complaint", "target": "polluter"}


@pytest.fixture(scope="module")
def small() -> Network:
    torch.manual_seed(1)
    return Network(2, 20_545, answer_counts(SHIPPED), student=True).eval()


@pytest.fixture(scope="module")
def ids() -> list[list[int]]:
    return token_ids(TEXTS, SHIPPED, length=64)


def test_batches_hold_every_row_once_and_no_more_tokens_than_allowed(ids: list[list[int]]) -> None:
    found = batches(ids, range(len(ids)), 128)
    assert sorted(row for batch in found for row in batch.rows) == [0, 1, 2, 3]
    assert all(batch.ids.numel() <= 128 for batch in found)
    assert all(int(batch.mask[place].sum()) == len(ids[row]) for batch in found for place, row in enumerate(batch.rows))


def test_notes_stand_in_the_order_of_the_texts(small: Network, ids: list[list[int]]) -> None:
    together = noted(small, ids, ("sentiment",))["sentiment"]
    alone = torch.cat([noted(small, [each], ("sentiment",))["sentiment"] for each in ids])
    assert torch.allclose(together, alone, atol=0.02)


def test_an_unlabelled_text_adds_nothing_to_the_label_loss(small: Network, ids: list[list[int]]) -> None:
    answers = answers_of(SHIPPED)
    batch = batches(ids, [0, 1], 1_000)[0]
    outputs = small(batch.ids, batch.mask)
    examples = [Example(str(row), "", "pool", YES if row == 0 else {}) for row in batch.rows]
    labels = label_rows(examples, answers)
    assert [int((labels[head] == UNLABELLED).sum()) for head in HEADS] == [1] * 5
    place = batch.rows.index(0)
    alone = {name: values[place : place + 1] for name, values in outputs.items()}
    expected = label_loss(alone, {head: values[place : place + 1] for head, values in labels.items()})
    assert label_loss(outputs, labels).item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_student_that_says_what_its_teacher_says_has_no_soft_loss(small: Network, ids: list[list[int]]) -> None:
    batch = batches(ids, [0, 1], 1_000)[0]
    outputs = small(batch.ids, batch.mask)
    assert soft_loss(outputs, outputs, 2.0).item() == pytest.approx(0.0, abs=1e-5)


def test_training_brings_the_loss_down_and_leaves_the_word_embeddings(ids: list[list[int]]) -> None:
    torch.manual_seed(2)
    network = Network(1, 20_545, answer_counts(SHIPPED))
    words = network.bert.embeddings.word_embeddings.weight.detach().clone()
    labels = label_rows([Example("a", "", "new", YES)] * len(ids), answers_of(SHIPPED))
    batch = batches(ids, range(len(ids)), 4_000)
    losses: list[float] = []

    def loss_of(outputs: dict[str, torch.Tensor], part: object) -> torch.Tensor:
        loss = label_loss(outputs, labels)
        losses.append(loss.item())
        return loss

    train(network, [batch] * 8, loss_of, rate=1e-3, head_rate=1e-2)
    assert losses[-1] < losses[0] / 2
    assert torch.equal(words, network.bert.embeddings.word_embeddings.weight)


def test_a_network_is_loaded_as_it_was_saved(small: Network, ids: list[list[int]], tmp_path: Path) -> None:
    save_network(small, tmp_path)
    again = load_network(tmp_path, SHIPPED, student=True).eval()
    assert torch.allclose(
        noted(again, ids, ("topic",))["topic"].float(), noted(small, ids, ("topic",))["topic"].float(), atol=0.02
    )


def test_a_students_embedding_does_not_need_its_last_layer(small: Network, ids: list[list[int]]) -> None:
    before = noted(small, ids, ("embedding", "topic"))
    with torch.no_grad():
        small.bert.encoder.layer[-1].output.dense.weight.mul_(3.0)
    after = noted(small, ids, ("embedding", "topic"))
    assert torch.equal(before["embedding"], after["embedding"])
    assert not torch.equal(before["topic"], after["topic"])


def test_the_mean_of_two_networks_lies_halfway() -> None:
    one, other = (Network(1, 20_545, answer_counts(SHIPPED)).state_dict() for _ in range(2))
    name = "heads.topic.weight"
    assert not torch.equal(one[name], other[name])
    assert torch.allclose(mean_of([one, other])[name], (one[name] + other[name]) / 2)


FIRST_READER = Path(__file__).parents[3] / "shared" / "models" / "reader"


@pytest.mark.skipif(not FIRST_READER.is_dir(), reason="needs the first reader in ../shared")
def test_the_first_readers_weights_give_its_answers(ids: list[list[int]]) -> None:
    reader = FIRST_READER
    network = network_of(shipped_weights(reader / "model.onnx"), answer_counts(reader))
    theirs = {name: values.float().numpy() for name, values in noted(network, ids, [*HEADS, "embedding"]).items()}
    ours = int8_outputs(reader / "model.onnx", ids)
    assert float(np.min(np.sum(ours["embedding"] * theirs["embedding"], axis=-1))) > 0.97
    assert all(np.abs(ours[head] - theirs[head]).max() < 1.0 for head in HEADS)
