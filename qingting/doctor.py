"""What is configured, what answers, what is degraded: `qingting doctor`, and the banner of the console."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawlers.health import STATE_NAMES, as_of
from qingting.app import Service
from qingting.errors import StoreError
from qingting.model import DeliveryState, shown
from qingting.store import AWAY, Tally

DISTRIBUTION = "qingting"
PACKAGES = ("qingting", "crawlers", "nlp", "alerts", "responders")

STALE_HEARTBEAT = timedelta(minutes=5)
"""A work role that has not been heard of for this long is reported; it beats every few seconds when idle."""

BACKLOG = timedelta(minutes=30)
"""Unread posts older than this mean that reading does not keep up."""

AILING = ("已变化", "状态 red")
"""What a store says of itself when it answers and yet cannot be relied on."""

POSTS, CASES = "帖文库", "案件库"

CASES_ANSWERED = "cases.answered"
"""The file of the home whose time says when the cases last answered: they cannot say so themselves while they are away.
Of the posts, the cases say it (Records.last_answer)."""

MIN_FREE_BYTES = 1 << 30

BAD_HEALTH = frozenset({"blocked", "failing", "silent"})


@dataclass(frozen=True)
class Check:
    """One thing looked at: 'ok', 'degraded' or 'broken', what was found, and what to do about it."""

    name: str
    state: str
    found: str
    advice: str = ""


@dataclass(frozen=True)
class Condition:
    """A Chinese sentence for everything that is degraded, and one that says since when posts are stale, '' if not."""

    problems: tuple[str, ...] = ()
    stale: str = ""


def examine(service: Service, reader_problem: str, reader_name: str = "") -> list[Check]:
    """Return every check, in a fixed order; those that need posts are left out while these are away."""
    return [*_installation(), *_running(service, reader_problem, reader_name)]


def examine_without_cases(home: Path, error: StoreError, reader_problem: str, reader_name: str) -> list[Check]:
    """Return the checks that are left where the cases cannot be opened."""
    cases = Check(CASES, "broken", cases_away(home, error), error.hint)
    return [*_installation(), cases, _reader(reader_problem, reader_name), _disk(home)]


def _running(service: Service, reader_problem: str, reader_name: str = "") -> list[Check]:
    """Return the checks of what may change while the service runs."""
    return [
        *_configuration(service),
        *_store(service),
        _reader(reader_problem, reader_name),
        *_roles(service),
        *_sources(service),
        *_deliveries(service),
        _rejects(service),
        _disk(service.home),
    ]


def condition(service: Service, reader_problem: str) -> Condition:
    """Return how the service is, for the console's banner. Raises StoreError, saying since when, if cases are away."""
    try:
        checks = _running(service, reader_problem)
    except StoreError as error:
        message = cases_away(service.home, error)
        raise StoreError(message, reason=error.reason, hint=error.hint, retryable=error.retryable) from error
    note_cases_answered(service.home, service.clock())
    stale = [check for check in checks if (check.name, check.state) == (POSTS, "broken")]
    others = (check for check in checks if check.state != "ok" and check not in stale)
    return Condition(
        tuple(f"{check.name}：{check.found}{check.advice}" for check in others), "".join(each.found for each in stale)
    )


def posts_away(since: datetime | None, trouble: str) -> str:
    """Return what people are told while posts do not answer, or not as a whole; `since` is when they last did."""
    return (
        f"{POSTS}{_since(since)}{AWAY}{trouble.rstrip('。')}。"
        "收录、研读和检索暂停，页面上是此前的数据；已有预警照常投递，恢复后自动补上，不会遗漏。"
    )


def cases_away(home: Path, error: StoreError) -> str:
    """Return what people are told while cases do not answer."""
    return (
        f"{CASES}{_since(_cases_answered(home))}{AWAY}{error.message.rstrip('。')}。"
        "预警、事件和稿件暂时看不到，也不能投递；它们都在库里，恢复后自动接着办理。"
    )


def _since(moment: datetime | None) -> str:
    return f"自 {shown(moment)} 起" if moment else ""


def note_cases_answered(home: Path, at: datetime) -> None:
    """Note in the home that the cases have answered."""
    # Where even the home cannot be written to, this note is the least that is missing.
    with suppress(OSError):
        (home / CASES_ANSWERED).touch(mode=0o600)
        os.utime(home / CASES_ANSWERED, (at.timestamp(), at.timestamp()))


