"""Articles from pages of our own, in the shapes and with the traps that Chinese sites have."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawlers.charsets import decoded
from crawlers.evaluation import DIGEST, MEAN_FLOOR, PAGES, WORST_FLOOR, digest, evaluate, score
from crawlers.extract import extract, without_frame
from crawlers.sites import sites
from crawlers.treetext import fragment_text

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
SHARED_PAGES = Path(__file__).parents[3] / "shared" / "pages"
BODY = "<p>今天凌晨，清源河高新区段水面出现白沫，副市长朱镕喆到场，执法和监测人员随即开展排查和采样。</p>" * 4
PAGE = (
    f"<html><head>{{meta}}<title>清源河出现白沫_清源网</title></head><body><h1>清源河出现白沫</h1>{BODY}</body></html>"
)
GB = '<meta http-equiv="Content-Type" content="text/html; charset=gb2312">'


@pytest.mark.parametrize(
    ("raw", "header"),
    [
        (PAGE.format(meta=GB).encode("gb18030"), None),
        (PAGE.format(meta=GB).encode("gb18030"), "ISO-8859-1"),
        (PAGE.format(meta=GB).encode("gb18030"), "utf-8"),
        (PAGE.format(meta="").encode("gb18030"), None),
        (PAGE.format(meta="").encode("gb18030"), "gbk"),
        (PAGE.format(meta=GB).encode("utf-8"), "gb2312"),
        (PAGE.format(meta="").encode("utf-8-sig"), "gb2312"),
        (PAGE.format(meta="").encode("utf-8")[:-1] + b"\xe6", None),
        (PAGE.format(meta="").encode("utf-16"), None),
    ],
    ids=[
        "gbk under a gb2312 label",
        "gbk under a latin-1 header",
        "gbk under a utf-8 header",
        "gbk undeclared",
        "gbk by header",
        "utf-8 under gb2312 labels",
        "utf-8 with a mark",
        "utf-8 cut off",
        "utf-16 with a mark",
    ],
)
def test_a_page_is_read_whatever_its_labels_say(raw, header):
    article = extract(raw, "http://example.org/", NOW, header)

    assert article.title == "清源河出现白沫"
    assert "副市长朱镕喆到场" in article.text


def test_traditional_characters_in_big5_are_read_by_their_label():
    page = '<meta charset="big5"><p>環境保護署今天公布河川水質監測結果，民眾可以放心。</p>'

    assert "環境保護署" in decoded(page.encode("big5"))


def test_a_trs_page_is_read_by_its_meta_names_and_editor_block():
    page = """<meta name="ArticleTitle" content="关于夜间施工噪声的通报">
      <meta name="PubDate" content="2026-09-21 18:05:30"><meta name="ContentSource" content="市生态环境局">
      <meta name="Author" content="10021"><title>通报-市局</title>
      <div class="nav">首页</div>
      <div class="TRS_Editor"><p>{}</p><div style="display:none">隐藏的字</div></div>""".format(
        "近日检查工地十二处。" * 12
    )

    article = extract(page.encode(), "https://sthjj.example.gov.cn/t20260921_1.shtml", NOW)

    assert article.title == "关于夜间施工噪声的通报"
    assert article.text == "近日检查工地十二处。" * 12
    assert article.published_at == datetime(2026, 9, 21, 10, 5, 30, tzinfo=UTC)
    assert (article.source, article.author) == ("市生态环境局", "")


def test_a_wechat_article_is_taken_from_its_content_element_and_timed_by_its_script():
    page = """<meta property="og:title" content="清源河的早晨">
      <h1 id="activity-name">清源河的早晨</h1><a id="js_name">清源发布</a>
      <em id="publish_time">昨天</em><div id="js_content" style="visibility:hidden"><section><p>{}</p></section></div>
      <div class="ad">{}</div><script>var ct = "1790000000";</script>""".format(
        "河边的人说水清了。" * 12, "<p>推广内容，点击购买。</p>" * 40
    )

    article = extract(page.encode(), "https://mp.weixin.qq.com/s/abc", NOW)

    assert article.text == "河边的人说水清了。" * 12
    assert article.published_at == datetime.fromtimestamp(1790000000, UTC)
    assert article.source == "清源发布"


def test_what_stands_between_headline_and_text_is_cut_off():
    head = "首页 > 本市\n清源河出现白沫\n2026-09-22 08:00 来源：清源日报\n字号\n"
    text = head + "正文第一句。\n正文第二句。\n评论(3)\n我要跟帖"

    assert without_frame(text, "清源河出现白沫") == "正文第一句。\n正文第二句。"


def test_a_text_that_mentions_sources_and_years_is_left_alone():
    text = "据介绍，2026年以来，本市水源地水质稳定。\n污染来源：经排查为一处雨水口。\n7"

    assert without_frame(text, "别的标题") == "据介绍，2026年以来，本市水源地水质稳定。\n污染来源：经排查为一处雨水口。"


def test_the_headline_is_found_among_channel_and_site_names():
    def titled(title: str) -> str:
        return extract(f"<title>{title}</title>{BODY}".encode(), "", NOW).title

    assert titled("清源河出现大量白沫_本市_清源网") == "清源河出现大量白沫"
    assert titled("股市预测--最新报告：全球增长率降至2.3%") == "最新报告：全球增长率降至2.3%"
    assert titled("新闻动态--清源市生态环境局门户网站") == "新闻动态"


def test_a_meta_title_cut_short_by_its_own_quotation_mark_is_not_taken():
    title = '居民："夜里睡不着"'
    page = f'<meta property="og:title" content="{title}"><title>{title}_清源网</title><h1>{title}</h1>{BODY}'

    assert extract(page.encode(), "", NOW).title == title


def test_the_time_of_day_is_taken_from_the_text_if_meta_knows_only_the_day():
    line = "<p>2026年09月21日16:40 来源：清源日报 作者：王建国</p>"
    page = f'<meta name="publishdate" content="2026-09-21"><h1>通报</h1>{line}{BODY}'

    article = extract(page.encode(), "", NOW)

    assert article.published_at == datetime(2026, 9, 21, 8, 40, tzinfo=UTC)
    assert (article.source, article.author) == ("清源日报", "王建国")


def test_a_date_in_the_future_is_not_a_publication_time():
    page = f'<meta name="PubDate" content="2036-09-21"><h1>通报</h1>{BODY}'

    assert extract(page.encode(), "", NOW).published_at is None


@pytest.mark.parametrize("raw", [b"", b"   ", b"\x00\x00", b"<", b"<?xml version='1.0' encoding='x-nope'?><a/>", b"{}"])
def test_a_page_without_an_article_has_an_empty_text_or_what_little_it_says(raw):
    assert len(extract(raw, "", NOW).text) <= len(raw)


def test_a_page_nested_thousands_of_levels_deep_is_survived():
    raw = ("<div>" * 20_000 + "深处的字" + "</div>" * 20_000).encode()

    assert extract(raw, "", NOW).title == ""


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400) | st.text(alphabet="<>/=\"'!-?&;# abdipstyle清源河&nbsp", max_size=400).map(str.encode))
def test_no_bytes_whatever_raise(raw):
    extract(raw, "http://example.org/", NOW)


@given(st.text(alphabet=st.characters(exclude_characters="<&"), max_size=200))
def test_a_text_without_markup_keeps_its_words(text):
    assert fragment_text(text).split() == text.split()


def test_every_site_file_can_be_read_and_has_a_body():
    assert {site.name for site in sites()} >= {"people.toml", "trs.toml", "wechat.toml", "xinhua.toml", "thepaper.toml"}
    assert all(site.selectors["body"] and (site.hosts or site.anywhere) for site in sites())


def test_the_score_counts_what_is_missing_and_what_is_too_much():
    assert score("清源河出现白沫", "清源河 出现\n白沫") == 1.0
    assert 0.5 < score("清源河出现白沫，市民担心", "清源河出现白沫") < 0.7
    assert score("", "清源河出现白沫") == 0.0


@pytest.mark.skipif(not SHARED_PAGES.is_dir(), reason="the saved third-party pages are not beside this checkout")
def test_extraction_stays_above_its_floor_on_real_pages():
    assert digest(SHARED_PAGES) == DIGEST, "the floor was measured on other pages"

    result = evaluate(SHARED_PAGES, lambda html: extract(html, "", NOW).text)

    assert len(result.scores) == PAGES
    assert result.mean >= MEAN_FLOOR
    assert result.worst[1] >= WORST_FLOOR, result.worst
