from __future__ import annotations

import pytest

from nlp.measurements import find_measurements, find_pollutants, number
from nlp.normalize import clean


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PM2.5浓度达150微克/立方米", [("PM2.5", 150.0, "微克/立方米")]),
        ("PM2.5 达到了 300 μg/m³", [("PM2.5", 300.0, "微克/立方米")]),
        ("PM2.5平均浓度为三十五点二微克每立方米", [("PM2.5", 35.2, "微克/立方米")]),
        ("PM10 一百五十微克/立方米", [("PM10", 150.0, "微克/立方米")]),
        ("氨氮浓度为1.5mg/L，总磷0.3毫克/升", [("氨氮", 1.5, "毫克/升"), ("总磷", 0.3, "毫克/升")]),
        ("COD超标3倍", [("COD", 3.0, "超标倍数")]),
        ("化学需氧量超标3.2倍", [("COD", 3.2, "超标倍数")]),
        ("镉超标百分之八十", [("镉", 80.0, "超标%")]),
        ("pH值9.2", [("pH", 9.2, "")]),
        ("AQI 210", [("AQI", 210.0, "")]),
        ("AQI爆表到了500", [("AQI", 500.0, "")]),
        ("空气质量指数(AQI)为156", [("AQI", 156.0, "")]),
        ("今天PM2.5：８８", [("PM2.5", 88.0, "")]),
        ("噪声高达八十五分贝", [("噪声", 85.0, "分贝")]),
        ("夜间85分贝", [("噪声", 85.0, "分贝")]),
        ("二氧化碳排放量3000万吨", [("二氧化碳", 3000.0, "万吨")]),
    ],
)
def test_a_stated_value_is_found(text: str, expected: list[tuple[str, float, str]]) -> None:
    assert [(each.pollutant, each.value, each.unit) for each in find_measurements(clean(text))] == expected


@pytest.mark.parametrize(
    "text", ["", "3000吨大米", "增长5.2%", "AQI 2024年", "pH 2023", "一百多人", "铅笔3支", "2.5", "COVID19"]
)
def test_other_numbers_are_no_measurements(text: str) -> None:
    assert find_measurements(clean(text)) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("铅、汞等重金属", ("铅", "汞", "重金属")),
        ("挥发性有机物和臭氧", ("VOCs", "臭氧")),
        ("细颗粒物即PM2.5", ("PM2.5",)),
        ("铅笔", ()),
        ("code", ()),
    ],
)
def test_pollutants_go_by_their_common_names(text: str, expected: tuple[str, ...]) -> None:
    assert find_pollutants(clean(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,200.5", 1200.5),
        ("一百二十", 120),
        ("三点五", 3.5),
        ("两", 2),
        ("十", 10),
        ("二〇二", 202),
        ("点", None),
        ("", None),
    ],
)
def test_numbers_in_digits_and_in_words(text: str, value: float | None) -> None:
    assert number(text) == value


def test_positions_are_in_the_text_as_collected() -> None:
    text = "\u200bCOD\u200b超标\u200b3倍"
    each = find_measurements(clean(text))[0]
    assert text[each.start : each.end] == "超标\u200b3倍"
