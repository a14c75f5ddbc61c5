"""What every document form is: a name, a version of its wording, and a pure function that fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from qingting.model import Draft, Event, Fact, Post, Reading
from responders.material import Office

Compose = Callable[
    [Event, Sequence[Post], Mapping[str, Reading], Sequence[Fact], Office, int, datetime, str],
    Draft,
]


@dataclass(frozen=True)
class Form:
    """A kind of document (文种)."""

    id: str
    name: str
    compose: Compose
