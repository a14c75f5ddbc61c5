"""config.toml as frozen dataclasses: declared once here, read strictly, cross-checked, secrets redacted.

Every key has its default here, so that an empty file is a working configuration; the shipped config.toml repeats
each of them with an explanation, and a test holds the two equal. A value written "env:NAME" in a Secret field is
taken from the environment.
"""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from qingting.errors import ConfigError
from qingting.strict import Secret, parse_toml


@dataclass(frozen=True)
class ServiceConfig:
    """The office that runs the service."""

    office: str = "某市生态环境局"
    region: str = ""
    timezone: str = "Asia/Shanghai"
    telephone: str = "12369"


@dataclass(frozen=True)
class StoreConfig:
    """Where posts and cases live: 'sqlite' is one file in the home; and for how long, 0 meaning for ever."""

    posts: Secret = Secret("sqlite")
    cases: Secret = Secret("sqlite")
    keep_days: int = 0
    reject_days: int = 365


@dataclass(frozen=True)
class PlaceConfig:
    """A place of the office's own that the national table lacks (a street, estate, river)."""

    code: str = ""
    name: str = ""
    parent: str = ""


@dataclass(frozen=True)
class ReaderConfig:
    """How texts are read. `model` is a folder; '' means the shipped one."""

    backend: str = "onnx"
    model: str = ""
    threads: int = 2
    max_tokens: int = 160
    batch_tokens: int = 1024
    places: tuple[PlaceConfig, ...] = ()
    organisations: tuple[str, ...] = ()


@dataclass(frozen=True)
class CrawlConfig:
    """How sources are collected: never faster or bolder than this."""

    contact: str = ""
    delay_seconds: float = 1.0
    timeout_seconds: float = 30.0
    max_body_mib: int = 16
    workers: int = 2
    evidence_days: int = 365
    allow_loopback_ports: tuple[int, ...] = ()


@dataclass(frozen=True)
class SourceConfig:
    """One source. `assessment` says why collecting it is lawful and harmless (《网络数据安全管理条例》第十八条)."""

    id: str = ""
    name: str = ""
    kind: str = ""
    address: str = ""
    channel: str = "news"
    cadence_minutes: float = 30.0
    region: str = ""
    weight: float = 1.0
    enabled: bool = True
    assessment: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnsConfig:
    """Which columns of an export hold what; each is a list of names, the first that is there counts."""

    id: tuple[str, ...] = ("id", "留言编号", "工单编号", "编号", "投诉编号", "mid", "微博id")
    title: tuple[str, ...] = ("title", "留言主题", "标题", "主题")
    text: tuple[str, ...] = ("text", "留言详情", "内容", "诉求内容", "投诉内容", "正文", "content", "微博正文")
    published_at: tuple[str, ...] = (
        "published_at",
        "留言时间",
        "发布时间",
        "受理时间",
        "时间",
        "投诉时间",
        "time",
        "created_at",
        "date",
        "publish_time",
    )
    author: tuple[str, ...] = ("author", "留言用户", "作者", "反映人", "用户", "user", "用户昵称")
    region: tuple[str, ...] = ("region", "行政区划代码", "区划代码")
    url: tuple[str, ...] = ("url", "链接", "网址")
    source: tuple[str, ...] = ("source", "来源")
    channel: tuple[str, ...] = ("channel", "载体")
    reposts: tuple[str, ...] = ("reposts", "转发数")
    comments: tuple[str, ...] = ("comments", "评论数")
    likes: tuple[str, ...] = ("likes", "点赞数")
    parent: tuple[str, ...] = ("parent_id", "repost_of", "转发自")
    root: tuple[str, ...] = ("root_id", "原帖")


@dataclass(frozen=True)
class ImportConfig:
    """How files are imported."""

    channel: str = "hotline"
    max_line_mib: int = 4
    columns: ColumnsConfig = ColumnsConfig()


