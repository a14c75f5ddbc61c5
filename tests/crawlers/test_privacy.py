"""Authors leave as pseudonyms; personal numbers in texts are starred out and nothing else is."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.privacy import Pseudonyms, load_key, mask_personal, masked
from qingting.errors import ConfigError

KEY = b"0123456789abcdef0123456789abcdef"


def test_the_same_author_of_the_same_source_has_the_same_key() -> None:
    assert Pseudonyms(KEY).key_of("weibo", "1000000001") == Pseudonyms(KEY).key_of("weibo", "1000000001")


def test_another_source_author_or_secret_gives_another_key() -> None:
    keys = {
        Pseudonyms(KEY).key_of("weibo", "张三"),
        Pseudonyms(KEY).key_of("forum", "张三"),
        Pseudonyms(KEY).key_of("weibo", "李四"),
        Pseudonyms(KEY[::-1]).key_of("weibo", "张三"),
    }
    assert len(keys) == 4


def test_no_author_has_no_key_and_no_key_makes_no_pseudonyms() -> None:
    assert Pseudonyms(KEY).key_of("weibo", "") == ""
    with pytest.raises(ValueError, match="without a key"):
        Pseudonyms(b"")


@given(st.text(min_size=1))
def test_a_key_is_16_hexadecimal_digits_whatever_the_author(author: str) -> None:
    key = Pseudonyms(KEY).key_of("weibo", author)
    assert len(key) == 16
    assert set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ""),
        (" ", ""),
        ("张", "*"),
        ("张三", "张*"),
        ("王小明", "王*明"),
        ("清源河边的老渔夫", "清**夫"),
        (" 张 三 ", "张*三"),
        ("张*", "张*"),
    ],
)
def test_a_name_is_masked_to_its_ends(name: str, expected: str) -> None:
    assert masked(name) == expected


@given(st.text(st.characters(exclude_characters="*", exclude_categories=("Z", "C")), min_size=1))
def test_a_masked_name_is_never_the_whole_name(name: str) -> None:
    assert "*" in masked(name)
    assert len(masked(name)) <= 4


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = load_key(tmp_path, {})
    assert load_key(tmp_path, {}) == first
    assert stat.S_IMODE((tmp_path / "author.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["author.key"]


def test_two_homes_have_two_keys(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert load_key(tmp_path / "a", {}) != load_key(tmp_path / "b", {})


def test_a_key_that_another_process_wrote_meanwhile_is_kept(tmp_path: Path) -> None:
    other = "another process was here first 1"

    def interrupted(count: int) -> bytes:
        (tmp_path / "author.key").write_text(other)
        return bytes(count)

    assert load_key(tmp_path, {}, interrupted) == other.encode()


def test_the_environment_gives_the_key_before_the_file(tmp_path: Path) -> None:
    assert load_key(tmp_path, {"QINGTING_AUTHOR_KEY": "a key of the office's own"}) == b"a key of the office's own"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environ", [{"QINGTING_AUTHOR_KEY": "short"}, {}])
def test_a_key_that_could_be_guessed_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    (tmp_path / "author.key").write_text("")
    with pytest.raises(ConfigError) as caught:
        load_key(tmp_path, environ)
    assert caught.value.reason == "bad_value"


def test_a_key_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "author.key").mkdir()
    with pytest.raises(ConfigError) as caught:
        load_key(tmp_path, {})
    assert caught.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请联系13812345678，谢谢", "请联系138****5678，谢谢"),
        ("电话：138 1234 5678", "电话：138 **** 5678"),
        ("电话138-1234-5678转1", "电话138-****-5678转1"),
        ("+8613812345678", "+86138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("手机13812345678/13912345678", "手机138****5678/139****5678"),
        ("身份证11010119900307123X", "身份证110101********123X"),
        ("身份证110101199003071234（校验位写错也一样）", "身份证110101********1234（校验位写错也一样）"),
        ("110101 19900307 1234", "110101 ******** 1234"),
        ("旧证110101900307123", "旧证110101*****7123"),
        ("邮箱zhang.san@example.com.cn", "邮箱z********@example.com.cn"),
        ("13812345678@example.com", "1**********@example.com"),
        ("卡号6222020000000000000", "卡号***************0000"),
        ("卡号 6222 0200 0000 0000 000", "卡号 **** **** **** ***0 000"),
        ("车牌京A12345冒黑烟", "车牌京A***45冒黑烟"),
        ("粤B·D12345新能源车", "粤B·****45新能源车"),
        ("京Ａ１２３４５", "京Ａ***４５"),
        ("见https://example.com/，电话13812345678", "见https://example.com/，电话138****5678"),
    ],
)
def test_personal_data_is_starred_out(text: str, expected: str) -> None:
    assert mask_personal(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "请拨打12369或12345",
        "区号电话0999-1234567",
        "罚款13800000000元",
        "投资13812345678.5万",
        "排放量13812345678吨",
        "时间20241105100000，编号20241105100000123",
        "2024-11-05 10:00:00",
        "COD 30.13812345678 mg/L",
        "https://m.weibo.cn/status/5097000000000001?uid=13812345678",
        "https://user.example.com/13812345678",
        "单号6222020000000000001",
        "新B区2号楼，川A区",
        "@清源发布 转发",
        "PM2.5浓度为35微克每立方米",
        "",
    ],
)
def test_hotlines_dates_amounts_and_addresses_are_left_alone(text: str) -> None:
    assert mask_personal(text) == text


@given(st.text(st.one_of(st.sampled_from("0123456789Xx @.-京A１３８,https://"), st.characters())))
def test_a_mask_keeps_the_length_and_masks_nothing_twice(text: str) -> None:
    once = mask_personal(text)
    assert len(once) == len(text)
    assert mask_personal(once) == once
    assert all(new in (old, "*") for old, new in zip(text, once, strict=True))


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    st.text(st.characters(categories=("Lo", "Po"), exclude_characters=".．·元万亿吨多余"), max_size=8),
    st.text(st.characters(categories=("Lo", "Po"), exclude_characters=".．·元万亿吨多余"), max_size=8),
)
def test_no_phone_number_between_chinese_words_survives(phone: str, before: str, after: str) -> None:
    assert phone not in mask_personal(f"{before}{phone}{after}")
