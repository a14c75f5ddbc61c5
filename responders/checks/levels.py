"""The level of public opinion (舆情等级) is an inner figure and no grade of an accident (事件等级)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qingting.model import Draft, Finding, Level, Severity
from responders.material import Material

_GRADE = re.compile(r"(?:特别重大|重大|较大|一般)(?:突发)?(?:生态)?(?:环境)?事件|[ⅠⅡⅢⅣ]级|(?<![A-Z])I{1,3}V?级|IV级")
_INNER = ("舆情", "负面", *(level.label for level in Level))


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield findings for grades that no fact states and for words of inner monitoring in a public text."""
    for sentence in draft.sentences:
        stated = "\n".join(basis.quote for basis in sentence.basis if basis.kind == "fact")
        for grade in dict.fromkeys(_GRADE.findall(sentence.text)):
            if grade not in stated:
                message = f"「{grade}」是突发环境事件的等级，须有认定依据，不能由舆情等级推出。"
                yield Finding("levels", Severity.BLOCKING, message)
        for word in _INNER:
            if word in sentence.text:
                message = f"「{word}」是内部监测用语，对外文稿不宜出现。"
                yield Finding("levels", Severity.WARNING, message)
