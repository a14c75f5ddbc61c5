"""The posts as one page asks for them: where they are away, the page opens without them and says since when."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from qingting.doctor import posts_away
from qingting.errors import StoreError
from qingting.store import Posts, Store

Answer = TypeVar("Answer")


class PostsAtHand:
    """Asks the posts until they fail once: no page waits twice for a server that is silent.

    `stale` is '' while they answer, and then what people are told.
    """

    def __init__(self, store: Store, stale: str) -> None:
        self._store = store
        self.stale = stale

    def ask(self, question: Callable[[Posts], Answer], otherwise: Answer) -> Answer:
        """Return the answer to a question, or something else while there is none."""
        if not self.stale:
            try:
                return question(self._store.posts)
            except StoreError as error:
                self.stale = posts_away(self._store.cases.records.last_answer(), error.message)
        return otherwise
