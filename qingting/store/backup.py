"""Backups: one file that holds a whole installation, and puts it back into an empty home.

FILE.tar.gz
├── home/…                 the home's files: the database as a consistent snapshot, the evidence, the pseudonyms' key
├── posts/000001.jsonl …   posts with their readings, where they live in Elasticsearch
├── cases/000001.jsonl …   rows, where cases live in PostgreSQL
└── manifest.json          how many of everything, and the size and SHA-256 of each member; last, so that a file
                           that was cut off has none

Posts are taken before cases: what is read meanwhile is then an unread post with an event, which reading it again joins;
the other way round it would be a read post without one. Evidence comes last, for it is kept before its post is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from qingting.config import StoreConfig
from qingting.errors import InputError, StoreError, UsageError
from qingting.store.contract import Store
from qingting.store.copying import Digest
from qingting.store.dumping import digest as digest_of_lines
from qingting.store.nested import to_json
from qingting.store.opening import FILE_NAME, SQLITE

FORMAT = 1
MANIFEST = "manifest.json"
LINES_A_PART = 5000
"""Some 13 MB of posts with readings: parts are put together in memory, for an archive wants sizes first."""

GZIP_LEVEL = 1
"""Measured on a database of real posts (75 MB/s): level 6 takes twice as long for 4 % fewer bytes."""

NOT_KEPT = (FILE_NAME, f"{FILE_NAME}-wal", f"{FILE_NAME}-shm")
PASSING_SUFFIXES = (".lock", ".partial", ".progress", ".answered")
"""Files of the home that mean nothing once their process is gone."""

BLOCK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup holds; `posts` and `cases` say where: 'sqlite' in the database's snapshot, or 'lines'."""

    made_at: str
    program: str
    posts: str
    cases: str
    tally: int
    digest: Digest | None = None
    rows: int = 0
    rows_digest: str = ""
    members: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    format: int = FORMAT


class _Writer:
    """Adds members to an archive, and notes the size and digest of each."""

    def __init__(self, archive: tarfile.TarFile, note: Callable[[str], None]) -> None:
        self.archive = archive
        self.members: dict[str, tuple[int, str]] = {}
        self._note = note

    def add(self, name: str, source: IO[bytes], size: int) -> None:
        """Add `size` bytes of a source, which may meanwhile grow."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        reader = _Hashing(source)
        self.archive.addfile(entry, reader)
        self.members[name] = (size, reader.hash.hexdigest())
        self._note(name)

    def add_text(self, name: str, text: str) -> None:
        """Add a text as UTF-8."""
        content = text.encode("utf-8", "surrogatepass")
        self.add(name, io.BytesIO(content), len(content))


class _Hashing(io.RawIOBase):
    """Passes bytes on and sums them up."""

    def __init__(self, source: IO[bytes]) -> None:
        self.hash = hashlib.sha256()
        self._source = source

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        block = self._source.read(size)
        self.hash.update(block)
        return block


def write_backup(
    store: Store,
    settings: StoreConfig,
    home: Path,
    file: Path,
    made_at: datetime,
    program: str,
    *,
    evidence: bool = True,
    note: Callable[[str], None] = lambda _: None,
) -> Manifest:
    """Write a backup of a running installation; `note` is told of each member written.

    The file appears under its name only when it is complete. Raises UsageError(bad_argument) if it exists already or
    lies in the home, and StoreError(unavailable) if it can't be written.
    """
    if file.exists():
        raise UsageError(f"{file} 已经存在。", reason="bad_argument", hint="请换一个文件名，备份不覆盖旧文件。")
    if file.resolve().is_relative_to(home.resolve()):
        raise UsageError("备份不能放在数据目录里。", reason="bad_argument", hint="请放到别的磁盘或别的机器上。")
    partial = file.with_name(f"{file.name}.partial")
    try:
        with _private(partial) as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=GZIP_LEVEL) as archive:
            manifest = _written(_Writer(archive, note), store, settings, home, made_at, program, evidence)
        partial.replace(file)
    except OSError as error:
        raise StoreError(
            f"备份写不下去：{error.strerror}。", reason="unavailable", hint="请检查目标目录的空间和权限。"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _private(path: Path) -> IO[bytes]:
    """Open a new file that nobody else may read: texts are as people wrote them."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _written(
    writer: _Writer,
    store: Store,
    settings: StoreConfig,
    home: Path,
    made_at: datetime,
    program: str,
    evidence: bool,
) -> Manifest:
    posts, cases = ("sqlite" if each.reveal() == SQLITE else "lines" for each in (settings.posts, settings.cases))
    tally = 0
    digest = _add_posts(writer, store) if posts == "lines" else None
    if "sqlite" in (posts, cases):
        tally = _add_snapshot(writer, home, posts == "sqlite")
    rows, rows_digest = _add_cases(writer, store) if cases == "lines" else (0, "")
    _add_files(writer, home, evidence)
    members = dict(writer.members)
    manifest = Manifest(
        made_at.isoformat(),
        program,
        posts,
        cases,
        digest.posts if digest else tally,
        digest,
        rows,
        rows_digest,
        members,
    )
    writer.add_text(MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    return manifest


def _add_snapshot(writer: _Writer, home: Path, with_posts: bool) -> int:
    """Add the database as it is at one moment, while others go on writing; return how many posts are in use there."""
    copy = home / f"{FILE_NAME}.partial"
    copy.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(home / FILE_NAME)) as source, closing(sqlite3.connect(copy)) as target:
            copy.chmod(0o600)
            # In one step, which holds one view of the source; in several, each write of others would start it anew.
            source.backup(target, pages=-1)
            posts = target.execute("SELECT count(*) FROM posts").fetchone()[0] if with_posts else 0
        with copy.open("rb") as snapshot:
            writer.add(f"home/{FILE_NAME}", snapshot, copy.stat().st_size)
    except sqlite3.Error as error:
        raise StoreError(f"数据库无法备份：{error}", reason="unavailable", hint="请检查磁盘空间。") from error
    finally:
        copy.unlink(missing_ok=True)
    return int(posts)


