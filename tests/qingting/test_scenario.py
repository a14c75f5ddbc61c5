"""The demo's scenario is whole: enough posts, sound references, and the parts of the story it promises."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import httpx
import pytest

from qingting.demo.run import BUSY, BUSY_FROM, BUSY_UNTIL, QUIET
from qingting.demo.scenario import load_scenario
from qingting.demo.site import PAGE_SIZE, ReplaySite, ticks
from qingting.model import SHANGHAI, FactSlot

SCENARIO = load_scenario()


def test_there_are_enough_posts_over_news_social_and_hotline() -> None:
    assert len(SCENARIO.items) >= 600
    assert min(len(SCENARIO.news), len(SCENARIO.weibo), len(SCENARIO.hotline)) >= 100


def test_keys_are_unique_and_reposts_come_after_what_they_repost() -> None:
    by_key = {item.key: item for item in SCENARIO.items}
    assert len(by_key) == len(SCENARIO.items)
    for item in SCENARIO.weibo:
        if item.fields["repost_of"]:
            assert by_key[item.fields["repost_of"]].at < item.at


@pytest.mark.parametrize(
    "kind",
    ["offtopic", "sarcasm", "nearcopy", "repost", "rumour", "statement", "calming", "noise", "fishkill", "masking"],
)
def test_every_part_of_the_story_is_there(kind: str) -> None:
    assert any(item.fields["kind"] == kind for item in SCENARIO.items)


def test_three_quiet_weeks_come_before_the_discharge() -> None:
    first = min(item.at for item in SCENARIO.items if item.event == "discharge")
    assert first - SCENARIO.items[0].at >= timedelta(days=21)


def test_the_facts_leave_two_slots_open_and_are_verified_by_somebody() -> None:
    slots = {FactSlot(row["slot"]) for row in SCENARIO.facts}
    assert set(FactSlot) - slots == {FactSlot.RESULT, FactSlot.NEXT_NOTICE}
    assert all(row["verifier"] and row["source"] for row in SCENARIO.facts)


def test_the_site_shows_only_what_was_public_at_the_time() -> None:
    now = [datetime(2026, 9, 22, 2, 0, tzinfo=SHANGHAI)]
    with ReplaySite(SCENARIO, lambda: now[0]) as site:
        query = f"{site.base}/api/container/getIndex?containerid=x&page=1"
        before = httpx.get(query).json()["data"]["cardlistInfo"]["total"]
        now[0] += timedelta(hours=12)
        after = httpx.get(query).json()
        assert after["data"]["cardlistInfo"]["total"] > before
        assert len(after["data"]["cards"]) == PAGE_SIZE
        assert httpx.get(f"{site.base}/xww/n5049.html").status_code == 404
        assert httpx.get(f"{site.base}/nowhere").status_code == 404


def test_every_item_falls_before_some_tick() -> None:
    times = ticks(SCENARIO, QUIET, BUSY, BUSY_FROM, BUSY_UNTIL)
    assert times == sorted(set(times))
    assert times[-1] >= SCENARIO.items[-1].at
    crowd = Counter(next(tick for tick in times if tick >= item.at) for item in SCENARIO.items)
    assert set(crowd) == set(times)
