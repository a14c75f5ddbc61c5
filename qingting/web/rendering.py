"""Templates, and how values look on a screen: times, masks, addresses, shares."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qingting.config import Config
from qingting.doctor import Condition
from qingting.errors import QingtingError
from qingting.model import shown
from qingting.privacy import mask_personal

DIRECTION_MARKS = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C))
"""Characters that turn the reading direction round and so make a text look like another one."""

STORE_DOWN = "存储暂时无法使用，页面内容可能不全。"


class Renderer:
    """Renders templates with what every page shows: the office, the time, and what is degraded."""

    def __init__(self, config: Config, clock: Callable[[], datetime], condition: Callable[[], Condition]) -> None:
        self._config = config
        self._clock = clock
        self._condition = condition
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            shown=shown, safe=_refuse_safe, seen=seen, web_address=web_address, share=share, remaining=remaining
        )

    def page(self, template: str, condition: Condition, status: int = 200, **values: object) -> HTMLResponse:
        """Return a page that shows how the service is."""
        return self._rendered(template, status, condition, values)

    def error(self, status: int, message: str, hint: str) -> HTMLResponse:
        """Return an error page; it comes as well when the store is down."""
        try:
            condition = self._condition()
        except QingtingError:
            condition = Condition((STORE_DOWN,))
        return self._error(status, message, hint, condition)

    def failure(self) -> HTMLResponse:
        """Return the page for what nobody foresaw; it asks nothing that may fail again."""
        hint = "请稍后再试；若仍不行，请将发生时间告知系统管理员。"
        return self._error(500, "系统内部错误，已记录。", hint, Condition())

    def _error(self, status: int, message: str, hint: str, condition: Condition) -> HTMLResponse:
        values: dict[str, object] = {"status": status, "message": message, "hint": hint, "section": ""}
        return self._rendered("error.html", status, condition, values)

    def _rendered(self, template: str, status: int, condition: Condition, values: dict[str, object]) -> HTMLResponse:
        shown_by_all = {"office": self._config.service.office, "now": self._clock()}
        text = self._templates.get_template(template).render(
            **shown_by_all, problems=condition.problems, stale=condition.stale, **values
        )
        return HTMLResponse(text, status)


def _refuse_safe(_text: str) -> str:
    """Raise ValueError: no text on these pages may go around escaping."""
    raise ValueError("the filter `safe` is not for these pages")


def seen(text: str) -> str:
    """Return a text as it may be shown: personal data masked, without characters that turn its direction."""
    return mask_personal(text.translate(DIRECTION_MARKS))


def web_address(url: str) -> str:
    """Return an address that may be linked to, '' for anything but http and https."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    return url.strip() if parts.scheme in ("http", "https") and parts.netloc else ""


def share(part: int, whole: int) -> str:
    """Return a share in per cent, '—' of nothing."""
    return f"{round(100 * part / whole)}%" if whole else "—"


def remaining(due: datetime, now: datetime) -> str:
    """Return how long it is until a deadline, or how long ago that was, in the two largest units."""
    left = due - now
    text = _span(abs(left))
    return f"还剩 {text}" if left >= timedelta(0) else f"已超 {text}"


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds() // 60)
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days}天{hours}小时"
    return f"{hours}小时{minutes}分" if hours else f"{minutes}分"
