"""The scenario's data files as objects; data/FORMAT.md says what they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from typing import Any

from qingting.model import Fact, FactSlot, stable_id

DATA = resources.files("qingting.demo") / "data"
PARTS = ("background", "crisis")


@dataclass(frozen=True)
class Item:
    """One post of the scenario before any site has dressed it up: its fields, its time, and its label for checks."""

    key: str
    at: datetime
    fields: Mapping[str, Any]

    @property
    def event(self) -> str:
        """Return which event the post belongs to by the author's own label, '' for none."""
        return str(self.fields["event"])


@dataclass(frozen=True)
class Scenario:
    """All items by source, earliest first, and the facts that the press office enters, by time of verification."""

    news: tuple[Item, ...]
    weibo: tuple[Item, ...]
    hotline: tuple[Item, ...]
    facts: tuple[Mapping[str, str], ...]

    @property
    def items(self) -> list[Item]:
        """Return every item, earliest first."""
        return sorted((*self.news, *self.weibo, *self.hotline), key=lambda item: item.at)


def load_scenario() -> Scenario:
    """Return the scenario that ships with the program."""
    facts = sorted(_lines("facts.jsonl"), key=lambda row: str(row["verified_at"]))
    return Scenario(_items("news"), _items("weibo"), _items("hotline"), tuple(facts))


def _items(source: str) -> tuple[Item, ...]:
    rows = [row for part in PARTS for row in _lines(f"{part}.{source}.jsonl")]
    items = (Item(row["key"], datetime.fromisoformat(row["published_at"]), row) for row in rows)
    return tuple(sorted(items, key=lambda item: item.at))


def _lines(name: str) -> list[dict[str, Any]]:
    text = (DATA / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def fact_of(row: Mapping[str, str], event_id: str) -> Fact:
    """Return a scenario fact as one about an event."""
    return Fact(
        id=stable_id("f", event_id, row["slot"], row["name"], row["value"], row["occurred_at"]),
        event_id=event_id,
        slot=FactSlot(row["slot"]),
        name=row["name"],
        value=row["value"],
        unit=row["unit"],
        source=row["source"],
        occurred_at=datetime.fromisoformat(row["occurred_at"]),
        verifier=row["verifier"],
        verified_at=datetime.fromisoformat(row["verified_at"]),
    )
