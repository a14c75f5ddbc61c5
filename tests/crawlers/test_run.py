"""Runs against a real site and a real store: what is stored, what is remembered, what is reported."""

from __future__ import annotations

import asyncio
import gzip

import crawlers.run
from crawlers.evidence import find_evidence
from crawlers.kinds import registry
from crawlers.run import run_crawl


def article(number: int) -> str:
    """Return an article page."""
    text = f"<p>第{number}条：今天上午清源河各断面水质保持稳定，市民可以放心。</p>"
    head = f"<meta name=PubDate content='2026-09-22 08:{number:02}'><title>通报</title>"
    return f"{head}<h1>清源河水质第{number}号通报</h1>{text * 6}"


def put_list(site, *numbers: int) -> None:
    """Put a list of articles, and the articles."""
    site.put("/list", "".join(f'<li><a href="/a/2026092200{n}.html">清源河水质第{n}号通报</a>' for n in numbers))
    for n in numbers:
        site.put(f"/a/2026092200{n}.html", article(n))


def test_only_new_articles_are_asked_for(desk):
    put_list(desk.site, 1, 2)
    source = desk.source("list", "/list")
    [first] = desk.crawl(source)
    put_list(desk.site, 1, 2, 3)

    [second] = desk.crawl(source)

    assert (first.new, second.new) == (2, 1)
    assert [desk.site.asked(f"/a/2026092200{n}.html") for n in (1, 2, 3)] == [1, 1, 1]


def test_a_page_that_failed_is_asked_for_again_although_the_list_has_not_changed(desk):
    put_list(desk.site, 1, 2, 3)
    good = desk.site.pages["/a/20260922002.html"]
    desk.site.put("/a/20260922002.html", status=500)
    source = desk.source("list", "/list")

    [first] = desk.crawl(source)

    assert (first.new, first.health.state) == (2, "ok")
    assert "1 个页面没有取到" in first.health.reason

    desk.site.pages["/a/20260922002.html"] = good
    [second] = desk.crawl(source)

    assert second.new == 1


def test_a_page_that_is_gone_is_a_reject_and_not_asked_for_again(desk):
    put_list(desk.site, 1, 2)
    del desk.site.pages["/a/20260922002.html"]
    source = desk.source("list", "/list")

    [first] = desk.crawl(source)
    [second] = desk.crawl(source)

    assert (first.new, first.rejected) == (1, 1)
    assert second.health.state == "unchanged"
    put_list(desk.site, 1, 2, 3)
    del desk.site.pages["/a/20260922002.html"]
    desk.crawl(source)
    assert desk.site.asked("/a/20260922002.html") == 1


def test_an_unchanged_feed_costs_one_conditional_request(desk):
    feed = "<rss version='2.0'><channel><item><title>清源河</title><link>http://e.org/1</link></item></channel></rss>"
    seen = []

    def answer(headers):
        seen.append(headers.get("If-None-Match"))
        if headers.get("If-None-Match") == '"v1"':
            return desk.site.page(status=304)
        return desk.site.page(feed, headers={"ETag": '"v1"', "Content-Type": "application/xml"})

    desk.site.pages["/feed"] = answer
    source = desk.source("feed", "/feed")

    [first] = desk.crawl(source)
    [second] = desk.crawl(source)
    [third] = desk.crawl(source)

    assert [each.health.state for each in (first, second, third)] == ["ok", "unchanged", "unchanged"]
    assert seen == [None, '"v1"', '"v1"']


def test_the_fetched_bytes_of_every_post_can_be_produced(desk):
    put_list(desk.site, 1, 2)
    desk.crawl(desk.source("list", "/list"))

    for post in desk.posts():
        body = find_evidence(desk.home, post.evidence).body
        assert body == desk.site.pages["/" + post.source_id.split("/", 1)[1]].body
    assert find_evidence(desk.home, "0" * 64) is None


def test_a_compressed_answer_is_kept_as_what_it_says(desk):
    packed = gzip.compress(article(1).encode())
    put_list(desk.site, 1)
    desk.site.put("/a/20260922001.html", packed, headers={"Content-Encoding": "gzip"})
    desk.crawl(desk.source("list", "/list"))

    [post] = desk.posts()
    assert find_evidence(desk.home, post.evidence).body == article(1).encode()


def test_a_redesigned_list_is_told_from_one_that_never_had_anything(desk):
    desk.site.put("/list", "<p>维护中</p>")
    never = desk.source("list", "/list", id="never")
    [collected] = desk.crawl(never)
    assert (collected.health.state, collected.health.reason) == ("empty", "还没有解析到内容")

    put_list(desk.site, 1, 2, 3)
    once = desk.source("list", "/list", id="once")
    desk.crawl(once)
    desk.site.put("/list", "<div>新版首页</div>")
    [collected] = desk.crawl(once)
    assert collected.health.state == "empty"
    assert "以往约 3 条" in collected.health.reason


