"""The pace at which each host is asked, kept per process: two sources on one host cannot add up to a faster one."""

from __future__ import annotations

import asyncio

# No configuration makes us ask a host more often than once a second; most robots.txt that name a delay ask for more.
SHORTEST_DELAY = 1.0
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


class Pace:
    """When each host may be asked next; one object serves all runs of a process."""

    def __init__(self, delay: float) -> None:
        self.delay = max(delay, SHORTEST_DELAY)
        self._delays: dict[str, float] = {}
        self._free_at: dict[str, float] = {}

    def slow_down(self, host: str, delay: float) -> None:
        """Wait at least this many seconds between requests to a host from now on."""
        self._delays[host] = max(delay, self.delay)

    def is_free(self, host: str) -> bool:
        """Return whether a host needs no pause: loopback is our own machine, unless its robots.txt asks for one.

        This is the one place that says so; which loopback ports may be asked at all is another matter (addresses).
        """
        return host in LOOPBACK_NAMES and host not in self._delays

    def reserve(self, host: str, now: float) -> float:
        """Return how many seconds a request has to wait from `now` (in seconds of any clock), and take that turn."""
        if self.is_free(host):
            return 0.0
        turn = max(now, self._free_at.get(host, now))
        self._free_at[host] = turn + self._delays.get(host, self.delay)
        return turn - now

    async def wait(self, host: str) -> None:
        """Return when it is this request's turn."""
        seconds = self.reserve(host, asyncio.get_running_loop().time())
        if seconds:
            await asyncio.sleep(seconds)
