"""A web site of our own making to measure the crawlers on: a list, as many articles as wanted, and feeds.

An article page is 83 KB with about 920 elements, 180 links and 27 KB of scripts, as the page is that the target was
set on, and takes extraction as long. Its 2,300 characters of text are drawn from our own sentences, so that no two
articles are the same.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from functools import cache, partial
from multiprocessing.connection import Connection

FEED_ENTRIES = 2000
PARAGRAPHS = 25
SCRIPTS = 37
SCRIPT_CHARACTERS = 730
PLACES = ("清源河", "翠湖", "高新区", "老城区", "北山", "东港", "南坪镇", "西溪", "云岭", "白沙洲", "青石桥", "柳溪村")
WHO = ("市生态环境局", "执法人员", "监测站", "附近居民", "网格员", "街道办事处", "值班人员", "志愿者", "环保协会")
DID = (
    "对排污口逐一排查并采集水样",
    "反映夜间有刺鼻气味，已持续三天",
    "公布了最近一周的空气质量数据",
    "要求企业立即停产整改并提交报告",
    "在河段打捞漂浮物并设置警示牌",
    "表示整改方案将于月底前向社会公开",
    "核查了在线监测设备的运行记录",
    "约谈了三家施工单位的负责人",
    "组织专家论证了修复工程的方案",
)
ENDS = (
    "",
    "，相关情况仍在核实",
    "，结果将及时公布",
    "，有关数据已经上传",
    "，没有发现新的异常",
    "，群众可拨打电话监督",
)


def listing(count: int) -> bytes:
    """Return the list page with so many articles."""
    links = (f'<li><a href="/a/t20260922_{number:07}.html">{_headline(number)}</a></li>' for number in range(count))
    return f"<html><head><title>清源要闻</title></head><body><ul>{''.join(links)}</ul></body></html>".encode()


def article(number: int) -> bytes:
    """Return an article page."""
    draw = random.Random(number)  # noqa: S311 - texts, no secrets
    body = "".join(f"<p>{_paragraph(draw, number)}</p>\n" for _ in range(PARAGRAPHS))
    head, foot = _frame()
    page = head.replace("{headline}", _headline(number)) + body + foot
    return page.encode()


def feed(first: int) -> bytes:
    """Return a feed whose entries are numbered from `first`."""
    entries = "".join(_entry(number) for number in range(first, first + FEED_ENTRIES))
    return f'<rss version="2.0"><channel><title>清源要闻</title>{entries}</channel></rss>'.encode()


def _entry(number: int) -> str:
    draw = random.Random(number)  # noqa: S311 - texts, no secrets
    return (
        f"<item><title>{_headline(number)}</title><link>http://news.example.org/{number}</link>"
        f"<pubDate>Tue, 22 Sep 2026 {number % 12:02}:{number % 60:02}:00 +0800</pubDate>"
        f"<description>&lt;p&gt;{_paragraph(draw, number)}&lt;/p&gt;</description></item>"
    )


def _headline(number: int) -> str:
    return f"{PLACES[number % len(PLACES)]}环境状况第{number}号通报"


def _paragraph(draw: random.Random, number: int) -> str:
    sentences = (
        f"{draw.choice(PLACES)}{draw.choice(WHO)}{draw.choice(DID)}{draw.choice(ENDS)}。"
        for _ in range(draw.randint(2, 4))
    )
    return f"{number % 28 + 1}日，{''.join(sentences)}"


@cache
def _frame() -> tuple[str, str]:
    """Return what stands around the articles: navigation and scripts before, lists of others and more scripts after."""
    menu = "".join(
        f'<li class="nav-item"><div class="nav-cell"><a href="/channel/{n}"><span>频道{n}</span></a></div></li>'
        for n in range(60)
    )
    cards = "".join(
        f'<div class="card" data-id="{n}"><div class="card-pic"><a href="{_other(n)}"><img src="/{n}.jpg" alt=""></a>'
        f'</div><div class="card-txt"><div class="name"><a href="{_other(n)}">{_headline(n)}</a></div>'
        f'<div class="meta"><span class="ago">{n} 小时前</span><span class="count">{n * 7}</span></div></div></div>'
        for n in range(38)
    )
    related = "".join(
        f'<li class="item"><div class="line"><a href="{_other(n)}" target="_blank">{_headline(n)}</a></div>'
        '<div class="time">昨天</div><br></li>'
        for n in range(44)
    )
    scripts = "".join(f"<script>{_script(n)}</script>" for n in range(SCRIPTS))
    head = (
        '<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{headline}_清源网</title>'
        '<meta name="publishdate" content="2026-09-22 08:30:00"><meta name="source" content="清源日报">'
        f'</head><body><div class="wrap"><div class="top"><ul class="nav">{menu}</ul></div><div class="content">'
        '<div class="left"><h1>{headline}</h1><div class="about">2026-09-22 08:30　来源：清源日报</div>'
        '<div class="txt">'
    )
    foot = f'</div></div><div class="side">{cards}</div></div><div class="more"><ul>{related}</ul></div>{scripts}</div>'
    return head, f"{foot}</body></html>"


def _other(number: int) -> str:
    return f"/a/t20260921_{number:07}.html?from=article_recommend&position={number}&trace={number:0140x}"


def _script(number: int) -> str:
    """Return a script as pages carry dozens of; together they make up what is missing to the size of a page."""
    call = f'window.__track=window.__track||[];window.__track.push(["slot",{number},"banner"]);'
    return (call * (1 + SCRIPT_CHARACTERS // len(call)))[:SCRIPT_CHARACTERS]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, page: Callable[[str], bytes]) -> None:
    while request := await reader.readline():
        while (await reader.readline()).strip():
            pass
        body = page(request.split(b" ")[1].decode())
        status = b"200 OK" if body else b"404 Not Found"
        writer.write(
            b"HTTP/1.1 %s\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body
        )
        await writer.drain()
    writer.close()


def _page(path: str, articles: int) -> bytes:
    kind, _, rest = path.removeprefix("/").partition("/")
    if kind == "list":
        return listing(articles)
    if kind == "a":
        return article(int(rest.split("_")[1].split(".")[0]))
    return feed(int(rest)) if kind == "feed" else b""


def serve(port: Connection, articles: int) -> None:
    """Serve the site on loopback until killed, and tell its port; runs in a process of its own."""

    async def forever() -> None:
        server = await asyncio.start_server(partial(_answer, page=partial(_page, articles=articles)), "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())
