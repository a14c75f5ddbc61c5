"""Phrases that say nothing are no answer; more than one is what the public remembers."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.material import Material

PHRASES = (
    "高度重视",
    "第一时间",
    "迅速行动",
    "迅速响应",
    "立即组织",
    "全力以赴",
    "举一反三",
    "妥善处置",
    "积极稳妥",
    "深刻汲取",
    "压紧压实",
    "坚决遏制",
    "亲自部署",
    "亲临一线",
)

TOLERATED = 1
"""One such phrase may pass; a stack of them stands where facts should."""


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a warning when empty phrases are stacked."""
    used = [phrase for phrase in PHRASES if phrase in draft.text]
    if len(used) > TOLERATED:
        message = f"套话较多（{'、'.join(used)}），请换成具体的时间、措施和数据。"
        yield Finding("empty_phrases", Severity.WARNING, message)
