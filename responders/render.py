"""A draft as plain text for a terminal: every sentence with the numbers of what it rests on."""

from __future__ import annotations

from qingting.model import Basis, Draft
from qingting.privacy import mask_personal

EDITORS_NOTE = "（本稿由系统根据已核实事实拼接生成，须经人工核定）"
"""Said beside every draft and never in its text."""

BASIS_NAMES = {"fact": "事实", "post": "帖文", "event": "事件", "office": "本单位"}
"""What people call the kinds of Basis."""


def render_text(draft: Draft) -> str:
    """Return title, note, numbered sentences, what they rest on, what is missing and what the checks found.

    Personal data in quotes is masked, as the text is for a screen.
    """
    numbers = {basis: i for i, basis in enumerate(dict.fromkeys(each for s in draft.sentences for each in s.basis), 1)}
    lines = [draft.title, EDITORS_NOTE, ""]
    for sentence in draft.sentences:
        marks = "".join(f"[依据{numbers[basis]}]" for basis in sentence.basis)
        lines.append(sentence.text + marks)
    lines += ["", "依据：", *(f"[依据{number}] {_described(basis)}" for basis, number in numbers.items())]
    if draft.missing:
        lines += ["", f"待核实：{'、'.join(slot.label for slot in draft.missing)}"]
    if draft.findings:
        lines += ["", "检查结果：", *(f"[{each.severity.label}] {each.message}" for each in draft.findings)]
    return mask_personal("\n".join(lines))


def _described(basis: Basis) -> str:
    return f"{BASIS_NAMES.get(basis.kind, basis.kind)} {basis.id}：{basis.quote}"
