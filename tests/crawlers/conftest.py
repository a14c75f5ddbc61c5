"""A small real web site on loopback, a real store, and a way to crawl the one into the other."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import threading
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crawlers.privacy import Pseudonyms
from crawlers.run import Collected, crawl_forever, crawl_once, run_crawl
from qingting.config import CrawlConfig, SourceConfig, StoreConfig
from qingting.store import Store, open_store

NOON = datetime(2026, 9, 22, 4, 0, tzinfo=UTC)
KEY = b"a key for tests only, 32 bytes.."
TYPES = {".xml": "application/xml", ".json": "application/json", ".html": "text/html"}


@dataclass(frozen=True)
class Page:
    """What the site answers at one path."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0


class Site:
    """A web site: pages by path (with or without query), and the requests it has seen."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page | Callable[[Mapping[str, str]], Page]] = {}
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.stopping = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        if tls is not None:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = int(self.server.server_address[1])
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        """Return the site's address without a path."""
        return f"http://127.0.0.1:{self.port}"

    @staticmethod
    def page(body: str | bytes = b"", **fields: object) -> Page:
        """Return a page; texts are UTF-8 HTML."""
        return Page(body.encode() if isinstance(body, str) else body, **fields)  # type: ignore[arg-type]

    def put(self, path: str, body: str | bytes = b"", **fields: object) -> None:
        """Put a page at a path."""
        self.pages[path] = self.page(body, **fields)

    def put_folder(self, folder: Path) -> None:
        """Put every file of a folder at its own path."""
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                kind = TYPES.get(file.suffix, "application/octet-stream")
                raw = file.read_bytes().replace(b"{site}", self.address.encode())
                self.put(f"/{file.relative_to(folder)}", raw, headers={"Content-Type": kind})

    def asked(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(1 for each, _ in self.requests if each == path)

    def close(self) -> None:
        """Stop serving."""
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append((self.path, dict(self.headers)))
                page = site.pages.get(self.path) or site.pages.get(self.path.partition("?")[0]) or Page(status=404)
                page = page(dict(self.headers)) if callable(page) else page
                site.stopping.wait(page.delay)
                try:
                    self.send_response(page.status)
                    for name, value in {"Content-Type": "text/html", **page.headers}.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(page.body)))
                    self.end_headers()
                    if page.status != 304:
                        self.wfile.write(page.body)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *args: object) -> None:
                pass

        return Handler


class Clock:
    """A clock that stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        """Go on by so much."""
        self.now += timedelta(**delta)


@dataclass
class Desk:
    """One site, one store, one home, one clock, and `crawl`."""

    site: Site
    store: Store
    home: Path
    clock: Clock
    settings: CrawlConfig
    keep: timedelta | None = None

    def source(self, kind: str, path: str, **fields: object) -> SourceConfig:
        """Return a source on the site."""
        options = fields.pop("options", {})
        return SourceConfig(
            id=str(fields.pop("id", kind)),
            kind=kind,
            address=path if "://" in path else f"{self.site.address}{path}",
            assessment="test",
            options=options,  # type: ignore[arg-type]
            **fields,  # type: ignore[arg-type]
        )

    def crawl(self, *sources: SourceConfig) -> list[Collected]:
        """Run the sources once."""
        clock, pseudonyms = self.clock, Pseudonyms(KEY)
        return run_crawl(
            crawl_once(
                sources, self.settings, self.store, self.home, clock, pseudonyms, holder="this test", keep=self.keep
            )
        )

    async def crawl_for_good(self, sources: Sequence[SourceConfig], stop: asyncio.Event) -> None:
        """Run the sources by their cadence until told to stop."""
        clock, pseudonyms = self.clock, Pseudonyms(KEY)
        await crawl_forever(sources, self.settings, self.store, self.home, clock, pseudonyms, stop, holder="this test")

    def posts(self) -> list[object]:
        """Return every stored post."""
        from qingting.store import Search

        return [hit.post for hit in self.store.posts.search(Search(limit=1000)).hits]


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site on loopback."""
    site = Site()
    site.put("/robots.txt", "User-agent: *\nDisallow: /private/\n")
    yield site
    site.close()


@pytest.fixture
def desk(site: Site, tmp_path: Path) -> Iterator[Desk]:
    """Everything a crawl needs."""
    store = open_store(StoreConfig(), tmp_path, cut=lambda text: text.split())
    settings = CrawlConfig(allow_loopback_ports=(site.port,), timeout_seconds=5.0)
    yield Desk(site, store, tmp_path, Clock(), settings)
    store.close()


@pytest.fixture
def sample(request, desk, tmp_path):
    """A source of the kind that the test asks for, with its sample (see test_kinds.py) in place."""
    folder = Path(__file__).parent / "data" / "kinds" / request.param
    if (folder / "site").is_dir():
        desk.site.put_folder(folder / "site")
        index = [path for path in desk.site.pages if path.endswith("/index.html")]
        desk.site.pages |= {path.removesuffix("index.html"): desk.site.pages[path] for path in index}
    if (folder / "routes.toml").is_file():
        for path, name in tomllib.loads((folder / "routes.toml").read_text(encoding="utf-8")).items():
            raw = (folder / "routed" / name).read_bytes().replace(b"{site}", desk.site.address.encode())
            desk.site.put(path, raw, headers={"Content-Type": "application/json"})
    if (folder / "folder").is_dir():
        shutil.copytree(folder / "folder", tmp_path / "drop")
    text = (folder / "source.toml").read_text(encoding="utf-8")
    text = text.replace("{site}", desk.site.address).replace("{folder}", str(tmp_path / "drop"))
    return SourceConfig(id="sample", kind=request.param, assessment="test", **tomllib.loads(text))


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Waits for something that another process or thread does; gives up after 20 seconds."""

    def wait(condition: Callable[[], bool]) -> None:
        for _ in range(400):
            if condition():
                return
            time.sleep(0.05)
        raise AssertionError("it did not happen within 20 seconds")

    return wait