@dataclass(frozen=True)
class GroupingConfig:
    """When posts belong to one event."""

    days: float = 7.0
    threshold: float = 0.5
    shown_from: int = 3
    quiet_hours: float = 48.0


@dataclass(frozen=True)
class VolumeConfig:
    """The volume rule: floors below which it never fires, and how unlikely a count must be above them."""

    window_hours: float = 3.0
    baseline_days: float = 14.0
    min_posts: int = 5
    min_authors: int = 3
    chance: float = 1e-4


@dataclass(frozen=True)
class NeverMissConfig:
    """The must-never-miss rule: any of these words on one relevant post is enough."""

    words: tuple[str, ...] = (
        "饮用水",
        "自来水",
        "水源地",
        "取水口",
        "伤亡",
        "死亡",
        "中毒",
        "遇难",
        "爆炸",
        "爆燃",
        "泄漏",
        "泄露",
        "死鱼",
    )
    except_phrases: tuple[str, ...] = (
        "信息泄露",
        "信息泄漏",
        "隐私泄露",
        "密码泄露",
        "数据泄露",
        "防泄漏",
        "泄漏检测",
        "泄漏演练",
        "死鱼眼",
        "死鱼脸",
    )


@dataclass(frozen=True)
class ReceiverConfig:
    """Who is told, and how."""

    name: str = ""
    kind: str = "webhook"
    url: Secret = Secret("")
    min_level: str = "blue"
    operations: bool = False
    enabled: bool = True


@dataclass(frozen=True)
class AlertsConfig:
    """When the duty desk is told, and how delivery is tried."""

    digest_from: int = 6
    history_hours: float = 72.0
    retry_seconds: float = 30.0
    retry_max_minutes: float = 30.0
    retry_hours: float = 48.0
    timeout_seconds: float = 10.0
    grouping: GroupingConfig = GroupingConfig()
    volume: VolumeConfig = VolumeConfig()
    never_miss: NeverMissConfig = NeverMissConfig()
    receivers: tuple[ReceiverConfig, ...] = ()


@dataclass(frozen=True)
class DraftsConfig:
    """What every draft of this office says about itself."""

    issuer: str = ""
    telephone: str = ""


@dataclass(frozen=True)
class WorkConfig:
    """How the standing role works: how often, how much at once, and how long a worker may hold a post."""

    interval_seconds: float = 5.0
    batch_posts: int = 512
    lease_minutes: float = 10.0


@dataclass(frozen=True)
class WebConfig:
    """Where the console listens. It has no accounts yet: keep it on loopback or behind the office's own gate."""

    host: str = "127.0.0.1"
    port: int = 8765


@dataclass(frozen=True)
class Config:
    """The whole of config.toml."""

    service: ServiceConfig = ServiceConfig()
    store: StoreConfig = StoreConfig()
    reader: ReaderConfig = ReaderConfig()
    crawl: CrawlConfig = CrawlConfig()
    sources: tuple[SourceConfig, ...] = ()
    imports: ImportConfig = ImportConfig()
    work: WorkConfig = WorkConfig()
    alerts: AlertsConfig = AlertsConfig()
    drafts: DraftsConfig = DraftsConfig()
    web: WebConfig = WebConfig()


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Config:
    """Return the configuration in a TOML file, or the defaults without one.

    Raises ConfigError(unreadable | syntax | unknown_key | wrong_type | bad_value | missing_secret | conflict).
    """
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"读不到配置文件 {path}：{error}", reason="unreadable", hint="请检查路径、权限，并以 UTF-8 保存。"
        ) from error
    return parse(text, environ, name=path.name)


def parse(text: str, environ: Mapping[str, str] = os.environ, name: str = "config.toml") -> Config:
    """Return the configuration in a TOML text; raises as `load` does, each message naming the key."""
    config = parse_toml(Config, text, environ, name)
    _cross_check(config, name)
    return config


