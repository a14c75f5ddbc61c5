"""Times as Chinese sites and exports write them, anchored on the moment they were fetched."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from qingting.model import SHANGHAI

# A server's clock may run ahead of ours, and a zone may be wrong by some hours: no post is from later than that.
AHEAD = timedelta(days=1)
# Nobody posted on the Web before; earlier times are the zeros and defaults of somebody's database.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
# A time without its day or year that lies this little ahead comes from a clock that runs fast; further ahead, it is
# yesterday's or last year's.
SLACK = timedelta(minutes=10)
# 29 February without a year may be this many years old (there is none in 1900 or 2100).
LEAP_YEARS = 8
# Longer texts are no times; the longest form seen, with a prefix and its origin behind it, has about 60 characters.
LONGEST = 80

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_CHINESE_DIGITS = {character: value for value, character in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_NUMERAL = re.compile("[〇零一二两三四五六七八九十]+")
_PREFIX = re.compile(r"^(?:最后)?(?:发布|发表|更新|编辑|修改)?(?:日期|时间|于)? ?:? ?")
_SUFFIX = re.compile(r" ?(?:来自.*|发布|更新|\([^()]*\))$")

_CLOCK = (
    r"(?P<part>凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜间|深夜|早|晨|晚|夜)? ?"
    r"(?P<hour>[0-9]{1,2})(?::|点|时|時)"
    r"(?:(?P<half>半)|(?P<minute>[0-9]{1,2})(?:分|:)?(?:(?P<second>[0-9]{1,2})(?:[.,][0-9]{1,9})?秒?)?)?"
)
_ZONE = r"(?P<zone>Z|CST|(?:GMT|UTC?)?[+-][0-9]{2}(?::?[0-9]{2})?|GMT|UTC?)"
_WEEKDAY = r"(?:周|星期|礼拜)(?P<weekday>[1-7日天])"
_OPTIONAL_WEEKDAY = r"(?: ?\(?(?:周|星期|礼拜)[1-7日天]\)?)?"
_ENGLISH_DAY = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? "
_ENGLISH_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
_ENGLISH_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?"
_AGO = (
    r"(?P<number>[0-9]{1,6}(?:\.[0-9])?|半|几|数)(?:多|几)? ?"
    r"个?(?P<unit>秒|分|小时|小時|天|日|周|星期|礼拜|月|年)(?:钟|鐘)? ?"
)

_MONTHS = {name.lower(): number for number, name in enumerate(calendar.month_abbr) if number}
# From which hour of 12 on a part of the day means the second half: 深夜2点 is before dawn, 深夜11点 is 23:00.
_PM_FROM = {"中午": 1, "下午": 1, "傍晚": 1, "晚上": 1, "晚": 1, "夜间": 6, "深夜": 6, "夜": 6}
_DAYS_BACK = {"今": 0, "昨": 1, "前": 2, "大前": 3}
_UNITS = {
    "秒": timedelta(seconds=1),
    "分": timedelta(minutes=1),
    "小时": timedelta(hours=1),
    "小時": timedelta(hours=1),
    "天": timedelta(days=1),
    "日": timedelta(days=1),
    "周": timedelta(weeks=1),
    "星期": timedelta(weeks=1),
    "礼拜": timedelta(weeks=1),
}
# 几分钟前 says no more than that; three is what a reader takes it for.
_VAGUE = {"半": 0.5, "几": 3.0, "数": 3.0}

Fields = dict[str, str | None]


def parse_time(text: str, fetched_at: datetime, ahead: timedelta = AHEAD) -> datetime | None:
    """Return the moment a text names, in UTC, or None where it names none that is possible.

    Times without a zone are Asia/Shanghai's; without a year, the latest one that is not in the future. None is also
    the answer to a moment before 1990 or later than `ahead` after the fetch.
    """
    if len(text) > LONGEST:
        return None
    plain = _normalised(text)
    now = fetched_at.astimezone(SHANGHAI)
    for pattern, build in _FORMS:
        match = pattern.fullmatch(plain)
        if match is None:
            continue
        try:
            moment = build(match.groupdict(), now)
            return moment.astimezone(UTC) if moment and EARLIEST <= moment <= fetched_at + ahead else None
        except (ValueError, OverflowError):  # a 13th month, a 32nd day, a 25th hour, a year 0
            return None
    return None


def _normalised(text: str) -> str:
    """Return a text in ASCII digits and signs, single spaces, without what surrounds a time."""
    plain = " ".join(text.translate(_WIDE).split())
    plain = _NUMERAL.sub(lambda match: _number(match.group()), plain)
    return _SUFFIX.sub("", _PREFIX.sub("", plain)).strip()


def _number(numeral: str) -> str:
    """Return a Chinese numeral below 100, or one written digit by digit, in ASCII digits."""
    tens, ten, ones = numeral.partition("十")
    if not ten:
        return "".join(str(_CHINESE_DIGITS[character]) for character in numeral)
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return numeral
    return str(_CHINESE_DIGITS.get(tens, 1) * 10 + _CHINESE_DIGITS.get(ones, 0))


def _just_now(_: Fields, now: datetime) -> datetime:
    return now


def _ago(found: Fields, now: datetime) -> datetime:
    """Return a moment some units before the fetch, as in 1小时30分钟前."""
    moment = now
    for part in re.finditer(_AGO, found["ago"] or ""):
        number = _VAGUE[part["number"]] if part["number"] in _VAGUE else float(part["number"])
        if part["unit"] in _UNITS:
            moment -= number * _UNITS[part["unit"]]
        else:
            moment = _months_before(moment, number * (12 if part["unit"] == "年" else 1))
    return moment


def _months_before(moment: datetime, months: float) -> datetime:
    """Return the same day some months earlier, or that month's last; half a month is 15 days."""
    whole = int(months)
    year, month = divmod(moment.year * 12 + moment.month - 1 - whole, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day) - timedelta(days=30 * (months - whole))


