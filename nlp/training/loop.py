"""The training loop that both stages share, and a pass that notes a network's outputs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from nlp.training.batching import Batch, batches
from nlp.training.network import Network, Outputs

log = logging.getLogger(__name__)

Loss = Callable[[Outputs, Batch], Tensor]

_READING_TOKENS = 2_048


def train(
    network: Network,
    epochs: Sequence[Sequence[Batch]],
    loss_of: Loss,
    *,
    rate: float,
    head_rate: float,
    after: Callable[[int], None] = lambda _: None,
) -> None:
    """Train in bf16 with AdamW, a short warm-up and a linear decay; call `after` with each epoch's number.

    The word embeddings, a quarter of all weights, stay as they are: the labelled texts would move only the commoner
    words.
    """
    network.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    optimiser = _optimiser(network, rate, head_rate)
    steps = sum(map(len, epochs))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _share(step, steps))
    started, done, running = time.monotonic(), 0, 0.0
    for number, epoch in enumerate(epochs, 1):
        network.train()
        for batch in epoch:
            with torch.autocast("cpu", torch.bfloat16):
                outputs = network(batch.ids, batch.mask)
            loss = loss_of(outputs, batch)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            done, running = done + 1, 0.98 * running + 0.02 * loss.item()
            if done % 50 == 0:
                shown = running / (1 - 0.98**done)
                log.info("step %d of %d, loss %.4f, %.0f s", done, steps, shown, time.monotonic() - started)
        network.eval()
        after(number)


def noted(network: Network, ids: Sequence[Sequence[int]], names: Iterable[str]) -> dict[str, Tensor]:
    """Return a network's outputs for all texts, by name, in half precision (texts × width)."""
    network.eval()
    wanted = list(names)
    found: dict[str, list[Tensor]] = {name: [] for name in wanted}
    order: list[int] = []
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for batch in batches(ids, range(len(ids)), _READING_TOKENS):
            outputs = network(batch.ids, batch.mask)
            order.extend(batch.rows)
            for name in wanted:
                found[name].append(outputs[name].half())
    back = torch.argsort(torch.tensor(order))
    return {name: torch.cat(parts)[back] for name, parts in found.items()}


def _optimiser(network: Network, rate: float, head_rate: float) -> torch.optim.Optimizer:
    groups = [
        {"params": list(network.bert.parameters()), "lr": rate, "weight_decay": 0.01},
        {"params": list(network.heads.parameters()), "lr": head_rate, "weight_decay": 0.0},
    ]
    for group in groups:
        group["params"] = [each for each in group["params"] if each.requires_grad]  # type: ignore[attr-defined]
    return torch.optim.AdamW(groups, fused=True)


def _share(step: int, steps: int) -> float:
    """Return the share of the full rate: up over the first twentieth of the steps, then down to nothing."""
    warm = max(1, steps // 20)
    return min((step + 1) / warm, (steps - step) / max(1, steps - warm))
