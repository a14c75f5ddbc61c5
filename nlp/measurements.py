"""Finds pollutants and measured values in a text, as they are stated there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from nlp.lookup import Names
from nlp.normalize import Clean
from qingting.model import Measurement

_DATA = Path(__file__).parent / "data"

# Units as they are written, by the form they are given in. Longest first, for the first that fits is taken.
_UNITS: Mapping[str, str] = {
    "微克/立方米": r"(?:微克|[uμµ]g|㎍)\s*(?:/|每|／)?\s*(?:立方米|立方|m3|m³|m\^3|㎥)|微克(?![/每])",
    "毫克/立方米": r"(?:毫克|mg|㎎)\s*(?:/|每)\s*(?:立方米|立方|m3|m³|m\^3|㎥)|毫克/标准立方米",
    "毫克/升": r"(?:毫克|mg|㎎)\s*(?:/|每)\s*(?:升|l|L)",
    "微克/升": r"(?:微克|[uμµ]g|㎍)\s*(?:/|每)\s*(?:升|l|L)",
    "毫克/千克": r"(?:毫克|mg|㎎)\s*(?:/|每)\s*(?:千克|公斤|kg)",
    "个/升": r"个\s*(?:/|每)\s*升",
    "贝克勒尔/升": r"(?:贝克勒尔|贝可勒尔|贝克|贝可|Bq)\s*(?:/|每)\s*(?:升|L)",
    "微西弗/小时": r"(?:微西弗|微希沃特|[uμµ]Sv)\s*(?:/|每)\s*(?:小时|时|h)",
    "纳戈瑞/小时": r"(?:纳戈瑞|nGy)\s*(?:/|每)\s*(?:小时|时|h)",
    "分贝": r"分贝|dB\s*(?:\(A\)|A)?",
    "ppm": r"ppm",
    "ppb": r"ppb",
    "万吨": r"万吨",
    "亿吨": r"亿吨",
    "吨": r"吨",
    "%": r"%|个百分点",
}
_UNIT = "|".join(f"(?P<u{index}>{pattern})" for index, pattern in enumerate(_UNITS.values()))
_UNIT_NAMES = tuple(_UNITS)

_DIGITS = r"\d{1,9}(?:,\d{3})*(?:\.\d{1,6})?"
_CHINESE = "[零〇一二三四五六七八九十百千两点]{1,12}"
_NUMBER = rf"(?:{_DIGITS}|{_CHINESE})"

# A value with its unit; a value that exceeds a limit by so many times; the bare indices that have no unit.
_VALUE = re.compile(rf"(?P<number>{_NUMBER})\s*(?:多|余|左右)?\s*(?:{_UNIT})", re.IGNORECASE)
_EXCESS = re.compile(
    rf"超(?:标|过?(?:国家)?(?:排放)?(?:标准|限值))\s*(?:了|达|约|近|高达|至|最高)*\s*(?P<number>{_NUMBER})\s*(?P<unit>倍|%)"
)
_PERCENT = re.compile(rf"超标\s*(?:了|达|约|近|高达)*\s*百分之(?P<number>{_CHINESE})")
# Between a pollutant and its value nothing else than this may stand: verbs of measuring, averages, brackets.
_BETWEEN = (
    r"(?:的?(?:日均|小时|年均|月均|平均|最高|最大|瞬时|实测|排放|监测|实时)?"
    r"(?:质量)?(?:浓度|指数|值|含量|数值|均值|峰值|排放量|水平|读数|数据|结果)?){0,3}"
    r"(?:[\s:：,(\[\"“]|已|一度|竟|竟然|都|却|曾|约|约为|仅|仅为|超过|突破|高达|达到了?|达|为|是|在|到|至|有|升至|降至|飙升至|升到|降到|下降|"
    r"上升|爆表|了|稳定在|接近|近|=|≈|>|<|大概|左右|显示|当前|目前|今天|现在){0,5}"
)
_INDEX = re.compile(
    r"(?<![A-Za-z0-9])(?P<name>空气质量指数(?:\s?\(AQI\))?|AQI|pH|酸碱度|PM ?2\.5|PM ?10)(?:值|指数)?"
    rf"{_BETWEEN}(?P<number>{_DIGITS})"
    r"(?![\d.]|\s*(?:年|月|日|点|时|微克|毫克|个|家|倍|%|[a-zμµ㎍]))",
    re.IGNORECASE,
)
_INDEX_NAMES: Mapping[str, str] = {
    "AQI": "AQI",
    "空气质": "AQI",
    "PH": "pH",
    "酸碱度": "pH",
    "PM2": "PM2.5",
    "PM1": "PM10",
}
# Above these it is a year, a count or a price: pH ends at 14, the AQI at 500; PM rose to about 1,000 in Harbin 2013.
_HIGHEST: Mapping[str, float] = {"pH": 14, "AQI": 500, "PM2.5": 1500, "PM10": 6000}
# A tonne, a percentage or a count says nothing by itself: it must follow its pollutant directly.
_NEEDS_NAME = frozenset({"吨", "万吨", "亿吨", "%"})
_SAYS_ITSELF: Mapping[str, str] = {"分贝": "噪声"}
# How far before a value its pollutant is looked for, within the same sentence.
_REACH = 24
_STOPS = re.compile(r"[。！？!?;；\n]")

_NUMERALS: Mapping[str, int] = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_PLACES: Mapping[str, int] = {"十": 10, "百": 100, "千": 1000}


@dataclass(frozen=True, slots=True)
class _Named:
    name: str
    start: int
    end: int


def find_pollutants(passage: Clean) -> tuple[str, ...]:
    """Return the pollutants a cleaned passage names, under their common names, in order of first mention."""
    return tuple(dict.fromkeys(named.name for named in _named(passage.text)))


def find_measurements(passage: Clean) -> tuple[Measurement, ...]:
    """Return the measured values stated in a cleaned passage, in order.

    Units are given in their Chinese form; an excess over a limit has the unit 超标倍数 or 超标%; an index (AQI, pH) has
    none. `pollutant` is '' where the sentence doesn't name it.
    """
    text = passage.text
    if not any(char.isdigit() for char in text) and not re.search(_CHINESE, text):
        return ()
    named = _named(text)
    found = sorted((*_values(text, named), *_excesses(text, named), *_indices(text)), key=lambda each: each.start)
    taken: list[Measurement] = []
    for each in found:
        if not taken or each.start >= taken[-1].end:
            taken.append(each)
    return tuple(_placed(each, passage) for each in taken)


def number(text: str) -> float | None:
    """Return the value of a number in digits or Chinese numerals (一百二十, 三点五, 两); None when it is none."""
    plain = text.replace(",", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", plain):
        return float(plain)
    whole, point, decimals = plain.partition("点")
    if not whole or (point and not all(char in _NUMERALS for char in decimals)):
        return None
    value = _whole(whole)
    if value is None or (point and not decimals):
        return None
    return value + float(sum(_NUMERALS[char] / 10**place for place, char in enumerate(decimals, 1)))


def _whole(text: str) -> float | None:
    """Return the value of Chinese numerals below ten thousand, or of a row of digits (二〇二)."""
    if all(char in _NUMERALS for char in text):
        return float("".join(str(_NUMERALS[char]) for char in text))
    total, digit = 0, 0
    for char in text:
        if char in _PLACES:
            total += (digit or 1) * _PLACES[char]
            digit = 0
        elif char in _NUMERALS:
            digit = _NUMERALS[char]
        else:
            return None
    return float(total + digit)


def _values(text: str, named: Sequence[_Named]) -> Iterator[Measurement]:
    for match in _VALUE.finditer(text):
        unit = next(_UNIT_NAMES[index] for index in range(len(_UNIT_NAMES)) if match[f"u{index}"])
        value = number(match["number"])
        direct = _directly_before(text, named, match.start())
        pollutant = direct or _SAYS_ITSELF.get(unit) or _before(text, named, match.start())
        if value is None or (unit in _NEEDS_NAME and not direct):
            continue
        yield Measurement(pollutant, value, unit, match.start(), match.end())


def _excesses(text: str, named: Sequence[_Named]) -> Iterator[Measurement]:
    for pattern in (_EXCESS, _PERCENT):
        for match in pattern.finditer(text):
            value = number(match["number"])
            unit = "超标倍数" if match.groupdict().get("unit") == "倍" else "超标%"
            if value is not None:
                yield Measurement(_before(text, named, match.start()), value, unit, match.start(), match.end())


def _indices(text: str) -> Iterator[Measurement]:
    for match in _INDEX.finditer(text):
        name = _INDEX_NAMES[match["name"].replace(" ", "").upper()[:3]]
        value = number(match["number"])
        if value is not None and value <= _HIGHEST[name]:
            yield Measurement(name, value, "", match.start(), match.end())


def _directly_before(text: str, named: Sequence[_Named], start: int) -> str:
    """Return the pollutant that a value follows with only words of measuring in between, or ''."""
    for each in reversed(named):
        if each.end <= start:
            return each.name if start - each.end <= _REACH and _between().fullmatch(text, each.end, start) else ""
    return ""


def _before(text: str, named: Sequence[_Named], start: int) -> str:
    """Return the nearest pollutant before a value in the same sentence, or ''."""
    for each in reversed(named):
        if each.end <= start:
            near = start - each.end <= _REACH and not _STOPS.search(text, each.end, start)
            return each.name if near else ""
    return ""


def _placed(found: Measurement, passage: Clean) -> Measurement:
    start, end = passage.span(found.start, found.end)
    return Measurement(found.pollutant, found.value, found.unit, start, end)


def _named(text: str) -> list[_Named]:
    """Return the pollutants named in a text, in order, the longest name at each place."""
    chinese, others, names = _pollutants()
    found = [_Named(name, start, end) for start, end, name in chinese.find(text)]
    found += [_Named(names[match[0].lower()], match.start(), match.end()) for match in others.finditer(text)]
    found.sort(key=lambda each: (each.start, -each.end))
    return found


@cache
def _between() -> re.Pattern[str]:
    return re.compile(_BETWEEN)


@cache
def _pollutants() -> tuple[Names[str], re.Pattern[str], Mapping[str, str]]:
    """Return the Chinese names of pollutants, a pattern of the rest, and the common name of each of those."""
    names: dict[str, str] = {}
    for line in (_DATA / "pollutants.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            common, *others = line.split()
            names |= {other.lower(): common for other in (common, *others)}
    latin = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name[0].isascii())
    # One character names an element only where it is spoken of as a pollutant: 铅超标, 汞污染; not 铅笔, 水银.
    single = "".join(name for name in names if len(name) == 1)
    pattern = re.compile(
        rf"(?<![a-z0-9])(?:{latin})(?![a-z0-9])|[{single}](?=超标|污染|中毒|含量|浓度|泄漏|泄露|排放|、|等重金属)",
        re.IGNORECASE,
    )
    return Names({name: common for name, common in names.items() if not name[0].isascii()}), pattern, names
