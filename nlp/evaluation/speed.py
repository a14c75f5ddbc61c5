"""Times the reader beside the same network in torch floats and beside SnowNLP, in one run on the same texts.

    python -m nlp.evaluation.speed --shared ../shared --float WORK/student [--posts 2000]

`--float` is the student's folder of a training run (nlp.training.run), the network that model.onnx was made from. Each
is timed three times in turn, and the median counts, so that what else the machine does falls on all alike. Needs the
extra `training` and SnowNLP (`pip install snownlp`), which nothing else does.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import torch
from snownlp import SnowNLP

from nlp.backends.onnx import SHIPPED
from nlp.evaluation.evaluate import Labelled, load, macro_f1
from nlp.judgement import HEADS
from nlp.reader import open_reader, prepare
from nlp.training.batching import token_ids
from nlp.training.network import Network, answers_of, load_network
from qingting.model import Channel, Post

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_SEED = 7
_TURNS = 3
# How a plain torch pipeline goes through texts: in the order given, sixteen at a time, padded to the longest of them.
_BATCH = 16
_PAD = 1
# SnowNLP gives the chance of a positive attitude and has no neutral one: what lies between is taken for that.
_SNOW_NEGATIVE, _SNOW_POSITIVE = 0.4, 0.6

Ways = Mapping[str, Callable[[Sequence[str]], list[str]]]


def main(arguments: Sequence[str]) -> int:
    """Print texts a second and sentiment macro-F1 of each way to read."""
    asked = _arguments(arguments)
    torch.set_num_threads(2)
    texts = _texts(asked.shared / "corpus" / "posts.jsonl.gz", asked.posts)
    labelled = load(asked.shared / "corpus" / "read_dev.jsonl")
    ways = _ways(asked.float)
    seconds = _timed(ways, texts)
    first = next(iter(seconds.values()))
    for name, way in ways.items():
        speed, slower = len(texts) / seconds[name], seconds[name] / first
        figure = _sentiment(way, labelled)
        sys.stdout.write(f"{name}\t{speed:.0f} texts/s\t{slower:.2f} times the first's time\tsentiment {figure:.3f}\n")
    return 0


def _ways(folder: Path) -> Ways:
    reader, network = open_reader(), load_network(folder, SHIPPED, student=True).eval()
    return {
        "int8 on ONNX Runtime, model alone": lambda texts: [
            each.best("sentiment") for each in reader.judge([prepare(_post(text)) for text in texts])
        ],
        "the same network, torch float32": lambda texts: _by_torch(network, texts),
        "reader with all it finds": lambda texts: [
            str(each.sentiment) for each in reader.read([_post(text) for text in texts], _AT)
        ],
        "SnowNLP, sentiment alone": _by_snow,
    }


def _by_torch(network: Network, texts: Sequence[str]) -> list[str]:
    ids = token_ids([prepare(_post(text)).whole for text in texts], SHIPPED)
    answers = answers_of(SHIPPED)["sentiment"]
    found: list[str] = []
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        width = max(map(len, part))
        padded = torch.tensor([[*each, *[_PAD] * (width - len(each))] for each in part])
        with torch.inference_mode():
            outputs = network(padded, (padded != _PAD).long())
        assert set(HEADS) <= set(outputs)  # noqa: S101  all heads are worked out, as in the reader
        found += [answers[place] for place in outputs["sentiment"].argmax(-1).tolist()]
    return found


def _by_snow(texts: Sequence[str]) -> list[str]:
    found = []
    for text in texts:
        chance = SnowNLP(text or "。").sentiments
        found.append("negative" if chance < _SNOW_NEGATIVE else "positive" if chance > _SNOW_POSITIVE else "neutral")
    return found


def _timed(ways: Ways, texts: Sequence[str]) -> dict[str, float]:
    """Return each way's median seconds over some turns, after a few texts that load what is loaded late."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        way(texts[:_BATCH])
    for _ in range(_TURNS):
        for name, way in ways.items():
            began = time.perf_counter()
            way(texts)
            seconds[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in seconds.items()}


def _sentiment(way: Callable[[Sequence[str]], list[str]], labelled: Sequence[Labelled]) -> float:
    return macro_f1([each.labels["sentiment"] for each in labelled], way([each.text for each in labelled]))


def _texts(path: Path, count: int) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        texts = [str(json.loads(line)["text"]) for line in lines]
    random.Random(_SEED).shuffle(texts)  # noqa: S311  an order, not a secret
    return list(islice(texts, count))


def _post(text: str) -> Post:
    return Post("speed", "speed", "speed", Channel.SOCIAL, text, _AT)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nlp.evaluation.speed", description="与 torch 浮点和 SnowNLP 同场测速。")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="语料所在的目录")
    parser.add_argument("--float", type=Path, required=True, help="训练所得学生网络的目录")
    parser.add_argument("--posts", type=int, default=2000, help="测速的条数")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
