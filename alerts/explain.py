"""Says in plain Chinese why an alert was raised, or why a post raised none."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.baseline import History
from alerts.detect import make_case
from alerts.rules import RULES
from qingting.config import AlertsConfig
from qingting.errors import NotFoundError
from qingting.model import Alert, Post, Reading, Step, shown
from qingting.store import Store


def explain(store: Store, identifier: str, settings: AlertsConfig | None = None) -> list[str]:
    """Return numbered lines: for an alert what was asked when it was raised, for a post what each rule says of it now.

    A post is judged by `settings`, without them by the defaults. Raises NotFoundError(alert).
    """
    try:
        alert = store.cases.alerts.get(identifier)
    except NotFoundError:
        post = store.posts.get([identifier]).get(identifier)
        if post is None:
            raise
        return _numbered(_post_lines(store, post, settings or AlertsConfig()))
    return _numbered(_alert_lines(alert))


def _alert_lines(alert: Alert) -> list[str]:
    if alert.about_source:
        return [f"运维提醒“{alert.title}”，自 {shown(alert.triggered_at)} 起。", alert.summary]
    label = next((rule.label for rule in RULES if rule.name == alert.rule), alert.rule)
    return [
        f"预警“{alert.title}”由规则“{label}”触发，等级{alert.level.label}。",
        f"触发 {shown(alert.triggered_at)}，发出 {shown(alert.created_at)}，依据帖文 {len(alert.post_ids)} 条。",
        *_step_lines(alert.steps),
        *(f"时限：{each.name}，最迟 {shown(each.due_at)}。依据：{each.basis}。" for each in alert.deadlines),
    ]


def _post_lines(store: Store, post: Post, settings: AlertsConfig) -> list[str]:
    reading = store.posts.readings([post.id]).get(post.id)
    if reading is None:
        return ["这条帖文还没有研读，规则还没有看过它。"]
    read = f"研读结果：{'涉环境' if reading.relevant else '不涉环境'}（{reading.relevance:.2f}）"
    lines = [f"{read}，{reading.topic.label}，{reading.matter.label}，{reading.sentiment.label}。"]
    event_id = store.cases.events.event_of([post.id]).get(post.id)
    if event_id is None:
        return [*lines, "它不属于任何事件，所以没有规则问到它。"]
    return lines + _event_lines(store, event_id, post, reading, settings)


def _event_lines(store: Store, event_id: str, post: Post, reading: Reading, settings: AlertsConfig) -> list[str]:
    event = store.cases.events.get(event_id)
    member = next(each for each in store.cases.events.members(event_id) if each.post_id == post.id)
    lines = [f"归入事件“{event.title}”：{member.reason}（{'副本' if member.copy else '不重复'}）。"]
    alerts = store.cases.alerts.latest(event_id=event_id, limit=1)
    if alerts:
        lines.append(f"该事件已有预警 {alerts[0].id}（{shown(alerts[0].triggered_at)}），一个事件只报一次。")
    case = make_case(store, event, [(post, reading)], History(store.posts, (), {}), settings)
    for rule in RULES:
        answer = rule.ask(case)
        lines.append(f"规则“{rule.label}”：{'成立' if answer.at else '不成立'}。")
        lines += _step_lines(answer.steps)
    return lines


def _step_lines(steps: Sequence[Step]) -> list[str]:
    return [f"{'是' if step.held else '否'}：{step.question}？{step.detail}。" for step in steps]


def _numbered(lines: Sequence[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]
