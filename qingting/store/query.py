"""The query language of the posts: text in, a small tree out, which each back end compiles for itself.

    饮用水 异味            both words, anywhere in title or text
    饮用水 OR 自来水        either word; also `|` and 或
    饮用水 -谣言           the first without the second; also NOT and 非
    "饮用水有异味"         exactly these characters in a row
    (水 OR 气) 投诉        parentheses
    情感:负面 来源:weibo    what a reading or the source says, under a Chinese or an English name, by label or value

AND binds closer than OR; two terms side by side are joined by AND, which may also be written AND or 且. An operator
in letters stands between blanks. A word is found where all words that it is cut into occur. A phrase is found where
the words that it is cut into occur and the title or the text holds it character by character, full and half width
and case aside. A region takes in everything below it: 990100 finds 990102 too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NoReturn

from qingting.errors import UsageError
from qingting.model import Channel, Labelled, Matter, Sentiment, Target, Topic
from qingting.store.shapes import Cut
from qingting.store.words import fold, needed_words, storable

LONGEST = 2_000
"""Characters of a query. People type some dozens; the office's saved queries run to a few hundred."""

DEEPEST = 25
"""Parentheses and negations inside one another, well inside what SQLite and Elasticsearch nest."""


class Field(StrEnum):
    """What can be asked about besides words."""

    SENTIMENT = "sentiment"
    TOPIC = "topic"
    MATTER = "matter"
    TARGET = "target"
    SOURCE = "source"
    CHANNEL = "channel"
    REGION = "region"
    RELEVANT = "relevant"


@dataclass(frozen=True, slots=True)
class Everything:
    """Every post."""


@dataclass(frozen=True, slots=True)
class Words:
    """Posts that hold all of these index words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Phrase:
    """Posts that hold all of these index words, and the folded text in their folded title or text."""

    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Has:
    """Posts with this value of a field: of relevant 'yes' or 'no', of region a prefix of the codes meant."""

    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """Posts that the inner query does not find."""

    inner: Query


@dataclass(frozen=True, slots=True)
class And:
    """Posts that every part finds."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Posts that any part finds."""

    parts: tuple[Query, ...]


Query = Everything | Words | Phrase | Has | Not | And | Or

FIELD_NAMES = {
    **{field.value: field for field in Field},
    "情感": Field.SENTIMENT,
    "议题": Field.TOPIC,
    "事项": Field.MATTER,
    "指向": Field.TARGET,
    "来源": Field.SOURCE,
    "载体": Field.CHANNEL,
    "地域": Field.REGION,
    "相关": Field.RELEVANT,
}

_VOCABULARIES: Mapping[Field, type[Labelled]] = {
    Field.SENTIMENT: Sentiment,
    Field.TOPIC: Topic,
    Field.MATTER: Matter,
    Field.TARGET: Target,
    Field.CHANNEL: Channel,
}

_YES_AND_NO = {"yes": "yes", "no": "no", "是": "yes", "否": "no"}

_OPERATORS = {"AND": "and", "且": "and", "OR": "or", "或": "or", "NOT": "not", "非": "not"}

# What people type with a Chinese input method, sign for sign, so that positions stay as typed.
_SIGNS = str.maketrans({"（": "(", "）": ")", "｜": "|", "：": ":", "“": '"', "”": '"', "＂": '"', "－": "-"})

_FIELD = re.compile(r"([^\W\d_]+):(.*)", re.DOTALL)
_WORD = re.compile(r'[^\s()|"]+')

Kind = Literal["word", "phrase", "has", "and", "or", "not", "(", ")", "end"]


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    at: int
    field: str = ""


def parse(text: str, cut: Cut) -> Query:
    """Return the query that a text states. Raises UsageError(bad_query) in Chinese, with the position."""
    if len(text) > LONGEST:
        raise UsageError(
            f"检索式过长：{len(text)} 个字符，最多 {LONGEST} 个。", reason="bad_query", hint="请拆成几次检索。"
        )
    if not text.strip():
        return Everything()
    return _Parser(_tokens(storable(text).translate(_SIGNS)), cut).parse()


def region_prefix(code: str) -> str:
    """Return what all codes of a region begin with: a GB/T 2260 code (also of a township) without its zero ends."""
    if not code.isdigit():
        return code
    while len(code) > 6 and code.endswith("000"):
        code = code[:-3]
    while 2 < len(code) <= 6 and len(code) % 2 == 0 and code.endswith("00"):
        code = code[:-2]
    return code


def _fail(message: str, at: int, hint: str) -> NoReturn:
    raise UsageError(f"检索式第 {at + 1} 个字符处：{message}", reason="bad_query", hint=hint)


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        token, at = _next_token(text, at)
        tokens.append(token)
    tokens.append(_Token("end", "", len(text)))
    return tokens


def _next_token(text: str, at: int) -> tuple[_Token, int]:
    """Return the token that begins here and where the next may begin."""
    sign = text[at]
    if sign == "(" or sign == ")":
        return _Token("(" if sign == "(" else ")", sign, at), at + 1
    if sign == "|":
        return _Token("or", sign, at), at + 1
    if sign == "-":
        return _Token("not", sign, at), at + 1
    if sign == '"':
        inner, end = _quoted(text, at)
        return _Token("phrase", inner, at), end
    match = _WORD.match(text, at)
    assert match is not None  # noqa: S101 - every other sign is taken above
    word, end = match[0], match.end()
    if word in _OPERATORS:
        return _Token(_operator(word), word, at), end
    if field := _FIELD.fullmatch(word):
        return _field_token(text, at, field[1], field[2], end)
    return _Token("word", word, at), end


