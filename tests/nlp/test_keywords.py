from __future__ import annotations

from collections import Counter

from nlp.keywords import Terms, count_terms, hot_words, keywords, new_words
from nlp.segment import words


def of(text: str) -> tuple[str, ...]:
    return keywords(text, words(text))


def test_keywords_name_the_subject_and_no_function_words() -> None:
    found = of("我们小区旁边的化工厂昨天晚上又在偷排污水，已经投诉了很多次")
    assert {"化工厂", "偷排", "污水"} <= set(found)
    assert not {"我们", "昨天", "晚上", "已经", "投诉"} & set(found)


def test_words_that_keep_following_one_another_are_one_term() -> None:
    assert "蓝色贻贝" in of("海里的蓝色贻贝多了，渔民说蓝色贻贝能净化海水")


def test_a_hashtag_is_a_term() -> None:
    assert "清源河死鱼" in of("#清源河死鱼# 大家快看")


def test_no_keyword_lies_inside_another_one() -> None:
    found = of("垃圾焚烧发电厂选址引发争议，垃圾焚烧发电厂距离学校太近")
    assert not [(a, b) for a in found for b in found if a != b and a in b]


def test_nothing_gives_no_keywords() -> None:
    assert of("") == of("的了吗呢") == of("😡😡") == ()


def test_at_most_as_many_keywords_as_asked_for() -> None:
    text = "污水、废气、噪声、粉尘、垃圾、渣土、油烟、异味、辐射、土壤、湿地、森林"
    assert len(keywords(text, words(text), 3)) == 3


def test_a_word_is_hot_by_how_much_more_there_is_of_it_and_not_by_how_much() -> None:
    background = {"环境": 5000, "雾霾": 400, "死鱼": 2}
    period = {"环境": 520, "雾霾": 35, "死鱼": 40}
    assert [each.word for each in hot_words(period, background)] == ["死鱼"]


def test_a_rare_word_needs_more_evidence() -> None:
    background = {"环境": 1000, "水": 1000}
    assert hot_words({"环境": 100, "水": 100, "怪味": 2}, background) == []
    assert [each.word for each in hot_words({"环境": 100, "水": 100, "怪味": 9}, background)] == ["怪味"]


def test_without_any_background_nothing_is_hot_and_nothing_fails() -> None:
    assert hot_words({}, {}) == []
    assert hot_words({"雾霾": 10}, {}) == []


def test_new_words_are_those_that_were_not_there_before() -> None:
    before = count_terms([words("雾霾天气影响出行")] * 10)
    now = count_terms([words("雾霾天气影响出行")] * 10 + [words("鳄雀鳝现身公园湖中")] * 6)
    found = [each.word for each in new_words(now, before)]
    assert "鳄雀鳝" in found
    assert "雾霾" not in found


def test_a_pair_is_new_only_where_its_parts_keep_together() -> None:
    words_, pairs = Counter({"微量": 10, "尘土": 100}), Counter({("微量", "尘土"): 6})
    loose = Terms(words_ + Counter({"微量": 90}), pairs)
    background = Terms(Counter({"微量": 50, "尘土": 50}), Counter())
    assert [each.word for each in new_words(Terms(words_, pairs), background)] == ["微量尘土"]
    assert new_words(loose, background) == []


def test_a_term_counts_once_a_text() -> None:
    assert count_terms([words("污水污水污水"), words("污水")]).words["污水"] == 2
