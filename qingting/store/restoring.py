"""Puts a backup back into an empty home, and proves that all of it arrived."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO

from qingting.config import StoreConfig
from qingting.errors import InputError, StoreError, UsageError
from qingting.store.backup import BLOCK, Manifest, members, read_manifest
from qingting.store.contract import Store
from qingting.store.copying import BATCH, digest_posts, require_same
from qingting.store.dumping import digest as digest_of_lines
from qingting.store.nested import from_json
from qingting.store.opening import FILE_NAME, SQLITE
from qingting.store.shapes import Kept, Search

MARK = "restore.progress"
"""The file that stands in a home while it is being restored: with it, a restore that was cut off may begin again."""


def restore_backup(
    file: Path,
    settings: StoreConfig,
    home: Path,
    open_restored: Callable[[], Store],
    note: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Restore a backup into an empty home and into the empty back ends of the configuration.

    `open_restored` opens the store once its files are there; `note` is told of each member, once as it is checked and
    once as it is put back. Raises UsageError(bad_argument) for a home that isn't empty, InputError for a broken
    backup, StoreError(conflict | unsupported | partial).
    """
    begun = (home / MARK).exists()
    if not begun and home.exists() and any(home.iterdir()):
        raise UsageError(
            f"数据目录 {home} 不是空的。",
            reason="bad_argument",
            hint="请用 --home 指定一个空目录，恢复不覆盖现有数据。",
        )
    manifest = read_manifest(file, note)
    _require_fitting(manifest, settings)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / MARK).touch(mode=0o600)
    for name, _, content in members(file):
        if name.startswith("home/"):
            _put(home, name, content)
            note(name)
    _check_database(home / FILE_NAME)
    store = open_restored()
    try:
        if manifest.posts == "lines" and not begun and store.posts.scan(limit=1).kept:
            raise StoreError("目标帖文库里已有帖文。", reason="conflict", hint="请换一个空的库再恢复。")
        _fill(store, file, manifest, note)
    finally:
        store.close()
    (home / MARK).unlink()
    return manifest


def _require_fitting(manifest: Manifest, settings: StoreConfig) -> None:
    """Raise StoreError(unsupported) where the snapshot of a database would have to go elsewhere."""
    for name, kind, setting in (("posts", manifest.posts, settings.posts), ("cases", manifest.cases, settings.cases)):
        if kind == "sqlite" and setting.reveal() != SQLITE:
            raise StoreError(
                f"备份里的数据在 SQLite 文件中，而配置的 store.{name} 在别处。",
                reason="unsupported",
                hint=f'请先以 store.{name} = "sqlite" 恢复，再用 qingting store copy 搬过去。',
            )


def _put(home: Path, name: str, content: IO[bytes]) -> None:
    """Write a member below the home; a name that leads out of it is refused."""
    relative = PurePosixPath(name).relative_to("home")
    if relative.is_absolute() or ".." in relative.parts:
        raise InputError(f"备份里有不该有的文件名 {name!r}。", reason="malformed", hint="这份备份被改动过，请换一份。")
    path = home / relative
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
        shutil.copyfileobj(content, target, BLOCK)
        target.flush()
        os.fsync(target.fileno())


def _check_database(path: Path) -> None:
    if not path.exists():
        return
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise InputError("备份里的数据库已损坏。", reason="malformed", hint="请换一份备份。")


def _fill(store: Store, file: Path, manifest: Manifest, note: Callable[[str], None]) -> None:
    """Put back what came as lines, and compare what is there now with the manifest."""
    rows: list[str] = []
    for name, _, content in members(file):
        if name.startswith("posts/"):
            _fill_posts(store, content)
            note(name)
        elif name.startswith("cases/"):
            rows += (line.decode("utf-8", "surrogatepass").rstrip("\n") for line in content)
            note(name)
    if manifest.digest is not None:
        require_same(manifest.digest, digest_posts(store.posts))
    if manifest.cases == "lines":
        _fill_cases(store, rows, manifest)
    if (there := store.posts.count(Search())) != manifest.tally:
        raise StoreError(
            f"恢复后有帖文 {there} 条，备份时有 {manifest.tally} 条。", reason="partial", hint="请换一份备份。"
        )


def _fill_posts(store: Store, content: IO[bytes]) -> None:
    lines = iter(content)
    while batch := list(islice(lines, BATCH)):
        kept: list[Kept] = [from_json(Kept, line.decode("utf-8", "surrogatepass")) for line in batch]
        store.posts.append([each.post for each in kept])
        store.posts.save_readings([reading for each in kept for reading in each.readings])


def _fill_cases(store: Store, rows: list[str], manifest: Manifest) -> None:
    wanted = (manifest.rows, manifest.rows_digest)
    if digest_of_lines(store.cases.dump()) != wanted:
        store.cases.fill(rows)
    if digest_of_lines(store.cases.dump()) != wanted:
        raise StoreError("案件恢复后核对不一致。", reason="partial", hint="请换一个空的数据库再恢复。")
