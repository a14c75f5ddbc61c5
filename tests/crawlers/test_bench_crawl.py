"""The benchmark measures what it says: pages as large as promised, all of them extracted, kept and stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from crawlers.extract import extract
from crawlers.feed import parse_feed
from qingting.commands import bench_crawl, bench_site
from qingting.config import Config
from qingting.errors import CrawlError

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)


def test_an_article_of_the_benchmark_is_as_large_as_promised_and_no_two_are_the_same():
    pages = [bench_site.article(number) for number in range(20)]

    assert all(82_000 < len(page) < 86_000 for page in pages)
    articles = [extract(page, "http://127.0.0.1/a", NOW) for page in pages]
    assert len({article.text for article in articles}) == len(pages)
    assert all(1500 < len(article.text) < 4000 and article.text.count("\n") == 24 for article in articles)


def test_a_feed_of_the_benchmark_holds_as_many_entries_as_promised():
    entries = parse_feed(bench_site.feed(4000), "http://127.0.0.1/feed", NOW)

    assert len({entry.id for entry in entries}) == bench_site.FEED_ENTRIES


def test_speed_is_measured_on_pages_that_were_really_stored(tmp_path, monkeypatch):
    with bench_crawl._site(60) as port:
        rows = list(bench_crawl._page_rows(Config(), tmp_path / "pages", port, 60))
        monkeypatch.setattr(bench_crawl, "WARM_UP", 20)
        with pytest.raises(CrawlError, match="应为"):
            list(bench_crawl._page_rows(Config(), tmp_path / "other", port, 90))

    assert [row["stage"] for row in rows] == ["文章（10 篇）", "文章，每篇处理器时间"]
    assert all(row["figure"] > 0 for row in rows)


def test_the_measured_crawl_is_the_configured_one_but_for_its_pause():
    slow = replace(Config(), crawl=replace(Config().crawl, workers=1, max_body_mib=3))

    assert bench_crawl._unhurried(slow, 8080).crawl == replace(
        slow.crawl, delay_seconds=0.0, allow_loopback_ports=(8080,)
    )
