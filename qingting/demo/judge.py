"""Whether every stage of the demo did its part, told from the store and from what the receiver got."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from qingting.app import Service
from qingting.demo.scenario import Item, Scenario
from qingting.model import DeliveryState, Event, Post, shown
from qingting.store import Search

LEAST_POSTS = 600
LATEST_ALERT = timedelta(minutes=30)
"""The discharge has to be alerted within this time of the first post that reports dead fish; collecting every quarter
hour takes up to half of it. The six complaints about a smell in the three hours before are too few for any rule."""

LEAST_SHARE = 0.6
"""The share of an event's labelled posts that its group must hold, and of the group that must be labelled so."""

MISSING_BY_DESIGN = 2
"""The scenario withholds two facts (next notice, result), which the draft has to leave open."""


@dataclass(frozen=True)
class Stage:
    """One stage: its name, whether it did its part, and the figures."""

    name: str
    good: bool
    detail: str


@dataclass(frozen=True)
class Verdict:
    """All stages."""

    stages: tuple[Stage, ...]

    @property
    def good(self) -> bool:
        """Return whether every stage did its part."""
        return all(stage.good for stage in self.stages)


def judge(
    service: Service,
    scenario: Scenario,
    new: Counter[str],
    received: Sequence[Mapping[str, Any]],
    pages: Mapping[str, int],
) -> Verdict:
    """Return the verdict on a finished replay."""
    labels = _Labels(service, scenario)
    return Verdict(
        (
            *_collected(service, scenario, new),
            _read(service),
            _grouped(labels, "discharge", "排放事件"),
            _grouped(labels, "noise", "噪声事件"),
            *_alerted(service, labels, scenario),
            _delivered(service, received),
            _drafted(service, labels),
            _served(pages),
        )
    )


class _Labels:
    """Which event each stored post belongs to by the scenario's author, and which group it was put in."""

    def __init__(self, service: Service, scenario: Scenario) -> None:
        self._service = service
        self._items: dict[str, Item] = {item.key: item for item in scenario.items}
        self._items |= {item.fields["number"]: item for item in scenario.hotline}
        events = service.store.cases.events
        self.groups = {event.id: [m.post_id for m in events.members(event.id)] for event in events.latest()}
        self._posts = service.store.posts.get([each for group in self.groups.values() for each in group])

    def of(self, post: Post) -> str:
        """Return a post's label, '' for none."""
        key = post.source_id if post.source_id in self._items else post.url.rsplit("/", 1)[-1].removesuffix(".html")
        item = self._items.get(key)
        return item.event if item else ""

    def best(self, label: str) -> tuple[Event | None, int, int]:
        """Return the event holding most posts of a label, how many of them, and its size."""
        counts = {
            event_id: sum(self.of(self._posts[each]) == label for each in group)
            for event_id, group in self.groups.items()
        }
        if not counts:
            return None, 0, 0
        chosen = max(counts, key=lambda each: counts[each])
        return self._service.store.cases.events.get(chosen), counts[chosen], len(self.groups[chosen])


def _collected(service: Service, scenario: Scenario, new: Counter[str]) -> Iterator[Stage]:
    for source in service.config.sources:
        yield Stage(f"采集 {source.name}", new[source.id] > 0, f"{new[source.id]} 条")
    wanted = len(scenario.items)
    total = service.store.posts.count(Search())
    yield Stage("入库", total >= LEAST_POSTS and total == wanted, f"{total} 条，剧本共 {wanted} 条")


def _read(service: Service) -> Stage:
    tally = service.store.posts.tally(service.clock())
    relevant = service.store.posts.count(Search("相关:是"))
    sentiment = service.store.posts.facet(Search("相关:是"), "sentiment")
    mood = "、".join(f"{name} {count}" for name, count in sentiment.items())
    good = tally.unread == 0 and relevant > 0
    return Stage("研读", good, f"{tally.total - tally.unread} 条，其中相关 {relevant} 条（{mood}）")


def _grouped(labels: _Labels, label: str, name: str) -> Stage:
    event, held, size = labels.best(label)
    wanted = len({item.key for item in labels._items.values() if item.event == label})
    if event is None or not held:
        return Stage(f"归并 {name}", False, "没有形成事件")
    good = held / wanted >= LEAST_SHARE and held / size >= LEAST_SHARE
    return Stage(
        f"归并 {name}", good, f"《{event.title}》{size} 条，应有 {wanted} 条，其中归入 {held} 条；{event.level.label}"
    )


def _alerted(service: Service, labels: _Labels, scenario: Scenario) -> Iterator[Stage]:
    alerts = service.store.cases.alerts.latest()
    event, _, _ = labels.best("discharge")
    first = min(item.at for item in scenario.items if item.event == "discharge")
    harm = min(item.at for item in scenario.items if item.fields["kind"] == "fishkill")
    found = [alert for alert in alerts if event is not None and alert.event_id == event.id]
    if found:
        raised = found[0].created_at
        detail = (
            f"预警 {shown(raised)}：距首条异味投诉 {_minutes(raised - first)}，距首条死鱼帖文 {_minutes(raised - harm)}"
        )
        yield Stage("预警 排放事件", raised - harm <= LATEST_ALERT and len(found) == 1, detail)
    else:
        yield Stage("预警 排放事件", False, "没有预警")
    quiet = [alert for alert in alerts if alert.triggered_at < first]
    yield Stage("预警 总数", len(alerts) <= 8, f"{len(alerts)} 条，事发前三周 {len(quiet)} 条")


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} 分钟"


def _delivered(service: Service, received: Sequence[Mapping[str, Any]]) -> Stage:
    alerts = service.store.cases.alerts
    ids = {alert.id for alert in alerts.latest()}
    confirmed = {
        each.id
        for each in alerts.latest()
        if all(d.state is DeliveryState.DELIVERED for d in alerts.deliveries(each.id))
    }
    got = {alert["id"] for message in received for alert in message["alerts"]}
    return Stage(
        "投递",
        bool(ids) and ids == confirmed == got,
        f"应达 {len(ids)} 条，记录送达 {len(confirmed)} 条，接收方收到 {len(got)} 条",
    )


def _drafted(service: Service, labels: _Labels) -> Stage:
    event, _, _ = labels.best("discharge")
    drafts = service.store.cases.drafts.latest(event.id) if event else []
    if not drafts:
        return Stage("拟稿", False, "没有回应稿")
    last = drafts[0]
    bare = [sentence for sentence in last.sentences if not sentence.basis]
    good = not bare and len(last.missing) == MISSING_BY_DESIGN
    detail = (
        f"共 {len(drafts)} 版，最后一版 {len(last.sentences)} 句，句句有依据" if not bare else f"{len(bare)} 句没有依据"
    )
    return Stage(
        "拟稿", good, f"{detail}；待核实 {len(last.missing)} 项：{'、'.join(slot.label for slot in last.missing)}"
    )


def _served(pages: Mapping[str, int]) -> Stage:
    good = len(pages) >= 5 and all(status == 200 for status in pages.values())
    return Stage("控制台", good, f"{len(pages)} 个页面，{sum(status == 200 for status in pages.values())} 个正常")
