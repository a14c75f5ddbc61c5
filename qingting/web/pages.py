"""What each page shows: asks the store, and hands plain values to a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import Query, Response
from fastapi.responses import JSONResponse

from qingting.config import Config
from qingting.doctor import Condition
from qingting.errors import StoreError, UsageError
from qingting.model import AlertState, EventState
from qingting.store import Page, Search, Store
from qingting.web.at_hand import PostsAtHand
from qingting.web.charts import ORDER, chart, histogram
from qingting.web.rendering import Renderer
from qingting.web.views import (
    CHANNEL_POSTS,
    PAGE_POSTS,
    PAGE_ROWS,
    HitRow,
    alert_rows,
    channel_counts,
    event_rows,
    evidence_rows,
    member_rows,
    region_name,
    slice_of,
    source_name,
)
from responders.render import EDITORS_NOTE

SHOWN_STATES = (EventState.ACTIVE, EventState.QUIET, EventState.CLOSED)
"""States in which an event is one; a candidate is shown only when asked for."""

EVENT_ALERTS = 5
"""Explanations shown on an event's page; an event has one alert, and more only when rules are added later."""

COUNTED = 999
"""The inbox counts no further: beyond that the exact number changes nothing for the duty officer."""

PageNumber = Annotated[int, Query(ge=1, le=10_000)]
Text = Annotated[str, Query(max_length=500)]
Day = Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")]
OptionalState = Annotated[AlertState | None, Query()]


