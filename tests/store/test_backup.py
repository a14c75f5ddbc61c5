"""That a backup of a running installation, restored into an empty home, is that installation again."""

from __future__ import annotations

import json
import sqlite3
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.errors import InputError, QingtingError, StoreError, UsageError
from qingting.model import AuditEntry, Post, Reading
from qingting.store import Search, Store, digest_posts, open_store, restore_backup, write_backup
from qingting.strict import Secret

NOW = datetime(2025, 3, 1, tzinfo=UTC)

MakePost = Callable[..., Post]
MakeReading = Callable[..., Reading]


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest) -> StoreConfig:
    """Return where posts and cases live: cases may be in a database of their own."""
    address = "sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    return StoreConfig(cases=Secret(address))


@pytest.fixture
def home(tmp_path: Path, where: StoreConfig, make_post: MakePost, make_reading: MakeReading) -> Path:
    """Return a home with posts, readings by two models, cases, evidence and a key."""
    home = tmp_path / "home"
    store = open_store(where, home, list)
    store.posts.append([make_post(number, f"河水{number}") for number in range(300)])
    store.posts.save_readings([make_reading(f"p{number}", embedding=b"\x01" * 768) for number in range(200)])
    store.posts.save_readings([make_reading(f"p{number}", model="reader-2") for number in range(100)])
    store.cases.records.audit([AuditEntry(NOW, "张三", "test", "s", str(number)) for number in range(50)])
    store.close()
    (home / "evidence" / "2025-03").mkdir(parents=True)
    (home / "evidence" / "2025-03" / "a.warc.gz").write_bytes(bytes(range(256)) * 1000)
    (home / "author.key").write_bytes(b"k" * 32)
    (home / "work-1.lock").touch()
    return home


def save(home: Path, where: StoreConfig, file: Path, **options: bool) -> list[str]:
    names: list[str] = []
    with closing(open_store(where, home, list)) as store:
        write_backup(store, where, home, file, NOW, "0.1", note=names.append, **options)
    return names


