"""A drop folder: finished exports are read once and moved aside, unfinished ones are left alone."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from crawlers.hotline import HotlineSpider
from crawlers.kinds import Task
from crawlers.pace import Pace
from crawlers.privacy import Pseudonyms
from qingting.config import SourceConfig
from qingting.errors import ConfigError, StoreError
from qingting.model import Post, Reject

HEADER = "留言编号,留言用户,留言主题,留言时间,留言详情\n"
ROW = "QY{0},王小明,噪声{0},2026/9/22 6:20:05,工地夜间施工第{0}次\n"


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def source_of(desk, drop: Path, **options: str):
    return SourceConfig(
        id="hotline",
        kind="hotline",
        address=str(drop),
        channel="hotline",
        region="990100",
        assessment="test",
        options={"settle_seconds": "0", **options},
    )


def put(path: Path, *numbers: int) -> Path:
    path.write_text(HEADER + "".join(ROW.format(number) for number in numbers), encoding="utf-8-sig")
    return path


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def stored(desk) -> set[str]:
    return {post.source_id for post in desk.posts()}


def test_new_files_are_read_and_moved_to_processed(desk, drop: Path) -> None:
    put(drop / "b.csv", 2)
    data = put(drop / "a.csv", 1).read_bytes()
    [collected] = desk.crawl(source_of(desk, drop))
    assert (collected.health.state, collected.new, collected.rejected) == ("ok", 2, 0)
    assert names(drop) == ["processed/a.csv", "processed/b.csv"]
    post = next(post for post in desk.posts() if post.source_id == "QY1")
    assert (post.source, post.region, post.author, post.title) == ("hotline", "990100", "王*明", "噪声1")
    assert post.evidence == hashlib.sha256(data).hexdigest()


def test_an_empty_folder_is_unchanged_and_a_later_file_is_read(desk, drop: Path) -> None:
    assert desk.crawl(source_of(desk, drop))[0].health.state == "unchanged"
    put(drop / "a.csv", 1)
    assert desk.crawl(source_of(desk, drop))[0].health.state == "ok"
    assert stored(desk) == {"QY1"}


def test_files_that_are_being_written_or_are_no_exports_are_left_alone(desk, drop: Path) -> None:
    left = ["a.csv.part", "b.csv.tmp", "~$c.xlsx", ".d.csv", "readme.txt"]
    for name in left:
        put(drop / name, 1)
    (drop / "link.csv").symlink_to(drop / "readme.txt")
    (drop / "folder.csv").mkdir()
    [collected] = desk.crawl(source_of(desk, drop))
    assert collected.new == 0
    assert names(drop) == sorted([*left, "link.csv"])


def test_a_file_that_still_grows_is_left_for_the_next_run(desk, drop: Path, monkeypatch) -> None:
    put(drop / "growing.csv", 1)
    put(drop / "still.csv", 2)

    async def meanwhile(seconds: float) -> None:
        put(drop / "growing.csv", 1, 3)

    monkeypatch.setattr("crawlers.hotline.asyncio.sleep", meanwhile)
    items = asyncio.run(_items(desk, source_of(desk, drop, settle_seconds="1")))
    assert [item.source_id for item in items] == ["QY2"]


async def _items(desk, source) -> list[Post | Reject]:
    return [item async for item in _spider(desk, source).start()]


def _spider(desk, source) -> HotlineSpider:
    async def no_article(*_: object) -> None:
        raise AssertionError("a hotline has no pages")

    return HotlineSpider(
        task=Task(
            source=source,
            previous={},
            clock=desk.clock,
            pseudonyms=Pseudonyms(b"k" * 32),
            known=lambda _: set(),
            extract=no_article,
            take=lambda _: None,
            pace=Pace(0.0),
        )
    )


def test_a_file_that_changes_between_reading_and_committing_stays_and_is_read_again(desk, drop: Path) -> None:
    put(drop / "a.csv", 1)
    source = source_of(desk, drop)
    spider = _spider(desk, source)

    async def run() -> None:
        assert [item.source_id async for item in spider.start()] == ["QY1"]

    asyncio.run(run())
    put(drop / "a.csv", 1, 2)
    spider.committed()
    assert names(drop) == ["a.csv"]
    desk.crawl(source)
    assert stored(desk) == {"QY1", "QY2"}
    assert names(drop) == ["processed/a.csv"]


def test_nothing_is_moved_when_the_store_fails_and_the_next_run_repeats_nothing(desk, drop: Path, monkeypatch) -> None:
    put(drop / "a.csv", 1)

    def unavailable(*_: object) -> None:
        raise StoreError("the disk is full", reason="unavailable", retryable=True)

    with monkeypatch.context() as patch:
        patch.setattr(desk.store.posts, "append", unavailable)
        with pytest.raises(StoreError):
            desk.crawl(source_of(desk, drop))
    assert names(drop) == ["a.csv"]
    assert stored(desk) == set()
    assert desk.crawl(source_of(desk, drop))[0].new == 1
    assert names(drop) == ["processed/a.csv"]


def test_an_unreadable_file_goes_to_rejected_with_a_record_and_the_others_are_read(desk, drop: Path) -> None:
    (drop / "a.xlsx").write_bytes(b"no workbook")
    (drop / "b.csv").write_text("甲,乙\n1,2\n", encoding="utf-8")
    put(drop / "c.csv", 1)
    [collected] = desk.crawl(source_of(desk, drop))
    assert (collected.health.state, collected.new, collected.rejected) == ("ok", 1, 2)
    assert names(drop) == ["processed/c.csv", "rejected/a.xlsx", "rejected/b.csv"]
    assert desk.store.cases.records.reject_counts() == {"unreadable": 1, "missing_column": 1}


def test_bad_rows_are_rejected_and_their_file_counts_as_processed(desk, drop: Path) -> None:
    (drop / "a.csv").write_text(f"{HEADER}{ROW.format(1)}QY2,王小明,噪声,2026/9/22, \n", encoding="gb18030")
    [collected] = desk.crawl(source_of(desk, drop))
    assert (collected.new, collected.rejected) == (1, 1)
    assert names(drop) == ["processed/a.csv"]


def test_a_name_that_was_used_before_replaces_nothing(desk, drop: Path) -> None:
    for number in (1, 2, 3):
        put(drop / "export.csv", number)
        desk.crawl(source_of(desk, drop))
    assert names(drop) == ["processed/2-export.csv", "processed/3-export.csv", "processed/export.csv"]
    assert stored(desk) == {"QY1", "QY2", "QY3"}


def test_columns_are_mapped_by_options_and_the_way_in_is_no_source(desk, drop: Path) -> None:
    (drop / "a.csv").write_text("单号,反映事项,来源\n7,夜间噪声,电话\n", encoding="utf-8")
    desk.crawl(source_of(desk, drop, id="单号", text="内容, 反映事项"))
    (post,) = desk.posts()
    assert (post.source, post.source_id, post.text) == ("hotline", "7", "夜间噪声")


def test_a_folder_or_an_option_that_cannot_be_used_is_said_so(desk, drop: Path, tmp_path: Path) -> None:
    [missing] = desk.crawl(source_of(desk, tmp_path / "elsewhere"))
    assert missing.health.state == "failing"
    assert "不存在" in missing.health.reason
    with pytest.raises(ConfigError) as caught:
        desk.crawl(source_of(desk, drop, settle_seconds="soon"))
    assert caught.value.reason == "bad_value"
    (drop / "processed").write_text("", encoding="utf-8")
    put(drop / "a.csv", 1)
    [taken] = desk.crawl(source_of(desk, drop))
    assert "不可写" in taken.health.reason
    assert names(drop) == ["a.csv", "processed"]
