"""URLs as identity: two spellings of one address are one page."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

# Parameters that say how a reader came, not what is read.
TRACKING = re.compile(
    r"(?:utm_\w+|spm|scm|from|isappinstalled|share_\w+|sharer\w*|_t|timestamp|wxshare\w*)\Z", re.IGNORECASE
)
DEFAULT_PORTS = {"http": 80, "https": 443}


def normalised(url: str) -> str:
    """Return the form of a URL that identifies a page: no scheme, fragment, default port or tracking parameters."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return url.strip()
    host = (parts.hostname or "").lower().rstrip(".")
    if port is not None and port != DEFAULT_PORTS.get(parts.scheme.lower()):
        host = f"{host}:{port}"
    query = urlencode([(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not TRACKING.match(k)])
    path = quote(unquote(parts.path), safe="/:@!$&'()*+,;=~-._%") or "/"
    return urlunsplit(("", host, path, query, "")).removeprefix("//")
