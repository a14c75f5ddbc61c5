"""Which sentences must reach the duty desk on the very first post, and which must not wake it."""

from __future__ import annotations

import pytest

from alerts.grave import grave_sentence
from alerts.relevance import counts
from qingting.config import NeverMissConfig
from qingting.model import SHANGHAI, Matter, Sentiment, Step

SETTINGS = NeverMissConfig()

FIRES = [
    ("家里自来水有股怪味", Matter.COMPLAINT),
    ("恒泰化工好像泄漏了", Matter.COMPLAINT),
    ("恒泰化工好像泄漏了", Matter.OPINION),
    ("刚接的自来水有怪味！！一股子药水味，烧开了上面一层沫。", Matter.OPINION),
    ("业主群里说第二自来水厂取水口被污染了，物业让先存水，到底真的假的", Matter.COMPLAINT),
    ("自来水还能喝吗？我家孩子喝了拉肚子", Matter.OPINION),
    ("打开自来水。一股臭味！", Matter.COMPLAINT),
    ("内部消息，反应釜昨夜爆炸，死了人压着不报", Matter.OPINION),
    ("刚刚化工园里一声爆炸，窗户都震了", Matter.EMERGENCY),
    ("储罐泄漏事故已致3人中毒送医", Matter.EMERGENCY),
    ("一辆槽罐车侧翻，液氨泄漏，消防正在处置", Matter.EMERGENCY),
    ("高新区一化工厂发生爆炸，暂无人员伤亡报告", Matter.EMERGENCY),
    ("经核实，火灾未造成人员伤亡", Matter.EMERGENCY),
    ("通报：恒泰化工事故池发生泄漏，废水进入清源河", Matter.PUBLICITY),
    ("水源地旁边有人偷排污水，水都发黑了", Matter.COMPLAINT),
    ("上周才演练过，今天厂里真的泄漏了，我们都闻到了", Matter.COMPLAINT),
    ("鱼塘的鱼一夜之间全部中毒死亡", Matter.COMPLAINT),
    ("网传自来水被污染不实，请大家不要抢水", Matter.OPINION),
    ("味道呛得我们睡不着。会不会是恒泰化工又泄漏？", Matter.COMPLAINT),
    ("听到爆炸声，会不会是化工厂出事了", Matter.OPINION),
    ("全城几十万人喝着被污染的自来水", Matter.OPINION),
    ("怀疑厂里管道泄漏，半夜味道呛人，可能会爆炸", Matter.COMPLAINT),
]

SILENT = [
    ("世界水日，珍惜饮用水从我做起", Matter.PUBLICITY, "不只是提到饮用水，还说出了问题"),
    ("饮用水水源保护区划定方案通过专家评审", Matter.POLICY, "不只是提到饮用水，还说出了问题"),
    ("集中式饮用水水源地水质达标率为百分之百。", Matter.QUALITY, "不只是提到饮用水，还说出了问题"),
    ("市二水厂水源地完成秋季围网检修，同步维护取水口监控。", Matter.PUBLICITY, "不只是提到水源地，还说出了问题"),
    ("切实防止饮用水水源污染，保障群众饮水安全", Matter.POLICY, "不只是提到饮用水，还说出了问题"),
    ("全市农村自来水普及率达到96%", Matter.PUBLICITY, "不只是提到自来水，还说出了问题"),
    ("A县自来水公司收费太高了，求解释", Matter.COMPLAINT, None),
    ("化工园开展危险化学品泄漏应急演练", Matter.PUBLICITY, "不是演练、培训、科普"),
    ("化工园开展危险化学品泄漏应急演练", Matter.EMERGENCY, "不是演练、培训、科普"),
    ("演练模拟储罐泄漏爆炸，多部门协同处置", Matter.EMERGENCY, "不是演练、培训、科普"),
    ("一旦发生泄漏，请立即向上风向撤离", Matter.PUBLICITY, "说的是已经或正在发生的事"),
    ("严防危化品泄漏、爆炸事故，压实企业主体责任", Matter.POLICY, "说的是已经或正在发生的事"),
    ("加油站离居民楼太近，有爆炸的隐患", Matter.COMPLAINT, "说的是已经或正在发生的事"),
    ("难道要等爆炸了才来管吗", Matter.COMPLAINT, "说的是已经或正在发生的事"),
    ("空气污染每年导致数百万人死亡", Matter.OPINION, "说的是已经或正在发生的事"),
    ("1986年切尔诺贝利核电站爆炸", Matter.OPINION, "说的是已经或正在发生的事"),
    ("排查未发现泄漏，请放心", Matter.ENFORCEMENT, "不是只说没有发生"),
    ("公司信息泄漏，个人信息泄露了怎么办", Matter.OPINION, None),
    ("公司楼下牛肉面好吃到爆炸", Matter.OPINION, None),
    ("请放心，阀门不会泄漏", Matter.ENFORCEMENT, "不是只说没有发生"),
    ("信息爆炸的时代，颜值爆炸的妆造", Matter.OPINION, None),
    ("考研题泄漏是假的，内存泄漏查了三天", Matter.OPINION, None),
    ("今天河边空气真好", Matter.OPINION, None),
]


