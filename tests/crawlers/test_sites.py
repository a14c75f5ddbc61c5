"""Saved article pages, by their mere existence: data/sites/SITE/CASE.html and what must come of it in CASE.expected."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from crawlers.extract import extract
from crawlers.sites import sites

DATA = Path(__file__).parent / "data" / "sites"
NOON = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize("page", sorted(DATA.glob("*/*.html")), ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_a_saved_page_gives_what_is_expected_of_it(page: Path) -> None:
    wanted = json.loads(page.with_suffix(".expected").read_text(encoding="utf-8"))
    article = extract(page.read_bytes(), wanted.pop("url"), NOON)
    if "published_at" in wanted:
        wanted["published_at"] = datetime.fromisoformat(wanted["published_at"])
    assert {name: getattr(article, name) for name in wanted} == wanted


def test_every_site_has_a_saved_page() -> None:
    assert {page.parent.name for page in DATA.glob("*/*.html")} == {site.name.removesuffix(".toml") for site in sites()}
