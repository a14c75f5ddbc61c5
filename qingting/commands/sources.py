"""`qingting sources`: what is collected, and how it has been doing."""

from __future__ import annotations

from datetime import timedelta

import typer

from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    JsonOption,
    opened,
    plain,
    print_json,
    print_table,
    settings,
)
from qingting.config import SourceConfig
from qingting.model import SourceHealth, shown

app = typer.Typer(name="sources", help="信源。", no_args_is_help=True)

STATE_NAMES = {
    "ok": "正常",
    "empty": "无内容",
    "unchanged": "无更新",
    "blocked": "被拦截",
    "failing": "出错",
    "silent": "失联",
    "never": "尚未采集",
}

SILENT_AFTER_CADENCES = 5
"""A source not even tried for this many of its own cadences (and at least an hour) counts as silent."""


@app.command("list")
def list_sources(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """列出配置的信源。"""
    _, loaded = settings(home, config)
    if as_json:
        return print_json(loaded.sources)
    rows = (
        (s.id, s.name, s.kind, s.address, f"{s.cadence_minutes:g} 分钟", "启用" if s.enabled else "停用", s.assessment)
        for s in loaded.sources
    )
    columns = ("编号", "名称", "类型", "地址", "频次", "状态", "采集评估")
    return print_table("信源", columns, rows, "还没有配置信源。请在 config.toml 中添加 [[sources]]。")


@app.command("check")
def check_sources(as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None) -> None:
    """报告每个信源是否正常，为什么，从什么时候开始；有不正常的以 1 退出。"""
    with opened(home, config) as service:
        now = service.clock()
        known = {each.source: each for each in service.store.cases.records.health()}
        checked = [
            (source, _state(source, known.get(source.id), now.timestamp()), known.get(source.id))
            for source in service.config.sources
        ]
    if as_json:
        print_json(
            {**_health_row(health), "id": source.id, "enabled": source.enabled, "state": state}
            for source, state, health in checked
        )
    else:
        rows = (
            (
                s.id,
                s.name,
                STATE_NAMES[state],
                h.reason if h else "",
                shown(h.since) if h else "",
                shown(h.checked_at) if h else "",
            )
            for s, state, h in checked
        )
        print_table("信源状态", ("编号", "名称", "状态", "原因", "自", "最近采集"), rows, "还没有配置信源。")
    bad = any(state in ("blocked", "failing", "silent") for source, state, _ in checked if source.enabled)
    raise typer.Exit(int(bad))


def _health_row(health: SourceHealth | None) -> dict[str, object]:
    row = plain(health) if health else {}
    return row if isinstance(row, dict) else {}


def _state(source: SourceConfig, health: SourceHealth | None, now: float) -> str:
    """Return the recorded state, or silent for a source that the crawl role has stopped visiting."""
    if health is None:
        return "never"
    allowed = max(timedelta(hours=1), SILENT_AFTER_CADENCES * timedelta(minutes=source.cadence_minutes))
    late = now - health.checked_at.timestamp() > allowed.total_seconds()
    return "silent" if late and source.enabled and health.state in ("ok", "empty", "unchanged") else health.state
