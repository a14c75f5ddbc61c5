"""Every organisation, place of measurement and quoted word in a sentence stands in what the sentence rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator

from qingting.model import Draft, Finding, Severity
from responders.figures import foreign_names
from responders.material import Material

_QUOTED = re.compile(r"“([^”]+)”")


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a blocking finding for every name or quotation that the basis does not hold."""
    for sentence in draft.sentences:
        source = "\n".join(basis.quote for basis in sentence.basis)
        quotations = [each for each in _QUOTED.findall(sentence.text) if each not in source]
        for name in dict.fromkeys((*foreign_names(sentence.text, source), *quotations)):
            message = f"「{name}」在依据中找不到：「{sentence.text}」"
            yield Finding("names_in_basis", Severity.BLOCKING, message)
