"""What single sites look like, as data: each TOML file beside this one is one site or content system.

hosts      domains it serves; their subdomains are meant too
anywhere   true for content systems that run on many hosts: their selectors are unmistakable
body, title, published, author, source      CSS selectors; the first that finds something counts
drop       CSS selectors of what inside the body is not the article
published_pattern   regular expression whose first group is the time, for pages that write it into a script
"""

from __future__ import annotations

import functools
import importlib.resources
import re
import tomllib
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml.cssselect import CSSSelector
from lxml.html import HtmlElement

NAMES = re.compile(r"[.#]([\w-]+)")
FIELDS = ("body", "drop", "title", "published", "author", "source")


@dataclass(frozen=True)
class Site:
    """A site's selectors by field, compiled."""

    name: str
    hosts: tuple[str, ...]
    anywhere: bool
    selectors: dict[str, tuple[CSSSelector, ...]]
    published_pattern: re.Pattern[str] | None = None

    def body(self, tree: HtmlElement) -> HtmlElement | None:
        """Return the element that holds the article, what does not belong to it taken out; None if there is none."""
        for selector in self.selectors["body"]:
            found = selector(tree)
            if found:
                # Several of them: the article was cut into pieces, or wrapped twice; the largest holds it.
                chosen: HtmlElement = max(found, key=lambda element: len(element.text_content()))
                for each in self.selectors["drop"]:
                    for unwanted in each(chosen):
                        unwanted.drop_tree()
                return chosen
        return None

    def first(self, field: str, tree: HtmlElement) -> str:
        """Return the text (or content attribute) of the first element that a field's selectors find."""
        for selector in self.selectors[field]:
            for element in selector(tree):
                text = " ".join((element.get("content") or element.text_content()).split())
                if text:
                    return text
        return ""

    def pattern(self, page: str) -> str:
        """Return the time that the page's source gives where the site's pattern says, '' if none."""
        found = self.published_pattern.search(page) if self.published_pattern else None
        return found.group(1) if found else ""


NOWHERE = Site("", (), False, dict.fromkeys(FIELDS, ()))


@functools.cache
def sites() -> tuple[Site, ...]:
    """Return every site of this folder, by file name."""
    files = (each for each in importlib.resources.files(__name__).iterdir() if each.name.endswith(".toml"))
    return tuple(_site(each.name, each.read_text(encoding="utf-8")) for each in sorted(files, key=lambda f: f.name))


def site_of(tree: HtmlElement, url: str, page: str) -> Site:
    """Return the site a page belongs to: by its URL's host, its canonical link, or an unmistakable element.

    `page` is the source of `tree`: a class or id that does not stand there need not be looked for in the tree.
    """
    hosts = [urlsplit(each).hostname or "" for each in (url, *_own_addresses(tree))]
    for site in sites():
        if any(host == each or host.endswith(f".{each}") for host in hosts if host for each in site.hosts):
            return site
    for site in sites():
        if site.anywhere and any(_names_stand_in(page, each.css) and each(tree) for each in site.selectors["body"]):
            return site
    return NOWHERE


def _names_stand_in(page: str, css: str) -> bool:
    """Return whether all classes and ids of a selector are somewhere in a page: a hundredth of the selector's time."""
    return all(name in page for name in NAMES.findall(css))


def _own_addresses(tree: HtmlElement) -> list[str]:
    found: list[str] = tree.xpath("//link[@rel='canonical']/@href | //meta[@property='og:url']/@content")
    return [str(each) for each in found[:2]]


def _site(name: str, text: str) -> Site:
    table = tomllib.loads(text)
    unknown = set(table) - {*FIELDS, "hosts", "anywhere", "published_pattern"}
    if unknown:
        raise ValueError(f"{name}: unknown keys {sorted(unknown)}")
    selectors = {name: tuple(CSSSelector(css, translator="html") for css in table.get(name, [])) for name in FIELDS}
    pattern = re.compile(table["published_pattern"]) if "published_pattern" in table else None
    return Site(name, tuple(table.get("hosts", [])), bool(table.get("anywhere", False)), selectors, pattern)
