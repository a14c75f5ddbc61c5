"""Rows of CSV and XLSX exports, which begin with a header somewhere in their first lines."""

from __future__ import annotations

import csv
import json
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import closing
from io import StringIO
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from crawlers.rows import REJECT_BYTES, BadRow, Line, Row, column_name, encoding_of, lines_of, open_bytes
from qingting.errors import InputError

DELIMITERS = ",;\t"
# Exports put a title, a date or a note above their header, never more than a few lines.
HEADER_WITHIN = 10
# Unpacked size at which a workbook is a bomb: a full sheet (1,048,576 rows) of ordinary complaints has about 1 GiB,
# but openpyxl holds all of its strings in memory at twice their size. Larger exports come as CSV.
LARGEST_WORKBOOK = 256 * 1024 * 1024
# What openpyxl raises on files that are no workbooks, or damaged or forged ones; it has no error class of its own.
NO_WORKBOOK = (
    OSError,
    EOFError,
    zipfile.BadZipFile,
    zlib.error,
    InvalidFileException,
    SyntaxError,  # XML that does not parse, of either parser
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    NotImplementedError,
    RuntimeError,  # an encrypted member
)


def csv_rows(path: Path, cap: int, wanted: Collection[str]) -> Iterator[Row | BadRow]:
    """Yield the rows of a CSV file as they are; the delimiter is the one that gives the most `wanted` columns.

    Raises InputError(unreadable | unsupported | missing_column).
    """
    encoding = encoding_of(path)
    delimiter = _delimiter(path, encoding, cap, wanted)
    header: list[str] | None = None
    with open_bytes(path) as file:
        records = _Records(lines_of(file, cap), encoding, delimiter)
        for number, record in enumerate(records):
            if isinstance(record, BadRow):
                yield record
            elif header is not None:
                if any(cell.strip() for cell in record):
                    yield _csv_row(records.lines, header, record)
            elif _is_header(record, wanted):
                header = [column_name(cell) for cell in record]
            elif number >= HEADER_WITHIN:
                break
    if header is None and path.stat().st_size:
        raise _no_header(path.name)


Cells = tuple[int, Sequence[object]]
"""A row's number in its sheet, and its values."""


class _Lines:
    """Feeds lines to the csv module and remembers those of the record at hand, so that they can be read again."""

    def __init__(self, lines: Iterator[Line], encoding: str) -> None:
        self._lines = lines
        self._encoding = encoding
        self._again: deque[Line] = deque()
        self.taken: list[Line] = []
        self.exhausted = False
        self.undecodable = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._lines, None)
        if line is None:
            self.exhausted = True
            raise StopIteration
        self.taken.append(line)
        if line.too_long:
            raise _LineTooLongError
        try:
            return line.data.decode(self._encoding)
        except UnicodeDecodeError:
            self.undecodable = True
            return line.data.decode(self._encoding, "replace")

    def begin_record(self) -> None:
        """Forget the record before."""
        self.taken = []
        self.undecodable = False

    def give_back(self) -> Line:
        """Return the first line of the record and put the others back to be read again."""
        first, *others = self.taken
        self._again.extendleft(reversed(others))
        self.exhausted = False
        return first

    @property
    def raw(self) -> bytes:
        """Return the bytes of the record."""
        return b"".join(line.data for line in self.taken)


class _LineTooLongError(Exception):
    """A line within a record is longer than may be held."""


class _Records:
    """The records of a CSV file.

    A quote that is never closed would swallow the rows after it up to the next quote or the file's end: where that
    shows, only its own line is given up, and the lines after it are read again.
    """

    def __init__(self, lines: Iterator[Line], encoding: str, delimiter: str) -> None:
        self.lines = _Lines(lines, encoding)
        self._reader = csv.reader(self.lines, delimiter=delimiter)

    def __iter__(self) -> Iterator[list[str] | BadRow]:
        while True:
            self.lines.begin_record()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except _LineTooLongError:
                size = sum(line.size for line in self.lines.taken)
                yield self.lines.taken[0].bad("too_large", f"该行有 {size} 字节，超过上限。")
            except csv.Error as error:
                alone = len(self.lines.taken) == 1
                yield self.lines.give_back().bad("too_large" if alone else "malformed", f"CSV 格式有误：{error}")
            else:
                yield self._checked(cells)

    def _checked(self, cells: list[str]) -> list[str] | BadRow:
        if self.lines.exhausted and self.lines.taken:
            return self.lines.give_back().bad("malformed", "引号没有闭合。")
        if self.lines.undecodable:
            first, raw = self.lines.taken[0], self.lines.raw
            return BadRow(first.place, "encoding", "该行编码与文件不一致。", raw[:REJECT_BYTES], len(raw))
        return cells


