"""Measures fingerprints on pairs of real posts that people judged: copy, part (one holds a part of the other), other.

    python -m nlp.evaluation.pairs [--shared ../shared]

pairs.tsv holds post ids and verdicts, no text; how the pairs were chosen is told in RESULTS.md.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from nlp.fingerprint import NEAR, distance, fingerprint
from nlp.normalize import clean, spoken

PAIRS = Path(__file__).with_name("pairs.tsv")

VERDICTS = ("copy", "part", "other")


def read_pairs(path: Path = PAIRS) -> list[tuple[str, str, str]]:
    """Return (post id, post id, verdict) of each pair; raises ValueError for a verdict that isn't one."""
    pairs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        one, other, verdict = line.split("\t")
        if verdict not in VERDICTS:
            raise ValueError(f"{path.name}: {verdict}")
        pairs.append((one, other, verdict))
    return pairs


def found_near(texts: Mapping[str, str], pairs: Sequence[tuple[str, str, str]]) -> Mapping[tuple[str, bool], int]:
    """Return how many pairs of each verdict have fingerprints near one another, and how many have not."""
    prints = {each: fingerprint(spoken(clean(texts[each]).text)) for pair in pairs for each in pair[:2]}
    return Counter((verdict, distance(prints[one], prints[other]) <= NEAR) for one, other, verdict in pairs)


def main(arguments: Sequence[str]) -> int:
    """Print recall among copies, and what the near pairs are."""
    parser = argparse.ArgumentParser(prog="nlp.evaluation.pairs", description="在人工判定的真实帖文对上评测查重指纹。")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="语料所在的目录")
    with gzip.open(parser.parse_args(arguments).shared / "corpus" / "posts.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    counts = found_near(texts, read_pairs())
    for verdict in VERDICTS:
        near, far = counts[verdict, True], counts[verdict, False]
        sys.stdout.write(f"{verdict}: {near} of {near + far} near\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
