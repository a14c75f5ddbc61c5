"""`qingting sources`: what is collected, and how it has been doing."""

from __future__ import annotations

from typing import Annotated

import typer

from crawlers.health import STATE_NAMES, as_of
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
from qingting.doctor import REJECT_NAMES
from qingting.model import Reject, SourceHealth, shown
from qingting.privacy import mask_personal

app = typer.Typer(name="sources", help="信源。", no_args_is_help=True)

NEVER = "尚未采集"
SAMPLE_LENGTH = 200
LOOKED_THROUGH = 10_000
"""Rejects among which those of one source are looked for, the latest; each keeps up to 4 KB."""


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
        found = ((source, known.get(source.id)) for source in service.config.sources)
        checked = [(source, as_of(source, health, now) if health else None) for source, health in found]
    if as_json:
        print_json(
            {**_health_row(health), "id": source.id, "enabled": source.enabled, "state": _state(health)}
            for source, health in checked
        )
    else:
        rows = (
            (
                source.id,
                source.name,
                STATE_NAMES.get(_state(health), NEVER),
                health.reason if health else "",
                shown(health.since) if health else "",
                shown(health.checked_at) if health else "",
            )
            for source, health in checked
        )
        print_table("信源状态", ("编号", "名称", "状态", "原因", "自", "最近采集"), rows, "还没有配置信源。")
    bad = any(_state(health) in ("blocked", "failing", "silent") for source, health in checked if source.enabled)
    raise typer.Exit(int(bad))


@app.command("rejects")
def list_rejects(
    source: Annotated[str, typer.Option("--source", help="只看此信源。")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多显示多少条。")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """列出没有收下的内容和原因，最近的在前；个人信息已隐去。"""
    with opened(home, config) as service:
        found = service.store.cases.records.rejects(LOOKED_THROUGH if source else limit)
    rejects = [each for each in found if source in ("", each.source)][:limit]
    if as_json:
        return print_json(
            {
                "source": each.source,
                "at": each.at,
                "reason": each.reason,
                "place": mask_personal(each.place),
                "detail": mask_personal(each.detail),
                "size": each.size,
                "sample": _sample(each),
            }
            for each in rejects
        )
    rows = (
        (
            shown(each.at),
            each.source,
            REJECT_NAMES.get(each.reason, each.reason),
            each.place,
            each.detail,
            _sample(each),
        )
        for each in rejects
    )
    return print_table("拒收记录", ("时间", "信源", "原因", "位置", "说明", "开头"), rows, "没有拒收记录。")


def _sample(reject: Reject) -> str:
    """Return how a rejected input begins, in one line."""
    return mask_personal(" ".join(reject.raw.decode("utf-8", "replace").split())[:SAMPLE_LENGTH])


def _state(health: SourceHealth | None) -> str:
    return health.state if health else "never"


def _health_row(health: SourceHealth | None) -> dict[str, object]:
    row = plain(health) if health else {}
    return row if isinstance(row, dict) else {}
