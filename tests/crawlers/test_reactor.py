"""The one event loop: usable again and again from outside, refused from inside a foreign one."""

from __future__ import annotations

import asyncio

import pytest

from crawlers.reactor import install_reactor, run_crawl


async def answer() -> int:
    """Return a number by way of the loop."""
    await asyncio.sleep(0)
    return 42


def test_coroutines_run_on_the_same_loop_as_often_as_wanted():
    async def loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert [run_crawl(answer()) for _ in range(3)] == [42, 42, 42]
    assert run_crawl(loop()) is run_crawl(loop()) is install_reactor()


def test_an_error_of_the_coroutine_comes_out_and_the_loop_stays_usable():
    async def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        run_crawl(broken())
    assert run_crawl(answer()) == 42


def test_a_foreign_running_loop_is_told_how_to_call():
    async def inside() -> None:
        install_reactor()

    run_crawl(answer())
    with pytest.raises(RuntimeError, match="run_crawl"):
        asyncio.run(inside())
