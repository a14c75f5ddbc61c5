"""`qingting evidence`: the bytes that a stored post was parsed from, proven by their SHA-256."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from crawlers.evidence import find_evidence, search_evidence
from crawlers.hotline import find_export
from qingting.app import Service
from qingting.commands.shared import ConfigOption, HomeOption, JsonOption, opened, print_json, say
from qingting.errors import NotFoundError, UsageError
from qingting.model import AuditEntry, Post, shown


@dataclass(frozen=True)
class Found:
    """Evidence that agrees with its post: where it came from, when (as recorded), the file it lies in, its bytes."""

    origin: str
    at: str
    file: Path
    body: bytes


def post_evidence(
    post_id: Annotated[str, typer.Argument(metavar="POST_ID", help="帖文编号，见 qingting search --json 的 id。")],
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="把原始内容写入此文件。")] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """核对一条帖文的原始证据（SHA-256），并可导出；原始内容未隐去个人信息，导出会留痕。"""
    with opened(home, config) as service:
        post = service.store.posts.get([post_id]).get(post_id)
        if post is None:
            raise NotFoundError(f"没有编号为 {post_id} 的帖文。", reason="post", hint="请用 qingting search 查找。")
        found = _found(service, post)
        if out is not None:
            _write(out, found.body)
            actor = getpass.getuser()
            entry = AuditEntry(service.clock(), actor, "evidence.export", post.id, f"{post.evidence} → {out.name}")
            service.store.cases.records.audit([entry])
    row = {
        "post_id": post.id,
        "url": found.origin,
        "fetched_at": found.at,
        "sha256": post.evidence,
        "bytes": len(found.body),
        "file": str(found.file),
        "out": str(out) if out else None,
    }
    if as_json:
        return print_json([row])
    say(f"证据完好，与帖文一致：{len(found.body)} 字节，SHA-256 {post.evidence}")
    say(f"来自 {found.origin}，取得时间 {found.at}，存于 {found.file}")
    return say(f"已写入 {out}。内容未隐去个人信息，请按规定保管。" if out else "加 --out FILE 可导出原始内容。")


def _found(service: Service, post: Post) -> Found:
    """Return a post's evidence. Raises NotFoundError(file)."""
    kept = find_evidence(service.home, post.evidence) or search_evidence(service.home, post.evidence, post.fetched_at)
    if kept is not None:
        return Found(kept.url, kept.at, kept.file, kept.body)
    for source in service.config.sources:
        if source.id == post.source and source.kind == "hotline" and post.evidence:
            path = find_export(Path(source.address), post.evidence)
            if path is not None:
                return Found(path.name, shown(post.fetched_at), path, path.read_bytes())
    days = service.config.crawl.evidence_days
    hint = f"证据保留 {days} 天；热线导出文件须留在 processed 目录；导入的文件不另存证据。"
    raise NotFoundError(f"没有与帖文 {post.id} 一致的证据。", reason="file", hint=hint)


def _write(path: Path, body: bytes) -> None:
    """Write a file that only its owner may read. Raises UsageError(bad_argument)."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(body)
    except OSError as error:
        raise UsageError(
            f"写不了文件 {path}：{error}", reason="bad_argument", hint="请换一个还没有文件的路径。"
        ) from error
