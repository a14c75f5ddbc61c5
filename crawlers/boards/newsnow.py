"""Any board through a NewsNow server, whose answers TrendRadar reads, too.

A server that somebody has taken over could send our readers anywhere: unless every address is https and of the board's
own site, nothing of an answer is taken.
"""

from __future__ import annotations

from types import MappingProxyType
from urllib.parse import urlsplit

from crawlers.answers import Json, json_object, malformed, title_of, web_address
from crawlers.boards import Board, Entry, Hot, Options, hot
from crawlers.values import object_of, objects_of, text_of
from qingting.config import SourceConfig
from qingting.errors import ConfigError

# Where the entries of a board lead; the option hosts takes the place of this for boards that are not here.
HOSTS = MappingProxyType(
    {
        "weibo": "weibo.com",
        "zhihu": "zhihu.com",
        "baidu": "baidu.com",
        "toutiao": "toutiao.com",
        "douyin": "douyin.com",
        "bilibili-hot-search": "bilibili.com",
        "tieba": "baidu.com",
        "thepaper": "thepaper.cn",
        "ifeng": "ifeng.com",
        "cankaoxiaoxi": "cankaoxiaoxi.com",
        "tencent-hot": "qq.com",
        "kuaishou": "kuaishou.com",
        "zaobao": "zaobao.com",
    }
)
STATUSES = ("success", "cache")


def read(text: str, options: Options) -> Hot:
    """Return the board. Raises CrawlError(blocked | malformed)."""
    answer = json_object(text)
    status, items = answer.get("status"), answer.get("items")
    if status not in STATUSES or not isinstance(items, list):
        message = text_of(answer.get("message"))[:100]
        raise malformed(f"NewsNow 返回 status={str(status)[:20]} {message}".strip())
    hosts = hosts_of(options)
    return hot([_entry(each, hosts) for each in objects_of(items)], text_of(answer.get("updatedTime")))


def hosts_of(options: Options) -> tuple[str, ...]:
    """Return the domains that a board's entries may lead to."""
    written = options.get("hosts") or HOSTS.get(options.get("id", ""), "")
    return tuple(host.strip().lower() for host in written.split(",") if host.strip())


def _entry(item: Json, hosts: tuple[str, ...]) -> Entry:
    for name in ("url", "mobileUrl"):
        if item.get(name):
            _refuse_foreign(item[name], hosts)
    return Entry(
        title=title_of(item.get("title")),
        url=web_address(item.get("url") or item.get("mobileUrl")),
        text=text_of(object_of(item.get("extra")).get("hover")),
    )


def _refuse_foreign(address: object, hosts: tuple[str, ...]) -> None:
    """Raise CrawlError(malformed) for an address that is not https or leads elsewhere than the board's site."""
    text = web_address(address, base="")
    parts = urlsplit(text)
    host = parts.hostname or ""
    if parts.scheme != "https" or not any(host == each or host.endswith(f".{each}") for each in hosts):
        raise malformed(
            f"聚合接口给出的地址不属于 {'、'.join(hosts)}，可能被劫持，本次不采：{str(address)[:100]}"
            "（确属该榜单的域名可写进选项 hosts）"
        )


def check(source: SourceConfig) -> None:
    """Raise ConfigError(bad_value) for a board that is not named, or whose entries' domain nobody knows."""
    if not source.options.get("id", "").strip():
        raise _bad(source, "id", "例如 weibo、zhihu、baidu。")
    if not hosts_of(source.options):
        raise _bad(source, "hosts", "请写明该榜单链接所属的域名，例如 example.com。")


def _bad(source: SourceConfig, name: str, hint: str) -> ConfigError:
    return ConfigError(f"信源 {source.id}：board = 'newsnow' 时要有选项 {name}。", reason="bad_value", hint=hint)


BOARD = Board("/api/s?id={id}&latest", read, check)
