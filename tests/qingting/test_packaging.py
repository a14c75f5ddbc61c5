"""What is installed: our names are ours alone, and the wheel carries what the program needs."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("qingting", "crawlers", "nlp", "alerts", "responders")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a freshly built wheel."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder into which the wheel alone was installed."""
    folder = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*command, str(wheel)], check=True, capture_output=True)
    return folder


def test_no_other_distribution_ships_a_package_of_ours(installed: Path) -> None:
    code = "import importlib.metadata, json; print(json.dumps(importlib.metadata.packages_distributions()))"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=installed, env={"PYTHONPATH": str(installed)}, capture_output=True, check=True
    )
    owners = json.loads(result.stdout)
    assert {package: set(owners[package]) for package in PACKAGES} == {package: {"qingting"} for package in PACKAGES}


def test_every_dependency_has_its_reason_beside_it() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in tomllib.loads(text)["project"]["dependencies"]:
        line = next(line for line in text.splitlines() if f'"{requirement}"' in line)
        assert "# " in line, requirement


def test_the_wheel_carries_model_dictionaries_pages_and_scenario(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if not name.startswith("qingting-")} == set(PACKAGES)
    wanted = {
        "nlp/models/reader/model.onnx",
        "nlp/models/reader/tokenizer.json",
        "nlp/data/regions.tsv",
        "alerts/data/deadlines.toml",
        "qingting/demo/config.toml",
        "qingting/demo/templates/article.html",
        "qingting/demo/data/crisis.weibo.jsonl",
    }
    assert wanted <= set(names)
    assert any(name.startswith("qingting/web/templates/") for name in names)


def test_the_installed_wheel_reads_a_text_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "qingting.cli", "read"],
        input='{"id": "a", "text": "化工厂偷排废水，河里全是死鱼"}\n',
        cwd=tmp_path,
        env={"PYTHONPATH": str(installed), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    reading = json.loads(result.stdout)
    assert (reading["relevant"], reading["degraded"]) == (True, False)
