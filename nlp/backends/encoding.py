"""What transformer back ends share: tokens, windows over long texts, batches, and probabilities from logits."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

# Chinese has about 1.5 characters a token; what lies beyond this many characters a token is never read.
_CHARACTERS_PER_TOKEN = 8
# A long text is read in at most so many windows; the first, with title and lead, weighs twice a full later one, and a
# rest of fewer tokens is not read. On the 92 texts of the development split that are longer than one window, against
# reading the lead alone: relevance F1 0.992 and 0.992, sentiment macro-F1 0.836 and 0.836, topic 0.984 and 0.984,
# matter 0.885 and 0.869, target 0.672 and 0.672. Lead weights 1 to 3 differ by one text; a second window that
# overlaps the lead so as to be full makes half as many tokens again and gains sentiment 0.014, losing topic 0.017.
# What follows is read only where the lead leaves something open (`settled`): of 319 long texts of the corpus 68 % were
# settled, and in none of those did reading on change relevance or sentiment; it did so up to 15 times in the other 101.
# Texts longer than three windows, which the corpus doesn't hold, are always read on.
WINDOWS = 3
LEAD_WEIGHT = 2.0
LEAST_STRETCH = 32
_SETTLED_RELEVANCE = 0.9
_SETTLED_SENTIMENT = 0.7


_SPECIAL = {"bos": "<s>", "eos": "</s>", "pad": "<pad>", "unk": "<unk>"}


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text that goes through the model at once, and how much it counts in the text's judgement.

    `needed` says that it is read whatever the lead says.
    """

    text: int
    ids: tuple[int, ...]
    weight: float
    needed: bool = False


class Encoder:
    """Turns texts into windows of token ids and windows into length-sorted batches."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, max_tokens: int, batch_tokens: int) -> None:
        self._tokenizer = tokenizer.backend_tokenizer
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._start, self._end, self._pad = _special(tokenizer)
        self._size = max(max_tokens - 2, 8)
        self._batch_tokens = batch_tokens

    def windows(self, texts: Sequence[str]) -> tuple[list[Window], list[Window]]:
        """Return every text's lead, in order, and the windows that follow the leads of the long ones."""
        limit = self._size * WINDOWS * _CHARACTERS_PER_TOKEN
        encodings = self._tokenizer.encode_batch_fast([text[:limit] for text in texts], add_special_tokens=False)
        leads: list[Window] = []
        followers: list[Window] = []
        for index, encoding in enumerate(encodings):
            ids = encoding.ids
            leads.append(Window(index, self._framed(ids[: self._size]), LEAD_WEIGHT))
            beyond = len(ids) > self._size * WINDOWS
            for stretch, weight in _followers(ids, self._size):
                followers.append(Window(index, self._framed(stretch), weight, needed=beyond))
        return leads, followers

    def _framed(self, ids: Sequence[int]) -> tuple[int, ...]:
        return (self._start, *ids, self._end)

    def batches(self, windows: Sequence[Window]) -> Iterator[tuple[list[int], Integers, Integers]]:
        """Yield batches: which windows, their ids and their mask; windows of like length go together.

        About `batch_tokens` a batch: measured fastest on two cores at 1,024 (2,048: 9 % slower, 4,096: 20 %).
        """
        order = sorted(range(len(windows)), key=lambda index: len(windows[index].ids), reverse=True)
        while order:
            width = len(windows[order[0]].ids)
            count = max(1, self._batch_tokens // width)
            chosen, order = order[:count], order[count:]
            ids = np.full((len(chosen), width), self._pad, dtype=np.int64)
            mask = np.zeros((len(chosen), width), dtype=np.int64)
            for row, index in enumerate(chosen):
                length = len(windows[index].ids)
                ids[row, :length] = windows[index].ids
                mask[row, :length] = 1
            yield chosen, ids, mask


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer of a model folder; raises OSError, ValueError or what the library raises."""
    without_advice()
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415  declared lazy: 0.6 s that `cut` never needs

    special = {f"{name}_token": token for name, token in _SPECIAL.items()}
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"), **special)  # type: ignore[no-untyped-call]


def settled(relevance: Floats, sentiment: Floats) -> bool:
    """Return whether a lead's probabilities of relevance and sentiment are so clear that nothing after changes them."""
    return bool(relevance.max() >= _SETTLED_RELEVANCE and sentiment.max() >= _SETTLED_SENTIMENT)


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Return probabilities along the last axis, at a temperature: above 1 they are less sure of themselves."""
    scaled = logits / temperature
    raised: Floats = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    shares: Floats = raised / raised.sum(axis=-1, keepdims=True)
    return shares


def _special(tokenizer: PreTrainedTokenizerFast) -> tuple[int, int, int]:
    """Return the ids of start, end and padding; raises ValueError when the tokenizer lacks one."""
    start, end, pad = tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id
    if not isinstance(start, int) or not isinstance(end, int) or not isinstance(pad, int):
        raise ValueError("the tokenizer has no start, end or padding token")
    return start, end, pad


def _followers(ids: Sequence[int], size: int) -> Iterator[tuple[Sequence[int], float]]:
    """Yield the stretches of a text that are read after its lead, and their weights: as much as each is full.

    They don't overlap; of a text too long for that they are spread evenly over the rest, the last at its end.
    """
    rest = len(ids) - size
    count = min(WINDOWS - 1, -(-rest // size))
    for number in range(count):
        step = size if rest <= size * count else (rest - size) // (count - 1)
        stretch = ids[size + number * step :][:size]
        if len(stretch) >= LEAST_STRETCH:
            yield stretch, len(stretch) / size


def without_advice() -> None:
    """Keep transformers from advising at import that it found no PyTorch: we run on ONNX, so that is no news."""
    logging.getLogger("transformers").addFilter(_is_no_advice)


def _is_no_advice(record: logging.LogRecord) -> bool:
    return "PyTorch was not found" not in record.getMessage()