def _day_word(found: Fields, now: datetime) -> datetime | None:
    back = timedelta(days=_DAYS_BACK[found["day_word"] or ""])
    # A cached page may say 今天 23:50 after midnight.
    return _latest((now.date() - back - timedelta(days=late) for late in (0, 1)), found, now)


def _time_only(found: Fields, now: datetime) -> datetime | None:
    return _latest((now.date() - timedelta(days=late) for late in (0, 1)), found, now)


def _weekday(found: Fields, now: datetime) -> datetime | None:
    named = found["weekday"] or ""
    weekday = 6 if named in "日天7" else int(named) - 1
    this_week = now.date() - timedelta(days=now.weekday() - weekday)
    weeks = (found["weeks"] or "").count("上")
    return _latest((this_week - timedelta(weeks=weeks + late) for late in (0, 1)), found, now)


def _month_and_day(found: Fields, now: datetime) -> datetime | None:
    month, day = int(found["month"] or 0), int(found["day"] or 0)
    years = range(now.year + 1, now.year - LEAP_YEARS, -1)
    if not any(day <= calendar.monthrange(year, month)[1] for year in years):
        return None
    return _latest((date(y, month, day) for y in years if day <= calendar.monthrange(y, month)[1]), found, now)


def _latest(days: Iterable[date], found: Fields, now: datetime) -> datetime | None:
    """Return the first of the days, latest first, on which the time of day is not in the future."""
    moments = (_at(day, found, SHANGHAI) for day in days)
    return next((moment for moment in moments if moment <= now + SLACK), None)


def _full_date(found: Fields, _: datetime) -> datetime:
    year, month = found["year"] or "", (found["month"] or "").lower()[:3]
    number = _MONTHS[month] if month in _MONTHS else int(month)
    day = date(int(year) + (2000 if len(year) == 2 else 0), number, int(found["day"] or 0))
    return _at(day, found, _zone(found.get("zone")))


def _unix(found: Fields, _: datetime) -> datetime:
    digits = found["digits"] or ""
    return datetime.fromtimestamp(int(digits) / (1000 if len(digits) == 13 else 1), UTC)


