"""The things Qingting speaks about: frozen, aware of time zones, free of I/O.

The field's Chinese terms stand beside the English ones here and nowhere else, so that screens,
alerts and drafts all take them from one place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


class Labelled(StrEnum):
    """A closed vocabulary: the value is stored and printed for programs, the label is shown to people."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        # Only a look-up by value comes without a label; it never gets here.
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Channel(Labelled):
    """Where in public life a post was said (载体)."""

    NEWS = "news", "新闻媒体"
    SOCIAL = "social", "社交媒体"
    HOTLINE = "hotline", "热线留言"
    FORUM = "forum", "论坛社区"
    VIDEO = "video", "视频平台"
    BOARD = "board", "热搜榜单"
    OFFICIAL = "official", "官方发布"
    OTHER = "other", "其他"


class Sentiment(Labelled):
    """The attitude that the author expresses towards the environmental matter at hand (情感倾向)."""

    NEGATIVE = "negative", "负面"
    NEUTRAL = "neutral", "中性"
    POSITIVE = "positive", "正面"


class Topic(Labelled):
    """The environmental medium or field a post is mainly about (议题)."""

    AIR = "air", "大气"
    WATER = "water", "水"
    MARINE = "marine", "海洋"
    SOIL = "soil", "土壤"
    WASTE = "waste", "固废"
    NOISE = "noise", "噪声"
    RADIATION = "radiation", "核与辐射"
    ECOLOGY = "ecology", "自然生态"
    CLIMATE = "climate", "气候变化"
    CHEMICALS = "chemicals", "化学品"
    GENERAL = "general", "综合"
    NONE = "none", "无"


class Matter(Labelled):
    """What kind of business a post is (事项)."""

    COMPLAINT = "complaint", "投诉举报"
    EMERGENCY = "emergency", "突发事件"
    ENFORCEMENT = "enforcement", "执法处罚"
    APPROVAL = "approval", "环评审批"
    INSPECTION = "inspection", "督察整改"
    QUALITY = "quality", "环境质量"
    POLICY = "policy", "政策法规"
    PUBLICITY = "publicity", "宣传科普"
    OPINION = "opinion", "公众议论"
    NONE = "none", "无"


class Target(Labelled):
    """What the attitude is aimed at (指向)."""

    POLLUTER = "polluter", "排污者"
    AUTHORITY = "authority", "主管部门"
    POLICY = "policy", "政策措施"
    DATA = "data", "数据信息"
    ENVIRONMENT = "environment", "环境本身"
    PERSON = "person", "个人"
    NONE = "none", "无"


class Level(Labelled):
    """How serious public opinion on an event is (舆情等级); not the grade of the accident itself (事件等级)."""

    BLUE = "blue", "蓝色（一般）"
    YELLOW = "yellow", "黄色（较大）"
    ORANGE = "orange", "橙色（重大）"
    RED = "red", "红色（特别重大）"

    @property
    def rank(self) -> int:
        """Return 0 for the least and 3 for the most serious."""
        return list(Level).index(self)


class EventState(Labelled):
    """Where an event stands (事件状态); a candidate is a group still too small to be shown as an event."""

    CANDIDATE = "candidate", "苗头"
    ACTIVE = "active", "发展中"
    QUIET = "quiet", "趋于平息"
    CLOSED = "closed", "已办结"


class AlertState(Labelled):
    """Whether a person has taken an alert (预警状态)."""

    NEW = "new", "待签收"
    ACKNOWLEDGED = "acknowledged", "已签收"


class DeliveryState(Labelled):
    """How far a delivery to one receiver has come (投递状态)."""

    PENDING = "pending", "待投递"
    DELIVERED = "delivered", "已送达"
    FAILED = "failed", "投递失败"


class DraftState(Labelled):
    """Where a draft stands on its way to publication (稿件状态)."""

    DRAFTING = "drafting", "拟稿"
    REVIEW = "review", "核稿"
    SECRECY_REVIEW = "secrecy_review", "保密审查"
    SIGNED = "signed", "签发"
    PUBLISHED = "published", "已发布"
    ARCHIVED = "archived", "归档"