@pytest.mark.parametrize(("text", "matter"), FIRES)
def test_it_fires_on_the_first_post(desk, say, text, matter):
    said = say(text, 8, matter=matter)
    sentence = grave_sentence(said.post, said.reading, SETTINGS)
    assert sentence is not None
    assert sentence.fires, [step for step in sentence.steps if not step.held]
    desk.hear(said)
    [alert] = desk.alerts
    assert alert.rule == "must_never_miss"
    assert alert.triggered_at == said.post.at
    assert alert.post_ids == (said.post.id,)
    assert all(step.held and step.detail for step in alert.steps)


@pytest.mark.parametrize(("text", "matter", "refused"), SILENT)
def test_it_stays_silent_and_says_at_which_question(desk, say, text, matter, refused):
    mood = Sentiment.NEUTRAL if matter in {Matter.PUBLICITY, Matter.POLICY, Matter.QUALITY} else Sentiment.NEGATIVE
    said = say(text, 8, matter=matter, mood=mood)
    desk.hear(said)
    assert desk.alerts == []
    sentence = grave_sentence(said.post, said.reading, SETTINGS)
    if refused is None:
        assert sentence is None
    else:
        assert refused in [step.question for step in sentence.steps if not step.held]


def test_an_acute_sentence_weighs_more_than_trouble_with_water(desk, say):
    desk.hear(say("家里自来水有股怪味", 8, place="990102"))
    desk.hear(say("刚刚化工园里发生爆炸", 9, matter=Matter.EMERGENCY, place="990103"))
    assert {alert.triggered_at.astimezone(SHANGHAI).hour: alert.level.value for alert in desk.alerts} == {
        8: "yellow",
        9: "orange",
    }


def test_the_sentence_that_fired_is_quoted_with_personal_data_masked(desk, say):
    desk.hear(say("我在幸福里。自来水有股怪味，请回电13900005678。", 8))
    [alert] = desk.alerts
    assert "自来水有股怪味" in alert.summary
    assert "13900005678" not in alert.summary


def test_words_and_exceptions_come_from_the_settings(say):
    said = say("刚刚实验室辐射源丢失了", 8, matter=Matter.EMERGENCY)
    assert grave_sentence(said.post, said.reading, SETTINGS) is None
    own = NeverMissConfig(words=("辐射源丢失",), except_phrases=())
    assert grave_sentence(said.post, said.reading, own).fires
    spared = NeverMissConfig(words=("辐射源丢失",), except_phrases=("辐射源丢失了",))
    assert grave_sentence(said.post, said.reading, spared) is None


def test_what_a_repost_quotes_does_not_fire_again(say):
    parent = say("恒泰化工好像泄漏了", 8)
    repost = say("不信谣不传谣//@某人:恒泰化工好像泄漏了", 9, parent=parent)
    assert grave_sentence(repost.post, repost.reading, SETTINGS) is None


@pytest.mark.parametrize(
    ("text", "relevance", "expected"),
    [
        ("刚接的自来水有怪味，烧开了上面一层沫", 0.4, True),
        ("恒泰化工好像泄漏了，味道刺鼻", 0.1, True),
        ("恒泰化工好像泄漏了，味道刺鼻", 0.01, False),
        ("老妈寄来的辣椒酱在快递柜里爆炸了", 0.2, False),
        ("今天中午吃鱼", 0.4, False),
    ],
)
def test_a_grave_report_counts_although_the_reader_passed_it_over(say, text, relevance, expected):
    said = say(text, 8, relevant=False, relevance=relevance)
    assert counts(said.post, said.reading, SETTINGS) is expected


def test_every_step_is_a_question_with_figures_or_words(say):
    said = say("家里自来水有股怪味", 8)
    steps = grave_sentence(said.post, said.reading, SETTINGS).steps
    assert all(isinstance(step, Step) and step.question and step.detail for step in steps)
    assert len(steps) >= 5
