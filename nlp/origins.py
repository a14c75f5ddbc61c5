"""Who said it first: a near-duplicate of what another voice said before points to the first post that said it.

A voice is a source, or one author of it where both authors are known: a bulletin that an office publishes anew every
day, with other figures in the same words, is no copy of yesterday's. Only what is no later can be an origin, so that
an original which is collected after its copies keeps its own standing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nlp.fingerprint import NEAR, distance
from qingting.model import Post, Reading

# What is taken up again after a week is a matter of its own; events too end after so long.
WINDOW = timedelta(days=7)
# Shorter passages (河水发臭，谁来管管) are said by many who never read one another.
TELLING = 30
# The nearest and earliest of what is alike are enough: beyond them stand the origin's other copies.
CONSIDERED = 8
MOMENT = timedelta(milliseconds=1)

Similar = Callable[[int, int, datetime, datetime], Sequence[tuple[str, int]]]
"""(fingerprint, distance, since, until) -> (post id, distance) of what was read before, nearest, then earliest."""


@dataclass(frozen=True, slots=True)
class Known:
    """A post that may be an origin, and the id of the post that it is a copy of, '' where it is none."""

    post: Post
    origin: str = ""


Look = Callable[[Collection[str]], Mapping[str, Known]]
"""Finds posts that were read before, by id; those that are not there are left out."""


def first_seen(posts: Sequence[Post], readings: Mapping[str, Reading], similar: Similar, look: Look) -> dict[str, str]:
    """Return for each post of a batch that is a copy the id of the first post that said the same.

    What is returned is never a copy itself: an origin's own origin is followed to the first one.
    """
    telling = [post for post in posts if readings[post.id].fingerprint and len(post.passage) >= TELLING]
    alike = {post.id: _before(post, readings[post.id], similar) for post in telling}
    known = dict(look({other for each in alike.values() for other, _ in each}))
    known |= look({each.origin for each in known.values() if each.origin} - known.keys())
    earlier: list[Post] = []
    for post in sorted(telling, key=lambda each: (each.at, each.fetched_at, each.id)):
        bits = readings[post.id].fingerprint
        beside = ((other.id, distance(bits, readings[other.id].fingerprint)) for other in earlier)
        found = [*alike[post.id], *(each for each in beside if each[1] <= NEAR)]
        candidates = sorted(
            ((bits, known[other].post.at, other) for other, bits in found if other in known),
        )
        known[post.id] = Known(post, _origin(post, [known[other] for _, _, other in candidates], known))
        earlier.append(post)
    return {post.id: known[post.id].origin for post in telling if known[post.id].origin}


def _before(post: Post, reading: Reading, similar: Similar) -> list[tuple[str, int]]:
    """Return the nearest of what was read before and is no later than a post, without the post itself."""
    found = similar(reading.fingerprint, NEAR, post.at - WINDOW, post.at + MOMENT)
    return [each for each in found if each[0] != post.id][:CONSIDERED]


def _origin(post: Post, candidates: Sequence[Known], known: Mapping[str, Known]) -> str:
    """Return the id of the first post that said what a post says, '' if no other voice said it before."""
    for candidate in candidates:
        first = known.get(candidate.origin, candidate)
        if first.post.at <= post.at and _are_two(post, candidate.post) and _are_two(post, first.post):
            return first.post.id
    return ""


def _are_two(one: Post, other: Post) -> bool:
    """Return whether two posts are of different voices."""
    if one.source != other.source:
        return True
    return bool(one.author_key and other.author_key) and one.author_key != other.author_key
