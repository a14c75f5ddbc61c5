"""How serious public opinion on an event is: the rules of data/levels.toml, the most serious that holds decides."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alerts.profile import Profile
from qingting.model import Level


@dataclass(frozen=True, slots=True)
class LevelRule:
    """From how many distinct posts, authors, channels, grave posts and which negative share on a level is given."""

    level: Level
    distinct: int
    authors: int
    channels: int
    grave: int
    negative_share: float
    reason: str

    def holds(self, event: Profile) -> bool:
        """Return whether an event reaches every figure of the rule."""
        return (
            event.distinct >= self.distinct
            and event.author_count >= self.authors
            and len(event.ballot("channel:")) >= self.channels
            and event.votes["grave"] >= self.grave
            and event.negative >= self.negative_share * event.size
        )


def grade(event: Profile) -> Level:
    """Return the level of an event by the shipped rules."""
    return max((rule.level for rule in level_rules() if rule.holds(event)), key=lambda level: level.rank)


@cache
def level_rules() -> tuple[LevelRule, ...]:
    """Return the shipped rules."""
    table = tomllib.loads((Path(__file__).parent / "data" / "levels.toml").read_text(encoding="utf-8"))
    return tuple(LevelRule(**{**row, "level": Level(row["level"])}) for row in table["rules"])


@cache
def alert_floor(rule: str, acute: bool) -> Level:
    """Return the least level of an alert that a rule raises."""
    table = tomllib.loads((Path(__file__).parent / "data" / "levels.toml").read_text(encoding="utf-8"))
    return Level(table["floors"].get(f"{rule}_acute" if acute else rule, Level.BLUE.value))
