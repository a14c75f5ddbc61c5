"""Every sentence rests on something, and what it claims to rest on is really there."""

from __future__ import annotations

from collections.abc import Iterator

from qingting.model import Basis, Draft, FactSlot, Finding, Severity
from responders.facts import standing
from responders.material import Material
from responders.words import absence_words, event_words, fact_words, office_words


def check(draft: Draft, material: Material) -> Iterator[Finding]:
    """Yield a blocking finding for every sentence without basis and every quote that its origin does not hold."""
    for sentence in draft.sentences:
        if not sentence.basis:
            yield Finding("has_basis", Severity.BLOCKING, f"这句话没有依据：「{sentence.text}」")
    for basis in dict.fromkeys(each for sentence in draft.sentences for each in sentence.basis):
        if not _is_genuine(basis, material):
            yield Finding("has_basis", Severity.BLOCKING, f"依据与原件不符：{basis.id}「{basis.quote}」")


def _is_genuine(basis: Basis, material: Material) -> bool:
    if basis.kind == "post":
        return any(post.id == basis.id and basis.quote in post.passage for post in material.posts)
    if basis.kind == "fact":
        return any(fact.id == basis.id and basis.quote == fact_words(fact) for fact in material.facts)
    if basis.kind == "event":
        return basis.id == material.event.id and (
            basis.quote == event_words(material.event) or basis.quote in _absences(material)
        )
    return basis.kind == "office" and basis.quote == office_words(material.office, material.now)


def _absences(material: Material) -> set[str]:
    filled = standing(material.facts)
    return {absence_words(slot) for slot in FactSlot if slot not in filled}
