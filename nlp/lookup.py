"""Finds listed names in a text in one pass, the longest at each place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Generic, TypeVar

T = TypeVar("T")


class Names(Generic[T]):
    """Names of at least two characters and what each stands for; a text is searched in time linear in its length."""

    def __init__(self, names: Mapping[str, T]) -> None:
        self._names = {name: meaning for name, meaning in names.items() if len(name) > 1}
        self._lengths = lengths_by_beginning(self._names)

    def find(self, text: str) -> Iterator[tuple[int, int, T]]:
        """Yield start, end and meaning of every name found, left to right and without overlap."""
        start = 0
        last = len(text) - 1
        while start < last:
            for length in self._lengths.get(text[start : start + 2], ()):
                name = text[start : start + length]
                if name in self._names:
                    yield start, start + length, self._names[name]
                    start += length
                    break
            else:
                start += 1


def lengths_by_beginning(names: Collection[str]) -> dict[str, tuple[int, ...]]:
    """Return, for the first two characters of any name, the lengths of the names that begin so, longest first."""
    lengths: dict[str, set[int]] = {}
    for name in names:
        lengths.setdefault(name[:2], set()).add(len(name))
    return {beginning: tuple(sorted(each, reverse=True)) for beginning, each in lengths.items()}
