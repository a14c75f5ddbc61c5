"""Health: what a run says about its source, and what has to be remembered to say it.

"Parsed nothing where there used to be something" (a redesign) and "the fields are no longer filled" (half a
redesign) are told apart from a source that merely has nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from crawlers.kinds import SHUT_OUT, Outcome, Trouble
from qingting.config import SourceConfig
from qingting.model import SourceHealth

# Linear back-off, as feed fetchers of long standing do it, up to a day.
LONGEST_BACKOFF = timedelta(hours=24)
SHORTEST_BACKOFF = timedelta(minutes=30)
# A weight of one fifth: a usual count is believed after about five runs and forgotten after about five others.
LEARNING_RATE = 0.2
# A field that was there on at least 60 % of posts and now on less than half of that has been lost, not forgotten
# once; under five posts the share says nothing.
COVERED = 0.6
FELL_TO = 0.5
ENOUGH_POSTS = 5
# A source is silent after three times its longest pause so far, and never before two days (a weekend); one that was
# seen to bring something only once may be a weekly.
SILENCE_FACTOR = 3.0
SHORTEST_SILENCE = timedelta(days=2)
SILENCE_OF_A_STRANGER = timedelta(days=7)
# A source that nobody has even tried for five of its own cadences, and an hour, is not looked after any more.
UNTRIED_CADENCES = 5
SHORTEST_UNTRIED = timedelta(hours=1)
NOTHING_YET = "还没有解析到内容"
STATE_NAMES = {
    "ok": "正常",
    "empty": "无内容",
    "unchanged": "无更新",
    "blocked": "被拦截",
    "failing": "出错",
    "silent": "失联",
}
FIELD_NAMES = {"title": "标题", "published_at": "发布时间", "author": "作者", "text": "正文"}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of a source between runs; `coverage` is the usual share of posts that have each field."""

    failures: int = 0
    blocked: bool = False
    not_before: datetime | None = None
    usual_items: float = 0.0
    coverage: Mapping[str, float] = field(default_factory=dict)
    last_new_at: datetime | None = None
    longest_pause: timedelta = timedelta(0)

    def as_json(self) -> dict[str, object]:
        """Return it as JSON for the cursor."""
        return {
            "failures": self.failures,
            "blocked": self.blocked,
            "not_before": self.not_before.isoformat() if self.not_before else None,
            "usual_items": round(self.usual_items, 3),
            "coverage": {name: round(share, 3) for name, share in self.coverage.items()},
            "last_new_at": self.last_new_at.isoformat() if self.last_new_at else None,
            "longest_pause": self.longest_pause.total_seconds(),
        }

    @classmethod
    def from_json(cls, value: object) -> Memory:
        """Return what `as_json` wrote; a fresh memory for anything else."""
        if not isinstance(value, Mapping) or "failures" not in value:
            return cls()
        return cls(
            failures=int(value["failures"]),
            blocked=bool(value["blocked"]),
            not_before=_moment(value["not_before"]),
            usual_items=float(value["usual_items"]),
            coverage=dict(value["coverage"]),
            last_new_at=_moment(value["last_new_at"]),
            longest_pause=timedelta(seconds=float(value["longest_pause"])),
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run collected: `filled` counts, of the `parsed` posts, those that have each field."""

    parsed: int = 0
    new: int = 0
    known: int = 0
    rejected: int = 0
    filled: Mapping[str, int] = field(default_factory=dict)


def judge(
    source: SourceConfig, outcome: Outcome, counts: Counts, memory: Memory, now: datetime
) -> tuple[SourceHealth, Memory]:
    """Return a source's health after a run, and what to remember; `since` is `now`, the store keeps an earlier one."""
    items = max(outcome.listed, counts.parsed + counts.rejected)
    bad = _worst(outcome.troubles, items)
    if bad is not None:
        state, reason = bad.state, bad.reason
        remembered = _backed_off(source, memory, now, blocked=bad.state == "blocked")
    else:
        state, reason = _state(outcome, counts, items, memory, now)
        remembered = _learned(outcome, counts, items, memory, now)
    return SourceHealth(source.id, state, reason, since=now, checked_at=now, items=items), remembered


def as_of(source: SourceConfig, health: SourceHealth, now: datetime) -> SourceHealth:
    """Return a source's recorded health as it stands now: silent where all was well, but nobody has come since.

    A source that backs off is visited less often, and its record says why: it stays as recorded.
    """
    untried = now - health.checked_at
    allowed = max(SHORTEST_UNTRIED, UNTRIED_CADENCES * timedelta(minutes=source.cadence_minutes))
    if not source.enabled or health.state not in ("ok", "empty", "unchanged") or untried <= allowed:
        return health
    hours = untried.total_seconds() / 3600
    reason = f"已有 {hours:.0f} 小时没有采集（应每 {source.cadence_minutes:g} 分钟一次），采集进程可能没有运行"
    return replace(health, state="silent", reason=reason, since=health.checked_at)


def _worst(troubles: Sequence[Trouble], items: int) -> Trouble | None:
    """Return the trouble that decides, None if the run went well enough: one lost page of many is no failure."""
    blocked = [each for each in troubles if each.state == "blocked"]
    essential = [each for each in troubles if each.essential]
    if essential:
        return next((each for each in essential if each.state == "blocked"), essential[0])
    if len(blocked) >= SHUT_OUT:
        return blocked[0]
    return troubles[0] if troubles and len(troubles) * 2 > items else None


def _state(outcome: Outcome, counts: Counts, items: int, memory: Memory, now: datetime) -> tuple[str, str]:
    silence = _silence(counts, memory, now)
    if silence:
        return "silent", silence
    if outcome.unchanged:
        return "unchanged", "自上次采集以来没有变化"
    if items == 0 and memory.usual_items >= 1:
        return "empty", f"这次一条也没有解析到，以往约 {memory.usual_items:.0f} 条，页面可能已改版"
    if items == 0:
        return "empty", NOTHING_YET
    lost = _lost_fields(counts, memory)
    if lost:
        return "failing", f"字段覆盖率下降：{lost}，页面可能已改版"
    if outcome.troubles:
        return "ok", f"有 {len(outcome.troubles)} 个页面没有取到，下次再试：{outcome.troubles[0].reason}"
    return "ok", ""


def _silence(counts: Counts, memory: Memory, now: datetime) -> str:
    """Return why a source counts as silent, '' if it does not."""
    if counts.new or memory.last_new_at is None:
        return ""
    pause = now - memory.last_new_at
    usual = max(SHORTEST_SILENCE, memory.longest_pause * SILENCE_FACTOR)
    if pause < (usual if memory.longest_pause else SILENCE_OF_A_STRANGER):
        return ""
    return f"已有 {pause.total_seconds() / 3600:.0f} 小时没有新内容，明显久于以往"


def _lost_fields(counts: Counts, memory: Memory) -> str:
    if counts.parsed < ENOUGH_POSTS:
        return ""
    shares = {name: counts.filled.get(name, 0) / counts.parsed for name in memory.coverage}
    fallen = [
        f"{FIELD_NAMES.get(name, name)}由 {usual:.0%} 降到 {shares[name]:.0%}"
        for name, usual in memory.coverage.items()
        if usual >= COVERED and shares[name] < usual * FELL_TO
    ]
    return "、".join(fallen)


def _backed_off(source: SourceConfig, memory: Memory, now: datetime, *, blocked: bool) -> Memory:
    """Return the memory after a run that came to nothing: each further one waits one step longer."""
    failures = memory.failures + 1
    step = max(timedelta(minutes=source.cadence_minutes), SHORTEST_BACKOFF)
    wait = min(step * failures, LONGEST_BACKOFF)
    return replace(memory, failures=failures, blocked=blocked, not_before=now + wait)


def _learned(outcome: Outcome, counts: Counts, items: int, memory: Memory, now: datetime) -> Memory:
    """Return the memory after a run that went well; what fell is not learned, so that it stays reported."""
    learned = replace(memory, failures=0, blocked=False, not_before=None)
    if counts.new:
        pause = now - memory.last_new_at if memory.last_new_at else timedelta(0)
        learned = replace(learned, last_new_at=now, longest_pause=max(memory.longest_pause, pause))
    if outcome.unchanged or items == 0:
        return learned
    usual = items if not memory.usual_items else _towards(memory.usual_items, items)
    if counts.parsed < ENOUGH_POSTS or _lost_fields(counts, memory):
        return replace(learned, usual_items=usual)
    shares = {name: counts.filled.get(name, 0) / counts.parsed for name in FIELD_NAMES}
    coverage = {name: _towards(memory.coverage.get(name, share), share) for name, share in shares.items()}
    return replace(learned, usual_items=usual, coverage=coverage)


def _towards(old: float, new: float) -> float:
    return old + LEARNING_RATE * (new - old)


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