class FactSlot(Labelled):
    """What a verified fact says about an event (事实要素)."""

    TIME = "time", "时间"
    PLACE = "place", "地点"
    CAUSE = "cause", "起因"
    RESPONSIBLE = "responsible", "责任主体"
    POLLUTANT = "pollutant", "污染物"
    MEASUREMENT = "measurement", "监测数据"
    CASUALTIES = "casualties", "人员情况"
    DRINKING_WATER = "drinking_water", "饮用水影响"
    MEASURES = "measures", "已采取措施"
    RESULT = "result", "处置结果"
    NEXT_NOTICE = "next_notice", "下次通报"
    CONTACT = "contact", "联系方式"


class Severity(Labelled):
    """How much a finding of a check weighs (检查级别)."""

    INFO = "info", "提示"
    WARNING = "warning", "警告"
    BLOCKING = "blocking", "必须处理"


def stable_id(prefix: str, *parts: str) -> str:
    """Return the same short identifier for the same parts, on every machine and at any time."""
    digest = hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}{digest[:20]}"


def require_aware(owner: object) -> None:
    """Raise ValueError if any datetime held by a dataclass has no time zone."""
    for each in fields(owner):  # type: ignore[arg-type]
        value = getattr(owner, each.name)
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ValueError(f"{type(owner).__name__}.{each.name} has no time zone: {value!r}")


@dataclass(frozen=True, slots=True)
class Post:
    """One thing that somebody said in public (帖文), as collected; it never changes.

    `author` is a masked display name and `author_key` a keyed hash: neither leads back to a person.
    `parent_id` and `root_id` are post ids of a repost's direct and first origin.
    `evidence` is the SHA-256 of the fetched bytes it was parsed from, '' when none were kept.
    """

    id: str
    source: str
    source_id: str
    channel: Channel
    text: str
    fetched_at: datetime
    published_at: datetime | None = None
    title: str = ""
    url: str = ""
    author: str = ""
    author_key: str = ""
    region: str = ""
    parent_id: str = ""
    root_id: str = ""
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None
    evidence: str = ""

    def __post_init__(self) -> None:
        require_aware(self)

    @property
    def at(self) -> datetime:
        """Return the time the post counts for: its publication, or where that is unknown its collection."""
        return self.published_at or self.fetched_at

    @property
    def passage(self) -> str:
        """Return the title and the text as one passage, the title once."""
        if not self.title or self.text.startswith(self.title):
            return self.text
        return f"{self.title}\n{self.text}"


