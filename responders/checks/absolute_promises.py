"""Nothing is promised that nobody can keep."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.material import Material

PROMISES = (
    "保证",
    "绝不",
    "决不",
    "绝对",
    "永不",
    "确保不再",
    "不会再",
    "彻底解决",
    "彻底消除",
    "万无一失",
    "百分之百",
    "100%",
    "零风险",
    "零污染",
    "零影响",
    "没有任何影响",
    "无任何影响",
    "完全没有",
)


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a warning for every absolute promise."""
    for word in PROMISES:
        if word in draft.text:
            message = f"「{word}」是绝对化的承诺，做不到会失信，请改为可以核验的措施和时间。"
            yield Finding("absolute_promises", Severity.WARNING, message)
