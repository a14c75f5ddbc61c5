from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest

from nlp.evaluation.pairs import VERDICTS, found_near, read_pairs

POSTS = Path(__file__).parents[3] / "shared" / "corpus" / "posts.jsonl.gz"


def test_every_judged_pair_is_of_two_posts_and_stands_once() -> None:
    pairs = read_pairs()
    assert all(one != other for one, other, _ in pairs)
    assert len({frozenset(pair[:2]) for pair in pairs}) == len(pairs) == 360
    assert Counter(verdict for _, _, verdict in pairs) == {"copy": 61, "part": 197, "other": 102}


def test_an_unknown_verdict_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("a\tb\tperhaps\n", encoding="utf-8")
    with pytest.raises(ValueError, match="perhaps"):
        read_pairs(tmp_path / "pairs.tsv")


def test_near_pairs_are_counted_by_verdict() -> None:
    text = "清水河昨夜被人偷排污水，河面漂着一层白沫，两岸的居民都说臭得睡不着"
    texts = {"a": text, "b": text + "！", "c": "学校组织大家去山上种树，累但是开心，回来都晒黑了"}
    counts = found_near(texts, [("a", "b", "copy"), ("a", "c", "other")])
    assert counts == {("copy", True): 1, ("other", False): 1}


@pytest.mark.skipif(not POSTS.is_file(), reason="needs the posts of ../shared/corpus")
def test_of_reworked_real_copies_no_fewer_are_found_than_stated() -> None:
    with gzip.open(POSTS, "rt", encoding="utf-8") as lines:
        texts = {row["id"]: row["text"] for row in map(json.loads, lines)}
    counts = found_near(texts, read_pairs())
    assert counts["copy", True] >= 39
    assert counts["other", True] <= 4
    assert counts["part", True] == 0
    assert {verdict for verdict, _ in counts} == set(VERDICTS)
