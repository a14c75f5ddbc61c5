"""What the pages show, and what they never let through."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from qingting.config import Config
from qingting.doctor import Condition
from qingting.errors import StoreError
from qingting.model import SHANGHAI, Channel, Event, EventState, Post
from qingting.store import Store
from qingting.web.app import create_app

PAGES = ("/", "/events", "/events/e1", "/drafts/d1", "/search", "/search?q=死鱼")

NOW = datetime(2026, 9, 22, 11, 20, tzinfo=SHANGHAI)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens(client: TestClient, filled: Store, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "清源市生态环境局" in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/nope", "/healthz", "/static/qingting.css"])
def test_every_answer_carries_the_security_headers(client: TestClient, filled: Store, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:;")
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("path", PAGES)
def test_what_people_said_is_not_kept_by_caches(client: TestClient, filled: Store, path: str) -> None:
    assert client.get(path).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(client: TestClient, filled: Store, path: str) -> None:
    page = client.get(path).text
    assert "<script" not in page
    assert not re.search(r"\son\w+=", re.sub(r"&[a-z#0-9]+;.*?&gt;", "", page))
    assert not re.search(r"\sstyle=", page)
    assert all(each.startswith("/static/") for each in re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', page))


@pytest.mark.parametrize("path", ["/", "/events/e1", "/search"])
def test_hostile_text_is_shown_and_not_obeyed(client: TestClient, filled: Store, path: str) -> None:
    page = client.get(path, params={"q": "alert"} if path == "/search" else None).text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in page
    assert "<script>" not in page
    assert "<img src=x" not in page
    assert "javascript:" not in page
    assert "\u202e" not in page


@pytest.mark.parametrize("path", PAGES)
def test_personal_data_is_masked(client: TestClient, filled: Store, path: str) -> None:
    page = client.get(path).text
    assert "13912345678" not in page
    assert ("139****5678" in page) == (path not in ("/events", "/search"))


def test_a_query_comes_back_as_text(client: TestClient, filled: Store) -> None:
    page = client.get("/search", params={"q": '"><script>alert(1)</script>'}).text
    assert "<script>" not in page
    assert "&#34;&gt;&lt;script&gt;" in page


def test_links_to_collected_pages_give_nothing_away(client: TestClient, filled: Store) -> None:
    page = client.get("/events/e1").text
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow" target="_blank">' in page


def test_the_inbox_shows_level_deadlines_deliveries_and_state(client: TestClient, filled: Store) -> None:
    page = client.get("/").text
    assert "红色（特别重大）" in page
    assert 'href="/events/e1"' in page
    assert "已超 4小时10分" in page
    assert "还剩 14小时50分" in page
    assert "待投递" in page
    assert "值班台" in page
    assert "待签收" in page
    assert "2026-09-22 02:30" in page


def test_the_inbox_can_be_filtered_by_state(client: TestClient, filled: Store) -> None:
    assert "【必报】" in client.get("/?state=new").text
    assert "目前没有已签收预警" in client.get("/?state=acknowledged").text
    filled.cases.alerts.acknowledge("a1", "孙某", NOW)
    assert "孙某" in client.get("/?state=acknowledged").text


def test_an_event_shows_its_figures_course_alert_facts_drafts_and_posts(client: TestClient, filled: Store) -> None:
    page = client.get("/events/e1").text
    for words in ("50%", "清源市", "出现必报词", "化工园排口", "检查记录", "12369热线", "共有词：死鱼", "转发或近似"):
        assert words in page
    assert page.count('<rect class="mark-negative"') == 4
    assert 'href="/drafts/d1"' in page
    assert "展开全文" in page


def test_events_list_leaves_candidates_behind_a_link(
    client: TestClient, filled: Store, event_maker: Callable[..., Event]
) -> None:
    filled.cases.events.save(event_maker("e2", EventState.CANDIDATE, "小苗头"), "auto", "新事件", NOW)
    assert "小苗头" not in client.get("/events").text
    assert "小苗头" in client.get("/events?state=candidate").text
    assert "清源河死鱼" not in client.get("/events?state=closed").text


def test_a_draft_shows_evidence_beside_each_sentence(client: TestClient, filled: Store) -> None:
    page = client.get("/drafts/d1").text
    assert "<mark>【待核实：起因】</mark>" in page
    assert 'href="/events/e1#fact-f1"' in page
    assert "“夜里死鱼，我的电话139****5678”" in page
    assert "没有依据" in page
    assert page.index("必须处理（1）") < page.index("警告（1）")
    assert "核稿退回" in page
    assert "请补充数据" in page
    assert "须经人工核定" in page


def test_search_counts_and_links_to_the_event(client: TestClient, filled: Store) -> None:
    page = client.get("/search", params={"q": "死鱼", "since": "2026-09-22", "until": "2026-09-22"}).text
    assert "共 <b>2</b> 条" in page
    assert "所属事件" in page


def test_a_query_that_makes_no_sense_is_explained(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "(死鱼"})
    assert answer.status_code == 400
    assert "括号" in answer.text
    assert 'value="(死鱼"' in answer.text


def test_a_day_that_does_not_exist_is_explained(client: TestClient) -> None:
    answer = client.get("/search", params={"q": "死鱼", "since": "2026-02-30"})
    assert answer.status_code == 400
    assert "没有 2026-02-30 这一天。" in answer.text


def test_a_search_goes_on_where_its_page_ended(client: TestClient, store: Store) -> None:
    start = NOW - timedelta(days=1)
    post = Post("p", "s", "1", Channel.SOCIAL, "死鱼", fetched_at=start)
    store.posts.append([replace(post, id=f"q{i}", source_id=str(i), text=f"死鱼 第{i}号") for i in range(60)])
    first = client.get("/search", params={"q": "死鱼"}).text
    following = re.search(r'<a href="(/search\?[^"]*)" rel="next"', first)
    assert following is not None
    second = client.get(following[1].replace("&amp;", "&")).text
    shown = [set(re.findall(r"第\d+号", page)) for page in (first, second)]
    assert (len(shown[0]), len(shown[1])) == (50, 10)
    assert not shown[0] & shown[1]


def test_long_lists_are_paged(client: TestClient, store: Store, event_maker: Callable[..., Event]) -> None:
    for number in range(35):
        store.cases.events.save(event_maker(f"e{number:02}", title=f"事件{number:02}"), "auto", "新事件", NOW)
    first, second = client.get("/events").text, client.get("/events?page=2").text
    assert 'href="/events?page=2" rel="next"' in first
    assert "第 2 页" in second
    assert first.count('class="title"') == 30
    assert second.count('class="title"') == 5


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "目前没有预警"),
        ("/events", "目前没有事件"),
        ("/events?state=candidate", "目前没有苗头"),
        ("/events?state=quiet", "目前没有趋于平息的事件"),
        ("/search?q=死鱼", "没有找到符合条件的帖文"),
    ],
)
def test_an_empty_store_says_so(client: TestClient, path: str, words: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert words in answer.text


def test_an_event_without_posts_or_alert_opens(
    client: TestClient, store: Store, event_maker: Callable[..., Event]
) -> None:
    store.cases.events.save(replace(event_maker(), size=0, negative=0, region=""), "auto", "新事件", NOW)
    page = client.get("/events/e1").text
    for words in ("还没有帖文。", "没有触发预警", "还没有回应稿", "还没有核实过的事实", "未明确"):
        assert words in page


@pytest.mark.parametrize(
    "path", ["/events/nope", "/drafts/nope", "/nope", "/static/nope.css", "/docs", "/openapi.json"]
)
def test_what_is_not_there_gives_a_page_with_a_next_step(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert 'href="/events"' in answer.text
    assert "错误代码 404" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/?page=0", "/?page=x", "/?state=lost", "/events?state=lost", "/search?since=gestern", "/events/e1?page=-1"],
)
def test_a_bad_address_gives_a_page_with_a_next_step(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert "网址中的参数不正确" in answer.text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(client: TestClient, filled: Store, method: str) -> None:
    for path in PAGES:
        answer = client.request(method, path)
        assert answer.status_code == 405
        assert "只能查看" in answer.text


def test_a_page_can_be_asked_for_its_head(client: TestClient, filled: Store) -> None:
    answer = client.head("/events/e1")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("path", [*PAGES, "/nope"])
def test_what_is_degraded_stands_on_every_page(
    client: TestClient, filled: Store, problems: list[str], path: str
) -> None:
    problems += ["研读模型：模型文件损坏。<b>", "预警投递：失败 3。"]
    page = client.get(path).text
    assert "系统有 2 处需要留意" in page
    assert "模型文件损坏。&lt;b&gt;" in page
    assert "预警投递：失败 3。" in page


def test_without_problems_there_is_no_banner(client: TestClient) -> None:
    assert "需要留意" not in client.get("/").text


def test_health_tells_programs_how_things_are(client: TestClient, filled: Store, problems: list[str]) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "problems": [], "posts": 4, "unread": 0}
    problems.append("磁盘空间不足。")
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")


def failing() -> Condition:
    raise StoreError("帖文库打不开。", reason="unavailable", hint="请检查磁盘。")


def test_a_store_that_fails_gives_a_page_and_a_health_that_say_so(store: Store) -> None:
    with TestClient(create_app(store, Config(), lambda: NOW, failing)) as broken:
        answer = broken.get("/")
        assert answer.status_code == 503
        assert "帖文库打不开。" in answer.text
        assert "请检查磁盘。" in answer.text
        health = broken.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (503, "unavailable")


def test_a_page_opens_without_posts_that_fail_while_it_is_made(
    client: TestClient, filled: Store, tmp_path: Path
) -> None:
    filled.cases.records.note_answer(NOW - timedelta(minutes=15))
    with sqlite3.connect(tmp_path / "qingting.db") as database:
        database.execute("DROP TABLE posts")
    database.close()
    for path in ("/events/e1", "/drafts/d1"):
        answer = client.get(path)
        assert (answer.status_code, "帖文库自 2026-09-22 11:05 起没有正常答复" in answer.text) == (200, True)
    assert client.get("/events/e1").text.count("原文暂时取不到") == 4
    assert "“夜里死鱼，我的电话139****5678”" in client.get("/drafts/d1").text
    found = client.get("/search", params={"q": "死鱼"})
    assert (found.status_code, "现在不能检索帖文" in found.text) == (503, True)


def test_what_nobody_foresaw_gives_a_page_and_a_record(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    def crash() -> Condition:
        raise RuntimeError("秘密的细节")

    app = create_app(store, Config(), lambda: NOW, crash)
    with TestClient(app, raise_server_exceptions=False) as broken:
        answer = broken.get("/")
    assert answer.status_code == 500
    assert "系统内部错误" in answer.text
    assert "秘密的细节" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "秘密的细节" in caplog.text
