from __future__ import annotations

import pytest

from nlp.normalize import clean
from nlp.regions import Gazetteer, Place
from nlp.segment import words


@pytest.fixture(scope="module")
def gazetteer(places: tuple[Place, ...]) -> Gazetteer:
    return Gazetteer(places)


def found(gazetteer: Gazetteer, text: str, home: str = "") -> list[tuple[str, str]]:
    cleaned = clean(text)
    regions = gazetteer.find(cleaned, words(cleaned.text), home)
    return [(region.code, text[region.start : region.end]) for region in regions]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("杭州市生态环境局通报", [("330100", "杭州市")]),
        ("杭州今天下雨", [("330100", "杭州")]),
        ("江苏省南通市通州区一家企业偷排", [("320612", "江苏省南通市通州区")]),
        ("南京鼓楼区噪声扰民", [("320106", "南京鼓楼区")]),
        ("在北京朝阳，异味严重", [("110105", "北京朝阳")]),
        ("河南焦作解放区夜间施工", [("410802", "河南焦作解放区")]),
        ("吉林省吉林市发生爆炸", [("220200", "吉林省吉林市")]),
        ("浙江杭州和浙江省宁波市", [("330100", "浙江杭州"), ("330200", "浙江省宁波市")]),
        ("山东日照化工园区", [("371100", "山东日照")]),
        ("青海海南州草原", [("632500", "青海海南州")]),
        ("青海、甘肃、海南等省", [("630000", "青海"), ("620000", "甘肃"), ("460000", "海南")]),
        ("新疆和田地区", [("653200", "新疆和田地区")]),
        ("北京市民反映通州的空气", [("110000", "北京"), ("110112", "通州")]),
        ("上海南京路步行街", [("310000", "上海")]),
        ("清源市临河区恒泰化学", [("990102", "清源市临河区")]),
        ("清水河死鱼", [("990100-qingshui", "清水河")]),
        ("清源今天有雾霾", [("990100", "清源")]),
        ("杭\u200b州市", [("330100", "杭\u200b州市")]),
        ("臺灣省臺北市", [("710100", "臺灣省臺北市")]),
    ],
)
def test_a_place_is_found_where_it_stands(gazetteer: Gazetteer, text: str, expected: list[tuple[str, str]]) -> None:
    assert found(gazetteer, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "北京时间今天上午", "上海路施工噪声", "中山路太吵", "孙中山先生", "记者王海南报道", "日照时间变长",
        "三明治真好吃", "扩大同市场的联系", "北海道下雪", "沙县小吃", "解放思想", "世界和平", "大理石厂",
        "鼓楼区噪声扰民", "朝阳区大气污染", "郊区空气好", "黄金白银价格", "各位来宾", "平安保险",
    ],
)  # fmt: skip
def test_what_is_no_place_or_could_be_several_is_left_out(gazetteer: Gazetteer, text: str) -> None:
    assert found(gazetteer, text) == []


@pytest.mark.parametrize(
    ("home", "expected"),
    [("350100", "350102"), ("福州市", "350102"), ("福州", "350102"), ("320100", "320106"), ("410200", "410204")],
)
def test_an_ambiguous_name_is_settled_by_where_the_source_is(gazetteer: Gazetteer, home: str, expected: str) -> None:
    assert found(gazetteer, "鼓楼区噪声扰民", home) == [(expected, "鼓楼区")]


def test_a_source_from_elsewhere_settles_nothing(gazetteer: Gazetteer) -> None:
    assert found(gazetteer, "鼓楼区噪声扰民", "510100") == []


def test_the_table_holds_every_level_and_every_parent(gazetteer: Gazetteer) -> None:
    assert gazetteer.ancestors("330106") == ["330100", "330000"]
    assert gazetteer.ancestors("441900") == ["440000"]
    assert gazetteer.ancestors("990102") == ["990100"]


def test_places_that_name_each_other_as_parent_do_not_hang_it() -> None:
    looped = Gazetteer([Place("a", "甲山镇", "b"), Place("b", "乙水镇", "a")])
    assert looped.ancestors("a") == ["b", "a"]
