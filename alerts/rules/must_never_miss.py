"""The must-never-miss rule: one relevant post saying that water, life or safety is touched is enough."""

from __future__ import annotations

from alerts.grave import Sentence, grave_sentence
from alerts.levels import alert_floor
from alerts.rules.contract import Answer, Case
from qingting.model import Step
from qingting.privacy import mask_personal

NO_WORD = Step("出现必报词", False, "没有饮用水、伤亡、爆炸、泄漏一类的词，或只在例外短语里")


class MustNeverMiss:
    """Fires on the very first post with a grave sentence."""

    name = "must_never_miss"
    label = "必报情形"

    def ask(self, case: Case) -> Answer:
        """Return the answer for the earliest fresh member that fires, else the nearest miss among them."""
        missed: Sentence | None = None
        for post, reading in case.fresh:
            sentence = grave_sentence(post, reading, case.settings.never_miss)
            if sentence is None or (post.parent_id and not reading.relevant):
                continue
            if sentence.fires:
                floor = alert_floor(self.name, sentence.acute)
                level = max(floor, case.event.level, key=lambda each: each.rank)
                return Answer(sentence.steps, post.at, level, (post.id,), mask_personal(sentence.text))
            if missed is None or len(_held(sentence)) > len(_held(missed)):
                missed = sentence
        return Answer(missed.steps if missed else (NO_WORD,))


def _held(sentence: Sentence) -> list[Step]:
    return [step for step in sentence.steps if step.held]