def forget_cases(where: StoreConfig) -> None:
    """Empty the database of the cases where it is no file of the home."""
    if where.cases.reveal() != "sqlite":
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(where.cases.reveal(), autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def everything(home: Path, where: StoreConfig) -> tuple[object, ...]:
    """Return all that an installation holds, in a form that can be compared."""
    store = open_store(where, home, list)
    found = digest_posts(store.posts), list(store.cases.dump()), store.posts.tally(NOW), store.posts.count(Search("河"))
    store.close()
    kept = [each for each in home.rglob("*") if each.is_file() and each.suffix not in {".lock"}]
    files = {str(each.relative_to(home)): each.read_bytes() for each in kept if "qingting.db" not in each.name}
    return (*found, files)


def restore(file: Path, where: StoreConfig, home: Path) -> None:
    restore_backup(file, where, home, lambda: open_store(where, home, list))


def test_a_backup_restored_into_an_empty_home_is_the_same_installation(
    tmp_path: Path, home: Path, where: StoreConfig
) -> None:
    before = everything(home, where)
    file = tmp_path / "backup.tar.gz"
    save(home, where, file)
    forget_cases(where)
    restore(file, where, tmp_path / "new")
    assert everything(tmp_path / "new", where) == before
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert file.stat().st_mode & 0o777 == 0o600
    assert not list(home.glob("*.partial"))


def test_a_backup_leaves_out_what_is_passing_and_evidence_if_asked(
    tmp_path: Path, home: Path, where: StoreConfig
) -> None:
    names = save(home, where, tmp_path / "small.tar.gz", evidence=False)
    in_home = [name for name in names if name.startswith("home/")]
    assert in_home == ["home/qingting.db", "home/author.key"]
    assert "home/evidence/2025-03/a.warc.gz" in save(home, where, tmp_path / "whole.tar.gz")


def test_a_backup_taken_while_others_write_is_of_one_moment(tmp_path: Path, home: Path, make_post: MakePost) -> None:
    where = StoreConfig()
    store = open_store(where, home, list)
    stop = threading.Event()

    def write() -> None:
        number = 1000
        while not stop.is_set():
            with store.transaction():
                store.posts.append([make_post(number)])
                store.cases.records.audit([AuditEntry(NOW, "a", "test", "pairs", str(number))])
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        save(home, where, tmp_path / "backup.tar.gz")
    finally:
        stop.set()
        writer.join()
    store.close()
    restore(tmp_path / "backup.tar.gz", where, tmp_path / "new")
    restored = open_store(where, tmp_path / "new", list)
    pairs = restored.cases.records.audit_of("pairs", 100_000)
    assert restored.posts.count(Search()) == 300 + len(pairs)
    restored.close()
    with sqlite3.connect(tmp_path / "new" / "qingting.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    connection.close()


def test_posts_kept_elsewhere_are_saved_as_lines_and_come_back(tmp_path: Path, home: Path) -> None:
    # The back end of the posts is SQLite here too: what matters is that it is treated as one that has no file.
    where, lines = StoreConfig(), StoreConfig(posts=Secret("https://search.example"))
    store = open_store(where, home, list)
    manifest = write_backup(store, lines, home, tmp_path / "backup.tar.gz", NOW, "0.1")
    assert (manifest.posts, manifest.cases, manifest.tally) == ("lines", "sqlite", 300)
    wanted = digest_posts(store.posts)
    store.close()
    elsewhere = open_store(where, tmp_path / "elsewhere", list)
    restore_backup(tmp_path / "backup.tar.gz", lines, tmp_path / "new", lambda: elsewhere)
    again = open_store(where, tmp_path / "elsewhere", list)
    assert digest_posts(again.posts) == wanted
    again.close()
    with pytest.raises(StoreError) as caught:
        restore_backup(
            tmp_path / "backup.tar.gz",
            lines,
            tmp_path / "third",
            lambda: open_store(where, tmp_path / "elsewhere", list),
        )
    assert caught.value.reason == "conflict"


def test_a_home_that_is_not_empty_is_left_as_it_is(tmp_path: Path, home: Path, where: StoreConfig) -> None:
    file = tmp_path / "backup.tar.gz"
    save(home, where, file)
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "note").write_text("mine")
    with pytest.raises(UsageError, match="不是空的"):
        restore(file, where, tmp_path / "used")
    assert [each.name for each in (tmp_path / "used").iterdir()] == ["note"]


def test_a_restore_that_was_cut_off_may_be_made_again(
    tmp_path: Path, home: Path, where: StoreConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, new = tmp_path / "backup.tar.gz", tmp_path / "new"
    before = everything(home, where)
    save(home, where, file)
    forget_cases(where)

    def cut_off() -> Store:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(file, where, new, cut_off)
    restore(file, where, new)
    assert everything(new, where) == before


@pytest.fixture
def whole(tmp_path: Path, home: Path) -> bytes:
    save(home, StoreConfig(), tmp_path / "backup.tar.gz")
    return (tmp_path / "backup.tar.gz").read_bytes()


def cut_short(content: bytes) -> bytes:
    return content[: len(content) // 2]


def changed(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


@pytest.mark.parametrize("where", ["sqlite"], indirect=True)
@pytest.mark.parametrize("spoil", [cut_short, changed, lambda _: b"", lambda _: b"not an archive" * 99])
def test_a_spoiled_backup_is_refused_before_anything_is_written(
    tmp_path: Path, where: StoreConfig, whole: bytes, spoil: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "spoiled.tar.gz"
    file.write_bytes(spoil(whole))
    with pytest.raises(InputError) as caught:
        restore(file, where, tmp_path / "new")
    assert caught.value.reason in {"malformed", "unreadable"}
    assert not (tmp_path / "new").exists()


def archive(file: Path, members: dict[str, bytes]) -> None:
    """Write a backup by hand, with a right manifest."""
    import hashlib
    import io

    listed = {name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in members.items()}
    manifest = {
        "made_at": NOW.isoformat(),
        "program": "0.1",
        "posts": "sqlite",
        "cases": "sqlite",
        "tally": 0,
        "digest": None,
        "rows": 0,
        "rows_digest": "",
        "members": listed,
        "format": 1,
    }
    with tarfile.open(file, "w:gz") as written:
        for name, content in {**members, "manifest.json": json.dumps(manifest).encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            written.addfile(entry, io.BytesIO(content))


@pytest.mark.parametrize("name", ["home/../outside", "home/a/../../../outside"])
def test_a_backup_that_would_write_outside_the_home_is_refused(tmp_path: Path, name: str) -> None:
    archive(tmp_path / "evil.tar.gz", {name: b"x"})
    with pytest.raises(QingtingError):
        restore(tmp_path / "evil.tar.gz", StoreConfig(), tmp_path / "deep" / "new")
    assert not list(tmp_path.rglob("outside"))


def test_a_backup_does_not_replace_a_file_or_lie_in_the_home(tmp_path: Path, home: Path, where: StoreConfig) -> None:
    file = tmp_path / "backup.tar.gz"
    file.write_text("precious")
    for place in (file, home / "backup.tar.gz"):
        with pytest.raises(UsageError):
            save(home, where, place)
    assert file.read_text() == "precious"


def test_a_backup_of_files_goes_to_files_only(tmp_path: Path, whole: bytes) -> None:
    with pytest.raises(StoreError) as caught:
        restore(tmp_path / "backup.tar.gz", StoreConfig(cases=Secret("postgresql://nowhere/x")), tmp_path / "new")
    assert (caught.value.reason, "store copy" in caught.value.hint) == ("unsupported", True)


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    """Run with the mask of an ordinary account, which the modes above must not depend on."""
    import os

    before = os.umask(0o022)
    yield
    os.umask(before)
