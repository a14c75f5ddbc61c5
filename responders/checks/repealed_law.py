"""No law is cited that was no longer in force when the matter began."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from qingting.model import SHANGHAI, Draft, Finding, Severity
from responders.material import Material

CODE_IN_FORCE = datetime(2026, 8, 15, tzinfo=SHANGHAI)
"""The day on which 《生态环境法典》 came into force; its article 1242 repeals ten laws."""

REPEALED = ("环境保护法", "环境影响评价法", "清洁生产促进法")
"""Laws known to be among the ten."""

LIKELY_REPEALED = (
    "大气污染防治法",
    "水污染防治法",
    "土壤污染防治法",
    "固体废物污染环境防治法",
    "噪声污染防治法",
    "放射性污染防治法",
    "海洋环境保护法",
)
"""Laws whose subject the code has taken over: to be looked up at flk.npc.gov.cn before they are cited."""

_LAW = re.compile(rf"《(?:中华人民共和国)?({'|'.join((*REPEALED, *LIKELY_REPEALED))})(?:[（(][^》]*)?》")
_UNMARKED = re.compile(r"(?<![海洋境])环境保护法(?!典)")


def check(draft: Draft, material: Material) -> Iterator[Finding]:
    """Yield a finding for every such law cited about an event that began under the code."""
    if material.event.first_seen < CODE_IN_FORCE:
        return
    text = f"{draft.title}\n{draft.text}"
    cited = [match[1] for match in _LAW.finditer(text)]
    if _UNMARKED.search(_LAW.sub("", text)):
        cited.append("环境保护法")
    for law in dict.fromkeys(cited):
        if law in REPEALED:
            message = f"《{law}》已自2026年8月15日起废止，请改引《生态环境法典》的相应条款。"
            yield Finding("repealed_law", Severity.BLOCKING, message)
        else:
            message = (
                f"《{law}》的内容已编入《生态环境法典》（2026年8月15日起施行），请先在国家法律法规数据库核对效力。"
            )
            yield Finding("repealed_law", Severity.WARNING, message)
