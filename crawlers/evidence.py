"""Evidence (证据): the fetched bytes behind every stored post, as gzipped WARC (ISO 28500), found again by SHA-256.

home/evidence/2026-11/23/154501-SOURCE.warc.gz   one file per run that found something new
home/evidence/2026-11/index/ab                   SHA-256, file and offset of each record whose digest begins with ab

A file is written once by one run and never appended to again, so a killed run leaves at most its own last record
torn. The index line follows the record; whoever trusts a digest in a post finds the record synced before it.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from io import BufferedWriter, BytesIO
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawlers.kinds import Fetched
from qingting.model import utc

# The body is kept decoded, so these headers of the answer no longer describe it.
TRANSPORT_HEADERS = frozenset({"content-encoding", "transfer-encoding", "content-length"})
# Measured on Chinese pages of 83 KB: level 4 costs 0.7 ms, level 9 (warcio's own) 1.9 ms for 4 % fewer bytes.
GZIP_LEVEL = 4
# Evidence holds what people said with their names and pictures: nobody but the service's own account may read it.
FOLDER, FILE = 0o700, 0o600
DIGEST = re.compile(r"[0-9a-f]{64}\Z")


class EvidenceWriter:
    """Keeps what one run fetched; the file is made with the first record."""

    def __init__(self, home: Path, source: str) -> None:
        self.root = home / "evidence"
        self.source = re.sub(r"[^\w.-]", "_", source)
        self._written: set[str] = set()
        self._file: BufferedWriter | None = None
        self._path = self.root
        self._index: dict[Path, list[str]] = {}

    def keep(self, fetched: Fetched) -> None:
        """Write an answer, once per run; it is safe on disk only after `sync`."""
        if fetched.digest in self._written:
            return
        self._written.add(fetched.digest)
        file = self._file or self._open(utc(fetched.at))
        offset = file.tell()
        file.write(_record(fetched))
        month = self._path.parent.parent
        shard, name = month / "index" / fetched.digest[:2], self._path.relative_to(month)
        self._index.setdefault(shard, []).append(f"{fetched.digest} {name} {offset}\n")

    def sync(self) -> None:
        """Return when everything kept so far is on disk and indexed."""
        if self._file is None or not self._index:
            return
        self._file.flush()
        os.fsync(self._file.fileno())
        for shard, lines in self._index.items():
            shard.parent.mkdir(mode=FOLDER, exist_ok=True)
            with os.fdopen(os.open(shard, os.O_WRONLY | os.O_CREAT | os.O_APPEND, FILE), "ab") as index:
                index.write("".join(lines).encode())
        self._index.clear()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, at: datetime) -> BufferedWriter:
        folder = self.root / f"{at:%Y-%m}" / f"{at:%d}"
        for each in (self.root, folder.parent, folder):
            each.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        for attempt in range(1000):
            suffix = f"-{attempt}" if attempt else ""
            path = folder / f"{at:%H%M%S}-{self.source}{suffix}.warc.gz"
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE)
            except FileExistsError:
                continue
            self._path, self._file = path, os.fdopen(handle, "wb")
            return self._file
        raise FileExistsError(f"{folder} holds a thousand runs of {self.source} of the same second")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a server answered, its bytes proven by their SHA-256, and the file that holds it."""

    url: str
    at: str
    body: bytes
    file: Path


def find_evidence(home: Path, sha256: str) -> Evidence | None:
    """Return what has this SHA-256, None when it was never kept, has expired or no longer matches its digest."""
    if not DIGEST.match(sha256):
        return None
    for shard in sorted((home / "evidence").glob(f"*/index/{sha256[:2]}"), reverse=True):
        for name, offset in _places(shard, sha256):
            found = _first(_records(shard.parent.parent / name, offset), sha256)
            if found is not None:
                return found
    return None


def search_evidence(home: Path, sha256: str, day: datetime) -> Evidence | None:
    """Return what has this SHA-256 among all that was kept on a day, for an index that lost its last lines.

    Records are synced before their posts are stored, index lines are not: a power cut may take those.
    """
    folder = home / "evidence" / f"{utc(day):%Y-%m}" / f"{utc(day):%d}"
    found = (_first(_records(path), sha256) for path in sorted(folder.glob("*.warc.gz")))
    return next((each for each in found if each is not None), None)


def drop_expired(home: Path, now: datetime, days: int) -> int:
    """Delete the evidence of days that ended more than `days` ago, and return how many files went."""
    cut = (utc(now) - timedelta(days=days)).date()
    dropped = 0
    for folder in sorted((home / "evidence").glob("[0-9][0-9][0-9][0-9]-[0-9][0-9]/[0-9][0-9]")):
        if _day(folder) < cut:
            dropped += len(list(folder.iterdir()))
            shutil.rmtree(folder)
    for month in (home / "evidence").glob("*-*"):
        if {each.name for each in month.iterdir()} <= {"index"}:
            shutil.rmtree(month)
    return dropped


def _day(folder: Path) -> date:
    return datetime.strptime(f"{folder.parent.name}-{folder.name}", "%Y-%m-%d").replace(tzinfo=UTC).date()


def _record(fetched: Fetched) -> bytes:
    """Return one WARC response record, gzipped by itself so that it can be read from its offset."""
    at = f"{utc(fetched.at):%Y-%m-%dT%H:%M:%SZ}"
    headers = [pair for pair in fetched.headers if pair[0].lower() not in TRANSPORT_HEADERS]
    headers.append(("Content-Length", str(len(fetched.body))))
    buffer = BytesIO()
    writer = WARCWriter(buffer, gzip=False)
    record = writer.create_warc_record(
        fetched.url,
        "response",
        payload=BytesIO(fetched.body),
        length=len(fetched.body),
        http_headers=StatusAndHeaders(f"{fetched.status} OK", headers, protocol="HTTP/1.1"),
        warc_headers_dict={
            "WARC-Date": at,
            "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{fetched.url} {at} {fetched.digest}')}>",
            "WARC-Payload-Digest": f"sha256:{fetched.digest}",
        },
    )
    writer.write_record(record)
    return gzip.compress(buffer.getvalue(), GZIP_LEVEL, mtime=0)


def _places(shard: Path, sha256: str) -> Iterator[tuple[str, int]]:
    for line in shard.read_text(encoding="utf-8", errors="replace").splitlines():
        parts = line.split(" ")
        if len(parts) == 3 and parts[0] == sha256 and parts[2].isdigit():
            yield parts[1], int(parts[2])


def _records(path: Path, offset: int | None = None) -> Iterator[Evidence]:
    """Yield the records of a file up to where it is torn; only the one at an offset if that is given."""
    try:
        with path.open("rb") as file:
            file.seek(offset or 0)
            for record in ArchiveIterator(file):
                headers = record.rec_headers
                url, at = headers.get_header("WARC-Target-URI"), headers.get_header("WARC-Date")
                yield Evidence(str(url), str(at), bytes(record.content_stream().read()), path)
                if offset is not None:
                    return
    except (OSError, ArchiveLoadFailed, EOFError):
        return


def _first(records: Iterator[Evidence], sha256: str) -> Evidence | None:
    return next((each for each in records if hashlib.sha256(each.body).hexdigest() == sha256), None)
