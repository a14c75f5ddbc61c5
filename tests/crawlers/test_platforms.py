"""Boards, searches, videos, the message board and WeChat: every known shape and trap, and the runs that read them."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.answers import identifier_of, json_value, line_of, title_of, web_address, words_of
from crawlers.bilibili import comments_on, found_videos, shown_video
from crawlers.board import BoardSpider
from crawlers.boards import boards
from crawlers.feed import Entry
from crawlers.kinds import spider_class
from crawlers.messageboard import messages_of
from crawlers.searches import searches
from crawlers.wechat import article_key, article_state
from qingting.errors import ConfigError, CrawlError, InputError
from qingting.model import Channel, stable_id

DATA = Path(__file__).parent / "data"
OPTIONS = {"id": "weibo"}


def cases(kind: str) -> list[Path]:
    """Return every saved answer of a kind of reader; its expectation lies beside it."""
    return sorted(path for path in (DATA / kind).glob("*/*") if path.suffix != ".expected")


def expected_of(path: Path) -> Any:
    return json.loads(path.with_suffix(".expected").read_text(encoding="utf-8"))


def named(path: Path) -> str:
    return f"{path.parent.name}-{path.stem}"


# Saved answers.


@pytest.mark.parametrize("path", cases("boards"), ids=named)
def test_a_saved_board_is_read_as_expected(path: Path) -> None:
    found = boards()[path.parent.name].read(path.read_text(encoding="utf-8"), OPTIONS)
    shown = [{"title": line_of(each.title), "url": each.url, "text": words_of(each.text)} for each in found.entries]
    assert shown == expected_of(path)


@pytest.mark.parametrize("path", cases("searches"), ids=named)
def test_a_saved_search_is_read_as_expected(path: Path) -> None:
    found = searches()[path.parent.name].read(path.read_text(encoding="utf-8"))
    expected = expected_of(path)
    assert len(found) == len(expected)
    for said, wanted in zip(found, expected, strict=True):
        shown = {**asdict(said), "title": said.title, "text": said.text}
        assert {name: shown[name] for name in wanted} == wanted


def test_every_board_and_every_search_has_a_saved_answer() -> None:
    assert {path.parent.name for path in cases("boards")} == set(boards())
    assert {path.parent.name for path in cases("searches")} == set(searches())


# Answers that are none.

REFUSED = [
    "",
    " \n",
    "blocked",
    "<html><title>百度安全验证</title></html>",
    "<!DOCTYPE html><html><body>请登录后查看</body></html>",
]
READERS = {
    **{f"board-{name}": (lambda text, board=board: board.read(text, OPTIONS)) for name, board in boards().items()},
    **{f"search-{name}": search.read for name, search in searches().items()},
    "videos": found_videos,
    "video": shown_video,
    "comments": lambda text: comments_on(text, "av1"),
    "messages": messages_of,
}


@pytest.mark.parametrize("body", REFUSED)
@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_what_refused_visitors_get_is_blocked_for_every_reader(reader: Any, body: str) -> None:
    with pytest.raises(CrawlError) as caught:
        reader(body)
    assert caught.value.reason == "blocked"


@pytest.mark.parametrize("body", ["busy", "[", "{}", '{"data": {}}', '{"code": 0, "no": 0, "data": "x"}', "[" * 9999])
@pytest.mark.parametrize("reader", [v for k, v in READERS.items() if not k.startswith("vid") and k != "comments"])
def test_a_shape_that_nobody_knows_is_malformed_and_no_empty_list(reader: Any, body: str) -> None:
    with pytest.raises(CrawlError) as caught:
        reader(body)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("code", [-101, -352, -401, -403, -412, -509, -799])
def test_bilibilis_refusals_are_blocked(code: int) -> None:
    for reader in (found_videos, shown_video, READERS["comments"], READERS["board-bilibili"]):
        with pytest.raises(CrawlError) as caught:
            reader(json.dumps({"code": code, "message": "风控校验失败"}))
        assert caught.value.reason == "blocked"


def test_bilibilis_voucher_in_the_place_of_results_is_a_refusal() -> None:
    with pytest.raises(CrawlError, match="拒绝"):
        found_videos('{"code": 0, "data": {"v_voucher": "voucher_1"}}')


@pytest.mark.parametrize("code", [-404, 62002, 12002, 12061])
def test_closed_comments_and_vanished_videos_are_answers_without_anything(code: int) -> None:
    text = json.dumps({"code": code, "message": "x"})
    assert comments_on(text, "av1") == shown_video(text) == found_videos(text) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"code": 100, "name": "AuthenticationInvalidRequest", "message": "请求参数异常"}},
        {"error": {"message": "请您登录后查看更多专业优质内容", "need_login": True}},
    ],
)
def test_zhihus_errors_are_refusals(answer: dict[str, Any]) -> None:
    for reader in (READERS["board-zhihu"], READERS["search-zhihu"]):
        with pytest.raises(CrawlError) as caught:
            reader(json.dumps(answer))
        assert caught.value.reason == "blocked"


@pytest.mark.parametrize(("message", "reason"), [("user not login", "blocked"), ("参数错误", "malformed")])
def test_tiebas_errors_are_told_apart_by_what_they_say(message: str, reason: str) -> None:
    with pytest.raises(CrawlError) as caught:
        searches()["tieba"].read(json.dumps({"no": 110003, "error": message, "data": {}}))
    assert caught.value.reason == reason


def test_a_search_page_without_results_that_does_not_say_so_is_malformed() -> None:
    with pytest.raises(CrawlError) as caught:
        searches()["tieba"].read("<html><body><div class='new-design'>…</div></body></html>")
    assert caught.value.reason == "malformed"


# NewsNow's host check.


def newsnow(*addresses: object, **fields: object) -> str:
    items = [{"id": str(n), "title": f"第{n}条", "url": each} for n, each in enumerate(addresses)]
    return json.dumps({"status": "success", "items": items} | fields)


@pytest.mark.parametrize(
    "address",
    [
        "http://s.weibo.com/weibo?q=1",
        "https://weibo.com.evil.example/1",
        "https://evilweibo.com/1",
        "https://weibo.com@evil.example/1",
        "https://evil.example\\@weibo.com/1",
        "https://evil.example/?https://weibo.com/",
        "//weibo.com/1",
        "javascript:alert(document.domain)",
        ["https://weibo.com/1"],
        1,
    ],
)
def test_one_foreign_address_and_nothing_of_the_answer_is_taken(address: object) -> None:
    for field in ("url", "mobileUrl"):
        item = {"title": "x", "url": "https://weibo.com/0", field: address}
        with pytest.raises(CrawlError, match="被劫持"):
            boards()["newsnow"].read(newsnow("https://weibo.com/0", items=[item]), OPTIONS)


def test_addresses_of_the_site_its_subdomains_and_named_hosts_are_taken() -> None:
    text = newsnow("https://weibo.com/1", "https://s.weibo.com/2")
    assert len(boards()["newsnow"].read(text, OPTIONS).entries) == 2
    other = newsnow("https://news.example.com/1", "https://a.example.net/2")
    options = {"id": "mine", "hosts": "example.com, example.net"}
    assert len(boards()["newsnow"].read(other, options).entries) == 2


@pytest.mark.parametrize("status", ["error", None, 1])
def test_newsnow_counts_only_success_and_cache(status: object) -> None:
    with pytest.raises(CrawlError) as caught:
        boards()["newsnow"].read(newsnow(status=status, message="Invalid source id"), OPTIONS)
    assert caught.value.reason == "malformed"


# Small readers.


@pytest.mark.parametrize(
    ("value", "title"), [("水质", "水质"), (None, ""), (float("nan"), ""), (3.0, ""), (7, ""), (True, ""), (" \n", "")]
)
def test_a_title_is_a_string_or_nothing(value: object, title: str) -> None:
    assert title_of(value) == title


@pytest.mark.parametrize(
    ("value", "address"),
    [
        ("//i0.example.com/a", "https://i0.example.com/a"),
        ("/p/1", "https://tieba.baidu.com/p/1"),
        ("https://x.example/a", "https://x.example/a"),
        ("javascript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("http://[bad", ""),
        ("https://a.example/" + "x" * 3000, ""),
        ('https://a.example/"onclick=', ""),
        (None, ""),
        (5, "https://tieba.baidu.com/5"),
    ],
)
def test_an_address_is_http_and_whole_or_nothing(value: object, address: str) -> None:
    assert web_address(value, "https://tieba.baidu.com/") == address


def test_jsonp_is_json_in_a_call() -> None:
    assert json_value('/**/ IndexThreads({"a": [1, "(x)"]}) ;\n') == {"a": [1, "(x)"]}
    assert json_value(" [1]") == [1]


@pytest.mark.parametrize(("value", "identifier"), [(0, ""), ("0", ""), (12.0, "12"), ("../x", ""), (None, "")])
def test_an_identifier_can_stand_in_an_address(value: object, identifier: str) -> None:
    assert identifier_of(value) == identifier


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("https://mp.weixin.qq.com/s?__biz=MzA1==&mid=26&idx=2&sn=a&chksm=b&scene=27#rd", "MzA1==:26:2"),
        ("http://mp.weixin.qq.com/s?scene=1&idx=2&mid=26&__biz=MzA1==", "MzA1==:26:2"),
        ("https://mp.weixin.qq.com/s/AbC-d_1?from=timeline", "mp.weixin.qq.com/s/AbC-d_1"),
        ("http://[bad", "http://[bad"),
    ],
)
def test_an_article_is_known_by_account_message_and_place(link: str, key: str) -> None:
    assert article_key(Entry("id", link, "t", "", "", None)) == key


def test_a_wechat_page_shows_an_article_a_notice_or_a_captcha() -> None:
    assert article_state('<div id="js_content">该内容已被发布者删除？没有。环境异常？</div>') == ""
    assert article_state("<div>该内容已被发布者删除</div>") == "该内容已被发布者删除"
    for page, reason in [("<p>当前环境异常，完成验证后即可继续访问。</p>", "blocked"), (" ", "malformed")]:
        with pytest.raises(CrawlError) as caught:
            article_state(page)
        assert caught.value.reason == reason


# Anything at all.

WORDS = (
    "data cards content list target title title_area excerpt_area text link url word desc isTop word_list bang_topic "
    "topic_list topic_id topic_name status items mobileUrl extra hover code result aid bvid replies rpid parent member "
    "card_list cardInfo tid user object type id question author no error stat owner sentence_id message updatedTime"
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["https://weibo.com/1", "thread", "answer", "search_result", "<b>a</b>", "success", 0, "\ud800"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS.split()), inner, max_size=5),
    max_leaves=25,
)
GOOD = {"code": 0, "no": 0, "status": "success"}
ENVELOPES = (
    lambda value: {"data": [value]},
    lambda value: {"data": {"cards": [{"content": [value]}]}},
    lambda value: {"data": {"list": [value], "result": [value], "replies": [value], "word_list": [value]}},
    lambda value: {
        "data": {"bang_topic": {"topic_list": [value]}, "card_list": [{"cardInfo": "thread", "data": value}]}
    },
    lambda value: {"items": [value]},
    lambda value: {"data": value},
)


def used(found: Any) -> None:
    """Look at everything that a reader found, as a spider would."""
    for each in getattr(found, "entries", found):
        with suppress(InputError):
            (line_of(each.title) + words_of(each.text) + each.url).encode()
        assert not each.url or each.url.startswith(("http://", "https://"))


@given(JSON, st.sampled_from(ENVELOPES))
def test_any_json_is_read_or_refused_with_a_reason(value: object, envelope: Any) -> None:
    text = json.dumps(envelope(value) | GOOD)
    for reader in READERS.values():
        with suppress(CrawlError):
            used(reader(text))


PIECES = (
    "<div class='s_post'>|<a data-tid='5' href='/p/5?pid=6'>|<a href='http://[x'>|</a>|</div>|回复:"
    "|<div class='threadcardclass'>"
    "|<div class='title-wrap'>|<p class='p_content'>|发布于 2026-9-1|&lt;b&gt;|\x00"
    '|<!--s-data:|{|{"data":{"cards":[]}}|-->|<div id=js_content>'
)
HTML = st.lists(st.sampled_from(PIECES.split("|")) | st.text(max_size=8), max_size=25).map(
    lambda parts: "<" + "".join(parts)
)


@given(HTML)
def test_any_page_is_read_or_refused_with_a_reason(page: str) -> None:
    for reader in READERS.values():
        with suppress(CrawlError):
            used(reader(page))
    with suppress(CrawlError):
        article_state(page)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    for reader in READERS.values():
        with suppress(CrawlError):
            used(reader(text))


# Runs.


def stored(desk) -> set[str]:
    return {post.source_id for post in desk.posts()}


def zhihu(*titles: str) -> str:
    return json.dumps({"data": [{"target": {"title_area": {"text": title}}} for title in titles]})


BOARD = "/api/v3/feed/topstory/hot-list-web?limit=50&desktop=true"


def test_a_title_is_one_post_a_day_wherever_it_stands(desk) -> None:
    source = desk.source("board", "", options={"board": "zhihu"})
    for hours, titles in [(0, ("甲", "乙")), (3, ("丙", "乙", "甲")), (9, ("乙",))]:
        desk.clock.advance(hours=hours)
        desk.site.put(BOARD, zhihu(*titles))
        [collected] = desk.crawl(source)
        assert collected.health.state == "ok"
    assert stored(desk) == {"2026-09-22 甲", "2026-09-22 乙", "2026-09-22 丙", "2026-09-23 乙"}
    assert {post.channel for post in desk.posts()} == {Channel.BOARD}


def test_a_board_at_an_address_of_its_own_is_asked_for_there(desk) -> None:
    desk.site.put("/mirror/total?limit=50", zhihu("甲"))
    desk.crawl(desk.source("board", "/mirror/total?limit=50", options={"board": "zhihu"}))
    assert stored(desk) == {"2026-09-22 甲"}


def test_a_boards_title_that_is_a_bomb_is_rejected_and_the_rest_goes_through(desk) -> None:
    desk.site.put(BOARD, zhihu("<div>" * 300, "<p></p>", "甲"))
    [collected] = desk.crawl(desk.source("board", "", options={"board": "zhihu"}))
    assert (collected.new, collected.rejected) == (1, 2)
    assert desk.store.cases.records.reject_counts() == {"too_large": 1, "empty_text": 1}


@pytest.mark.parametrize(
    ("status", "body", "state"),
    [
        (200, "", "blocked"),
        (200, "blocked", "blocked"),
        (412, '{"code": -412}', "blocked"),
        (401, "{}", "blocked"),
        (403, "", "blocked"),
        (200, '{"data": {}}', "failing"),
        (200, '{"data": {"word_list": []}}', "empty"),
        (500, "", "failing"),
    ],
)
def test_a_board_that_cannot_be_read_says_why(desk, status: int, body: str, state: str) -> None:
    path = boards()["douyin"].path
    desk.site.put(path, body, status=status)
    source = desk.source("board", "", options={"board": "douyin"})
    [first] = desk.crawl(source)
    asked = desk.site.asked(path)
    [second] = desk.crawl(source)
    assert first.health.state == second.health.state == state
    assert first.rejected == (1 if body == '{"data": {}}' else 0)
    if state == "blocked":
        assert desk.site.asked(path) == asked == 1


def test_a_hijacked_aggregator_is_failing_and_nothing_is_stored(desk) -> None:
    desk.site.put("/api/s?id=weibo&latest", newsnow("https://weibo.com/1", "https://evil.example/2"))
    [collected] = desk.crawl(desk.source("board", "", options={"board": "newsnow", "id": "weibo"}))
    assert (collected.health.state, collected.new, collected.rejected) == ("failing", 0, 1)
    assert "evil.example" in collected.health.reason


def video(number: int, comments: int = 0) -> dict[str, Any]:
    return {"aid": number, "title": f"视频{number}", "review": comments, "pubdate": 1790000000 + number}


def comment(number: int, **fields: Any) -> dict[str, Any]:
    return {"rpid": number, "content": {"message": f"评论{number}"}, "ctime": 1790000000} | fields


def put_search(desk, page: int, *videos: dict[str, Any]) -> None:
    path = "/x/web-interface/search/type?search_type=video&keyword=%E6%B0%B4&order=pubdate&page="
    desk.site.put(f"{path}{page}", json.dumps({"code": 0, "data": {"result": list(videos)}}))


def put_comments(desk, number: int, page: int, *comments: dict[str, Any]) -> str:
    path = f"/x/v2/reply?type=1&oid={number}&sort=0&pn={page}"
    desk.site.put(path, json.dumps({"code": 0, "data": {"replies": list(comments) or None}}))
    return path


def test_comments_are_read_again_only_when_a_video_has_more_of_them(desk) -> None:
    source = desk.source("video", "", channel="video", options={"query": "水", "comments": "yes"})
    put_search(desk, 1, video(1, 1), video(2))
    put_search(desk, 2)
    path = put_comments(desk, 1, 1, comment(11))
    put_comments(desk, 1, 2)
    desk.crawl(source)
    desk.crawl(source)
    assert desk.site.asked(path) == 1
    put_search(desk, 1, video(1, 2), video(2))
    put_comments(desk, 1, 1, comment(12), comment(11))
    desk.crawl(source)
    assert desk.site.asked(path) == 2
    assert stored(desk) == {"av1", "av2", "reply11", "reply12"}


def test_comments_and_their_answers_keep_parent_and_root(desk) -> None:
    source = desk.source("video", "", channel="video", options={"mode": "comments", "id": "av1"})
    desk.site.put("/x/web-interface/view?aid=1", json.dumps({"code": 0, "data": {"aid": 1, "title": "一", "desc": ""}}))
    put_comments(desk, 1, 1, comment(11, replies=[comment(12, parent=11, root=11)]))
    put_comments(desk, 1, 2)
    [collected] = desk.crawl(source)
    assert collected.health.state == "ok"
    root, first = stable_id("p", "video", "av1"), stable_id("p", "video", "reply11")
    assert {post.source_id: (post.parent_id, post.root_id) for post in desk.posts()} == {
        "av1": ("", ""),
        "reply11": (root, root),
        "reply12": (first, root),
    }


def test_a_single_video_that_is_gone_is_failing(desk) -> None:
    source = desk.source("video", "", channel="video", options={"mode": "comments", "id": "BV1Qt4y1a7Zz"})
    desk.site.put("/x/web-interface/view?bvid=BV1Qt4y1a7Zz", '{"code": 62002, "message": "稿件不可见"}')
    [collected] = desk.crawl(source)
    assert collected.health.state == "failing"


def test_a_refusal_among_the_comments_blocks_the_source_and_what_was_found_is_kept(desk) -> None:
    source = desk.source("video", "", channel="video", options={"query": "水", "comments": "yes"})
    put_search(desk, 1, *(video(number, 1) for number in range(1, 20)))
    put_search(desk, 2)
    desk.site.put("/x/v2/reply", '{"code": -352, "message": "风控校验失败"}')
    [collected] = desk.crawl(source)
    assert collected.health.state == "blocked"
    assert "-352" in collected.health.reason
    assert len(stored(desk)) == 19


def test_a_search_goes_on_until_a_page_is_known_from_the_last_complete_run(desk) -> None:
    source = desk.source("video", "", channel="video", options={"query": "水"})
    put_search(desk, 1, video(5), video(4))
    put_search(desk, 2, video(3))
    put_search(desk, 3)
    desk.crawl(source)
    put_search(desk, 1, video(6), video(5))
    put_search(desk, 2, video(4), video(3))
    before = len(desk.site.requests)
    desk.crawl(source)
    assert stored(desk) == {"av3", "av4", "av5", "av6"}
    assert len([path for path, _ in desk.site.requests[before:] if "search" in path]) == 2


def test_a_search_page_in_html_is_asked_for_where_the_address_says(desk) -> None:
    old = (DATA / "searches/tieba/old-layout.html").read_bytes()
    nothing = (DATA / "searches/tieba/nothing.html").read_bytes()
    html = {"Content-Type": "text/html; charset=utf-8"}
    desk.site.put("/f/search/res?ie=utf-8&qw=%E6%B0%B4%20%E8%B4%A8&pn=1", old, headers=html)
    desk.site.put("/f/search/res?ie=utf-8&qw=%E6%B0%B4%20%E8%B4%A8&pn=2", nothing, headers=html)
    address = "/f/search/res?ie=utf-8&qw={query}&pn={page}"
    source = desk.source("search", address, channel="forum", options={"site": "tieba", "query": "水 质"})
    [collected] = desk.crawl(source)
    assert collected.health.state == "ok"
    posts = {post.source_id: post for post in desk.posts()}
    thread = stable_id("p", "search", "9100000001")
    assert set(posts) == {"9100000001", "9100000001-150000002"}
    assert (posts["9100000001-150000002"].parent_id, posts["9100000001-150000002"].root_id) == (thread, thread)


def test_an_undated_and_an_empty_entry_are_noted_and_the_rest_goes_through(desk) -> None:
    lines = [{"tid": 1, "subject": "", "content": " "}, {"tid": 2, "subject": "甲", "createDateline": "昨天的昨天"}]
    desk.site.put("/new_threads_5.jsonp", f"IndexThreads({json.dumps(lines)})")
    [collected] = desk.crawl(desk.source("messageboard", "", options={"fid": "5"}))
    assert (collected.new, stored(desk)) == (1, {"2"})
    assert desk.store.cases.records.reject_counts() == {"empty_text": 1, "bad_time": 1}


FEED = "<rss version='2.0'><channel>{}</channel></rss>"


def items(*paths: str, site: str) -> str:
    return FEED.format("".join(f"<item><title>第{p}篇</title><link>{site}{p}</link></item>" for p in paths))


def test_a_captcha_at_wechat_is_blocked_and_nothing_more_is_asked(desk) -> None:
    desk.site.put("/feed", items("/s/1", "/s/2", site=desk.site.address))
    for number in (1, 2):
        desk.site.put(f"/s/{number}", "<p>当前环境异常，完成验证后即可继续访问。</p>")
    source = desk.source("wechat", "/feed")
    [first] = desk.crawl(source)
    before = len(desk.site.requests)
    [second] = desk.crawl(source)
    assert first.health.state == second.health.state == "blocked"
    assert len(desk.site.requests) == before
    assert stored(desk) == set()


def test_an_article_that_is_gone_is_asked_for_once(desk) -> None:
    desk.site.put("/s/1", "<p>该内容已被发布者删除</p>")
    source = desk.source("wechat", "/feed")
    for paths in (("/s/1",), ("/s/1", "/s/404"), ("/s/404", "/s/1")):
        desk.site.put("/feed", items(*paths, site=desk.site.address))
        desk.crawl(source)
    assert (desk.site.asked("/s/1"), desk.site.asked("/s/404")) == (1, 1)
    assert desk.store.cases.records.reject_counts() == {"empty_text": 1, "unreadable": 1}


def test_what_is_over_the_limit_follows_in_the_next_run(desk) -> None:
    body = (
        "<h1 id='activity-name'>一</h1><div id='js_content'>" + "<p>今天清源河各断面水质保持稳定。</p>" * 8 + "</div>"
    )
    desk.site.put("/feed", items("/s/1", "/s/2", "/s/3", site=desk.site.address))
    for number in (1, 2, 3):
        desk.site.put(f"/s/{number}", body)
    source = desk.source("wechat", "/feed", options={"limit": "2"})
    assert [desk.crawl(source)[0].new for _ in range(3)] == [2, 1, 0]


# Options.


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        ("board", {}, "board"),
        ("board", {"board": "weibo2"}, "board"),
        ("board", {"board": "newsnow"}, "id"),
        ("board", {"board": "newsnow", "id": "unknown"}, "hosts"),
        ("video", {}, "query"),
        ("video", {"mode": "comment", "query": "x"}, "mode"),
        ("video", {"mode": "comments", "id": "../1"}, "id"),
        ("video", {"query": "x", "comments": "true"}, "comments"),
        ("video", {"query": "x", "pages": "0"}, "pages"),
        ("search", {"query": "x"}, "site"),
        ("search", {"site": "zhihu", "query": " | "}, "query"),
        ("messageboard", {}, "fid"),
        ("messageboard", {"fid": "1/2"}, "fid"),
        ("wechat", {"limit": "all"}, "limit"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(desk, kind: str, options: dict[str, str], named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spider_class(desk.source(kind, "", options=options))
    assert named in caught.value.message


def test_the_boards_are_named_where_the_option_is_described() -> None:
    assert all(name in BoardSpider.options["board"] for name in boards())
