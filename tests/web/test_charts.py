"""Counts over time become bars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qingting.model import Membership, Sentiment
from qingting.web.charts import MOST_BARS, chart, histogram, sparkline

START = datetime(2026, 9, 21, 18, 10, tzinfo=UTC)


def member(after: timedelta, sentiment: Sentiment = Sentiment.NEGATIVE) -> Membership:
    return Membership("e", "p", START + after, "", 1.0, False, "", sentiment, "auto", START)


def test_an_event_of_a_day_is_counted_by_the_hour() -> None:
    counted = histogram(
        [member(timedelta()), member(timedelta(minutes=30)), member(timedelta(hours=2), Sentiment.POSITIVE)]
    )
    assert counted.label == "每小时"
    assert [each.counts for each in counted.intervals] == [(2, 0, 0), (0, 0, 0), (0, 0, 1)]
    assert counted.intervals[0].start == datetime(2026, 9, 21, 18, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "label"),
    [
        (timedelta(days=3), "每小时"),
        (timedelta(days=8), "每 3 小时"),
        (timedelta(days=60), "每天"),
        (timedelta(days=365), "每 7 天"),
        (timedelta(days=3650), "每 39 天"),
    ],
)
def test_longer_events_are_counted_more_coarsely(span: timedelta, label: str) -> None:
    assert histogram([member(timedelta()), member(span)]).label == label


@given(st.lists(st.tuples(st.integers(0, 50_000_000), st.sampled_from(Sentiment)), max_size=40))
def test_no_post_is_lost_and_every_bar_stands_inside(moments: list[tuple[int, Sentiment]]) -> None:
    members = [member(timedelta(minutes=minutes), sentiment) for minutes, sentiment in moments]
    counted = histogram(members)
    assert sum(each.total for each in counted.intervals) == len(members)
    assert len(counted.intervals) <= MOST_BARS + 1
    drawn = chart(counted)
    for bar in drawn.bars:
        for piece in bar.pieces:
            assert drawn.left <= piece.x
            assert piece.x + piece.width <= drawn.right + 0.01
            assert drawn.top - 0.01 <= piece.y
            assert piece.y + piece.height <= drawn.bottom + 0.01
    for spark in sparkline(members):
        assert 0 <= spark.x <= spark.x + spark.width <= 120
        assert 0 <= spark.y <= spark.y + spark.height <= 26.01


def test_a_bar_says_what_it_counts() -> None:
    drawn = chart(histogram([member(timedelta()), member(timedelta(), Sentiment.NEUTRAL)]))
    assert drawn.bars[0].title == "2026-09-22 02:00 起：2 条（负面 1，中性 1）"
    assert [mark.text for mark in drawn.counts] == ["0", "1", "2"]
    assert [mark.text for mark in drawn.times] == ["9月22日2时"]


def test_an_axis_ends_at_a_round_number() -> None:
    drawn = chart(histogram([member(timedelta())] * 113))
    assert [mark.text for mark in drawn.counts] == ["0", "100", "200"]
