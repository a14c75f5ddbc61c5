"""What of a post is compared with an event: its words by kind, the places and enterprises it names, its embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.grave import grave_sentence
from alerts.texts import hashtags, is_bare_repost, names
from qingting.config import NeverMissConfig
from qingting.model import Matter, Post, Reading

Vector = NDArray[np.float32]

WIDTH = 384
"""Values in an embedding (Reading.embedding)."""

WORDS_KEPT = 24
"""Words compared per post: a long report would otherwise gather likeness with everything by sheer length."""

WATER = "饮用水安全"
"""The common name that posts with a grave sentence on drinking water are given: in one place and within days they are
about one thing, however differently neighbours put it (不敢喝, 药水味, 要不要存水)."""

_AUTHORITIES = frozenset({"department", "government", "authority", "agency", "media", "部门", "政府", "媒体"})
_COMPANY_ENDS = ("股份有限公司", "有限责任公司", "有限公司", "集团公司", "公司", "集团", "厂区")


@dataclass(frozen=True, slots=True)
class Traits:
    """One post as grouping sees it.

    `words` are terms in the order of telling power; `naming` those of them that name something (a place, a work, an
    enterprise, a hashtag), `areas` those that are names of counties or cities. `codes` are the codes of places named,
    and of the county that a source or a caller stands for. `vector` has unit length, None where the model gave no
    embedding. `bare` marks a repost without a word of its own, `grave` what must never be missed.
    """

    post: Post
    reading: Reading
    words: tuple[str, ...]
    naming: frozenset[str]
    areas: frozenset[str]
    codes: frozenset[str]
    companies: frozenset[str]
    vector: Vector | None
    bare: bool
    grave: bool

    @property
    def named(self) -> frozenset[str]:
        """Return the codes of the places that the text itself names."""
        return frozenset(each.code for each in self.reading.regions)

    @property
    def counties(self) -> frozenset[str]:
        """Return the codes that say which county, or which place inside one."""
        return frozenset(code for code in self.codes if is_county(code))


def traits(post: Post, reading: Reading, never_miss: NeverMissConfig) -> Traits:
    """Return what of a post is compared."""
    passage = post.passage
    companies = frozenset(
        short for each in reading.organisations if each.kind not in _AUTHORITIES and (short := company(each.name))
    )
    tags = list(hashtags(passage))
    said = grave_sentence(post, reading, never_miss)
    grave = said is not None and said.fires
    water = [WATER] if said is not None and said.fires and not said.acute else []
    found = sorted(names(passage))
    naming = dict.fromkeys(
        [*water, *tags, *sorted(companies), *(each for each in found if not _is_area(each, reading))]
    )
    other = dict.fromkeys([*(each.name for each in reading.regions), *found, *reading.pollutants, *reading.keywords])
    words = tuple([*naming, *(word for word in other if word not in naming)][:WORDS_KEPT])
    areas = frozenset(word for word in words if _is_area(word, reading))
    codes = {each.code for each in reading.regions} | ({post.region} if is_county(post.region) else set())
    vector = unpack(reading.embedding)
    return Traits(
        post, reading, words, frozenset(naming), areas, frozenset(codes), companies, vector, is_bare_repost(post), grave
    )


def _is_area(word: str, reading: Reading) -> bool:
    """Return whether a word is the name of an area in which much happens at once: a county, a town, a street office."""
    return word.endswith(("街道", "镇", "乡")) or any(word in region.name for region in reading.regions)


def company(name: str) -> str:
    """Return an enterprise's name without its legal form: 恒泰化工有限公司 -> 恒泰化工."""
    for end in _COMPANY_ENDS:
        if name.endswith(end) and len(name) - len(end) >= 2:
            return name[: -len(end)]
    return name


def same_company(one: str, other: str) -> bool:
    """Return whether two names may mean one enterprise: 宏盛混凝土搅拌站, 宏盛混凝土 and 宏盛搅拌站 do.

    Either is a part of the other, or both begin alike and the shorter leaves out characters of the longer.
    """
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return short in long or (one[:2] == other[:2] and all(each in rest for each in short))


def is_county(code: str) -> bool:
    """Return whether a GB/T 2260 code is of county level or finer; codes of the office's own places are."""
    return bool(code) and (not code.isdigit() or not code.endswith("00"))


def stem(code: str) -> str:
    """Return a code without the zeros that only fill it up: 990100 -> 9901."""
    if not code.isdigit():
        return code
    while len(code) > 2 and code.endswith("00"):
        code = code[:-2]
    return code


def contains(wide: str, narrow: str) -> bool:
    """Return whether one place's code contains another's, or is the same."""
    return stem(narrow).startswith(stem(wide))


def is_complaint_like(matter: Matter) -> bool:
    """Return whether a post of this kind is about somebody's own doorstep: alike in wording, different in place."""
    return matter in {Matter.COMPLAINT, Matter.OPINION, Matter.QUALITY, Matter.NONE}


def unpack(embedding: bytes) -> Vector | None:
    """Return an embedding as a unit vector, None for one that is missing or not of the expected width."""
    if len(embedding) != 2 * WIDTH:
        return None
    vector: Vector = np.frombuffer(embedding, dtype="<f2").astype(np.float32)
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if np.isfinite(length) and length > 0 else None


def pack(vector: Vector | None) -> bytes:
    """Return a vector as it is stored: 384 little-endian float16, or b'' for none."""
    return b"" if vector is None else vector.astype("<f2").tobytes()
