"""docs/crawling.md says what the code does: its states, settings, commands and numbers."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from crawlers.health import LONGEST_BACKOFF, SHORTEST_BACKOFF, STATE_NAMES, UNTRIED_CADENCES
from crawlers.holding import HOLD, renewal
from crawlers.kinds import BLOCKED, SHUT_OUT
from crawlers.operators import PATIENCE
from crawlers.pace import SHORTEST_DELAY
from crawlers.politeness import LONGEST_CRAWL_DELAY
from crawlers.scrapy_settings import REDIRECTS, user_agent
from qingting.config import CrawlConfig

PAGE = (Path(__file__).parents[2] / "docs" / "crawling.md").read_text(encoding="utf-8")


def test_every_state_is_explained_and_no_other():
    assert dict(re.findall(r"^\| `(\w+)` (\S+) \|", PAGE, re.MULTILINE)) == STATE_NAMES


def test_every_setting_named_is_there_and_every_one_that_is_there_is_named():
    named = set(re.findall(r"`crawl\.(\w+)`", PAGE))

    assert named == {each.name for each in fields(CrawlConfig)}


@pytest.mark.parametrize(
    "said",
    [
        user_agent("contact"),
        f"HTTP {', '.join(map(str, sorted(BLOCKED)[:-1]))} and {max(BLOCKED)}",
        f"less than {SHORTEST_DELAY:g} counts as {SHORTEST_DELAY:g}",
        f"one above {LONGEST_CRAWL_DELAY:g} seconds",
        f"{CrawlConfig().max_body_mib} MiB an answer",
        f"{CrawlConfig().timeout_seconds:g} seconds",
        f"`crawl.evidence_days` ({CrawlConfig().evidence_days})",
        f"{SHORTEST_BACKOFF.total_seconds() / 60:g} minutes or its cadence",
        f"by a lease of {HOLD.total_seconds() / 60:g} minutes",
        f"every {renewal().total_seconds():g} seconds while",
        f"more than {(HOLD - renewal()).total_seconds():g} seconds",
        f"up to {LONGEST_BACKOFF.total_seconds() / 3600:g} hours",
    ],
)
def test_numbers_are_those_of_the_code(said):
    assert said in PAGE


def test_numbers_written_as_words_are_those_of_the_code():
    words = {3: "three", 5: "five", 6: "six"}

    assert f"or {words[SHUT_OUT]} on others" in PAGE
    assert f"{words[REDIRECTS]} redirects" in PAGE
    assert f"tried for {words[UNTRIED_CADENCES]} of its cadences" in PAGE
    assert f"after {words[int(PATIENCE.total_seconds() / 3600)]} hours" in PAGE
