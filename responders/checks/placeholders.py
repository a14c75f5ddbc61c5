"""Nothing is published while something in it is still to be verified."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.material import Material

_PLACEHOLDER = re.compile(r"【待核实：([^】]*)】")


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a blocking finding that names everything marked 【待核实】."""
    left = list(dict.fromkeys(_PLACEHOLDER.findall(f"{draft.title}\n{draft.text}")))
    if left:
        yield Finding("placeholders", Severity.BLOCKING, f"还有 {len(left)} 项待核实：{'、'.join(left)}。")
