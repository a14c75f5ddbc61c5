from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from nlp.training.agreement import agreement, kappa, macro_f1
from nlp.training.labels import FIRST, LABELS, SECOND, SETTLED, WRITTEN, read_labels, settled_labels, written_texts
from nlp.training.prepare import Apart, Example, prepare, read_examples, write_examples

YES = {"relevance": "yes", "sentiment": "negative", "topic": "water", "matter": "complaint", "target": "polluter"}
NO = {"relevance": "no", "sentiment": "neutral", "topic": "none", "matter": "none", "target": "none"}
DISCHARGE = "清水河昨夜被人偷排污水，河面漂着一层白沫，两岸的居民都说臭得睡不着"


def write_tsv(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_labels_are_read_by_post_id(tmp_path: Path) -> None:
    path = write_tsv(
        tmp_path / "a.tsv", "p1\tyes\tnegative\twater\tcomplaint\tpolluter", "p2\tno\tneutral\tnone\tnone\tnone"
    )
    assert read_labels(path) == {"p1": YES, "p2": NO}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("p1\tyes\tnegative\twater\tcomplaint", "4 answers instead of 5"),
        ("p1\tyes\tangry\twater\tcomplaint\tpolluter", "sentiment can't be 'angry'"),
        ("p1\tno\tneutral\twater\tnone\tnone", "isn't relevant"),
        ("p1\tyes\tneutral\tnone\topinion\tnone", "has a topic and a matter"),
    ],
)
def test_a_line_that_contradicts_the_guide_is_refused(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_labels(write_tsv(tmp_path / "a.tsv", line))


def test_a_post_that_stands_twice_is_refused(tmp_path: Path) -> None:
    line = "p1\tno\tneutral\tnone\tnone\tnone"
    with pytest.raises(ValueError, match=r"a\.tsv:2: the post was there before"):
        read_labels(write_tsv(tmp_path / "a.tsv", line, line))


def test_the_settled_answer_goes_before_the_first(tmp_path: Path) -> None:
    write_tsv(tmp_path / FIRST, "p1\tno\tneutral\tnone\tnone\tnone", "p2\tno\tneutral\tnone\tnone\tnone")
    write_tsv(tmp_path / SETTLED, "p1\tyes\tnegative\twater\tcomplaint\tpolluter")
    assert settled_labels(tmp_path) == {"p1": YES, "p2": NO}


def test_exactly_the_double_readings_that_differ_are_settled() -> None:
    first, second, settled = (read_labels(LABELS / name) for name in (FIRST, SECOND, SETTLED))
    assert len(first) >= 4_000
    assert len(second) >= len(first) // 10
    assert set(settled) == {post_id for post_id in second if first[post_id] != second[post_id]}


def test_every_written_text_has_labels_that_can_be_and_stands_once() -> None:
    texts = [text for _, text, _ in written_texts()]
    assert len(texts) >= 1_500
    assert len(set(texts)) == len(texts)


def test_a_written_text_with_labels_that_contradict_the_guide_is_refused(tmp_path: Path) -> None:
    row = {"text": "河边的花开了", **YES, "relevance": "no"}
    write_tsv(tmp_path / WRITTEN, json.dumps(row))
    with pytest.raises(ValueError, match=r"written\.jsonl:1: what isn't relevant"):
        list(written_texts(tmp_path))


def test_the_labels_hold_no_text() -> None:
    for name in (FIRST, SECOND, SETTLED):
        assert (LABELS / name).read_text(encoding="utf-8").isascii()


def test_the_agreement_stated_in_the_readme_is_the_one_measured() -> None:
    stated = (LABELS / "README.md").read_text(encoding="utf-8")
    for head, (f1, beyond_chance) in agreement(read_labels(LABELS / FIRST), read_labels(LABELS / SECOND)).items():
        assert f"| {head} | {f1:.3f} | {beyond_chance:.3f} |" in stated


def test_kappa_is_nothing_when_readers_agree_no_more_than_chance() -> None:
    assert kappa(["a", "a", "b", "b"], ["a", "b", "a", "b"]) == 0.0
    assert kappa(["a", "b", "a"], ["a", "b", "a"]) == 1.0
    assert kappa(["a", "a"], ["a", "a"]) == 1.0


def test_macro_f1_weighs_rare_answers_like_common_ones() -> None:
    assert macro_f1(["a", "a", "a", "b"], ["a", "a", "a", "a"]) == pytest.approx((6 / 7 + 0) / 2)


@pytest.mark.parametrize(
    "copy",
    [
        DISCHARGE,
        "太气人了！转给大家看看//@清源新闻:" + DISCHARGE,
        DISCHARGE[: len(DISCHARGE) * 3 // 4] + "…",
        "【清水河又遭殃】" + DISCHARGE.replace("，", " ，"),
    ],
)
def test_an_edited_copy_counts_as_near(copy: str) -> None:
    assert Apart([DISCHARGE]).near(copy)


@pytest.mark.parametrize("other", ["清水河今天水质达标，周末可以去走走", "", "。。。", "垃圾分类从我做起"])
def test_another_text_does_not_count_as_near(other: str) -> None:
    assert not Apart([DISCHARGE]).near(other)


def test_examples_are_read_as_they_were_written(tmp_path: Path) -> None:
    examples = [Example("p1", "一行\n又一行\u2028", "new", YES), Example("p2", "", "pool")]
    write_examples(tmp_path / "x.jsonl", examples)
    assert read_examples(tmp_path / "x.jsonl") == examples


def test_nothing_near_to_a_development_or_test_text_is_trained_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    kept = [
        "市里公布了今天的空气质量，比昨天好一些",
        "小区对面的工地半夜还在打桩，没法睡",
        "楼下广场舞的音响能不能小声一点",
        "湿地里来了一群白鹭，孩子们看得入迷",
        "学校组织大家去山上种树，累但是开心",
        "换个环境工作，心情也跟着好了起来",
        "垃圾分类推行半年，邻居们都习惯了",
        "电视里说核电站例行检修已经结束了",
    ]
    row = {"relevant": True, "sentiment": "negative", "topic": "water", "matter": "complaint", "target": "polluter"}
    held = {"read_train": ["快看//@某人:" + DISCHARGE, kept[0]], "read_dev": [DISCHARGE], "read_test_texts": [kept[7]]}
    for name, texts in held.items():
        rows = [{"id": f"{name}-{place}", "text": text, **row} for place, text in enumerate(texts)]
        write_tsv(corpus / f"{name}.jsonl", *(json.dumps(each, ensure_ascii=False) for each in rows))
    pool = [
        {"id": f"pool-{place}", "text": text}
        for place, text in enumerate([*kept[1:6], kept[7] + "。", DISCHARGE + "！"])
    ]
    with gzip.open(corpus / "posts.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(each) + "\n" for each in pool)
    with gzip.open(corpus / "weibo_hot_2023_2024.jsonl.gz", "wt", encoding="utf-8") as file:
        titles = ("某地下了一场大雪", "某地下了一场大雪", "河边开满了花", "湖里捞出三吨垃圾")
        file.writelines(
            json.dumps({"date": "2023-05-01", "order": order, "title": title}) + "\n"
            for order, title in enumerate(titles)
        )
    write_tsv(corpus / "hotline_messages.csv", "留言编号,留言主题,留言详情", "7,油烟扰民,一楼餐馆的油烟直接排进楼道")
    labels = {"pool-0": YES, "pool-1": YES, "pool-6": YES, "hot-2023-05-01-3": YES, "hotline-7": YES}
    monkeypatch.setattr("nlp.training.prepare.settled_labels", lambda: labels)
    written = [("written-1", "厂里又在夜里偷偷冒烟", YES), ("written-2", DISCHARGE, YES)]
    monkeypatch.setattr("nlp.training.prepare.written_texts", lambda: written)
    monkeypatch.setattr("nlp.training.prepare.HELD_OUT", 1)
    monkeypatch.setattr("nlp.training.prepare.TITLES", 2)
    work = tmp_path / "work"
    work.mkdir()
    counts = prepare(tmp_path, work, seed=1)
    found = {name: {each.id for each in read_examples(work / f"{name}.jsonl")} for name in counts}
    assert counts == {"train": 5, "held_out": 1, "development": 1, "unlabelled": 5}
    new = {"pool-0", "pool-1", "hot-2023-05-01-3", "hotline-7"}
    assert found["train"] | found["held_out"] == {"read_train-1", "written-1", *new}
    assert len(found["held_out"] & new) == 1
    assert found["unlabelled"] == {"pool-2", "pool-3", "pool-4", "hot-2023-05-01-0", "hot-2023-05-01-2"}
