"""A 64-bit near-duplicate fingerprint: texts that are copies of one another have fingerprints near one another.

It is a simhash over pairs of neighbouring characters, each counted as often as it stands, of the words that carry the
post: the longest of the poster's own words and those passed on, without links, mentions, hashtags, emoticons,
【headlines】, a paper's opening formula and punctuation, as far as at least ten characters remain.

Measured on 6,000 texts of the corpus and a copy of each, edited by code (nlp/evaluation/copies.py), at a distance of up
to 7. Recall over changed punctuation, headline, hashtags and emoji, reposts with comments, and another opening formula:
0.986 (0.977 to 0.995 each). Two harder edits: a comment pasted into the text 0.866, a text cut by a tenth 0.838; over
all seven 0.948, under 25 characters 0.869. Precision 0.993, where two texts are copies when they share more than half
of their pairs of characters as they were written. In a trial on another sample, single characters beside the pairs
gained 0.012 recall and made 28 times as many false pairs, which grow with the square of the posts held: so pairs alone.
Of 61 copies that people had reworked, judged by reading, it finds 39 (nlp/evaluation/RESULTS.md).
"""

from __future__ import annotations

import hashlib
import re

import numpy as np
import numpy.typing as npt

from nlp.normalize import Spoken, says_nothing, tidy

# Copies are looked for up to this distance; an index over the eight bytes finds every such pair, since two
# fingerprints that differ in at most seven bits agree in at least one byte.
NEAR = 7

# Fewer characters than this (支持, 哈哈哈) are nobody's in particular: such texts get 0, which is near to nothing.
_TELLING = 6
# Up to this length one changed character moves a simhash too far; such texts are copies only when they are the same.
_SHORT = 12
# What is taken off a text may not leave less than this; a post may consist of a hashtag.
_REMAINING = 10

_TAKEN_OFF = (
    re.compile(r"\[[^\[\]\s]{1,8}\]"),
    re.compile(r"#[^#\n]{1,40}#"),
    re.compile(r"@[^\s:,。，@/]{1,30}"),
    re.compile(r"【[^】]{1,40}】"),
    re.compile(r"^#{1,6} [^\n]{1,60}\n|[*_`]+|&nbsp;"),
    re.compile(r"/@[^\s:,。，@/]{1,30}:.*$", re.DOTALL),
    re.compile(r"^\s*(?:来源:\S{2,12}\s|据?[^,。!?;\n]{0,24}?(?:讯|电|报道|消息)(?:\([^)]{0,20}\))?[,:\s]*)"),
)
_UNSPOKEN = re.compile(r"[\W_]+")

_Hashes = npt.NDArray[np.uint64]
_PRIMES = (np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x9E3779B97F4A7C15))


def fingerprint(said: Spoken) -> int:
    """Return the fingerprint of what was said in a post, unsigned; 0 where that is too little to tell by."""
    core = _core(said)
    if len(core) < _TELLING:
        return 0
    if len(core) < _SHORT:
        return int.from_bytes(hashlib.blake2b(core.encode(), digest_size=8).digest(), "little")
    hashes = _pair_hashes(core)
    bits = np.unpackbits(hashes.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    majority = bits.sum(axis=0, dtype=np.int64) * 2 > len(hashes)
    return int.from_bytes(np.packbits(majority, bitorder="little").tobytes(), "little")


def distance(a: int, b: int) -> int:
    """Return in how many of their 64 bits two fingerprints differ; 64 where one of them is 0, which tells nothing."""
    return (a ^ b).bit_count() if a and b else 64


def _core(said: Spoken) -> str:
    """Return the words that carry a post, bare of all that copies change."""
    text = tidy(max((said.own, *said.quoted), key=len))
    if says_nothing(text):
        return ""
    for pattern in _TAKEN_OFF:
        left = pattern.sub("", text)
        if len(_UNSPOKEN.sub("", left)) >= _REMAINING:
            text = left
    return _UNSPOKEN.sub("", text).lower()


def _pair_hashes(text: str) -> _Hashes:
    """Return a well-mixed 64-bit hash of every pair of neighbouring characters (the finaliser of SplitMix64)."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.uint64)
    mixed = codes[:-1] * _PRIMES[0] ^ (codes[1:] * _PRIMES[1] << np.uint64(1))
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    hashes: _Hashes = mixed ^ (mixed >> np.uint64(31))
    return hashes
