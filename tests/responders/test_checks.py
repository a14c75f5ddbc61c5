"""Every check finds what it is for, and leaves good sentences alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from qingting.model import SHANGHAI, Basis, Draft, Fact, FactSlot, Finding, Sentence, Severity
from responders.checks import CHECKS, run_checks
from responders.forms import form_of
from responders.material import Material
from responders.words import fact_basis


def found(draft: Draft, material: Material, check: str) -> list[Finding]:
    return [finding for finding in run_checks(draft, material) if finding.check == check]


@pytest.fixture
def good(material: Material) -> Draft:
    return form_of("情况通报").compose(
        material.event, material.posts, material.readings, material.facts, material.office, 1, material.now, "系统"
    )


def saying(draft: Draft, text: str, *basis: Basis) -> Draft:
    """Return the draft with one more sentence."""
    return replace(draft, sentences=(*draft.sentences, Sentence(text, basis)))


def test_a_draft_from_verified_facts_alone_passes_every_check(good: Draft, material: Material) -> None:
    assert run_checks(good, material) == ()


def test_there_is_one_file_a_check_and_each_is_listed() -> None:
    assert len({check.__module__ for check in CHECKS}) == len(CHECKS) == 13


def test_a_sentence_without_basis_blocks(good: Draft, material: Material) -> None:
    (finding,) = found(saying(good, "水质良好。"), material, "has_basis")
    assert finding.severity is Severity.BLOCKING
    assert "水质良好。" in finding.message


@pytest.mark.parametrize(
    "basis",
    [
        Basis("fact", "f-unknown", "水质良好"),
        Basis("post", "p1", "这句话不在帖文里"),
        Basis("event", "e1", "尚无“时间”的已核实事实"),
        Basis("event", "e2", "尚无“联系方式”的已核实事实"),
        Basis("office", "清源市生态环境局", "电话：110"),
        Basis("rumour", "x", "听说"),
    ],
)
def test_a_quote_that_its_origin_does_not_hold_blocks(good: Draft, material: Material, basis: Basis) -> None:
    (finding,) = found(saying(good, "水质良好。", basis), material, "has_basis")
    assert "依据与原件不符" in finding.message


@pytest.mark.parametrize(
    ("text", "figure"),
    [
        ("氨氮（大桥断面）为1.68 mg/L。", "1.68mg/L"),
        ("氨氮（大桥断面）为1.86 μg/L。", "1.86μg/L"),
        ("9月22日11时氨氮为1.86毫克/升。", "11时"),
        ("氨氮超标三倍。", "3倍"),
        ("下降了百分之二十。", "20%"),
        ("影响居民一万二千户。", "2000户"),
    ],
)
def test_a_number_that_the_basis_does_not_hold_blocks(good: Draft, material: Material, text: str, figure: str) -> None:
    basis = fact_basis(next(fact for fact in material.facts if fact.value == "1.86"))
    messages = [finding.message for finding in found(saying(good, text, basis), material, "figures_in_basis")]
    assert any(f"「{figure}」" in message for message in messages)


def test_a_number_spelled_otherwise_is_the_same_number(good: Draft, material: Material) -> None:
    basis = fact_basis(next(fact for fact in material.facts if fact.value == "1.86"))
    text = "2026-09-22 10时（十点），氨氮为１．８６毫克/升（应急监测快报第1期）。"
    assert found(saying(good, text, basis), material, "figures_in_basis") == []


def test_a_number_from_a_post_is_no_fact(good: Draft, material: Material) -> None:
    draft = saying(good, "水质超标500倍。", Basis("post", "p2", "河边漂了上千条死鱼，有人说超标500倍"))
    assert [finding.severity for finding in found(draft, material, "figures_in_basis")] == [Severity.BLOCKING]


@pytest.mark.parametrize("text", ["责任单位为恒达化工有限公司。", "经宏盛水厂确认。", "群众说“河水有毒”。"])
def test_a_name_or_quotation_that_the_basis_does_not_hold_blocks(good: Draft, material: Material, text: str) -> None:
    basis = fact_basis(next(fact for fact in material.facts if fact.slot is FactSlot.RESPONSIBLE))
    assert found(saying(good, text, basis), material, "names_in_basis")


def test_a_name_in_the_basis_may_be_led_in_by_any_words(good: Draft, material: Material) -> None:
    basis = fact_basis(next(fact for fact in material.facts if fact.slot is FactSlot.RESPONSIBLE))
    draft = saying(good, "已责令责任单位对恒泰化工有限公司厂区停产。", basis)
    assert found(draft, material, "names_in_basis") == []


def test_a_placeholder_left_over_blocks(good: Draft, material: Material) -> None:
    (finding,) = found(saying(good, "原因是【待核实：起因】。"), material, "placeholders")
    assert (finding.severity, finding.message) == (Severity.BLOCKING, "还有 1 项待核实：起因。")


def test_a_private_number_blocks_and_is_not_repeated(good: Draft, material: Material) -> None:
    (finding,) = found(saying(good, "请联系13912345678。"), material, "personal_data")
    assert finding.severity is Severity.BLOCKING
    assert "13912345678" not in finding.message


def test_a_verified_contact_may_be_a_mobile_number(
    good: Draft, material: Material, make_fact: Callable[..., Fact]
) -> None:
    contact = make_fact(FactSlot.CONTACT, "13912345678")
    with_contact = replace(material, facts=(*material.facts, contact))
    assert found(saying(good, "电话：13912345678。", fact_basis(contact)), with_contact, "personal_data") == []


@pytest.mark.parametrize("text", ["2026年9月23日10时已停产。", "9月30日已停产。", "2026年2月30日停产。"])
def test_a_date_to_come_or_impossible_blocks(good: Draft, material: Material, text: str) -> None:
    (finding,) = found(saying(good, text), material, "dates")
    assert finding.severity is Severity.BLOCKING


def test_a_winter_date_without_year_is_last_winters(good: Draft, material: Material) -> None:
    january = replace(material, now=material.now.replace(year=2027, month=1, day=3))
    assert found(saying(replace(good, sentences=()), "12月31日已停产。"), january, "dates") == []


def test_contradicting_facts_are_named_with_both_values(
    good: Draft, material: Material, make_fact: Callable[..., Fact]
) -> None:
    newer = make_fact(FactSlot.CASUALTIES, "2人轻伤", verified_at=material.now)
    (finding,) = found(good, replace(material, facts=(*material.facts, newer)), "conflicting_facts")
    assert finding.severity is Severity.WARNING
    assert "「2人轻伤」" in finding.message
    assert "「无人员伤亡」" in finding.message


def test_an_earlier_value_of_a_series_is_a_hint_only(
    good: Draft, material: Material, make_fact: Callable[..., Fact]
) -> None:
    earlier = make_fact(
        FactSlot.MEASUREMENT, "9.9", "氨氮（大桥断面）", unit="mg/L", occurred_at=material.now - timedelta(hours=12)
    )
    (finding,) = found(good, replace(material, facts=(*material.facts, earlier)), "conflicting_facts")
    assert finding.severity is Severity.INFO


def test_two_values_of_one_moment_contradict(good: Draft, material: Material, make_fact: Callable[..., Fact]) -> None:
    same = next(fact for fact in material.facts if fact.value == "1.86")
    other = replace(same, id="f-other", value="2.4")
    (finding,) = found(good, replace(material, facts=(*material.facts, other)), "conflicting_facts")
    assert finding.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("依据《环境保护法》第六十三条处罚。", Severity.BLOCKING),
        ("依据《中华人民共和国环境保护法》处罚。", Severity.BLOCKING),
        ("依据环境保护法处罚。", Severity.BLOCKING),
        ("依据《水污染防治法》处罚。", Severity.WARNING),
        ("依据《中华人民共和国海洋环境保护法（2023修订）》处罚。", Severity.WARNING),
    ],
)
def test_a_repealed_law_is_found(good: Draft, material: Material, text: str, severity: Severity) -> None:
    (finding,) = found(saying(good, text), material, "repealed_law")
    assert finding.severity is severity


def test_the_code_itself_may_be_cited(good: Draft, material: Material) -> None:
    assert found(saying(good, "依据《生态环境法典》处罚。"), material, "repealed_law") == []


def test_the_old_law_holds_for_older_events(good: Draft, material: Material) -> None:
    before = material.event.first_seen.replace(month=8, day=14)
    older = replace(material, event=replace(material.event, first_seen=before.astimezone(SHANGHAI)))
    assert found(saying(good, "依据《环境保护法》处罚。"), older, "repealed_law") == []


@pytest.mark.parametrize("grade", ["重大突发环境事件", "较大事件", "Ⅱ级", "II级"])
def test_a_grade_of_accident_needs_a_fact(good: Draft, material: Material, grade: str) -> None:
    (finding,) = found(saying(good, f"此次属于{grade}。"), material, "levels")
    assert finding.severity is Severity.BLOCKING


def test_a_grade_that_a_fact_states_is_left_alone(
    good: Draft, material: Material, make_fact: Callable[..., Fact]
) -> None:
    fact = make_fact(FactSlot.RESULT, "认定为一般突发环境事件")
    assert found(saying(good, "此次属于一般突发环境事件。", fact_basis(fact)), material, "levels") == []


def test_words_of_inner_monitoring_are_pointed_out(good: Draft, material: Material) -> None:
    findings = found(saying(good, "舆情等级为橙色（重大）。"), material, "levels")
    assert {finding.severity for finding in findings} == {Severity.WARNING}


@pytest.mark.parametrize("word", ["临时工", "不明真相", "别有用心", "一小撮", "情绪稳定"])
def test_words_likely_to_do_harm_are_pointed_out(good: Draft, material: Material, word: str) -> None:
    (finding,) = found(saying(good, f"系{word}所为。"), material, "harmful_words")
    assert finding.severity is Severity.WARNING
    assert f"「{word}」" in finding.message


def test_absolute_promises_are_pointed_out(good: Draft, material: Material) -> None:
    assert found(saying(good, "我局保证今后绝不发生。"), material, "absolute_promises")


def test_one_set_phrase_passes_and_a_stack_does_not(good: Draft, material: Material) -> None:
    assert found(saying(good, "我局高度重视。"), material, "empty_phrases") == []
    assert found(saying(good, "我局高度重视，第一时间响应。"), material, "empty_phrases")


def test_too_short_and_too_long_are_pointed_out(good: Draft, material: Material) -> None:
    assert "少于 200 字" in found(replace(good, sentences=good.sentences[:1]), material, "length")[0].message
    assert "多于 600 字" in found(saying(good, "长" * 600), material, "length")[0].message
