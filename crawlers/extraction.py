"""Article extraction in processes of its own: it is the dearest step of a crawl, and holds Python's lock throughout.

A worker is `python -m crawlers.extraction`: it reads pages from its standard input, one after the other, and writes
what they say to its standard output, a line of JSON each way with the page's bytes behind it. It imports nothing but
the extraction (45 MB and 0.2 s, where a forked or spawned copy of the whole program takes 160 MB and 1.5 s), and it
ends by itself when its input does, so that a crawl that is killed leaves none behind.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import BinaryIO

from crawlers.extract import Article, extract
from qingting.errors import CrawlError

Extract = Callable[[bytes, str, datetime, str | None], Awaitable[Article]]

log = logging.getLogger(__name__)

# The slowest of 67 saved pages takes 0.1 s; a page that takes this long was made to.
PATIENCE_SECONDS = 60.0
# A worker that died may have been killed by anybody; a page that two of them died of has done it itself.
TRIES = 2
# An article is one line, each character of it escaped; pages are capped at 16 MiB.
LONGEST_LINE = 128 * 1024 * 1024
# -P: what lies in the current directory is no program of ours.
WORKER = (sys.executable, "-P", "-m", "crawlers.extraction")
HINT = "请查看拒收记录里的原始网页。"


async def extract_here(html: bytes, url: str, fetched_at: datetime, http_charset: str | None) -> Article:
    """Return the article of a page, extracted in this process: for a few pages, and where nothing else waits."""
    return extract(html, url, fetched_at, http_charset)


@asynccontextmanager
async def extraction_pool(workers: int) -> AsyncIterator[Extract]:
    """Yield an `Extract` that keeps up to so many workers busy; each starts when a page needs it, all end here.

    A page that kills its workers, or keeps one for a minute, raises CrawlError(malformed), and nothing else suffers.
    """
    pool = _Pool(workers)
    try:
        yield pool.extract
    finally:
        await pool.close()


class _Pool:
    """Workers that are free, and permission to have more of them."""

    def __init__(self, workers: int) -> None:
        self._turns = asyncio.Semaphore(workers)
        self._free: list[Process] = []

    async def extract(self, html: bytes, url: str, fetched_at: datetime, http_charset: str | None) -> Article:
        """Return the article of a page from the next worker that is free. Raises CrawlError(malformed)."""
        question = {"url": url, "at": fetched_at.isoformat(), "charset": http_charset, "size": len(html)}
        async with self._turns:
            for _ in range(TRIES):
                worker = self._free.pop() if self._free else await _started()
                try:
                    answer = await asyncio.wait_for(_answer(worker, question, html), PATIENCE_SECONDS)
                except TimeoutError as error:
                    await _ended(worker)
                    raise CrawlError("页面无法抽取：一直抽取不完", reason="malformed", hint=HINT) from error
                except (OSError, EOFError):
                    log.warning("an extraction worker died over %s", url)
                    await _ended(worker)
                except BaseException:
                    # Half-way through an answer: the worker's next one would be to the wrong question.
                    await _ended(worker)
                    raise
                else:
                    self._free.append(worker)
                    return _article(answer)
        raise CrawlError("页面无法抽取：抽取进程因它退出", reason="malformed", hint=HINT)

    async def close(self) -> None:
        """End every worker; none has a page in hand when the crawl is over."""
        while self._free:
            await _ended(self._free.pop())


async def _started() -> Process:
    # In a session of its own, since Ctrl-C is for the crawl: it ends its workers when it has finished.
    return await asyncio.create_subprocess_exec(
        *WORKER, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
    )


async def _answer(worker: Process, question: Mapping[str, object], html: bytes) -> bytes:
    assert worker.stdin is not None  # noqa: S101 - both are pipes, see above
    assert worker.stdout is not None  # noqa: S101
    worker.stdin.write(json.dumps(question).encode() + b"\n")
    worker.stdin.write(html)
    await worker.stdin.drain()
    answer = await worker.stdout.readline()
    if not answer.endswith(b"\n"):
        raise EOFError
    return answer


async def _ended(worker: Process) -> None:
    with suppress(ProcessLookupError):
        worker.kill()
    await worker.wait()


def _article(answer: bytes) -> Article:
    said = json.loads(answer)
    written = said.pop("published_at")
    return Article(**said, published_at=datetime.fromisoformat(written) if written else None)


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """Answer questions until they end."""
    while line := questions.readline():
        question = json.loads(line)
        html = questions.read(question["size"])
        article = extract(html, question["url"], datetime.fromisoformat(question["at"]), question["charset"])
        moment = article.published_at
        said = {
            "title": article.title,
            "text": article.text,
            "published_at": moment.isoformat() if moment else None,
            "author": article.author,
            "source": article.source,
        }
        answers.write(json.dumps(said).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    # A service manager tells every process of a role to stop; the crawl decides when its workers may.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    serve(sys.stdin.buffer, sys.stdout.buffer)
