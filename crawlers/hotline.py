"""Kind `hotline`: a folder into which the hotline's system, or a clerk, drops its exports.

A file that was read is moved to `processed/` after its posts are committed, one that cannot be read to `rejected/`.
Killed in between, the next run reads the file again and finds every post known.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from crawlers.files import read_posts
from crawlers.kinds import SourceSpider
from qingting.config import ColumnsConfig, ImportConfig, SourceConfig
from qingting.errors import ConfigError, InputError
from qingting.model import Post, Reject

PROCESSED, REJECTED = "processed", "rejected"
SUFFIXES = (".csv", ".tsv", ".xlsx", ".jsonl", ".csv.gz", ".jsonl.gz")
# Names that programs give to files they are still writing, and Excel to the lock beside an open workbook.
UNFINISHED_PREFIXES = ("~$", ".")
# A copy over a slow line still grows within a second; programs that write elsewhere and rename need no wait ("0").
SETTLE_SECONDS = "1"
COLUMNS = tuple(each.name for each in fields(ColumnsConfig))


@dataclass(frozen=True, slots=True)
class _Export:
    """A file in the folder as it was found."""

    path: Path
    size: int
    changed: int

    def is_still(self) -> bool:
        """Return whether the file is as it was."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_size, found.st_mtime_ns) == (self.size, self.changed)


class HotlineSpider(SourceSpider):
    """Reads every finished export in the folder that is the source's address."""

    kind = "hotline"
    options: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "settle_seconds": f"how long a file must stay unchanged before it is read ({SETTLE_SECONDS})",
            **{name: f"names of the column with {name}, separated by commas" for name in COLUMNS},
        }
    )

    @classmethod
    def check(cls, source: SourceConfig) -> None:
        """Raise ConfigError(bad_value) for a waiting time that is none."""
        wait = source.options.get("settle_seconds", SETTLE_SECONDS)
        if not re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", wait):
            raise ConfigError(
                f"信源 {source.id}：选项 settle_seconds = {wait!r} 不是秒数。",
                reason="bad_value",
                hint="例如 2 或 0.5。",
            )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._moves: list[tuple[_Export, str]] = []

    async def start(self) -> AsyncIterator[Any]:
        """Yield the posts of every file that is there and no longer changes."""
        folder = Path(self.source.address)
        trouble = self._trouble_with(folder)
        if trouble:
            self.trouble("failing", trouble)
            return
        exports = await self._settled(folder)
        self.outcome.unchanged = not exports
        for export in exports:
            for item in self._read(export):
                yield item

    def committed(self) -> None:
        """Move the files that were read out of the way."""
        for export, folder_name in self._moves:
            if not export.is_still():
                continue
            try:
                _move(export.path, export.path.parent / folder_name)
            except OSError:
                # Its posts are stored: read again, they are known. The next run finds the folder unusable and says so.
                self.logger.exception("%s: %s could not be moved", self.source.id, export.path.name)

    def _trouble_with(self, folder: Path) -> str:
        """Return why the folder cannot be used, '' if it can."""
        if not folder.is_dir():
            return f"热线导出目录不存在：{folder}"
        try:
            for name in (PROCESSED, REJECTED):
                (folder / name).mkdir(exist_ok=True)
        except OSError as error:
            return f"热线导出目录不可写，读过的文件无法移走：{error}"
        return "" if os.access(folder, os.W_OK) else f"热线导出目录不可写，读过的文件无法移走：{folder}"

    async def _settled(self, folder: Path) -> list[_Export]:
        """Return the folder's exports, oldest first, that did not change for a while."""
        exports = _exports(folder)
        wait = float(self.option("settle_seconds", SETTLE_SECONDS))
        if exports and wait:
            await asyncio.sleep(wait)
        return [export for export in exports if export.is_still()]

    def _read(self, export: _Export) -> Iterator[Post | Reject]:
        """Yield a file's posts and rejects, and note where the file goes once they are stored."""
        broken = False
        try:
            evidence = _digest(export.path)
            items = read_posts(export.path, self._settings(), self.source.id, self.task.clock, self.task.pseudonyms)
            for item in items:
                broken = broken or (isinstance(item, Reject) and item.reason == "unreadable")
                yield self._placed(item, evidence) if isinstance(item, Post) else item
        except InputError as error:
            broken = True
            yield self.rejected(export.path.name, error.reason, f"{error.message}{error.hint}")
        if export.is_still():
            self._moves.append((export, REJECTED if broken else PROCESSED))

    def _placed(self, post: Post, evidence: str) -> Post:
        """Return a post with this source's region where its row names none, and the file it came from."""
        return replace(post, region=post.region or self.source.region, evidence=evidence)

    def _settings(self) -> ImportConfig:
        """Return how exports are read: a column 来源 names a way into the hotline, not a source of ours."""
        named = {name: self.option(name) for name in COLUMNS if self.option(name)}
        columns = {name: tuple(part.strip() for part in value.split(",")) for name, value in named.items()}
        return ImportConfig(
            channel=self.source.channel, columns=replace(ColumnsConfig(source=(), channel=()), **columns)
        )


def _exports(folder: Path) -> list[_Export]:
    found = []
    for path in folder.iterdir():
        name = path.name.lower()
        if name.startswith(UNFINISHED_PREFIXES) or not name.endswith(SUFFIXES) or path.is_symlink():
            continue
        with suppress(FileNotFoundError):  # taken away by somebody else meanwhile
            status = path.stat()
            if stat.S_ISREG(status.st_mode):
                found.append(_Export(path, status.st_size, status.st_mtime_ns))
    return sorted(found, key=lambda export: (export.changed, export.path.name))


def _digest(path: Path) -> str:
    """Return a file's SHA-256. Raises InputError(unreadable)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"读不到文件 {path.name}：{error}", reason="unreadable", hint="请检查权限。") from error


def find_export(folder: Path, sha256: str) -> Path | None:
    """Return the export with this SHA-256 that was dropped into a folder, wherever it lies now, None if it is gone."""
    for place in (folder / PROCESSED, folder / REJECTED, folder):
        for export in _exports(place) if place.is_dir() else ():
            with suppress(InputError):  # taken away, or not ours to read
                if _digest(export.path) == sha256:
                    return export.path
    return None


def _move(path: Path, folder: Path) -> None:
    """Move a file into a folder, under another name where its own is taken."""
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{number}-{path.name}"
    path.rename(target)
