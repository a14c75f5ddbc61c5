"""docs/adding-a-source.md says everything that can be configured, and nothing that cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crawlers.boards import boards
from crawlers.kinds import registry
from crawlers.searches import searches

PAGE = (Path(__file__).parents[2] / "docs" / "adding-a-source.md").read_text(encoding="utf-8")
SECTIONS = {
    kind: text.partition("\n## ")[0]
    for kind, text in re.findall(r"^### `(\w+)`\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}


def test_every_kind_has_its_section_and_no_other_has() -> None:
    assert set(SECTIONS) == set(registry())


@pytest.mark.parametrize("kind", sorted(registry()))
def test_every_option_has_its_line_and_no_other_has(kind: str) -> None:
    described = re.findall(r"^\| `(\w+)` \| \S", SECTIONS[kind], re.MULTILINE)
    assert described == list(dict.fromkeys(described))
    assert set(described) == set(registry()[kind].options)


@pytest.mark.parametrize(("kind", "names"), [("board", boards()), ("search", searches())])
def test_every_board_and_search_is_named(kind: str, names: dict[str, object]) -> None:
    assert all(f"`{name}`" in SECTIONS[kind] for name in names)


@pytest.mark.parametrize("words", ["第十八条", "小红书", "抖音", "WBI", "qingting import", "qingting sources check"])
def test_what_is_not_collected_and_why_sources_are_assessed_is_said(words: str) -> None:
    assert words in PAGE


def test_the_folders_that_the_page_names_are_there() -> None:
    root = Path(__file__).parents[2]
    folders = set(re.findall(r"`((?:crawlers|tests)/[\w/]+?)/(?:[A-Z]+)", PAGE))
    assert folders
    assert all((root / folder).is_dir() for folder in folders)
