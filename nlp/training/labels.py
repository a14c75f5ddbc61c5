"""Labels as they are kept in the project: by post id, without the texts of others; and texts written for training."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from nlp.judgement import ANSWERS, HEADS

LABELS = Path(__file__).parent / "labels"
# First readings (all texts), second readings and settled ones of the texts read twice, where they differed.
FIRST, SECOND, SETTLED = "first.tsv", "second.tsv", "settled.tsv"
# Texts of our own with their labels, one JSON object a line.
WRITTEN = "written.jsonl"

Labels = Mapping[str, str]


def read_labels(path: Path) -> dict[str, Labels]:
    """Return each post's labels by id; raises ValueError for a line that isn't id and five known answers."""
    found: dict[str, Labels] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        post_id, *answers = line.split("\t")
        if len(answers) != len(HEADS):
            raise ValueError(f"{path.name}:{number}: {len(answers)} answers instead of {len(HEADS)}")
        labels = dict(zip(HEADS, answers, strict=True))
        problem = next(_problems(labels), "")
        if problem or post_id in found:
            raise ValueError(f"{path.name}:{number}: {problem or 'the post was there before'}")
        found[post_id] = labels
    return found


def settled_labels(folder: Path = LABELS) -> dict[str, Labels]:
    """Return the labels to train on: the settled ones where two readings differed, else the first reading's."""
    return read_labels(folder / FIRST) | read_labels(folder / SETTLED)


def written_texts(folder: Path = LABELS) -> Iterator[tuple[str, str, Labels]]:
    """Yield id, text and labels of each text written for training; raises ValueError for labels that can't be."""
    for number, line in enumerate((folder / WRITTEN).read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        labels = {head: row[head] for head in HEADS}
        if problem := next(_problems(labels), ""):
            raise ValueError(f"{WRITTEN}:{number}: {problem}")
        yield f"written-{number}", row["text"], labels


def _problems(labels: Labels) -> Iterator[str]:
    for head, answer in labels.items():
        if answer not in ANSWERS[head]:
            yield f"{head} can't be {answer!r}"
    about = [labels["topic"], labels["matter"]]
    if labels["relevance"] == "no" and (set(about) | {labels["target"]}) != {"none"}:
        yield "what isn't relevant has no topic, matter or target"
    if labels["relevance"] == "yes" and "none" in about:
        yield "what is relevant has a topic and a matter"
