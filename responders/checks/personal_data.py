"""No telephone, identity card or other number that leads to a person stands in a text (个人信息保护法)."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, FactSlot, Finding, Severity
from qingting.privacy import mask_personal
from responders.material import Material
from responders.words import amount


def check(draft: Draft, material: Material) -> Iterator[Finding]:
    """Yield a blocking finding for every sentence in which masking would change anything.

    The office's own telephone and the numbers given as verified contacts are meant to be read.
    """
    meant = [material.office.telephone, *(amount(fact) for fact in material.facts if fact.slot is FactSlot.CONTACT)]
    for text in (draft.title, *(sentence.text for sentence in draft.sentences)):
        remaining = text
        for each in filter(None, meant):
            remaining = remaining.replace(each, "")
        if (masked := mask_personal(remaining)) != remaining:
            yield Finding("personal_data", Severity.BLOCKING, f"含有未脱敏的个人信息：「{masked}」")
