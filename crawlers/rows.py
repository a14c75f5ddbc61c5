"""Rows of a file before anything is known about their meaning, and the lines they are read from.

Every line is read up to a cap: what goes beyond is passed over piece by piece and never held.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from qingting.errors import InputError

# A reject is kept for people to look at: its first bytes are enough.
REJECT_BYTES = 4096
PIECE = 1024 * 1024
# Enough lines to tell UTF-8 from GB 18030 even where some are broken.
SAMPLE_BYTES = 256 * 1024
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# What a file that ends too early or was damaged makes gzip raise.
DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, OSError)


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file: where it stands, its values by column name (lower case), and its bytes."""

    place: str
    values: Mapping[str, object]
    raw: bytes


@dataclass(frozen=True, slots=True)
class BadRow:
    """A record that could not be read: a reason of InputError.REASONS, the detail in Chinese, its first bytes."""

    place: str
    reason: str
    detail: str
    raw: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file; of a line that is `too_long` only the first bytes."""

    number: int
    data: bytes
    size: int
    too_long: bool = False

    @property
    def place(self) -> str:
        """Return where the line stands, for people."""
        return f"第 {self.number} 行"

    def bad(self, reason: str, detail: str) -> BadRow:
        """Return the line as one that could not be read."""
        return BadRow(self.place, reason, detail, self.data[:REJECT_BYTES], self.size)


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, unpacked where its name ends in .gz. Raises InputError(unreadable)."""
    try:
        return cast(IO[bytes], gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")
    except OSError as error:
        raise InputError(f"读不到文件 {path}：{error}", reason="unreadable", hint="请检查路径和权限。") from error


def encoding_of(path: Path) -> str:
    """Return what most lines at a file's beginning are encoded in: 'utf-8' or 'gb18030'.

    By the file, not by the line: nearly any broken UTF-8 line is also some GB 18030 text, and would pass as gibberish.
    Raises InputError(unreadable | unsupported).
    """
    with open_bytes(path) as file:
        try:
            sample = file.read(SAMPLE_BYTES)
        except DAMAGED as error:
            raise InputError(f"文件 {path.name} 已损坏：{error}", reason="unreadable", hint="请重新导出。") from error
    if sample.startswith(UTF_16):
        raise InputError(f"文件 {path.name} 是 UTF-16 编码。", reason="unsupported", hint="请另存为 UTF-8 编码。")
    lines = sample.removeprefix(BOM).splitlines()
    telling = [line for line in lines[: max(len(lines) - (len(sample) == SAMPLE_BYTES), 1)] if not line.isascii()]
    others = [line for line in telling if not _decodes(line, "utf-8")]
    return "gb18030" if sum(_decodes(line, "gb18030") for line in others) * 2 > len(telling) else "utf-8"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def lines_of(file: IO[bytes], cap: int) -> Iterator[Line]:
    """Yield a file's lines with their ends; at most `cap` bytes of one are held.

    A file that ends in the middle of its compressed data raises InputError(unreadable) there.
    """
    number = 0
    try:
        while data := file.readline(cap + 1):
            number += 1
            if len(data) <= cap or data.endswith(b"\n"):
                yield Line(number, data.removeprefix(BOM) if number == 1 else data, len(data))
                continue
            yield Line(number, data[:REJECT_BYTES], len(data) + _rest_of_line(file), too_long=True)
    except DAMAGED as error:
        raise InputError(f"第 {number + 1} 行起读不下去：{error}", reason="unreadable", hint="请重新导出。") from error


def _rest_of_line(file: IO[bytes]) -> int:
    """Pass over the rest of a line and return its length in bytes."""
    size = 0
    while piece := file.readline(PIECE):
        size += len(piece)
        if piece.endswith(b"\n"):
            break
    return size


def json_rows(path: Path, cap: int) -> Iterator[Row | BadRow]:
    """Yield the objects of a file with one JSON object a line. Raises InputError(unreadable | unsupported)."""
    encoding = encoding_of(path)
    with open_bytes(path) as file:
        for line in lines_of(file, cap):
            if line.number == 1 and path.suffix.lower() == ".json" and line.data.lstrip().startswith(b"["):
                raise InputError(
                    f"{path.name} 是一整个 JSON 数组。", reason="unsupported", hint="请转为每行一个 JSON 对象。"
                )
            if line.too_long:
                yield line.bad("too_large", f"该行有 {line.size} 字节，超过上限 {cap} 字节。")
            elif line.data.strip():
                yield _json_row(line, encoding)


def _json_row(line: Line, encoding: str) -> Row | BadRow:
    try:
        value = json.loads(line.data.decode(encoding))
    except UnicodeDecodeError:
        return line.bad("encoding", f"该行不是 {encoding} 编码。")
    except (ValueError, RecursionError) as error:  # no JSON; a number too long; brackets nested too deep
        return line.bad("malformed", f"不是 JSON：{error}")
    if not isinstance(value, dict):
        return line.bad("malformed", "该行不是 JSON 对象。")
    return Row(line.place, {column_name(key): each for key, each in value.items()}, line.data)


def column_name(name: object) -> str:
    """Return a column's name as it is compared: without blanks around it, in lower case."""
    return str(name).strip().lower()