class Pages:
    """The pages of the console; none of them writes."""

    def __init__(
        self,
        store: Store,
        config: Config,
        clock: Callable[[], datetime],
        condition: Callable[[], Condition],
        renderer: Renderer,
        regions: Mapping[str, str],
    ) -> None:
        self._store = store
        self._config = config
        self._clock = clock
        self._condition = condition
        self._renderer = renderer
        self._regions = regions

    def inbox(self, state: OptionalState = None, page: PageNumber = 1) -> Response:
        """预警收件箱: alerts, last triggered first."""
        condition, at_hand = self._look()
        alerts = self._store.cases.alerts.latest(state, limit=page * PAGE_ROWS + 1)
        waiting = self._store.cases.alerts.latest(AlertState.NEW, limit=COUNTED + 1)
        active = self._store.cases.events.latest((EventState.ACTIVE,), limit=COUNTED + 1)
        tally = at_hand.ask(lambda posts: posts.tally(self._clock()), None)
        return self._page(
            "inbox.html",
            condition,
            at_hand,
            section="inbox",
            rows=alert_rows(self._store, slice_of(alerts, page, PAGE_ROWS)),
            state=state,
            waiting=_up_to(len(waiting)),
            active=_up_to(len(active)),
            tally=tally,
            page=page,
            more=len(alerts) > page * PAGE_ROWS,
        )

    def events(self, state: Annotated[EventState | None, Query()] = None, page: PageNumber = 1) -> Response:
        """舆情事件: events, last seen first; candidates only when asked for."""
        condition, at_hand = self._look()
        states = SHOWN_STATES if state is None else (state,)
        events = self._store.cases.events.latest(states, limit=page * PAGE_ROWS + 1)
        return self._page(
            "events.html",
            condition,
            at_hand,
            section="events",
            rows=event_rows(self._store, self._regions, slice_of(events, page, PAGE_ROWS)),
            state=state,
            states=SHOWN_STATES,
            candidate=EventState.CANDIDATE,
            page=page,
            more=len(events) > page * PAGE_ROWS,
        )

    def event(self, event_id: str, page: PageNumber = 1) -> Response:
        """One event with its course, alert, facts, drafts and posts."""
        condition, at_hand = self._look()
        cases = self._store.cases
        event = cases.events.get(event_id)
        members = cases.events.members(event_id)
        newest_first = sorted(members, key=lambda each: (each.at, each.post_id), reverse=True)
        counted = histogram(members)
        alerts = cases.alerts.latest(event_id=event_id, limit=EVENT_ALERTS)
        channels = channel_counts(at_hand, newest_first)
        rows = member_rows(at_hand, self._config, slice_of(newest_first, page, PAGE_POSTS))
        return self._page(
            "event.html",
            condition,
            at_hand,
            section="events",
            event=event,
            region=region_name(self._regions, event),
            histogram=counted,
            chart=chart(counted),
            sentiments=ORDER,
            channels=channels,
            channel_posts=CHANNEL_POSTS,
            alerts=alert_rows(self._store, alerts),
            facts=cases.drafts.facts(event_id),
            drafts=cases.drafts.latest(event_id),
            posts=rows,
            total=len(members),
            page=page,
            more=len(members) > page * PAGE_POSTS,
        )

    def draft(self, draft_id: str) -> Response:
        """One draft, every sentence with its evidence beside it."""
        condition, at_hand = self._look()
        drafts = self._store.cases.drafts
        draft = drafts.get(draft_id)
        rows = evidence_rows(at_hand, self._config, draft)
        return self._page(
            "draft.html",
            condition,
            at_hand,
            section="events",
            draft=draft,
            editors_note=EDITORS_NOTE,
            event=self._store.cases.events.get(draft.event_id),
            rows=rows,
            approvals=drafts.approvals(draft_id),
            versions=drafts.latest(draft.event_id),
        )

    def search(self, q: Text = "", since: Day = "", until: Day = "", after: Text = "") -> Response:
        """检索: posts that match a query, newest first."""
        condition, at_hand = self._look()
        given: dict[str, Any] = {"section": "search", "q": q, "since": since, "until": until}
        nothing: dict[str, Any] = {"found": None, "rows": (), "problem": None}
        if not (q.strip() or since or until):
            return self._page("search.html", condition, at_hand, **given, **nothing)
        try:
            search = Search(q, self._day(since), self._day(until, 1), limit=PAGE_POSTS, after=after)
            found: Page | None = at_hand.ask(lambda posts: posts.search(search), None)
        except UsageError as problem:
            return self._page("search.html", condition, at_hand, 400, **given, **{**nothing, "problem": problem})
        if found is None:
            return self._page("search.html", condition, at_hand, 503, **given, **nothing)
        rows = self._hit_rows(found)
        return self._page("search.html", condition, at_hand, **given, found=found, rows=rows, problem=None)

    def _hit_rows(self, found: Page) -> list[HitRow]:
        homes = self._store.cases.events.event_of([hit.post.id for hit in found.hits])
        return [
            HitRow(hit.post, hit.reading, source_name(self._config, hit.post), homes.get(hit.post.id, ""))
            for hit in found.hits
        ]

    def health(self) -> Response:
        """Whether the console can serve, for programs: ok, degraded (without posts too) or unavailable (503)."""
        try:
            condition, at_hand = self._look()
        except StoreError as error:
            return JSONResponse({"status": "unavailable", "problems": [error.message]}, 503)
        tally = at_hand.ask(lambda posts: posts.tally(self._clock()), None)
        problems = [*([at_hand.stale] if at_hand.stale else []), *condition.problems]
        counts = {"posts": tally.total, "unread": tally.unread} if tally else {"posts": None, "unread": None}
        return JSONResponse({"status": "degraded" if problems else "ok", "problems": problems, **counts}, 200)

    def _look(self) -> tuple[Condition, PostsAtHand]:
        """Return how the service is, and the posts as far as they can be asked. Raises StoreError if cases are away."""
        condition = self._condition()
        return condition, PostsAtHand(self._store, condition.stale)

    def _page(
        self, template: str, condition: Condition, at_hand: PostsAtHand, status: int = 200, **values: object
    ) -> Response:
        """Return a page that says how the service is, and where posts failed meanwhile, that too."""
        return self._renderer.page(template, replace(condition, stale=at_hand.stale), status, **values)

    def _day(self, text: str, shift: int = 0) -> datetime | None:
        """Return the beginning of a day in the office's zone, some days later. Raises UsageError(bad_argument)."""
        if not text:
            return None
        try:
            day = datetime.fromisoformat(text) + timedelta(days=shift)
        except (ValueError, OverflowError) as error:
            raise UsageError(
                f"没有 {text} 这一天。", reason="bad_argument", hint="请写成 2026-09-22 的形式。"
            ) from error
        return day.replace(tzinfo=ZoneInfo(self._config.service.timezone))


def _up_to(count: int) -> str:
    """Return a count as shown in the inbox, '' for none."""
    return f"{COUNTED}+" if count > COUNTED else str(count or "")
