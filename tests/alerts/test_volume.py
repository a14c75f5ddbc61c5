"""The volume rule, hour by hour."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from math import comb

import pytest

from alerts.baseline import History
from alerts.chance import in_words, tail
from alerts.detect import make_case
from alerts.rules.volume import Volume
from qingting.config import AlertsConfig, VolumeConfig
from qingting.model import Matter, Sentiment, Topic

WORDS = ("清源河", "白沫", "临河段")


@pytest.fixture
def settled(desk, say):
    """Return a desk that has been listening for ten days and heard nothing on water."""
    desk.hear(say("楼上装修敲墙", -24 * 10, words=("装修", "敲墙"), topic=Topic.NOISE))
    return desk


def posts_at(say, *hours, **more):
    """Return posts about one dead-fish event at these hours, each by an author of its own."""
    return [say(f"清源河临河段白沫，第{n}位看到的", hour, words=WORDS, **more) for n, hour in enumerate(hours)]


TABLE = [
    # hours of the posts, authors, does it fire, at which hour, the question that refused otherwise
    ((6, 6.5, 7, 7.5, 8), 5, True, 8.0, ""),
    ((6, 6.5, 7, 7.5), 4, False, None, "不重复帖文至少 5 条"),
    ((2, 4, 6, 8, 10), 5, False, None, "不重复帖文至少 5 条"),
    ((6, 6.5, 7, 7.5, 8), 2, False, None, "作者至少 3 位"),
    ((5.0, 6, 6.5, 7, 8.0), 5, False, None, "不重复帖文至少 5 条"),
    ((5.1, 6, 6.5, 7, 8.0), 5, True, 8.0, ""),
    ((2, 4, 6, 8, 8.2, 8.4, 8.6, 8.8), 8, True, 8.6, ""),
]


@pytest.mark.parametrize(("hours", "authors", "fires", "hour", "refused"), TABLE)
def test_hour_by_hour(settled, say, hours, authors, fires, hour, refused):
    said = [
        say(f"清源河临河段白沫，第{n}条", each, words=WORDS, by=f"作者{n % authors}") for n, each in enumerate(hours)
    ]
    for each in said:
        settled.hear(each)
    assert [alert.rule for alert in settled.alerts] == (["volume"] if fires else [])
    if fires:
        assert (settled.alerts[0].triggered_at - said[0].post.at) / timedelta(hours=1) == pytest.approx(hour - hours[0])
        return
    answers = _asked(settled, said)
    assert refused in [step.question for step in answers.steps if not step.held]


def _asked(desk, said):
    """Return what the rule says of the event about all its posts."""
    event = desk.store.cases.events.get(desk.event_of(said[0]))
    pairs = [(each.post, each.reading) for each in said]
    settings = replace(desk.settings, volume=replace(desk.settings.volume, min_posts=1))
    case = make_case(desk.store, event, pairs, History(desk.store.posts, (), {}), settings)
    return Volume().ask(replace(case, settings=desk.settings))


def test_a_backlog_in_one_batch_gives_the_alert_that_live_would_have_given(settled, say):
    said = posts_at(say, 2, 4, 6, 8, 8.2, 8.4, 8.6, 8.8)
    late = said[-1].post.at + timedelta(hours=40)
    settled.hear(*said, now=late)
    [alert] = settled.alerts
    assert alert.triggered_at == said[6].post.at
    assert alert.created_at == late
    assert set(alert.post_ids) == {each.post.id for each in said[2:7]}


def test_undated_posts_never_count(settled, say):
    settled.hear(*posts_at(say, *(8 + n / 50 for n in range(20)), dated=False))
    assert settled.alerts == []


def test_copies_and_bare_reposts_do_not_count(settled, say):
    first = say("清源河临河段白沫", 6, words=WORDS, fingerprint=3)
    copies = [say(f"清源河临河段白沫！{n}", 6 + n / 10, words=WORDS, fingerprint=3) for n in range(1, 6)]
    reposts = [say("转发微博", 7 + n / 10, parent=first) for n in range(6)]
    settled.hear(first, *copies, *reposts)
    assert settled.store.cases.events.get(settled.event_of(first)).size == 12
    assert settled.alerts == []


def test_a_post_that_comes_late_completes_the_window_it_belongs_to(settled, say):
    said = posts_at(say, 6, 6.5, 7, 7.5, 8)
    settled.hear(*said[:2], *said[3:])
    assert settled.alerts == []
    settled.hear(said[2], now=said[-1].post.at + timedelta(hours=2))
    [alert] = settled.alerts
    assert alert.triggered_at == said[-1].post.at


def test_an_office_that_hears_as_much_every_day_is_not_alerted(desk, say):
    usual = [
        say(
            f"水的事{day}-{n}",
            -24 * day + 6 + n / 5,
            words=(f"事由{day}x{n}", f"另有{day}x{n}"),
            matter=Matter.QUALITY,
            mood=Sentiment.NEUTRAL,
        )
        for day in range(1, 14)
        for n in range(14)
    ]
    desk.hear(*usual)
    desk.hear(*posts_at(say, 6, 6.5, 7, 7.5, 8))
    assert desk.alerts == []


def test_the_same_number_at_an_hour_that_is_usually_silent_is_alerted(desk, say):
    usual = [
        say(
            f"水的事{day}-{n}",
            -24 * day + 15 + n / 5,
            words=(f"事由{day}x{n}", f"另有{day}x{n}"),
            matter=Matter.QUALITY,
            mood=Sentiment.NEUTRAL,
        )
        for day in range(1, 14)
        for n in range(14)
    ]
    desk.hear(*usual)
    desk.hear(*posts_at(say, 2, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2))
    [alert] = desk.alerts
    assert "同时段" in alert.steps[-1].detail


def test_the_last_step_gives_the_figures(desk, say):
    desk.hear(*posts_at(say, -24 * 10))
    desk.hear(*posts_at(say, 6, 6.5, 7, 7.5, 8))
    [alert] = desk.alerts
    assert [step.detail for step in alert.steps[:2]] == ["3 小时内 5 条", "3 小时内 5 位"]
    assert "前 10 天" in alert.steps[2].detail
    assert "平均不到 0.1 条" in alert.steps[2].detail
    assert "偶然出现这么多的概率小于" in alert.steps[2].detail


def test_right_after_installation_more_is_asked_for(desk, say):
    [event] = desk.hear(*posts_at(say, 6, 6.1, 6.2, 6.3))
    assert event.distinct == 4
    desk.hear(*[say("清源河临河段白沫，又一位看到", 6.4, words=WORDS)])
    [refused] = [step for step in _asked(desk, posts_at(say, 6)).steps if not step.held]
    assert "概率" in refused.question
    assert desk.alerts == []


def test_a_setting_moves_the_floor(settled, say):
    settled.settings = AlertsConfig(volume=VolumeConfig(min_posts=3, min_authors=2))
    settled.hear(*posts_at(say, 6, 6.5, 7))
    assert len(settled.alerts) == 1


def test_the_tail_is_that_of_poisson_for_a_large_shape_and_heavier_for_a_small_one():
    assert tail(0, 2.0, 3.0) == 1.0
    assert tail(5, 1.0, 1e9) == pytest.approx(0.003659847, rel=1e-4)
    assert tail(3, 0.5, 1e9) == pytest.approx(0.014387678, rel=1e-4)
    assert tail(5, 1.0, 3.0) == pytest.approx(1 - _negative_binomial_below(5, 1.0, 3.0), rel=1e-9)
    assert tail(5, 1.0, 3.0) > tail(5, 1.0, 1e9)
    assert tail(40, 0.01, 3.0) > 0


def _negative_binomial_below(count, mean, shape):
    """Return the sum of the first terms, each from the definition."""
    p = shape / (shape + mean)
    return sum(comb(k + 2, k) * p**3 * (1 - p) ** k for k in range(count))


def test_small_probabilities_are_said_as_people_say_them():
    assert in_words(3e-5) == "小于万分之一"
    assert in_words(2e-10) == "小于亿分之一"
    assert in_words(0.0004) == "小于千分之一"
    assert in_words(0.034) == "约百分之3"


def test_topics_are_counted_apart(desk, say):
    usual = [
        say(f"噪声的事{day}-{n}", -24 * day + 6 + n / 5, words=(f"事由{day}x{n}",), topic=Topic.NOISE)
        for day in range(1, 14)
        for n in range(14)
    ]
    desk.hear(*usual)
    desk.hear(*posts_at(say, 6, 6.5, 7, 7.5, 8))
    assert len(desk.alerts) == 1
