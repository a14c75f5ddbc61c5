"""`qingting evidence`, `qingting sources rejects` and the crawl's workers, on a home that a real crawl has filled."""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from nlp.segment import cut
from qingting.cli import app
from qingting.commands.shared import run
from qingting.config import StoreConfig
from qingting.store import open_store

ARTICLE = "<title>清源河水质通报</title><h1>清源河水质通报</h1>" + "<p>今天上午清源河各断面水质保持稳定。</p>" * 8


@pytest.fixture
def home(site, tmp_path) -> Path:
    """A home with a list of one article, one page without any, and a hotline export."""
    site.put(
        "/list",
        '<a href="/a/20260922001.html">清源河水质第一号通报</a><a href="/a/20260922002.html">清源河水质第二号通报</a>',
    )
    site.put("/a/20260922001.html", ARTICLE)
    site.put("/a/20260922002.html", "<html></html>")
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "export.csv").write_text("留言编号,留言详情\nQY1,夜间施工，电话13812345678\n", encoding="utf-8")
    (tmp_path / "config.toml").write_text(
        f"""
        [crawl]
        allow_loopback_ports = [{site.port}]
        [[sources]]
        id = "list"
        kind = "list"
        address = "{site.address}/list"
        assessment = "test"
        [[sources]]
        id = "hotline"
        kind = "hotline"
        address = "{drop}"
        channel = "hotline"
        assessment = "test"
        options = {{ settle_seconds = "0" }}
        """,
        encoding="utf-8",
    )
    return tmp_path


@pytest.fixture
def qingting(home, capsys):
    """Runs a command on the home in this process and returns its exit code, output and errors."""

    def called(*arguments: object) -> tuple[int, str, str]:
        places = ["--home", str(home / "var"), "--config", str(home / "config.toml")]
        code = run(app, [*map(str, arguments), *places])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


@pytest.fixture
def rows(qingting):
    """Runs a command that has to succeed and returns the JSON objects that it prints."""

    def printed(*arguments: object) -> list[dict[str, object]]:
        code, out, err = qingting(*arguments, "--json")
        assert code == 0, err
        return [json.loads(line) for line in out.splitlines()]

    return printed


def test_what_was_collected_can_be_proven_and_what_was_not_can_be_looked_up(home, qingting, rows):
    assert [row["new"] for row in rows("crawl", "--once")] == [1, 1]
    posts = {row["source"]: row["id"] for row in rows("search", "")}

    [page] = rows("evidence", posts["list"], "--out", home / "page.html")
    [export] = rows("evidence", posts["hotline"])
    [reject] = rows("sources", "rejects", "--source", "list")

    assert (home / "page.html").read_text(encoding="utf-8") == ARTICLE
    assert stat.S_IMODE((home / "page.html").stat().st_mode) == 0o600
    assert page["sha256"] == hashlib.sha256(ARTICLE.encode()).hexdigest()
    assert str(page["url"]).endswith("/a/20260922001.html")
    assert export["file"] == str(home / "drop" / "processed" / "export.csv")
    assert reject["reason"] == "empty_text"
    assert rows("sources", "rejects", "--source", "hotline") == []


def test_evidence_that_is_gone_or_was_tampered_with_is_said_to_be_so(home, qingting, rows):
    rows("crawl", "--once")
    posts = {row["source"]: row["id"] for row in rows("search", "")}
    (home / "drop" / "processed" / "export.csv").write_text("x", encoding="utf-8")
    shutil.rmtree(home / "var" / "evidence")

    for source in ("list", "hotline"):
        code, out, err = qingting("evidence", posts[source])
        assert (code, out) == (1, "")
        assert "没有与帖文" in err
    assert qingting("evidence", "p0")[0] == 1


def test_evidence_replaces_no_file_and_leaves_a_trace(home, qingting, rows):
    rows("crawl", "--once")
    post = next(row["id"] for row in rows("search", "") if row["source"] == "list")
    (home / "mine.html").write_text("mine", encoding="utf-8")

    assert qingting("evidence", post, "--out", home / "mine.html")[0] == 2
    assert (home / "mine.html").read_text(encoding="utf-8") == "mine"
    qingting("evidence", post, "--out", home / "new.html")

    store = open_store(StoreConfig(), home / "var", cut)
    entries = store.cases.records.audit_of(post)
    store.close()
    assert [(entry.action, entry.actor) for entry in entries] == [("evidence.export", getpass.getuser())]


def test_the_state_of_every_source_is_reported_with_its_reason_and_trouble_is_an_exit_code(site, qingting, rows):
    assert {row["id"]: row["state"] for row in rows("sources", "check")} == {"list": "never", "hotline": "never"}
    site.put("/list", status=418)
    qingting("crawl", "--once")

    code, out, _ = qingting("sources", "check", "--json")
    states = {row["id"]: row for row in map(json.loads, out.splitlines())}
    assert (code, states["list"]["state"], states["hotline"]["state"]) == (1, "blocked", "ok")
    assert "418" in states["list"]["reason"]
    assert states["list"]["since"]
    code, out, _ = qingting("sources", "check")
    assert (code, "被拦截" in out, "正常" in out) == (1, True, True)
    assert "被拦截" in qingting("doctor")[1]


def test_a_saved_page_is_extracted(tmp_path, capsys):
    page = tmp_path / "page.html"
    head = '<meta name="PubDate" content="2026-09-21 08:30"><meta name="source" content="清源日报"><p>作者：林岚</p>'
    page.write_text(head + ARTICLE, encoding="gb18030")

    assert run(app, ["extract", str(page), "--url", "http://example.org/a", "--json"]) == 0

    [article] = map(json.loads, capsys.readouterr().out.splitlines())
    assert (article["title"], article["source"], article["author"]) == ("清源河水质通报", "清源日报", "林岚")
    assert article["published_at"] == "2026-09-21T08:30:00+08:00"
    assert article["text"].count("清源河各断面水质保持稳定") == 8


def test_no_screen_and_no_table_shows_a_telephone_number(qingting, rows):
    rows("crawl", "--once")

    for arguments in (["search", ""], ["search", "", "--json"], ["sources", "rejects"]):
        code, out, _ = qingting(*arguments)
        assert code == 0
        assert "13812345678" not in out


def test_the_crawl_role_stops_with_its_workers_when_told(home, site, eventually):
    site.put("/a/20260922002.html", ARTICLE, delay=30.0)
    places = ["--home", str(home / "var"), "--config", str(home / "config.toml")]
    crawl = subprocess.Popen([sys.executable, "-m", "qingting.cli", "crawl", *places])

    def workers() -> list[str]:
        children = Path(f"/proc/{crawl.pid}/task/{crawl.pid}/children").read_text().split()
        return [each for each in children if b"crawlers.extraction" in Path(f"/proc/{each}/cmdline").read_bytes()]

    eventually(lambda: bool(workers()))
    started = workers()
    crawl.send_signal(signal.SIGTERM)
    site.stopping.set()

    assert crawl.wait(timeout=60) == 0
    assert not any(Path(f"/proc/{each}").exists() for each in started)
