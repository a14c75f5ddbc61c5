"""Values of foreign JSON and tables, as clean text and counts; anything that is neither comes out empty."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

# Line ends and tabs are text, other control characters are not; a NUL ends the string in some back ends.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028\u2029\ufeff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_COUNT = re.compile(r"(\d{1,12}(?:\.\d{1,4})?)([万萬wW亿億])?\+?", re.ASCII)
_UNITS = {"万": 10**4, "萬": 10**4, "w": 10**4, "亿": 10**8, "億": 10**8}
# No post on earth was liked as often; the back ends' integers end at 2**63.
LARGEST_COUNT = 10**12


def text_of(value: object) -> str:
    """Return a value as text that any store can hold: stripped, without control characters or lone surrogates.

    Whole numbers come without a decimal point (tables keep identifiers as floats); other types give ''.
    """
    if isinstance(value, bool):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float):
        # Python refuses to print integers of more than 4,300 digits, and no field of ours has as many as 100.
        return str(value) if abs(value) < 10**100 else ""
    if not isinstance(value, str):
        return ""
    if _SURROGATE.search(value):
        # Halves that stand side by side make one character; lone ones are replaced.
        value = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _CONTROL.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()


def count_of(value: object) -> int | None:
    """Return a count as sites write it (12, "1.2万+", "3亿", "12,345"), None where it is none."""
    match = _COUNT.fullmatch(text_of(value).replace(",", "").replace(" ", ""))
    if match is None:
        return None
    count = int(Decimal(match[1]) * _UNITS.get((match[2] or "").lower(), 1))
    return count if count <= LARGEST_COUNT else None


def object_of(value: object) -> Mapping[str, object]:
    """Return a JSON object, or an empty one in the place of anything else."""
    return value if isinstance(value, dict) else {}


def objects_of(value: object) -> list[Mapping[str, object]]:
    """Return the objects in a JSON list, or in an object that stands for a list ({"0": {...}})."""
    values = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [each for each in values if isinstance(each, dict)]