def _at(day: date, found: Fields, zone: tzinfo) -> datetime:
    """Return a day at the time of day that was found, or at its beginning; 24:00 is the next day's."""
    hour = _hour(int(found.get("hour") or 0), found.get("part") or "")
    minute = 30 if found.get("half") else int(found.get("minute") or 0)
    second = min(int(found.get("second") or 0), 59)  # a leap second
    if hour == 24 and minute == 0:
        day, hour = day + timedelta(days=1), 0
    return datetime.combine(day, time(hour, minute, second), zone)


def _hour(hour: int, part: str) -> int:
    """Return the hour of 24 that an hour of 12 means in a part of the day."""
    if hour == 12:
        return {"凌晨": 0, "晚上": 24, "晚": 24, "夜间": 24, "深夜": 24, "夜": 24}.get(part, 12)
    begins = _PM_FROM.get(part)
    return hour + 12 if hour < 12 and begins is not None and begins <= hour else hour


def _zone(name: str | None) -> tzinfo:
    """Return a zone by name or offset; CST is China's, since no site read here means Chicago's."""
    if not name or name.upper() == "CST":
        return SHANGHAI
    offset = re.search(r"([+-])(\d{2}):?(\d{2})?", name)
    if not offset:
        return UTC
    minutes = int(offset[2]) * 60 + int(offset[3] or 0)
    return timezone(timedelta(minutes=minutes if offset[1] == "+" else -minutes))


def _form(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[Fields, datetime], datetime | None]], ...] = (
    (_form(r"刚刚|刚才|刚"), _just_now),
    (_form(rf"约?(?P<ago>(?:{re.sub(r'[?]P<[a-z]+>', '?:', _AGO)})+)[以之]?前"), _ago),
    (_form(rf"(?P<day_word>大前|今|昨|前)(?:天|日|(?=[晚早晨夜])) ?(?:{_CLOCK})?"), _day_word),
    (_form(rf"(?P<weeks>上+个?|这个?|本)?{_WEEKDAY} ?(?:{_CLOCK})?"), _weekday),
    (_form(_CLOCK), _time_only),
    (
        _form(rf"(?P<month>[0-9]{{1,2}})[-/月] ?(?P<day>[0-9]{{1,2}})[日号]?{_OPTIONAL_WEEKDAY} ?(?:{_CLOCK})?"),
        _month_and_day,
    ),
    (
        _form(
            r"(?P<year>[0-9]{4}|[0-9]{2}) ?(?:(?P<sign>[-/.])|年) ?(?P<month>[0-9]{1,2}) ?(?:(?P=sign)|月) ?"
            rf"(?P<day>[0-9]{{1,2}})[日号]?{_OPTIONAL_WEEKDAY}[T ]?(?:{_CLOCK}(?: ?{_ZONE})?)?"
        ),
        _full_date,
    ),
    (_form(r"(?P<digits>[0-9]{10}|[0-9]{13})(?:\.[0-9]+)?"), _unix),
    (
        _form(
            r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
            r"(?:T?(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?)?"
        ),
        _full_date,
    ),
    (
        _form(
            rf"{_ENGLISH_DAY}{_ENGLISH_MONTH} (?P<day>[0-9]{{1,2}}) {_ENGLISH_CLOCK} (?:{_ZONE} )?(?P<year>[0-9]{{4}})"
        ),
        _full_date,
    ),
    (
        _form(
            rf"(?:{_ENGLISH_DAY})?(?P<day>[0-9]{{1,2}})[- ]{_ENGLISH_MONTH}[- ](?P<year>[0-9]{{4}}|[0-9]{{2}}) "
            rf"{_ENGLISH_CLOCK}(?: ?{_ZONE})?"
        ),
        _full_date,
    ),
    (
        _form(
            rf"{_ENGLISH_DAY}{_ENGLISH_MONTH} (?P<day>[0-9]{{1,2}}) (?P<year>[0-9]{{4}}) "
            rf"{_ENGLISH_CLOCK}(?: ?{_ZONE})?"
        ),
        _full_date,
    ),
)
