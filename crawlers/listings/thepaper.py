"""澎湃新闻: a channel (www.thepaper.cn/channel_25951) is asked for as JSON, its page being drawn by a script."""

from __future__ import annotations

import json
import re

from crawlers.answers import Json, identifier_of, web_address
from crawlers.listings import Ask, Listed, Listing
from crawlers.values import object_of, objects_of

CHANNEL = re.compile(r"https?://(?:www|m)\.thepaper\.cn/channel_(\d{1,10})/?", re.IGNORECASE)
CHANNEL_API = "https://api.thepaper.cn/contentapi/nodeCont/getByChannelId"
ARTICLE_PAGE = "https://www.thepaper.cn/newsDetail_forward_"
# hotNews is what cache.thepaper.cn/contentapi/wwwIndex/rightSidebar, whose address is asked as it stands, answers with.
LISTS = ("list", "hotNews")


def ask(address: str) -> Ask | None:
    """Return the request for a channel."""
    channel = CHANNEL.fullmatch(address.strip())
    if channel is None:
        return None
    return Ask(CHANNEL_API, "POST", json.dumps({"channelId": channel[1]}), {"Content-Type": "application/json"})


def answer(value: Json, _: str) -> Listed | None:
    """Return the articles of a channel, or of the hot list."""
    data = object_of(value.get("data"))
    lines = next((objects_of(data[name]) for name in LISTS if isinstance(data.get(name), list)), None)
    if lines is None or (lines and not any("contId" in line for line in lines)):
        return None
    addresses = (_address(line) for line in lines)
    return Listed(articles=tuple(dict.fromkeys(address for address in addresses if address)))


def _address(line: Json) -> str:
    number = identifier_of(line.get("contId"))
    return web_address(line.get("link")) or (f"{ARTICLE_PAGE}{number}" if number else "")


LISTING = Listing(ask=ask, answer=answer)
