"""Kind `list` on lists that are no links: 新华网's data files and 澎湃's channels, end to end."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from crawlers import listing
from crawlers.extract import extract
from crawlers.listings import Ask

TEXT = "今天上午清源河各断面水质保持稳定，各项指标均在三类标准以内。"
ARTICLE = "<h1>清源河水质第{n}号通报</h1>" + f"<p>{TEXT}</p>" * 8


def put_articles(desk, *numbers: int) -> None:
    for n in numbers:
        desk.site.put(f"/a/{n}/c.html", ARTICLE.format(n=n))


def test_a_page_filled_by_a_script_is_read_from_its_data_file_each_time(desk) -> None:
    page = "<html><ul class='wz-list' data='datasource:0a1b'></ul></html>"
    desk.site.put("/energy/", page)
    put_articles(desk, 1, 2)
    source = desk.source("list", "/energy/")
    for numbers in ((1,), (2, 1)):
        lines = [{"publishUrl": f"/a/{n}/c.html", "title": "x"} for n in numbers]
        desk.site.put("/ds_0a1b.json", json.dumps({"datasource": lines}), headers={"Content-Type": "application/json"})
        [collected] = desk.crawl(source)
        assert (collected.health.state, collected.new) == ("ok", 1)
    assert len(desk.posts()) == 2


def test_a_data_file_that_turns_out_to_be_the_page_again_is_not_followed_for_ever(desk) -> None:
    desk.site.put("/energy/", "<html><ul class='wz-list' data='datasource:1'></ul></html>")
    desk.site.put("/ds_1.json", "<html><ul class='wz-list' data='datasource:1'></ul></html>")
    [collected] = desk.crawl(desk.source("list", "/energy/"))
    assert (collected.health.state, desk.site.asked("/ds_1.json")) == ("empty", 1)


def test_a_channel_is_asked_for_by_post(desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []

    def answer_post(handler) -> None:
        seen.append(handler.rfile.read(int(handler.headers["Content-Length"])))
        handler.do_GET()

    monkeypatch.setattr(desk.site.server.RequestHandlerClass, "do_POST", answer_post, raising=False)
    address = desk.site.address
    monkeypatch.setattr(listing, "first_ask", lambda _: Ask(f"{address}/api", "POST", '{"channelId": "1"}'))
    put_articles(desk, 3)
    lines = [{"contId": 3, "link": f"{address}/a/3/c.html"}]
    desk.site.put("/api", json.dumps({"data": {"list": lines}}), headers={"Content-Type": "application/json"})
    [collected] = desk.crawl(desk.source("list", "/channel_1"))
    assert (collected.health.state, collected.new) == ("ok", 1)
    assert seen == [b'{"channelId": "1"}']


def test_an_article_that_only_a_script_carries_is_extracted() -> None:
    detail = {"name": "清源河死鱼调查", "content": f"<p>{TEXT}</p>" * 4, "publishTime": 1790035200000, "author": "张明"}
    value = {"props": {"pageProps": {"detailData": {"contentDetail": detail}}}}
    page = f'<html><body><div id="__next"></div><script id="__NEXT_DATA__">{json.dumps(value)}</script></body></html>'
    article = extract(page.encode(), "https://m.thepaper.cn/detail/1", datetime(2026, 9, 22, 4, tzinfo=UTC))
    assert (article.title, article.text) == ("清源河死鱼调查", "\n".join([TEXT] * 4))
    assert article.published_at == datetime(2026, 9, 22, tzinfo=UTC)
