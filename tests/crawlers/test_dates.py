"""Every form of time that sites and exports are known to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.dates import AHEAD, EARLIEST, parse_time
from qingting.model import SHANGHAI

# A Tuesday.
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=SHANGHAI)


def at(text: str, now: datetime = NOW) -> str:
    moment = parse_time(text, now)
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S") if moment else "none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("刚刚", "2026-11-24 15:30:00"),
        ("10秒前", "2026-11-24 15:29:50"),
        ("5分钟前", "2026-11-24 15:25:00"),
        ("５分钟前", "2026-11-24 15:25:00"),
        ("10分鐘前", "2026-11-24 15:20:00"),
        ("几分钟前", "2026-11-24 15:27:00"),
        ("十五分钟前", "2026-11-24 15:15:00"),
        ("半小时前", "2026-11-24 15:00:00"),
        ("1小时30分钟前", "2026-11-24 14:00:00"),
        ("3 小时前", "2026-11-24 12:30:00"),
        ("3个小时以前", "2026-11-24 12:30:00"),
        ("2天前", "2026-11-22 15:30:00"),
        ("一周前", "2026-11-17 15:30:00"),
        ("2个星期前", "2026-11-10 15:30:00"),
        ("9个月前", "2026-02-24 15:30:00"),
        ("半个月前", "2026-11-09 15:30:00"),
        ("1年前", "2025-11-24 15:30:00"),
    ],
)
def test_a_time_ago_is_counted_from_the_fetch(text: str, expected: str) -> None:
    assert at(text) == expected


def test_months_before_a_long_month_end_on_the_last_day_of_a_short_one() -> None:
    assert at("1个月前", datetime(2026, 3, 31, 8, tzinfo=SHANGHAI)) == "2026-02-28 08:00:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("今天 13:00", "2026-11-24 13:00:00"),
        ("今天13点40分", "2026-11-24 13:40:00"),
        ("今天9点半", "2026-11-24 09:30:00"),
        ("今天", "2026-11-24 00:00:00"),
        ("昨天 12:30", "2026-11-23 12:30:00"),
        ("昨天12:30:45", "2026-11-23 12:30:45"),
        ("昨日 20:21", "2026-11-23 20:21:00"),
        ("昨晚8点", "2026-11-23 20:00:00"),
        ("昨天下午3点05分", "2026-11-23 15:05:00"),
        ("昨天下午12:30", "2026-11-23 12:30:00"),
        ("昨天晚上12点", "2026-11-24 00:00:00"),
        ("昨天凌晨12点30分", "2026-11-23 00:30:00"),
        ("昨天深夜11点", "2026-11-23 23:00:00"),
        ("前天 15:36", "2026-11-22 15:36:00"),
        ("大前天 15:36", "2026-11-21 15:36:00"),
        ("8:05", "2026-11-24 08:05:00"),
        ("编辑于 昨天 12:30", "2026-11-23 12:30:00"),
    ],
)
def test_a_day_word_is_a_day_in_shanghai(text: str, expected: str) -> None:
    assert at(text) == expected


def test_yesterday_is_counted_from_the_day_in_shanghai_not_in_utc() -> None:
    assert at("昨天 12:30", datetime(2026, 11, 23, 17, 0, tzinfo=UTC)) == "2026-11-23 12:30:00"


def test_a_time_of_today_that_is_still_to_come_was_yesterday() -> None:
    midnight = datetime(2026, 11, 25, 0, 5, tzinfo=SHANGHAI)
    assert at("今天 23:50", midnight) == "2026-11-24 23:50:00"
    assert at("23:50", midnight) == "2026-11-24 23:50:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("上周五", "2026-11-20 00:00:00"),
        ("上周二 8:00", "2026-11-17 08:00:00"),
        ("上上周五", "2026-11-13 00:00:00"),
        ("周一 8:00", "2026-11-23 08:00:00"),
        ("星期一 8:00", "2026-11-23 08:00:00"),
        ("周二 8:00", "2026-11-24 08:00:00"),
        ("周二 18:00", "2026-11-17 18:00:00"),
        ("星期日 10:00", "2026-11-22 10:00:00"),
        ("周天10点", "2026-11-22 10:00:00"),
    ],
)
def test_a_weekday_is_the_latest_one_that_is_past(text: str, expected: str) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11-05", "2026-11-05 00:00:00"),
        ("10-03 08:05", "2026-10-03 08:05:00"),
        ("10月3日 08:05", "2026-10-03 08:05:00"),
        ("11月05日", "2026-11-05 00:00:00"),
        ("十一月五日", "2026-11-05 00:00:00"),
        ("12-31 23:00", "2025-12-31 23:00:00"),
        ("12月1日 周一 10:00", "2025-12-01 10:00:00"),
        ("11/24 15:35", "2026-11-24 15:35:00"),
        ("02-29", "2024-02-29 00:00:00"),
    ],
)
def test_a_date_without_a_year_is_the_latest_that_is_not_in_the_future(text: str, expected: str) -> None:
    assert at(text) == expected


def test_new_years_eve_read_on_new_years_day_is_last_years() -> None:
    assert at("12-31 23:59", datetime(2027, 1, 1, 0, 3, tzinfo=SHANGHAI)) == "2026-12-31 23:59:00"
    assert at("01-01 00:02", datetime(2026, 12, 31, 23, 58, tzinfo=SHANGHAI)) == "2027-01-01 00:02:00"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024年11月5日 10:00", "2024-11-05 10:00:00"),
        ("2024年11月05日10:00:09", "2024-11-05 10:00:09"),
        ("2024年11月5日 星期二 10:00", "2024-11-05 10:00:00"),
        ("二〇二四年十一月五日", "2024-11-05 00:00:00"),
        ("2024-11-05", "2024-11-05 00:00:00"),
        ("24-11-05 10:00", "2024-11-05 10:00:00"),
        ("2024.11.05 10:00", "2024-11-05 10:00:00"),
        ("2019/2/28 11:25:05", "2019-02-28 11:25:05"),
        ("发布于 2026-3-15", "2026-03-15 00:00:00"),
        ("发布时间：2024-11-05 10:00 来自 网页", "2024-11-05 10:00:00"),
        ("2024-11-05T10:00:00", "2024-11-05 10:00:00"),
        ("2024-11-05T02:00:00Z", "2024-11-05 10:00:00"),
        ("2024-11-05T02:00:00.123456+00:00", "2024-11-05 10:00:00"),
        ("2024-11-05 10:00:00+0800", "2024-11-05 10:00:00"),
        ("2024-11-05 24:00", "2024-11-06 00:00:00"),
        ("20241105", "2024-11-05 00:00:00"),
        ("20241105100009", "2024-11-05 10:00:09"),
        ("20241105T020000", "2024-11-05 02:00:00"),
        ("Tue Nov 05 10:00:00 +0800 2024", "2024-11-05 10:00:00"),
        ("Tue Nov 05 10:00:00 CST 2024", "2024-11-05 10:00:00"),
        ("Tue Nov 5 10:00:00 2024", "2024-11-05 10:00:00"),
        ("Tue, 05 Nov 2024 02:00:00 GMT", "2024-11-05 10:00:00"),
        ("05 Nov 2024 10:00:00 +0800", "2024-11-05 10:00:00"),
        ("Tue Nov 05 2024 10:00:00 GMT+0800 (中国标准时间)", "2024-11-05 10:00:00"),
        ("1730772000", "2024-11-05 10:00:00"),
        ("1730772000.0", "2024-11-05 10:00:00"),
        ("1730772000000", "2024-11-05 10:00:00"),
    ],
)
def test_a_full_date_is_taken_as_written(text: str, expected: str) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "很久以前",
        "2024-13-05",
        "2024-02-30 10:00",
        "02-30",
        "13-45",
        "2024-11-05 25:00",
        "2024-11-05 10:61",
        "2024-11-05 10:00:00+99:99",
        "0000-00-00 00:00:00",
        "0001-01-01",
        "9999-12-31 23:59:59",
        "2099-01-01",
        "1970-01-01 08:00:00",
        "0000000000",
        "9999999999999",
        "99999999",
        "999999年前",
        "999999天前",
        "星期八",
        "²³:00",
        "09-1.24",
        "今天 13:00 " * 40,
    ],
)
def test_an_impossible_time_is_none(text: str) -> None:
    assert parse_time(text, NOW) is None


def test_a_caller_may_allow_times_further_ahead() -> None:
    assert parse_time("2027-03-01", NOW) is None
    assert parse_time("2027-03-01", NOW, timedelta(days=366)) is not None


# Seconds from 1992 (after the last summer time of China) to the day of NOW.
MOMENTS = st.integers(694_195_200, 1_795_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, SHANGHAI))
FRAGMENTS = st.sampled_from(
    [*"今天昨前周星期日月年点半分秒个几十二〇-/:.+ TZ", "上周", "小时", "1", "24", "99", "2024", "GMT", "Nov", "Tue"]
)


@given(
    st.one_of(st.text(max_size=40), st.lists(FRAGMENTS, max_size=10).map("".join)),
    MOMENTS,
)
def test_whatever_is_written_the_answer_is_possible_or_none(text: str, now: datetime) -> None:
    moment = parse_time(text, now)
    assert moment is None or (moment.tzinfo is UTC and EARLIEST <= moment <= now + AHEAD)


@given(MOMENTS)
def test_a_written_moment_since_the_last_summer_time_is_read_back(moment: datetime) -> None:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S", "%Y/%m/%dT%H:%M:%S%z", "%a %b %d %H:%M:%S %z %Y"):
        assert parse_time(moment.strftime(form), NOW) == moment
