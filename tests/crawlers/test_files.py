"""Exports as they come: every format, every column name, and everything that goes wrong in them."""

from __future__ import annotations

import gzip
import json
import random
import tracemalloc
import zipfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from crawlers.files import AHEAD, LONGEST_TEXT, read_posts
from crawlers.plaintext import looks_like_html, plain_text
from crawlers.privacy import Pseudonyms
from crawlers.values import LARGEST_COUNT, count_of, objects_of, text_of
from qingting.config import ColumnsConfig, ImportConfig
from qingting.errors import InputError
from qingting.model import SHANGHAI, Channel, Post, Reject, stable_id

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
CORPUS = Path(__file__).parents[3] / "shared" / "corpus"
SMALL = ImportConfig(max_line_mib=1)
MIB = 1024 * 1024


def read(path: Path, config: ImportConfig = SMALL, source: str = "export") -> list[Post | Reject]:
    return list(read_posts(path, config, source, lambda: NOW, Pseudonyms(b"k" * 32)))


def posts(path: Path, config: ImportConfig = SMALL, source: str = "export") -> list[Post]:
    return [item for item in read(path, config, source) if isinstance(item, Post)]


def rejects(path: Path, config: ImportConfig = SMALL) -> list[Reject]:
    return [item for item in read(path, config) if isinstance(item, Reject)]


def reasons(path: Path) -> list[str]:
    return [reject.reason for reject in rejects(path)]


def texts(path: Path) -> list[str]:
    return [post.text for post in posts(path)]


def jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def written(path: Path, data: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(data.encode(encoding) if isinstance(data, str) else data)
    return path


def workbook(path: Path, *sheets: list[list[object]]) -> Path:
    book = Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.active if number == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


# What a row becomes.


def test_a_json_line_becomes_a_post_with_every_field(tmp_path: Path) -> None:
    row = {
        "id": 42,
        "title": "河面有白沫",
        "text": "今早清源河河面有白沫。",
        "published_at": "2026-09-22T06:10:00+08:00",
        "author": "王小明",
        "region": "990102",
        "url": "https://news.example.com/42",
        "source": "weibo",
        "reposts": "1.2万+",
        "comments": 3,
        "likes": "1,024",
        "repost_of": "41",
        "root_id": "40",
    }
    assert posts(jsonl(tmp_path / "a.jsonl", row)) == [
        Post(
            id=stable_id("p", "weibo", "42"),
            source="weibo",
            source_id="42",
            channel=Channel.SOCIAL,
            text="今早清源河河面有白沫。",
            fetched_at=NOW,
            published_at=datetime(2026, 9, 22, 6, 10, tzinfo=SHANGHAI),
            title="河面有白沫",
            url="https://news.example.com/42",
            author="王*明",
            author_key=Pseudonyms(b"k" * 32).key_of("weibo", "王小明"),
            region="990102",
            parent_id=stable_id("p", "weibo", "41"),
            root_id=stable_id("p", "weibo", "40"),
            reposts=12000,
            comments=3,
            likes=1024,
        )
    ]


def test_a_repost_points_to_the_id_that_its_original_gets(tmp_path: Path) -> None:
    original, repost = posts(
        jsonl(tmp_path / "a.jsonl", {"id": "1", "text": "原帖"}, {"id": "2", "text": "转发微博", "parent_id": "1"})
    )
    assert repost.parent_id == original.id


def test_a_row_without_an_id_has_one_made_of_source_text_time_and_author(tmp_path: Path) -> None:
    row = {"text": "异味", "time": "x", "published_at": "2026-09-22 06:10", "author": "张三"}
    first = posts(jsonl(tmp_path / "a.jsonl", row))[0]
    assert first.source_id == ""
    assert posts(jsonl(tmp_path / "b.jsonl", row))[0].id == first.id
    others = [row | {"text": "臭味"}, row | {"published_at": "2026-09-22 06:11"}, row | {"author": "李四"}]
    assert first.id not in {post.id for post in posts(jsonl(tmp_path / "c.jsonl", *others))}


@pytest.mark.parametrize(
    ("row", "channel"),
    [
        ({"source": "tv_news"}, Channel.NEWS),
        ({"source": "weibo_repost"}, Channel.SOCIAL),
        ({"source": "hotline"}, Channel.HOTLINE),
        ({"source": "forum"}, Channel.FORUM),
        ({"source": "hot_search"}, Channel.BOARD),
        ({"source": "12369环保热线"}, Channel.HOTLINE),
        ({"source": "清源日报"}, Channel.NEWS),
        ({"source": "weibo", "channel": "video"}, Channel.VIDEO),
        ({"source": "weibo", "channel": "论坛社区"}, Channel.FORUM),
        ({"source": "elsewhere"}, Channel.OTHER),
        ({}, Channel.OTHER),
    ],
)
def test_the_channel_is_the_named_one_or_the_sources_or_the_default(
    tmp_path: Path, row: dict[str, str], channel: Channel
) -> None:
    post = posts(jsonl(tmp_path / "a.jsonl", {"text": "异味", **row}), ImportConfig(channel="other"))[0]
    assert post.channel is channel
    assert post.source == row.get("source", "export")


def test_columns_are_found_by_the_configured_names(tmp_path: Path) -> None:
    config = replace(SMALL, columns=ColumnsConfig(id=("单号",), text=("反映事项",)))
    (post,) = posts(written(tmp_path / "a.csv", "单号,反映事项\n7,夜间噪声\n"), config)
    assert (post.source_id, post.text) == ("7", "夜间噪声")


def test_a_title_without_a_text_column_is_what_was_said(tmp_path: Path) -> None:
    (post,) = posts(jsonl(tmp_path / "a.jsonl", {"title": "清源河死鱼"}))
    assert (post.text, post.title) == ("清源河死鱼", "")


def test_a_link_that_is_no_web_address_is_dropped(tmp_path: Path) -> None:
    (post,) = posts(jsonl(tmp_path / "a.jsonl", {"text": "异味", "url": "javascript:alert(1)"}))
    assert post.url == ""


# Formats and encodings.


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_csv_is_read_in_every_usual_encoding_and_with_every_usual_delimiter(
    tmp_path: Path, encoding: str, delimiter: str
) -> None:
    rows = [["工单编号", "标题", "内容", "受理时间"], ["1", "噪声", "工地夜间施工喆", "2026/9/1 23:05"]]
    data = "\r\n".join(delimiter.join(row) for row in rows)
    (post,) = posts(written(tmp_path / "a.csv", data, encoding))
    assert (post.source_id, post.title, post.text) == ("1", "噪声", "工地夜间施工喆")
    assert post.published_at == datetime(2026, 9, 1, 23, 5, tzinfo=SHANGHAI)


def test_a_quoted_csv_cell_may_hold_delimiters_and_line_ends(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '编号,内容\n1,"第一段，\n第二段,还有""引号"""\n2,另一条\n')
    assert texts(path) == ['第一段，\n第二段,还有"引号"', "另一条"]
    assert reasons(path) == []


def test_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.csv", "12369热线工单导出\n\n编号,内容\n1,异味\n")) == ["异味"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_json_lines_are_read_in_every_usual_encoding(tmp_path: Path, encoding: str) -> None:
    assert texts(written(tmp_path / "a.jsonl", '{"text": "异味"}\n\n{"内容": "噪声"}', encoding)) == ["异味", "噪声"]


def test_packed_files_are_read_as_their_contents(tmp_path: Path) -> None:
    assert texts(written(tmp_path / "a.jsonl.gz", gzip.compress('{"text": "异味"}\n'.encode()))) == ["异味"]
    assert texts(written(tmp_path / "a.csv.gz", gzip.compress("编号,内容\n1,噪声\n".encode("gb18030")))) == ["噪声"]


def test_a_workbook_gives_numbers_dates_and_every_sheet_with_a_header(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        [
            ["工单导出"],
            ["工单编号", "内容", "受理时间"],
            [188006, "异味", datetime(2026, 9, 1, 8, 0, tzinfo=UTC).replace(tzinfo=None)],
            [None, None, None],
        ],
        [["编号", "内容"], [7.0, "噪声"]],
        [["说明"], ["仅供内部使用"]],
    )
    first, second = posts(path)
    assert (first.source_id, first.text) == ("188006", "异味")
    assert first.published_at == datetime(2026, 9, 1, 8, 0, tzinfo=SHANGHAI)
    assert (second.source_id, second.text) == ("7", "噪声")
    assert [(reject.reason, reject.place) for reject in rejects(path)] == [("missing_column", "a.xlsx 工作表 Sheet2")]


# What cannot be read at all.


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("missing.jsonl", None, "unreadable"),
        ("folder.jsonl", None, "unreadable"),
        ("a.docx", b"PK", "unsupported"),
        ("a.csv", "编号,内容\n1,异味\n".encode("utf-16"), "unsupported"),
        ("a.csv", "甲,乙\n1,2\n".encode(), "missing_column"),
        ("a.csv", ("甲,乙\n" * 30 + "编号,内容\n").encode(), "missing_column"),
        ("a.xlsx", b"no workbook", "unreadable"),
        ("a.jsonl.gz", b"no gzip", "unreadable"),
        ("a.json", b'[{"text": "x"}]', "unsupported"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_raises(tmp_path: Path, name: str, data: bytes | None, reason: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    elif name.startswith("folder"):
        (tmp_path / name).mkdir()
    with pytest.raises(InputError) as caught:
        read(tmp_path / name)
    assert caught.value.reason == reason
    assert caught.value.hint


def test_an_empty_file_has_no_posts(tmp_path: Path) -> None:
    assert read(written(tmp_path / "a.jsonl", b"")) == []
    assert read(written(tmp_path / "a.csv", b"")) == []


def test_a_workbook_whose_sheets_have_no_header_raises(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(workbook(tmp_path / "a.xlsx", [["甲", "乙"], ["1", "2"]]))
    assert caught.value.reason == "missing_column"


def test_a_workbook_that_unpacks_to_gibibytes_is_refused_unread(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["内容"], ["异味"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/bomb.xml", "w") as member:
        for _ in range(300):
            member.write(bytes(MIB))
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.reason == "too_large"


# What goes wrong within a file.


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "malformed"),
        (b"[1, 2]", "malformed"),
        (b'"text"', "malformed"),
        (b"[" * 100_000, "malformed"),
        (b'{"text": ' + b"9" * 5000 + b"}", "malformed"),
        (b'{"text": {"a": 1}}', "malformed"),
        (b'{"text": "\xff\xfe"}', "encoding"),
        (b'{"text": ""}', "empty_text"),
        (b'{"text": " \\u0000\\t "}', "empty_text"),
        (b'{"text": null}', "empty_text"),
        (b'{"text": "<p> </p>"}', "empty_text"),
        (b'{"title": "a", "text": ""}', "empty_text"),
        (b'{"id": "1"}', "missing_column"),
        (b'{"text": "' + b"<div>" * 1000 + b'"}', "too_large"),
        (b'{"text": "' + b"<p>" * 30_000 + b'"}', "too_large"),
        (b'{"text": "' + b"x" * (2 * MIB) + b'"}', "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:20]),
)
def test_a_line_that_cannot_be_taken_is_rejected_and_the_rest_goes_through(
    tmp_path: Path, line: bytes, reason: str
) -> None:
    good = '{"id": "1", "text": "清源河有异味"}\n'.encode()
    last = '{"id": "2", "text": "工地夜间噪声"}\n'.encode()
    path = written(tmp_path / "a.jsonl", good + line + b"\n" + last)
    assert texts(path) == ["清源河有异味", "工地夜间噪声"]
    (reject,) = rejects(path)
    assert (reject.reason, reject.place, reject.source) == (reason, "a.jsonl 第 2 行", "export")
    assert reject.size == len(line) + 1
    assert reject.raw == (line + b"\n")[:4096]
    assert reject.detail


def test_a_line_of_50_mib_is_never_held(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b'{"text": "')
        for _ in range(50):
            file.write(b"x" * MIB)
        file.write('"}\n{"text": "异味"}\n'.encode())
    tracemalloc.start()
    (reject, post) = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(reject, Reject)
    assert isinstance(post, Post)
    assert (reject.reason, len(reject.raw)) == ("too_large", 4096)
    assert reject.size == 50 * MIB + 13
    assert post.text == "异味"
    assert peak < 10 * MIB


def test_memory_stays_flat_over_many_rows(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / f"{count}.jsonl"
        path.write_text("".join(f'{{"id": {number}, "text": "第{number}条"}}\n' for number in range(count)))
        tracemalloc.start()
        assert sum(1 for _ in read_posts(path, SMALL, "export", lambda: NOW, Pseudonyms(b"k" * 32))) == count
        measured = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return measured

    peak(10)
    assert peak(4000) < peak(500) + MIB


def test_a_gzip_that_breaks_off_gives_what_it_had_and_a_reject(tmp_path: Path) -> None:
    noise = random.Random(7)
    rows = [{"id": number, "text": f"{noise.random()}"} for number in range(8000)]
    whole = gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode())
    path = written(tmp_path / "a.jsonl.gz", whole[: len(whole) - 1000])
    assert 4000 < len(posts(path)) < 8000
    assert reasons(path) == ["unreadable"]


@pytest.mark.parametrize("time", ["2026-13-45", "9999-99-99 99:99", "0000-00-00", "2099-01-01", "昨天25:61", "?"])
def test_a_post_with_an_impossible_time_is_kept_without_one_and_noted(tmp_path: Path, time: str) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"id": "1", "text": "异味", "published_at": time})
    post, note = read(path)
    assert isinstance(post, Post)
    assert isinstance(note, Reject)
    assert post.published_at is None
    assert note.reason == "bad_time"
    assert time in note.detail


def test_a_post_without_a_time_is_simply_undated(tmp_path: Path) -> None:
    for row in ({"text": "异味"}, {"text": "异味", "published_at": ""}, {"text": "异味", "published_at": None}):
        (post,) = read(jsonl(tmp_path / "a.jsonl", row))
        assert isinstance(post, Post)
        assert post.published_at is None


def test_a_rehearsal_may_be_dated_ahead(tmp_path: Path) -> None:
    (post,) = read(jsonl(tmp_path / "a.jsonl", {"text": "演练", "published_at": "2027-03-01 08:00"}))
    assert isinstance(post, Post)
    assert post.published_at == datetime(2027, 3, 1, 8, 0, tzinfo=SHANGHAI)


def test_an_id_that_comes_again_is_known_with_the_same_text_and_rejected_with_another(tmp_path: Path) -> None:
    rows = [{"id": "1", "text": text} for text in ("甲", "乙", "甲", "乙")]
    path = jsonl(tmp_path / "a.jsonl", *rows, {"id": "1", "text": "丙", "source": "other"})
    assert texts(path) == ["甲", "甲", "丙"]
    assert len({post.id for post in posts(path)}) == 2
    assert [(reject.reason, reject.place) for reject in rejects(path)] == [
        ("duplicate_id", "a.jsonl 第 2 行"),
        ("duplicate_id", "a.jsonl 第 4 行"),
    ]


def test_a_text_beyond_all_measure_is_cut_and_noted(tmp_path: Path) -> None:
    post, note = read(jsonl(tmp_path / "a.jsonl", {"text": "长" * (LONGEST_TEXT + 1)}))
    assert isinstance(post, Post)
    assert isinstance(note, Reject)
    assert (len(post.text), note.reason) == (LONGEST_TEXT, "too_large")


def test_reading_a_file_again_gives_the_same_ids(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", '{"text": "甲"}\n{broken\n{broken\n{"id": 1, "text": ""}\n')
    first = [item.id for item in read(path)]
    assert [item.id for item in read(path)] == first
    assert len(set(first)) == 4


def test_a_quote_that_is_never_closed_costs_only_its_own_line(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '编号,内容\n1,异味\n2,"没有闭合\n3,噪声\n4,扬尘\n')
    assert texts(path) == ["异味", "噪声", "扬尘"]
    assert [(reject.reason, reject.place) for reject in rejects(path)] == [("malformed", "a.csv 第 3 行")]


def test_an_unclosed_quote_before_thousands_of_rows_costs_only_its_own_line(tmp_path: Path) -> None:
    rows = "".join(f"{number},第{number}件夜间噪声投诉\n" for number in range(8000))
    path = written(tmp_path / "a.csv", f'编号,内容\nx,"没有闭合\n{rows}')
    assert len(posts(path)) == 8000
    assert reasons(path) == ["malformed"]


def test_a_csv_row_with_more_cells_than_columns_is_rejected_not_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "编号,内容\n1,异味,刺鼻\n2,噪声,\n3\n")
    assert texts(path) == ["噪声"]
    assert reasons(path) == ["malformed", "empty_text"]


def test_a_csv_line_that_is_too_long_is_rejected_and_the_rest_goes_through(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", f'编号,内容\n1,异味\n2,"前半\n{"x" * 2 * MIB}"\n3,{"y" * 200_000}\n4,噪声\n')
    assert texts(path) == ["异味", "噪声"]
    assert reasons(path) == ["too_large", "too_large"]


def test_a_csv_row_in_another_encoding_is_rejected(tmp_path: Path) -> None:
    lines = ["编号,内容\n".encode(), "1,异味\n".encode(), "2,噪声\n".encode("gb18030"), "3,扬尘\n".encode()]
    path = written(tmp_path / "a.csv", b"".join(lines))
    assert texts(path) == ["异味", "扬尘"]
    assert reasons(path) == ["encoding"]


# HTML, text and counts.


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>第一段</p><p>第二段<br>换行</p>", "第一段\n第二段\n换行"),
        ("河水<b>发黑</b>&nbsp;&amp; 发臭", "河水发黑 & 发臭"),
        ("<script>alert('异味')</script><style>p{}</style>噪声<!-- 隐藏 -->", "噪声"),
        ("噪声<script>没有闭合", "噪声"),
        ('太臭了<span class="url-icon"><img alt=[怒] src="x"></span><img alt="图片">', "太臭了[怒]"),
        ("<!-- 没有闭合 <p>异味</p>", "没有闭合\n异味"),
    ],
)
def test_markup_becomes_what_a_reader_sees(markup: str, text: str) -> None:
    assert looks_like_html(markup)
    assert plain_text(markup) == text


@pytest.mark.parametrize("text", ["a<b 且 c>d", "PM2.5<35, COD>40", "<清源河>治理", "AT&T", "1 < 2", "<<你好>>"])
def test_a_text_with_angle_brackets_is_no_markup(tmp_path: Path, text: str) -> None:
    assert not looks_like_html(text)
    assert texts(jsonl(tmp_path / "a.jsonl", {"text": text})) == [text]


@pytest.mark.parametrize("piece", ["<", "<p", "<!--", "<a " * 3, "<script>", "&", "&#", "</", "<img alt="])
def test_hostile_markup_costs_no_more_than_its_length(piece: str) -> None:
    markup = piece * (500_000 // len(piece))
    with suppress(InputError):
        assert len(plain_text(markup)) <= len(markup)


@given(st.text(st.one_of(st.sampled_from("<>/&;#!-=\"' \n"), st.sampled_from("pascriptdvimglt0123"), st.characters())))
def test_any_text_is_markup_of_some_plain_text(markup: str) -> None:
    looks_like_html(markup)
    assert len(plain_text(markup)) <= len(markup)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (12, 12),
        (12.0, 12),
        ("12", 12),
        ("1万", 10_000),
        ("1.2万+", 12_000),
        ("100万+", 1_000_000),
        ("3亿", 300_000_000),
        ("1.2w", 12_000),
        ("12,345", 12_345),
        ("", None),
        ("转发", None),
        ("-1", None),
        (-1, None),
        (1.5, 1),
        (True, None),
        (None, None),
        ([1], None),
        (10**30, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_count_is_read_as_sites_write_it(value: object, count: int | None) -> None:
    assert count_of(value) == count


def test_texts_hold_nothing_that_a_store_could_choke_on() -> None:
    assert text_of("甲\ud83d乙\ud83d\ude00\x00\r\n丙\u200b") == "甲\ufffd乙\U0001f600\n丙"


def test_a_list_may_come_as_an_object() -> None:
    assert objects_of({"0": {"a": 1}, "1": {"a": 2}}) == objects_of([{"a": 1}, 7, {"a": 2}, None])
    assert objects_of("text") == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["昨天 12:30", "<p>a</p>"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("id", "title", "text", "内容", "published_at", "author", "url", "source", "channel", "likes", "parent_id")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON, max_size=4))
def test_any_json_gives_a_storable_post_or_a_reject_a_line(folder: Path, rows: list[object]) -> None:
    path = folder / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = read(path)
    bad_times = sum(isinstance(item, Reject) and item.reason == "bad_time" for item in items)
    assert len(items) - bad_times == len(rows)
    for item in items:
        if isinstance(item, Post):
            assert item.text.strip()
            assert item.published_at is None or item.published_at <= NOW + AHEAD
            assert all(count is None or 0 <= count <= LARGEST_COUNT for count in (item.likes, item.reposts))
            repr(item).encode()
            item.text.encode()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text(st.sampled_from('编号内容,;"\n\r\t1异味')).map(str.encode))
def test_any_bytes_are_rows_rejects_or_an_input_error(folder: Path, data: bytes) -> None:
    for name in ("a.csv", "a.jsonl", "a.jsonl.gz", "a.xlsx"):
        with suppress(InputError):
            items = read(written(folder / name, data))
            assert len({item.id for item in items if isinstance(item, Reject)}) <= data.count(b"\n") + 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(place=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_damaged_workbook_never_crashes(folder: Path, place: int, value: int) -> None:
    buffer = BytesIO()
    book = Workbook()
    book.active.append(["编号", "内容"])
    book.active.append([1, "异味"])
    book.save(buffer)
    data = bytearray(buffer.getvalue())
    data[place % len(data)] = value
    with suppress(InputError):
        assert len(texts(written(folder / "b.xlsx", bytes(data)))) <= 1


# Real exports, where they are at hand.


def _needed(name: str) -> Path:
    path = CORPUS / name
    if not path.exists():
        pytest.skip(f"needs the real texts beside the checkout: shared/corpus/{name}")
    return path


def test_the_real_posts_are_all_taken() -> None:
    items = read(_needed("posts.jsonl.gz"))
    assert len({item.id for item in items if isinstance(item, Post)}) == len(items) == 18_706
    channels = Counter(item.channel for item in items if isinstance(item, Post))
    assert channels == {
        Channel.NEWS: 9178,
        Channel.SOCIAL: 3444 + 1708,
        Channel.BOARD: 1487,
        Channel.HOTLINE: 1486,
        Channel.FORUM: 1403,
    }


@pytest.mark.parametrize(("name", "count"), [("hotline_messages.csv", 4326), ("hotline_replies.csv", 2816)])
def test_the_real_hotline_exports_are_all_taken_with_their_times(name: str, count: int) -> None:
    items = read(_needed(name))
    assert sum(isinstance(item, Post) and item.published_at is not None for item in items) == len(items) == count
