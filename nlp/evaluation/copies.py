"""Makes edited copies of texts as they occur in public, from a seed, to measure near-duplicate fingerprints by."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

_COMMENTS = (
    "太可怕了",
    "转给大家看看",
    "有没有人管管",
    "说得对",
    "支持！",
    "终于等到了",
    "这是真的吗？",
    "扩散！",
    "无语",
    "看看吧，就在我们身边",
)
_TAGS = ("#环保#", "#身边事#", "#关注#", "#本地热点#", "#今日话题#")
_FACES = ("[怒]", "[泪]", "👏", "😡", "[赞]", "🙏", "[doge]", "💪")
_LEADS = (
    "本报讯（记者 林岚）",
    "据清源晚报报道，",
    "清源网11月20日电 ",
    "【转载】",
    "央广网消息：",
    "新华社北京3月5日电（记者周舟）",
    "来源：清源发布 ",
)
_MARKS = str.maketrans(
    {"，": " ", "。": "！", "！": "。", "；": "，", "：": ":", "（": "(", "）": ")", "“": "「", "”": "」"}
)
_HEADLINE = re.compile(r"^【[^】]{2,40}】")


def _marked_otherwise(text: str, chance: random.Random) -> str:
    changed = text.translate(_MARKS)
    return changed if chance.random() < 0.5 else changed.replace(" ", "")


def _headline_changed(text: str, _: random.Random) -> str:
    return _HEADLINE.sub("", text) if _HEADLINE.match(text) else f"【{text[:12]}】{text}"


def _decorated(text: str, chance: random.Random) -> str:
    tag, face = chance.choice(_TAGS), chance.choice(_FACES)
    return f"{tag}{text}{face * chance.randint(1, 3)}" if chance.random() < 0.5 else f"{face}{text}{tag}"


def _reposted(text: str, chance: random.Random) -> str:
    names = "".join(f"//@路人{chance.randint(1, 999)}:{chance.choice(_COMMENTS)}" for _ in range(chance.randint(0, 2)))
    return f"{chance.choice(_COMMENTS)}{names}//@清源发布:{text}"


def _commented(text: str, chance: random.Random) -> str:
    comment = chance.choice(_COMMENTS)
    return f"{comment} {text}" if chance.random() < 0.5 else f"{text} {comment}"


def _led_otherwise(text: str, chance: random.Random) -> str:
    return chance.choice(_LEADS) + text


def _shortened(text: str, _: random.Random) -> str:
    """Drop up to the last tenth, as clients do that fold long posts."""
    return text if len(text) < 60 else text[: len(text) - len(text) // 10] + "…展开全文"


EDITS: Mapping[str, Callable[[str, random.Random], str]] = {
    "punctuation": _marked_otherwise,
    "headline": _headline_changed,
    "decoration": _decorated,
    "repost": _reposted,
    "comment": _commented,
    "lead": _led_otherwise,
    "shortened": _shortened,
}


def edited(text: str, edit: str, seed: int) -> str:
    """Return a copy of a text edited in one of the ways of EDITS; the same seed gives the same copy."""
    return EDITS[edit](text, random.Random(f"{edit}:{seed}"))  # noqa: S311  no secret is drawn here
