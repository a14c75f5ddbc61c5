"""The one event loop that Scrapy and our own coroutines share.

Twisted's reactor is a process-wide thing that is bound to one asyncio loop for good, so a fresh loop per call
(`asyncio.run`) cannot crawl twice. `run_crawl` therefore runs every coroutine on the reactor's own loop, as often as
wanted; a caller that already runs a loop calls `install_reactor` inside it, once, before the first crawl.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet import asyncioreactor

T = TypeVar("T")


def install_reactor() -> asyncio.AbstractEventLoop:
    """Install Twisted's asyncio reactor on the running loop, or on a new one, and return its loop.

    Repeating it changes nothing. Raises RuntimeError if another kind of reactor was installed before, or if the
    reactor belongs to another loop than the one that is running.
    """
    running = _running_loop()
    if "twisted.internet.reactor" not in sys.modules:
        asyncioreactor.install(running or asyncio.new_event_loop())  # type: ignore[no-untyped-call]
    from twisted.internet import reactor  # noqa: PLC0415 - importing it is what installs a default reactor

    if not isinstance(reactor, asyncioreactor.AsyncioSelectorReactor):
        raise RuntimeError(f"Scrapy needs the asyncio reactor, but {type(reactor).__name__} is installed")
    loop: asyncio.AbstractEventLoop = reactor._asyncioEventloop
    if running is not None and running is not loop:
        raise RuntimeError("the reactor belongs to another event loop: call run_crawl from outside any loop")
    if not reactor.running:
        # Marks the reactor as started without giving it the loop: timers and sockets are driven by asyncio itself.
        reactor.startRunning(installSignalHandlers=False)
    return loop


def install_resolver(resolver: object) -> None:
    """Let all connections of the reactor resolve names through an IHostnameResolver."""
    from twisted.internet import reactor  # noqa: PLC0415 - see above

    reactor.installNameResolver(resolver)


def run_crawl(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that crawls to its end and return its result; call it from outside any event loop."""
    loop = install_reactor()
    # Scrapy asks for "the current loop" of the thread when it makes its tasks.
    asyncio.set_event_loop(loop)
    task = loop.create_task(coroutine)
    try:
        return loop.run_until_complete(task)
    except KeyboardInterrupt:
        # Ctrl-C stops the loop wherever it is: what the crawl holds is given back before the program ends.
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        raise


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
