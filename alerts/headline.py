"""An event's headline: the title or clause of a member that says most of what the members share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from alerts.profile import Profile
from alerts.texts import GENERIC, own_words, word_list
from alerts.traits import Traits
from qingting.model import Channel, Topic
from qingting.privacy import mask_personal

LONGEST = 40
"""Characters of a headline at most: what one line of the console holds."""

SHORTEST, COMFORTABLE = 6, 30
"""A headline of fewer characters says too little; one of more is read less well than a shorter one."""

CLEARLY_BETTER, SETTLED_BETTER = 0.2, 0.4
"""By how much (of 0..1) another headline must be better before it replaces the one people know the event by: less
while the event is young, more from SETTLED distinct members on, when it is talked of under its name."""

SETTLED = 30

STRIKING = 0.6
"""What a striking word in a headline is worth: 岸边漂了一长溜死鱼 before 起个大早来清源河临河段钓鱼."""

LEADING = 8
"""How many of the event's leading words a headline is measured by."""

_BRACKETED = re.compile(r"【([^【】]{6,60})】")
_NOISE = re.compile(r"https?://\S+|\[[^\[\]]{1,8}\]|@[\w\-]{1,30}|#|【|】|转发微博|[\U0001F000-\U0001FAFF☀-➿️‼❗]")
_CLAUSE = re.compile(r"[^，。！？!?；;：:…\n]+")
# A headline is nobody's own voice, and names what happened rather than the paper about it.
_PERSONAL = re.compile("[我俺咱你您]")
_NOTICE = re.compile("的?(?:通报|公告|通知|公示|说明|情况通报)(?:（.{1,5}）)?$")

_SPACE = re.compile(r"\s+")
_EDGES = " 　，。！？!?；;：:、…~～—-·|"


def better_title(event: Profile, members: Sequence[Traits], striking: Sequence[str]) -> str:
    """Return the event's title, or a headline from its new members if that is clearly better.

    At most 40 characters, personal data masked. Later members must win by a margin, so that the title stays.
    `striking` are words that a duty officer looks for first (必报词): a headline with one says more.
    """
    found = [(headline, _bonus(post)) for post in members for headline in headlines(post)]
    ranked = sorted(
        ((_worth(text, event, striking) + bonus, text) for text, bonus in found), key=lambda pair: (-pair[0], pair[1])
    )
    if not ranked:
        return event.title
    worth, best = ranked[0]
    if not best:
        return event.title or f"{Topic(event.winner('topic:', Topic.GENERAL.value)).label}相关帖文"
    margin = CLEARLY_BETTER if event.distinct < SETTLED else SETTLED_BETTER
    if not event.title or worth > _worth(event.title, event, striking) + margin:
        return best
    return event.title


def headlines(post: Traits) -> Iterator[str]:
    """Yield what of a post could stand as a headline: its title, a bracketed lead, or one or two clauses."""
    said = own_words(post.post)
    titles = [post.post.title, *_BRACKETED.findall(said)] if not post.post.parent_id else _BRACKETED.findall(said)
    for title in filter(None, titles):
        yield _tidy(title)
    if titles and titles[0]:
        return
    clauses = [tidy for clause in _CLAUSE.findall(_NOISE.sub(" ", said)) if len(tidy := clause.strip(_EDGES)) > 1][:12]
    for first, clause in enumerate(clauses or [said]):
        joined = clause
        for following in clauses[first + 1 :]:
            if len(joined) >= SHORTEST * 2 or len(joined) + len(following) + 1 > LONGEST:
                break
            joined = f"{joined}，{following}"
        yield _tidy(joined)


def _tidy(text: str) -> str:
    """Return a text as a headline: one line, no marks or personal data, at most 40 characters."""
    line = mask_personal(_SPACE.sub(" ", _NOISE.sub(" ", text)).strip(_EDGES))
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip(_EDGES) + "…"


def _worth(headline: str, event: Profile, striking: Sequence[str]) -> float:
    """Return how much of what the members share a headline says (0..1), more with a striking word, less if awkward."""
    telling = {
        word: event.shares[word] * (0.4 if word in word_list(GENERIC) else 1.0) for word in event.leading(LEADING)
    }
    said = sum(weight for word, weight in telling.items() if word in headline)
    covered = said / sum(telling.values()) if telling else 0.0
    length = len(headline)
    awkward = 0.3 * (length < SHORTEST) + 0.02 * max(0, length - COMFORTABLE) + 0.1 * headline.endswith("…")
    awkward += 0.2 * bool(_PERSONAL.search(headline)) + 0.3 * bool(_NOTICE.search(headline))
    return covered + STRIKING * any(word in headline for word in striking) - awkward


def _bonus(post: Traits) -> float:
    """Return how much more a title written by an editor is worth than words picked from a message."""
    if post.post.title:
        return 0.25 if post.post.channel in {Channel.NEWS, Channel.OFFICIAL} else 0.15
    return 0.0
