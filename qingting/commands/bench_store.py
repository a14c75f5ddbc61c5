"""`qingting bench store`: what the store takes, finds and counts, on SQLite and Elasticsearch, and how that grows."""

from __future__ import annotations

import random
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import typer

from crawlers.files import read_posts
from crawlers.privacy import Pseudonyms
from nlp.segment import CUT_VERSION, cut
from qingting.app import open_service_reader
from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    JsonOption,
    opened_config,
    print_json,
    print_table,
    progress,
    utc_now,
)
from qingting.config import Config, StoreConfig
from qingting.errors import NotFoundError
from qingting.model import Channel, Post, Reading, stable_id
from qingting.store import Posts, Search, Store, open_store
from qingting.strict import Secret

START = datetime(2026, 1, 1, tzinfo=UTC)
SPREAD = timedelta(days=90)
SINCE, UNTIL = START + timedelta(days=30), START + timedelta(days=60)
"""The posts are spread evenly over three months; trends are asked of the one in the middle."""

DISTINCT = 5000
"""Texts that are read by the model and used again and again, each time under another id, time and fingerprint."""

BATCH = 2000
SEED = 20260101
REPEATS = 5
INDEX = "qingting-bench"

KEYWORDS = (
    "污染",
    "垃圾 分类",
    "噪音 扰民",
    "空气质量",
    "核污水 OR 核废水",
    "环境 -营商",
    "雾霾",
    "焚烧厂 异味",
    "PM2.5",
)
FIELDS = ("情感:负面 水", "议题:air 雾霾", "污染 相关:是 情感:负面", "来源:bench-3 污染", "垃圾 OR 来源:bench-7")
REGIONS = ("污染 地域:110000", "环境 地域:310000", "水 地域:440000", "垃圾 地域:440100")
PHRASES = ('"碳排放"', '"空气质量"', '"环境保护"', '"污染环境"')
NEGATIONS = ("-污染", "-环境 -垃圾", "-水")

Row = dict[str, object]
Sample = tuple[Post, Reading]


