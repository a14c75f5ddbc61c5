"""Numbers are the same however they are spelled."""

from __future__ import annotations

from decimal import Decimal

import pytest

from responders.figures import Figure, chinese_number, figures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("8:30", "8时30分"),
        ("八点三十分", "8时30分"),
        ("2026-09-22", "2026年9月22日"),
        ("二〇二六年九月二十二日", "2026年9月22日"),
        ("1,200吨", "1200吨"),
        ("百分之十五", "15%"),
        ("0.5毫克/升", "0.50 mg/L"),
        ("二十余人", "20余名"),
        ("３５μg/m³", "35微克/立方米"),
    ],
)
def test_two_spellings_of_a_number_are_one(one: str, other: str) -> None:
    assert figures(one) == figures(other) != set()


@pytest.mark.parametrize("text", ["大家一起努力", "第二自来水厂", "统一部署", "一度中断"])
def test_words_that_only_look_like_numbers_are_none(text: str) -> None:
    assert figures(text) == set()


@pytest.mark.parametrize(
    ("numerals", "number"), [("十", 10), ("十五", 15), ("一百零三", 103), ("二千", 2000), ("二〇二六", 2026)]
)
def test_chinese_numerals_have_a_value(numerals: str, number: int) -> None:
    assert chinese_number(numerals) == number


def test_a_figure_is_shown_with_its_unit() -> None:
    assert str(Figure(Decimal("1.50"), "mg/L")) == "1.5mg/L"