def _cases_answered(home: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp((home / CASES_ANSWERED).stat().st_mtime, UTC)
    except OSError:
        return None


def _configuration(service: Service) -> Iterator[Check]:
    config = service.config
    enabled = sum(source.enabled for source in config.sources)
    receivers = sum(receiver.enabled for receiver in config.alerts.receivers)
    yield Check(
        "信源配置",
        "ok" if enabled else "degraded",
        f"已启用 {enabled} 个信源。",
        "" if enabled else "请在 config.toml 中添加 [[sources]]。",
    )
    advice = "" if receivers else "预警只会出现在控制台收件箱；请在 config.toml 中添加 [[alerts.receivers]]。"
    yield Check("预警接收方", "ok" if receivers else "degraded", f"已启用 {receivers} 个外部接收方。", advice)


def _installation() -> Iterator[Check]:
    """Tell whether another installed distribution shadows one of our packages."""
    owners = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        foreign = sorted(set(owners.get(package, [])) - {DISTRIBUTION})
        if foreign:
            yield Check(
                "安装", "broken", f"软件包 {package} 与 {'、'.join(foreign)} 冲突。", "请在独立的虚拟环境中重新安装。"
            )
    yield Check("安装", "ok", f"版本 {importlib.metadata.version(DISTRIBUTION)}。")


def _store(service: Service) -> Iterator[Check]:
    described = service.store.describe()
    tally, trouble = _tally(service, described["posts"])
    if tally is None:
        yield Check(POSTS, "broken", posts_away(service.store.cases.records.last_answer(), trouble))
    else:
        yield _described(POSTS, described["posts"])
    yield _described(CASES, described["cases"])
    if tally is not None:
        yield _progress(tally, service.clock())


def _tally(service: Service, description: str) -> tuple[Tally | None, str]:
    """Return how many posts there are, or why that is not known; posts that have just failed are not waited for."""
    if AWAY in description:
        return None, description.partition(AWAY)[2]
    try:
        return service.store.posts.tally(service.clock()), ""
    except StoreError as error:
        return None, f"{error.message}{error.hint}"


def _described(name: str, text: str) -> Check:
    ailing = any(sign in text for sign in AILING)
    return Check(name, "degraded" if ailing else "ok", f"{text}。")


def _progress(tally: Tally, now: datetime) -> Check:
    late = tally.oldest_unread is not None and now - tally.oldest_unread > BACKLOG
    found = f"共 {tally.total} 条帖文，待研读 {tally.unread} 条。"
    advice = "研读积压，请检查 work 角色是否在运行。" if late else ""
    return Check("研读进度", "degraded" if late else "ok", found, advice)


def _reader(problem: str, name: str) -> Check:
    if problem:
        return Check("研读模型", "degraded", problem, "")
    return Check("研读模型", "ok", f"{name or '就绪'}。")


def _roles(service: Service) -> Iterator[Check]:
    now = service.clock()
    beats = service.store.cases.records.beats()
    if not beats:
        yield Check("运行角色", "degraded", "还没有任何角色运行过。", "请用 qingting up 启动服务。")
    for role, (at, detail) in beats.items():
        stale = now - at > STALE_HEARTBEAT
        advice = "长时间没有心跳，请检查该进程。" if stale else ""
        yield Check(f"角色 {role}", "degraded" if stale else "ok", f"最近心跳 {shown(at)}，{detail}。", advice)


def _sources(service: Service) -> Iterator[Check]:
    enabled = {source.id: source for source in service.config.sources if source.enabled}
    for recorded in service.store.cases.records.health():
        if recorded.source not in enabled:
            continue
        health = as_of(enabled[recorded.source], recorded, service.clock())
        bad = health.state in BAD_HEALTH
        name = enabled[health.source].name or health.source
        found = f"{STATE_NAMES[health.state]}（自 {shown(health.since)}）：{health.reason}"
        yield Check(f"信源 {name}", "degraded" if bad else "ok", found)


def _deliveries(service: Service) -> Iterator[Check]:
    counts = service.store.cases.alerts.delivery_counts()
    failed, pending = counts.get(DeliveryState.FAILED, 0), counts.get(DeliveryState.PENDING, 0)
    delivered = counts.get(DeliveryState.DELIVERED, 0)
    state = "degraded" if failed else "ok"
    advice = "请检查接收方地址，预警内容可在控制台收件箱查看。" if failed else ""
    yield Check("预警投递", state, f"已送达 {delivered}，待投递 {pending}，失败 {failed}。", advice)


def _rejects(service: Service) -> Check:
    counts = service.store.cases.records.reject_counts()
    if not counts:
        return Check("拒收记录", "ok", "没有。")
    listed = "、".join(f"{REJECT_NAMES.get(reason, reason)} {count}" for reason, count in counts.items())
    return Check("拒收记录", "ok", f"{listed}。")


REJECT_NAMES = {
    "unreadable": "无法读取",
    "encoding": "编码错误",
    "malformed": "格式错误",
    "too_large": "过长",
    "empty_text": "无正文",
    "missing_column": "缺少列",
    "bad_time": "时间无法识别",
    "duplicate_id": "编号重复",
    "unsupported": "类型不支持",
}
"""What people call the reasons of InputError."""


def _disk(home: Path) -> Check:
    free = shutil.disk_usage(home).free
    low = free < MIN_FREE_BYTES
    return Check(
        "磁盘空间", "broken" if low else "ok", f"可用 {free / (1 << 30):.1f} GiB。", "请清理磁盘。" if low else ""
    )
