from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nlp.backends.onnx import SHIPPED
from nlp.reader import open_reader, prepare
from qingting.errors import ReaderError
from qingting.model import Matter, Sentiment, Target, Topic

COMPLAINT = "清源市临河区恒泰化工有限公司半夜偷排污水，清水河里的鱼都死光了，COD超标3倍，有没有人管！[怒]"


def test_a_complaint_is_read_in_full(reader, post, now) -> None:
    reading = reader.read([post(COMPLAINT)], now)[0]
    assert reading.relevant
    assert reading.sentiment is Sentiment.NEGATIVE
    assert reading.score < -0.5
    assert reading.topic is Topic.WATER
    assert reading.target is Target.POLLUTER
    assert [(region.code, COMPLAINT[region.start : region.end]) for region in reading.regions] == [
        ("990102", "清源市临河区"),
        ("990100-qingshui", "清水河"),
    ]
    assert [each.name for each in reading.organisations] == ["清源市临河区恒泰化工有限公司"]
    assert [(each.pollutant, each.value, each.unit) for each in reading.measurements] == [("COD", 3.0, "超标倍数")]
    assert "COD" in reading.pollutants
    assert reading.keywords
    assert reading.fingerprint
    assert len(reading.embedding) == 768
    assert not reading.degraded


def test_what_is_not_about_the_environment_has_no_topic_matter_or_target(reader, post, now) -> None:
    reading = reader.read([post("我市持续优化营商环境，企业开办时间压缩到半天。")], now)[0]
    assert not reading.relevant
    assert (reading.topic, reading.matter, reading.target) == (Topic.NONE, Matter.NONE, Target.NONE)


def test_what_is_about_the_environment_always_has_a_topic_and_a_matter(reader, post, now) -> None:
    texts = [COMPLAINT, "雾霾又来了", "候鸟回到湿地公园", "环评公示", "碳达峰行动方案印发"]
    for reading in reader.read([post(text) for text in texts], now):
        assert not reading.relevant or (reading.topic is not Topic.NONE and reading.matter is not Matter.NONE)


def test_readings_come_one_per_post_in_order(reader, post, now) -> None:
    posts = [post("雾霾" * (7 * number % 23), id=f"p{number}") for number in range(40)]
    assert [reading.post_id for reading in reader.read(posts, now)] == [each.id for each in posts]


def test_no_posts_give_no_readings(reader, now) -> None:
    assert reader.read([], now) == []


def test_the_posters_own_words_decide_the_attitude_and_all_words_the_subject(reader, post, now) -> None:
    quoted = "//@清源发布:我市污水处理厂提标改造工程顺利竣工，清水河水质明显改善，市民纷纷点赞。"
    praised, blamed = reader.read(
        [post("真好，感谢环保人！" + quoted), post("骗人！恶心！根本没变，照样臭！" + quoted)], now
    )
    assert praised.score > blamed.score
    assert praised.topic is blamed.topic is Topic.WATER


def test_a_bare_repost_is_read_as_what_it_passes_on(reader, post, now) -> None:
    original, bare = reader.read([post(COMPLAINT), post("转发微博//@老王:" + COMPLAINT)], now)
    assert (bare.sentiment, bare.topic, bare.fingerprint) == (original.sentiment, original.topic, original.fingerprint)


def test_the_title_is_read_with_the_text(reader, post, now) -> None:
    reading = reader.read([post("详情见附件。", title="清源市清水河突发死鱼事件，应急监测已展开")], now)[0]
    assert reading.relevant
    assert reading.regions[0].start == 0


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage", "labels", "tokenizer"])
def test_a_missing_or_broken_model_leaves_a_degraded_reader_that_says_why(damage, tmp_path: Path, post, now) -> None:
    folder = tmp_path / "model"
    if damage != "missing":
        shutil.copytree(SHIPPED, folder)
    if damage in ("empty", "garbage"):
        (folder / "model.onnx").write_bytes(b"" if damage == "empty" else b"\x08\x07not a model" * 50)
    if damage == "labels":
        (folder / "labels.json").write_text(json.dumps({"relevance": [False]}), encoding="utf-8")
    if damage == "tokenizer":
        (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    reader = open_reader(model=folder)
    assert reader.degraded
    assert reader.name.startswith("lexicon:")
    assert "词典" in reader.problem
    reading = reader.read([post(COMPLAINT)], now)[0]
    assert reading.degraded
    assert reading.relevant
    assert reading.sentiment is Sentiment.NEGATIVE
    assert reading.embedding == b""


def test_the_lexicon_asked_for_is_degraded_and_says_so(lexicon_reader) -> None:
    assert lexicon_reader.degraded
    assert "词典" in lexicon_reader.problem


def test_the_shipped_model_is_not_degraded(reader) -> None:
    assert not reader.degraded
    assert reader.problem == ""


def test_an_unknown_back_end_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ReaderError, match="bert") as caught:
        open_reader("bert")
    assert caught.value.reason == "unsupported"
    assert "lexicon" in caught.value.hint


def test_a_reader_serves_several_threads(reader, post, now) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: reader.read([post(COMPLAINT)], now)[0], range(8)))
    assert {(each.sentiment, each.topic, each.regions, each.fingerprint) for each in found} == {
        (found[0].sentiment, found[0].topic, found[0].regions, found[0].fingerprint)
    }


def test_a_long_text_is_settled_by_its_lead(reader, post, now) -> None:
    tail = "此外，会议还研究了其他事项，听取了有关工作的汇报。" * 60
    reading = reader.read([post("化工厂偷排污水，臭气熏天，村民苦不堪言，强烈要求严查！" * 6 + tail)], now)[0]
    assert reading.relevant
    assert reading.sentiment is Sentiment.NEGATIVE


def test_a_matter_named_far_behind_the_lead_is_still_found(reader, post, now) -> None:
    lead = "昨晚的演唱会座无虚席，歌手连唱二十首，歌迷久久不愿离去。" * 12
    tail = "化工厂偷排污水，河里死鱼成片，环保部门已经立案查处，附近村民饮水受到影响。" * 12
    far, without = (reader.read([post(text)], now)[0] for text in (lead + tail, lead * 2))
    assert far.relevance > without.relevance + 0.1


def test_whose_words_a_post_holds_is_settled_before_reading(post) -> None:
    prepared = prepare(post("好可怕//@甲:化工厂爆炸了 https://t.cn/abc"))
    assert (prepared.own, prepared.whole) == ("好可怕", "好可怕\n化工厂爆炸了")


def test_opening_and_reading_prints_nothing() -> None:
    program = (
        "from datetime import datetime, UTC\nfrom nlp.reader import open_reader\n"
        "from qingting.model import Post, Channel\n"
        "now = datetime(2026, 1, 1, tzinfo=UTC)\n"
        "open_reader().read([Post('a', 's', '1', Channel.SOCIAL, '雾霾天', now)], now)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert (done.stdout, done.stderr) == ("", "")
