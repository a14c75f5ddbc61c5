"""How far two readings of the same texts agree: macro-F1 and Cohen's kappa per head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nlp.judgement import HEADS
from nlp.training.labels import FIRST, LABELS, SECOND, Labels, read_labels


def agreement(first: Mapping[str, Labels], second: Mapping[str, Labels]) -> dict[str, tuple[float, float]]:
    """Return (macro-F1, kappa) per head over the texts that both have read; topic, matter and target over those that
    both found relevant, since 'none' elsewhere says nothing new."""
    both = [post_id for post_id in second if post_id in first]
    relevant = [each for each in both if first[each]["relevance"] == second[each]["relevance"] == "yes"]
    found = {}
    for head in HEADS:
        texts = both if head in ("relevance", "sentiment") else relevant
        ours, theirs = [first[each][head] for each in texts], [second[each][head] for each in texts]
        found[head] = (macro_f1(ours, theirs), kappa(ours, theirs))
    return found


def macro_f1(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Return the mean over answers of F1, one reading taken as true; it is the same whichever one is."""
    answers = sorted(set(ours) | set(theirs))
    return sum(_f1(ours, theirs, answer) for answer in answers) / len(answers)


def kappa(ours: Sequence[str], theirs: Sequence[str]) -> float:
    """Return Cohen's kappa: agreement beyond what chance would give; 1 where both always give one answer."""
    count = len(ours)
    observed = sum(a == b for a, b in zip(ours, theirs, strict=True)) / count
    chance = sum(ours.count(answer) * theirs.count(answer) for answer in set(ours)) / count**2
    return 1.0 if chance == 1.0 else (observed - chance) / (1.0 - chance)


def _f1(ours: Sequence[str], theirs: Sequence[str], answer: str) -> float:
    both = sum(a == b == answer for a, b in zip(ours, theirs, strict=True))
    return 2 * both / (ours.count(answer) + theirs.count(answer))


def main() -> None:
    """Print the agreement of the committed labels."""
    for head, (f1, beyond_chance) in agreement(read_labels(LABELS / FIRST), read_labels(LABELS / SECOND)).items():
        print(f"{head}\t{f1:.3f}\t{beyond_chance:.3f}")  # noqa: T201  what the command is for


if __name__ == "__main__":
    main()
