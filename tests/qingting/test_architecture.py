"""The import arrows hold, and ARCHITECTURE.md says what the tree is."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("qingting", "crawlers", "nlp", "alerts", "responders")
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")


def modules() -> set[str]:
    """Return the path of every module that holds code."""
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix() for path in found if path.read_text(encoding="utf-8").strip()}


def test_the_import_arrows_hold() -> None:
    result = subprocess.run(
        [Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout


def test_every_module_stands_in_the_document_and_every_path_in_the_document_is_there() -> None:
    named = set(re.findall(r"`((?:qingting|crawlers|nlp|alerts|responders)/[\w./]*?\.py)`", TEXT))
    folders = set(re.findall(r"`((?:qingting|crawlers|nlp|alerts|responders)/(?:[\w/]+/)?)`", TEXT))
    assert all((ROOT / path).is_file() for path in named), named - modules()
    assert all((ROOT / folder).is_dir() for folder in folders)
    missing = {path for path in modules() - named if not any(path.startswith(folder) for folder in folders)}
    assert missing == set()


def test_the_numbered_steps_of_the_main_flow_are_those_of_the_document() -> None:
    flow = (ROOT / "qingting" / "app.py").read_text(encoding="utf-8")
    in_code = {int(number) for number in re.findall(r"(?:# |\()(\d)[.),]", flow)} | {
        int(number) for pair in re.findall(r"\((\d), (\d)\)", flow) for number in pair
    }
    in_text = {int(number) for number in re.findall(r"^(\d)\. \*\*", TEXT, re.MULTILINE)}
    assert in_code == in_text == set(range(1, max(in_text) + 1))


def test_the_layers_in_the_document_are_those_that_are_enforced() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    block = re.search(r"```layers\n(.*?)```", TEXT, re.DOTALL)
    assert block is not None
    assert block.group(1).splitlines() == layers


LONG = {"qingting/model.py"}
"""The glossary stands in one place, however many terms it has."""


@pytest.mark.parametrize("path", sorted(modules() - LONG))
def test_a_module_keeps_to_its_budget(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 400
