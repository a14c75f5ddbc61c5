"""Trains the reader from the shared material, stage by stage; a stage whose output is there is not run again.

    python -m nlp.training.run --shared ../shared --work DIR [--until STAGE] [--seeds 7 8]

Stages: prepare (labels joined to texts), teacher (a network per seed), soft (what the teachers say about all texts),
distil (the student), export (ONNX and int8), calibrate, parity, evaluate (figures and model card). To run a stage
again, delete what it wrote to DIR. Each stage takes less than an hour on two free cores.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from nlp.evaluation.evaluate import evaluate, load
from nlp.judgement import HEADS
from nlp.reader import open_reader
from nlp.training.batching import token_ids
from nlp.training.calibrate import calibrate, write_calibration
from nlp.training.card import card
from nlp.training.distil import distil, soft_answers
from nlp.training.export import export
from nlp.training.loop import noted
from nlp.training.network import answers_of, load_network
from nlp.training.parity import check_parity, int8_outputs, parity
from nlp.training.prepare import prepare, read_examples
from nlp.training.teacher import fine_tune

# By its full name, since as a command this module goes by another.
log = logging.getLogger("nlp.training.run")

_THREADS = 2
_SEED = 7


@dataclass(frozen=True, slots=True)
class Run:
    """Where a training run takes its material from and leaves its work, and with which seeds its teachers start."""

    shared: Path
    work: Path
    seeds: Sequence[int]

    @property
    def labels(self) -> Path:
        """Return the folder of tokenizer and labels."""
        return self.shared / "models" / "teacher-12"

    @property
    def model(self) -> Path:
        """Return the folder of the finished model."""
        return self.work / "reader"


@dataclass(frozen=True, slots=True)
class Stage:
    """A step of the run: its name, what it leaves behind, and how it is done."""

    name: str
    output: str
    do: Callable[[Run], None]


def main(arguments: Sequence[str]) -> int:
    """Run the stages that are still to be run; return 0."""
    asked = _arguments(arguments)
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("nlp").setLevel(logging.INFO)
    torch.set_num_threads(_THREADS)
    run = Run(asked.shared, asked.work, asked.seeds)
    run.work.mkdir(parents=True, exist_ok=True)
    for stage in STAGES:
        if (run.work / stage.output).exists():
            log.info("%s: done before", stage.name)
        else:
            log.info("%s: starts", stage.name)
            stage.do(run)
        if stage.name == asked.until:
            break
    return 0


def _prepare(run: Run) -> None:
    log.info("texts: %s", json.dumps(prepare(run.shared, run.work, _SEED)))


def _teacher(run: Run) -> None:
    for seed in run.seeds:
        if not (run.work / f"teacher-{seed}" / "done").exists():
            fine_tune(run.shared, run.work, run.work / f"teacher-{seed}", seed)
            (run.work / f"teacher-{seed}" / "done").touch()
    (run.work / "teachers-done").touch()


def _soft(run: Run) -> None:
    teachers = [run.work / f"teacher-{seed}" for seed in run.seeds]
    soft_answers(run.shared, run.work, teachers, run.work / "soft.pt")


def _distil(run: Run) -> None:
    distil(run.shared, run.work, run.work / "soft.pt", run.work / "student", _SEED)
    (run.work / "student-done").touch()


def _export(run: Run) -> None:
    network = load_network(run.work / "student", run.labels, student=True)
    export(network, run.labels / "tokenizer.json", run.labels / "labels.json", run.model)


def _calibrate(run: Run) -> None:
    held_out = read_examples(run.work / "held_out.jsonl")
    logits = int8_outputs(run.model / "model.onnx", token_ids([each.text for each in held_out], run.labels))
    write_calibration(run.work / "calibration.json", calibrate(held_out, logits, answers_of(run.labels)))


def _parity(run: Run) -> None:
    texts = [each.text for name in ("held_out", "development") for each in read_examples(run.work / f"{name}.jsonl")]
    ids = token_ids(texts, run.labels)
    network = load_network(run.work / "student", run.labels, student=True)
    ours = int8_outputs(run.model / "model.onnx", ids)
    theirs = {name: values.float().numpy() for name, values in noted(network, ids, [*HEADS, "embedding"]).items()}
    found = parity(ours, theirs)
    check_parity(found)
    (run.work / "parity.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _evaluate(run: Run) -> None:
    figures = evaluate(open_reader(model=run.model), load(run.shared / "corpus" / "read_dev.jsonl"))
    log.info("development split, int8: %s", json.dumps(figures))
    (run.work / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (run.model / "MODEL_CARD.md").write_text(card(run.work), encoding="utf-8")


STAGES = (
    Stage("prepare", "unlabelled.jsonl", _prepare),
    Stage("teacher", "teachers-done", _teacher),
    Stage("soft", "soft.pt", _soft),
    Stage("distil", "student-done", _distil),
    Stage("export", "reader/labels.json", _export),
    Stage("calibrate", "calibration.json", _calibrate),
    Stage("parity", "parity.json", _parity),
    Stage("evaluate", "figures.json", _evaluate),
)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="nlp.training.run", description="训练阅读模型，可逐阶段续跑。")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="语料与模型所在的目录")
    parser.add_argument("--work", type=Path, required=True, help="存放中间结果的目录")
    parser.add_argument("--until", default="", choices=("", *(stage.name for stage in STAGES)), help="做到哪一阶段为止")
    parser.add_argument("--seeds", type=int, nargs="+", default=(_SEED,), help="教师模型的随机种子，多个则取平均")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
