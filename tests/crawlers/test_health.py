"""Health is a pure judgement over what a run met and what is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crawlers.health import Counts, Memory, judge
from crawlers.kinds import Outcome, Trouble
from qingting.config import SourceConfig

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
SOURCE = SourceConfig(id="s", kind="list", cadence_minutes=30.0)
FULL = {"title": 10, "published_at": 10, "author": 0, "text": 10}


def after(*runs: Counts, start: Memory | None = None) -> Memory:
    """Return what is remembered after runs that went well, an hour apart."""
    memory = start or Memory()
    for number, counts in enumerate(runs):
        _, memory = judge(SOURCE, Outcome(), counts, memory, NOW - timedelta(hours=len(runs) - number))
    return memory


def test_a_field_that_is_suddenly_missing_is_reported_by_name_and_stays_reported():
    memory = after(Counts(parsed=10, new=10, filled=FULL))
    poor = Counts(parsed=10, new=10, filled={**FULL, "published_at": 1})

    for _ in range(3):
        health, memory = judge(SOURCE, Outcome(), poor, memory, NOW)

        assert health.state == "failing"
        assert "发布时间由 100% 降到 10%" in health.reason
    assert memory.not_before is None


def test_a_field_that_never_was_there_is_not_missed():
    memory = after(Counts(parsed=10, new=10, filled=FULL))

    health, _ = judge(SOURCE, Outcome(), Counts(parsed=10, new=10, filled=FULL), memory, NOW)

    assert (health.state, health.reason) == ("ok", "")


@pytest.mark.parametrize(
    ("longest", "still", "silent"),
    [
        (timedelta(hours=1), timedelta(hours=47), timedelta(hours=48)),
        (timedelta(days=7), timedelta(days=20), timedelta(days=21)),
        (timedelta(0), timedelta(days=6), timedelta(days=7)),
    ],
    ids=["an hourly source", "a weekly one", "one that brought something only once"],
)
def test_a_source_falls_silent_only_after_far_longer_than_its_usual_pause(longest, still, silent):
    memory = Memory(last_new_at=NOW, longest_pause=longest)
    nothing_new = Counts(parsed=10, known=10, filled=FULL)

    assert judge(SOURCE, Outcome(), nothing_new, memory, NOW + still)[0].state == "ok"
    assert judge(SOURCE, Outcome(), nothing_new, memory, NOW + silent)[0].state == "silent"
    assert judge(SOURCE, Outcome(unchanged=True), Counts(), memory, NOW + silent)[0].state == "silent"


def test_back_off_grows_step_by_step_to_a_day_and_ends_with_success():
    memory = Memory()
    waits = []
    for _ in range(60):
        _, memory = judge(SOURCE, Outcome([Trouble("failing", "x")]), Counts(), memory, NOW)
        waits.append(memory.not_before - NOW)

    assert waits[:3] == [timedelta(minutes=30), timedelta(minutes=60), timedelta(minutes=90)]
    assert waits[-1] == timedelta(hours=24)
    _, memory = judge(SOURCE, Outcome(), Counts(parsed=1, new=1), memory, NOW)
    assert (memory.failures, memory.not_before) == (0, None)


def test_one_lost_page_among_many_is_no_failure_but_half_of_them_are():
    counts = Counts(parsed=9, new=9, filled=FULL)
    lost = [Trouble("failing", "HTTP 500", essential=False)]

    assert judge(SOURCE, Outcome(lost, listed=10), counts, Memory(), NOW)[0].state == "ok"
    assert judge(SOURCE, Outcome(lost * 6, listed=10), Counts(parsed=4, new=4), Memory(), NOW)[0].state == "failing"


def test_one_forbidden_page_is_no_block_but_three_are_and_so_is_the_essential_one():
    counts = Counts(parsed=90, new=90, filled=dict.fromkeys(FULL, 90))
    page = Trouble("blocked", "HTTP 403", essential=False)

    def state(*troubles: Trouble) -> str:
        return judge(SOURCE, Outcome(list(troubles), listed=100), counts, Memory(), NOW)[0].state

    assert state(page) == "ok"
    assert state(page, page, page) == "blocked"
    assert state(Trouble("failing", "HTTP 500"), Trouble("blocked", "HTTP 418")) == "blocked"


@pytest.mark.parametrize("value", [None, {}, [], "x", {"other": 1}])
def test_a_cursor_of_another_make_is_a_fresh_memory(value):
    assert Memory.from_json(value) == Memory()


def test_a_memory_survives_json():
    memory = after(Counts(parsed=10, new=10, filled=FULL), Counts(parsed=8, new=1, filled=FULL))

    assert Memory.from_json(memory.as_json()) == memory