def _csv_row(lines: _Lines, header: Sequence[str], cells: Sequence[str]) -> Row | BadRow:
    place, raw = lines.taken[0].place, lines.raw
    if any(cell.strip() for cell in cells[len(header) :]):
        detail = f"有 {len(cells)} 列，表头只有 {len(header)} 列，正文里可能有未加引号的分隔符。"
        return BadRow(place, "malformed", detail, raw[:REJECT_BYTES], len(raw))
    return Row(place, dict(zip_longest(header, cells[: len(header)], fillvalue="")), raw)


def _delimiter(path: Path, encoding: str, cap: int, wanted: Collection[str]) -> str:
    """Return the delimiter by which one of the first lines has the most wanted columns."""
    with open_bytes(path) as file:
        first = [line for line, _ in zip(lines_of(file, cap), range(HEADER_WITHIN), strict=False)]
    text = "".join(line.data.decode(encoding, "replace") for line in first if not line.too_long)

    def columns(delimiter: str) -> int:
        try:
            records = csv.reader(StringIO(text), delimiter=delimiter)
            return max((_named(record, wanted) for record in records), default=0)
        except csv.Error:
            return 0

    return max(DELIMITERS, key=columns)


def _named(cells: Iterable[object], wanted: Collection[str]) -> int:
    return sum(column_name(cell) in wanted for cell in cells)


def _is_header(cells: Iterable[object], wanted: Collection[str]) -> bool:
    return _named(cells, wanted) > 0


def _no_header(where: str) -> InputError:
    return InputError(
        f"{where} 里没有找到正文或标题列。",
        reason="missing_column",
        hint=f"前 {HEADER_WITHIN} 行内要有表头；可在 config.toml 的 imports.columns 里写明列名。",
    )


def xlsx_rows(path: Path, wanted: Collection[str]) -> Iterator[Row | BadRow]:
    """Yield the rows of every sheet of a workbook.

    A sheet without a header is one BadRow; where no sheet has one, InputError(missing_column) is raised. Also raises
    InputError(unreadable | too_large).
    """
    try:
        _check_size(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that no text depends on
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except NO_WORKBOOK as error:
        raise InputError(
            f"{path.name} 不是可读的 XLSX 文件：{error}", reason="unreadable", hint="请用 Excel 打开后另存为 XLSX。"
        ) from error
    found, without_header = 0, []
    with closing(book):
        for sheet in book.worksheets:
            cells_by_row = _cells(sheet.title, sheet)
            header = _header(cells_by_row, wanted)
            if header is None:
                detail = "这张工作表没有正文或标题列，没有读取。"
                without_header.append(BadRow(f"工作表 {sheet.title}", "missing_column", detail, b"", 0))
                continue
            found += 1
            yield from _sheet_rows(sheet.title, cells_by_row, header)
    if not found:
        raise _no_header(path.name)
    yield from without_header


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > LARGEST_WORKBOOK:
        raise InputError(
            f"{path.name} 解压后有 {size // 2**20} MiB，超过上限 {LARGEST_WORKBOOK // 2**20} MiB。",
            reason="too_large",
            hint="请分批导出，或导出为 CSV。",
        )


def _cells(title: str, sheet: Any) -> Iterator[Cells]:
    """Yield the rows of a sheet with their numbers; it is openpyxl's read-only sheet, which its types don't know."""
    number = 0
    try:
        sheet.reset_dimensions()  # many exporters write a wrong one
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
            yield number, cells
    except NO_WORKBOOK as error:
        raise InputError(
            f"工作表 {title} 第 {number + 1} 行起读不下去：{error}", reason="unreadable", hint="请重新导出。"
        ) from error


def _header(rows: Iterator[Cells], wanted: Collection[str]) -> list[str] | None:
    for _, cells in islice(rows, HEADER_WITHIN):
        if _is_header(cells, wanted):
            return [column_name(cell) if cell is not None else "" for cell in cells]
    return None


def _sheet_rows(title: str, rows: Iterator[Cells], header: Sequence[str]) -> Iterator[Row]:
    for number, cells in rows:
        if any(cell is not None and str(cell).strip() for cell in cells):
            raw = json.dumps(cells, ensure_ascii=False, default=str).encode("utf-8", "replace")
            values = dict(zip_longest(header, cells[: len(header)]))
            yield Row(f"工作表 {title} 第 {number} 行", values, raw)
