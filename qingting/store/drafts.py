"""Facts, drafts and approvals."""

from __future__ import annotations

from itertools import chain

from sqlalchemy import func, select

from qingting.errors import NotFoundError, StoreError
from qingting.model import Approval, AuditEntry, Draft, Fact, FactSlot
from qingting.store import tables
from qingting.store.database import Database
from qingting.store.records import write_audit
from qingting.store.tables import row_of


class Drafts:
    """What has been verified about events, and what has been written and decided on that ground."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_fact(self, fact: Fact, by: str) -> None:
        """Store a fact; the same id again changes nothing."""
        insert = self._database.insert(tables.facts).values(row_of(fact))
        detail = f"{fact.slot.label}{fact.name and f'（{fact.name}）'}：{fact.value}{fact.unit}，来源：{fact.source}"
        with self._database.transaction() as connection:
            if connection.execute(insert.on_conflict_do_nothing(index_elements=["id"])).rowcount == 1:
                write_audit(connection, AuditEntry(fact.verified_at, by, "fact.add", fact.event_id, detail))

    def facts(self, event_id: str) -> list[Fact]:
        """Return an event's facts in the order of FactSlot, then by time of verification."""
        slots = list(FactSlot)
        columns = tables.facts.c
        statement = select(tables.facts).where(columns.event_id == event_id).order_by(columns.verified_at, columns.id)
        with self._database.reading() as connection:
            found = [Fact(**row) for row in connection.execute(statement).mappings()]
        return sorted(found, key=lambda fact: slots.index(fact.slot))

    def add(self, draft: Draft, by: str) -> None:
        """Store a draft. Raises StoreError(conflict) when that event, channel and version exists."""
        detail = f"{draft.title}（{draft.channel} 第 {draft.version} 版）"
        with self._database.transaction() as connection:
            connection.execute(tables.drafts.insert().values(row_of(draft)))
            write_audit(
                connection,
                AuditEntry(draft.created_at, by, "draft.add", draft.id, detail),
                AuditEntry(draft.created_at, by, "event.draft", draft.event_id, f"{draft.id}：{detail}"),
            )

    def get(self, draft_id: str) -> Draft:
        """Return a draft. Raises NotFoundError(draft)."""
        with self._database.reading() as connection:
            row = connection.execute(select(tables.drafts).where(tables.drafts.c.id == draft_id)).mappings().first()
        if row is None:
            raise NotFoundError(
                f"没有编号为 {draft_id} 的稿件。", reason="draft", hint="请用 qingting drafts list 查看全部稿件。"
            )
        return Draft(**row)

    def latest(self, event_id: str | None = None, limit: int | None = None) -> list[Draft]:
        """Return drafts, last made first."""
        columns = tables.drafts.c
        order = (columns.created_at.desc(), columns.version.desc(), columns.id)
        statement = select(tables.drafts).order_by(*order).limit(limit)
        if event_id is not None:
            statement = statement.where(columns.event_id == event_id)
        with self._database.reading() as connection:
            return [Draft(**row) for row in connection.execute(statement).mappings()]

    def cited_posts(self) -> frozenset[str]:
        """Return the ids of the posts that a sentence of any draft, whatever its version, rests on."""
        with self._database.reading() as connection:
            sentences = chain.from_iterable(connection.execute(select(tables.drafts.c.sentences)).scalars())
            return frozenset(basis.id for each in sentences for basis in each.basis if basis.kind == "post")

    def next_version(self, event_id: str, channel: str) -> int:
        """Return the number that the next draft of an event for a channel gets; the first is 1."""
        columns = tables.drafts.c
        asked = (columns.event_id == event_id) & (columns.channel == channel)
        with self._database.reading() as connection:
            return (connection.execute(select(func.max(columns.version)).where(asked)).scalar() or 0) + 1

    def add_approval(self, approval: Approval) -> None:
        """Store a decision on a draft. Raises StoreError(conflict) when its text is not the one that was decided on."""
        insert = self._database.insert(tables.approvals).values(row_of(approval))
        action = "draft.approve" if approval.approved else "draft.refuse"
        detail = f"{approval.step.label}{approval.comment and f'：{approval.comment}'}"
        with self._database.transaction() as connection:
            if self.get(approval.draft_id).text_hash != approval.text_hash:
                raise StoreError(
                    "稿件内容与审批时所见不一致，审批未记录。", reason="conflict", hint="请重新打开稿件，核对后再审批。"
                )
            if connection.execute(insert.on_conflict_do_nothing(index_elements=["id"])).rowcount == 1:
                write_audit(connection, AuditEntry(approval.at, approval.by, action, approval.draft_id, detail))

    def approvals(self, draft_id: str) -> list[Approval]:
        """Return the decisions on a draft, earliest first."""
        columns = tables.approvals.c
        statement = select(tables.approvals).where(columns.draft_id == draft_id).order_by(columns.at, columns.id)
        with self._database.reading() as connection:
            return [Approval(**row) for row in connection.execute(statement).mappings()]
