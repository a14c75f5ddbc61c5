from __future__ import annotations

import gzip
import json
import random
from itertools import combinations
from pathlib import Path

import pytest

from nlp.evaluation.copies import EDITS, edited
from nlp.evaluation.evaluate import load
from nlp.fingerprint import NEAR, distance, fingerprint
from nlp.normalize import clean, spoken

OWN = Path(__file__).parents[2] / "nlp" / "evaluation" / "own.jsonl"
CORPUS = Path(__file__).parents[3] / "shared" / "corpus" / "posts.jsonl.gz"


def of(text: str) -> int:
    return fingerprint(spoken(clean(text).text))


TEXT = "清源市恒泰化工厂昨夜发生泄漏，消防救援力量已到场处置，周边居民正在有序疏散，原因正在进一步调查。"


@pytest.mark.parametrize(
    "copy",
    [
        TEXT.replace("，", " ").replace("。", "！"),
        f"【化工厂泄漏】{TEXT}",
        f"#清源化工厂# {TEXT}[泪]😡",
        f"转发微博//@清源发布:{TEXT}",
        f"太可怕了//@甲:扩散//@清源发布:{TEXT}",
        f"据清源晚报报道，{TEXT}",
        f"{TEXT} https://t.cn/A6xyz",
        TEXT.replace("发生", "發生").replace("疏散", "\u200b疏散"),
    ],
)
def test_an_edited_copy_is_near(copy: str) -> None:
    assert distance(of(TEXT), of(copy)) <= NEAR


def test_another_text_is_far() -> None:
    assert distance(of(TEXT), of("市民在湿地公园拍到成群白鹭，摄影爱好者纷纷前来打卡，生态越来越好了。")) > 15


@pytest.mark.parametrize("text", ["", "转发微博", "Repost", "支持", "😡😡😡", "[怒]", "//@甲:转发微博"])
def test_a_text_too_short_to_tell_has_no_fingerprint_and_is_near_nothing(text: str) -> None:
    assert of(text) == 0
    assert distance(of(text), of(text)) > NEAR


def test_short_texts_are_copies_only_when_they_say_the_same() -> None:
    assert distance(of("化工厂又爆炸了"), of("化工厂又爆炸了！！")) == 0
    assert distance(of("化工厂又爆炸了"), of("化工厂没爆炸了")) > NEAR


def test_fingerprints_that_are_near_agree_in_one_of_eight_bytes() -> None:
    chance = random.Random(3)
    for _ in range(500):
        a = chance.getrandbits(64)
        b = a
        for bit in chance.sample(range(64), NEAR):
            b ^= 1 << bit
        assert any((a >> 8 * byte) & 255 == (b >> 8 * byte) & 255 for byte in range(8))


def quality(texts: list[str], edits: list[str]) -> tuple[float, float]:
    """Return recall over one edited copy a text, and the share of near pairs that are original and copy."""
    copies = [edited(text, edits[number % len(edits)], number) for number, text in enumerate(texts)]
    prints = [of(text) for text in (*texts, *copies)]
    recall = sum(distance(a, b) <= NEAR for a, b in zip(prints, prints[len(texts) :], strict=False)) / len(texts)
    near = [(a, b) for a, b in combinations(range(len(prints)), 2) if distance(prints[a], prints[b]) <= NEAR]
    return recall, sum(b - a == len(texts) for a, b in near) / len(near)


def test_edited_copies_of_our_own_texts_are_found_and_nothing_else() -> None:
    texts = [text.text for text in load(OWN)]
    recall, precision = quality(texts, [edit for edit in EDITS if edit != "comment"])
    assert recall >= 0.93
    assert precision >= 0.98


def test_edited_copies_of_real_texts_are_found() -> None:
    if not CORPUS.is_file():
        pytest.skip("../shared/corpus is not here; the measurement on real texts needs it")
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    chosen = random.Random(11).sample([text for text in texts if len(text) >= 15], 1000)
    recall, _ = quality(chosen, list(EDITS))
    assert recall >= 0.94
