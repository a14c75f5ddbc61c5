"""What the duty officer reads: an alert's title and summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.rules import Answer, Rule
from qingting.model import Channel, Deadline, Event, Membership, Post, shown

HISTORY = "【历史】"

LONGEST_QUOTE = 120
"""Characters of a quoted sentence: three lines of a phone."""


def alert_title(rule: Rule, event: Event, history: bool) -> str:
    """Return the title: marked when it is history, then the rule, then what the event is."""
    return f"{HISTORY if history else ''}【{rule.label}】{event.title}"


def alert_summary(
    answer: Answer,
    event: Event,
    members: Sequence[Membership],
    posts: Mapping[str, Post],
    places: Mapping[str, str],
    due: Sequence[Deadline],
) -> str:
    """Return what, where, since when, how much, who says it, what was said, and what is due when, a point a line."""
    lines = [
        f"事由：{event.title}（{event.topic.label}，{event.matter.label}）",
        f"地点：{places.get(event.region, event.region) or '帖文未写明'}",
        f"起始：首见 {shown(event.first_seen)}，触发 {shown(answer.at)}",
        f"声量：共 {event.size} 条，不重复 {event.distinct} 条，作者 {event.authors} 位，负面 {event.negative} 条",
        f"载体：{_channels(members, posts)}",
    ]
    if answer.quote:
        lines.append(f"原话：“{_shortened(answer.quote)}”")
    lines += [f"时限：{each.name}，最迟 {shown(each.due_at)}" for each in due]
    return "\n".join(lines)


def is_history(triggered_at: datetime, now: datetime, hours: float) -> bool:
    """Return whether an alert speaks of something so long past that nobody can still be early."""
    return now - triggered_at > timedelta(hours=hours)


def _channels(members: Sequence[Membership], posts: Mapping[str, Post]) -> str:
    counts = Counter(posts[member.post_id].channel for member in members if member.post_id in posts)
    named = sorted(counts.items(), key=lambda pair: (-pair[1], list(Channel).index(pair[0])))
    return "、".join(f"{channel.label} {count} 条" for channel, count in named) or "不详"


def _shortened(quote: str) -> str:
    return quote if len(quote) <= LONGEST_QUOTE else f"{quote[: LONGEST_QUOTE - 1]}…"
