"""Which of an event's facts stand: later verification replaces earlier, and what contradicts is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from qingting.model import Fact, FactSlot
from responders.words import amount, fact_name

SERIES = frozenset({FactSlot.MEASUREMENT, FactSlot.MEASURES})
"""Slots that go on: the same name at another time is a further value or step, no contradiction."""


@dataclass(frozen=True)
class Replaced:
    """A fact that is not used because a later verified one of the same name says something else."""

    used: Fact
    unused: Fact
    contradicts: bool


def standing(facts: Iterable[Fact]) -> dict[FactSlot, list[Fact]]:
    """Return the facts to be used, per slot, in order of time.

    Of facts with one name the newest verified is used; of a measured value, the newest measurement. Measures taken at
    different times, and measures without a name of their own, all stand.
    """
    chosen: dict[FactSlot, list[Fact]] = {}
    for group in _namesakes(facts).values():
        newest = max(group, key=_newness)
        chosen.setdefault(newest.slot, []).append(newest)
    for group in chosen.values():
        group.sort(key=lambda fact: (fact.occurred_at or fact.verified_at, fact.verified_at))
    return chosen


def replaced(facts: Iterable[Fact]) -> Iterator[Replaced]:
    """Yield every fact that a newer one of the same name and another value has replaced."""
    for group in _namesakes(facts).values():
        newest = max(group, key=_newness)
        for fact in group:
            if amount(fact) != amount(newest):
                yield Replaced(newest, fact, contradicts=not _both_hold(newest, fact))


def _namesakes(facts: Iterable[Fact]) -> dict[tuple[object, ...], list[Fact]]:
    """Return the facts that say anything, by what they are about."""
    groups: dict[tuple[object, ...], list[Fact]] = {}
    for fact in filter(amount, facts):
        key: tuple[object, ...] = (fact.slot, fact_name(fact))
        if fact.slot is FactSlot.MEASURES:
            unnamed = fact_name(fact) == fact.slot.label
            key = (*key, fact.occurred_at, amount(fact) if unnamed else "")
        groups.setdefault(key, []).append(fact)
    return groups


def _newness(fact: Fact) -> tuple[datetime, datetime, str]:
    measured = fact.occurred_at if fact.slot is FactSlot.MEASUREMENT else None
    return (measured or fact.verified_at, fact.verified_at, fact.id)


def _both_hold(one: Fact, other: Fact) -> bool:
    """Tell whether two values can both be true because they are of different times."""
    return (
        one.slot in SERIES and None not in (one.occurred_at, other.occurred_at) and one.occurred_at != other.occurred_at
    )
