"""What a source still shows although its time is over is not taken, nor asked for again and again."""

from __future__ import annotations

from datetime import timedelta

import pytest

import crawlers.bygones
from crawlers.bygones import Bygones
from qingting.model import Channel, Post
from tests.crawlers.conftest import NOON

MONTH = timedelta(days=30)
TEXT = "<p>今天上午清源河各断面水质保持稳定，市民可以放心。</p>" * 6


def put_list(site, *days: str) -> None:
    """Put a list of articles, and the articles, each published on a day."""
    site.put("/list", "".join(f'<li><a href="/a/{day}.html">清源河水质第{day}号通报</a>' for day in days))
    for day in days:
        head = f"<meta name=PubDate content='{day[:4]}-{day[4:6]}-{day[6:]} 08:00'><title>通报</title>"
        site.put(f"/a/{day}.html", f"{head}<h1>清源河水质第{day}号通报</h1>{TEXT}")


def put_feed(site, *numbers: int) -> None:
    """Put a feed whose entries have no time."""
    entries = "".join(f"<item><title>第{n}号</title><link>http://e.org/{n}</link></item>" for n in numbers)
    site.put("/feed", f"<rss version='2.0'><channel>{entries}</channel></rss>")


def asked(desk, *days: str) -> list[int]:
    """Return how often each article was asked for."""
    return [desk.site.asked(f"/a/{day}.html") for day in days]


def test_an_article_older_than_posts_are_kept_is_asked_for_once_and_not_taken(desk):
    desk.keep = MONTH
    source = desk.source("list", "/list")
    put_list(desk.site, "20260920", "20240101")
    [first] = desk.crawl(source)
    put_list(desk.site, "20260921", "20260920", "20240101")
    [second] = desk.crawl(source)

    assert [(each.new, each.known, each.health.state) for each in (first, second)] == [(1, 1, "ok"), (1, 0, "ok")]
    assert asked(desk, "20260920", "20260921", "20240101") == [1, 1, 1]


def test_a_dropped_article_that_is_still_listed_does_not_come_back(desk):
    desk.keep = MONTH
    source = desk.source("list", "/list")
    put_list(desk.site, "20260920", "20260919")
    desk.crawl(source)
    desk.clock.advance(days=40)
    assert desk.store.posts.drop_before(desk.clock() - MONTH, ()) == 2

    collected = []
    for day in ("20261030", "20261031", "20261101"):
        put_list(desk.site, day, "20260920", "20260919")
        collected += desk.crawl(source)

    assert [each.new for each in collected] == [1, 1, 1]
    assert {f"{post.published_at:%m%d}" for post in desk.posts()} == {"1030", "1031", "1101"}
    # Once when it was new, and once to see that it is old.
    assert asked(desk, "20260920", "20260919") == [2, 2]


def test_a_dropped_post_without_a_time_of_its_own_does_not_come_back_as_new(desk):
    desk.keep = MONTH
    source = desk.source("feed", "/feed")
    put_feed(desk.site, 1, 2)
    [first] = desk.crawl(source)
    desk.clock.advance(days=40)
    assert desk.store.posts.drop_before(desk.clock() - MONTH, ()) == 2
    put_feed(desk.site, 1, 2, 3)
    [second] = desk.crawl(source)

    assert [(each.new, each.known) for each in (first, second)] == [(2, 0), (1, 2)]
    assert [post.url for post in desk.posts()] == ["http://e.org/3"]


def test_what_was_dropped_by_hand_does_not_come_back_either(desk):
    source = desk.source("list", "/list")
    put_list(desk.site, "20260920")
    desk.crawl(source)
    desk.store.cases.records.move_horizon(NOON)
    assert desk.store.posts.drop_before(NOON, ()) == 1
    put_list(desk.site, "20260920", "20260923")
    desk.clock.advance(days=2)
    [collected] = desk.crawl(source)

    assert (collected.new, [f"{post.published_at:%m%d}" for post in desk.posts()]) == (1, ["0923"])


def test_what_a_sitemap_dates_before_the_limit_is_not_even_asked_for(desk):
    desk.keep = MONTH
    put_list(desk.site, "20260920", "20240101", "20240102")
    places = [("20260920", "2026-09-20"), ("20240101", "2024-01-01T08:00:00+08:00"), ("20240102", "")]
    entries = "".join(
        f"<url><loc>{desk.site.address}/a/{day}.html</loc><lastmod>{changed}</lastmod></url>" for day, changed in places
    )
    desk.site.put("/sitemap.xml", f"<?xml version='1.0'?><urlset>{entries}</urlset>")
    [collected] = desk.crawl(desk.source("list", "/sitemap.xml"))

    assert (collected.new, asked(desk, "20260920", "20240101", "20240102")) == (1, [1, 0, 1])


@pytest.fixture
def undated():
    """Return a maker of posts without a time."""
    return lambda number: Post(f"p{number}", "s", str(number), Channel.NEWS, "河水", NOON)


def test_what_is_still_listed_is_remembered_longest(undated, monkeypatch):
    monkeypatch.setattr(crawlers.bygones, "MOST_REMEMBERED", 3)
    first = Bygones(lambda _: set(), None, None)
    assert [first.is_bygone(undated(number)) for number in (1, 2, 3, 4)] == [False] * 4
    assert first.as_json() == ["p2", "p3", "p4"]

    second = Bygones(lambda _: {"p9"}, None, first.as_json())
    assert second.known(["p2", "p9", "p8"]) == {"p2", "p9"}
    assert [second.is_bygone(undated(number)) for number in (4, 5)] == [True, False]
    assert second.as_json() == ["p2", "p4", "p5"]


@pytest.mark.parametrize("remembered", [None, {}, "p1", [1, None]])
def test_what_no_run_of_ours_wrote_into_a_cursor_is_no_memory(undated, remembered):
    assert not Bygones(lambda _: set(), None, remembered).is_bygone(undated(1))
