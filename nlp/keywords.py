"""Keywords."""
from __future__ import annotations
from nlp.segment import Word
def keywords(words, limit: int = 8) -> tuple[str, ...]:
    """Return keywords."""
    seen: dict[str, int] = {}
    for w in words:
        if len(w.text) > 1 and w.tag[:1] in ("n", "v"):
            seen[w.text] = seen.get(w.text, 0) + 1
    return tuple(sorted(seen, key=lambda w: -seen[w])[:limit])
