from __future__ import annotations

import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import jieba
import pytest

from nlp.segment import CUT_VERSION, cut, domain_terms, is_domain_word, rarity, words


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("饮用水", "市里的饮用水源地受到污染"),
        ("水源地", "市里的饮用水源地受到污染"),
        ("生态环境", "清源市生态环境局通报"),
        ("污水处理", "第二污水处理厂"),
        ("PM2.5", "今天pm2.5超标"),
        ("ＰＭ２．５", "今天PM2.5超标"),
        ("環境", "环境保护"),
        ("垃圾焚烧", "反对建垃圾焚烧发电厂"),
        ("COD", "COD超标三倍"),
    ],
)
def test_a_query_finds_the_text(query: str, text: str) -> None:
    assert set(cut(query)) <= set(cut(text))


def test_a_query_does_not_find_what_is_not_there() -> None:
    assert not set(cut("噪声")) & set(cut("清水河死鱼"))


@pytest.mark.parametrize("word", ["code", "body", "tokyo", "facebook", "co2"])
def test_latin_words_stay_whole_though_the_dictionary_has_shorter_ones(word: str) -> None:
    assert cut(f"一个{word}项目").count(word) == 1


def test_punctuation_is_no_word() -> None:
    assert cut("！？，。…… [] ##") == []


def test_words_tell_where_they_stand() -> None:
    text = "清源市生态环境局查处偷排"
    found = words(text)
    assert [text[word.start : word.end] for word in found] == [word.text for word in found]
    assert ("生态环境局", "nt") in [(word.text, word.tag) for word in found]


def test_words_keep_the_case_of_the_text() -> None:
    assert "PM2.5" in [word.text for word in words("PM2.5超标")]


def test_the_environmental_dictionary_makes_whole_words() -> None:
    assert "噪音扰民" in [word.text for word in words("投诉噪音扰民")]
    assert "噪音扰民" not in [word.text for word in words("投诉噪音扰民", environmental=False)]


def test_most_terms_of_the_dictionary_are_cut_as_one_word() -> None:
    whole = [term for term in domain_terms() if [word.text for word in words(term)] == [term]]
    assert len(whole) == len(domain_terms()) > 500


def test_what_others_do_to_jieba_does_not_change_our_cut() -> None:
    before = cut("饮用水源地保护区")
    jieba.setLogLevel(logging.CRITICAL)
    jieba.add_word("源地保护")
    assert cut("饮用水源地保护区") == before


def test_cutting_from_several_threads_gives_the_same_words() -> None:
    text = "化工厂半夜偷排污水，河里的鱼都死光了"
    with ThreadPoolExecutor(8) as pool:
        assert len({tuple(found) for found in pool.map(cut, [text] * 64)}) == 1


def test_the_version_is_the_same_in_another_process_and_nothing_is_printed() -> None:
    program = "from nlp.segment import cut, CUT_VERSION; cut('雾霾'); print(CUT_VERSION)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == (CUT_VERSION, "")


def test_rare_words_are_rarer_than_common_ones() -> None:
    assert rarity("偷排") > rarity("我们")
    assert is_domain_word("雾霾")