def _bad(where: str, problem: str, hint: str) -> ConfigError:
    return ConfigError(f"{where} {problem}", reason="bad_value", hint=hint)


def _one_of(where: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = difflib.get_close_matches(value, allowed, n=1)
        hint = f"是不是想写 {near[0]}？" if near else f"可用：{'、'.join(allowed)}。"
        raise _bad(where, f"= {value!r} 不可用。", hint)


READERS = ("onnx", "torch", "lexicon")
SOURCE_KINDS = ("board", "feed", "hotline", "list", "messageboard", "search", "video", "wechat", "weibo")
CHANNELS = ("news", "social", "hotline", "forum", "video", "board", "official", "other")
RECEIVER_KINDS = ("webhook",)
LEVELS = ("blue", "yellow", "orange", "red")


def _cross_check(config: Config, name: str) -> None:
    """Raise ConfigError for values that are well typed and still make no sense."""
    try:
        ZoneInfo(config.service.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise _bad(
            f"{name}: service.timezone", f"= {config.service.timezone!r} 不是时区名。", "例如 Asia/Shanghai。"
        ) from error
    _one_of(f"{name}: reader.backend", config.reader.backend, READERS)
    _one_of(f"{name}: imports.channel", config.imports.channel, CHANNELS)
    _positive(config, name)
    _keeps_enough(config, name)
    seen: set[str] = set()
    for i, source in enumerate(config.sources):
        where = f"{name}: sources[{i}]"
        for key in ("id", "kind", "address", "assessment"):
            if not getattr(source, key):
                raise _bad(f"{where}.{key}", "不能为空。", "每个信源都要有编号、类型、地址和采集评估说明。")
        _one_of(f"{where}.kind", source.kind, SOURCE_KINDS)
        _one_of(f"{where}.channel", source.channel, CHANNELS)
        _unique(f"{where}.id", source.id, seen)
    seen = set()
    for i, receiver in enumerate(config.alerts.receivers):
        where = f"{name}: alerts.receivers[{i}]"
        if not receiver.name or not receiver.url:
            raise _bad(f"{where}", "缺少 name 或 url。", "每个接收方都要有名称和地址。")
        _one_of(f"{where}.kind", receiver.kind, RECEIVER_KINDS)
        _one_of(f"{where}.min_level", receiver.min_level, LEVELS)
        _unique(f"{where}.name", receiver.name, seen)


def _unique(where: str, value: str, seen: set[str]) -> None:
    if value in seen:
        raise ConfigError(f"{where} = {value!r} 重复。", reason="conflict", hint="请改成不同的名称。")
    seen.add(value)


def _keeps_enough(config: Config, name: str) -> None:
    """Raise ConfigError if posts would be dropped that grouping and the volume rule still look back at."""
    days = config.store.keep_days
    needed = math.ceil(config.alerts.volume.baseline_days + config.alerts.grouping.days)
    if 0 < days < needed:
        raise _bad(
            f"{name}: store.keep_days",
            f"= {days} 太短，归并和声量规则还要用到前 {needed} 天的帖文。",
            f"请填 0（全部保留）或至少 {needed}。",
        )


ZERO_ALLOWED = frozenset({"delay_seconds", "keep_days", "reject_days"})


def _positive(owner: object, where: str) -> None:
    """Raise ConfigError for a number below zero, and for a zero where it means nothing."""
    for each in fields(owner):  # type: ignore[arg-type]
        value = getattr(owner, each.name)
        here = f"{where}: {each.name}" if isinstance(owner, Config) else f"{where}.{each.name}"
        if is_dataclass(value):
            _positive(value, here)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            if each.name in ZERO_ALLOWED and value < 0:
                raise _bad(here, f"= {value} 不能小于 0。", "请改成 0 或正数。")
            if each.name not in ZERO_ALLOWED and value <= 0:
                raise _bad(here, f"= {value} 必须大于 0。", "请改成正数。")
