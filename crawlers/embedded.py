"""Articles that a page carries as JSON in a script, because it is drawn in the browser (Next.js: __NEXT_DATA__).

The one shape known is 澎湃新闻's: props.pageProps.detailData.contentDetail.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from lxml.html import HtmlElement

from crawlers.answers import Json
from crawlers.dates import parse_time
from crawlers.treetext import fragment_text
from crawlers.values import object_of, text_of

SCRIPT = "__NEXT_DATA__"
WAY = ("props", "pageProps", "detailData", "contentDetail")
# The exact time first; pubTime is what readers see (3小时前).
TIMES = ("publishTime", "pubTimeLong", "pubTime")


@dataclass(frozen=True, slots=True)
class Embedded:
    """An article out of a script; '' and None where it does not say."""

    title: str
    text: str
    author: str
    published_at: datetime | None


def embedded_article(tree: HtmlElement, fetched_at: datetime) -> Embedded | None:
    """Return the article that a page's script carries, None if there is none."""
    script = tree.find(f".//script[@id='{SCRIPT}']")
    if script is None:
        return None
    try:
        value: object = json.loads(script.text or "")
    except (ValueError, RecursionError):
        return None
    for name in WAY:
        value = object_of(value).get(name)
    detail = object_of(value)
    text = fragment_text(text_of(detail.get("content")))
    if not text:
        return None
    return Embedded(
        title=text_of(detail.get("name")),
        text=text,
        author=text_of(detail.get("author")),
        published_at=_published_at(detail, fetched_at),
    )


def _published_at(detail: Json, fetched_at: datetime) -> datetime | None:
    moments = (parse_time(text_of(detail.get(name)), fetched_at) for name in TIMES)
    return next((moment for moment in moments if moment is not None), None)
