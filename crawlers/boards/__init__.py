"""Hot boards, as data: each module beside this one is one board, known by its name, and offers it as BOARD.

A reader takes the body as text and the source's options, and raises CrawlError (see crawlers.answers).
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from qingting.config import SourceConfig

Options = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a board: its title, and where there are any an address and a few words on it (both may be HTML)."""

    title: str
    url: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Hot:
    """A board at a moment; `written` is when it was so, where the answer says it."""

    entries: tuple[Entry, ...]
    written: str = ""


def _nothing_to_check(_: SourceConfig) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Board:
    """One board: its path ({id} stands for the option), how it is read, and which options it insists on."""

    path: str
    read: Callable[[str, Options], Hot]
    check: Callable[[SourceConfig], None] = _nothing_to_check


@functools.cache
def boards() -> Mapping[str, Board]:
    """Return every board by name: each module of this folder is looked at once."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return MappingProxyType({name: importlib.import_module(f"{__name__}.{name}").BOARD for name in names})


def hot(entries: list[Entry], written: str = "") -> Hot:
    """Return a board of those entries that have a title."""
    return Hot(tuple(entry for entry in entries if entry.title), written)
