from __future__ import annotations

import json

from nlp.explain import explain


def test_the_words_that_blame_push_down(reader, post, now) -> None:
    explanation = explain(reader, post("空气很好，但是化工厂太恶心了，天天偷排！"), now)
    assert explanation.sentiment == "negative"
    lowest = min(explanation.pushes, key=lambda push: push.push)
    assert lowest.push < -0.01
    assert explanation.judged[lowest.start : lowest.end] == lowest.text


def test_pushes_come_strongest_first(reader, post, now) -> None:
    strengths = [abs(push.push) for push in explain(reader, post("今天蓝天白云，心情真好"), now).pushes]
    assert strengths == sorted(strengths, reverse=True)


def test_the_entries_that_fired_are_named_with_what_they_say(lexicon_reader, post, now) -> None:
    fired = explain(lexicon_reader, post("化工厂偷排，COD超标，恶心"), now).fired
    assert ("attitude", "恶心") in [(each.dictionary, each.text) for each in fired]
    assert ("environment", "偷排") in [(each.dictionary, each.text) for each in fired]
    assert ("pollutant", "COD") in [(each.dictionary, each.text) for each in fired]


def test_a_negated_word_of_attitude_is_turned_round(lexicon_reader, post, now) -> None:
    weights = {each.text: each.says for each in explain(lexicon_reader, post("这里不干净"), now).fired}
    assert weights["干净"].startswith("-")


def test_praise_with_a_mark_of_irony_is_blame(lexicon_reader, post, now) -> None:
    plain, ironic = (
        {each.text: each.says for each in explain(lexicon_reader, post(text), now).fired}
        for text in ("治理成效显著", "治理成效显著，呵呵")
    )
    assert plain["显著"].startswith("+")
    assert ironic["显著"].startswith("-")


def test_a_long_text_is_explained_by_its_clauses(lexicon_reader, post, now) -> None:
    explanation = explain(lexicon_reader, post("化工厂天天偷排污水。空气里全是刺鼻的气味！" * 20), now)
    assert 0 < len(explanation.pushes) <= 64


def test_an_explanation_goes_into_json(lexicon_reader, post, now) -> None:
    plain = json.loads(json.dumps(explain(lexicon_reader, post("雾霾天"), now).to_dict(), ensure_ascii=False))
    assert plain["post_id"] == "p1"
    assert {"text", "push", "start", "end"} == set(plain["pushes"][0])
