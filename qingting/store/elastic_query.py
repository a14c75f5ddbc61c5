"""The query language compiled to Elasticsearch's Query DSL, all of it in filters: nothing is scored.

One `bool` says AND, OR and NOT at once, so that a query is nested no deeper than its parentheses; the server lets
30 inside one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qingting.store.elastic_documents import index_term, spaced
from qingting.store.query import And, Everything, Field, Has, Not, Or, Phrase, Query, Words
from qingting.store.shapes import Search
from qingting.store.tables import microseconds

Dsl = dict[str, Any]

EVERYTHING: Dsl = {"match_all": {}}


def compile_search(search: Search, query: Query) -> Dsl:
    """Return the DSL for the posts of a search's time range that a query finds."""
    bounds = {name: microseconds(at) for name, at in (("gte", search.since), ("lt", search.until)) if at is not None}
    times = [{"range": {"at": bounds}}] if bounds else []
    return conjunction([*times, compile_query(query)])


def compile_query(query: Query) -> Dsl:
    """Return the DSL that means exactly this query."""
    match query:
        case Everything():
            return EVERYTHING
        case Words(words):
            return conjunction(_terms(words))
        case Phrase(words, text):
            return conjunction([*_terms(words), {"match_phrase": {"characters": spaced(text)}}])
        case Has(field, value):
            return _field(field, value)
        case Not(inner):
            return _without([inner])
        case Or(parts):
            return {"bool": {"should": [compile_query(part) for part in parts], "minimum_should_match": 1}}
        case And(parts):
            return _and(parts)


def conjunction(parts: Sequence[Dsl]) -> Dsl:
    """Return the DSL for what all parts find, taking in the filters of parts that are nothing but filters."""
    filters: list[Dsl] = []
    for part in parts:
        inner = part.get("bool", {})
        filters += inner["filter"] if set(inner) == {"filter"} else [part]
    return filters[0] if len(filters) == 1 else {"bool": {"filter": filters}}


def _and(parts: Sequence[Query]) -> Dsl:
    """Return a conjunction with its negations and its first alternative in the same `bool`."""
    wanted = [part for part in parts if not isinstance(part, Not)]
    unwanted = [part.inner for part in parts if isinstance(part, Not)]
    first = next((part for part in wanted if isinstance(part, Or)), None)
    filters = conjunction([compile_query(part) for part in wanted if part is not first] or [EVERYTHING])
    dsl = {"filter": filters["bool"]["filter"] if set(filters.get("bool", {})) == {"filter"} else [filters]}
    if first is not None:
        dsl |= compile_query(first)["bool"]
    if unwanted:
        dsl |= _without(unwanted)["bool"]
    return {"bool": dsl}


def _without(parts: Sequence[Query]) -> Dsl:
    return {"bool": {"must_not": [compile_query(part) for part in parts]}}


def _terms(words: Sequence[str]) -> list[Dsl]:
    return [{"term": {"words": index_term(word)}} for word in words]


def _field(field: Field, value: str) -> Dsl:
    if field is Field.RELEVANT:
        return {"term": {"relevant": value == "yes"}}
    if field is Field.REGION:
        return {"prefix": {"regions": value}}
    return {"term": {field.value: value}}
