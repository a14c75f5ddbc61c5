"""Which addresses may be asked at all (SSRF): the scheme and host of every request, and every resolved IP address.

A configured source, a link in a page and a redirect are all outside input. The middleware refuses what can be seen
in the URL; the resolver refuses at the moment of connecting, so that a name that changes its answer (rebinding)
gains nothing. Loopback is open only at the ports that the configuration lists, for tests and the demo.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress, IHostnameResolver
from zope.interface import implementer

from crawlers.kinds import Refused, spider_of
from crawlers.pace import LOOPBACK_NAMES

# Carrier-grade NAT (RFC 6598): is_global is false for it, is_private too, so it is named in the message by itself.
SHARED = ipaddress.ip_network("100.64.0.0/10")
# 6to4 and Teredo wrap an IPv4 address that is_global does not look at; nobody publishes news there.
WRAPPING = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"), ipaddress.ip_network("64:ff9b::/96"))
RESOLVE_SECONDS = 10.0

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


def is_allowed_address(text: str, port: int, loopback_ports: Sequence[int]) -> bool:
    """Return whether an IP address may be connected to: public ones, and loopback at a listed port."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if any(address in network for network in WRAPPING):
            return False
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return port in loopback_ports
    return address.is_global and not address.is_multicast and not address.is_reserved and address not in SHARED


def check_url(url: str, loopback_ports: Sequence[int]) -> None:
    """Raise Refused for a URL that must not be requested, as far as the URL itself tells."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Refused("failing", f"网址写法不对：{url}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused("failing", f"只采集 http 和 https 网址：{url}")
    if parts.username is not None:
        raise Refused("failing", f"网址里不能带用户名和密码：{parts.hostname}")
    try:
        allowed = is_allowed_address(parts.hostname, port, loopback_ports)
    except ValueError:
        return  # a name: judged when it is resolved
    if not allowed:
        raise Refused("failing", f"内网或保留地址，不予采集：{parts.hostname}:{port}")


class AddressMiddleware:
    """Checks every request before anything else sees it, redirects and robots.txt included."""

    def __init__(self, crawler: Crawler) -> None:
        self.task = spider_of(crawler).task

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> AddressMiddleware:
        """Return the middleware of a crawler."""
        return cls(crawler)

    def process_request(self, request: Request) -> None:
        """Let an allowed request pass; raises Refused."""
        check_url(request.url, self.task.loopback_ports)
        if not self.task.contact and urlsplit(request.url).hostname not in LOOPBACK_NAMES:
            raise Refused("failing", "还没有配置采集联系方式（config.toml 的 crawl.contact），不采集外部网站")


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host, by the system's resolver, in its order of preference."""
    loop = asyncio.get_running_loop()
    found = await asyncio.wait_for(loop.getaddrinfo(host, port, type=socket.SOCK_STREAM), RESOLVE_SECONDS)
    return [str(entry[4][0]) for entry in found]


@implementer(IHostnameResolver)
class GuardedResolver:
    """Twisted's name resolution, on asyncio, giving out only addresses that may be connected to.

    One forbidden address among a name's answers condemns the name: no honest site mixes them.
    """

    def __init__(self, loopback_ports: Sequence[int], ask: Resolve = resolve) -> None:
        self.loopback_ports = tuple(loopback_ports)
        self.ask = ask
        self._asking: set[asyncio.Task[None]] = set()

    def resolveHostName(  # noqa: N802 - Twisted's interface, whose zope types mypy cannot follow
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Sequence[type[IAddress]] | None = None,  # noqa: N803, ARG002
        transportSemantics: str = "TCP",  # noqa: N803, ARG002
    ) -> HostResolution:
        """Report the allowed addresses of a host to the receiver; none for one that must not be reached."""
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        task = asyncio.ensure_future(self._report(resolutionReceiver, hostName, portNumber))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)
        return resolution

    async def _report(self, receiver: Any, host: str, port: int) -> None:
        for address in await self.addresses(host, port):
            family = IPv6Address if ":" in address else IPv4Address
            receiver.addressResolved(family("TCP", address, port))
        receiver.resolutionComplete()

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses that may be connected to; empty if the name is unknown or any answer is forbidden."""
        try:
            found = list(dict.fromkeys(await self.ask(host, port)))
        except (OSError, TimeoutError, UnicodeError):
            return ()
        return found if all(is_allowed_address(each, port, self.loopback_ports) for each in found) else ()
