"""`qingting bench`: figures on this machine, from real posts, through the very code that serves."""

from __future__ import annotations

import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated

import typer

from nlp.reader import Reader
from qingting.app import Service, Worker, import_file, open_service, open_service_reader
from qingting.commands.bench_crawl import crawl_speed
from qingting.commands.bench_store import store_speed
from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    JsonOption,
    busy,
    opened_config,
    print_json,
    print_table,
    warn,
)
from qingting.config import Config
from qingting.errors import NotFoundError
from qingting.model import Post, Reading, stable_id
from qingting.store import Search

app = typer.Typer(name="bench", help="在本机测速。", invoke_without_command=True)
app.command("crawl")(crawl_speed)
app.command("store")(store_speed)

SEARCHES = (
    "污染",
    "垃圾 分类",
    "噪音 扰民",
    "空气质量",
    "核污水 OR 核废水",
    '"碳排放"',
    "环境 -营商",
    "情感:负面 水",
    "议题:air 雾霾",
)
REPEATS = 5
MONTH = timedelta(days=30)
SPREAD = timedelta(days=90)
START = datetime(2026, 1, 1, tzinfo=UTC)
DEMO_FILE = Path(__file__).parent.parent / "demo" / "data" / "crisis.weibo.jsonl"


class Stopwatch:
    """Adds up the time spent in named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time inside for a stage."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - began


@app.callback()
def bench(
    context: typer.Context,
    file: Annotated[Path, typer.Option("--file", help="测速用的帖文，默认用演示数据（量小，仅供参考）。")] = DEMO_FILE,
    posts: Annotated[int, typer.Option("--posts", min=1000, help="检索测速的帖文数。")] = 300_000,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """测导入、研读、归并、预警的速度，再测大量帖文上的检索和走势；不动现有数据。"""
    if context.invoked_subcommand:
        return None
    if not file.is_file():
        raise NotFoundError(f"没有文件 {file}。", reason="file", hint="请用 --file 指定 JSONL 文件。")
    loaded = opened_config(home, config)
    reader = open_service_reader(loaded)
    with busy("测速中…"), tempfile.TemporaryDirectory(prefix="qingting-bench-") as folder:
        rows = [*pipeline_rows(loaded, reader, file, Path(folder) / "pipeline")]
        rows += search_rows(loaded, reader, file, Path(folder) / "search", posts)
    rows.append({"stage": "峰值内存（本进程）", "figure": round(_peak_mib()), "unit": "MiB"})
    if as_json:
        return print_json(rows)
    return print_table("测速结果", ("环节", "数值", "单位"), ((r["stage"], r["figure"], r["unit"]) for r in rows), "")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def pipeline_rows(config: Config, reader: Reader, file: Path, home: Path) -> Iterator[dict[str, object]]:
    """Yield the speed of each stage from file to alert, and of all together."""
    service = open_service(config, home, lambda: datetime.now(UTC))
    watch = Stopwatch()
    with watch("import"):
        import_file(service, file, file.name.split(".")[0], "bench")
    count = service.store.posts.tally(service.clock()).total
    began = time.perf_counter()
    for _ in Worker(service, reader, "bench", watch).until_idle():
        pass
    worked = time.perf_counter() - began
    service.store.close()
    names = {
        "import": "导入入库",
        "claim": "领取",
        "read": "研读",
        "copies": "查重",
        "group": "归并",
        "detect": "预警检查",
        "draft": "拟稿",
        "save": "写回",
    }
    for stage, label in names.items():
        if watch.seconds[stage]:
            yield {"stage": f"{label}（{count} 条）", "figure": round(count / watch.seconds[stage]), "unit": "条/秒"}
    total = watch.seconds["import"] + worked
    yield {"stage": "从导入到预警检查完", "figure": round(count / total), "unit": "条/秒"}


def search_rows(config: Config, reader: Reader, file: Path, home: Path, wanted: int) -> Iterator[dict[str, object]]:
    """Yield the median time of searches and of a month's hourly trend over many posts."""
    service = open_service(config, home, lambda: START + SPREAD)
    ingest = _fill(service, reader, file, wanted)
    yield {"stage": f"只入库（{wanted} 条）", "figure": round(wanted / ingest), "unit": "条/秒"}
    posts = service.store.posts
    searches = [_milliseconds(partial(posts.search, Search(query))) for query in SEARCHES]
    since, until = START + MONTH, START + 2 * MONTH
    months = [Search(query, since, until) for query in ("", *SEARCHES)]
    trends = [_milliseconds(partial(posts.trend, month, "hour")) for month in months]
    moods = [_milliseconds(partial(posts.trend, month, "hour", "sentiment")) for month in months]
    for label, times in (("检索", searches), ("一个月按小时走势", trends), ("一个月按小时×情感走势", moods)):
        yield {"stage": f"{label}，中位", "figure": round(statistics.median(times), 1), "unit": "毫秒"}
        yield {"stage": f"{label}，最慢的检索式", "figure": round(max(times), 1), "unit": "毫秒"}
    service.store.close()


def _milliseconds(call: Callable[[], object]) -> float:
    """Return the median time of some calls, after one that warms the cache."""
    call()
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def _fill(service: Service, reader: Reader, file: Path, wanted: int) -> float:
    """Store `wanted` read posts over three months, using the file's texts again and again; return seconds to append."""
    import_file(service, file, "bench", "bench")
    now = service.clock()
    originals = service.store.posts.claim_unread("bench", wanted, now, timedelta(hours=1))
    readings = dict(zip((post.id for post in originals), reader.read(originals, now), strict=True))
    service.store.posts.save_readings(list(readings.values()))
    spent = 0.0
    copies = _copies(originals, wanted)
    while batch := list(islice(copies, 2000)):
        began = time.perf_counter()
        service.store.posts.append([copy for copy, _ in batch])
        spent += time.perf_counter() - began
        service.store.posts.save_readings([_renamed(readings[original.id], copy) for copy, original in batch])
    warn(f"检索测速用 {wanted} 条帖文（{len(originals)} 条文本反复使用）。")
    return spent


def _copies(originals: list[Post], wanted: int) -> Iterator[tuple[Post, Post]]:
    step = SPREAD / wanted
    for number, original in enumerate(islice(cycle(originals), wanted)):
        key = f"bench-{number}"
        at = START + number * step
        yield replace(original, id=stable_id("p", key), source_id=key, published_at=at), original


def _renamed(reading: Reading, post: Post) -> Reading:
    return replace(reading, post_id=post.id)
