"""List pages: which links are articles, and sitemaps."""

from __future__ import annotations

import lxml.html
import pytest

from crawlers.listing import article_links
from qingting.errors import ConfigError

ARTICLE = "<h1>清源河水质第{n}号通报</h1>" + "<p>今天上午清源河各断面水质保持稳定。</p>" * 8


def chosen(html: str, base: str = "http://sthjj.example.gov.cn/xwfb/") -> list[str]:
    """Return the addresses that the heuristic chooses."""
    return [link.get("href") for link in article_links(lxml.html.document_fromstring(html), base)]


def test_articles_are_told_from_channels_files_and_other_sites():
    page = """<a href="/">网站首页欢迎您</a> <a href="/xwfb/tzgg/">通知公告栏目全部</a>
      <a href="t20260922_1.shtml">更多&gt;</a>
      <a href="./202609/t20260922_1091234.shtml">市生态环境局通报排查情况</a>
      <a href="/art/2026/9/22/art_1229_58934.html" title="我市部署大气污染防治工作">我市部署…</a>
      <a href="/content/show?id=12345">东湖区夜间施工专项检查</a>
      <a href="/upload/20260922001.pdf">一份环境影响评价报告书</a>
      <a href="javascript:void(20260922)">点击查看更多内容</a>
      <a href="http://www.example.gov.cn/n/20260922.html">同一网站的另一个子站新闻</a>
      <a href="http://other.example.com/20260922.html">另一家网站的一条新闻</a> <a href="http://[bad">坏的地址坏的地址</a>"""

    assert chosen(page) == [
        "./202609/t20260922_1091234.shtml",
        "/art/2026/9/22/art_1229_58934.html",
        "/content/show?id=12345",
        "http://www.example.gov.cn/n/20260922.html",
    ]


def test_a_selector_replaces_the_heuristic(desk):
    desk.site.put(
        "/list",
        '<ul class="x"><li><a href="/one">短</a></li></ul><a href="/a/20260922002.html">这条不在列表里面的新闻</a>',
    )
    desk.site.put("/one", ARTICLE.format(n=1))

    [collected] = desk.crawl(desk.source("list", "/list", options={"links": "ul.x li"}))

    assert collected.new == 1
    assert desk.posts()[0].title == "清源河水质第1号通报"


def test_articles_that_differ_by_their_query_only_are_found_by_a_configured_selector(desk):
    desk.site.put(
        "/list",
        '<ul class="listBox"><li><img src="x.jpg"><a href="news.html?aid=1305001">水质</a></li>'
        '<li><a href="news.html?aid=1305002">空气</a></li></ul><a href="news.html?aid=1304999">往期文章链接在这里</a>',
    )
    desk.site.put("/news.html?aid=1305001", ARTICLE.format(n=1))
    desk.site.put("/news.html?aid=1305002", ARTICLE.format(n=2))

    [collected] = desk.crawl(desk.source("list", "/list", options={"links": "ul.listBox li"}))

    assert collected.new == 2
    assert {post.title for post in desk.posts()} == {"清源河水质第1号通报", "清源河水质第2号通报"}


def test_a_pattern_narrows_the_links_down(desk):
    desk.site.put(
        "/list",
        '<a href="/a/20260922001.html">清源河水质第1号通报</a><a href="/b/20260922002.html">清源河水质第2号通报</a>',
    )
    desk.site.put("/b/20260922002.html", ARTICLE.format(n=2))

    [collected] = desk.crawl(desk.source("list", "/list", options={"match": "^[^?]*/b/"}))

    assert (collected.new, collected.health.items) == (1, 1)


@pytest.mark.parametrize("options", [{"links": "ul["}, {"match": "("}, {"limit": "many"}, {"limit": "0"}])
def test_an_option_that_cannot_be_followed_is_named_before_anything_is_asked(desk, options):
    with pytest.raises(ConfigError) as caught:
        desk.crawl(desk.source("list", "/list", options=options))

    [name] = options
    assert name in str(caught.value)
    assert desk.site.requests == []


def test_a_sitemap_and_the_sitemaps_it_lists_are_followed(desk):
    address = desk.site.address
    desk.site.put(
        "/map.xml",
        f"<?xml version='1.0'?><sitemapindex><sitemap><loc>{address}/news.xml</loc></sitemap></sitemapindex>",
    )
    urls = "".join(f"<url><loc>{address}/n/{n}</loc><lastmod>2026-09-2{n}</lastmod></url>" for n in (1, 2))
    desk.site.put("/news.xml", f"<?xml version='1.0'?><urlset>{urls}</urlset>")
    for n in (1, 2):
        desk.site.put(f"/n/{n}", ARTICLE.format(n=n))

    [collected] = desk.crawl(desk.source("list", "/map.xml"))

    assert collected.new == 2


def test_a_page_without_an_article_is_a_reject_and_asked_for_once(desk):
    desk.site.put("/list", '<a href="/a/20260922001.html">清源河水质第1号通报</a>')
    desk.site.put("/a/20260922001.html", "<script>render()</script>")
    source = desk.source("list", "/list")

    [collected] = desk.crawl(source)
    desk.site.put("/list", '<p>x</p><a href="/a/20260922001.html">清源河水质第1号通报</a>')
    desk.crawl(source)

    assert (collected.new, collected.rejected) == (0, 1)
    assert desk.store.cases.records.rejects(1)[0].reason == "empty_text"
    assert desk.site.asked("/a/20260922001.html") == 1


def test_two_links_that_lead_to_one_page_are_both_settled(desk):
    desk.site.put("/list", "".join(f'<a href="/go/2026092200{n}">清源河水质第{n}号通报</a>' for n in (1, 2)))
    for n in (1, 2):
        desk.site.put(f"/go/2026092200{n}", status=302, headers={"Location": "/a/1"})
    desk.site.put("/a/1", ARTICLE.format(n=1))
    source = desk.source("list", "/list")

    desk.crawl(source)
    before = len(desk.site.requests)
    desk.crawl(source)

    assert len(desk.posts()) == 2
    assert [path for path, _ in desk.site.requests[before:] if path.startswith("/go")] == []
