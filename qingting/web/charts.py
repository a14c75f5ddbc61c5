"""Counts over time as bars: which interval, which bars, where they stand in an SVG."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from qingting.model import SHANGHAI, Membership, Sentiment, shown

INTERVALS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 24 * 7))
"""Lengths of time people think in; the shortest that gives no more than MOST_BARS bars is used."""

MOST_BARS = 96
"""Bars below about 9 pixels cannot be told apart on a 1366 pixel screen."""

WIDEST_BAR = 60.0
"""A course of few intervals is still bars, not walls."""

ORDER = (Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE)
"""From the bottom of a bar to its top: what is looked at first stands on the base line."""


@dataclass(frozen=True)
class Interval:
    """How many posts of each sentiment fall into the interval that begins at `start`."""

    start: datetime
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Return the number of posts."""
        return sum(self.counts)


@dataclass(frozen=True)
class Histogram:
    """All intervals from the first post to the last, empty ones included, each `length` long."""

    length: timedelta
    intervals: tuple[Interval, ...]

    @property
    def label(self) -> str:
        """Return the length of an interval as people say it."""
        hours = int(self.length.total_seconds() // 3600)
        if hours == 1:
            return "每小时"
        return f"每 {hours} 小时" if hours < 24 else "每天" if hours == 24 else f"每 {hours // 24} 天"


@dataclass(frozen=True)
class Rectangle:
    """One piece of a bar; the unit is the SVG's own."""

    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True)
class Mark:
    """A label on an axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Bar:
    """One interval as drawn: its pieces, and what is said about it when pointed at."""

    pieces: tuple[Rectangle, ...]
    title: str


@dataclass(frozen=True)
class Chart:
    """A histogram laid out: bars between (left, top) and (right, bottom), and the marks of both axes."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    bars: tuple[Bar, ...]
    counts: tuple[Mark, ...]
    times: tuple[Mark, ...]


def histogram(members: Sequence[Membership]) -> Histogram:
    """Return the members counted by time and sentiment; no intervals without members."""
    if not members:
        return Histogram(INTERVALS[0], ())
    first, last = min(each.at for each in members), max(each.at for each in members)
    length = _length(last - first)
    midnight = first.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight + (first - midnight) // length * length
    counts = Counter(((each.at - start) // length, each.sentiment) for each in members)
    return Histogram(
        length,
        tuple(
            Interval(start + number * length, tuple(counts[number, each] for each in ORDER))
            for number in range((last - start) // length + 1)
        ),
    )


def _length(span: timedelta) -> timedelta:
    for length in INTERVALS:
        if span / length < MOST_BARS:
            return length
    return timedelta(days=math.ceil(span / timedelta(days=1) / (MOST_BARS - 1)))


def chart(counted: Histogram, width: float = 1200, height: float = 220) -> Chart:
    """Return a histogram laid out in an SVG of the given size."""
    left, right, top, bottom = 44.0, width - 8, 12.0, height - 26
    most = _nice(max((each.total for each in counted.intervals), default=1))
    step = (right - left) / max(len(counted.intervals), 1)
    scale = (bottom - top) / most
    bars = tuple(_bar(each, left + number * step, step, bottom, scale) for number, each in enumerate(counted.intervals))
    counts = tuple(Mark(bottom - value * scale, str(value)) for value in dict.fromkeys((0, most // 2, most)))
    every = max(1, math.ceil(len(counted.intervals) / 8))
    times = tuple(
        Mark(left + number * step, _time(each.start, counted.length))
        for number, each in enumerate(counted.intervals)
        if number % every == 0
    )
    return Chart(width, height, left, right, top, bottom, bars, counts, times)


def _bar(interval: Interval, x: float, step: float, bottom: float, scale: float) -> Bar:
    gap = min(2.0, step * 0.2)
    pieces, y = [], bottom
    for count, kind in zip(interval.counts, ORDER, strict=True):
        if count:
            y -= count * scale
            breadth = round(min(step - gap, WIDEST_BAR), 2)
            pieces.append(Rectangle(round(x + gap / 2, 2), round(y, 2), breadth, round(count * scale, 2), kind.value))
    parts = "，".join(f"{kind.label} {count}" for count, kind in zip(interval.counts, ORDER, strict=True) if count)
    return Bar(tuple(pieces), f"{shown(interval.start)} 起：{interval.total} 条" + (f"（{parts}）" if parts else ""))


def _time(moment: datetime, length: timedelta) -> str:
    local = moment.astimezone(SHANGHAI)
    day = f"{local.month}月{local.day}日"
    return f"{day}{local.hour}时" if length < timedelta(days=1) else day


def _nice(most: int) -> int:
    """Return the round number at or above a count at which an axis can end: even, so that it can be halved."""
    if most <= 10:
        return most + most % 2
    scale = 10 ** (len(str(most)) - 1)
    return next(each for each in (int(scale * factor) for factor in (1, 2, 4, 6, 8, 10)) if each >= most)


SPARKS = 24
"""Bars of a sparkline: enough to see rise and fall in a table cell."""


def sparkline(members: Sequence[Membership], width: float = 120, height: float = 26) -> tuple[Rectangle, ...]:
    """Return an event's course from its first post to its last as small bars; nothing without members."""
    if not members:
        return ()
    first, last = min(each.at for each in members), max(each.at for each in members)
    length = max((last - first) / SPARKS, timedelta(hours=1))
    counts = Counter(min((each.at - first) // length, SPARKS - 1) for each in members)
    most, step = max(counts.values()), width / SPARKS
    return tuple(
        Rectangle(
            round(number * step, 2),
            round(height - max(height * count / most, 1.5), 2),
            round(step - 1, 2),
            round(max(height * count / most, 1.5), 2),
            "spark",
        )
        for number, count in sorted(counts.items())
    )
