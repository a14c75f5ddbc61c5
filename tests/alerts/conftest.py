"""A real store, posts with hand-made readings, and a desk that groups and alerts as the work role does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerts.detect import detect
from alerts.grouping import Grouper
from nlp.segment import cut
from qingting.config import AlertsConfig, ReceiverConfig, Secret, StoreConfig
from qingting.model import (
    SHANGHAI,
    Alert,
    Channel,
    Event,
    Matter,
    Organisation,
    Post,
    Reading,
    Region,
    Sentiment,
    Target,
    Topic,
    stable_id,
)
from qingting.store import Store, open_store

MIDNIGHT = datetime(2026, 9, 22, tzinfo=SHANGHAI)
PLACES = {"990102": "临河区", "990103": "东湖区", "990104": "高新区"}


@dataclass(frozen=True)
class Said:
    """A post and its reading."""

    post: Post
    reading: Reading


Say = Callable[..., Said]


@pytest.fixture
def say() -> Say:
    """Return what makes a post with its reading; everything but the text has a plain default."""
    return make


def make(
    text: str,
    hour: float = 12.0,
    *,
    by: str = "",
    title: str = "",
    words: Sequence[str] = (),
    place: str = "",
    company: str = "",
    matter: Matter = Matter.COMPLAINT,
    topic: Topic = Topic.WATER,
    mood: Sentiment = Sentiment.NEGATIVE,
    relevant: bool = True,
    relevance: float | None = None,
    dated: bool = True,
    parent: Said | None = None,
    channel: Channel = Channel.SOCIAL,
    fingerprint: int = 0,
    embedding: bytes = b"",
) -> Said:
    """Return a post said `hour` hours after midnight of 22 September 2026, with a reading of these features."""
    at = MIDNIGHT + timedelta(hours=hour)
    author = by or stable_id("w", text, str(hour))
    identifier = stable_id("p", text, str(hour), author)
    post = Post(
        id=identifier,
        source="weibo",
        source_id=identifier,
        channel=channel,
        text=text,
        title=title,
        fetched_at=at,
        published_at=at if dated else None,
        author_key=author,
        parent_id=parent.post.id if parent else "",
    )
    reading = Reading(
        post_id=identifier,
        model="hand",
        read_at=at,
        relevant=relevant,
        relevance=(0.9 if relevant else 0.0) if relevance is None else relevance,
        sentiment=mood,
        score=-0.8,
        topic=topic if relevant else Topic.NONE,
        matter=matter if relevant else Matter.NONE,
        target=Target.POLLUTER,
        keywords=tuple(words),
        regions=(Region(place, PLACES[place], 0, 0),) if place else (),
        organisations=(Organisation(company, "enterprise", 0, 0),) if company else (),
        fingerprint=fingerprint,
        embedding=embedding,
    )
    return Said(post, reading)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Yield a fresh store."""
    opened = open_store(StoreConfig(), tmp_path, cut)
    yield opened
    opened.close()


@dataclass
class Desk:
    """Takes posts in as the work role does: grouped, alert-checked and marked read, in one transaction."""

    store: Store
    settings: AlertsConfig
    grouper: Grouper
    alerts: list[Alert] = field(default_factory=list)

    def hear(self, *said: Said, now: datetime | None = None) -> list[Event]:
        """Work one batch of posts and return the events touched."""
        posts = [each.post for each in said]
        readings = {each.post.id: each.reading for each in said}
        moment = now or max(post.at for post in posts)
        self.store.posts.append(posts)
        with self.store.transaction():
            events = self.grouper.group(posts, readings, moment)
            self.alerts += detect(self.store, events, posts, readings, self.settings, moment, PLACES)
            self.store.posts.save_readings(list(readings.values()))
        return events

    def event_of(self, said: Said) -> str:
        """Return the id of the event that holds a post, '' for none."""
        return self.store.cases.events.event_of([said.post.id]).get(said.post.id, "")

    def together(self, *said: Said) -> bool:
        """Return whether all posts are in one event."""
        homes = {self.event_of(each) for each in said}
        return len(homes) == 1 and "" not in homes

    def restarted(self) -> Desk:
        """Return a desk with an empty memory over the same store, as another process would have it."""
        return Desk(self.store, self.settings, Grouper(self.store.cases, self.settings.grouping), self.alerts)


RECEIVERS = (
    ReceiverConfig("值班室", "webhook", Secret("http://127.0.0.1:1/duty?token=s3cret"), "blue"),
    ReceiverConfig("局领导", "webhook", Secret("http://127.0.0.1:1/chief"), "orange"),
)


@pytest.fixture
def desk(store: Store) -> Desk:
    """Return a desk with two receivers, one for everything and one from orange on."""
    settings = AlertsConfig(receivers=RECEIVERS)
    return Desk(store, settings, Grouper(store.cases, settings.grouping))
