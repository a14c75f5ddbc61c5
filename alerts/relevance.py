"""Which posts may form events: the relevant ones, and plain reports of grave matters that the reader passed over."""

from __future__ import annotations

from alerts.grave import cues, grave_sentence
from qingting.config import NeverMissConfig
from qingting.model import Post, Reading

UNSURE = 0.05
"""From this relevance on a grave report counts although the reader thought it irrelevant. Of the demo's short first
reports of a spill the reader passes over every third; jokes with the same words lie below or lack the setting."""


def counts(post: Post, reading: Reading, settings: NeverMissConfig) -> bool:
    """Return whether a post is to be grouped.

    What must never be missed may not hang on one model's judgement: a post that says in a setting of works or waters
    that something grave happened counts from a much lower relevance on.
    """
    if reading.relevant:
        return True
    if reading.relevance < UNSURE:
        return False
    sentence = grave_sentence(post, reading, settings)
    return sentence is not None and sentence.fires and bool(cues().setting.search(post.passage))
