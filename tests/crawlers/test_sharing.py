"""Processes that crawl the same sources share them: one at a time each, once a cadence, whoever dies or is paused."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

import crawlers.holding
from crawlers.holding import HOLD, role_of
from crawlers.run import PAUSE_AFTER_ERROR, run_crawl
from qingting.model import Cursor, SourceHealth

SHORT_HOLD = 6.0
"""Seconds: long enough that no run of a live process loses its source on a slow machine, short enough to wait for."""

ROLE = f"""
import sys
from datetime import timedelta
from pathlib import Path
import crawlers.holding
from qingting.app import open_service
from qingting.commands.shared import utc_now
from qingting.config import load
from qingting.roles import run_crawl_role
crawlers.holding.HOLD = timedelta(seconds={SHORT_HOLD})
service = open_service(load(Path(sys.argv[1])), Path(sys.argv[2]), utc_now)
run_crawl_role(service)
service.store.close()
"""

ONCE = """
import signal, sys
from datetime import datetime
from pathlib import Path
from crawlers.privacy import Pseudonyms
from crawlers.run import crawl_once, run_crawl
from qingting.config import CrawlConfig, SourceConfig, StoreConfig
from qingting.store import open_store
# A shell that runs the tests in the background has them, and what they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
home, address, port, now = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), datetime.fromisoformat(sys.argv[4])
store = open_store(StoreConfig(), home, cut=lambda text: text.split())
source = SourceConfig(id="feed", kind="feed", address=address, assessment="test")
settings = CrawlConfig(allow_loopback_ports=(port,))
crawl = crawl_once([source], settings, store, home, lambda: now, Pseudonyms(b"k"), holder="the other process")
[collected] = run_crawl(crawl)
print(collected.health.state, collected.health.reason)
store.close()
"""


class Feeds:
    """Feeds that answer once the gate is open, and know who asked for which, and for which while another was."""

    def __init__(self, site, count: int) -> None:
        self.site = site
        self.gate = threading.Event()
        self.asked: defaultdict[str, list[str]] = defaultdict(list)
        self.asked_twice_at_once: list[str] = []
        self._being_answered: set[str] = set()
        self._lock = threading.Lock()
        self.paths = [f"/feed/{number}" for number in range(count)]
        for path in self.paths:
            site.pages[path] = self._answer(path)

    def _answer(self, path: str):
        def answer(headers: Mapping[str, str]):
            with self._lock:
                self.asked[path].append(headers["User-Agent"].partition("+")[2].strip(")"))
                if path in self._being_answered:
                    self.asked_twice_at_once.append(path)
                self._being_answered.add(path)
            self.gate.wait()
            self.site.stopping.wait(0.1)
            with self._lock:
                self._being_answered.discard(path)
            # Told not to remember it, or an unchanged feed would be all that a second run sees.
            entry = f"<item><title>清源河水质通报</title><link>http://e.org{path}/{len(self.asked[path])}</link></item>"
            return self.site.page(f"<rss version='2.0'><channel>{entry}</channel></rss>")

        return answer

    def askers(self) -> set[str]:
        """Return who has asked for anything."""
        return {who for each in self.asked.values() for who in each}

    def asked_by(self, who: str) -> list[str]:
        """Return what somebody has asked for, in order of the feeds."""
        return [path for path in self.paths if who in self.asked[path]]


@pytest.fixture
def roles(desk, tmp_path: Path) -> Iterator[Callable[[str, Feeds, float], subprocess.Popen[bytes]]]:
    """Start crawl roles on the test's home, each under a name that it tells the site."""
    started = []

    def start(name: str, feeds: Feeds, cadence_minutes: float) -> subprocess.Popen[bytes]:
        sources = "".join(
            f'[[sources]]\nid = "s{number}"\nkind = "feed"\naddress = "{desk.site.address}{path}"\n'
            f'cadence_minutes = {cadence_minutes}\nassessment = "test"\n'
            for number, path in enumerate(feeds.paths)
        )
        crawl = f'[crawl]\ncontact = "{name}"\nallow_loopback_ports = [{desk.site.port}]\n'
        config = tmp_path / f"{name}.toml"
        config.write_text(crawl + sources, encoding="utf-8")
        started.append(subprocess.Popen([sys.executable, "-c", ROLE, str(config), str(desk.home)]))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def start_once(desk) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start a process that crawls the feed at a path once, at the test's time."""
    started = []

    def start(path: str) -> subprocess.Popen[str]:
        now = desk.clock().isoformat()
        command = [sys.executable, "-c", ONCE, str(desk.home), desk.site.address + path, str(desk.site.port), now]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def stopped(process: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a role that is told to stop."""
    process.terminate()
    return process.wait(timeout=60)


def test_two_roles_share_the_sources_and_run_none_twice_in_one_cadence(desk, roles, eventually):
    feeds = Feeds(desk.site, 12)
    first, second = roles("first", feeds, 60.0), roles("second", feeds, 60.0)
    eventually(lambda: feeds.askers() == {"first", "second"})
    feeds.gate.set()
    eventually(lambda: len(desk.store.cases.records.health()) == len(feeds.paths))
    # By then each has looked again at what the other held.
    time.sleep(SHORT_HOLD / 2)

    assert (stopped(first), stopped(second)) == (0, 0)
    assert {path: len(who) for path, who in feeds.asked.items()} == dict.fromkeys(feeds.paths, 1)
    assert len(desk.posts()) == len(feeds.paths)


def test_the_sources_of_a_killed_role_are_taken_over_by_another(desk, roles, eventually):
    feeds = Feeds(desk.site, 10)
    victim = roles("victim", feeds, 0.02)
    eventually(lambda: len(feeds.asked_by("victim")) == crawlers.run.SOURCES_AT_ONCE)
    heir = roles("heir", feeds, 0.02)
    eventually(lambda: len(feeds.asked_by("heir")) == len(feeds.paths) - crawlers.run.SOURCES_AT_ONCE)
    assert set(feeds.asked_by("heir")).isdisjoint(feeds.asked_by("victim"))

    victim.kill()
    victim.wait()
    feeds.gate.set()
    eventually(lambda: all(feeds.asked[path].count("heir") >= 2 for path in feeds.paths))

    assert stopped(heir) == 0
    assert feeds.asked_twice_at_once == []
    assert {health.state for health in desk.store.cases.records.health()} == {"ok"}
    assert {post.source for post in desk.posts()} == {f"s{number}" for number in range(len(feeds.paths))}


def test_a_paused_process_that_wakes_up_leaves_its_source_as_the_next_one_left_it(desk, start_once, eventually):
    feeds = Feeds(desk.site, 1)
    [path] = feeds.paths
    source = desk.source("feed", path)
    paused = start_once(path)
    eventually(lambda: feeds.asked[path] != [])
    paused.send_signal(signal.SIGSTOP)
    feeds.gate.set()
    desk.clock.now += HOLD
    [collected] = desk.crawl(source)
    records = desk.store.cases.records
    left = (records.cursor("feed"), records.health(), {post.id for post in desk.posts()})

    paused.send_signal(signal.SIGCONT)
    told, _ = paused.communicate(timeout=60)

    assert (collected.new, paused.returncode) == (1, 0)
    assert told.startswith("failing")
    assert "已由别的进程接手" in told
    assert (records.cursor("feed"), records.health(), {post.id for post in desk.posts()}) == left
    [entry] = records.audit_of("feed")
    assert (entry.action, "the other process" in entry.detail) == ("source.handover", True)


def test_ctrl_c_gives_the_sources_back(desk, start_once, eventually):
    feeds = Feeds(desk.site, 1)
    [path] = feeds.paths
    process = start_once(path)
    eventually(lambda: feeds.asked[path] != [])
    assert desk.store.cases.leases.standing(role_of("feed"), desk.clock()).holder == "the other process"

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    feeds.gate.set()

    assert process.returncode != 0
    assert desk.store.cases.leases.standing(role_of("feed"), desk.clock()) is None


def test_a_source_that_another_process_is_running_is_passed_over_with_its_name(desk):
    feeds = Feeds(desk.site, 1)
    feeds.gate.set()
    source = desk.source("feed", feeds.paths[0])
    desk.store.cases.leases.take(role_of("feed"), "crawl-7@duty-2", desk.clock(), HOLD)

    [passed_over] = desk.crawl(source)

    assert (passed_over.health.state, feeds.asked) == ("unchanged", {})
    assert passed_over.health.reason == "来源 feed 正由 crawl-7@duty-2 采集，本次跳过"
    assert desk.store.cases.records.health() == []
    desk.clock.now += HOLD
    [collected] = desk.crawl(source)
    assert collected.new == 1


def test_a_run_whose_source_is_taken_over_stops_asking(desk, monkeypatch):
    monkeypatch.setattr(crawlers.holding, "HOLD", timedelta(seconds=0.3))
    numbers = range(10, 60)
    page = "<h1>清源河水质通报</h1>" + "<p>今天上午清源河各断面水质保持稳定，市民可以放心。</p>" * 6

    def taken_over(_headers):
        desk.store.cases.leases.take(role_of("list"), "another", desk.clock() + HOLD, HOLD)
        return desk.site.page(page, delay=0.5)

    desk.site.put("/list", "".join(f'<li><a href="/a/202609220{n}.html">清源河水质第{n}号通报</a>' for n in numbers))
    for n in numbers:
        desk.site.put(f"/a/202609220{n}.html", page, delay=0.1)
    desk.site.pages["/a/20260922010.html"] = taken_over

    [collected] = desk.crawl(desk.source("list", "/list"))

    assert (collected.health.state, "已由别的进程接手" in collected.health.reason) == ("failing", True)
    assert 0 < sum(desk.site.asked(f"/a/202609220{n}.html") for n in numbers) < len(numbers)
    assert (desk.store.cases.records.cursor("list"), desk.store.cases.records.health(), desk.posts()) == (None, [], [])


def test_a_source_whose_run_broke_in_one_process_is_not_tried_at_once_by_the_next(desk):
    feeds = Feeds(desk.site, 2)
    feeds.gate.set()
    records = desk.store.cases.records
    broken, other = (desk.source("feed", path, id=name) for path, name in zip(feeds.paths, ("a", "b"), strict=True))
    records.set_cursor(Cursor("a", {}, desk.clock() - timedelta(days=1)))
    records.set_health(SourceHealth("a", "failing", "采集程序出错", desk.clock(), desk.clock(), 0))

    async def role(until_asked: str) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(desk.crawl_for_good([broken, other], stop))
        while not feeds.asked[until_asked]:
            await asyncio.sleep(0.01)
        stop.set()
        await running

    run_crawl(role(feeds.paths[1]))
    assert [len(feeds.asked[path]) for path in feeds.paths] == [0, 1]

    desk.clock.now += PAUSE_AFTER_ERROR
    run_crawl(role(feeds.paths[0]))
    assert [len(feeds.asked[path]) for path in feeds.paths] == [1, 1]
