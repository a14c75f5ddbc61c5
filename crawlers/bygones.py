"""Bygones: what a source still shows although the store has forgotten it, or would as soon as it had it.

What is older than posts are kept is not taken. A post without a time of its own cannot be told from a new one once it
is forgotten, so its id is remembered from when it is taken; likewise the ids of what was too old, for most listings
give no times and their articles would be asked for again in every run. Both are remembered with the source's cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime

from qingting.model import Post

# The latest to be seen, so that what is still listed stays; listings show some hundreds, 10,000 ids are 240 KB of JSON.
MOST_REMEMBERED = 10_000

Known = Callable[[Collection[str]], set[str]]


class Bygones:
    """What one source is known to show that must not be taken, or not again."""

    def __init__(self, stored: Known, oldest: datetime | None, remembered: object) -> None:
        self._stored = stored
        self._oldest = oldest
        self._before = frozenset(_ids(remembered))
        self._remembered = dict.fromkeys(_ids(remembered))

    def known(self, ids: Collection[str]) -> set[str]:
        """Return those of the ids that are stored, or that need not be asked for."""
        bygone = [each for each in ids if each in self._remembered]
        for each in bygone:
            self._remember(each)
        return self._stored(ids) | set(bygone)

    def is_bygone(self, post: Post) -> bool:
        """Return whether a post must not be taken; its id is remembered if a later run could not tell."""
        if self._oldest is not None and post.at < self._oldest:
            self._remember(post.id)
            return True
        if post.published_at is None:
            self._remember(post.id)
            return post.id in self._before
        return False

    def as_json(self) -> list[str]:
        """Return what is to be remembered, as JSON for the cursor."""
        return list(self._remembered)[-MOST_REMEMBERED:]

    def _remember(self, post_id: str) -> None:
        self._remembered.pop(post_id, None)
        self._remembered[post_id] = None


def _ids(remembered: object) -> Iterator[str]:
    if isinstance(remembered, list):
        yield from (each for each in remembered if isinstance(each, str))
