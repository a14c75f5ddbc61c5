"""The open events side by side: which words, and which near-duplicate fingerprints, lead to which of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from alerts.profile import Profile
from alerts.texts import GENERIC, word_list

COMMON_SHARE = 0.125
"""How common a generic word is taken to be before anything was seen; the words of the list are in a twentieth to a
quarter of the posts each."""

RARE_SHARE = 0.004
"""How common any other word is taken to be before anything was seen."""

PRIOR_EVENTS = 100
"""How many events the two shares above weigh: with more open events than this, what was seen decides."""

WIDE_POSTING = 200
"""A word of more open events than this proposes no candidates by itself; it still counts in comparing them."""

PRINT_DISTANCE = 3
"""Bits in which fingerprints of copies differ at most: one more than three bands of four can hide is not found."""

_BANDS = 4
_BAND_BITS = 16


class Board:
    """Profiles by id with an inverted index over their words and one over their fingerprints."""

    def __init__(self, profiles: Iterable[Profile] = ()) -> None:
        self.profiles: dict[str, Profile] = {}
        self._events_of: defaultdict[str, set[str]] = defaultdict(set)
        self._prints: defaultdict[tuple[int, int], dict[int, str]] = defaultdict(dict)
        self._indexed: dict[str, tuple[frozenset[str], frozenset[int]]] = {}
        for profile in profiles:
            self.put(profile)

    def put(self, profile: Profile) -> None:
        """Take a profile in, or note that it has changed."""
        words, prints = frozenset(profile.shares), frozenset(profile.prints)
        old_words, old_prints = self._indexed.get(profile.id, (frozenset(), frozenset()))
        for word in old_words - words:
            self._events_of[word].discard(profile.id)
        for word in words - old_words:
            self._events_of[word].add(profile.id)
        for fingerprint in prints - old_prints:
            for band in _bands(fingerprint):
                self._prints[band].setdefault(fingerprint, profile.id)
        for fingerprint in old_prints - prints:
            for band in _bands(fingerprint):
                self._prints[band].pop(fingerprint, None)
        self.profiles[profile.id] = profile
        self._indexed[profile.id] = (words, prints)

    def drop(self, event_id: str) -> None:
        """Forget an event."""
        words, prints = self._indexed.pop(event_id)
        for word in words:
            self._events_of[word].discard(event_id)
        for band in (band for fingerprint in prints for band in _bands(fingerprint)):
            self._prints[band] = {each: owner for each, owner in self._prints[band].items() if owner != event_id}
        del self.profiles[event_id]

    def rarity(self, word: str) -> float:
        """Return the share of events expected to use a word: what was seen, tempered by what is known beforehand."""
        prior = COMMON_SHARE if word in word_list(GENERIC) else RARE_SHARE
        return (len(self._events_of.get(word, ())) + prior * PRIOR_EVENTS) / (len(self.profiles) + PRIOR_EVENTS)

    def sharing(self, words: Iterable[str]) -> set[str]:
        """Return the events that use one of the words, very common words left aside."""
        postings = [posting for word in words if (posting := self._events_of.get(word))]
        return set().union(*(posting for posting in postings if len(posting) <= WIDE_POSTING))

    def copies(self, fingerprint: int) -> Iterator[str]:
        """Yield the events that hold a fingerprint within PRINT_DISTANCE bits, nearest first."""
        near = {
            (distance, owner)
            for band in _bands(fingerprint)
            for other, owner in self._prints.get(band, {}).items()
            if (distance := (fingerprint ^ other).bit_count()) <= PRINT_DISTANCE
        }
        for _, owner in sorted(near):
            yield owner


def _bands(fingerprint: int) -> list[tuple[int, int]]:
    return [(band, fingerprint >> band * _BAND_BITS & 0xFFFF) for band in range(_BANDS)]
