"""`qingting store`: move what is stored to another back end, back it up, put it back, and drop what is old."""

from __future__ import annotations

import getpass
import hashlib
import importlib.metadata
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from nlp.segment import CUT_VERSION, cut
from qingting.app import Service, drop_posts, outdated
from qingting.commands.shared import (
    ConfigOption,
    HomeOption,
    JsonOption,
    busy,
    moment,
    opened,
    print_json,
    progress,
    say,
    settings,
    utc_now,
    warn,
)
from qingting.config import Config, StoreConfig
from qingting.errors import UsageError
from qingting.model import shown
from qingting.store import (
    Digest,
    Progress,
    Store,
    copy_cases,
    copy_posts,
    digest_posts,
    open_store,
    require_same,
    restore_backup,
    write_backup,
)
from qingting.strict import Secret

app = typer.Typer(name="store", help="数据的搬迁、备份、恢复与清除。", no_args_is_help=True)

SQLITE = "sqlite"
POSTS_VARIABLE = "QINGTING_POSTS_URL"
CASES_VARIABLE = "QINGTING_CASES_URL"

PLACES = "可填：sqlite、elastic、postgres、完整地址，或 env:环境变量名。"


@app.command("copy")
def copy(
    source: Annotated[str, typer.Option("--from", metavar="PLACE", help=f"从哪里搬。{PLACES}")],
    target: Annotated[str, typer.Option("--to", metavar="PLACE", help=f"搬到哪里。{PLACES}")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """把帖文（sqlite 与 elastic 之间）或案件（sqlite 与 postgres 之间）搬到另一个库，逐条核对；中断后再运行即续搬。"""
    directory, loaded = settings(home, config)
    places = [_place(each, loaded.store) for each in (source, target)]
    half = _half(places[0], places[1])
    with _store(loaded, directory, half, places[0]) as old, _store(loaded, directory, half, places[1]) as new:
        if half == "posts":
            digest = _copy_posts(old, new, directory, places)
            row: dict[str, object] = {"half": half, **asdict(digest)}
            told = f"帖文 {digest.posts} 条、研读 {digest.readings} 条已搬完并核对一致。"
        else:
            rows, checksum = copy_cases(old.cases, new.cases)
            row, told = {"half": half, "rows": rows, "sum": checksum}, f"案件记录 {rows} 行已搬完并核对一致。"
    if as_json:
        return print_json([row])
    return say(f"{told}下一步：把 config.toml 的 store.{half} 改成新的地址，再重启服务。")


def _place(text: str, configured: StoreConfig) -> str:
    """Return what config.toml would say for a place. Raises UsageError(bad_argument)."""
    if text.startswith("env:"):
        return _variable(text.removeprefix("env:"))
    if text in {"elastic", "elasticsearch"}:
        posts = configured.posts.reveal()
        return posts if posts != SQLITE else _variable(POSTS_VARIABLE)
    if text in {"postgres", "postgresql"}:
        cases = configured.cases.reveal()
        return cases if cases != SQLITE else _variable(CASES_VARIABLE)
    if text == SQLITE or "://" in text:
        return text
    raise UsageError(f"没有 {text!r} 这种库。", reason="bad_argument", hint=PLACES)


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise UsageError(f"环境变量 {name} 没有设置。", reason="bad_argument", hint="请把库的地址写在这个环境变量里。")
    return value


def _half(source: str, target: str) -> str:
    """Return which half of the store lives in both places. Raises UsageError(bad_argument)."""
    kinds = {"posts" if each.startswith(("http://", "https://")) else "cases" for each in {source, target} - {SQLITE}}
    if source == target or len(kinds) != 1:
        raise UsageError(
            "这两处之间没有可搬的数据。",
            reason="bad_argument",
            hint="帖文在 sqlite 与 elastic 之间搬，案件在 sqlite 与 postgres 之间搬，请分两次。",
        )
    return kinds.pop()


@contextmanager
def _store(config: Config, home: Path, half: str, place: str) -> Iterator[Store]:
    chosen = Secret(place)
    where = replace(config.store, posts=chosen) if half == "posts" else replace(config.store, cases=chosen)
    store = _opened(where, config, home)
    try:
        yield store
    finally:
        store.close()


def _opened(where: StoreConfig, config: Config, home: Path) -> Store:
    return open_store(where, home, cut, config.service.timezone, cut_version=CUT_VERSION)


def _copy_posts(old: Store, new: Store, home: Path, places: list[str]) -> Digest:
    """Copy the posts, noting in the home how far it came, and compare what arrived."""
    # Addresses may hold passwords: only which pair it was is noted.
    pair = hashlib.sha256("\n".join(places).encode()).hexdigest()[:16]
    note = home / f"copy-{pair}.progress"
    begun = _progress(note)
    total = old.posts.tally(utc_now()).total

    def remember(done: Progress) -> None:
        bar.update(bar.task_ids[0], completed=done.digest.posts)
        _write(note, json.dumps(asdict(done)))

    with progress("搬迁", total) as bar:
        read = copy_posts(old.posts, new.posts, begun, remember)
    with progress("核对", total) as bar:
        arrived = digest_posts(new.posts, lambda posts: bar.update(bar.task_ids[0], completed=posts))
    # Whatever comes of the comparison, another copy begins at the beginning.
    note.unlink(missing_ok=True)
    require_same(read, arrived)
    require_same(read, replace(read, posts=old.posts.tally(utc_now()).total))
    return read


def _progress(note: Path) -> Progress:
    if not note.exists():
        return Progress()
    found = json.loads(note.read_text())
    return Progress(found["next"], Digest(**found["digest"]))


def _write(path: Path, text: str) -> None:
    """Write a small file so that it is either the old or the new one after a crash."""
    fresh = path.with_suffix(".partial")
    fresh.write_text(text)
    fresh.replace(path)


@app.command("drop")
def drop(
    before: Annotated[str, typer.Option("--before", metavar="TIME", help="删除此时刻以前发布的帖文，如 2026-01-01。")],
    yes: Annotated[bool, typer.Option("--yes", help="不再询问，直接删除。")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """永久删除旧帖文及其研读；被预警或稿件引用的保留。先报条数，确认后才删，并留痕；中断后再运行即继续。"""
    with opened(home, config) as service:
        limit = _past(before, service)
        what = outdated(service, limit)
        warn(f"{shown(limit)} 以前发布的帖文：将永久删除 {what.going} 条，保留被预警或稿件引用的 {what.staying} 条。")
        if what.going and not yes and not typer.confirm("确定删除吗？删除后只能从备份恢复。", err=True):
            warn("没有删除任何帖文。")
            raise typer.Exit(1)
        with busy("删除中…"):
            dropped = drop_posts(service, limit, getpass.getuser())
    if as_json:
        return print_json([{"before": limit, "dropped": dropped, "staying": what.staying}])
    rest = what.going - dropped
    later = f"其余 {rest} 条所在的月份还没有全部过期，过期后再删。" if rest > 0 else ""
    return say(f"已删除帖文 {dropped} 条。{later}")


def _past(text: str, service: Service) -> datetime:
    """Return a time given by a person. Raises UsageError(bad_argument) for one that is yet to come."""
    limit = moment(text, service.config.service.timezone)
    if limit > service.clock():
        raise UsageError(f"{text} 还没有到。", reason="bad_argument", hint="请填过去的时间，如 2026-01-01。")
    return limit


@app.command("backup")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份写到哪里，如 qingting.tar.gz；不覆盖已有文件。")],
    evidence: Annotated[bool, typer.Option("--evidence/--without-evidence", help="是否包括原始网页证据。")] = True,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """在服务运行时备份全部数据（帖文、案件、证据、作者化名的密钥）；备份含原文，请妥善保管。"""
    with opened(home, config) as service, progress("备份", None) as bar:
        manifest = write_backup(
            service.store,
            service.config.store,
            service.home,
            file,
            service.clock(),
            importlib.metadata.version("qingting"),
            evidence=evidence,
            note=lambda _: bar.advance(bar.task_ids[0]),
        )
    size = file.stat().st_size
    if as_json:
        return print_json(
            [{"file": str(file), "bytes": size, "posts": manifest.tally, "members": len(manifest.members)}]
        )
    return say(
        f"已备份到 {file}（{size / (1 << 20):.1f} MiB）：帖文 {manifest.tally} 条，文件 {len(manifest.members)} 个。"
    )


@app.command("restore")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件。")],
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """把备份恢复到空的数据目录，并逐项核对；数据目录不空时拒绝。"""
    directory, loaded = settings(home, config)
    with progress("恢复", None) as bar:
        manifest = restore_backup(
            file,
            loaded.store,
            directory,
            lambda: _opened(loaded.store, loaded, directory),
            lambda _: bar.advance(bar.task_ids[0]),
        )
    if as_json:
        return print_json([{"made_at": manifest.made_at, "posts": manifest.tally, "members": len(manifest.members)}])
    return say(
        f"已恢复 {manifest.made_at} 的备份：帖文 {manifest.tally} 条，文件 {len(manifest.members)} 个，核对一致。"
    )
