"""What is installed: our names are ours alone, and the wheel carries what the program needs."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("qingting", "crawlers", "nlp", "alerts", "responders")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_ships_a_package_of_ours(package: str) -> None:
    assert set(importlib.metadata.packages_distributions()[package]) == {"qingting"}


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "# " in line, requirement


def test_the_wheel_carries_model_dictionaries_pages_and_scenario(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    assert {name.split("/")[0] for name in names if not name.startswith("qingting-")} == set(PACKAGES)
    wanted = {
        "nlp/models/reader/model.onnx",
        "nlp/models/reader/tokenizer.json",
        "qingting/demo/config.toml",
        "qingting/demo/data/crisis.weibo.jsonl",
    }
    assert wanted <= set(names)
    assert any(name.startswith("qingting/web/templates/") for name in names)
    assert not any(name.startswith("tests/") for name in names)
