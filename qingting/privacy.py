"""Hiding personal data inside texts before people see them.

Every mask keeps the length of what it hides, so that offsets into the text (regions, organisations, highlights)
still hold on the masked one. The stored text is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

STAR = "*"

# Full-width forms stand at a fixed distance from ASCII: a text is compared in its ASCII form, character by character.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}

# Numbers in addresses of pages are identifiers of posts and accounts, and masking them would break the links.
_ADDRESS = re.compile(r"https?://[\x21-\x7e]+", re.ASCII | re.IGNORECASE)

# GB 11643: 6 digits of place, 8 of birth, 3 of sequence, 1 check; the check digit is not required, since what people
# type is often wrong in one digit and identifies them all the same. The 15-digit form was issued until 1999.
_IDENTITY = re.compile(
    r"(?<!\d)[1-9]\d{5}[ -]?(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ -]?\d{3}[\dXx](?!\d)"
    r"|(?<!\d)[1-9]\d{16}[Xx](?![0-9A-Za-z])"
    r"|(?<!\d)[1-9]\d{5}\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}(?!\d)",
    re.ASCII,
)
# A mobile number, with or without +86 and with the usual gaps; not the digits of an amount or a decimal.
_PHONE = re.compile(
    r"(?<!\d)(?<!\d\.)(?:\+?86[ -]?)?(1[3-9]\d[ -]?\d{4}[ -]?\d{4})(?!\d)(?!\.\d)(?! ?[多余]?[元万亿吨])", re.ASCII
)
# Chinese cards begin with 3 to 6 (a date or timestamp begins with 1 or 2) and satisfy the Luhn check.
_CARD = re.compile(r"(?<!\d)(?<!\d\.)[3-6](?:\d{15,18}|\d{3}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?)(?!\d)(?!\.\d)", re.ASCII)
_EMAIL = re.compile(r"(?<![\w.+%-])([\w.+%-]{1,64}+)@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}", re.ASCII)
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·•・ -]?"
    r"(?=[A-HJ-NP-Z]{0,2}\d)([A-HJ-NP-Z0-9]{4,5}[A-HJ-NP-Z0-9挂学警港澳])(?![A-Za-z0-9])",
    re.IGNORECASE,
)

Span = tuple[int, int]


def mask_personal(text: str) -> str:
    """Return a text with phone, identity and card numbers, e-mail addresses and licence plates partly starred out.

    A phone number keeps 3 and 4 characters, an identity number 6 and 4, a card its last 4, an e-mail address its
    first character and its domain, a plate its place and its last 2. The result has the length of the text.
    """
    # Addresses are looked for in the text itself: a full-width comma ends one.
    plain = _ADDRESS.sub(lambda match: "\0" * len(match.group()), text).translate(_HALF_WIDTH)
    hidden: set[int] = set()
    for find in (_identities, _phones, _cards, _emails, _plates):
        for place in find(plain):
            hidden.update(range(*place))
    if not hidden:
        return text
    return "".join(STAR if at in hidden and character not in " -" else character for at, character in enumerate(text))


def _identities(text: str) -> Iterable[Span]:
    return (_middle(text, match.span(), 6, 4) for match in _IDENTITY.finditer(text))


def _phones(text: str) -> Iterable[Span]:
    return (_middle(text, match.span(1), 3, 4) for match in _PHONE.finditer(text))


def _cards(text: str) -> Iterable[Span]:
    return (_middle(text, match.span(), 0, 4) for match in _CARD.finditer(text) if _luhn(match.group()))


def _emails(text: str) -> Iterable[Span]:
    return (_middle(text, match.span(1), 1 if len(match.group(1)) > 1 else 0, 0) for match in _EMAIL.finditer(text))


def _plates(text: str) -> Iterable[Span]:
    return (_middle(text, match.span(1), 0, 2) for match in _PLATE.finditer(text))


def _middle(text: str, span: Span, head: int, tail: int) -> Span:
    """Return the part of a span between its first `head` and its last `tail` characters, gaps not counted."""
    start, end = span
    return _after(text, range(start, end), head), _after(text, range(end - 1, start - 1, -1), tail, 1)


def _after(text: str, places: range, count: int, shift: int = 0) -> int:
    """Return the place reached after passing `count` characters that are no gap."""
    for place in places:
        if count == 0:
            return place + shift
        count -= text[place] not in " -"
    return places.stop + shift


def _luhn(number: str) -> bool:
    """Return whether a number satisfies the check that every bank card does (ISO/IEC 7812-1)."""
    digits = [int(character) for character in reversed(number) if character.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0
