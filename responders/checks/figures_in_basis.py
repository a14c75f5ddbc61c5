"""Every number, date and time in a sentence stands in what the sentence rests on, and posts give no numbers."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Draft, Finding, Sentence, Severity
from responders.figures import figures
from responders.material import Material


def check(draft: Draft, _material: Material) -> Iterator[Finding]:
    """Yield a blocking finding for every sentence with a number that its facts, event and office data do not hold."""
    for sentence in draft.sentences:
        known = figures(_trusted(sentence))
        for figure in sorted(figures(sentence.text) - known):
            message = f"「{figure}」在依据中找不到：「{sentence.text}」"
            yield Finding("figures_in_basis", Severity.BLOCKING, message)


def _trusted(sentence: Sentence) -> str:
    """Return the words a sentence may take numbers from: all but those of posts."""
    return "\n".join(basis.quote for basis in sentence.basis if basis.kind != "post")
