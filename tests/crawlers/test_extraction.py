"""Workers extract what this process would, and whatever becomes of them or of us, nothing is lost or left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

import crawlers.extraction
from crawlers.extract import extract
from crawlers.extraction import extraction_pool
from crawlers.privacy import Pseudonyms
from crawlers.run import crawl_once, run_crawl
from qingting.errors import CrawlError

NOW = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
NAMED = (
    "<meta name=PubDate content='2026-09-22 08:05'><title>清源河水质第{0}号通报</title><h1>清源河水质第{0}号通报</h1>"
)
PAGE = NAMED + "<p>第{0}条：今天上午清源河各断面水质保持稳定。</p>" * 8


def workers_of(parent: int) -> set[int]:
    """Return the process ids of a process's extraction workers."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return {int(child) for child in children if b"crawlers.extraction" in Path(f"/proc/{child}/cmdline").read_bytes()}


def asked(*pages: bytes, between=lambda: None) -> list[object]:
    """Return what a pool of one worker makes of pages, one after the other."""

    async def ask() -> list[object]:
        found = []
        async with extraction_pool(1) as pool:
            for page in pages:
                found.append(await pool(page, "http://example.org/", NOW, None))
                between()
        return found

    return asyncio.run(ask())


def test_a_worker_finds_what_this_process_finds():
    pages = [
        b"",
        b"\xff\xfe",
        PAGE.format(1).encode(),
        PAGE.format(2).encode("gb18030"),
        "<p>\ud83d</p>".encode("utf-16-le", "surrogatepass"),
    ]

    assert asked(*pages) == [extract(page, "http://example.org/", NOW, None) for page in pages]


def test_pages_are_stored_alike_whoever_extracts_them(desk):
    desk.site.put("/list", "".join(f'<li><a href="/a/2026092200{n}.html">清源河水质第{n}号通报</a>' for n in range(9)))
    for n in range(9):
        desk.site.put(f"/a/2026092200{n}.html", PAGE.format(n))
    desk.crawl(desk.source("list", "/list", id="here"))

    async def there():
        source = desk.source("list", "/list", id="there")
        async with extraction_pool(2) as pool:
            return await crawl_once(
                [source],
                desk.settings,
                desk.store,
                desk.home,
                desk.clock,
                Pseudonyms(b"k"),
                holder="this test",
                extract=pool,
            )

    [collected] = run_crawl(there())

    assert (collected.new, collected.health.state) == (9, "ok")
    kept = {
        name: {(p.title, p.text, p.published_at) for p in desk.posts() if p.source == name}
        for name in ("here", "there")
    }
    assert kept["here"] == kept["there"]
    assert workers_of(os.getpid()) == set()


def test_a_worker_that_is_killed_costs_no_page():
    killed = []

    def kill() -> None:
        killed.extend(workers_of(os.getpid()))
        os.kill(killed[-1], signal.SIGKILL)

    found = asked(PAGE.format(1).encode(), PAGE.format(2).encode(), between=kill)

    assert [article.title for article in found] == ["清源河水质第1号通报", "清源河水质第2号通报"]
    assert len(set(killed)) == 2


def test_a_page_that_workers_die_of_is_given_up_and_recorded_and_the_run_goes_on(desk, monkeypatch):
    monkeypatch.setattr(crawlers.extraction, "WORKER", (sys.executable, "-c", "pass"))
    desk.site.put("/list", '<a href="/a/20260922001.html">清源河水质第一号通报</a>')
    desk.site.put("/a/20260922001.html", PAGE.format(1))

    async def run():
        async with extraction_pool(1) as pool:
            return await crawl_once(
                [desk.source("list", "/list")],
                desk.settings,
                desk.store,
                desk.home,
                desk.clock,
                Pseudonyms(b"k"),
                holder="this test",
                extract=pool,
            )

    [collected] = run_crawl(run())

    assert (collected.new, collected.rejected, collected.health.state) == (0, 1, "failing")
    [reject] = desk.store.cases.records.rejects(5)
    assert reject.reason == "malformed"
    assert "抽取进程因它退出" in reject.detail


def test_a_page_that_keeps_a_worker_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(crawlers.extraction, "WORKER", (sys.executable, "-c", "import time; time.sleep(600)"))
    monkeypatch.setattr(crawlers.extraction, "PATIENCE_SECONDS", 0.2)

    with pytest.raises(CrawlError, match="一直抽取不完"):
        asked(PAGE.format(1).encode())


CRAWL = """
import asyncio, sys
from datetime import UTC, datetime
from crawlers.extraction import extraction_pool

async def wait():
    async with extraction_pool(2) as pool:
        pages = (pool(b"<p>x</p>", "", datetime(2026, 9, 22, tzinfo=UTC), None) for _ in range(8))
        await asyncio.gather(*pages)
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(wait())
"""


def test_a_killed_crawl_leaves_no_worker_behind(eventually):
    with subprocess.Popen([sys.executable, "-c", CRAWL], stdout=subprocess.PIPE) as crawl:
        assert crawl.stdout.readline() == b"ready\n"
        workers = workers_of(crawl.pid)
        crawl.kill()

    assert len(workers) == 2
    eventually(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers))


def test_workers_leave_it_to_the_crawl_when_to_stop():
    async def ask() -> str:
        async with extraction_pool(1) as pool:
            await pool(b"", "", NOW, None)
            for worker in workers_of(os.getpid()):
                os.kill(worker, signal.SIGTERM)
            [before] = workers_of(os.getpid())
            article = await pool(PAGE.format(3).encode(), "", NOW, None)
            assert workers_of(os.getpid()) == {before}
            return article.title

    assert asyncio.run(ask()) == "清源河水质第3号通报"