def test_an_answer_that_breaks_a_spider_is_recorded_and_does_not_break_the_run(desk, monkeypatch):
    async def broken(self, response, key):
        raise ValueError("no such field")
        yield

    monkeypatch.setattr(registry()["list"], "parse_article", broken)
    put_list(desk.site, 1)

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.health.state == "failing"
    assert "no such field" in collected.health.reason
    [reject] = desk.store.cases.records.rejects(10)
    assert (reject.reason, reject.size) == ("malformed", len(article(1).encode()))


def test_a_source_that_is_not_there_is_failing_and_backs_off(desk):
    source = desk.source("feed", "/nowhere")

    [collected] = desk.crawl(source)

    assert collected.health.state == "failing"
    assert "404" in collected.health.reason
    memory = desk.store.cases.records.cursor("feed").value["memory"]
    assert memory["failures"] == 1
    assert memory["not_before"] > desk.clock().isoformat()


def test_several_sources_run_side_by_side_in_the_order_given(desk):
    put_list(desk.site, 1, 2, 3)
    sources = [desk.source("list", "/list", id=f"s{n}") for n in range(12)]

    collected = desk.crawl(*sources)

    assert [each.source.id for each in collected] == [source.id for source in sources]
    assert {each.new for each in collected} == {3}


def test_what_is_over_the_limit_follows_in_the_next_run(desk):
    put_list(desk.site, 1, 2, 3, 4, 5)
    source = desk.source("list", "/list", options={"limit": "2"})

    assert [desk.crawl(source)[0].new for _ in range(4)] == [2, 2, 1, 0]


def test_the_standing_role_runs_every_enabled_source_and_stops_when_told(desk):
    put_list(desk.site, 1, 2)
    sources = [desk.source("list", "/list", id="on"), desk.source("list", "/list", id="off", enabled=False)]

    async def role() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(desk.crawl_for_good(sources, stop))
        while not desk.store.cases.records.health():
            await asyncio.sleep(0.01)
        stop.set()
        await running

    run_crawl(role())

    assert {health.source: health.state for health in desk.store.cases.records.health()} == {"on": "ok"}
    assert len(desk.posts()) == 2


def test_the_standing_role_drops_evidence_whose_time_is_over(desk):
    put_list(desk.site, 1)
    source = desk.source("list", "/list")
    desk.crawl(source)
    [old] = desk.posts()
    desk.clock.advance(days=desk.settings.evidence_days + 1)

    async def role() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(desk.crawl_for_good([source], stop))
        while find_evidence(desk.home, old.evidence) is not None:
            await asyncio.sleep(0.01)
        stop.set()
        await running

    assert find_evidence(desk.home, old.evidence) is not None
    run_crawl(role())
    assert desk.posts() == [old]


def test_the_standing_role_stops_although_crawls_are_just_starting_or_waiting_for_their_turn(desk, monkeypatch):
    put_list(desk.site, 1)
    sources = [desk.source("list", "/list", id=f"source-{n:02}") for n in range(20)]
    task, stop, begun = crawlers.run._task, asyncio.Event(), []

    def told_to_stop(*args):
        stop.set()
        begun.append(args[1].id)
        return task(*args)

    monkeypatch.setattr(crawlers.run, "_task", told_to_stop)
    run_crawl(desk.crawl_for_good(sources, stop))

    assert len(begun) <= crawlers.run.SOURCES_AT_ONCE


def test_the_standing_role_outlives_a_source_that_breaks(desk, monkeypatch):
    put_list(desk.site, 1)
    good, bad = desk.source("list", "/list", id="good"), desk.source("feed", "/feed", id="bad")

    def broken(self, task, **kwargs):
        raise RuntimeError("cannot start")

    monkeypatch.setattr(registry()["feed"], "__init__", broken)

    async def role() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(desk.crawl_for_good([bad, good], stop))
        while len(desk.store.cases.records.health()) < 2:
            await asyncio.sleep(0.01)
        stop.set()
        await running

    run_crawl(role())

    health = {each.source: each for each in desk.store.cases.records.health()}
    assert health["good"].state == "ok"
    assert "cannot start" in health["bad"].reason


def test_a_source_that_is_given_other_options_is_looked_at_afresh(desk):
    put_list(desk.site, 1, 2)
    desk.crawl(desk.source("list", "/list", options={"match": "001"}))

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert collected.new == 1
