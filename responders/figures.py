"""The numbers, units, dates and organisations in a text, in one spelling, so that two texts can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

UNITS = {
    "mg/L": ("mg/L", "mg/l", "毫克/升", "毫克每升"),
    "μg/L": ("μg/L", "µg/L", "ug/L", "微克/升", "微克每升"),
    "mg/m3": ("mg/m3", "mg/m³", "毫克/立方米", "毫克每立方米"),
    "μg/m3": ("μg/m3", "μg/m³", "µg/m3", "µg/m³", "ug/m3", "微克/立方米", "微克每立方米"),
    "%": ("%", "％", "个百分点"),
    "dB": ("dB(A)", "dB（A）", "dB", "分贝"),
    "kg": ("kg", "千克", "公斤"),
    "km": ("km", "千米", "公里"),
    "万": ("万",),
    "亿": ("亿",),
    "年": ("年",),
    "月": ("月",),
    "日": ("日", "号"),
    "天": ("天",),
    "时": ("时", "点"),
    "小时": ("小时", "个小时"),
    "分": ("分",),
    "分钟": ("分钟",),
    "秒": ("秒",),
    "人": ("人", "名"),
    "立方米": ("立方米", "m3", "m³", "方"),
    "平方米": ("平方米", "m2", "m²"),
    "米": ("米",),
    "升": ("升",),
    "亩": ("亩",),
    "吨": ("吨",),
    "元": ("元",),
    "级": ("级",),
    "类": ("类",),
    "条": ("条",),
    "倍": ("倍",),
    "度": ("度", "℃", "摄氏度"),
    "户": ("户",),
    "家": ("家",),
    "个": ("个",),
    "起": ("起",),
    "期": ("期",),
    "次": ("次",),
}
"""Units by the spelling they are compared in."""

_SPELLINGS = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings}
_UNIT = "|".join(re.escape(each) for each in sorted(_SPELLINGS, key=len, reverse=True))
_ABOUT = "[余多来几]?"
_NUMERALS = "零〇一二两三四五六七八九十百千"
_ARABIC = re.compile(rf"(?P<number>\d{{1,3}}(?:,\d{{3}})+(?:\.\d+)?|\d+(?:\.\d+)?){_ABOUT}[ \u00a0]?(?P<unit>{_UNIT})?")
_CHINESE = re.compile(rf"(?P<number>[{_NUMERALS}]+){_ABOUT}(?P<unit>{_UNIT})")
_PER_HUNDRED = re.compile(rf"百分之(?P<number>[{_NUMERALS}]+)")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９．", "0123456789.")
_CLOCK = re.compile(r"(?<!\d)(\d{1,2}):(\d{2})(?!\d)")
_ISO_DATE = re.compile(r"(?<!\d)(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")

_DIGITS = {"零": 0, "〇": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_SCALES = {"十": 10, "百": 100, "千": 1000}

IDIOMS = frozenset(
    {"一起", "一家", "一度", "一次", "一级", "一类", "一个", "一点", "一分", "一时", "两家", "一方", "一条"}
)
"""Words that look like a number with a unit and mostly are not one."""


class Figure(NamedTuple):
    """A number with its unit, '' without one."""

    value: Decimal
    unit: str

    def __str__(self) -> str:
        return f"{self.value.normalize():f}{self.unit}"


def figures(text: str) -> set[Figure]:
    """Return the numbers in a text, Arabic or Chinese, however spelled: 8:30, 8时30分 and 八点三十分 are the same."""
    plain = text.translate(_FULL_WIDTH)
    plain = _ISO_DATE.sub(r"\1年\2月\3日", plain)
    plain = _CLOCK.sub(r"\1时\2分", plain)
    return {*_arabic(plain), *_chinese(plain)}


def _arabic(text: str) -> Iterator[Figure]:
    for match in _ARABIC.finditer(text):
        unit = _SPELLINGS.get(match["unit"] or "", "")
        yield Figure(Decimal(match["number"].replace(",", "")), unit)


def _chinese(text: str) -> Iterator[Figure]:
    for match in _PER_HUNDRED.finditer(text):
        yield Figure(Decimal(chinese_number(match["number"])), "%")
    for match in _CHINESE.finditer(_PER_HUNDRED.sub("", text)):
        if match[0] not in IDIOMS:
            yield Figure(Decimal(chinese_number(match["number"])), _SPELLINGS[match["unit"]])


def chinese_number(numerals: str) -> int:
    """Return the value of Chinese numerals below ten thousand: 一百二十, 十五, 二〇二六."""
    if not set(numerals) & set(_SCALES):
        return int("".join(str(_DIGITS[each]) for each in numerals))
    total, digit = 0, 0
    for each in numerals:
        if each in _SCALES:
            total += (digit or 1) * _SCALES[each]
            digit = 0
        else:
            digit = _DIGITS[each]
    return total + digit


_ORGANISATION = re.compile(
    r"[\u4e00-\u9fff]{2,}?(?:有限责任公司|有限公司|公司|集团|化工园|工业园|开发区|监测站|水厂|工厂|分局|局|委员会|委|医院|大桥|断面|水库)"
)
_BOUNDARY = frozenset("为是由对向和与及在于经将从至到据把被让给请该本我各等的映")
"""Characters that commonly stand right before a name without being part of it."""


def foreign_names(text: str, source: str) -> list[str]:
    """Return the organisations and places named in a text whose full name does not stand in the source."""
    known = "".join(source.split())
    return [match[0] for match in _ORGANISATION.finditer(text) if not _stands_in(match[0], known)]


def _stands_in(run: str, source: str) -> bool:
    """Tell whether a name that ends a run of characters is in the source: all of it, or what follows a boundary."""
    starts = [0, *(i + 1 for i, each in enumerate(run) if each in _BOUNDARY)]
    names = [run[start:] for start in starts]
    return any(len(name) >= 2 and name in source for name in names)
