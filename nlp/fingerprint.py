"""A 64-bit near-duplicate fingerprint."""
from __future__ import annotations
import re
from zlib import crc32
import hashlib
_PLAIN = re.compile(r"[\W_]+")
def fingerprint(text: str) -> int:
    """Return the fingerprint of a cleaned text."""
    return int.from_bytes(hashlib.blake2b(_PLAIN.sub("", text).encode(), digest_size=8).digest(), "little")
def distance(a: int, b: int) -> int:
    """Return in how many of 64 bits two fingerprints differ."""
    return (a ^ b).bit_count()
