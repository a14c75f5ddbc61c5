"""What all tests share: hypothesis without deadlines, a PostgreSQL server, and lines that say what was left out."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).parents[2] / "shared"

VARIABLE = "QINGTING_TEST_POSTGRES"
NEEDED = f"needs PostgreSQL: install Debian's postgresql-15 (any version 12+ does) or set {VARIABLE} to a server's URL"
ACCOUNT = "postgres"
"""The account that runs the server where the tests run as root, which PostgreSQL refuses to run as."""

# A test says what is true, not how fast the machine is.
settings.register_profile("qingting", deadline=None)
settings.load_profile("qingting")


def pytest_report_header() -> list[str]:
    """Say whether what some tests need is there."""
    texts = "texts beside the checkout: found, nothing is left out for want of them"
    if not SHARED.is_dir():
        texts = "texts beside the checkout (../shared): not found; tests on real third-party texts are skipped"
    server = "PostgreSQL: found, nothing is left out for want of it"
    if not os.environ.get(VARIABLE) and postgres_binaries() is None:
        server = f"PostgreSQL: not found; the tests that need it are skipped ({NEEDED})"
    return [texts, server]


@dataclass
class PostgresServer:
    """A server of our own in a folder of its own, on loopback, without a password."""

    binaries: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Return the address of the database that every server has."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # Without fsync: what is killed here are processes, not machines.
        settings = {"listen_addresses": "127.0.0.1", "port": self.port, "unix_socket_directories": "", "fsync": "off"}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run("pg_ctl", "start", "-w", "-t", "60", "-l", str(self.folder / "log"), "-o", options)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` is a crash."""
        self._run("pg_ctl", "stop", "-w", "-m", mode)

    def signal(self, number: signal.Signals) -> list[int]:
        """Send a signal to the server and to all its processes, and return their numbers."""
        main = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            # A connection's process may have ended just now.
            with suppress(ProcessLookupError):
                os.kill(process, number)
        return processes

    def kill(self) -> None:
        """End the server at once, as a power cut would, and wait until nothing is left of it."""
        pause = threading.Event()
        for process in self.signal(signal.SIGKILL):
            while Path(f"/proc/{process}").exists():
                pause.wait(0.02)

    def make(self) -> None:
        """Make the server's files, sorting by a language's rules as most installations do."""
        locale = ["--locale-provider=icu", "--icu-locale=zh", "--locale=C.UTF-8", "--encoding=UTF8"]
        self._run("initdb", "--auth=trust", "--username=postgres", "--no-sync", *locale)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", ACCOUNT, "--", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120)


def postgres_binaries() -> Path | None:
    """Return the folder of the newest server that is installed, None where there is none."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name))
    on_path = shutil.which("postgres")
    if not folders and on_path:
        folders = [Path(on_path).resolve().parent]
    return folders[-1] if folders and (folders[-1] / "initdb").exists() else None


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own_server(folder: Path) -> PostgresServer:
    """Make and start a server in a folder."""
    binaries = postgres_binaries()
    if binaries is None:
        pytest.skip(NEEDED)
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(ACCOUNT).pw_uid, -1)
    server = PostgresServer(binaries, folder, free_port())
    server.make()
    server.start()
    return server


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """Return a server of a module's own, which its tests may stop, kill and start."""
    # Not below pytest's own folder, which the server's account may not enter.
    folder = Path(tempfile.mkdtemp(prefix="qingting-postgres-"))
    server = own_server(folder)
    yield server
    server.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Return the URL of a server's database `postgres`; tests make databases of their own beside it."""
    given = os.environ.get(VARIABLE)
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="qingting-postgres-"))
    server = own_server(folder)
    yield server.url
    server.stop("immediate")
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def own_database(postgres_url: str) -> Iterator[str]:
    """Return the URL of a database of this run's own."""
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'qingting[postgres]'")
    name = f"qingting_test_{os.urandom(6).hex()}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield postgres_url.rsplit("/", 1)[0] + f"/{name}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_database(own_database: str) -> str:
    """Return the URL of an empty database."""
    psycopg = pytest.importorskip("psycopg")
    with psycopg.connect(own_database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    return own_database
