from __future__ import annotations

import pytest

from nlp.normalize import Spoken, clean, fold, spoken, tidy


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ＰＭ２．５　超标！", "PM2.5 超标!"),
        ("環境污染嚴重，臺灣", "环境污染严重,台湾"),
        ("河裡的魚都死了", "河里的鱼都死了"),
        ("著名的乾隆", "著名的乾隆"),
        ("", ""),
    ],
)
def test_what_looks_alike_becomes_alike(text: str, expected: str) -> None:
    assert fold(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("偷\u200b排", "偷排"),
        ("\u202e偷排\u202c", "偷排"),
        ("\ufeff雾霾", "雾霾"),
        ("坏\ud800了", "坏了"),
        ("❤\ufe0f好", "❤好"),
        ("第一行\n第二行", "第一行\n第二行"),
    ],
)
def test_what_is_invisible_goes(text: str, expected: str) -> None:
    assert clean(text).text == expected


def test_a_stretch_of_a_cleaned_text_is_found_in_the_original() -> None:
    text = "\u200b在清\u200b源\u200d市发生"
    cleaned = clean(text)
    start = cleaned.text.index("清源市")
    begin, end = cleaned.span(start, start + 3)
    assert text[begin:end] == "清\u200b源\u200d市"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("没有转发", Spoken("没有转发")),
        ("太可怕了//@甲:爆炸了", Spoken("太可怕了", ("爆炸了",))),
        ("看//@甲: 真的？//@乙:化工厂爆炸", Spoken("看", ("真的？", "化工厂爆炸"))),
        ("转发微博//@甲:化工厂爆炸", Spoken("", ("化工厂爆炸",))),
        ("//@甲:转发微博//@乙:化工厂爆炸", Spoken("", ("化工厂爆炸",))),
        ("//@甲://@乙:化工厂爆炸", Spoken("", ("化工厂爆炸",))),
        ("回复@甲:不至于吧//@甲:水质变差了", Spoken("不至于吧", ("水质变差了",))),
        ("请看 https://example.com/a", Spoken("请看 https://example.com/a")),
    ],
)
def test_a_chain_of_reposts_falls_into_whose_words_they_are(text: str, expected: Spoken) -> None:
    assert spoken(text) == expected


def test_a_bare_repost_speaks_with_the_newest_words_passed_on() -> None:
    assert spoken("转发微博//@甲:真的？//@乙:爆炸").voice == "真的？"
    assert spoken("转发微博//@甲:爆炸").bare


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("看这里https://t.cn/A6abc真臭", "看这里 真臭"),
        ("#垃圾分类# 支持[赞]", "#垃圾分类# 支持[赞]"),
        ("又冒烟了🤮", "又冒烟了[吐]"),
        ("太臭 O网页链接", "太臭"),
        ("一  二\n\n\n三", "一 二\n三"),
    ],
)
def test_links_go_and_what_carries_meaning_stays(text: str, expected: str) -> None:
    assert tidy(text) == expected
