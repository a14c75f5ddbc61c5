"""`qingting search` and `qingting trend`: questions to the posts."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from qingting.app import Service
from qingting.commands.shared import ConfigOption, HomeOption, JsonOption, moment, opened, print_json, print_table, say
from qingting.errors import UsageError
from qingting.model import shown
from qingting.privacy import mask_personal
from qingting.store import Facet, Hit, Interval, Search

QueryArgument = Annotated[
    str,
    typer.Argument(
        metavar="QUERY", help='检索式：词以空格相连为"都要有"，OR、-词、"短语"、情感:负面、议题:水、地域:代码。'
    ),
]
SinceOption = Annotated[str, typer.Option("--since", metavar="TIME", help="从何时起（含）。")]
UntilOption = Annotated[str, typer.Option("--until", metavar="TIME", help="到何时止（不含）。")]


def _search(service: Service, query: str, since: str, until: str, limit: int = 50, after: str = "") -> Search:
    zone = service.config.service.timezone
    return Search(query, moment(since, zone) if since else None, moment(until, zone) if until else None, limit, after)


def hit_row(hit: Hit) -> dict[str, object]:
    """Return a hit under the stable field names of the command line, its text masked."""
    post, reading = hit.post, hit.reading
    row: dict[str, object] = {
        "id": post.id,
        "source_id": post.source_id,
        "source": post.source,
        "channel": post.channel,
        "title": mask_personal(post.title),
        "text": mask_personal(post.text),
        "author": post.author,
        "url": post.url,
        "published_at": post.published_at,
        "fetched_at": post.fetched_at,
    }
    for name in ("relevant", "sentiment", "score", "topic", "matter", "target", "copy_of"):
        row[name] = getattr(reading, name) if reading else None
    return row


def search_posts(
    query: QueryArgument,
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多显示多少条。")] = 50,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """检索帖文，最新的在前。"""
    with opened(home, config) as service:
        page = service.store.posts.search(_search(service, query, since, until, limit))
    if as_json:
        return print_json(hit_row(hit) for hit in page.hits)
    rows = (
        (shown(h.post.at), h.post.source, h.reading.sentiment.label if h.reading else "待研读", h.post.passage[:100])
        for h in page.hits
    )
    print_table("检索结果", ("时间", "来源", "情感", "内容"), rows, "没有符合条件的帖文。")
    return say(f"共 {page.total} 条{'' if page.exact else '以上'}，显示 {len(page.hits)} 条。")


def trend_posts(
    query: QueryArgument,
    interval: Annotated[str, typer.Option("--interval", help="hour 按小时，day 按天。")] = "day",
    by: Annotated[str, typer.Option("--by", help=f"再分开计数：{'、'.join(get_args(Facet))}。")] = "",
    since: SinceOption = "",
    until: UntilOption = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """按时间统计帖文数量。"""
    if interval not in get_args(Interval):
        raise UsageError(f"没有 {interval!r} 这种间隔。", reason="bad_argument", hint="可用：hour、day。")
    if by and by not in get_args(Facet):
        raise UsageError(
            f"不能按 {by!r} 分开计数。", reason="bad_argument", hint=f"可用：{'、'.join(get_args(Facet))}。"
        )
    with opened(home, config) as service:
        question = _search(service, query, since, until)
        points = service.store.posts.trend(question, cast(Interval, interval), cast(Facet, by) if by else None)
    if as_json:
        return print_json(points)
    rows = ((shown(point.start), point.key, point.count) for point in points)
    return print_table("走势", ("时段起点", "分类", "数量"), rows, "没有符合条件的帖文。")
