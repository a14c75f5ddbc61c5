"""Drafting: load what is known about an event, fill a form with it, check the result, and keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from qingting.model import Draft, Reading
from qingting.store import Store
from responders.checks import run_checks
from responders.forms import CHANNELS, form_of
from responders.material import Material, Office

POSTS_CONSIDERED = 500
"""The opening needs first voices and frequent words, which the first posts of the largest event give as well as all."""

NONE_FRESH: Mapping[str, Reading] = MappingProxyType({})
"""No reading but the stored ones."""


def create(
    store: Store,
    event_id: str,
    channel: str,
    office: Office,
    now: datetime,
    by: str,
    fresh: Mapping[str, Reading] = NONE_FRESH,
) -> Draft:
    """Draft a response to an event, check it, store it as the next version, and return it; all in one transaction.

    `fresh` holds readings by post id that are about to be stored, for a draft made in the same batch.
    Raises NotFoundError(event) and DraftError(unknown_channel).
    """
    form = form_of(channel)
    with store.transaction():
        material = load(store, event_id, office, now, fresh)
        version = store.cases.drafts.next_version(event_id, form.id)
        draft = form.compose(
            material.event, material.posts, material.readings, material.facts, office, version, now, by
        )
        checked = replace(draft, findings=run_checks(draft, material))
        store.cases.drafts.add(checked, by)
    return checked


def load(
    store: Store, event_id: str, office: Office, now: datetime, fresh: Mapping[str, Reading] = NONE_FRESH
) -> Material:
    """Return what a draft about an event may rest on: its first original posts and the facts verified by `now`.

    Raises NotFoundError(event).
    """
    event = store.cases.events.get(event_id)
    originals = [member.post_id for member in store.cases.events.members(event_id) if not member.copy]
    considered = originals[:POSTS_CONSIDERED]
    posts = store.posts.get(considered)
    readings = {**store.posts.readings(considered), **{each: fresh[each] for each in considered if each in fresh}}
    # A past day is drafted again with what was verified by then.
    facts = tuple(fact for fact in store.cases.drafts.facts(event_id) if fact.verified_at <= now)
    ordered = tuple(posts[each] for each in considered if each in posts)
    return Material(event, ordered, readings, facts, office, now)


__all__ = ["CHANNELS", "POSTS_CONSIDERED", "Office", "create", "load"]
