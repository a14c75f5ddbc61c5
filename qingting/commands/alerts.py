"""`qingting alerts`: what the duty desk has been told."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from alerts.explain import explain
from qingting.commands.shared import ConfigOption, HomeOption, JsonOption, opened, plain, print_json, print_table, say
from qingting.errors import UsageError
from qingting.model import Alert, AlertState, Delivery, shown

app = typer.Typer(name="alerts", help="预警。", no_args_is_help=True)


def alert_row(alert: Alert, deliveries: list[Delivery]) -> dict[str, object]:
    """Return an alert with its deliveries under the stable field names of the command line."""
    row = plain(alert)
    assert isinstance(row, dict)  # noqa: S101  plain() makes an object of a dataclass
    return {**row, "deliveries": deliveries}


@app.command("list")
def list_alerts(
    state: Annotated[str, typer.Option("--state", help="new 待签收，acknowledged 已签收。")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出多少条。")] = 100,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """列出预警，最近触发的在前。"""
    if state and state not in list(AlertState):
        raise UsageError(f"没有 {state!r} 这种状态。", reason="bad_argument", hint="可用：new、acknowledged。")
    with opened(home, config) as service:
        alerts = service.store.cases.alerts
        found = [
            (each, alerts.deliveries(each.id))
            for each in alerts.latest(AlertState(state) if state else None, limit=limit)
        ]
    if as_json:
        return print_json(alert_row(alert, deliveries) for alert, deliveries in found)
    rows = ((a.id, a.level.label, a.title, shown(a.triggered_at), a.state.label, _delivered(d)) for a, d in found)
    return print_table("预警", ("编号", "等级", "标题", "触发时间", "状态", "投递"), rows, "目前没有预警。")


def _delivered(deliveries: list[Delivery]) -> str:
    return "；".join(f"{each.receiver}：{each.state.label}" for each in deliveries) or "仅收件箱"


@app.command("show")
def show_alert(
    alert_id: str, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """显示一条预警：依据、时限和投递情况。"""
    with opened(home, config) as service:
        alert = service.store.cases.alerts.get(alert_id)
        deliveries = service.store.cases.alerts.deliveries(alert_id)
    if as_json:
        return print_json([alert_row(alert, deliveries)])
    say(f"【{alert.level.label}】{alert.title}（{alert.state.label}）")
    say(alert.summary)
    say(f"触发时间：{shown(alert.triggered_at)}" + ("" if alert.about_source else f"；事件：{alert.event_id}"))
    for deadline in alert.deadlines:
        say(f"时限：{deadline.name}，最迟 {shown(deadline.due_at)}（{deadline.basis}）")
    for each in deliveries:
        why = f"，{each.reason}" if each.reason else ""
        say(f"投递：{each.receiver}，{each.state.label}，尝试 {each.attempts} 次{why}")
    return say(
        f"签收请用：qingting alerts ack {alert.id} --by 姓名"
        if alert.state is AlertState.NEW
        else f"{alert.acknowledged_by} 于 {shown(alert.acknowledged_at)} 签收。"
    )


@app.command("ack")
def acknowledge(
    alert_id: str,
    by: Annotated[str, typer.Option("--by", help="签收人姓名，默认当前系统用户。")] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """签收一条预警。"""
    with opened(home, config) as service:
        alert = service.store.cases.alerts.acknowledge(alert_id, by or getpass.getuser(), service.clock())
        deliveries = service.store.cases.alerts.deliveries(alert_id)
    if as_json:
        return print_json([alert_row(alert, deliveries)])
    return say(f"{alert.acknowledged_by} 已于 {shown(alert.acknowledged_at)} 签收：{alert.title}")


@app.command("explain")
def explain_alert(
    alert_id: str, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """逐步说明一条预警（或一条帖文）为什么触发、为什么没有触发。"""
    with opened(home, config) as service:
        lines = explain(service.store, alert_id, service.config.alerts)
    if as_json:
        return print_json([{"id": alert_id, "lines": lines}])
    for line in lines:
        say(line)
    return None
