"""By when somebody has to be answered: the rules of data/deadlines.toml that apply to an alert."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from qingting.model import SHANGHAI, Deadline, Level, Matter


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """A rule of the clock: what is due, within how many hours, on which basis, from when, and for which alerts."""

    name: str
    hours: float
    basis: str
    since: date
    until: date | None
    levels: frozenset[Level]
    matters: frozenset[Matter]

    def applies(self, level: Level, matter: Matter, on: date) -> bool:
        """Return whether the rule was in force on a day and is meant for such an alert; no matters means all."""
        in_force = self.since <= on and (self.until is None or on < self.until)
        return in_force and level in self.levels and (not self.matters or matter in self.matters)


def deadlines(level: Level, matter: Matter, triggered_at: datetime) -> tuple[Deadline, ...]:
    """Return what is due when, earliest first, counted from the post that tipped the rule."""
    on = triggered_at.astimezone(SHANGHAI).date()
    due = [
        Deadline(rule.name, triggered_at + timedelta(hours=rule.hours), rule.basis)
        for rule in deadline_rules()
        if rule.applies(level, matter, on)
    ]
    return tuple(sorted(due, key=lambda each: (each.due_at, each.name)))


@cache
def deadline_rules() -> tuple[DeadlineRule, ...]:
    """Return the shipped rules, earliest in force first."""
    table = tomllib.loads((Path(__file__).parent / "data" / "deadlines.toml").read_text(encoding="utf-8"))
    rules = [
        DeadlineRule(
            name=row["name"],
            hours=float(row["hours"]),
            basis=row["basis"],
            since=row["since"],
            until=row.get("until"),
            levels=frozenset(Level(value) for value in row["levels"]),
            matters=frozenset(Matter(value) for value in row["matters"]),
        )
        for row in table["rules"]
    ]
    return tuple(sorted(rules, key=lambda rule: (rule.since, rule.hours)))
