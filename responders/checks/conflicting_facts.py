"""Verified facts that say different things under one name are pointed out, with both values."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.facts import Replaced, replaced
from responders.material import Material
from responders.words import amount, fact_name, said


def check(_draft: Draft, material: Material) -> Iterator[Finding]:
    """Yield a warning for each contradiction, and a hint for each earlier value of a series that is left out."""
    for each in replaced(material.facts):
        severity = Severity.WARNING if each.contradicts else Severity.INFO
        yield Finding("conflicting_facts", severity, _message(each))


def _message(each: Replaced) -> str:
    kind = "先后不一致，采用最新核实的" if each.contradicts else "有更早的数值，采用最近一次的"
    used, unused = (
        f"「{amount(fact)}」（来源：{fact.source}，{said(fact.verified_at)}核实）" for fact in (each.used, each.unused)
    )
    return f"{each.used.slot.label}「{fact_name(each.used)}」{kind}{used}，未采用{unused}。"
