from __future__ import annotations

import pytest

from nlp.normalize import clean
from nlp.organisations import OrganisationFinder
from nlp.segment import words


def found(text: str, names: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    cleaned = clean(text)
    return [(each.name, each.kind) for each in OrganisationFinder(names).find(cleaned, words(cleaned.text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("江苏恒力石化有限公司被罚", [("江苏恒力石化有限公司", "enterprise")]),
        ("举报浙江龙盛集团股份有限公司", [("浙江龙盛集团股份有限公司", "enterprise")]),
        ("华润水泥（平南）有限公司", [("华润水泥(平南)有限公司", "enterprise")]),
        ("东京电力公司排放核污水", [("东京电力公司", "enterprise")]),
        ("清源市盛达印染厂夜里排黑水", [("清源市盛达印染厂", "plant")]),
        ("大亚湾核电站运行正常", [("大亚湾核电站", "plant")]),
        ("生态环境部约谈", [("生态环境部", "department")]),
        ("清源市生态环境局和市水务局联合执法", [("清源市生态环境局", "department"), ("市水务局", "department")]),
        ("希望环保局查处星辉混凝土搅拌站", [("环保局", "department"), ("星辉混凝土搅拌站", "plant")]),
    ],
)
def test_an_organisation_is_found_with_its_kind(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    ["附近的化工厂半夜排放", "某公司偷排", "我们公司环境很好", "楼下烧烤店油烟", "这家工厂太臭了", "厂里厂外都臭", ""],
)
def test_what_names_nobody_is_left_out(text: str) -> None:
    assert found(text) == []


def test_a_listed_name_is_found_though_no_rule_would() -> None:
    assert found("恒泰化学又出事了", ("恒泰化学",)) == [("恒泰化学", "enterprise")]


def test_positions_are_in_the_text_as_collected() -> None:
    text = "听说\u200b江苏恒力石化\u200b有限公司被罚"
    cleaned = clean(text)
    each = OrganisationFinder().find(cleaned, words(cleaned.text))[0]
    assert text[each.start : each.end] == "江苏恒力石化\u200b有限公司"
