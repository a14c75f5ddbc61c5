"""Whether a text says that something happened which the duty desk must never miss, sentence by sentence."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alerts.texts import own_words, sentences
from qingting.config import NeverMissConfig
from qingting.model import SHANGHAI, Matter, Post, Reading, Sentiment, Step

ROUTINE = frozenset({Matter.POLICY, Matter.PUBLICITY, Matter.APPROVAL})
"""Matters whose texts speak of such words without anything having happened, unless they say that it has."""


@dataclass(frozen=True, slots=True)
class Cues:
    """The patterns of data/never_miss.toml, compiled."""

    subjects: frozenset[str]
    harm: re.Pattern[str]
    no_harm: re.Pattern[str]
    drill: re.Pattern[str]
    feared: re.Pattern[str]
    routine: re.Pattern[str]
    elsewhere: re.Pattern[str]
    first_hand: re.Pattern[str]
    perceived: re.Pattern[str]
    figures: re.Pattern[str]
    rumoured: re.Pattern[str]
    setting: re.Pattern[str]
    happening: tuple[str, ...]
    happened: tuple[str, ...]
    denied: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence with a must-never-miss word: the word, the questions asked about it, and whether all held."""

    text: str
    word: str
    acute: bool
    steps: tuple[Step, ...]

    @property
    def fires(self) -> bool:
        """Return whether every question was answered as an alert needs it."""
        return all(step.held for step in self.steps)


def grave_sentence(post: Post, reading: Reading, settings: NeverMissConfig) -> Sentence | None:
    """Return the first sentence of a post that fires, an acute one before others, or else the nearest miss.

    None when the post holds no must-never-miss word at all. A repost is judged by its author's own words: what it
    quotes was judged when it was first said.
    """
    text = own_words(post)
    if not any(word in text for word in settings.words):
        return None
    found: list[Sentence] = []
    parts = sentences(text)
    for index, sentence in enumerate(parts):
        context = "".join(parts[max(0, index - 1) : index + 2])
        found += [judge(sentence, word, context, post, reading) for word in words_in(sentence, settings)]
    ranked = sorted(found, key=lambda each: (not each.fires, not each.acute, -sum(step.held for step in each.steps)))
    return ranked[0] if ranked else None


def words_in(sentence: str, settings: NeverMissConfig) -> list[str]:
    """Return the must-never-miss words of a sentence that stand outside every excepted phrase and figure of speech."""
    for phrase in settings.except_phrases:
        sentence = sentence.replace(phrase, "〇" * len(phrase))
    sentence = cues().figures.sub("〇", sentence)
    return [word for word in settings.words if word in sentence]


def judge(sentence: str, word: str, context: str, post: Post, reading: Reading) -> Sentence:
    """Return the questions about one word in its sentence; `context` is the sentence with its two neighbours."""
    title, year = post.title, post.at.astimezone(SHANGHAI).year
    acute = word not in cues().subjects
    happening = _any(cues().happening, word, sentence)
    told = bool(cues().first_hand.search(sentence))
    perceived = bool(cues().perceived.search(context) and cues().first_hand.search(context))
    happened = perceived or _any(cues().happened, word, sentence)
    steps = [
        Step("出现必报词", True, f"“{word}”，不在例外短语之内"),
        _real(sentence, title, reading, happening and told),
        _now(sentence, reading, year, acute=acute, happening=happening, happened=happened),
        _undenied(sentence, word, reading),
        _not_routine(reading, happening or told),
    ]
    if not acute:
        steps.insert(1, _harmed(context, word))
    return Sentence(sentence, word, acute, tuple(steps))


def _real(sentence: str, title: str, reading: Reading, eyewitness: bool) -> Step:
    """Ask whether it is no drill, lesson or imagined case."""
    marked = cues().drill.search(sentence) or cues().drill.search(title)
    if not marked:
        return Step("不是演练、培训、科普", True, "句子和标题里没有这类字样")
    said = f"有“{marked.group()}”字样"
    if eyewitness and reading.matter not in ROUTINE:
        return Step("不是演练、培训、科普", True, f"{said}，但以亲历口气说正在发生，按真事处理")
    return Step("不是演练、培训、科普", False, said)


