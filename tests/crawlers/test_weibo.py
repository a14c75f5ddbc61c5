"""m.weibo.cn's JSON in the shapes it is known to have, and the runs that read it."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.weibo_parse import (
    comments_of,
    full_text_of,
    hot_titles,
    next_comments,
    next_since_id,
    parse_status,
    read_answer,
    statuses_of,
    timeline_container,
)
from qingting.errors import ConfigError, InputError
from qingting.model import Channel, stable_id

WRITTEN = "Tue Sep 22 10:00:00 +0800 2026"


def blog(number: int, text: str = "", **fields: Any) -> dict[str, Any]:
    user = {"id": 7000 + number, "screen_name": f"网友{number}号"}
    return {
        "id": str(number),
        "bid": f"Q{number}",
        "created_at": WRITTEN,
        "text": text or f"第{number}条",
        "user": user,
    } | fields


def card(status: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"card_type": 9, "mblog": status, **fields}


def page(*cards: dict[str, Any], **info: Any) -> bytes:
    return json.dumps({"ok": 1, "data": {"cards": list(cards), "cardlistInfo": info}}).encode()


def numbers(*ids: int) -> bytes:
    return page(*(card(blog(number)) for number in ids))


def search(number: int, query: str = "清源河") -> str:
    container = quote(f"100103type=61&q={query}", safe="")
    return f"/api/container/getIndex?containerid={container}&page_type=searchall&page={number}"


def listed(*cards: dict[str, Any]) -> list[str]:
    return [status.id for status in statuses_of(json.loads(page(*cards))["data"])]


# Shapes.


@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b'{"ok": 1, "data": {}}', ""),
        (b'{"ok": 0, "msg": "\\u8fd9\\u91cc\\u8fd8\\u6ca1\\u6709\\u5185\\u5bb9"}', "empty"),
        (b'{"ok": 0, "msg": "\\u7cfb\\u7edf\\u7e41\\u5fd9"}', "failing"),
        (b'{"ok": -100, "msg": "", "url": "https://passport.example.com"}', "blocked"),
        (b"<!DOCTYPE html><html>Sina Visitor System</html>", "blocked"),
        (b"", "failing"),
        (b"[]", "failing"),
        (b'{"ok": 1, "data": []}', "failing"),
        (b"[" * 100_000, "failing"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:30]),
)
def test_an_answer_says_whether_it_is_data_nothing_a_refusal_or_a_failure(body: bytes, state: str) -> None:
    assert read_answer(body).state == state


def test_statuses_are_found_in_groups_of_cards_and_elsewhere_is_none() -> None:
    group = {"card_type": 11, "card_group": [{"card_type": 42}, card(blog(1)), {"card_group": [card(blog(2))]}]}
    assert listed(group, {"card_type": 4, "mblog": blog(3)}, card(blog(4)), card({})) == ["1", "2", "4"]


def test_the_cards_may_come_as_an_object() -> None:
    assert [status.id for status in statuses_of({"cards": {"0": card(blog(1)), "1": card(blog(2))}})] == ["1", "2"]


def test_a_missing_bid_is_taken_from_the_scheme() -> None:
    scheme = "https://m.weibo.cn/status/QabcDEF12?mblogid=QabcDEF12&luicode=1"
    status = parse_status(blog(1, bid=""), card({}, scheme=scheme))
    assert status is not None
    assert status.bid == "QabcDEF12"


@pytest.mark.parametrize(
    ("fields", "on_card"),
    [
        ({}, {"profile_type_id": "proweibotop_5200000000000001"}),
        ({"mblogtype": 2}, {}),
        ({"title": {"text": "置顶"}}, {}),
    ],
)
def test_a_pinned_status_is_known_by_any_of_its_marks(fields: dict[str, Any], on_card: dict[str, Any]) -> None:
    status = parse_status(blog(1, **fields), card({}, **on_card))
    assert status is not None
    assert status.pinned


@pytest.mark.parametrize("pics", [[{"large": {"url": "x"}}], {"0": {"large": {"url": "x"}}}, None, "x"])
def test_pictures_in_any_shape_are_no_obstacle(pics: object) -> None:
    assert listed(card(blog(1, pics=pics, pic_num=1))) == ["1"]


@pytest.mark.parametrize(
    ("written", "count"), [(3, 3), ("100万+", 1_000_000), ("1.2万+", 12_000), ("转发", None), (None, None)]
)
def test_counts_are_read_as_written(written: object, count: int | None) -> None:
    status = parse_status(blog(1, reposts_count=written, comments_count=written, attitudes_count=written))
    assert status is not None
    assert (status.reposts, status.comments, status.likes) == (count, count, count)


def test_a_text_keeps_topics_and_emoticons_and_loses_the_link_to_its_full_text() -> None:
    markup = (
        '<a href="x"><span class="surl-text">#清源河#</span></a>发白<span class="url-icon"><img alt="[怒]"></span>'
        '<img alt="图"><br />&lt;b&gt;...<a href="/status/1">全文</a>'
    )
    status = parse_status(blog(1, markup))
    assert status is not None
    assert status.text == "#清源河#发白[怒]\n<b>..."


def test_an_enclosed_full_text_needs_no_further_request() -> None:
    status = parse_status(blog(1, "开头...", isLongText=True, longText={"longTextContent": "开头\n以及 a<b 的全部"}))
    assert status is not None
    assert (status.text, status.is_long) == ("开头\n以及 a<b 的全部", False)


def test_a_deleted_original_is_known_by_its_missing_user() -> None:
    gone = {"id": "9", "user": None, "text": "抱歉，此微博已被作者删除"}
    status = parse_status(blog(1, retweeted_status=gone))
    assert status is not None
    assert status.original is not None
    assert status.original.deleted
    assert not status.deleted


def test_the_full_text_comes_in_several_shapes() -> None:
    assert full_text_of({"text": "<b>全</b>"}) == "<b>全</b>"
    assert full_text_of({"text": "短", "longText": {"longTextContent": "全"}}) == "全"
    assert full_text_of({"longTextContent": "全"}) == "全"
    assert full_text_of({}) == ""


def test_a_timeline_is_the_profiles_own_container_or_the_usual_one() -> None:
    tabs = [{"tab_type": "profile", "containerid": "1"}, {"tab_type": "weibo", "containerid": "1076037"}]
    assert timeline_container({"tabsInfo": {"tabs": tabs}}, "7") == "1076037"
    assert timeline_container({}, "7") == "1076037"
    assert next_since_id({"cardlistInfo": {"since_id": 5097}}) == "5097"
    assert next_since_id({"cardlistInfo": {}}) == next_since_id({"cardlistInfo": {"since_id": 0}}) == ""


def test_comments_are_followed_by_their_answers() -> None:
    data = {
        "data": [
            {
                "id": "1",
                "rootid": "1",
                "text": "一",
                "like_count": 2,
                "comments": [{"id": "2", "rootid": "1", "text": "二"}],
            },
            {"id": "3", "rootid": "3", "text": "三", "comments": False},
        ],
        "max_id": 138,
        "max_id_type": 1,
    }
    assert [(each.id, each.parent, each.text) for each in comments_of(data)] == [
        ("1", "", "一"),
        ("2", "1", "二"),
        ("3", "", "三"),
    ]
    assert next_comments(data) == ("138", "1")
    assert next_comments({"max_id": 0}) == ("", "0")


def test_the_hot_board_leaves_out_advertisements() -> None:
    lines = [{"desc": "清源河死鱼", "scheme": "https://x"}, {"desc": "某饮料", "promotion": {"id": 1}}, {"desc": ""}]
    assert [each.title for each in hot_titles({"cards": [{"card_group": lines}]})] == ["清源河死鱼"]


NAMES = (
    "cards card_group card_type mblog id bid text user retweeted_status data comments longText title pics cardlistInfo"
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([9, 11, "抱歉", "<a>全文</a>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(NAMES.split()), JSON))
def test_any_json_is_some_statuses_or_none(data: dict[str, Any]) -> None:
    found = [*statuses_of(data), *comments_of(data), *statuses_of({"cards": [card(data)]})]
    for status in found:
        with suppress(InputError):
            status.text.encode()
        assert status.id
    assert all(each.title for each in hot_titles(data))
    full_text_of(data), next_comments(data), next_since_id(data), timeline_container(data, "7")


@given(st.binary())
def test_any_body_is_an_answer(body: bytes) -> None:
    assert read_answer(body).state in ("", "empty", "blocked", "failing")


# Runs.


@pytest.fixture
def source(desk):
    """A search for 清源河."""
    return desk.source("weibo", "", channel="social", options={"query": "清源河"})


def stored(desk) -> set[str]:
    return {post.source_id for post in desk.posts()}


def state(desk, source) -> str:
    [collected] = desk.crawl(source)
    return collected.health.state


def test_a_search_is_read_until_there_is_nothing_more(desk, source) -> None:
    desk.site.put(search(1), numbers(5, 4))
    desk.site.put(search(2), numbers(3, 2))
    desk.site.put(search(3), b'{"ok": 0, "data": {"cards": []}}')
    assert state(desk, source) == "ok"
    assert stored(desk) == {"5", "4", "3", "2"}
    assert desk.site.asked(search(3)) == 1


def test_a_search_as_weibo_ranks_it_is_asked_for_by_its_type(desk) -> None:
    path = search(1).replace("type%3D61", "type%3D1")
    desk.site.put(path, numbers(5))
    assert state(desk, desk.source("weibo", "", options={"query": "清源河", "type": "1", "pages": "1"})) == "ok"
    assert (desk.site.asked(path), desk.site.asked(search(1))) == (1, 0)
    assert stored(desk) == {"5"}


def test_a_search_stops_at_a_page_that_the_last_run_had_in_whole(desk, source) -> None:
    for number, ids in enumerate([(5, 4), (3, 2), (1,)], start=1):
        desk.site.put(search(number), numbers(*ids))
    desk.site.put(search(4), b'{"ok": 0}')
    desk.crawl(source)
    desk.site.put(search(1), numbers(6, 5))
    desk.site.put(search(2), numbers(4, 3))
    desk.site.put(search(3), numbers(2, 1))
    desk.crawl(source)
    assert stored(desk) == {"6", "5", "4", "3", "2", "1"}
    assert (desk.site.asked(search(2)), desk.site.asked(search(3))) == (2, 1)


def test_a_pinned_status_and_one_known_among_new_ones_do_not_stop_a_search(desk, source) -> None:
    desk.site.put(search(1), numbers(1))
    desk.crawl(source)
    pinned = card(blog(1), profile_type_id="proweibotop_1")
    desk.site.put(search(1), page(pinned, card(blog(4)), card(blog(1))))
    desk.site.put(search(2), numbers(3))
    desk.crawl(source)
    assert stored(desk) == {"1", "3", "4"}


def test_pages_that_repeat_themselves_end_a_search(desk, source) -> None:
    for number in range(1, 12):
        desk.site.put(search(number), numbers(2, 1))
    assert state(desk, source) == "ok"
    assert (desk.site.asked(search(2)), desk.site.asked(search(3))) == (1, 0)


def test_no_more_pages_are_read_than_allowed(desk, source) -> None:
    for number in range(1, 5):
        desk.site.put(search(number), numbers(number))
    limited = desk.source("weibo", "", channel="social", options={"query": "清源河", "pages": "2"})
    assert state(desk, limited) == "ok"
    assert stored(desk) == {"1", "2"}


def test_what_a_broken_run_left_unread_is_read_by_the_next(desk, source) -> None:
    desk.site.put(search(1), numbers(6, 5))
    desk.site.put(search(2), b"", status=500)
    desk.site.put(search(3), b'{"ok": 0}')
    assert state(desk, source) == "failing"
    assert stored(desk) == {"6", "5"}
    desk.site.put(search(2), numbers(4, 3))
    desk.clock.advance(hours=2)
    assert state(desk, source) == "ok"
    assert stored(desk) == {"6", "5", "4", "3"}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (418, b""),
        (432, b""),
        (403, b""),
        (200, b'{"ok": -100, "url": "x"}'),
        (200, b"<html>Sina Visitor System</html>"),
    ],
)
def test_a_refusal_is_blocked_and_never_asked_twice(desk, source, status: int, body: bytes) -> None:
    desk.site.put(search(1), body, status=status)
    assert state(desk, source) == "blocked"
    assert state(desk, source) == "blocked"
    assert desk.site.asked(search(1)) == 1
    assert stored(desk) == set()


def test_an_answer_that_is_no_json_is_failing_and_kept_as_a_reject(desk, source) -> None:
    desk.site.put(search(1), b"busy")
    assert state(desk, source) == "failing"
    assert desk.store.cases.records.reject_counts() == {"malformed": 1}


def test_several_searches_in_one_source_are_all_read(desk) -> None:
    source = desk.source("weibo", "", channel="social", options={"query": "清源河|恒泰 化工"})
    desk.site.put(search(1), numbers(2, 1))
    desk.site.put(search(1, "恒泰 化工"), numbers(3, 2))
    for query in ("清源河", "恒泰 化工"):
        desk.site.put(search(2, query), b'{"ok": 0}')
    assert state(desk, source) == "ok"
    assert stored(desk) == {"1", "2", "3"}


def long_page(*ids: int) -> bytes:
    return page(*(card(blog(number, '开头...<a href="x">全文</a>', isLongText=True)) for number in ids))


def test_a_long_status_is_stored_with_its_full_text_and_asked_for_once(desk, source) -> None:
    desk.site.put(search(1), long_page(1))
    desk.site.put("/statuses/show?id=Q1", json.dumps({"ok": 1, "data": {"text": "开头和<b>结尾</b>"}}))
    desk.crawl(source)
    desk.crawl(source)
    assert [post.text for post in desk.posts()] == ["开头和结尾"]
    assert desk.site.asked("/statuses/show?id=Q1") == 1


@pytest.mark.parametrize(
    ("status", "body", "health"),
    [
        (404, b"", "ok"),
        (418, b"", "blocked"),
        (200, b'{"ok": 1, "data": {}}', "ok"),
        (200, json.dumps({"ok": 1, "data": {"text": "<div>" * 300}}).encode(), "ok"),
    ],
)
def test_a_long_status_whose_full_text_cannot_be_had_is_stored_as_listed(
    desk, source, status: int, body: bytes, health: str
) -> None:
    desk.site.put(search(1), long_page(1))
    desk.site.put(search(2), b'{"ok": 0}')
    desk.site.put("/statuses/show?id=Q1", body, status=status)
    assert state(desk, source) == health
    assert [post.text for post in desk.posts()] == ["开头..."]


def test_a_long_original_of_many_reposts_is_asked_for_once(desk, source) -> None:
    original = blog(9, "开头...", isLongText=True)
    reposts = [card(blog(number, "转发微博", retweeted_status=original)) for number in (3, 2, 1)]
    desk.site.put(search(1), page(*reposts))
    desk.site.put("/statuses/show?id=Q9", json.dumps({"ok": 1, "data": {"text": "全文在此"}}))
    desk.crawl(source)
    posts = {post.source_id: post for post in desk.posts()}
    assert posts["9"].text == "全文在此"
    assert desk.site.asked("/statuses/show?id=Q9") == 1


def test_reposts_point_to_their_original_and_to_the_repost_between(desk, source) -> None:
    first = blog(2, "转发微博", retweeted_status=blog(1))
    second = blog(3, "转发微博", pid=2, retweeted_status=blog(1))
    gone = blog(4, "转发微博", retweeted_status={"id": "8", "user": None, "text": "抱歉，此微博已被作者删除"})
    desk.site.put(search(1), page(card(first), card(second), card(gone)))
    desk.crawl(source)
    posts = {post.source_id: (post.parent_id, post.root_id) for post in desk.posts()}
    ids = {number: stable_id("p", "weibo", str(number)) for number in (1, 2, 8)}
    assert posts == {"1": ("", ""), "2": (ids[1], ids[1]), "3": (ids[2], ids[1]), "4": (ids[8], ids[8])}


def test_what_makes_no_post_is_rejected_and_the_rest_goes_through(desk, source) -> None:
    empty = blog(1, "<p> </p>")
    bomb = blog(2, "<div>" * 300)
    undated = blog(3, created_at="不详")
    deleted = {"id": "4", "user": None, "text": "抱歉，此微博已被作者删除"}
    desk.site.put(search(1), page(card(empty), card(bomb), card(undated), card(deleted), card(blog(5))))
    desk.site.put(search(2), b'{"ok": 0}')
    assert state(desk, source) == "ok"
    assert stored(desk) == {"3", "5"}
    assert desk.store.cases.records.reject_counts() == {"empty_text": 2, "too_large": 1, "bad_time": 1}


def test_authors_are_stored_masked_and_hashed_by_their_number(desk, source) -> None:
    renamed = blog(2) | {"user": {"id": 7001, "screen_name": "换了名字"}}
    desk.site.put(search(1), page(card(blog(1)), card(renamed)))
    desk.crawl(source)
    first, second = sorted(desk.posts(), key=lambda post: post.source_id)
    assert (first.author, second.author) == ("网**号", "换**字")
    assert first.author_key == second.author_key != ""


def test_a_timeline_is_followed_by_since_id_past_its_pinned_status(desk) -> None:
    source = desk.source("weibo", "", channel="official", options={"mode": "user", "uid": "7"})
    base = "/api/container/getIndex?type=uid&value=7"
    tabs = {"tabsInfo": {"tabs": [{"tab_type": "weibo", "containerid": "1076037"}]}}
    desk.site.put(base, json.dumps({"ok": 1, "data": tabs}))
    pinned = card(blog(1), profile_type_id="proweibotop_1")
    desk.site.put(f"{base}&containerid=1076037", page(pinned, card(blog(9)), since_id=33))
    desk.site.put(f"{base}&containerid=1076037&since_id=33", page(card(blog(8))))
    assert state(desk, source) == "ok"
    assert stored(desk) == {"1", "9", "8"}
    desk.site.put(f"{base}&containerid=1076037", page(pinned, card(blog(10)), card(blog(9)), since_id=34))
    desk.site.put(f"{base}&containerid=1076037&since_id=34", page(card(blog(8)), since_id=35))
    desk.crawl(source)
    assert desk.site.asked(f"{base}&containerid=1076037&since_id=35") == 0
    assert stored(desk) == {"1", "8", "9", "10"}


def test_a_single_status_is_read_by_its_number(desk) -> None:
    source = desk.source("weibo", "", channel="social", options={"mode": "status", "id": "1"})
    desk.site.put("/statuses/show?id=1", json.dumps({"ok": 1, "data": blog(1, "全文", isLongText=True)}))
    assert state(desk, source) == "ok"
    assert [post.text for post in desk.posts()] == ["全文"]
    assert desk.site.asked("/statuses/show?id=1") == 1


def test_comments_are_read_to_their_end_and_point_to_the_status(desk) -> None:
    source = desk.source("weibo", "", channel="social", options={"mode": "comments", "id": "1"})
    answer = {
        "id": "12",
        "rootid": "11",
        "text": "同感",
        "created_at": WRITTEN,
        "user": {"id": 1, "screen_name": "甲乙"},
    }
    comment = {"id": "11", "rootid": "11", "text": "太臭了", "created_at": WRITTEN, "comments": [answer]}
    first = {"ok": 1, "data": {"data": [comment], "max_id": 138, "max_id_type": 0}}
    last = {"ok": 1, "data": {"data": [{"id": "13", "text": "关注"}], "max_id": 0}}
    desk.site.put("/comments/hotflow?id=1&mid=1&max_id_type=0", json.dumps(first))
    desk.site.put("/comments/hotflow?id=1&mid=1&max_id_type=0&max_id=138", json.dumps(last))
    assert state(desk, source) == "ok"
    root, parent = stable_id("p", "weibo", "1"), stable_id("p", "weibo", "11")
    assert {post.source_id: (post.parent_id, post.root_id) for post in desk.posts()} == {
        "11": (root, root),
        "12": (parent, root),
        "13": (root, root),
    }


def test_the_hot_board_is_stored_once_a_day(desk) -> None:
    source = desk.source("weibo", "", options={"mode": "hot"})
    container = "106003type%3D25%26t%3D3%26disable_hot%3D1%26filter_type%3Drealtimehot"
    lines = [{"desc": "清源河死鱼", "desc_extr": 1234567, "scheme": "https://m.weibo.cn/search?q=1"}]
    board = {"ok": 1, "data": {"cards": [{"card_group": lines}]}}
    desk.site.put(f"/api/container/getIndex?containerid={container}", json.dumps(board))
    for hours in (0, 1, 24):
        desk.clock.advance(hours=hours)
        assert state(desk, source) == "ok"
    assert sorted(post.source_id for post in desk.posts()) == ["2026-09-22 清源河死鱼", "2026-09-23 清源河死鱼"]
    assert {post.channel for post in desk.posts()} == {Channel.BOARD}


@pytest.mark.parametrize(
    "options", [{}, {"mode": "searching", "query": "x"}, {"query": "x", "pages": "many"}, {"query": "|"}]
)
def test_options_that_make_no_sense_are_refused_before_anything_is_asked(desk, options: dict[str, str]) -> None:
    with pytest.raises(ConfigError) as caught:
        desk.crawl(desk.source("weibo", "", options=options))
    assert caught.value.reason == "bad_value"
    assert desk.site.requests == []
