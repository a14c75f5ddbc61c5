"""What is usual: how many posts on a topic in a region fall into a window of hours at this time of day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean, pvariance

from alerts.traits import contains
from qingting.model import Event, Post, Reading, Topic
from qingting.store import Posts, Search

SEASONAL_FROM = 60
"""Posts on the topic in the baseline from which its hours of day are told apart; with fewer, an hour of day rests on
two or three posts in a fortnight, and the plain mean is the better estimate."""

PRIOR_POSTS, PRIOR_WINDOWS = 0.5, 1.0
"""What is assumed before any history: half a post per window, with the weight of one window. Without it, the first
posts after installation would all be infinitely improbable."""

USUAL_SHAPE = 3.0
"""Shape of the negative binomial where there is too little history to measure it: hourly counts of public posts vary
about as much as with shape 3."""

SHAPES = (1.0, 50.0)
"""Bounds of a measured shape; at 50 and a mean of some posts it cannot be told from Poisson."""

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is expected of a window: its mean, the shape of its spread, and what both rest on."""

    expected: float
    shape: float
    posts: int
    days: float
    seasonal: bool


class History:
    """Counts posts of the past: from the store and from a batch that the store does not count as read yet."""

    def __init__(self, posts: Posts, batch: Sequence[Post], readings: Mapping[str, Reading]) -> None:
        self._posts = posts
        self._batch = [(post, readings[post.id]) for post in batch if post.id in readings and post.published_at]

    def usual(self, event: Event, until: datetime, window: timedelta, days: float) -> Usual:
        """Return what is usual for an event's topic and region in the window that begins at `until`.

        Rests on the `days` before, or on as many of them as there are posts from at all.
        """
        first = until - timedelta(days=days)
        hours = self._hours(event.topic, event.region, first, until)
        total = sum(hours.values())
        seen = (until - max(first, self._beginning(first, until))) / timedelta(days=1)
        windows = seen * timedelta(days=1) / window
        mean = (total + PRIOR_POSTS) / (windows + PRIOR_WINDOWS)
        seasonal = total >= SEASONAL_FROM and seen >= 7
        expected = mean * _season(hours, until, window) if seasonal else mean
        return Usual(expected, _shape(hours, first, until, window) if seasonal else USUAL_SHAPE, total, seen, seasonal)

    def _hours(self, topic: Topic, region: str, since: datetime, until: datetime) -> Counter[datetime]:
        """Return how many relevant posts on a topic in a region fall into each hour."""
        query = f"topic:{topic.value} region:{region}" if region else f"topic:{topic.value}"
        points = self._posts.trend(Search(query, since, until), "hour")
        hours = Counter({point.start: point.count for point in points})
        for post, reading in self._batch:
            if since <= post.at < until and reading.topic is topic and _in_region(post, reading, region):
                hours[post.at.replace(minute=0, second=0, microsecond=0)] += 1
        return hours

    def _beginning(self, since: datetime, until: datetime) -> datetime:
        """Return when collecting seems to have begun: the first post of any kind, `until` if there is none."""
        days = self._posts.trend(Search("", since, until), "day")
        starts = [point.start for point in days[:1]]
        return min([*starts, *(post.at for post, _ in self._batch if since <= post.at < until)], default=until)


def _in_region(post: Post, reading: Reading, region: str) -> bool:
    return not region or any(
        contains(region, code) for code in (post.region, *(r.code for r in reading.regions)) if code
    )


def _season(hours: Counter[datetime], start: datetime, window: timedelta) -> float:
    """Return by what factor the hours of day inside a window are busier than the mean hour.

    Each hour of day is drawn towards the mean as if a tenth of all posts were spread evenly over the day.
    """
    by_hour: Counter[int] = Counter()
    for at, count in hours.items():
        by_hour[at.astimezone(UTC).hour] += count
    even = 0.1 * sum(by_hour.values()) / 24
    mean = sum(by_hour.values()) / 24 + even
    inside = [start + HOUR * step for step in range(max(1, round(window / HOUR)))]
    return fmean((by_hour[at.astimezone(UTC).hour] + even) / mean for at in inside)


def _shape(hours: Counter[datetime], since: datetime, until: datetime, window: timedelta) -> float:
    """Return the shape that fits the spread of the windows of the past, by the method of moments."""
    counts = Counter(int((at - since) / window) for at in hours.elements())
    sums = [counts[number] for number in range(max(1, int((until - since) / window)))]
    mean, variance = fmean(sums), pvariance(sums)
    if variance <= mean:
        return SHAPES[1]
    return min(SHAPES[1], max(SHAPES[0], mean * mean / (variance - mean)))