def _now(sentence: str, reading: Reading, year: int, *, acute: bool, happening: bool, happened: bool) -> Step:
    """Ask whether it is said to have happened here and now rather than feared, regulated, counted or remembered."""
    question = "说的是已经或正在发生的事"
    emergency = reading.matter is Matter.EMERGENCY
    far = _old_year(sentence, year) or _found(cues().elsewhere, sentence)
    if far and not (emergency or happened):
        return Step(question, False, f"“{far}”：说的是过去、别处或统计")
    feared = _found(cues().feared, sentence)
    if feared and acute and not happened:
        return Step(question, False, f"“{feared}”：说的是假设、担心或预防")
    routine = _found(cues().routine, sentence)
    if routine and not (happening or emergency or (reading.matter is Matter.COMPLAINT and not acute)):
        return Step(question, False, f"“{routine}”：说的是设施、监管或规划")
    return Step(question, True, "没有假设、预防、统计一类的字样，或同句说了已经发生")


def _old_year(sentence: str, year: int) -> str:
    """Return a year named in a sentence that lies before the last one, '' if there is none."""
    named = (match.group() for match in re.finditer("(?:19|20)[0-9]{2}年", sentence))
    return next((each for each in named if int(each[:4]) < year - 1), "")


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group() if match else ""


def _harmed(context: str, word: str) -> Step:
    """Ask of a thing at risk whether something is said to be wrong with it."""
    question = f"不只是提到{word}，还说出了问题"
    found = cues().harm.search(cues().no_harm.sub("〇", context).replace(word, "〇"))
    if found:
        return Step(question, True, f"前后文有“{found.group()}”")
    return Step(question, False, "前后文没有说出了什么问题")


def _undenied(sentence: str, word: str, reading: Reading) -> Step:
    """Ask whether the word is not merely denied; a denial still tells of an emergency, and of a rumour."""
    question = "不是只说没有发生"
    if not _any(cues().denied, word, sentence):
        return Step(question, True, "没有否定的说法")
    if reading.matter is Matter.EMERGENCY:
        return Step(question, True, "虽是否定的说法，但帖文讲的是突发事件，仍需知晓")
    if rumour := _found(cues().rumoured, sentence):
        return Step(question, True, f"否认的是传言（“{rumour}”），传言本身需要知晓")
    return Step(question, False, "同句否定了它")


def _not_routine(reading: Reading, asserted: bool) -> Step:
    """Ask whether a policy or publicity text says that something happened."""
    question = "不是例行的政策、宣传文字"
    if reading.matter not in ROUTINE or reading.sentiment is Sentiment.NEGATIVE:
        return Step(question, True, f"事项判为{reading.matter.label}")
    return Step(
        question,
        asserted,
        f"事项判为{reading.matter.label}，{'但' if asserted else '且'}"
        f"{'说了有事发生' if asserted else '没有说有事发生'}",
    )


def _any(patterns: Sequence[str], word: str, sentence: str) -> bool:
    return any(_with(pattern, word).search(sentence) for pattern in patterns)


@cache
def _with(pattern: str, word: str) -> re.Pattern[str]:
    return re.compile(pattern.replace("<W>", re.escape(word)))


@cache
def cues() -> Cues:
    """Return the shipped patterns."""
    table = tomllib.loads((Path(__file__).parent / "data" / "never_miss.toml").read_text(encoding="utf-8"))
    single = (
        "harm",
        "no_harm",
        "drill",
        "feared",
        "routine",
        "elsewhere",
        "first_hand",
        "perceived",
        "figures",
        "rumoured",
        "setting",
    )
    compiled = {name: re.compile("|".join(f"(?:{each})" for each in table[name])) for name in single}
    return Cues(
        subjects=frozenset(table["subjects"]),
        happening=tuple(table["happening"]),
        happened=tuple(table["happened"]),
        denied=tuple(table["denied"]),
        **compiled,
    )
