"""Whatever a text is made of, it gets a reading, and every position points into it."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nlp.explain import explain
from nlp.fingerprint import fingerprint
from nlp.normalize import clean, fold, spoken, tidy
from nlp.segment import cut, words

PIECES = st.sampled_from(
    [
        "清源市", "朝阳区", "污水", "PM2.5", "超标3倍", "150微克/立方米", "有限公司", "生态环境局",
        "//@甲:", "//@", "转发微博", "[怒]", "#环保#", "##", "【", "】", "https://t.cn/a", "回复@乙:",
        "\u200b", "\u202e", "\u2066", "\ufeff", "\ud83d", "\udc00", "\x00", "\r\n", "\t", " ",
        "😡", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "臺灣", "ＰＭ２．５", "。", "!!!", "百分之", "一百二十",
        "0" * 30, "a" * 40, "ß", "İ", "ก", "א", "ʹ", "不", "不好", "但是", "极其", "呵呵",
    ]
)  # fmt: skip
TEXTS = st.one_of(st.lists(PIECES, max_size=25).map("".join), st.text(st.characters(), max_size=80))
SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
QUICK = settings(max_examples=200, deadline=None)

EXTREMES = {
    "empty": "",
    "one character": "霾",
    "one surrogate": "\ud800",
    "blank": " \n\t\u3000 ",
    "zero width only": "\u200b\u200d\ufeff" * 50,
    "bidi": "\u202e化工厂偷排\u202c\u2066abc\u2069",
    "emoji only": "😡🙏👨‍👩‍👧‍👦🇨🇳" * 40,
    "mixed script": "Smog 雾霾 туман 안개 ضباب हवा " * 20,
    "200 KB Chinese": "化工厂半夜偷排污水，河里的鱼都死光了。" * 3600,
    "200 KB one character": "臭" * 68_000,
    "200 KB Latin": "a" * 200_000,
    "200 KB digits": "1" * 200_000,
    "200 KB links": "https://t.cn/" * 16_000,
    "200 KB hashes": "#" * 200_000,
    "200 KB brackets": "[" * 100_000 + "【" * 30_000,
    "200 KB chain": "//@甲:" * 28_000,
    "200 KB numerals": "一百" * 34_000,
    "200 KB lines": "\n" * 200_000,
    "200 KB PM2.5": "PM2.5达到了" * 20_000,
    "200 KB companies": "有限公司" * 16_000,
}


def check_spans(text: str, reading) -> None:
    for each in (*reading.regions, *reading.organisations, *reading.measurements):
        assert 0 <= each.start < each.end <= len(text)
    assert -1.0 <= reading.score <= 1.0
    assert 0.0 <= reading.relevance <= 1.0
    assert 0 <= reading.fingerprint < 2**64


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES.keys())
def test_an_extreme_text_gets_a_reading(text: str, reader, post, now) -> None:
    made = post(text)
    check_spans(made.passage, reader.read([made], now)[0])


@pytest.mark.parametrize("text", EXTREMES.values(), ids=EXTREMES.keys())
def test_an_extreme_text_gets_a_makeshift_reading_too(text: str, lexicon_reader, post, now) -> None:
    made = post(text)
    check_spans(made.passage, lexicon_reader.read([made], now)[0])


@SLOW
@given(text=TEXTS)
def test_any_text_gets_a_reading(text: str, reader, post, now) -> None:
    made = post(text, title=text[:5])
    check_spans(made.passage, reader.read([made], now)[0])


@SLOW
@given(text=TEXTS)
def test_any_text_can_be_explained(text: str, lexicon_reader, post, now) -> None:
    explanation = explain(lexicon_reader, post(text), now)
    for push in explanation.pushes:
        assert explanation.judged[push.start : push.end] == push.text


@QUICK
@given(text=TEXTS)
def test_folding_keeps_every_character_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@QUICK
@given(text=TEXTS)
def test_every_character_of_a_cleaned_text_leads_back_to_the_original(text: str) -> None:
    cleaned = clean(text)
    origins = [cleaned.origin(index) for index in range(len(cleaned.text))]
    assert origins == sorted(set(origins))
    assert [fold(text[origin]) for origin in origins] == list(cleaned.text)


@QUICK
@given(text=TEXTS)
def test_words_make_up_the_whole_text(text: str) -> None:
    cleaned = clean(text).text
    assert "".join(word.text for word in words(cleaned)) == cleaned
    assert all(cleaned[word.start : word.end] == word.text for word in words(cleaned))


@QUICK
@given(text=TEXTS)
def test_cutting_is_the_same_every_time_and_gives_no_blank_word(text: str) -> None:
    assert cut(text) == cut(text)
    assert all(word.strip() for word in cut(text))


@QUICK
@given(text=TEXTS)
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    once = tidy(clean(text).text)
    assert tidy(once) == once


@QUICK
@given(text=TEXTS)
def test_a_fingerprint_fits_64_bits(text: str) -> None:
    assert 0 <= fingerprint(spoken(clean(text).text)) < 2**64