@dataclass(frozen=True, slots=True)
class Region:
    """A place named in a text (地域): GB/T 2260 code, or a code of the office's own, and where it stands.

    `start` and `end` are character offsets in `Post.passage`.
    """

    code: str
    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Organisation:
    """An enterprise, department or plant named in a text (机构); offsets as in Region."""

    name: str
    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measured value stated in a text (监测值), as stated: not a fact until somebody has verified it."""

    pollutant: str
    value: float
    unit: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model judged about one post (研读结果).

    `relevance` is 0..1, `score` -1..1 (negative to positive), `confidence` maps each head's name to 0..1.
    `fingerprint` is a 64-bit near-duplicate hash, unsigned. `embedding` is 384 little-endian float16 values,
    L2-normalised, or b'' when the model gives none (degraded). `copy_of` is the id of the first post of another voice
    that said the same, '' for none.
    """

    post_id: str
    model: str
    read_at: datetime
    relevant: bool
    relevance: float
    sentiment: Sentiment
    score: float
    topic: Topic
    matter: Matter
    target: Target
    degraded: bool = False
    confidence: Mapping[str, float] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    pollutants: tuple[str, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    fingerprint: int = 0
    embedding: bytes = b""
    copy_of: str = ""

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Event:
    """A matter in the world that many posts speak about (舆情事件).

    `size` counts member posts, `distinct` those that are no copy or bare repost of another, `authors` the
    different known authors, `negative` the members read as negative. `centroid` (384 float16, as in Reading) and
    `terms` (weight of each characteristic word) are what grouping compares new posts with.
    """

    id: str
    title: str
    topic: Topic
    matter: Matter
    region: str
    first_seen: datetime
    last_seen: datetime
    size: int
    distinct: int
    authors: int
    negative: int
    level: Level
    state: EventState
    centroid: bytes = b""
    terms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Membership:
    """That a post belongs to an event (归并关系), why, and who decided it: 'auto' or a person's name.

    `copy` is true for near-duplicates and bare reposts, which count for spread but not for volume.
    """

    event_id: str
    post_id: str
    at: datetime
    reason: str
    score: float
    copy: bool
    author_key: str
    sentiment: Sentiment
    decided_by: str
    decided_at: datetime

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an explanation: what was asked, whether it held, and the figures it rests on."""

    question: str
    held: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """A time by which a rule asks for something (时限), with the rule's name."""

    name: str
    due_at: datetime
    basis: str

    def __post_init__(self) -> None:
        require_aware(self)


SOURCE_HEALTH = "source_health"
"""The rule of alerts to operators about a source that is blocked, silent or useless (信源异常)."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One notice to the duty desk about one event (预警): why it was raised, on which posts, and what is due when.

    Of the rule SOURCE_HEALTH `event_id` is no event's but that of the source's episode, so that it too is told once.
    `triggered_at` is the time of the post that tipped the rule, `created_at` the time the rule was evaluated.
    """

    id: str
    event_id: str
    rule: str
    level: Level
    title: str
    summary: str
    triggered_at: datetime
    created_at: datetime
    steps: tuple[Step, ...] = ()
    post_ids: tuple[str, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    state: AlertState = AlertState.NEW
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None

    def __post_init__(self) -> None:
        require_aware(self)

    @property
    def about_source(self) -> bool:
        """Return whether this is about a source of ours rather than about an event."""
        return self.rule == SOURCE_HEALTH


@dataclass(frozen=True, slots=True)
class Delivery:
    """An alert on its way to one receiver (投递), retried until that receiver itself has confirmed it."""

    id: str
    alert_id: str
    receiver: str
    state: DeliveryState
    attempts: int
    next_attempt_at: datetime
    delivered_at: datetime | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a named person has verified about an event (已核实事实)."""

    id: str
    event_id: str
    slot: FactSlot
    name: str
    value: str
    unit: str
    source: str
    occurred_at: datetime | None
    verifier: str
    verified_at: datetime

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a sentence rests on (依据): kind 'fact', 'post', 'event' or 'office', its id, and the words relied on."""

    kind: str
    id: str
    quote: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a draft and everything it rests on; an empty basis is a finding of the checks."""

    text: str
    basis: tuple[Basis, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says about a draft (检查结果)."""

    check: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One version of a response (回应稿). `template` names its form and version; `missing` the slots without a fact."""

    id: str
    event_id: str
    channel: str
    version: int
    state: DraftState
    title: str
    sentences: tuple[Sentence, ...]
    missing: tuple[FactSlot, ...]
    findings: tuple[Finding, ...]
    template: str
    created_by: str
    created_at: datetime

    def __post_init__(self) -> None:
        require_aware(self)

    @property
    def text(self) -> str:
        """Return the body, a paragraph a line."""
        return "\n".join(sentence.text for sentence in self.sentences)

    @property
    def text_hash(self) -> str:
        """Return the SHA-256 of title and body: what an approval is given to."""
        return hashlib.sha256(f"{self.title}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's decision on one version of a draft (审批), bound to its text by hash."""

    id: str
    draft_id: str
    step: DraftState
    approved: bool
    by: str
    at: datetime
    text_hash: str
    comment: str = ""

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been collected: an opaque JSON object that only its spider understands."""

    source: str
    value: Mapping[str, object]
    updated_at: datetime

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class Reject:
    """Input that could not be taken (拒收记录): the closed reason, where it came from, and its first bytes."""

    id: str
    source: str
    place: str
    reason: str
    detail: str
    raw: bytes
    size: int
    at: datetime

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which thing, when and why (操作留痕)."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str = ""

    def __post_init__(self) -> None:
        require_aware(self)


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source has been doing (信源状态): ok, empty, unchanged, blocked, failing or silent, and since when."""

    source: str
    state: str
    reason: str
    since: datetime
    checked_at: datetime
    items: int

    def __post_init__(self) -> None:
        require_aware(self)


def utc(moment: datetime) -> datetime:
    """Return the same moment in UTC; raise ValueError without a time zone."""
    if moment.tzinfo is None:
        raise ValueError(f"a time without a zone cannot be placed: {moment!r}")
    return moment.astimezone(UTC)


def shown(moment: datetime | None) -> str:
    """Return a moment as people in the office read it: Asia/Shanghai, to the minute; '时间不详' for none."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if moment else "时间不详"
