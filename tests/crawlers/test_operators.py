"""Operators hear of a source once an episode, in words that say what to do, and not of every hiccup."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from crawlers.health import NOTHING_YET, as_of
from crawlers.operators import notices
from qingting.config import SourceConfig
from qingting.model import SourceHealth

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
SOURCE = SourceConfig(id="qy", name="清源要闻", kind="list", cadence_minutes=30.0)


def health(state: str, reason: str = "", lasting: timedelta = timedelta(0), untried: timedelta = timedelta(0)):
    """Return a health that has lasted so long and was last looked at so long ago."""
    return SourceHealth("qy", state, reason, since=NOW - lasting, checked_at=NOW - untried, items=0)


def told(found: SourceHealth, source: SourceConfig = SOURCE, now: datetime = NOW) -> list[str]:
    """Return the states that the operator is told of."""
    return [notice.state for notice in notices([source], [found], now)]


@pytest.mark.parametrize("state", ["blocked", "silent"])
def test_a_blocked_or_silent_source_is_told_of_at_once(state):
    assert told(health(state, "HTTP 418")) == [state]


@pytest.mark.parametrize("state", ["ok", "unchanged"])
def test_a_source_that_does_well_is_not_told_of(state):
    assert told(health(state, lasting=timedelta(days=30))) == []


@pytest.mark.parametrize(
    ("state", "reason"), [("failing", "超时未应答"), ("empty", "这次一条也没有解析到，以往约 20 条")]
)
def test_trouble_that_may_pass_is_told_of_when_it_has_not_passed(state, reason):
    assert told(health(state, reason, lasting=timedelta(hours=5))) == []
    assert told(health(state, reason, lasting=timedelta(hours=6))) == [state]


def test_a_source_that_never_had_anything_is_no_trouble():
    assert told(health("empty", NOTHING_YET, lasting=timedelta(days=3))) == []


def test_a_source_that_nobody_visits_any_more_is_silent_since_the_last_visit():
    found = health("ok", lasting=timedelta(days=9), untried=timedelta(hours=3))
    [notice] = notices([SOURCE], [found], NOW)

    assert (notice.state, notice.since) == ("silent", found.checked_at)
    assert "3 小时没有采集" in notice.reason
    assert told(health("ok", untried=timedelta(hours=2, minutes=30))) == []
    assert told(health("ok", untried=timedelta(hours=3)), replace(SOURCE, cadence_minutes=60.0)) == []


def test_a_source_that_backs_off_stays_what_it_was_recorded_as():
    found = health("failing", "超时未应答", untried=timedelta(hours=20))

    assert as_of(SOURCE, found, NOW) == found


def test_a_disabled_or_forgotten_source_is_not_told_of():
    assert told(health("blocked"), replace(SOURCE, enabled=False)) == []
    assert notices([], [health("blocked")], NOW) == []


def test_an_episode_keeps_its_id_while_it_lasts_and_the_next_one_has_another():
    def ids(found: SourceHealth, now: datetime) -> list[str]:
        return [notice.id for notice in notices([SOURCE], [found], now)]

    blocked = health("blocked", "HTTP 418")
    later = replace(blocked, reason="HTTP 403", checked_at=NOW + timedelta(hours=5))
    again = replace(later, since=NOW + timedelta(days=2))
    unvisited = health("ok", untried=timedelta(hours=4))

    assert ids(blocked, NOW) == ids(later, NOW + timedelta(hours=5))
    assert ids(blocked, NOW) != ids(again, NOW + timedelta(days=2))
    assert ids(unvisited, NOW) == ids(unvisited, NOW + timedelta(hours=9))


def test_a_notice_says_which_source_since_when_why_and_what_to_do():
    [notice] = notices([SOURCE], [health("blocked", "对方拒绝采集（HTTP 418）。")], NOW)

    assert notice.title == "信源被拦截：清源要闻"
    assert notice.text.startswith(
        "信源被拦截：清源要闻，自 2026-09-22 12:00 起。原因：对方拒绝采集（HTTP 418）。采集已自动放缓"
    )


def test_what_a_run_records_reaches_the_operator(desk):
    desk.site.put("/list", status=418)
    source = desk.source("list", "/list", name="清源要闻")

    desk.crawl(source)
    [notice] = notices([source], desk.store.cases.records.health(), desk.clock())
    desk.clock.advance(hours=5)
    desk.crawl(source)
    [later] = notices([source], desk.store.cases.records.health(), desk.clock())

    assert (notice.state, notice.id) == ("blocked", later.id)
    assert "418" in notice.reason
