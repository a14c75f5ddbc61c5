"""Cuts Chinese text into words: for the search index, and with positions for everything that reads words."""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from ahocorasick_rs import AhoCorasick, Implementation

from nlp.normalize import fold

with warnings.catch_warnings():
    # jieba 0.42.1 imports pkg_resources and has unescaped regular expressions; both warn at import only.
    warnings.simplefilter("ignore")
    import jieba

DATA = Path(__file__).parent / "data"

# Case is folded by a table, since str.lower lengthens some letters and would move every position after them.
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_UPPER = re.compile("[A-Z]")
# Halves of surrogate pairs, which the dictionary's walk can't take.
_BROKEN = re.compile("[\ud800-\udfff]")

# Raise this whenever `cut` gives other words for the same dictionary: an index cut otherwise must be built anew.
_MANNER = "4"

_DOMAIN_RARITY = math.log(1e5)

# Runs that the index keeps: Chinese characters; letters and digits with the signs inside them (pm2.5, covid-19); and
# any other letter by itself.
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_INDEXED = re.compile(
    rf"(?P<han>{_HAN.pattern})"
    r"|[a-z0-9]+(?:[.\-_+#&%][a-z0-9]+)*"
    r"|[^\W_]"
)
_LATIN_PART = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a text: as written after folding, its part of speech in the dictionary, and where it stands."""

    text: str
    tag: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lexicon:
    """A loaded dictionary: jieba's tokenizer over it, each word's part of speech, and our own words."""

    tokenizer: jieba.Tokenizer
    tags: Mapping[str, str]
    domain: frozenset[str]


def cut(text: str) -> list[str]:
    """Return the words a text is indexed and searched by: every dictionary word in it, and every Chinese character.

    What a run of characters gives does not depend on what stands around it, so a text always has the words of each
    of its parts: a name that no dictionary knows is found wherever it stands, which the most probable path does not
    promise (it cut 青石河大桥 into 青石 and 河大 and 桥, and lost 青石河). Case, width and traditional characters are
    folded; punctuation is left out; repeated words are repeated. First come the dictionary words, then the rest.
    """
    folded = _BROKEN.sub("\ufffd", _lower(fold(text)))
    found: list[str] = _dictionary().find_matches_as_strings(folded, overlapping=True)
    for match in _INDEXED.finditer(folded):
        run = match.group()
        if match.lastgroup == "han":
            found.extend(run)
        else:
            found.append(run)
            if not run.isalnum():
                found.extend(_LATIN_PART.findall(run))
    return found


def words(text: str, *, environmental: bool = True) -> list[Word]:
    """Return all words of a text in order with their positions; together they make up the whole text.

    `environmental=False` cuts without our own dictionary, to show what that changes.
    """
    lexicon = _lexicon() if environmental else _plain_lexicon()
    found: list[Word] = []
    folded = fold(text)
    start = 0
    for word in _cut(lexicon, _lower(folded)):
        end = start + len(word)
        found.append(Word(folded[start:end], lexicon.tags.get(word, ""), start, end))
        start = end
    return found


def is_domain_word(word: str) -> bool:
    """Return whether a word stands in our environmental dictionary."""
    return word in _lexicon().domain


def rarity(word: str) -> float:
    """Return how rare a word is in Chinese: the natural logarithm of one over its share of the dictionary's counts.

    Words that the dictionary doesn't have are as rare as its rarest, those that are ours as rare as one in 100,000.
    """
    lexicon = _lexicon()
    if word.lower() in lexicon.domain:
        return _DOMAIN_RARITY
    return math.log(lexicon.tokenizer.total / (lexicon.tokenizer.FREQ.get(word.lower()) or 1))


def _cut(lexicon: Lexicon, text: str) -> Iterator[str]:
    """Yield the words of the most probable path; no hidden Markov model, for it invents words that queries lack."""
    return cast("Iterator[str]", lexicon.tokenizer.cut(text, HMM=False))


def _lower(text: str) -> str:
    return text.translate(_LOWER) if _UPPER.search(text) else text


@cache
def _dictionary() -> AhoCorasick:
    """Return what finds every Chinese dictionary word in a text in one walk, loaded once.

    On posts of 180 characters 0.02 ms, against 0.08 ms for looking each stretch up in a table; it takes 0.4 s to build
    and 68 MiB, so it is built by the first cut, which the reader's own `words` never makes.
    """
    frequency: Mapping[str, int] = _lexicon().tokenizer.FREQ
    entries = [word for word, count in frequency.items() if count and len(word) > 1 and _HAN.fullmatch(word)]
    return AhoCorasick(entries, implementation=Implementation.ContiguousNFA)


@cache
def _lexicon() -> Lexicon:
    """Return jieba's dictionary with our environmental terms in it, loaded once."""
    return _load(domain_terms())


@cache
def _plain_lexicon() -> Lexicon:
    return _load({})


def _load(terms: Mapping[str, str]) -> Lexicon:
    """Return a tokenizer of our own, so that nothing else in the process can change how we cut.

    Filled here rather than by jieba's `initialize`, which logs to stderr and trusts a cache file in the common
    temporary folder; this takes 0.45 s against 0.55 s, and also keeps the parts of speech.
    """
    columns = (Path(jieba.__file__).parent / "dict.txt").read_text(encoding="utf-8").translate(_LOWER).split()
    entries = columns[0::3]
    frequency = {entry: int(count) for entry, count in zip(entries, columns[1::3], strict=True) if not _is_latin(entry)}
    total = sum(frequency.values())
    for entry in list(frequency):
        for end in range(1, len(entry)):
            frequency.setdefault(entry[:end], 0)
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total, tokenizer.initialized = frequency, total, True
    tags = dict(zip(entries, columns[2::3], strict=True))
    for term, tag in terms.items():
        if not _is_latin(term):
            tokenizer.add_word(term)
        tags[term] = tag
    return Lexicon(tokenizer, tags, frozenset(terms))


def _is_latin(entry: str) -> bool:
    """Return whether an entry is letters and digits only: the cutter keeps those together without being told, while
    an entry such as cod or ok would be found inside code and tokyo and cut them apart."""
    return entry.isascii() and entry.isalnum()


def _dictionary_text() -> str:
    return (DATA / "environment.txt").read_text(encoding="utf-8")


@cache
def domain_terms() -> Mapping[str, str]:
    """Return our environmental terms and their kinds, which serve as parts of speech."""
    terms: dict[str, str] = {}
    for line in _dictionary_text().splitlines():
        if line and not line.startswith("#"):
            kind, *members = line.split()
            terms.update(dict.fromkeys(members, kind))
    return terms


def _cut_version() -> str:
    digest = hashlib.sha256(f"{_MANNER}\n{jieba.__version__}\n{_dictionary_text()}".encode()).hexdigest()
    return digest[:12]


CUT_VERSION = _cut_version()
