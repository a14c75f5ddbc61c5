"""`qingting drafts` and `qingting facts`: what is verified, and what is written on that ground."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from qingting.app import draft
from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    JsonOption,
    moment,
    opened,
    plain,
    print_json,
    print_table,
    say,
)
from qingting.errors import UsageError
from qingting.model import Draft, Fact, FactSlot, shown, stable_id
from responders.render import render_text

app = typer.Typer(name="drafts", help="回应稿。", no_args_is_help=True)
facts_app = typer.Typer(name="facts", help="已核实事实。", no_args_is_help=True)


def draft_row(each: Draft) -> dict[str, object]:
    """Return a draft with its text under the stable field names of the command line."""
    row = plain(each)
    assert isinstance(row, dict)  # noqa: S101  plain() makes an object of a dataclass
    return {**row, "text": each.text, "text_hash": each.text_hash}


@app.command("list")
def list_drafts(
    event: Annotated[str, typer.Option("--event", help="只列这个事件的。")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出多少份。")] = 100,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """列出回应稿，最近拟的在前。"""
    with opened(home, config) as service:
        found = service.store.cases.drafts.latest(event or None, limit=limit)
    if as_json:
        return print_json(draft_row(each) for each in found)
    rows = ((d.id, d.title, d.channel, d.version, d.state.label, len(d.missing), shown(d.created_at)) for d in found)
    return print_table(
        "回应稿", ("编号", "标题", "文种", "版本", "状态", "待核实", "拟稿时间"), rows, "目前没有回应稿。"
    )


@app.command("show")
def show_draft(
    draft_id: str, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """显示一份回应稿：正文、逐句依据和检查结果。"""
    with opened(home, config) as service:
        found = service.store.cases.drafts.get(draft_id)
    if as_json:
        return print_json([draft_row(found)])
    return say(render_text(found))


@app.command("create")
def create_draft(
    event_id: str,
    channel: Annotated[
        str, typer.Option("--channel", help="文种：situation_notice（情况通报）。")
    ] = "situation_notice",
    by: Annotated[str, typer.Option("--by", help="拟稿人姓名，默认当前系统用户。")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """根据已核实事实和帖文拟一份回应稿；缺的事实标为【待核实】。"""
    with opened(home, config) as service:
        made = draft(service, event_id, channel, by or getpass.getuser())
    if as_json:
        return print_json([draft_row(made)])
    say(render_text(made))
    return say(f"已保存为 {made.id}（第 {made.version} 版）。补充事实请用 qingting facts add {event_id}，再重新拟稿。")


@facts_app.command("list")
def list_facts(
    event_id: str, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """列出一个事件的已核实事实。"""
    with opened(home, config) as service:
        service.store.cases.events.get(event_id)
        found = service.store.cases.drafts.facts(event_id)
    if as_json:
        return print_json(found)
    rows = ((f.slot.label, f.name, f"{f.value}{f.unit}", f.source, f.verifier, shown(f.verified_at)) for f in found)
    return print_table(
        "已核实事实", ("要素", "名称", "内容", "来源", "核实人", "核实时间"), rows, "还没有核实过的事实。"
    )


@facts_app.command("add")
def add_fact(
    event_id: str,
    slot: Annotated[
        str, typer.Option("--slot", help=f"要素：{'、'.join(f'{each} {each.label}' for each in FactSlot)}。")
    ],
    value: Annotated[str, typer.Option("--value", help="内容或数值。")],
    source: Annotated[str, typer.Option("--source", help="事实的出处，例如 现场检查记录。")],
    verifier: Annotated[str, typer.Option("--verifier", help="核实人姓名。")],
    name: Annotated[str, typer.Option("--name", help="名称，例如 氨氮（临河大桥断面）。")] = "",
    unit: Annotated[str, typer.Option("--unit", help="单位。")] = "",
    occurred_at: Annotated[str, typer.Option("--at", help="事实发生的时间。")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """记下一条已由专人核实的事实。"""
    if slot not in list(FactSlot):
        raise UsageError(f"没有 {slot!r} 这个要素。", reason="bad_argument", hint=f"可用：{'、'.join(FactSlot)}。")
    with opened(home, config) as service:
        service.store.cases.events.get(event_id)
        fact = Fact(
            id=stable_id("f", event_id, slot, name, value, unit, source, occurred_at, verifier),
            event_id=event_id,
            slot=FactSlot(slot),
            name=name or FactSlot(slot).label,
            value=value,
            unit=unit,
            source=source,
            occurred_at=moment(occurred_at, service.config.service.timezone) if occurred_at else None,
            verifier=verifier,
            verified_at=service.clock(),
        )
        service.store.cases.drafts.add_fact(fact, verifier)
    if as_json:
        return print_json([fact])
    return say(
        f"已记下：{fact.slot.label}「{fact.name}」{fact.value}{fact.unit}（{fact.source}，{fact.verifier} 核实）。"
    )
