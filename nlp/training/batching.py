"""Token ids of texts, and batches of texts of like length: on two cores padding costs more than anything else."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

LENGTH = 160
_PAD = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of a list of texts that go through the network at once."""

    rows: tuple[int, ...]
    ids: Tensor
    mask: Tensor


def token_ids(texts: Sequence[str], folder: Path, length: int = LENGTH) -> list[list[int]]:
    """Return the ids of each text, start and end included, cut at `length`."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(length)
    return [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]


def batches(ids: Sequence[Sequence[int]], rows: Sequence[int], tokens: int) -> list[Batch]:
    """Return batches of at most `tokens` tokens, padding included, of rows sorted by length."""
    found: list[list[int]] = [[]]
    for row in sorted(rows, key=lambda row: len(ids[row])):
        if found[-1] and _width(len(ids[row])) * (len(found[-1]) + 1) > tokens:
            found.append([])
        found[-1].append(row)
    return [_batch(ids, part) for part in found if part]


def shuffled_batches(
    ids: Sequence[Sequence[int]], rows: Sequence[int], tokens: int, chance: random.Random
) -> Iterator[Batch]:
    """Yield an epoch's batches: shuffled, then sorted by length within stretches of 1,024 rows, then shuffled again."""
    order = list(rows)
    chance.shuffle(order)
    epoch = [
        batch for start in range(0, len(order), 1024) for batch in batches(ids, order[start : start + 1024], tokens)
    ]
    chance.shuffle(epoch)
    yield from epoch


def _batch(ids: Sequence[Sequence[int]], rows: Sequence[int]) -> Batch:
    width = _width(max(len(ids[row]) for row in rows))
    padded = torch.full((len(rows), width), _PAD, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for place, row in enumerate(rows):
        padded[place, : len(ids[row])] = torch.tensor(ids[row], dtype=torch.long)
        mask[place, : len(ids[row])] = 1
    return Batch(tuple(rows), padded, mask)


def _width(length: int) -> int:
    """Return a length rounded up to a multiple of 16: torch prepares its kernels anew for every new shape."""
    return -(-length // 16) * 16
