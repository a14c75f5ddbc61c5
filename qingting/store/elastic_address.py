"""Where an Elasticsearch cluster is and how one is let in, from the one URL in config.toml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from ssl import SSLError, create_default_context
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from elasticsearch import Elasticsearch

from qingting.errors import StoreError

DEFAULT_PREFIX = "qingting-posts"
DEFAULT_PORT = 9200

_PREFIX = re.compile(r"[a-z][a-z0-9_-]{0,99}")
"""What names of indexes may be made of, short enough for what we put behind it."""

_EXAMPLE = "形如 https://用户:口令@主机:9200/?index=qingting-posts，或 https://API密钥@主机:9200/。"


@dataclass(frozen=True, slots=True)
class Address:
    """Nodes of one cluster as plain URLs, how to be let in, the prefix of all index names, and a private CA's file."""

    nodes: tuple[str, ...]
    user: str
    secret: str
    prefix: str
    authorities: str


def is_address(text: str) -> bool:
    """Return whether a setting is meant as the address of a cluster."""
    return text.startswith(("http://", "https://"))


def parse_address(url: str) -> Address:
    """Return the address that a URL states: `https://user:password@host:9200,host2:9200/?index=prefix&ca=file`.

    A name without a password is an API key, as Kibana shows it. Raises StoreError(unsupported), never naming the URL.
    """
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise _unusable("写法有误。") from error
    credentials, _, hosts = parts.netloc.rpartition("@")
    user, has_password, secret = credentials.partition(":")
    if parts.path not in {"", "/"} or set(options) - {"index", "ca"} or not hosts:
        raise _unusable("只能写主机，以及 index、ca 两个参数。")
    prefix = options.get("index", [DEFAULT_PREFIX])[-1]
    if not _PREFIX.fullmatch(prefix):
        raise _unusable("index 只能用小写字母、数字、连字符和下划线，并以字母开头。")
    authorities = options.get("ca", [""])[-1]
    if authorities:
        _require_certificates(Path(authorities))
    names = [_node(parts.scheme, host) for host in hosts.split(",")]
    if credentials and parts.scheme == "http" and not all(map(_is_loopback, names)):
        raise _unusable("口令和密钥不能经未加密的 http 传送，请改用 https。")
    if has_password:
        return Address(tuple(names), unquote(user), unquote(secret), prefix, authorities)
    return Address(tuple(names), "", unquote(user), prefix, authorities)


def connect(address: Address, timeout_seconds: float) -> Elasticsearch:
    """Return a client that has not spoken to the cluster yet; certificates are verified.

    A request that a node cuts off goes to another one, for everything here may be sent twice; a request that is
    refused or too slow does not, since a busy cluster would only become busier.
    """
    private: dict[str, Any] = {"ca_certs": address.authorities} if address.authorities else {}
    return Elasticsearch(
        list(address.nodes),
        basic_auth=(address.user, address.secret) if address.user else None,
        api_key=address.secret if address.secret and not address.user else None,
        request_timeout=timeout_seconds,
        max_retries=max(1, len(address.nodes) - 1),
        retry_on_timeout=False,
        retry_on_status=(),
        **private,
    )


def _require_certificates(file: Path) -> None:
    """Raise StoreError(unsupported) unless a file holds certificates, which the client would find out too late."""
    if not file.is_file():
        raise _unusable("ca 所指的证书文件不存在。")
    try:
        create_default_context(cafile=file)
    except (SSLError, OSError) as error:
        raise _unusable("ca 所指的文件读不了，或其中没有 PEM 格式的证书。") from error


def _node(scheme: str, host: str) -> str:
    try:
        parts = urlsplit(f"{scheme}://{host}")
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise _unusable("端口有误。") from error
    if not parts.hostname:
        raise _unusable("缺少主机名。")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{scheme}://{name}:{port}"


def _is_loopback(node: str) -> bool:
    host = urlsplit(node).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _unusable(problem: str) -> StoreError:
    return StoreError(f"config.toml 的 store.posts 地址不可用：{problem}", reason="unsupported", hint=_EXAMPLE)
