"""Searches of sites, as data: each module beside this one is one site, known by its name, and offers it as SEARCH.

A reader takes a page's body as text and raises CrawlError (see crawlers.answers).
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from crawlers.answers import Said


@dataclass(frozen=True, slots=True)
class Search:
    """One site's search: its address below the site for some words and a page (from 1), and how a page is read."""

    path: Callable[[str, int], str]
    read: Callable[[str], list[Said]]


@functools.cache
def searches() -> Mapping[str, Search]:
    """Return every search by name: each module of this folder is looked at once."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return MappingProxyType({name: importlib.import_module(f"{__name__}.{name}").SEARCH for name in names})
