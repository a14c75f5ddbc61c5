"""What all commands share: where home and configuration are, how results are printed, how errors end."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from qingting.app import Service, open_service
from qingting.config import Config, load
from qingting.errors import QingtingError, UsageError
from qingting.model import SHANGHAI
from qingting.privacy import mask_personal

DEFAULT_HOME = Path("var")
DEFAULT_CONFIG = Path("config.toml")

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="数据、证据与日志所在的目录，默认 ./var。", show_default=False),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", metavar="FILE", help="配置文件，默认 ./config.toml（没有则用内置默认值）。", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="输出 JSON，列表每行一个对象。")]
NowOption = Annotated[
    str, typer.Option("--now", metavar="TIME", help="以此时刻代替当前时间（回放历史数据用）。", show_default=False)
]


GIVEN: ContextVar[tuple[Path | None, Path | None]] = ContextVar("given", default=(None, None))
"""Home and configuration file given before the command's name; those given after it go first."""


def settings(home: Path | None, config: Path | None) -> tuple[Path, Config]:
    """Return home and configuration from the command's options, else the program's, else the defaults.

    Raises ConfigError.
    """
    given_home, given_config = GIVEN.get()
    file = config or given_config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    return home or given_home or DEFAULT_HOME, load(file)


def opened_config(home: Path | None, config: Path | None) -> Config:
    """Return the configuration alone, for commands that need no home. Raises ConfigError."""
    return settings(home, config)[1]


def utc_now() -> datetime:
    """Return the present; the only place, with the bench, where Qingting asks the machine's clock."""
    return datetime.now(UTC)


@contextmanager
def opened(home: Path | None, config: Path | None, now: str = "") -> Iterator[Service]:
    """Open the installation for one command and close it afterwards."""
    directory, loaded = settings(home, config)
    fixed = moment(now, loaded.service.timezone) if now else None
    service = open_service(loaded, directory, (lambda: fixed) if fixed else utc_now)
    try:
        yield service
    finally:
        service.store.close()


def moment(text: str, timezone: str) -> datetime:
    """Return a time given as 2026-09-22, '2026-09-22 08:30' or ISO 8601; without a zone it is the office's.

    Raises UsageError(bad_argument).
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"看不懂时间 {text!r}。", reason="bad_argument", hint="请写成 2026-09-22 或 2026-09-22T08:30。"
        ) from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(timezone))


def plain(value: object) -> object:
    """Return a value as JSON knows it: dataclasses as objects, times with the zone of the screens, no bytes."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        pairs = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        return {name: plain(item) for name, item in pairs if not isinstance(item, bytes)}
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    return value


def print_json(rows: Iterable[object]) -> None:
    """Print one JSON object a line."""
    for row in rows:
        sys.stdout.write(json.dumps(plain(row), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
    """Print a table for people, or a sentence when there is nothing; personal data in texts is masked."""
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(escape(mask_personal(str(cell))) for cell in row))
    console = Console()
    if table.row_count:
        console.print(table)
    else:
        console.print(empty)


def say(text: str) -> None:
    """Print a line for people."""
    Console(highlight=False).print(escape(text))


def warn(text: str) -> None:
    """Print a line for people beside the results, on standard error."""
    Console(stderr=True, highlight=False).print(escape(text))


@contextmanager
def progress(description: str, total: int | None) -> Iterator[Progress]:
    """Show a progress bar on standard error when that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        bar.add_task(description, total=total)
        yield bar


@contextmanager
def busy(description: str) -> Iterator[None]:
    """Show on standard error, when that is a terminal, that something of unknown length is under way."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status(description):
            yield
    else:
        yield


def run(app: typer.Typer, arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code: 0 done, 1 failed, 2 wrong usage."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # It tells of every request that failed, with all its lines; what comes of them our own errors say.
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    try:
        app(args=arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except QingtingError as error:
        warn(f"错误：{error.message}" + (f"\n建议：{error.hint}" if error.hint else ""))
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing more to say, and nothing is lost.
        return 0
    return 0
