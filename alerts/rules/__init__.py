"""The rules, one file each. A new rule is written beside these and entered in the list below."""

from alerts.rules.contract import Answer, Case, Rule
from alerts.rules.must_never_miss import MustNeverMiss
from alerts.rules.volume import Volume

RULES: tuple[Rule, ...] = (MustNeverMiss(), Volume())
"""Every rule in force; of two that fire on the same post the first one names the alert."""

__all__ = ["RULES", "Answer", "Case", "Rule"]
