"""`qingting events`: what is going on."""

from __future__ import annotations

from typing import Annotated

import typer

from qingting.commands.shared import ConfigOption, HomeOption, JsonOption, opened, plain, print_json, print_table, say
from qingting.model import Event, EventState, shown
from qingting.privacy import mask_personal
from qingting.store import Store

app = typer.Typer(name="events", help="舆情事件。", no_args_is_help=True)

SHOWN_STATES = (EventState.ACTIVE, EventState.QUIET, EventState.CLOSED)


def event_row(event: Event) -> dict[str, object]:
    """Return an event under the stable field names of the command line."""
    return {
        "id": event.id,
        "title": mask_personal(event.title),
        "topic": event.topic,
        "matter": event.matter,
        "region": event.region,
        "first_seen": event.first_seen,
        "last_seen": event.last_seen,
        "size": event.size,
        "distinct": event.distinct,
        "authors": event.authors,
        "negative": event.negative,
        "level": event.level,
        "state": event.state,
    }


@app.command("list")
def list_events(
    candidates: Annotated[bool, typer.Option("--candidates", help="连同尚未成事件的苗头一起列出。")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="最多列出多少个。")] = 100,
    as_json: JsonOption = False,
    home: HomeOption = None,
    config: ConfigOption = None,
) -> None:
    """列出事件，最近有动静的在前。"""
    with opened(home, config) as service:
        found = service.store.cases.events.latest(None if candidates else SHOWN_STATES, limit=limit)
    if as_json:
        return print_json(event_row(event) for event in found)
    rows = (
        (
            e.id,
            e.title,
            e.topic.label,
            e.matter.label,
            e.level.label,
            e.state.label,
            e.size,
            shown(e.first_seen),
            shown(e.last_seen),
        )
        for e in found
    )
    columns = ("编号", "标题", "议题", "事项", "等级", "状态", "帖文", "首现", "最近")
    return print_table(
        "舆情事件", columns, rows, "目前没有事件。可先用 qingting import 导入，再用 qingting work --until-idle 研读。"
    )


@app.command("show")
def show_event(
    event_id: str, as_json: JsonOption = False, home: HomeOption = None, config: ConfigOption = None
) -> None:
    """显示一个事件和归入它的帖文。"""
    with opened(home, config) as service:
        event = service.store.cases.events.get(event_id)
        posts = member_rows(service.store, event_id)
    if as_json:
        return print_json([{**event_row(event), "posts": posts}])
    say(f"{event.title}（{event.id}）")
    say(f"{event.topic.label} · {event.matter.label} · {event.level.label} · {event.state.label}")
    say(f"首现 {shown(event.first_seen)}，最近 {shown(event.last_seen)}")
    say(f"帖文 {event.size}，去重 {event.distinct}，作者 {event.authors}，负面 {event.negative}")
    columns = ("时间", "来源", "情感", "内容", "归并依据")
    rows = (
        (plain(p["published_at"]) or "时间不详", p["source"], p["sentiment"], str(p["text"])[:80], p["reason"])
        for p in posts
    )
    return print_table("帖文", columns, rows, "没有帖文。")


def member_rows(store: Store, event_id: str) -> list[dict[str, object]]:
    """Return an event's posts, earliest first, texts masked; one whose post is gone is left out."""
    members = store.cases.events.members(event_id)
    posts = store.posts.get([member.post_id for member in members])
    rows: list[dict[str, object]] = []
    for member in members:
        post = posts.get(member.post_id)
        if post is None:
            continue
        rows.append(
            {
                "id": post.id,
                "source_id": post.source_id,
                "source": post.source,
                "title": mask_personal(post.title),
                "text": mask_personal(post.text),
                "published_at": post.published_at,
                "url": post.url,
                "sentiment": member.sentiment,
                "copy": member.copy,
                "reason": member.reason,
                "decided_by": member.decided_by,
            }
        )
    return rows
