"""The back ends that the contract suites run against, and posts and readings to fill them with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qingting.config import StoreConfig
from qingting.model import Channel, Matter, Post, Reading, Region, Sentiment, Target, Topic
from qingting.store import Store, open_store

MORNING = datetime(2025, 3, 1, 1, tzinfo=UTC)
"""Nine in the morning in Shanghai."""


def cut(text: str) -> list[str]:
    """Cut into single Chinese characters and runs of the rest; 的 counts as too common to be indexed."""
    return [word for word in re.findall(r"[一-鿿]|[^\s一-鿿,。!?、:]+", text) if word != "的"]


def open_sqlite_store(home: Path, timezone: str = "Asia/Shanghai") -> Store:
    """Open both halves in one SQLite file."""
    return open_store(StoreConfig(), home, cut, timezone)


# Another back end joins every test below by one line here: a function of a home and a zone that returns a store.
BACK_ENDS: dict[str, Callable[..., Store]] = {"sqlite": open_sqlite_store}

Opener = Callable[..., Store]


@pytest.fixture(params=sorted(BACK_ENDS))
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Open a back end's store in a fresh home, as often as a test asks; all are closed at the end."""
    opened = []

    def open_one(timezone: str = "Asia/Shanghai") -> Store:
        opened.append(BACK_ENDS[request.param](tmp_path / "home", timezone))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


@pytest.fixture
def store(opener: Opener) -> Store:
    """Return an empty store."""
    return opener()


@pytest.fixture
def make_post() -> Callable[..., Post]:
    """Return a maker of posts: its number gives its id and its minute after nine in the morning."""

    def make(number: int, text: str = "河水发臭", **others: object) -> Post:
        values: dict[str, object] = {
            "source": "weibo",
            "source_id": str(number),
            "channel": Channel.SOCIAL,
            "fetched_at": MORNING + timedelta(days=1),
            "published_at": MORNING + timedelta(minutes=number),
        }
        return Post(id=f"p{number}", text=text, **{**values, **others})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_reading() -> Callable[..., Reading]:
    """Return a maker of readings by a post's id."""

    def make(post_id: str, **others: object) -> Reading:
        values: dict[str, object] = {
            "model": "reader-1",
            "read_at": MORNING + timedelta(days=2),
            "relevant": True,
            "relevance": 0.9,
            "sentiment": Sentiment.NEGATIVE,
            "score": -0.5,
            "topic": Topic.WATER,
            "matter": Matter.COMPLAINT,
            "target": Target.POLLUTER,
        }
        regions = tuple(Region(code, "某地", 0, 2) for code in others.pop("codes", ()))  # type: ignore[attr-defined]
        return Reading(post_id=post_id, **{"regions": regions, **values, **others})  # type: ignore[arg-type]

    return make
