"""A notice is long enough to answer and short enough to be read."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.material import Material

SHORTEST = 200
LONGEST = 600
"""Characters of the body: notices of 200 to 400 are customary, and measured values need room beyond that."""


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a warning when the body is shorter or longer than customary."""
    length = len("".join(draft.text.split()))
    if length < SHORTEST:
        yield Finding("length", Severity.WARNING, f"正文 {length} 字，少于 {SHORTEST} 字，事实可能不足。")
    if length > LONGEST:
        yield Finding("length", Severity.WARNING, f"正文 {length} 字，多于 {LONGEST} 字，请精简。")
