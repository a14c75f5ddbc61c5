"""Lists that are not links in a page, and articles that a page carries as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.embedded import embedded_article
from crawlers.listings import Ask, first_ask, listed

DATA = Path(__file__).parent / "data" / "listings"
NOON = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
URL = "http://www.news.cn/energy/index.htm"


def cases() -> list[Path]:
    """Return every saved list; its expectation lies beside it."""
    return sorted(path for path in DATA.glob("*/*") if path.suffix != ".expected")


@pytest.mark.parametrize("path", cases(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_saved_list_is_read_as_expected(path: Path) -> None:
    found = listed(path.read_text(encoding="utf-8"), URL)
    wanted = json.loads(path.with_suffix(".expected").read_text(encoding="utf-8"))
    assert found is not None
    assert {"articles": list(found.articles), "further": list(found.further)} == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><ul class='list' data='datasource:1'></ul><ul class='wz-list'></ul></html>",
        "<html><ul class='wz-listing' data='datasource:1'></ul></html>",
        "<html><ul class='wz-list' data='datasource:../../x'></ul></html>",
        '{"datasource": {}}',
        '{"data": {"list": [{"aid": 1, "title": "别家的列表"}]}}',
        "{",
        "busy",
    ],
)
def test_what_is_no_such_list_is_left_to_its_links(text: str) -> None:
    assert listed(text, URL) is None


def test_an_empty_channel_is_a_list_without_articles() -> None:
    found = listed('{"data": {"list": []}}', URL)
    assert found is not None
    assert found.articles == ()


def test_a_channels_page_stands_for_a_request_to_its_interface() -> None:
    ask = first_ask("https://www.thepaper.cn/channel_25951")
    assert (ask.url, ask.method) == ("https://api.thepaper.cn/contentapi/nodeCont/getByChannelId", "POST")
    assert json.loads(ask.body) == {"channelId": "25951"}


@pytest.mark.parametrize(
    "address", ["https://www.thepaper.cn/channel_", "https://evil.example/?https://www.thepaper.cn/channel_1", URL]
)
def test_any_other_address_is_asked_as_it_stands(address: str) -> None:
    assert first_ask(address) == Ask(address)


def page(**detail: Any) -> str:
    value = {"props": {"pageProps": {"detailData": {"contentDetail": detail}}}}
    text = json.dumps(value).replace("</", "<\\/")
    return f'<html><body><script id="__NEXT_DATA__" type="application/json">{text}</script></body></html>'


def test_an_article_in_a_script_gives_its_title_text_author_and_exact_time() -> None:
    html = page(
        name="清源河死鱼调查",
        content="<p>第一段。</p><p>第二段 a&lt;b。</p>",
        author="记者 张明",
        pubTime="3小时前",
        publishTime=1790035200000,
        tagList=[],
        nodeInfo={"name": "绿政公署"},
    )
    found = embedded_article(lxml.html.document_fromstring(html), NOON)
    assert found is not None
    assert (found.title, found.text, found.author) == ("清源河死鱼调查", "第一段。\n第二段 a<b。", "记者 张明")
    assert found.published_at == datetime(2026, 9, 22, 0, 0, tzinfo=UTC)


def test_the_time_that_readers_see_is_taken_where_there_is_no_exact_one() -> None:
    found = embedded_article(lxml.html.document_fromstring(page(content="正文", pubTime="3小时前")), NOON)
    assert found is not None
    assert found.published_at == datetime(2026, 9, 22, 1, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "html",
    [
        "<p>x</p>",
        page(name="没有正文"),
        "<script id='__NEXT_DATA__'>{</script>",
        "<script id='__NEXT_DATA__'>[1]</script>",
        "<script id='__NEXT_DATA__'></script>",
    ],
)
def test_a_page_without_such_an_article_gives_none(html: str) -> None:
    assert embedded_article(lxml.html.document_fromstring(html), NOON) is None


NAMES = (
    *("datasource", "publishUrl", "data", "list", "hotNews", "contId"),
    *("link", "content", "name", "author", "pubTime", "publishTime"),
)
JSON = st.recursive(
    st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["//a/b", "http://[x", "<p>a</p>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_json_is_a_list_of_web_addresses_or_none(value: dict[str, Any]) -> None:
    found = listed(json.dumps(value), URL)
    assert found is None or all(each.startswith(("http://", "https://")) for each in found.articles)
    embedded = embedded_article(lxml.html.document_fromstring(page(**value)), NOON)
    assert embedded is None or embedded.text


@given(st.text(alphabet="<>ul data='datasource:wz-list\"1. class", max_size=200))
def test_any_page_is_a_list_or_none(text: str) -> None:
    found = listed(f"<{text}", URL)
    assert found is None or found.further
