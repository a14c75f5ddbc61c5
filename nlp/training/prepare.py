"""Joins labels to texts and takes out whatever is near to a text of the development or the test set."""

from __future__ import annotations

import csv
import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nlp.judgement import HEADS
from nlp.normalize import clean, spoken, tidy
from nlp.training.labels import Labels, settled_labels, written_texts

# Held out of the newly labelled texts for temperatures and threshold; never trained on.
HELD_OUT = 300
# Hot-search titles beside the pool: short, cheap, and unlike the pool in what they talk about.
TITLES = 6_000

# A text is near to another when they share half of the shorter one's runs of six characters: reposts with a comment,
# shortened copies and other headlines are found, two posts that quote one slogan are not.
_RUN = 6
_NEAR = 0.5
_UNSPOKEN = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Example:
    """A text as the model reads it, with its labels if it has any; `origin` says where it came from."""

    id: str
    text: str
    origin: str
    labels: Labels = field(default_factory=dict)


def prepare(shared: Path, work: Path, seed: int) -> Mapping[str, int]:
    """Write train, held_out, development and unlabelled .jsonl to `work`; return how many texts each holds."""
    corpus = shared / "corpus"
    development = list(_labelled(corpus / "read_dev.jsonl", "development"))
    tested = {row["id"]: _form(row["text"]) for row in _rows(corpus / "read_test_texts.jsonl")}
    kept_apart = Apart([*(each.text for each in development), *tested.values()])
    pool = {row["id"]: _form(row["text"]) for row in _rows(corpus / "posts.jsonl.gz")}
    titles = _titles(corpus)
    texts = {**_messages(corpus), **titles, **pool}
    new = [Example(text_id, texts[text_id], "new", labels) for text_id, labels in settled_labels().items()]
    written = [Example(text_id, _form(text), "written", labels) for text_id, text, labels in written_texts()]
    labelled = kept_apart.far([*_labelled(corpus / "read_train.jsonl", "train"), *new, *written])
    chance = random.Random(seed)  # noqa: S311  a sample, not a secret
    held_out = set(chance.sample([each.id for each in labelled if each.origin == "new"], HELD_OUT))
    known = {each.id for each in (*labelled, *new, *development)} | tested.keys()
    unlabelled = [Example(post_id, text, "pool") for post_id, text in pool.items() if post_id not in known]
    others = sorted(titles.keys() - known)
    unlabelled += [Example(title_id, titles[title_id], "title") for title_id in chance.sample(others, TITLES)]
    parts = {
        "train": [each for each in labelled if each.id not in held_out],
        "held_out": [each for each in labelled if each.id in held_out],
        "development": development,
        "unlabelled": kept_apart.far(unlabelled),
    }
    for name, examples in parts.items():
        write_examples(work / f"{name}.jsonl", examples)
    return {name: len(examples) for name, examples in parts.items()}


def read_examples(path: Path) -> list[Example]:
    """Return the examples of a file that `write_examples` wrote."""
    return [Example(**json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line]


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write examples, one JSON object a line."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in examples]
    path.write_text("".join(lines), encoding="utf-8")


class Apart:
    """Texts that nothing trained on may be near to."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._runs = [_runs(text) for text in texts]
        self._where: dict[str, list[int]] = {}
        for number, runs in enumerate(self._runs):
            for run in runs:
                self._where.setdefault(run, []).append(number)

    def near(self, text: str) -> bool:
        """Return whether a text shares half of the shorter one's runs with one of the texts kept apart."""
        runs = _runs(text)
        shared = Counter(number for run in runs for number in self._where.get(run, ()))
        return any(count >= _NEAR * min(len(runs), len(self._runs[number])) for number, count in shared.items())

    def far(self, examples: Iterable[Example]) -> list[Example]:
        """Return the examples that are near to none of them."""
        return [each for each in examples if not self.near(each.text)]


def _labelled(path: Path, origin: str) -> Iterator[Example]:
    for row in _rows(path):
        labels = {head: str(row[head]) for head in HEADS if head != "relevance"}
        labels["relevance"] = "yes" if row["relevant"] else "no"
        yield Example(row["id"], _form(row["text"]), origin, labels)


def _titles(corpus: Path) -> dict[str, str]:
    """Return the different hot-search titles by hot-DATE-ORDER, the first place at which each was seen."""
    seen: dict[str, str] = {}
    for row in _rows(corpus / "weibo_hot_2023_2024.jsonl.gz"):
        seen.setdefault(row["title"], f"hot-{row['date']}-{row['order']}")
    return {title_id: _form(title) for title, title_id in seen.items()}


def _messages(corpus: Path) -> dict[str, str]:
    """Return the messages to a city's leaders by hotline-NUMBER: subject, then text."""
    with (corpus / "hotline_messages.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return {
        f"hotline-{row['留言编号']}": _form(f"{row['留言主题'].strip()}。{row['留言详情'].strip()}") for row in rows
    }


def _rows(path: Path) -> Iterator[Mapping[str, str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    yield from (json.loads(line) for line in text.split("\n") if line)


def _form(text: str) -> str:
    """Return a text in the form in which the reader shows it to the model."""
    return tidy(spoken(clean(text).text).whole)


def _runs(text: str) -> frozenset[str]:
    bare = _UNSPOKEN.sub("", text)
    return frozenset(bare[start : start + _RUN] for start in range(max(1, len(bare) - _RUN + 1)))
