"""What a draft is made of and checked against: nothing else may reach its text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from qingting.model import Event, Fact, Post, Reading


@dataclass(frozen=True)
class Office:
    """In whose name a draft is written (发布单位), and where the public can call it (举报、咨询电话)."""

    name: str
    telephone: str


@dataclass(frozen=True)
class Material:
    """An event with the posts, readings and facts known at `now`, and the office that answers."""

    event: Event
    posts: tuple[Post, ...]
    readings: Mapping[str, Reading]
    facts: tuple[Fact, ...]
    office: Office
    now: datetime
