"""新华网: ul.wz-list is filled by a script from /ds_ID.json, whose name its data attribute gives."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from crawlers.answers import Json, web_address
from crawlers.listings import Listed, Listing
from crawlers.values import objects_of

LIST_TAG = re.compile(r"<ul\b[^<>]{0,500}>", re.IGNORECASE)
LIST_CLASS = re.compile(r"""\bclass\s*=\s*["'](?:[^"']*\s)?wz-list[\s"']""", re.IGNORECASE)
DATASOURCE = re.compile(r"""\bdata\s*=\s*["']datasource:([0-9A-Za-z_-]{1,64})["']""", re.IGNORECASE)


def page(text: str, url: str) -> Listed | None:
    """Return the data files behind a page's lists, beside the page's own host."""
    tags = (tag[0] for tag in LIST_TAG.finditer(text))
    named = (DATASOURCE.search(tag) for tag in tags if LIST_CLASS.search(tag))
    files = dict.fromkeys(urljoin(url, f"/ds_{found[1]}.json") for found in named if found)
    return Listed(further=tuple(files)) if files else None


def answer(value: Json, url: str) -> Listed | None:
    """Return the articles that a data file lists."""
    if not isinstance(value.get("datasource"), list):
        return None
    addresses = (web_address(each.get("publishUrl"), url) for each in objects_of(value["datasource"]))
    return Listed(articles=tuple(dict.fromkeys(address for address in addresses if address)))


LISTING = Listing(page=page, answer=answer)
