"""From bytes to text on the Chinese web, where labels lie in both directions.

Pages labelled gb2312 hold GBK and GB18030 characters, servers send charset=ISO-8859-1 over GBK pages, and pages
labelled GB2312 turn out to be UTF-8. What the bytes themselves prove counts more than what anybody says.
"""

from __future__ import annotations

import codecs
import re

DECLARED = re.compile(
    rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w:.-]+)|<\?xml[^>]+encoding\s*=\s*["']([\w:.-]+)["']""", re.IGNORECASE
)
# A declaration further down than this is not looked at by browsers either (1,024 bytes; scripts push it down in fact).
HEAD_BYTES = 8192
# One character in two hundred: UTF-8 pages cut off or with a few stray bytes are far below it, GBK read as UTF-8 loses
# nearly every character.
TOLERATED = 0.005
BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# What Chinese pages mean when they say so; Latin-1 and ASCII are what servers send that know nothing.
MEANT = {"gb2312": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "gb_2312-80": "gb18030", "big5": "big5hkscs"}
KNOWS_NOTHING = frozenset({"iso8859-1", "ascii", "cp1252"})


def decoded(body: bytes, http_charset: str | None = None) -> str:
    """Return the text of an HTML, XML or JSON body; characters that fit no charset become U+FFFD."""
    for mark, name in BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    lossy = body.decode("utf-8", "replace")
    if lossy.count("\ufffd") <= TOLERATED * len(lossy):
        return lossy
    for name in (*_declared(body), *([http_charset] if http_charset else []), "gb18030"):
        codec = _codec(name)
        if codec is None:
            continue
        text = body.decode(codec, "replace")
        if text.count("\ufffd") <= TOLERATED * len(text):
            return text
    return body.decode("gb18030", "replace")


def _declared(body: bytes) -> list[str]:
    return [(first or second).decode("ascii") for first, second in DECLARED.findall(body[:HEAD_BYTES])]


def _codec(name: str) -> str | None:
    """Return Python's name for a label, None for an unknown one and for one that says nothing."""
    try:
        found = codecs.lookup(MEANT.get(name.lower(), name)).name
    except (LookupError, ValueError):
        return None
    return None if found in KNOWS_NOTHING or found == "utf-8" else found
