"""The 情况通报: what goes into it, and what never does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from qingting.model import Channel, Draft, DraftState, Fact, FactSlot, Post, Reading, Topic
from responders.forms import CHANNELS, form_of
from responders.material import Material


def composed(material: Material) -> Draft:
    form = form_of("situation_notice")
    return form.compose(
        material.event, material.posts, material.readings, material.facts, material.office, 1, material.now, "系统"
    )


def sentence_with(draft: Draft, words: str) -> str:
    return next(each.text for each in draft.sentences if words in each.text)


def test_a_full_notice_reads_as_an_office_writes_it(material: Material) -> None:
    draft = composed(material)
    assert draft.title == "关于群众反映水环境问题的情况通报"
    assert draft.text.splitlines() == [
        "2026年9月22日2时10分起，有市民通过热线、网民通过社交媒体反映水环境问题，提到“死鱼”“刺鼻”等情况，媒体也作了报道。"
        "截至9月22日10时10分，共收集到相关信息128条。现将有关情况通报如下：",
        "经核实，事发时间为2026年9月22日1时30分许（来源：高新分局 现场检查记录）。",
        "经核实，事发地点为化工园雨水排口（来源：高新分局 现场检查记录）。",
        "经核实，污染原因为应急池池壁破损渗漏（来源：高新分局 现场检查记录）。",
        "经核实，责任单位为恒泰化工有限公司（来源：高新分局 现场检查记录）。",
        "经核实，污染物为生产废水约180立方米（来源：高新分局 现场检查记录）。",
        "经监测，9月22日10时，氨氮（大桥断面）为1.86 mg/L，pH（大桥断面）为6.8"
        "（来源：清源市环境监测站 应急监测快报第1期）。",
        "人员方面，经核实，无人员伤亡（来源：高新分局 现场检查记录）。",
        "饮用水方面，经核实，出厂水三次检测均符合标准（来源：高新分局 现场检查记录）。",
        "已采取措施：9月22日6时50分，关闭取水口（来源：高新分局 现场检查记录）。",
        "此外，企业9时10分全面停产（来源：高新分局 现场检查记录）。",
        "处置结果：已立案调查（来源：高新分局 现场检查记录）。",
        "下次通报：2026年9月23日10时（来源：高新分局 现场检查记录）。",
        "感谢社会各界的关心和监督。",
        "举报、咨询电话：12369。",
        "清源市生态环境局",
        "2026年9月22日18时30分",
    ]
    assert draft.missing == ()


def test_a_draft_says_what_it_is(material: Material) -> None:
    draft = composed(material)
    assert (draft.channel, draft.version, draft.template) == ("situation_notice", 1, "情况通报@1")
    assert (draft.state, draft.created_by, draft.created_at) == (DraftState.DRAFTING, "系统", material.now)
    assert draft.id == composed(material).id


def test_a_slot_without_a_fact_stays_open_and_is_listed(material: Material) -> None:
    draft = composed(replace(material, facts=()))
    assert draft.missing == tuple(slot for slot in FactSlot if slot is not FactSlot.CONTACT)
    for slot in draft.missing:
        assert f"【待核实：{slot.label}】" in draft.text


def test_numbers_and_guesses_of_posts_never_reach_the_text(material: Material) -> None:
    draft = composed(replace(material, facts=()))
    assert "500" not in draft.text
    assert "上千" not in draft.text
    assert "超标" not in draft.text


def test_posts_are_only_quoted_as_what_people_say(material: Material) -> None:
    opening = composed(material).sentences[0]
    assert "反映" in opening.text
    quotes = {basis.id: basis.quote for basis in opening.basis if basis.kind == "post"}
    assert quotes["p2"] == "河边漂了上千条死鱼，有人说超标500倍"
    for sentence in composed(material).sentences[1:]:
        assert all(basis.kind != "post" for basis in sentence.basis)


def test_the_region_is_named_when_a_post_names_it(material: Material, make_reading: Callable[..., Reading]) -> None:
    reading = make_reading(material.posts[0], "清源市")
    draft = composed(replace(material, readings={"p1": reading}))
    assert draft.title == "关于群众反映清源市水环境问题的情况通报"


def test_irrelevant_posts_do_not_speak(material: Material, make_reading: Callable[..., Reading]) -> None:
    readings = {post.id: replace(make_reading(post), relevant=False) for post in material.posts[1:]}
    opening = composed(replace(material, readings=readings)).sentences[0]
    assert "有市民通过热线反映水环境问题，提到“刺鼻”等情况" in opening.text


def test_without_posts_the_opening_rests_on_the_event_alone(material: Material) -> None:
    opening = composed(replace(material, posts=())).sentences[0]
    assert "有公开信息涉及水环境问题。" in opening.text
    assert [basis.kind for basis in opening.basis] == ["event"]


def test_the_newest_verified_of_two_contradicting_facts_is_used(
    material: Material, make_fact: Callable[..., Fact]
) -> None:
    newer = make_fact(FactSlot.CASUALTIES, "2人轻伤", verified_at=material.now - timedelta(hours=1))
    draft = composed(replace(material, facts=(newer, *material.facts)))
    assert "2人轻伤" in draft.text
    assert "无人员伤亡" not in draft.text


def test_of_a_measured_series_the_latest_value_is_used(material: Material, make_fact: Callable[..., Fact]) -> None:
    later = make_fact(
        FactSlot.MEASUREMENT,
        "1.38",
        "氨氮（大桥断面）",
        unit="mg/L",
        source="清源市环境监测站 应急监测快报第4期",
        occurred_at=material.now - timedelta(hours=2),
    )
    draft = composed(replace(material, facts=(*material.facts, later)))
    assert "9月22日16时30分，氨氮（大桥断面）为1.38 mg/L" in draft.text
    assert "1.86" not in draft.text


def test_a_fact_without_a_source_is_marked(material: Material, make_fact: Callable[..., Fact]) -> None:
    draft = composed(replace(material, facts=(make_fact(FactSlot.RESULT, "已立案", source=" "),)))
    assert sentence_with(draft, "已立案") == "处置结果：已立案（来源：【待核实：来源】）。"


def test_a_blank_fact_fills_no_slot(material: Material, make_fact: Callable[..., Fact]) -> None:
    draft = composed(replace(material, facts=(make_fact(FactSlot.RESULT, " 。 "),)))
    assert FactSlot.RESULT in draft.missing


def test_verified_contacts_stand_beside_the_offices_telephone(
    material: Material, make_fact: Callable[..., Fact]
) -> None:
    contact = make_fact(FactSlot.CONTACT, "供水咨询0999-6696116")
    draft = composed(replace(material, facts=(contact,)))
    assert sentence_with(draft, "电话") == "举报、咨询电话：12369；供水咨询0999-6696116。"


def test_an_office_without_telephone_is_asked_for_one(material: Material) -> None:
    draft = composed(replace(material, office=replace(material.office, telephone="")))
    assert sentence_with(draft, "电话") == "举报、咨询电话：【待核实：联系方式】。"
    assert FactSlot.CONTACT in draft.missing


@pytest.mark.parametrize("topic", [Topic.NOISE, Topic.AIR])
def test_drinking_water_is_not_asked_for_where_nobody_drinks(material: Material, topic: Topic) -> None:
    draft = composed(replace(material, event=replace(material.event, topic=topic), facts=()))
    assert FactSlot.DRINKING_WATER not in draft.missing
    assert FactSlot.PLACE in draft.missing


def test_official_posts_are_no_voice_of_the_public(material: Material, make_post: Callable[..., Post]) -> None:
    official = make_post("p9", "我局已到场核查死鱼情况", Channel.OFFICIAL)
    opening = composed(replace(material, posts=(official,))).sentences[0]
    assert "死鱼" not in opening.text


def test_every_form_in_the_folder_is_a_channel() -> None:
    assert set(CHANNELS) == {"situation_notice"}
    assert form_of("情况通报") is CHANNELS["situation_notice"]
