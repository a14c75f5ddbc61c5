"""What the operator is told about sources without having asked: blocked, silent, or useless for hours.

A notice stands for an episode: as long as a source stays in a state its notice has the same id, so that it is sent
once. A source that fails now and then is left to `qingting sources check`; most failures pass by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from crawlers.health import NOTHING_YET, as_of
from qingting.config import SourceConfig
from qingting.model import SourceHealth, shown, stable_id

# Maintenance at night and a provider's outage are over by then; a redesign is not.
PATIENCE = timedelta(hours=6)
AT_ONCE = frozenset({"blocked", "silent"})
STATES: Mapping[str, str] = MappingProxyType(
    {"blocked": "被拦截", "silent": "失联", "failing": "持续出错", "empty": "解析不到内容"}
)
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "blocked": "采集已自动放缓，不要设法绕过。请核对采集评估和对方的 robots.txt、访问规则，"
        "必要时停用该信源，改用订阅源、官方接口或数据服务的导出。",
        "silent": "请确认采集进程在运行（qingting doctor），再在浏览器中打开该信源，看它是否停更、搬迁或改版。",
        "failing": "请在浏览器中打开该信源，看它能否访问、是否改版；网址或版式变了，请修改配置或该网站的规则。",
        "empty": "页面多半已改版。请在浏览器中打开该信源，核对地址和 links、match 等选项。",
    }
)


@dataclass(frozen=True, slots=True)
class Notice:
    """One episode of one source that an operator has to look at; texts are in Chinese."""

    id: str
    source: str
    name: str
    state: str
    since: datetime
    reason: str
    advice: str

    @property
    def title(self) -> str:
        """Return the notice in one line."""
        return f"信源{STATES[self.state]}：{self.name}"

    @property
    def text(self) -> str:
        """Return the whole notice."""
        return f"{self.title}，自 {shown(self.since)} 起。原因：{self.reason or '未说明'}。{self.advice}"


def notices(sources: Sequence[SourceConfig], healths: Sequence[SourceHealth], now: datetime) -> list[Notice]:
    """Return a notice for every enabled source that an operator has to look at, in the order of the sources."""
    recorded = {health.source: health for health in healths}
    present = ((source, as_of(source, recorded[source.id], now)) for source in sources if source.id in recorded)
    return [_notice(source, health) for source, health in present if source.enabled and _matters(health, now)]


def _matters(health: SourceHealth, now: datetime) -> bool:
    if health.state in AT_ONCE:
        return True
    # A search that never found anything yet may just be a rare word.
    lasting = health.state == "failing" or (health.state == "empty" and health.reason != NOTHING_YET)
    return lasting and now - health.since >= PATIENCE


def _notice(source: SourceConfig, health: SourceHealth) -> Notice:
    return Notice(
        id=stable_id("n", source.id, health.state, health.since.isoformat()),
        source=source.id,
        name=source.name or source.id,
        state=health.state,
        since=health.since,
        reason=health.reason.rstrip("。"),
        advice=ADVICE[health.state],
    )
