"""The query language compiled to SQL over SQLite's FTS5.

As much of a query as can be goes into one MATCH, which walks the index newest first and never sorts; what MATCH cannot
say (fields but regions, the exact text of a phrase, words beside fields in an OR) is checked on each row that it gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qingting.store.query import And, Everything, Field, Has, Not, Or, Phrase, Query, Words
from qingting.store.sqlite_regions import region_word
from qingting.store.words import fold

_HAN = re.compile("[\u4e00-\u9fff]+")

_FOLDS_TO_HAN = re.compile(
    "[\u2e80-\u2fdf\u3038-\u303a\u3190-\u33ff\uf900-\ufaff\U0001f200-\U0001f2ff\U0002f800-\U0002fa1f]"
)
"""The blocks of characters that fold to Chinese characters. A text without any has no more of them folded than as it
stands, and folding (20 to 45 microseconds a text, most of a phrase's cost) can be left out."""


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its question marks."""

    text: str
    values: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a condition stands: the range of keys, and whether MATCH has narrowed the rows before it."""

    low: int
    high: int
    led_by_words: bool


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rows that a query means: those of `source` that meet all conditions and whose `key` is in the range.

    XX"""

    source: str
    key: str
    conditions: tuple[Sql, ...]
    low: int
    high: int
    leads_by_words: bool

    @property
    def where(self) -> Sql:
        """Return the whole condition."""
        return self.within(Sql(f"{self.key} BETWEEN ? AND ?", (self.low, self.high)))

    def within(self, bounds: Sql) -> Sql:
        """Return the conditions with other bounds of the key, which must lie inside the range."""
        return _all([*self.conditions, bounds])


def holds(title: str, text: str, wanted: str) -> bool:
    """Return whether a folded phrase occurs in a title or a text; SQL calls it by the same name."""
    if wanted in text or wanted in title:
        return True
    if _HAN.fullmatch(wanted) and not _FOLDS_TO_HAN.search(text) and not _FOLDS_TO_HAN.search(title):
        return False
    return wanted in fold(text) or wanted in fold(title)


def compile_query(query: Query, low: int, high: int, needs_facets: bool = False) -> Compiled:
    """Return the rows between two keys, both inclusive, that a query means."""
    place = _Place(low, high, _cover(query) is not None)
    positive, negative, checks = _split(query, place)
    if not place.led_by_words:
        checks += [_not(_in_words(each, place)) for each in negative]
        return Compiled("facets f", "f.seq", tuple(checks), low, high, False)
    match = _joined(" AND ", positive)
    if negative:
        match = f"({match}) NOT ({_joined(' OR ', negative)})"
    conditions = (Sql("words MATCH ?", (match,)), *checks)
    # CROSS JOIN keeps SQLite from turning the two about: MATCH leads, a facet is one look by key.
    source = "words CROSS JOIN facets f ON f.seq = words.rowid" if needs_facets or checks else "words"
    return Compiled(source, "words.rowid", conditions, low, high, True)


def _split(query: Query, place: _Place) -> tuple[list[str], list[str], list[Sql]]:
    """Return what every hit matches, what no hit matches, and what remains to be checked."""
    positive: list[str] = []
    negative: list[str] = []
    checks: list[Sql] = []
    for part in _conjuncts(query):
        if (match := _match(part)) is not None:
            positive.append(match)
        elif isinstance(part, Not) and (match := _match(part.inner)) is not None:
            negative.append(match)
        elif isinstance(part, Phrase):
            positive.append(_all_of(part.words))
            checks.append(_phrase_check(part))
        elif not isinstance(part, Everything):
            if (cover := _cover(part)) is not None:
                positive.append(cover)
            checks.append(_condition(part, place))
    return positive, negative, checks


def _conjuncts(query: Query) -> Iterable[Query]:
    if isinstance(query, And):
        for part in query.parts:
            yield from _conjuncts(part)
    else:
        yield query


def _match(query: Query) -> str | None:
    """Return the MATCH expression that means exactly this query, None where there is none."""
    match query:
        case Words(words):
            return _all_of(words)
        case Has(Field.REGION, value):
            word = region_word(value)
            return None if word is None else _all_of([word])
        case Or(parts):
            inner = [_match(part) for part in parts]
            return None if None in inner else _joined(" OR ", [each for each in inner if each])
        case And(parts):
            return _match_and(parts)
    return None


def _match_and(parts: Sequence[Query]) -> str | None:
    """Return the expression of a conjunction; FTS5 knows NOT only as "these but not those"."""
    wanted = [_match(part) for part in parts if not isinstance(part, Not)]
    unwanted = [_match(part.inner) for part in parts if isinstance(part, Not)]
    if not wanted or None in wanted or None in unwanted:
        return None
    match = _joined(" AND ", [each for each in wanted if each])
    return f"({match}) NOT ({_joined(' OR ', [each for each in unwanted if each])})" if unwanted else match


def _cover(query: Query) -> str | None:
    """Return a MATCH expression that no hit of this query fails, None where none is known."""
    match query:
        case Words(words) | Phrase(words, _):
            return _all_of(words)
        case Has():
            return _match(query)
        case And(parts):
            inner = [each for part in parts if (each := _cover(part)) is not None]
            return _joined(" AND ", inner) if inner else None
        case Or(parts):
            covers = [_cover(part) for part in parts]
            return None if None in covers else _joined(" OR ", [each for each in covers if each])
    return None


def _condition(query: Query, place: _Place) -> Sql:
    """Return a condition on facets `f` that means exactly this query."""
    match query:
        case Words(words):
            return _in_words(_all_of(words), place)
        case Phrase(words, _):
            return _all([_in_words(_all_of(words), place), _phrase_check(query)])
        case Has(field, value):
            return _field_condition(field, value, place)
        case Not(inner):
            return _not(_condition(inner, place))
        case And(parts):
            return _all([_condition(part, place) for part in parts])
        case Or(parts):
            return _any([_condition(part, place) for part in parts])
        case Everything():
            return Sql("1")


def _field_condition(field: Field, value: str, place: _Place) -> Sql:
    """Return the condition for a field; IS, unlike =, is never unknown, so that NOT finds unread posts too."""
    if field is Field.RELEVANT:
        return Sql("f.relevant IS ?", (int(value == "yes"),))
    if field is Field.REGION:
        bounds = (value, f"{value}\U0010ffff")
        if place.led_by_words:
            # One look a row: no worse than the row itself, while a large region's list may be far longer.
            return Sql("EXISTS (SELECT 1 FROM regions r WHERE r.seq = f.seq AND r.code BETWEEN ? AND ?)", bounds)
        return Sql("f.seq IN (SELECT seq FROM regions WHERE code BETWEEN ? AND ?)", bounds)
    return Sql(f"f.{field.value} IS coalesce((SELECT number FROM names WHERE name = ?), -1)", (value,))


def _phrase_check(phrase: Phrase) -> Sql:
    return Sql("(SELECT holds(p.title, p.text, ?) FROM posts p WHERE p.seq = f.seq)", (phrase.text,))


def _in_words(match: str, place: _Place) -> Sql:
    inner = "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?"
    return Sql(f"f.seq IN ({inner})", (match, place.low, place.high))


def _all_of(words: Sequence[str]) -> str:
    """Return the expression for posts with all the words; none of them holds a quotation mark (see words.py)."""
    return " AND ".join(f'"{word}"' for word in words)


def _joined(operator: str, expressions: Sequence[str]) -> str:
    if len(expressions) == 1:
        return expressions[0]
    return operator.join(f"({each})" for each in expressions)


def _not(condition: Sql) -> Sql:
    return Sql(f"NOT ({condition.text})", condition.values)


def _all(conditions: Sequence[Sql]) -> Sql:
    return _chained(" AND ", conditions)


def _any(conditions: Sequence[Sql]) -> Sql:
    return _chained(" OR ", conditions)


def _chained(operator: str, conditions: Sequence[Sql]) -> Sql:
    text = operator.join(f"({each.text})" for each in conditions)
    return Sql(text, tuple(value for each in conditions for value in each.values))


def reads_texts(query: Query) -> bool:
    """Return whether a query looks into texts, for a phrase, which makes each row some ten times dearer."""
    match query:
        case Phrase():
            return True
        case And(parts) | Or(parts):
            return any(reads_texts(part) for part in parts)
        case Not(inner):
            return reads_texts(inner)
    return False
