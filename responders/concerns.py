"""What the public speaks about, in its own words: which of these words posts use, and where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from qingting.model import Post

CONCERNS: tuple[tuple[str, ...], ...] = (
    ("死鱼", "鱼死", "翻肚", "翻白"),
    ("刺鼻", "异味", "臭味", "恶臭", "臭气", "怪味", "酸味", "农药味"),
    ("泡沫", "白沫"),
    ("发黑", "发红", "发白", "变色", "浑浊", "黑水", "污水", "废水"),
    ("自来水", "饮用水", "喝的水", "水源"),
    ("停水", "断水"),
    ("排污", "排放"),
    ("噪声", "噪音", "轰隆", "扰民"),
    ("扬尘", "粉尘", "灰尘"),
    ("黑烟", "浓烟", "烟雾", "废气"),
    ("雾霾", "重污染天气"),
    ("渗滤液", "垃圾焚烧", "垃圾堆", "垃圾场", "倾倒"),
    ("泄漏", "爆炸", "爆燃", "起火"),
    ("头晕", "咳嗽", "呕吐", "身体不适"),
    ("辐射", "基站"),
    ("油污", "油膜"),
    ("砍树", "填湖", "采砂"),
)
"""Words for one phenomenon a line, all of them neutral enough to be quoted by an office.

Insults, guesses at guilt and names are left out on purpose: only these words can travel from a post into a draft.
"""


@dataclass(frozen=True)
class Concern:
    """A word of the public's own, how many posts use it or its like, and the first place where it stands."""

    word: str
    posts: int
    post: Post
    start: int

    @property
    def end(self) -> int:
        """Return where the word ends in the post's passage."""
        return self.start + len(self.word)


def concerns(posts: Iterable[Post], limit: int) -> list[Concern]:
    """Return what most posts speak about, at most `limit` phenomena, each in the word that is used most."""
    ordered = sorted(posts, key=lambda post: (post.at, post.id))
    found = [each for words in CONCERNS if (each := _concern(words, ordered))]
    return sorted(found, key=lambda each: -each.posts)[:limit]


def _concern(words: tuple[str, ...], posts: list[Post]) -> Concern | None:
    pattern = re.compile("|".join(map(re.escape, words)))
    matches = [(post, match) for post in posts if (match := pattern.search(post.passage))]
    if not matches:
        return None
    word = Counter(match[0] for _, match in matches).most_common(1)[0][0]
    post, match = next(each for each in matches if each[1][0] == word)
    return Concern(word, len(matches), post, match.start())
