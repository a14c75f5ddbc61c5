"""A killed process loses nothing that was acknowledged, and running again changes nothing twice."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

START = datetime(2026, 9, 22, 2, tzinfo=UTC)
NOW = "2026-09-23T00:00:00+00:00"
PLACES = ("青石河", "白云湖", "长安路", "向阳小区")


@pytest.fixture(scope="module")
def posts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of 320 posts, some of them about the same matters."""
    rng = random.Random(7)
    file = tmp_path_factory.mktemp("posts") / "posts.jsonl"
    with file.open("w", encoding="utf-8") as out:
        for number in range(320):
            place = PLACES[number % len(PLACES)]
            trouble = rng.choice(["水里全是死鱼", "废气刺鼻", "半夜施工噪音", "垃圾没人清"])
            text = f"{place}第{rng.randrange(10**6)}号：{trouble}，求处理"
            at = START + timedelta(minutes=number)
            row = {
                "id": f"k{number}",
                "source": "weibo",
                "author": f"u{number}",
                "text": text,
                "published_at": at.isoformat(),
            }
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return file


def command(*arguments: str | Path) -> list[str]:
    """Return the command line for a real process."""
    return [sys.executable, "-m", "qingting.cli", *map(str, arguments)]


def result(home: Path) -> dict[str, list[Any]]:
    """Return everything in the store that a second reading could have changed, without times of handling."""
    with sqlite3.connect(home / "qingting.db") as database:
        tables = {
            "posts": "select id from posts order by id",
            "members": "select post_id, event_id from members order by post_id",
            "events": "select id, size, level, state from events order by id",
            "alerts": "select id, event_id, rule from alerts order by id",
            "drafts": "select event_id, version from drafts order by event_id, version",
            "rejects": "select id from rejects order by id",
        }
        return {name: database.execute(query).fetchall() for name, query in tables.items()}


def run_all(home: Path, posts: Path) -> None:
    """Import and work to the end."""
    for arguments in (("import", "--home", home, posts), ("work", "--until-idle", "--now", NOW, "--home", home)):
        subprocess.run(command(*arguments), check=True, capture_output=True)


def small_batches(folder: Path) -> Path:
    """Return a configuration with batches so small that a kill falls between many steps."""
    config = folder / "config.toml"
    config.write_text("[work]\nbatch_posts = 16\n", encoding="utf-8")
    return config


def rows_of(home: Path, table: str) -> int:
    """Return how many rows a table has, 0 while there is none."""
    try:
        with sqlite3.connect(f"file:{home / 'qingting.db'}?mode=ro", uri=True) as database:
            return int(database.execute(f"select count(*) from {table}").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def killed_midway(arguments: Sequence[str | Path], home: Path, table: str, rows: int) -> bool:
    """Run a command and kill it once a table has so many rows; return whether it was killed before its end."""
    process = subprocess.Popen(
        command(*arguments, "--home", home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while process.poll() is None and rows_of(home, table) < rows:
        time.sleep(0.005)
    time.sleep(random.Random(rows).uniform(0, 0.1))
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


@pytest.mark.parametrize("seed", range(3))
def test_a_process_killed_at_any_moment_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, posts: Path, seed: int
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    work = ("work", "--until-idle", "--now", NOW, "--config", small_batches(tmp_path))
    for step in (("import", posts), work):
        subprocess.run(command(*step, "--home", whole), check=True, capture_output=True)

    rng = random.Random(seed)
    killed_midway(("import", posts), broken, "posts", 1)
    subprocess.run(command("import", posts, "--home", broken), check=True, capture_output=True)
    assert killed_midway(work, broken, "readings", rng.randrange(1, 120))
    done = rows_of(broken, "readings")
    assert killed_midway(work, broken, "readings", done + rng.randrange(1, 120))
    subprocess.run(command(*work, "--home", broken), check=True, capture_output=True)
    assert rows_of(broken, "readings") == 320
    assert result(broken) == result(whole)


def test_running_everything_again_changes_nothing(tmp_path: Path, posts: Path) -> None:
    run_all(tmp_path, posts)
    before = result(tmp_path)
    run_all(tmp_path, posts)
    assert result(tmp_path) == before
