"""Floors below which the reader's figures may not fall, each bound to its data by a digest.

floors.json holds, for each set, the data's path from the project's root, its SHA-256, the back end, the figures, the
floors before these (`former`) and a `reason`. A floor lower than the former one is refused without a reason.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

FLOORS = Path(__file__).parent / "floors.json"

# int8 arithmetic scales activations over a whole batch, so another processor or batch moves a text at the border; on
# the 400 texts of the development split batch sizes from 1 text to 4,096 tokens moved no figure by more than 0.016.
MARGIN = 0.02


@dataclass(frozen=True, slots=True)
class Floors:
    """The floors of one set of labelled texts."""

    data: str
    sha256: str
    backend: str
    figures: Mapping[str, float]
    former: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def load_floors(path: Path) -> dict[str, Floors]:
    """Return the floors by the name of their set."""
    return {name: Floors(**each) for name, each in json.loads(path.read_text(encoding="utf-8")).items()}


def save_floors(path: Path, floors: Mapping[str, Floors]) -> None:
    """Write the floors."""
    plain = {name: asdict(each) for name, each in floors.items()}
    path.write_text(json.dumps(plain, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def check(name: str, floors: Floors, figures: Mapping[str, float], sha256: str) -> list[str]:
    """Return what is wrong, in Chinese: other data, a figure below its floor, a floor lowered without a reason."""
    problems = lowered(name, floors)
    if sha256 != floors.sha256:
        problems.append(f"{name}: 评测数据与下限登记的摘要不符，请核对数据后再更新下限。")
    for head, floor in floors.figures.items():
        if figures.get(head, 0.0) < floor - MARGIN:
            problems.append(f"{name}: {head} = {figures.get(head, 0.0):.4f}，低于下限 {floor:.4f}（容差 {MARGIN}）。")
    return problems


def lowered(name: str, floors: Floors) -> list[str]:
    """Return the floors that lie below the former ones or are gone, where no reason is given."""
    if floors.reason.strip():
        return []
    return [
        f"{name}: {head} 的下限由 {former:.4f} 降低，但 reason 没有写明原因。"
        for head, former in floors.former.items()
        if floors.figures.get(head, 0.0) < former
    ]


def raised(floors: Floors, figures: Mapping[str, float], sha256: str) -> Floors:
    """Return the floors with those raised that the figures exceed; none is ever lowered here."""
    if sha256 != floors.sha256:
        return floors
    best = {head: max(floor, figures.get(head, 0.0)) for head, floor in floors.figures.items()}
    return replace(floors, figures=best, former=best, reason="")


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
