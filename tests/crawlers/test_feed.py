"""Feeds in every format, with the liberties that Chinese publishers take."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.feed import parse_feed
from crawlers.urls import normalised

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
NINE = datetime(2026, 9, 22, 1, 0, tzinfo=UTC)

RSS2 = """<rss version="2.0"><channel><item><title>清源河水质通报</title><link>http://e.org/1</link>
<pubDate>Tue, 22 Sep 2026 09:00:00 +0800</pubDate><description>&lt;p&gt;水质稳定。&lt;/p&gt;</description>
</item></channel></rss>"""
RSS091 = """<rss version="0.91"><channel><item><title>清源河水质通报</title><link>http://e.org/1</link>
<pubDate>2026-09-22 09:00</pubDate><description>水质稳定。</description></item></channel></rss>"""
RSS1 = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/"><item rdf:about="http://e.org/1"><title>清源河水质通报</title>
<link>http://e.org/1</link><dc:date>2026-09-22T09:00:00+08:00</dc:date><description>水质稳定。</description>
</item></rdf:RDF>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>urn:1</id><title>清源河水质通报</title>
<link href="http://e.org/1"/><published>2026-09-22T01:00:00Z</published>
<content type="html">&lt;p&gt;水质稳定。&lt;/p&gt;</content></entry></feed>"""
JSON_FEED = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [
            {
                "id": "1",
                "url": "http://e.org/1",
                "title": "清源河水质通报",
                "content_html": "<p>水质稳定。</p>",
                "date_published": "2026-09-22T09:00:00+08:00",
            }
        ],
    }
)


@pytest.mark.parametrize("feed", [RSS2, RSS091, RSS1, ATOM, JSON_FEED], ids=["rss2", "rss0.91", "rss1", "atom", "json"])
def test_an_entry_is_the_same_in_every_format(feed):
    [entry] = parse_feed(feed.encode(), "http://e.org/feed", NOW)

    assert (entry.id, entry.link, entry.title) == ("e.org/1", "http://e.org/1", "清源河水质通报")
    assert "水质稳定。" in entry.content
    assert entry.published_at == NINE


def test_a_feed_in_gbk_is_read():
    feed = '<?xml version="1.0" encoding="gb2312"?>' + RSS2

    [entry] = parse_feed(feed.encode("gb18030"), "http://e.org/feed", NOW)

    assert entry.title == "清源河水质通报"


@pytest.mark.parametrize(
    "body", [b"", b"<html><p>503</p></html>", b'{"error": "route is empty"}', b"{", b"[]", b"\x00\xff"]
)
def test_an_error_page_is_no_feed(body):
    assert parse_feed(body, "http://e.org/feed", NOW) is None


@pytest.mark.parametrize("items", ["null", "{}", "[1, null]", '[{"title": 5, "authors": {}, "url": []}]'])
def test_a_json_feed_of_the_wrong_shape_gives_what_it_has(items):
    body = f'{{"version": "https://jsonfeed.org/version/1", "items": {items}}}'

    entries = parse_feed(body.encode(), "http://e.org/feed", NOW)

    assert entries is not None
    assert all(isinstance(entry.title, str) and entry.published_at is None for entry in entries)


def test_an_external_entity_is_not_read(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    feed = f'<!DOCTYPE r [<!ENTITY x SYSTEM "{secret.as_uri()}">]>' + RSS2.replace("清源河水质通报", "通报&x;")

    entries = parse_feed(feed.encode(), "http://e.org/feed", NOW)

    assert "secret" not in repr(entries)


def test_a_feed_with_full_text_stores_the_articles(desk):
    link = f"{desk.site.address}/a/1"
    desk.site.put("/feed", RSS2.replace("http://e.org/1", link), headers={"Content-Type": "application/xml"})
    desk.site.put("/a/1", "<h1>清源河水质通报</h1>" + "<p>今天上午清源河各断面水质保持稳定。</p>" * 8)

    [collected] = desk.crawl(desk.source("feed", "/feed", options={"fulltext": "yes"}))

    [post] = desk.posts()
    assert collected.new == 1
    assert post.text.count("各断面水质保持稳定") == 8
    assert (post.title, post.published_at) == ("清源河水质通报", NINE)


def test_an_error_page_in_place_of_a_feed_is_failing_and_kept_to_look_at(desk):
    desk.site.put("/feed", "<h1>this route is empty</h1>")

    [collected] = desk.crawl(desk.source("feed", "/feed"))

    assert collected.health.state == "failing"
    assert desk.store.cases.records.rejects(1)[0].raw == b"<h1>this route is empty</h1>"


def test_an_entry_that_comes_back_with_a_new_date_is_the_same_post(desk):
    desk.site.put("/feed", RSS2)
    source = desk.source("feed", "/feed")
    desk.crawl(source)
    desk.site.put("/feed", RSS2.replace("09:00:00", "09:30:00"))

    [collected] = desk.crawl(source)

    assert (collected.new, collected.known) == (0, 1)


def test_the_daily_report_of_the_same_name_is_a_new_post_every_day(desk):
    source = desk.source("feed", "/feed")
    for day in ("21", "22"):
        feed = RSS2.replace("e.org/1", f"e.org/{day}").replace("清源河水质通报", "清源市空气质量每日播报")
        desk.site.put("/feed", feed.replace("22 Sep", f"{day} Sep"))
        desk.crawl(source)

    assert len(desk.posts()) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.org/a", "https://E.org:443/a#top"),
        ("http://e.org/a?id=1", "http://e.org/a?id=1&utm_source=x&spm=1.2"),
        ("http://e.org", "http://e.org/"),
        ("http://e.org/%e4%b8%ad", "http://e.org/中"),
    ],
)
def test_two_spellings_of_an_address_are_one_page(one, other):
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://e.org/a?id=1", "http://e.org/a?id=2"),
        ("http://e.org:81/a", "http://e.org/a"),
        ("http://e.org/A", "http://e.org/a"),
    ],
)
def test_two_pages_stay_two(one, other):
    assert normalised(one) != normalised(other)


@given(st.text(max_size=100), st.sampled_from(["", "http://", "http://e.org/", "http://e.org/?"]))
def test_no_address_whatever_raises(text, start):
    assert isinstance(normalised(start + text), str)


@given(st.text(alphabet="ab/%中?=&.", max_size=40))
def test_the_scheme_and_the_fragment_never_matter(path):
    assert normalised(f"http://e.org/{path}") == normalised(f"https://E.ORG/{path}#x")
