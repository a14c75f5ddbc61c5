"""What every draft is checked for: the list is the order of the findings, one file a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qingting.model import Draft, Finding
from responders.checks import (
    absolute_promises,
    conflicting_facts,
    dates,
    empty_phrases,
    figures_in_basis,
    harmful_words,
    has_basis,
    length,
    levels,
    names_in_basis,
    personal_data,
    placeholders,
    repealed_law,
)
from responders.material import Material

Check = Callable[[Draft, Material], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    has_basis.check,
    figures_in_basis.check,
    names_in_basis.check,
    placeholders.check,
    personal_data.check,
    dates.check,
    conflicting_facts.check,
    repealed_law.check,
    levels.check,
    harmful_words.check,
    absolute_promises.check,
    empty_phrases.check,
    length.check,
)


def run_checks(draft: Draft, material: Material) -> tuple[Finding, ...]:
    """Return everything the checks find in a draft, in the order of CHECKS."""
    return tuple(finding for check in CHECKS for finding in check(draft, material))
