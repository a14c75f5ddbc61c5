"""Measures the reader on labelled texts and holds the figures against their floors.

    python -m nlp.evaluation.evaluate                    our own texts and, where ../shared is, the development split
    python -m nlp.evaluation.evaluate --set own          one set of floors.json
    python -m nlp.evaluation.evaluate --update           raise floors that are exceeded; see nlp/evaluation/gate.py

relevance: F1 of 'relevant'. sentiment: macro-F1 over all texts. topic, matter, target: accuracy over the texts that
are relevant by their labels, topic and matter being the best answer other than none. These are the metrics under which
the model card's figures for the development split come out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nlp.evaluation.gate import FLOORS, check, digest, load_floors, raised, save_floors
from nlp.reader import BACKENDS, Reader, open_reader, prepare
from qingting.errors import QingtingError
from qingting.model import Channel, Post, Sentiment

ROOT = Path(__file__).parents[2]
# No figure depends on when a text was collected.
_ANY_TIME = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text and what people read in it."""

    id: str
    text: str
    relevant: bool
    labels: Mapping[str, str]


def load(path: Path) -> list[Labelled]:
    """Return the labelled texts of a JSONL file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    heads = ("sentiment", "topic", "matter", "target")
    return [Labelled(row["id"], row["text"], row["relevant"], {head: row[head] for head in heads}) for row in rows]


def evaluate(reader: Reader, texts: Sequence[Labelled]) -> dict[str, float]:
    """Return the five figures (0..1, four decimals) of a reader on labelled texts."""
    judgements = reader.judge([prepare(_post(text)) for text in texts])
    relevant = [(text, judgement) for text, judgement in zip(texts, judgements, strict=True) if text.relevant]
    figures = {
        "relevance": _f1([text.relevant for text in texts], [reader.is_relevant(each) for each in judgements], True),
        "sentiment": macro_f1(
            [text.labels["sentiment"] for text in texts], [each.best("sentiment") for each in judgements]
        ),
    }
    for head, without in (("topic", "none"), ("matter", "none"), ("target", "")):
        right = [text.labels[head] == judgement.best(head, without=without) for text, judgement in relevant]
        figures[head] = sum(right) / max(len(right), 1)
    return {name: round(figure, 4) for name, figure in figures.items()}


def main(arguments: Sequence[str]) -> int:
    """Print the figures of every set that is at hand; return 1 when one lies below its floor."""
    asked = _arguments(arguments)
    floors = load_floors(FLOORS)
    failures: list[str] = []
    for name, floor in floors.items():
        path = ROOT / floor.data
        if asked.set not in ("", name) or floor.backend != asked.backend:
            continue
        if not path.is_file():
            sys.stdout.write(f"{name}: 跳过，找不到 {floor.data}\n")
            continue
        figures = evaluate(open_reader(asked.backend), load(path))
        sys.stdout.write(f"{name}: {json.dumps(figures)}\n")
        failures += check(name, floor, figures, digest(path))
        if asked.update:
            floors[name] = raised(floor, figures, digest(path))
    if asked.update:
        save_floors(FLOORS, floors)
    sys.stdout.writelines(f"{failure}\n" for failure in failures)
    return 1 if failures else 0


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nlp.evaluation.evaluate", description="评测阅读模型并核对下限。")
    parser.add_argument("--set", default="", help="只评测 floors.json 里的这一组")
    parser.add_argument("--backend", default="onnx", choices=BACKENDS, help="阅读后端")
    parser.add_argument("--update", action="store_true", help="把超过下限的数字写成新的下限")
    return parser.parse_args(arguments)


def _post(text: Labelled) -> Post:
    return Post(text.id, "evaluation", text.id, Channel.OTHER, text.text, _ANY_TIME)


def macro_f1(expected: Sequence[str], found: Sequence[str]) -> float:
    """Return the mean F1 of the three attitudes."""
    return sum(_f1(expected, found, answer.value) for answer in Sentiment) / len(Sentiment)


def _f1(expected: Sequence[object], found: Sequence[object], answer: object) -> float:
    """Return the F1 of one answer; 0 where it is neither expected nor found."""
    pairs = list(zip(expected, found, strict=True))
    both = sum(want == answer == got for want, got in pairs)
    either = sum(want == answer for want, _ in pairs) + sum(got == answer for _, got in pairs)
    return 2 * both / either if either else 0.0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except QingtingError as error:
        sys.stderr.write(f"{error.message}{error.hint}\n")
        sys.exit(1)
