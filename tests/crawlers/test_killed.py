"""A crawl that is killed outright, in a real process, loses nothing and repeats nothing."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crawlers.holding import HOLD

DATA = Path(__file__).parent / "data" / "kinds"
CRAWL = """
import os, sys
from datetime import datetime
from pathlib import Path
from crawlers.privacy import Pseudonyms
from crawlers.run import crawl_once, run_crawl
from qingting.config import CrawlConfig, SourceConfig, StoreConfig
from qingting.store import open_store
import crawlers.recorder
crawlers.recorder.BATCH_POSTS = 3
home, address, port, now = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), datetime.fromisoformat(sys.argv[4])
store = open_store(StoreConfig(), home, cut=lambda text: text.split())
source = SourceConfig(id="list", kind="list", address=address, assessment="test")
settings = CrawlConfig(allow_loopback_ports=(port,))
crawl = crawl_once([source], settings, store, home, lambda: now, Pseudonyms(b"k"), holder=f"process {os.getpid()}")
[collected] = run_crawl(crawl)
print(collected.new, collected.known, collected.health.state)
store.close()
"""
NUMBERS = range(10, 30)


def put_site(site, *, held_from: int | None) -> None:
    """Put a list of twenty articles; from one of them on, they are held back so that a crawl hangs there."""
    site.put("/list", "".join(f'<li><a href="/a/202609220{n}.html">清源河水质第{n}号通报</a>' for n in NUMBERS))
    for n in NUMBERS:
        page = f"<h1>清源河水质第{n}号通报</h1>" + f"<p>第{n}条：今天上午清源河各断面水质保持稳定。</p>" * 8
        site.put(f"/a/202609220{n}.html", page, delay=30.0 if held_from is not None and n >= held_from else 0.0)


def start(desk) -> subprocess.Popen[str]:
    """Start a crawl in a process of its own."""
    address, now = f"{desk.site.address}/list", desk.clock().isoformat()
    command = [sys.executable, "-c", CRAWL, str(desk.home), address, str(desk.site.port), now]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_crawl_loses_nothing_and_repeats_nothing(desk, eventually):
    put_site(desk.site, held_from=20)
    victim = start(desk)
    eventually(lambda: len(desk.posts()) >= 3)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    before = {post.id: post for post in desk.posts()}
    assert 3 <= len(before) < len(NUMBERS)
    assert desk.store.cases.records.cursor("list") is None

    put_site(desk.site, held_from=None)
    desk.clock.now += HOLD
    second = start(desk).communicate(timeout=30)[0].split()
    third = start(desk).communicate(timeout=30)[0].split()

    after = {post.id: post for post in desk.posts()}
    assert second == [str(len(NUMBERS) - len(before)), "0", "ok"]
    assert third == ["0", "0", "unchanged"]
    assert len(after) == len(NUMBERS)
    assert {key: after[key] for key in before} == before


def test_a_killed_crawl_leaves_evidence_for_every_stored_post(desk, eventually):
    from crawlers.evidence import find_evidence

    put_site(desk.site, held_from=20)
    victim = start(desk)
    eventually(lambda: len(desk.posts()) >= 3)
    victim.send_signal(signal.SIGKILL)
    victim.communicate()

    for post in desk.posts():
        assert find_evidence(desk.home, post.evidence) is not None


KILLED = """
import os, signal, sys, tomllib
from datetime import UTC, datetime
from pathlib import Path
from crawlers.privacy import Pseudonyms
from crawlers.recorder import Recorder
from crawlers.run import crawl_once, run_crawl
from qingting.config import CrawlConfig, SourceConfig, StoreConfig
from qingting.store import open_store
import crawlers.hotline, crawlers.recorder
crawlers.recorder.BATCH_POSTS = 1
home, port, kill_after = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
source = SourceConfig(**tomllib.loads(sys.argv[4]))
commits, commit = [], Recorder.commit

def deadly(recorder):
    commit(recorder)
    commits.append(1)
    if len(commits) == kill_after:
        os.kill(os.getpid(), signal.SIGKILL)

def last(spider):
    os.kill(os.getpid(), signal.SIGKILL)

Recorder.commit = deadly
if kill_after == 0:
    crawlers.hotline.HotlineSpider.committed = last
store = open_store(StoreConfig(), home, cut=lambda text: text.split())
settings = CrawlConfig(allow_loopback_ports=(port,))
clock = lambda: datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
run_crawl(crawl_once([source], settings, store, home, clock, Pseudonyms(b"k"), holder="the killed one"))
"""


def killed(desk, source, after: int) -> None:
    """Crawl in a process that is killed after so many commits; 0: after the last one, before anything else is done."""
    fields = {"id": source.id, "kind": source.kind, "address": source.address, "channel": source.channel}
    lines = [f"{name} = {json.dumps(value)}" for name, value in fields.items()]
    options = ", ".join(f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in source.options.items())
    text = "\n".join([*lines, f"options = {{ {options} }}"])
    command = [sys.executable, "-c", KILLED, str(desk.home), str(desk.site.port), str(after), text]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    desk.clock.now += HOLD


@pytest.mark.parametrize(
    ("sample", "after"), [("weibo", 2), ("hotline", 1), ("hotline", 0)], indirect=["sample"], ids=str
)
def test_a_platform_or_a_folder_loses_nothing_and_repeats_nothing_either(sample, after, desk, tmp_path):
    killed(desk, sample, after)
    before = {post.id: post for post in desk.posts()}
    assert before
    assert after == 0 or desk.store.cases.records.cursor(sample.id) is None
    if sample.kind == "hotline":
        assert not list((tmp_path / "drop" / "processed").iterdir())

    [second] = desk.crawl(sample)
    [third] = desk.crawl(sample)

    posts = {post.id: post for post in desk.posts()}
    expected = json.loads((DATA / sample.kind / "expected.json").read_text(encoding="utf-8"))
    assert {post.source_id for post in posts.values()} == {each["source_id"] for each in expected}
    assert (second.new, third.new) == (len(expected) - len(before), 0)
    assert {key: posts[key] for key in before} == before
    if sample.kind == "hotline":
        assert sorted(path.name for path in (tmp_path / "drop" / "processed").iterdir()) == [
            "export-1.csv",
            "export-2.jsonl",
        ]
