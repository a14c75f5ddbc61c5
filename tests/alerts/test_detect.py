"""What becomes of a rule that fired: one alert an event, its words, its deadlines, its receivers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alerts.deadlines import deadline_rules, deadlines
from alerts.detect import detect
from alerts.explain import explain
from alerts.levels import level_rules
from qingting.errors import NotFoundError
from qingting.model import SHANGHAI, DeliveryState, Level, Matter, Sentiment

LEAK = "恒泰化工好像泄漏了，味道刺鼻"


def test_an_event_has_one_alert_however_much_more_is_said(desk, say):
    for n in range(8):
        desk.hear(say(f"恒泰化工好像泄漏了，第{n}个人这么说", 8 + n / 10, words=("恒泰化工", "泄漏", "刺鼻")))
    assert len(desk.alerts) == 1
    assert len(desk.store.cases.alerts.latest()) == 1


def test_asking_again_about_the_same_posts_adds_nothing(desk, say):
    said = say(LEAK, 8)
    events = desk.hear(said)
    readings = {said.post.id: said.reading}
    assert detect(desk.store, events, [said.post], readings, desk.settings, said.post.at) == []


def test_posts_grouped_before_an_interruption_are_still_asked_about(desk, say):
    said = say(LEAK, 8)
    readings = {said.post.id: said.reading}
    desk.store.posts.append([said.post])
    desk.grouper.group([said.post], readings, said.post.at)
    regrouped = desk.grouper.group([said.post], readings, said.post.at)
    assert regrouped == []
    assert len(detect(desk.store, regrouped, [said.post], readings, desk.settings, said.post.at)) == 1


def test_only_receivers_of_that_level_are_told(desk, say):
    desk.hear(say("家里自来水有股怪味", 8, place="990102"))
    desk.hear(say(LEAK, 9, place="990104", matter=Matter.EMERGENCY))
    told = {
        alert.level: [(each.receiver, each.state) for each in desk.store.cases.alerts.deliveries(alert.id)]
        for alert in desk.alerts
    }
    assert told[Level.YELLOW] == [("值班室", DeliveryState.PENDING)]
    assert {name for name, _ in told[Level.ORANGE]} == {"值班室", "局领导"}


def test_title_and_summary_say_what_a_duty_officer_asks(desk, say):
    desk.hear(say(LEAK, 8, place="990104", matter=Matter.EMERGENCY))
    [alert] = desk.alerts
    assert alert.title.startswith("【必报情形】")
    lines = dict(line.split("：", 1) for line in alert.summary.splitlines() if not line.startswith("时限"))
    assert lines["地点"] == "高新区"
    assert "首见 2026-09-22 08:00" in lines["起始"]
    assert "共 1 条" in lines["声量"]
    assert lines["载体"] == "社交媒体 1 条"
    assert LEAK in lines["原话"]
    assert "时限：回应社会关切，最迟 2026-09-24 08:00" in alert.summary


def test_an_alert_of_an_imported_backlog_is_marked_as_history(desk, say):
    said = say(LEAK, 8)
    desk.hear(said, now=said.post.at + timedelta(hours=73))
    [alert] = desk.alerts
    assert alert.title.startswith("【历史】")


def test_an_alert_within_the_history_hours_is_not_marked(desk, say):
    said = say(LEAK, 8)
    desk.hear(said, now=said.post.at + timedelta(hours=71))
    assert "历史" not in desk.alerts[0].title


def test_deadlines_of_an_emergency_run_from_the_post_that_tipped_the_rule():
    at = datetime(2026, 9, 22, 9, tzinfo=SHANGHAI)
    found = deadlines(Level.ORANGE, Matter.EMERGENCY, at)
    assert [(each.due_at - at) / timedelta(hours=1) for each in found] == [5, 24, 48]
    assert "国办发〔2016〕80号" in found[0].basis
    assert all("如认定为" in each.name for each in found[:2])


def test_ordinary_public_opinion_has_forty_eight_hours():
    at = datetime(2026, 9, 22, 9, tzinfo=SHANGHAI)
    assert [each.due_at - at for each in deadlines(Level.BLUE, Matter.COMPLAINT, at)] == [timedelta(hours=48)]


def test_a_rule_applies_from_the_day_it_came_into_force():
    before, on = datetime(2016, 11, 9, 15, 59, tzinfo=UTC), datetime(2016, 11, 9, 16, 0, tzinfo=UTC)
    assert len(deadlines(Level.RED, Matter.EMERGENCY, before)) == 2
    assert len(deadlines(Level.RED, Matter.EMERGENCY, on)) == 3
    assert deadlines(Level.RED, Matter.EMERGENCY, datetime(2015, 1, 1, tzinfo=UTC)) == ()


def test_every_deadline_rule_names_its_basis():
    assert all("国办发〔" in rule.basis and rule.hours > 0 for rule in deadline_rules())


def test_every_level_has_a_rule_with_a_reason_and_blue_asks_for_nothing():
    assert {rule.level for rule in level_rules()} == set(Level)
    assert all(rule.reason for rule in level_rules())
    [blue] = [rule for rule in level_rules() if rule.level is Level.BLUE]
    assert (blue.distinct, blue.authors, blue.grave, blue.negative_share) == (0, 0, 0, 0.0)


def test_a_much_discussed_harmless_matter_stays_blue_and_a_resented_one_rises(desk, say):
    def crowd(words, mood):
        return [say(f"{words[0]}{words[1]}{n}", 8 + n / 60, words=words, mood=mood) for n in range(15)]

    liked, hated = crowd(("东湖湿地", "白鹭"), Sentiment.POSITIVE), crowd(("翠湖苑", "搅拌站"), Sentiment.NEGATIVE)
    desk.hear(*liked, *hated)
    levels = [desk.store.cases.events.get(desk.event_of(each[0])).level for each in (liked, hated)]
    assert levels == [Level.BLUE, Level.YELLOW]


def test_an_alert_is_explained_in_numbered_lines(desk, say):
    desk.hear(say(LEAK, 8, matter=Matter.EMERGENCY))
    lines = explain(desk.store, desk.alerts[0].id)
    assert [line.split(".")[0] for line in lines] == [str(n) for n in range(1, len(lines) + 1)]
    assert "由规则“必报情形”触发" in lines[0]
    assert any(line.startswith("3. 是：出现必报词？") for line in lines)


def test_a_post_that_raised_nothing_is_explained_rule_by_rule(desk, say):
    said = say("楼下饭店油烟太大", 8, words=("油烟", "饭店"))
    desk.hear(said)
    text = "\n".join(explain(desk.store, said.post.id, desk.settings))
    assert "规则“必报情形”：不成立" in text
    assert "规则“声量异常”：不成立" in text
    assert "否：出现必报词？" in text


def test_a_post_in_no_event_says_so(desk, say):
    said = say("今天中午吃红烧鱼", 8, relevant=False)
    desk.hear(said)
    assert "不属于任何事件" in explain(desk.store, said.post.id)[-1]


def test_what_is_neither_alert_nor_post_is_not_found(desk):
    with pytest.raises(NotFoundError):
        explain(desk.store, "nothing")
