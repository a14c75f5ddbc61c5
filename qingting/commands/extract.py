"""`qingting extract`: what the crawlers take from one saved page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crawlers.extract import extract
from qingting.commands.shared import JsonOption, print_json, say, utc_now
from qingting.errors import NotFoundError
from qingting.model import shown


def extract_page(
    page: Annotated[Path, typer.Argument(metavar="PAGE.html", help="存下来的网页。")],
    url: Annotated[str, typer.Option("--url", help="网页原来的地址，用来选用该网站的规则。")] = "",
    as_json: JsonOption = False,
) -> None:
    """抽取一个网页的标题、正文、时间、作者和来源。"""
    if not page.is_file():
        raise NotFoundError(f"没有文件 {page}。", reason="file", hint="请检查路径。")
    article = extract(page.read_bytes(), url, utc_now())
    if as_json:
        return print_json([article])
    say(article.title)
    say(f"{shown(article.published_at)}　来源：{article.source or '不详'}　作者：{article.author or '不详'}")
    return say(article.text)