def store_speed(
    file: Annotated[Path, typer.Option("--file", help="取文本的帖文文件（JSONL，可 .gz）。")],
    sizes: Annotated[list[int] | None, typer.Option("--posts", min=1000, help="帖文数，可多次给出。")] = None,
    elasticsearch: Annotated[
        str, typer.Option("--elasticsearch", metavar="URL", envvar="QINGTING_TEST_ELASTICSEARCH", help="一并测的集群。")
    ] = "",
    sqlite: Annotated[bool, typer.Option("--sqlite/--no-sqlite", help="是否测 SQLite。")] = True,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """测入库、检索、走势、分面、领取、占用，SQLite 与 Elasticsearch 各测一遍；不动现有数据。"""
    if not file.is_file():
        raise NotFoundError(f"没有文件 {file}。", reason="file", hint="请用 --file 指定 JSONL 文件。")
    loaded = opened_config(home, config)
    wanted = sorted(sizes or (100_000, 1_000_000))
    originals = _originals(loaded, file)
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory(prefix="qingting-bench-") as folder:
            if sqlite:
                rows.extend(_rows("SQLite", StoreConfig(), Path(folder) / "sqlite", loaded, originals, wanted))
            if elasticsearch:
                rows.extend(_elastic_rows(elasticsearch, Path(folder) / "elastic", loaded, originals, wanted))
    finally:
        # What was measured is shown even where the other back end then fails: it took a quarter of an hour.
        _show(rows, as_json=as_json)


def _show(rows: Sequence[Row], *, as_json: bool) -> None:
    if as_json:
        return print_json(rows)
    columns = ("store", "posts", "what", "median", "p95", "unit")
    return print_table(
        "存储测速",
        ("存储", "帖文数", "项目", "中位", "p95", "单位"),
        ([row.get(column, "") for column in columns] for row in rows),
        "",
    )


def _elastic_rows(
    url: str, home: Path, config: Config, originals: Sequence[Sample], sizes: Sequence[int]
) -> Iterator[Row]:
    address = _bench_address(url)
    _drop_indexes(address)
    try:
        yield from _rows("Elasticsearch", StoreConfig(posts=Secret(address)), home, config, originals, sizes)
    finally:
        _drop_indexes(address)


def _originals(config: Config, file: Path) -> list[Sample]:
    """Return posts from a file with their readings; a reading is needed for facets to be spread as they really are."""
    lines = read_posts(file, config.imports, "bench", utc_now, Pseudonyms(b"bench"))
    posts = list(islice((item for item in lines if isinstance(item, Post)), DISTINCT))
    with progress("研读样本", None):
        readings = open_service_reader(config).read(posts, START)
    return list(zip(posts, readings, strict=True))


def _copies(originals: Sequence[Sample], size: int) -> Iterator[Sample]:
    """Yield posts in the order of time, over three months: each text many times, as another post."""
    numbers = random.Random(SEED)  # noqa: S311  no secret
    channels = list(Channel)
    for number in range(size):
        post, reading = originals[numbers.randrange(len(originals))]
        source = number % 30
        at = START + SPREAD * (number / size)
        copy = replace(
            post,
            id=stable_id("p", str(size), str(number)),
            source=f"bench-{source}",
            source_id=str(number),
            channel=channels[source % len(channels)],
            published_at=at,
            fetched_at=at,
        )
        yield copy, replace(reading, post_id=copy.id, fingerprint=numbers.getrandbits(64))


def _rows(
    name: str, where: StoreConfig, home: Path, config: Config, originals: Sequence[Sample], sizes: Sequence[int]
) -> Iterator[Row]:
    """Yield the figures of one back end at each size; each size is filled anew, so that its months are as full."""
    for size in sizes:
        store = open_store(where, home / str(size), cut, config.service.timezone, cut_version=CUT_VERSION)
        with closing(store):
            yield from ({"store": name, "posts": size, **row} for row in _filled(name, store, originals, size))
            yield from ({"store": name, "posts": size, **row} for row in _asked(store.posts))
        address = where.posts.reveal()
        used = _cluster_use(address) if name == "Elasticsearch" else _file_use(home / str(size))
        yield from ({"store": name, "posts": size, **row} for row in used)
        if name == "Elasticsearch":
            _drop_indexes(address)


def _filled(name: str, store: Store, originals: Sequence[Sample], size: int) -> Iterator[Row]:
    """Fill a store, and yield how fast it took posts, gave them out to be read and took readings back."""
    took: dict[str, float] = {"ingest": 0.0, "claim": 0.0, "save": 0.0}
    copies = _copies(originals, size)
    with progress(f"{name} 写入", size) as bar:
        while batch := list(islice(copies, BATCH)):
            took["ingest"] += _seconds(partial(store.posts.append, [post for post, _ in batch]))
            claim = partial(store.posts.claim_unread, "bench", BATCH, START + SPREAD, timedelta(hours=1))
            took["claim"] += _seconds(claim)
            took["save"] += _seconds(partial(store.posts.save_readings, [reading for _, reading in batch]))
            bar.advance(bar.task_ids[0], len(batch))
    labels = {"ingest": "入库（含分词）", "claim": "领取待读", "save": "写回研读"}
    yield from ({"what": labels[key], "median": round(size / took[key]), "unit": "条/秒"} for key in took)


def _asked(posts: Posts) -> Iterator[Row]:
    """Yield how long questions take once warm."""
    numbers = random.Random(SEED)  # noqa: S311  no secret
    words = ("", *KEYWORDS)
    week = (SINCE, SINCE + timedelta(days=7))
    groups: dict[str, list[Callable[[], object]]] = {
        "检索：词": [partial(posts.search, Search(query)) for query in KEYWORDS],
        "检索：词与字段": [partial(posts.search, Search(query)) for query in FIELDS],
        "检索：词与地域": [partial(posts.search, Search(query)) for query in REGIONS],
        "检索：短语": [partial(posts.search, Search(query)) for query in PHRASES],
        "检索：只有非": [partial(posts.search, Search(query)) for query in NEGATIONS],
        "走势：一个月按小时": [partial(posts.trend, Search(query, SINCE, UNTIL), "hour") for query in words],
        "走势：一个月按小时×情感": [
            partial(posts.trend, Search(query, SINCE, UNTIL), "hour", "sentiment") for query in words
        ],
        "分面：一个月的议题": [partial(posts.facet, Search(query, SINCE, UNTIL), "topic") for query in words],
        "分面：一个月的地域": [partial(posts.facet, Search(query, SINCE, UNTIL), "region") for query in words],
        "近似重复：一周内": [partial(posts.similar, numbers.getrandbits(64), 7, *week) for _ in range(9)],
    }
    for name, calls in groups.items():
        yield {"what": name, **_spread(calls), "unit": "毫秒"}


def _spread(calls: Sequence[Callable[[], object]]) -> dict[str, float]:
    """Return the median and the 95th percentile of some calls, each made once before to be warm."""
    times = []
    for call in calls:
        call()
        times += [1000 * _seconds(call) for _ in range(REPEATS)]
    return {"median": round(statistics.median(times), 1), "p95": round(statistics.quantiles(times, n=20)[-1], 1)}


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _file_use(home: Path) -> Iterator[Row]:
    yield {"what": "磁盘", "median": round(sum(f.stat().st_size for f in home.iterdir()) / (1 << 20)), "unit": "MiB"}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield {"what": "本进程峰值内存（含研读样本）", "median": round(peak), "unit": "MiB"}


def _bench_address(url: str) -> str:
    """Return the address of indexes of the benchmark's own in the cluster."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/", f"index={INDEX}", ""))


def _ask_cluster(address: str, method: str, path: str) -> Any:
    """Return what the cluster answers, as JSON."""
    parts = urlsplit(address)
    root = urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return httpx.request(method, root, timeout=60).raise_for_status().json()


def _cluster_use(address: str) -> Iterator[Row]:
    stats = _ask_cluster(address, "GET", f"/{INDEX}*/_stats/store")
    yield {"what": "磁盘", "median": round(stats["_all"]["total"]["store"]["size_in_bytes"] / (1 << 20)), "unit": "MiB"}
    nodes = _ask_cluster(address, "GET", "/_nodes/stats/jvm")["nodes"].values()
    used = sum(node["jvm"]["mem"][f"{kind}_committed_in_bytes"] for node in nodes for kind in ("heap", "non_heap"))
    yield {"what": "服务器内存（JVM）", "median": round(used / (1 << 20)), "unit": "MiB"}


def _drop_indexes(address: str) -> None:
    for name in _ask_cluster(address, "GET", f"/{INDEX}*"):
        _ask_cluster(address, "DELETE", f"/{name}")
