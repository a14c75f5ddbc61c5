"""The standing roles run as processes of their own, come back when they die, and stop cleanly together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from qingting.roles import worker_name

PATIENCE = 60.0
"""Seconds to wait for something that happens within a few when the machine is idle; only a failure takes so long."""


def eventually(happened: Callable[[], bool]) -> None:
    """Wait until something has happened, or fail."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if happened():
            return
        time.sleep(0.2)
    pytest.fail("it never happened")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run `qingting up` while inside."""
    config = home / "config.toml"
    config.write_text(f"[web]\nport = {port}\n[work]\ninterval_seconds = 0.5\n", encoding="utf-8")
    command = [sys.executable, "-m", "qingting.cli", "up", "--home", str(home), "--config", str(config)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def answers(port: int) -> bool:
    """Return whether the console answers."""
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def children(process: subprocess.Popen[bytes]) -> dict[str, int]:
    """Return the process id of each running role."""
    found = {}
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        arguments = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        if b"qingting.cli" in arguments:
            found[arguments[arguments.index(b"qingting.cli") + 1].decode()] = int(child)
    return found


def test_up_runs_all_roles_brings_back_a_killed_one_and_stops_cleanly(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port) as process:
        eventually(lambda: answers(port) and set(children(process)) == {"crawl", "work", "web"})
        before = children(process)
        os.kill(before["web"], signal.SIGKILL)
        eventually(lambda: children(process).get("web", before["web"]) != before["web"] and answers(port))
        assert children(process)["work"] == before["work"]
        last = children(process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=PATIENCE) == 0
    assert not any(Path(f"/proc/{child}").exists() for child in last.values())
    assert not answers(port)


def test_posts_imported_while_the_work_role_runs_are_read_without_being_asked(tmp_path: Path) -> None:
    port = free_port()
    posts = tmp_path / "posts.jsonl"
    posts.write_text('{"id": "a", "text": "河水发臭，鱼都死了，谁来管管", "source": "weibo"}\n', encoding="utf-8")
    with running(tmp_path, port):
        eventually(lambda: answers(port))
        command = [sys.executable, "-m", "qingting.cli", "import", str(posts), "--home", str(tmp_path)]
        subprocess.run(command, check=True, capture_output=True)
        page = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        with page:
            eventually(lambda: "负面" in page.get("/search", params={"q": "发臭"}).text)


def test_a_dead_workers_name_falls_to_the_next_one(tmp_path: Path) -> None:
    with worker_name(tmp_path) as first, worker_name(tmp_path) as second:
        assert first != second
    with worker_name(tmp_path) as again:
        assert again == first
