"""What a rule is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from alerts.baseline import History
from qingting.config import AlertsConfig
from qingting.model import Event, Level, Membership, Post, Reading, Step


@dataclass(frozen=True, slots=True)
class Case:
    """An event as a rule sees it.

    `fresh` are the members that this batch added, earliest first, with their readings; `members` are all members,
    earliest first, whose posts `posts` holds (at least all of the rolling windows around the fresh ones).
    """

    event: Event
    fresh: Sequence[tuple[Post, Reading]]
    members: Sequence[Membership]
    posts: Mapping[str, Post]
    history: History
    settings: AlertsConfig


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says about an event: the steps it asked; and where all held, since when, on which posts, how grave.

    `at` is the time of the post that tipped the rule, None where the rule did not fire. `quote` is the sentence that
    fired, '' for rules that read no sentences.
    """

    steps: tuple[Step, ...]
    at: datetime | None = None
    level: Level = Level.BLUE
    post_ids: tuple[str, ...] = ()
    quote: str = ""


class Rule(Protocol):
    """One rule of the duty desk."""

    name: str
    label: str

    def ask(self, case: Case) -> Answer:
        """Return whether the event calls for an alert, with every question asked on the way."""
