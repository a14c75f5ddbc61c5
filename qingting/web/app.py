"""The console as one application: its pages, its errors, and the headers every answer carries."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from qingting.config import Config
from qingting.doctor import Condition
from qingting.errors import NotFoundError, QingtingError, StoreError, UsageError
from qingting.store import Store
from qingting.web.pages import Pages
from qingting.web.rendering import Renderer

LOG = logging.getLogger("qingting.web")

HERE = Path(__file__).parent

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
"""No script runs, nothing is loaded from elsewhere, nothing frames us, and sites we link to learn nothing of us."""

STATUS_OF_ERROR: Sequence[tuple[type[QingtingError], int]] = (
    (NotFoundError, 404),
    (UsageError, 400),
    (StoreError, 503),
)


def create_app(
    store: Store,
    config: Config,
    clock: Callable[[], datetime],
    condition: Callable[[], Condition],
    regions: Mapping[str, str] = MappingProxyType({}),
) -> FastAPI:
    """Return the console over a store; it only reads.

    `condition` returns what is degraded and what is stale; that stands on every page.
    `regions` are what people call the codes of regions.
    """
    app = FastAPI(title="蜻蜓", docs_url=None, redoc_url=None, openapi_url=None)
    renderer = Renderer(config, clock, condition)
    pages = Pages(store, config, clock, condition, renderer, regions)
    for path, page in (
        ("/", pages.inbox),
        ("/events", pages.events),
        ("/events/{event_id}", pages.event),
        ("/drafts/{draft_id}", pages.draft),
        ("/search", pages.search),
    ):
        app.add_api_route(path, page, methods=["GET", "HEAD"], response_class=HTMLResponse)
    app.add_api_route("/healthz", pages.health, methods=["GET", "HEAD"], response_class=JSONResponse)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    _answer_errors(app, renderer)
    app.middleware("http")(_with_security_headers)
    return app


async def _with_security_headers(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await proceed(request)
    response.headers.update(SECURITY_HEADERS)
    if not request.url.path.startswith("/static/"):
        # Pages hold what people said; no proxy and no browser cache keeps them.
        response.headers["Cache-Control"] = "no-store"
    return response


def _answer_errors(app: FastAPI, renderer: Renderer) -> None:
    """Give every error a page in Chinese that says what to do next."""

    def known(_request: Request, error: Exception) -> Response:
        assert isinstance(error, QingtingError)  # noqa: S101  registered for this class only
        status = next((status for kind, status in STATUS_OF_ERROR if isinstance(error, kind)), 500)
        return renderer.error(status, error.message, error.hint)

    def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101  registered for this class only
        if error.status_code == 404:
            return renderer.error(404, "没有这个页面。", "请检查网址，或从上方导航进入。")
        if error.status_code == 405:
            return renderer.error(405, "控制台只能查看，不能在此修改。", "请用 qingting 命令行办理。")
        return renderer.error(error.status_code, "请求没有成功。", "请返回上一页再试。")

    def invalid(_request: Request, _error: Exception) -> Response:
        return renderer.error(400, "网址中的参数不正确。", "请从页面上的链接进入，不要手工修改网址。")

    def unforeseen(request: Request, error: Exception) -> Response:
        # The boundary of this room: what nobody foresaw is recorded and answered, and the console goes on.
        LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
        response = renderer.failure()
        response.headers.update(SECURITY_HEADERS)
        return response

    app.add_exception_handler(QingtingError, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unforeseen)
