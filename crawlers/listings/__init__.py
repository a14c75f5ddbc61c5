"""Lists that are not links in a page, as data: each module beside this one is one site's way, and offers it as LISTING.

Kind `list` asks here first: what request an address stands for, and what a page or an answer lists.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field

from crawlers.answers import Json, json_object
from qingting.errors import CrawlError


@dataclass(frozen=True, slots=True)
class Ask:
    """A request as kind `list` sends it first."""

    url: str
    method: str = "GET"
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a page or an answer lists: articles' addresses, newest first, and further lists to ask for."""

    articles: tuple[str, ...] = ()
    further: tuple[str, ...] = ()


def _as_it_stands(_: str) -> Ask | None:
    return None


def _nothing_in_page(_text: str, _url: str) -> Listed | None:
    return None


def _nothing_in_json(_answer: Json, _url: str) -> Listed | None:
    return None


@dataclass(frozen=True, slots=True)
class Listing:
    """One site's way. Each function returns None for what is not its own.

    `ask` takes the source's address; `page` and `answer` take an HTML page or a JSON object, and where it came from.
    """

    ask: Callable[[str], Ask | None] = _as_it_stands
    page: Callable[[str, str], Listed | None] = _nothing_in_page
    answer: Callable[[Json, str], Listed | None] = _nothing_in_json


@functools.cache
def listings() -> tuple[Listing, ...]:
    """Return every listing, by name: each module of this folder is looked at once."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(importlib.import_module(f"{__name__}.{name}").LISTING for name in names)


def first_ask(address: str) -> Ask:
    """Return the request that a source's address stands for."""
    found = (listing.ask(address) for listing in listings())
    return next((ask for ask in found if ask is not None), Ask(address))


def listed(text: str, url: str) -> Listed | None:
    """Return what a body lists otherwise than by links, None where it does not: then its links count."""
    head = text.lstrip()[:1]
    if head == "<":
        found = (listing.page(text, url) for listing in listings())
    elif head == "{":
        try:
            answer = json_object(text)
        except CrawlError:
            return None
        found = (listing.answer(answer, url) for listing in listings())
    else:
        return None
    return next((each for each in found if each is not None), None)
