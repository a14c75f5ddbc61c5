from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from nlp.reader import Place, Reader, open_reader
from qingting.model import Channel, Post

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLACES = (
    Place("990100", "清源市"),
    Place("990102", "临河区", "990100"),
    Place("990100-qingshui", "清水河", "990100"),
)

MakePost = Callable[..., Post]


@pytest.fixture(scope="session")
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def places() -> tuple[Place, ...]:
    return PLACES


@pytest.fixture(scope="session")
def post() -> MakePost:
    def make(text: str, **others: str) -> Post:
        return Post(others.pop("id", "p1"), "test", "1", Channel.SOCIAL, text, NOW, **others)

    return make


@pytest.fixture(scope="session")
def reader() -> Reader:
    return open_reader(places=PLACES)


@pytest.fixture(scope="session")
def lexicon_reader() -> Reader:
    return open_reader("lexicon", places=PLACES)