def _operator(word: str) -> Literal["and", "or", "not"]:
    kinds: dict[str, Literal["and", "or", "not"]] = {"and": "and", "or": "or", "not": "not"}
    return kinds[_OPERATORS[word]]


def _field_token(text: str, at: int, name: str, value: str, end: int) -> tuple[_Token, int]:
    """Return the token of `name:value`, whose value may be quoted."""
    if not value and text[end : end + 1] == '"':
        value, end = _quoted(text, end)
    return _Token("has", value, at, field=name), end


def _quoted(text: str, at: int) -> tuple[str, int]:
    end = text.find('"', at + 1)
    if end < 0:
        _fail("引号没有配对。", at, "请补上另一个引号，或去掉这个引号。")
    return text[at + 1 : end], end + 1


class _Parser:
    """Recursive descent over the tokens: either = all ('OR' all)*; all = one (['AND'] one)*."""

    def __init__(self, tokens: list[_Token], cut: Cut) -> None:
        self._tokens = tokens
        self._cut = cut
        self._next = 0

    def parse(self) -> Query:
        query = self._either(0)
        token = self._peek()
        if token.kind != "end":
            _fail("多了一个“)”。", token.at, "请补上对应的“(”，或去掉它。")
        return query

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _either(self, depth: int) -> Query:
        parts = [self._all(depth)]
        while self._peek().kind == "or":
            self._take()
            parts.append(self._all(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _all(self, depth: int) -> Query:
        parts = [self._one(depth)]
        while self._peek().kind not in {"or", ")", "end"}:
            if self._peek().kind == "and":
                self._take()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _one(self, depth: int) -> Query:
        token = self._take()
        if depth > DEEPEST:
            _fail("括号或“非”套得太深。", token.at, f"最多套 {DEEPEST} 层。")
        leaves: dict[Kind, Callable[[_Token], Query]] = {"word": self._word, "phrase": self._phrase, "has": _has}
        if token.kind in leaves:
            return leaves[token.kind](token)
        if token.kind == "not":
            return Not(self._one(depth + 1))
        if token.kind == "(":
            return self._group(token, depth)
        if token.kind == "end":
            _fail("检索式在这里中断了。", token.at, "“或”“非”“-”和括号后面要有检索词。")
        _fail(f"“{token.text}”前面缺少检索词。", token.at, "请补上检索词；要检索这个字本身，请给它加引号。")

    def _group(self, opening: _Token, depth: int) -> Query:
        inner = self._either(depth + 1)
        if self._take().kind != ")":
            _fail("括号没有配对。", opening.at, "请补上“)”。")
        return inner

    def _word(self, token: _Token) -> Query:
        return Words(self._index_words(token))

    def _phrase(self, token: _Token) -> Query:
        return Phrase(self._index_words(token), fold(token.text))

    def _index_words(self, token: _Token) -> tuple[str, ...]:
        words = tuple(needed_words(self._cut, token.text))
        if not words:
            _fail(f"“{token.text}”里没有可以检索的字词。", token.at, "标点和过于常见的虚词不进索引，请换一个词。")
        return words


def _has(token: _Token) -> Has:
    field = FIELD_NAMES.get(token.field.lower())
    if field is None:
        near = difflib.get_close_matches(token.field.lower(), FIELD_NAMES, n=1, cutoff=0.5)
        meant = f"是不是“{near[0]}”？" if near else f"可用的字段：{'、'.join(FIELD_NAMES)}。"
        _fail(f"没有“{token.field}”这个字段。", token.at, f"{meant}要检索含冒号的原文，请给它加引号。")
    if not token.text:
        _fail(f"“{token.field}:”后面缺少取值。", token.at, "冒号与取值之间不留空格，例如 情感:负面。")
    return Has(field, _value(field, token))


def _value(field: Field, token: _Token) -> str:
    """Return a field's value as the posts hold it."""
    if field is Field.SOURCE:
        return token.text
    if field is Field.REGION:
        if not re.fullmatch(r"[0-9A-Za-z._-]+", token.text):
            _fail(f"“{token.text}”不是地域代码。", token.at, "请填行政区划代码，例如 地域:990100。")
        return region_prefix(token.text)
    known = _YES_AND_NO if field is Field.RELEVANT else _labels(_VOCABULARIES[field])
    value = known.get(token.text.lower())
    if value is None:
        near = difflib.get_close_matches(token.text.lower(), known, n=1, cutoff=0.5)
        meant = f"是不是“{near[0]}”？" if near else ""
        _fail(f"{token.field} 没有“{token.text}”这个取值。", token.at, f"{meant}可用的取值：{'、'.join(known)}。")
    return value


def _labels(vocabulary: type[Labelled]) -> dict[str, str]:
    """Return a vocabulary's values under their labels and themselves."""
    return {**{each.label: each.value for each in vocabulary}, **{each.value: each.value for each in vocabulary}}
