"""The volume rule: more people speak of one event within hours than chance would bring together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from alerts.baseline import Usual
from alerts.chance import in_words, tail
from alerts.levels import alert_floor
from alerts.rules.contract import Answer, Case
from qingting.model import Membership, Post, Step


class Volume:
    """Fires when a rolling window holds enough posts by enough authors and such a count is improbable."""

    name = "volume"
    label = "声量异常"

    def ask(self, case: Case) -> Answer:
        """Return the answer for the earliest window that fires, else for the fullest one.

        Windows end at each dated, distinct member that is fresh or may count a fresh one: a post that arrives late
        then fills the windows after it as if it had come in time.
        """
        window = timedelta(hours=case.settings.volume.window_hours)
        counted = list(_counted(case.members, case.posts))
        fullest: tuple[int, Answer] | None = None
        for end in _ends(counted, [post for post, _ in case.fresh], window):
            inside = [post for post in counted if end - window < post.at <= end]
            answer = self._judge(case, inside, end, window)
            if answer.at is not None:
                return answer
            if fullest is None or len(inside) > fullest[0]:
                fullest = len(inside), answer
        return (
            fullest[1]
            if fullest
            else Answer((Step("有新的、写明时间的不重复帖文", False, "没有；时间不详的帖文不计入声量"),))
        )

    def _judge(self, case: Case, inside: Sequence[Post], end: datetime, window: timedelta) -> Answer:
        """Ask the three questions about one window, the costly one only where the floors are reached."""
        settings = case.settings.volume
        voices = {voice for post in inside if (voice := post.author_key or post.source)}
        hours = f"{settings.window_hours:g} 小时内"
        steps = [
            Step(
                f"不重复帖文至少 {settings.min_posts} 条",
                len(inside) >= settings.min_posts,
                f"{hours} {len(inside)} 条",
            ),
            Step(
                f"作者至少 {settings.min_authors} 位", len(voices) >= settings.min_authors, f"{hours} {len(voices)} 位"
            ),
        ]
        if not all(step.held for step in steps):
            return Answer(tuple(steps))
        usual = case.history.usual(case.event, end - window, window, settings.baseline_days)
        chance = tail(len(inside), usual.expected, usual.shape)
        asked = f"偶然出现的概率小于{settings.chance:g}"
        steps.append(Step(asked, chance < settings.chance, _explained(case, usual, chance)))
        if chance >= settings.chance:
            return Answer(tuple(steps))
        level = max(alert_floor(self.name, acute=False), case.event.level, key=lambda each: each.rank)
        return Answer(tuple(steps), end, level, tuple(post.id for post in inside))


def _counted(members: Sequence[Membership], posts: Mapping[str, Post]) -> Iterator[Post]:
    """Yield the posts that count for volume: no copies, and only those that say when they were published."""
    for member in members:
        post = posts.get(member.post_id)
        if post is not None and not member.copy and post.published_at is not None:
            yield post


def _ends(counted: Sequence[Post], fresh: Sequence[Post], window: timedelta) -> list[datetime]:
    """Return the times, in order, of counted posts whose window holds a fresh one."""
    starts = [post.at for post in fresh if post.published_at is not None]
    return sorted({post.at for post in counted if any(at <= post.at < at + window for at in starts)})


def _explained(case: Case, usual: Usual, chance: float) -> str:
    where = "同地区" if case.event.region else ""
    when = "同时段" if usual.seasonal else "每个同样长的时段"
    past = f"前 {usual.days:.0f} 天{where}同议题（{case.event.topic.label}）{when}平均{_amount(usual.expected)}"
    return f"{past}；偶然出现这么多的概率{in_words(chance)}"


def _amount(expected: float) -> str:
    return f" {expected:.1f} 条" if expected >= 0.1 else "不到 0.1 条"
