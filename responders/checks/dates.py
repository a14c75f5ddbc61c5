"""No date in a text is impossible or still to come, unless it announces the next notice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from qingting.model import SHANGHAI, Draft, FactSlot, Finding, Sentence, Severity
from responders.material import Material

_DATE = re.compile(r"(?:(\d{4})年)?(\d{1,2})月(\d{1,2})日(?:(\d{1,2})时(?:(\d{1,2})分)?)?")

HALF_A_YEAR = timedelta(days=183)
"""A date without a year that lies further ahead than this is read as last year's."""


def check(draft: Draft, material: Material) -> Iterator[Finding]:
    """Yield a blocking finding for every impossible date and every one later than now."""
    ahead = {fact.id for fact in material.facts if fact.slot in (FactSlot.NEXT_NOTICE, FactSlot.RESULT)}
    for sentence in draft.sentences:
        may_be_ahead = any(basis.id in ahead for basis in sentence.basis)
        yield from _of(sentence, material.now, may_be_ahead)


def _of(sentence: Sentence, now: datetime, may_be_ahead: bool) -> Iterator[Finding]:
    for match in _DATE.finditer(sentence.text):
        moment = _moment(match, now)
        if moment is None:
            yield Finding("dates", Severity.BLOCKING, f"没有这个日期：「{match[0]}」")
        elif moment > now and not may_be_ahead:
            yield Finding("dates", Severity.BLOCKING, f"日期在将来：「{match[0]}」")


def _moment(match: re.Match[str], now: datetime) -> datetime | None:
    """Return the earliest moment that a written date can mean, None when there is no such date."""
    here = now.astimezone(SHANGHAI)
    year, month, day, hour, minute = (int(each) if each else None for each in match.groups())
    try:
        moment = datetime(year or here.year, month or 0, day or 0, hour or 0, minute or 0, tzinfo=SHANGHAI)
    except ValueError:
        return None
    if year is None and moment - here > HALF_A_YEAR:
        return moment.replace(year=here.year - 1)
    return moment
