"""Moving, backing up and restoring an installation from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from qingting.cli import app
from qingting.commands.shared import run


class Ended(NamedTuple):
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str

    def rows(self) -> list[dict[str, Any]]:
        """Return the JSON lines of a command that succeeded."""
        assert self.returncode == 0, self.stderr
        return [json.loads(line) for line in self.stdout.splitlines()]


Command = Callable[..., Ended]


@pytest.fixture
def qingting(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return what runs the command line in this process."""
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: str | Path) -> Ended:
        code = run(app, [str(each) for each in arguments])
        return Ended(code, *capsys.readouterr())

    return command


@pytest.fixture
def home(tmp_path: Path, qingting: Command) -> Path:
    """Return a home with some posts."""
    file = tmp_path / "posts.jsonl"
    texts = [{"id": str(number), "text": f"河水发臭 {number}", "source": "weibo"} for number in range(20)]
    file.write_text("\n".join(json.dumps(each, ensure_ascii=False) for each in texts), encoding="utf-8")
    assert qingting("import", file, "--home", tmp_path / "home").returncode == 0
    return tmp_path / "home"


def test_an_installation_is_backed_up_and_restored(tmp_path: Path, home: Path, qingting: Command) -> None:
    file = tmp_path / "backup.tar.gz"
    assert "帖文 20 条" in qingting("store", "backup", file, "--home", home).stdout
    again = qingting("store", "backup", file, "--home", home)
    assert (again.returncode, "已经存在" in again.stderr) == (2, True)
    refused = qingting("store", "restore", file, "--home", home)
    assert (refused.returncode, "不是空的" in refused.stderr, "建议" in refused.stderr) == (2, True, True)
    restored = qingting("store", "restore", file, "--json", "--home", tmp_path / "new").rows()
    assert [row["posts"] for row in restored] == [20]
    old, new = (qingting("search", "河水", "--json", "--home", each).rows() for each in (home, tmp_path / "new"))
    assert (len(old), new) == (20, old)
    assert (tmp_path / "new" / "author.key").read_bytes() == (home / "author.key").read_bytes()


def test_a_file_that_is_no_backup_is_refused_with_a_way_out(tmp_path: Path, qingting: Command) -> None:
    (tmp_path / "no.tar.gz").write_text("no")
    for name in ("no.tar.gz", "missing.tar.gz"):
        refused = qingting("store", "restore", tmp_path / name, "--home", tmp_path / "new")
        assert (refused.returncode, "建议" in refused.stderr) == (1, True)


def test_cases_are_moved_to_postgresql_and_back(
    tmp_path: Path, home: Path, postgres_database: str, qingting: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QINGTING_CASES_URL", postgres_database)
    copy = ("store", "copy", "--from", "sqlite", "--to", "postgres", "--home", home)
    moved = qingting(*copy, "--json").rows()
    assert (moved[0]["half"], moved[0]["rows"]) == ("cases", 1)
    assert "store.cases" in qingting(*copy).stdout
    monkeypatch.setenv("SOME_URL", postgres_database)
    back = qingting("store", "copy", "--from", "env:SOME_URL", "--to", "sqlite", "--home", tmp_path / "other")
    assert (back.returncode, "案件记录 1 行已搬完" in back.stdout) == (0, True), back.stderr


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("sqlite", "sqlite"),
        ("sqlite", "mongo"),
        ("sqlite", "elastic"),
        ("sqlite", "env:NOT_SET"),
        ("https://a.example", "postgresql://b.example/c"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_with_a_way_out(
    tmp_path: Path, source: str, target: str, qingting: Command
) -> None:
    refused = qingting("store", "copy", "--from", source, "--to", target, "--home", tmp_path / "home")
    assert (refused.returncode, "建议" in refused.stderr) == (2, True)
