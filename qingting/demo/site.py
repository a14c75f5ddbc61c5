"""The replay site: news pages, a feed and a Weibo-shaped API on loopback that show what was public at the clock's time.

It also takes the alerts that a receiver would get, and writes the hotline's exports into a drop folder.
"""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, PackageLoader

from qingting.demo.scenario import Item, Scenario
from qingting.model import SHANGHAI

LIST_SIZE = 40
PAGE_SIZE = 10

OUTLETS = {"rb": "清源日报", "dsb": "江北都市报", "xww": "清源新闻网"}
"""The site's folders: 清源日报 in UTF-8, 江北都市报 in GBK (as some papers still are), 清源新闻网 also as a feed."""

GBK_OUTLETS = frozenset({"dsb"})

TEMPLATES = Environment(loader=PackageLoader("qingting.demo"), autoescape=True)

HOTLINE_HEADER = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "行政区划代码")


class ReplaySite:
    """The site while it runs: `base` is its address, `received` every alert message its webhook has confirmed."""

    def __init__(self, scenario: Scenario, clock: Callable[[], datetime]) -> None:
        self.received: list[dict[str, Any]] = []
        self._pages = _Pages(scenario, clock)
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, body = site._pages.answer(self.path)
                self._send(status, kind, body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                site.received.append(json.loads(body))
                self._send(200, "application/json", b'{"ok":true}')

            def _send(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
                """Keep the console for the demo's own words."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self.base = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ReplaySite:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Pages:
    """What each address answers at the clock's present time."""

    def __init__(self, scenario: Scenario, clock: Callable[[], datetime]) -> None:
        self._scenario = scenario
        self._clock = clock
        self._weibo = {item.key: item for item in scenario.weibo}
        self._news = {item.key: item for item in scenario.news}

    def answer(self, target: str) -> tuple[int, str, bytes]:
        url = urlsplit(target)
        parts = url.path.strip("/").split("/")
        if url.path == "/robots.txt":
            return 200, "text/plain", b"User-agent: *\nAllow: /\n"
        if url.path == "/api/container/getIndex":
            return self._weibo_page(parse_qs(url.query))
        if parts[0] in OUTLETS and len(parts) == 2:
            if parts[1] == "":
                return self._list_page(parts[0])
            if parts[1] == "rss.xml":
                return self._feed(parts[0])
            return self._article(parts[0], parts[1].removesuffix(".html"))
        if parts[0] in OUTLETS:
            return self._list_page(parts[0])
        return 404, "text/plain; charset=utf-8", "没有这个页面".encode()

    def _public(self, items: Sequence[Item]) -> list[Item]:
        """Return what has been published by now, newest first."""
        now = self._clock()
        return [item for item in reversed(items) if item.at <= now]

    def _outlet(self, folder: str) -> list[Item]:
        name = OUTLETS[folder]
        return self._public([item for item in self._scenario.news if item.fields["outlet"] == name])[:LIST_SIZE]

    def _html(self, folder: str, template: str, title: str, **values: object) -> tuple[int, str, bytes]:
        charset = "gbk" if folder in GBK_OUTLETS else "utf-8"
        page = TEMPLATES.get_template(template).render(
            charset=charset, folder=folder, outlet=OUTLETS[folder], title=title, **values
        )
        # The Content-Type names no charset on purpose: the page's own declaration has to be found.
        return 200, "text/html", page.encode(charset, "xmlcharrefreplace")

    def _list_page(self, folder: str) -> tuple[int, str, bytes]:
        return self._html(folder, "list.html", OUTLETS[folder], items=self._outlet(folder))

    def _article(self, folder: str, key: str) -> tuple[int, str, bytes]:
        item = self._news.get(key)
        if item is None or item.at > self._clock():
            return 404, "text/plain; charset=utf-8", "没有这篇文章".encode()
        return self._html(folder, "article.html", str(item.fields["title"]), item=item)

    def _feed(self, folder: str) -> tuple[int, str, bytes]:
        feed = TEMPLATES.get_template("feed.xml").render(
            folder=folder, outlet=OUTLETS[folder], items=self._outlet(folder), rfc2822=format_datetime
        )
        return 200, "application/rss+xml", feed.encode()

    def _weibo_page(self, query: Mapping[str, list[str]]) -> tuple[int, str, bytes]:
        page = int(query.get("page", ["1"])[0])
        public = self._public(self._scenario.weibo)
        shown = public[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        cards = [
            {"card_type": 9, "scheme": f"/status/{item.key}?mblogid={item.key}", "mblog": self._mblog(item)}
            for item in shown
        ]
        info = {"total": len(public), "page": page + 1}
        body = {
            "ok": 1 if cards else 0,
            "msg": "" if cards else "这里还没有内容",
            "data": {"cards": cards, "cardlistInfo": info},
        }
        return 200, "application/json; charset=utf-8", json.dumps(body, ensure_ascii=False).encode()

    def _mblog(self, item: Item) -> dict[str, Any]:
        fields = item.fields
        blog: dict[str, Any] = {
            "id": item.key,
            "mid": item.key,
            "bid": item.key,
            "created_at": f"{_local(item.at):%a %b %d %H:%M:%S %z %Y}",
            "text": escape(fields["text"]),
            "source": "微博网页版",
            "reposts_count": fields["reposts"],
            "comments_count": fields["comments"],
            "attitudes_count": fields["likes"],
            "isLongText": False,
            "user": {"id": fields["user"], "screen_name": fields["user"]},
        }
        if fields["repost_of"]:
            blog["retweeted_status"] = self._mblog(self._root(item))
        return blog

    def _root(self, item: Item) -> Item:
        """Return the first origin of a repost: the API shows that one and no step between."""
        while item.fields["repost_of"]:
            item = self._weibo[item.fields["repost_of"]]
        return item


def drop_hotline(items: Sequence[Item], since: datetime, until: datetime, folder: Path) -> None:
    """Write the hotline's export of `since < at <= until` into the drop folder, as the hotline's own system would."""
    due = [item for item in items if since < item.at <= until]
    if not due:
        return
    rows = [
        (
            item.fields["number"],
            item.fields["caller"],
            item.fields["subject"],
            f"{_local(item.at):%Y/%m/%d %H:%M:%S}",
            item.fields["text"],
            item.fields["district"],
        )
        for item in due
    ]
    part = folder / f"hotline-{_local(until):%Y%m%d-%H%M}.csv.part"
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HOTLINE_HEADER)
        writer.writerows(rows)
    part.rename(part.with_suffix(""))


def _local(moment: datetime) -> datetime:
    return moment.astimezone(SHANGHAI)


def ticks(
    scenario: Scenario, quiet: timedelta, busy: timedelta, busy_from: datetime, busy_until: datetime
) -> list[datetime]:
    """Return when to collect: every `quiet` and, while it matters, every `busy`, leaving out times with nothing new."""
    items = scenario.items
    times, now, end = [], items[0].at, items[-1].at
    while now < end:
        now += busy if busy_from <= now < busy_until else quiet
        times.append(now)
    wanted: list[datetime] = []
    previous = items[0].at - quiet
    for each in times:
        if any(previous < item.at <= each for item in items):
            wanted.append(each)
        previous = each
    return wanted
