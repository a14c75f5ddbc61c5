"""What platforms answer: JSON as objects, words out of markup, or why there is nothing to read.

Free of I/O. Readers take a body as text and raise CrawlError: blocked where the platform refused, malformed where the
answer is not of any shape that they know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from crawlers.plaintext import looks_like_html, plain_text
from crawlers.values import text_of
from qingting.errors import CrawlError

Json = Mapping[str, object]

# Titles are at most a sentence; what is longer is a text in the wrong place.
LONGEST_TITLE = 200
# As long as browsers and servers agree on.
LONGEST_ADDRESS = 2000
# What platforms say to visitors that they refuse, on pages of their own and in messages.
REFUSAL = re.compile(
    "安全验证|环境异常|(?:访问|操作|请求)(?:过于)?频繁|(?:请先?|需要|未|没有)登录|登录后|完成验证|人机验证|验证码"
    "|captcha|not login",
    re.IGNORECASE,
)
# Such pages are short or say it at once; a post that speaks of a captcha stands further down.
REFUSAL_WITHIN = 3000
IDENTIFIER = re.compile(r"[0-9A-Za-z_-]{1,64}")
# Browsers take a backslash for a slash, Python does not: such an address names one host here and another there.
AMBIGUOUS = re.compile(r"[\\\s<>\"]")


@dataclass(frozen=True, slots=True)
class Said:
    """Something that somebody said on a platform, as its reader found it; `markup` and `heading` may be HTML.

    `parent` and `root` are source ids, as `id` is.
    """

    id: str
    markup: str
    heading: str = ""
    written: str = ""
    url: str = ""
    author: str = ""
    author_id: str = ""
    parent: str = ""
    root: str = ""
    reposts: int | None = None
    comments: int | None = None
    likes: int | None = None

    @property
    def title(self) -> str:
        """Return the heading as one plain line. Raises InputError(too_large)."""
        return line_of(self.heading)

    @property
    def text(self) -> str:
        """Return the words of the text, those of the title where it has none. Raises InputError(too_large)."""
        return words_of(self.markup) or self.title


def refused(message: str) -> CrawlError:
    """Return the error for an answer by which a platform says no."""
    return CrawlError(message, reason="blocked", hint="请停用该信源，或改用平台的官方接口、订阅源或数据服务导出。")


def malformed(message: str) -> CrawlError:
    """Return the error for an answer of a shape that nobody here knows."""
    return CrawlError(message, reason="malformed", hint="平台多半改版了，请查看拒收记录里的原始应答。")


def json_object(text: str) -> Json:
    """Return the JSON object that a body is. Raises CrawlError(blocked | malformed)."""
    value = json_value(text)
    if not isinstance(value, dict):
        raise malformed("返回的 JSON 不是一个对象")
    return value


def json_value(text: str) -> object:
    """Return the JSON that a body is, a JSONP call taken off. Raises CrawlError(blocked | malformed)."""
    body = text.strip()
    if not body or body.lower() == "blocked":
        raise refused("返回空内容，多半是拒绝采集")
    if body.startswith("<"):
        raise refused("返回的是网页而不是数据，多半是要求登录或验证")
    if body[0] not in "[{":
        _, call, body = body.partition("(")
        body = body.rstrip("; \n").removesuffix(")") if call else ""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise malformed("返回的不是 JSON") from error


def refuse_refusals(page: str) -> None:
    """Raise CrawlError(blocked) for a page that asks for a login or a captcha instead of showing anything."""
    found = REFUSAL.search(page[:REFUSAL_WITHIN]) if page.strip() else None
    if found or not page.strip():
        raise refused(f"返回的页面要求登录或验证（{found[0]}）" if found else "返回空内容，多半是拒绝采集")


def words_of(value: object) -> str:
    """Return a text, which may come as markup, as plain words. Raises InputError(too_large)."""
    text = text_of(value)
    return text_of(plain_text(text)) if looks_like_html(text) else text


def line_of(value: object) -> str:
    """Return a title as one plain line. Raises InputError(too_large)."""
    return " ".join(words_of(value).split())[:LONGEST_TITLE]


def title_of(value: object) -> str:
    """Return a title as it came, '' for what is none: aggregators send null and NaN in its place."""
    return text_of(value) if isinstance(value, str) else ""


def identifier_of(value: object) -> str:
    """Return an identifier that may stand in addresses and keys, '' for anything else and for zero."""
    text = text_of(value)
    return text if text != "0" and IDENTIFIER.fullmatch(text) else ""


def web_address(value: object, base: str = "https://") -> str:
    """Return an absolute http(s) address, '' for anything else; `base` completes relative ones."""
    text = text_of(value)
    try:
        address = urljoin(base, text)
        parts = urlsplit(address)
    except ValueError:
        return ""
    fits = parts.scheme in ("http", "https") and parts.hostname and len(address) <= LONGEST_ADDRESS
    return address if text and fits and not AMBIGUOUS.search(address) else ""
