"""Words that have turned a response into the next story are pointed out (次生舆情)."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.material import Material

WORDS = {
    "临时工": "易被理解为推卸责任，请写明责任单位和责任人员的认定。",
    "外包": "易被理解为推卸责任，请写明监管责任。",
    "个别": "易被理解为淡化问题，请写具体数目。",
    "不明真相": "贬低公众，请删去。",
    "别有用心": "贬低公众，请删去。",
    "一小撮": "贬低公众，请删去。",
    "刁民": "侮辱公众，请删去。",
    "无理取闹": "贬低公众，请删去。",
    "恶意炒作": "指责发帖人，请改为列出事实。",
    "炒作": "指责发帖人，请改为列出事实。",
    "造谣": "须由公安、网信部门认定，请改为列出事实。",
    "谣言": "须由公安、网信部门认定，请改为列出事实。",
    "情绪稳定": "易引起反感，请写对当事人的救助和安排。",
    "舆论平稳": "不是公众关心的内容，请删去。",
    "众所周知": "没有信息，请写依据。",
    "专家表示": "请写明专家的姓名和单位。",
    "不可抗力": "须有认定依据，否则易被理解为推卸责任。",
    "有关领导": "含糊，请写明职务姓名，或删去。",
    "主要负责人": "含糊，请写明职务姓名，或删去。",
    "不传谣": "训诫公众，请改为告知信息发布渠道。",
    "不信谣": "训诫公众，请改为告知信息发布渠道。",
}
"""Each word with what makes it harmful and what to write instead."""


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a warning for every such word in title or text."""
    text = f"{draft.title}\n{draft.text}"
    for word, advice in WORDS.items():
        if word in text:
            yield Finding("harmful_words", Severity.WARNING, f"「{word}」{advice}")