def _add_posts(writer: _Writer, store: Store) -> Digest:
    digest, after, number = Digest(), "", 0
    while number == 0 or after:
        batch = store.posts.scan(after, LINES_A_PART)
        number += 1
        writer.add_text(f"posts/{number:06}.jsonl", "".join(f"{to_json(kept)}\n" for kept in batch.kept))
        digest, after = digest.with_batch(batch.kept), batch.next
    return digest


def _add_cases(writer: _Writer, store: Store) -> tuple[int, str]:
    # In memory, as in a copy: a database must not be kept waiting in a transaction for a disk.
    lines = list(store.cases.dump())
    for number, part in enumerate(_parts(lines), 1):
        writer.add_text(f"cases/{number:06}.jsonl", "".join(f"{line}\n" for line in part))
    return digest_of_lines(lines)


def _parts(lines: Iterable[str]) -> Iterator[list[str]]:
    iterator = iter(lines)
    while part := list(islice(iterator, LINES_A_PART)):
        yield part


def _add_files(writer: _Writer, home: Path, evidence: bool) -> None:
    """Add the home's other files, each as long as it is now."""
    for path in sorted(home.rglob("*")):
        name = path.relative_to(home)
        passing = path.suffix in PASSING_SUFFIXES or name.as_posix() in NOT_KEPT
        if passing or not path.is_file() or path.is_symlink() or (name.parts[0] == "evidence" and not evidence):
            continue
        with path.open("rb") as source:
            writer.add(f"home/{name.as_posix()}", source, os.fstat(source.fileno()).st_size)


def read_manifest(file: Path, note: Callable[[str], None] = lambda _: None) -> Manifest:
    """Return what a backup holds, having read all of it and compared every member with its digest.

    Raises InputError(unreadable | malformed | unsupported).
    """
    found: dict[str, tuple[int, str]] = {}
    manifest: Manifest | None = None
    for name, size, content in members(file):
        if name == MANIFEST:
            manifest = _manifest(content.read())
        else:
            found[name] = (size, _digest_of(content, file))
            note(name)
    if manifest is None or found != dict(manifest.members):
        raise _spoiled(file)
    return manifest


def _digest_of(content: IO[bytes], file: Path) -> str:
    hashing = _Hashing(content)
    try:
        while hashing.read(BLOCK):
            pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _spoiled(file) from error
    return hashing.hash.hexdigest()


def members(file: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield name, size and content of each file in a backup, in order. Raises InputError(unreadable | malformed).

    Reading a content raises tarfile.ReadError where the file was cut off; `read_manifest` has found that out before.
    """
    try:
        with tarfile.open(file, "r|gz") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.isreg() else None
                if content is not None:
                    yield entry.name, entry.size, content
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _spoiled(file) from error
    except OSError as error:
        raise InputError(
            f"读不了备份文件 {file}：{error.strerror or error}。", reason="unreadable", hint="请检查路径和权限。"
        ) from error


def _spoiled(file: Path) -> InputError:
    return InputError(
        f"备份文件 {file.name} 不完整或已损坏。", reason="malformed", hint="请换一份备份，或重新拷贝这个文件。"
    )


def _manifest(content: bytes) -> Manifest:
    try:
        values: dict[str, Any] = json.loads(content)
        if values["format"] > FORMAT:
            raise InputError("备份由更新的版本写成。", reason="unsupported", hint="请升级 Qingting 后再恢复。")
        values["digest"] = Digest(**values["digest"]) if values["digest"] else None
        values["members"] = {name: (size, digest) for name, (size, digest) in values["members"].items()}
        return Manifest(**values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError("备份的清单格式不对。", reason="malformed", hint="请确认这是 qingting 的备份。") from error
