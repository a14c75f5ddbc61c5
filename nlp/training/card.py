"""Writes the model card from what a training run left in its folder."""

from __future__ import annotations

import json
from pathlib import Path

from nlp.judgement import HEADS
from nlp.training.prepare import read_examples

_CARD = Path(__file__).with_name("card.md")


def card(work: Path) -> str:
    """Return the card in Markdown; raises OSError when the run hasn't come so far."""
    figures, found, same = (
        json.loads((work / f"{name}.json").read_text(encoding="utf-8")) for name in ("figures", "calibration", "parity")
    )
    parts = {name: read_examples(work / f"{name}.jsonl") for name in ("train", "held_out", "development", "unlabelled")}
    rows = (
        f"| {head} | {found['temperatures'][head]:.2f} "
        f"| {found['error_before'][head]:.3f} | {found['error_after'][head]:.3f} |"
        for head in HEADS
    )
    return _CARD.read_text(encoding="utf-8").format(
        size=round((work / "reader" / "model.onnx").stat().st_size / 1e6),
        figures=" | ".join(f"{figures[head]:.3f}" for head in HEADS),
        threshold=found["threshold"],
        calibration="\n".join(rows),
        compared=len(parts["held_out"]) + len(parts["development"]),
        parity=", ".join(f"{head} {same[head]:.3f}" for head in HEADS),
        cosine=same["embedding"],
        old=sum(each.origin == "train" for each in parts["train"]),
        new=sum(each.origin == "new" for each in parts["train"]),
        written=sum(each.origin == "written" for each in parts["train"]),
        **{name: f"{len(examples):,}" for name, examples in parts.items() if name != "development"},
    )
