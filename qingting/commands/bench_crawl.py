"""`qingting bench crawl`: how fast pages and feeds are collected on this machine, beside Scrapy's own benchmark."""

from __future__ import annotations

import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from crawlers.reactor import run_crawl
from qingting.app import collect_with_workers, open_service
from qingting.commands import bench_site
from qingting.commands.shared import ConfigOption, HomeOption, JsonOption, opened_config, print_json, print_table, warn
from qingting.config import Config, SourceConfig
from qingting.errors import CrawlError
from qingting.roles import crawler_name

SCRAPY_PAGES = re.compile(rb"Crawled (\d+) pages")
SCRAPY_SECONDS = 10
WARM_UP = 50
"""Pages collected before the clock starts: by then the workers run and all code is loaded."""

PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")


def crawl_speed(
    pages: Annotated[int, typer.Option("--pages", min=100, help="采集多少篇 83 KB 的文章。")] = 2000,
    items: Annotated[int, typer.Option("--items", min=4000, help="从订阅源采集多少条。")] = 20_000,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """测采集速度：本机网站，不设间隔，全部抽取正文、留存证据并入库；不动现有数据，也不访问外网。"""
    loaded = opened_config(home, config)
    with tempfile.TemporaryDirectory(prefix="qingting-bench-") as folder, _site(pages) as port:
        rows = [*_page_rows(loaded, Path(folder) / "pages", port, pages)]
        rows += _feed_rows(loaded, Path(folder) / "feeds", port, items)
        rows += _scrapy_rows(Path(folder))
    rows.append({"stage": "系统负载（1 分钟）", "figure": round(os.getloadavg()[0], 1), "unit": f"{os.cpu_count()} 核"})
    if as_json:
        return print_json(rows)
    return print_table("采集测速", ("环节", "数值", "单位"), ((r["stage"], r["figure"], r["unit"]) for r in rows), "")


@contextmanager
def _site(pages: int) -> Iterator[int]:
    """Serve the site in a process of its own while inside, and give its port."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=bench_site.serve, args=(there, pages), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.kill()
        process.join()


def _page_rows(config: Config, home: Path, port: int, pages: int) -> Iterator[dict[str, object]]:
    """Yield the speed of fetching, extracting, keeping and storing articles."""
    list_source = SourceConfig(id="bench", kind="list", address=f"http://127.0.0.1:{port}/list", assessment="测速")
    few = replace(list_source, options={"limit": str(WARM_UP)})
    rest = replace(list_source, options={"limit": str(pages)})
    _, (seconds, processor) = _collected(config, home, port, [few], [rest], expected=pages - WARM_UP)
    count = pages - WARM_UP
    yield {"stage": f"文章（{count} 篇）", "figure": round(count / seconds, 1), "unit": "篇/秒"}
    yield {"stage": "文章，每篇处理器时间", "figure": round(processor / count * 1000, 1), "unit": "毫秒"}


def _feed_rows(config: Config, home: Path, port: int, items: int) -> Iterator[dict[str, object]]:
    """Yield the speed of feeds and how memory grows with the number of items."""
    firsts = range(0, items - items % bench_site.FEED_ENTRIES, bench_site.FEED_ENTRIES)
    feeds = [
        SourceConfig(id=f"feed{first}", kind="feed", address=f"http://127.0.0.1:{port}/feed/{first}", assessment="测速")
        for first in firsts
    ]
    half = len(feeds) // 2
    count = (len(feeds) - half) * bench_site.FEED_ENTRIES
    before, (seconds, _) = _collected(config, home, port, feeds[:half], feeds[half:], expected=count)
    yield {"stage": f"订阅源（{count} 条）", "figure": round(count / seconds), "unit": "条/秒"}
    yield {"stage": f"内存，{half * bench_site.FEED_ENTRIES} 条之后", "figure": round(before), "unit": "MiB"}
    yield {"stage": f"内存，{len(feeds) * bench_site.FEED_ENTRIES} 条之后", "figure": round(_memory()), "unit": "MiB"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield {"stage": "峰值内存（采集进程）", "figure": round(peak), "unit": "MiB"}


def _collected(
    config: Config,
    home: Path,
    port: int,
    first: Sequence[SourceConfig],
    then: Sequence[SourceConfig],
    expected: int,
) -> tuple[float, tuple[float, float]]:
    """Collect some sources, then others; return the memory in between, and seconds and processor time of the latter.

    Raises CrawlError(malformed) when not all that was expected came.
    """
    service = open_service(_unhurried(config, port), home, lambda: datetime.now(UTC))
    try:
        run_crawl(collect_with_workers(service, first, crawler_name()))
        memory, began, spent = _memory(), time.perf_counter(), _processor()
        collected = run_crawl(collect_with_workers(service, then, crawler_name()))
        seconds, processor = time.perf_counter() - began, _processor() - spent
    finally:
        service.store.close()
    new = sum(each.new for each in collected)
    if new != expected:
        reasons = "；".join(sorted({each.health.reason for each in collected if each.health.reason}))
        raise CrawlError(f"只采到 {new} 条，应为 {expected} 条：{reasons}", reason="malformed")
    return memory, (seconds, processor)


def _unhurried(config: Config, port: int) -> Config:
    """Return the configuration without pauses, and with access to the site."""
    return replace(config, crawl=replace(config.crawl, delay_seconds=0.0, allow_loopback_ports=(port,)))


def _memory() -> float:
    """Return what this process holds in memory just now, in MiB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_SIZE / 2**20


def _processor() -> float:
    """Return the processor time of this process and of the workers that have ended, in seconds."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def _scrapy_rows(folder: Path) -> Iterator[dict[str, object]]:
    """Yield the speed of `scrapy bench`: tiny pages, fetched and thrown away; what the machine gives at most."""
    warn(f"正在运行 scrapy bench（{SCRAPY_SECONDS} 秒）…")
    command = [sys.executable, "-m", "scrapy", "bench"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=True)  # noqa: S603 - our own
    counts = [int(each) for each in SCRAPY_PAGES.findall(ran.stderr)]
    figure = round(max(counts, default=0) / SCRAPY_SECONDS, 1)
    yield {"stage": "对照：scrapy bench（小页面，只取不存）", "figure": figure, "unit": "页/秒"}
