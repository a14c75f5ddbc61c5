"""Alerts and their deliveries (the durable outbox)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import func, select

from qingting.errors import NotFoundError, StoreError
from qingting.model import Alert, AlertState, AuditEntry, Delivery, DeliveryState, stable_id
from qingting.store import tables
from qingting.store.database import Database
from qingting.store.records import write_audit
from qingting.store.tables import row_of

SYSTEM = "系统"
"""The actor of what rules and retries do by themselves."""


class Alerts:
    """The alerts table, one alert an event, and one delivery per alert and receiver."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, alert: Alert, receivers: Sequence[str], at: datetime) -> bool:
        """Store an alert with a pending delivery to each receiver; False when its event already has one."""
        insert = self._database.insert(tables.alerts).values(row_of(alert)).on_conflict_do_nothing()
        pending = [_pending(alert.id, receiver, at) for receiver in dict.fromkeys(receivers)]
        with self._database.transaction() as connection:
            if connection.execute(insert).rowcount != 1:
                return False
            if pending:
                connection.execute(tables.deliveries.insert(), [row_of(each) for each in pending])
            detail = (
                f"{alert.rule}，{alert.level.label}，接收方：{'、'.join(each.receiver for each in pending) or '无'}"
            )
            write_audit(
                connection,
                AuditEntry(at, SYSTEM, "alert.raise", alert.id, detail),
                AuditEntry(at, SYSTEM, "event.alert", alert.event_id, f"{alert.id}：{alert.title}"),
            )
        return True

    def get(self, alert_id: str) -> Alert:
        """Return an alert. Raises NotFoundError(alert)."""
        with self._database.reading() as connection:
            row = connection.execute(select(tables.alerts).where(tables.alerts.c.id == alert_id)).mappings().first()
        if row is None:
            raise _no_alert(alert_id)
        return Alert(**row)

    def latest(
        self, state: AlertState | None = None, event_id: str | None = None, limit: int | None = None
    ) -> list[Alert]:
        """Return alerts, last triggered first, then by id."""
        columns = tables.alerts.c
        statement = select(tables.alerts).order_by(columns.triggered_at.desc(), columns.id).limit(limit)
        if state is not None:
            statement = statement.where(columns.state == state)
        if event_id is not None:
            statement = statement.where(columns.event_id == event_id)
        with self._database.reading() as connection:
            return [Alert(**row) for row in connection.execute(statement).mappings()]

    def cited_posts(self) -> frozenset[str]:
        """Return the ids of the posts that any alert rests on."""
        with self._database.reading() as connection:
            return frozenset(chain.from_iterable(connection.execute(select(tables.alerts.c.post_ids)).scalars()))

    def acknowledge(self, alert_id: str, by: str, at: datetime) -> Alert:
        """Mark an alert as taken by a person; one already taken stays as it is. Raises NotFoundError(alert)."""
        columns = tables.alerts.c
        taken = {"state": AlertState.ACKNOWLEDGED, "acknowledged_by": by, "acknowledged_at": at}
        open_one = (columns.id == alert_id) & (columns.state == AlertState.NEW)
        with self._database.transaction() as connection:
            if connection.execute(tables.alerts.update().where(open_one).values(taken)).rowcount == 1:
                write_audit(connection, AuditEntry(at, by, "alert.acknowledge", alert_id))
            return self.get(alert_id)

    def deliveries(self, alert_id: str) -> list[Delivery]:
        """Return an alert's deliveries by receiver."""
        columns = tables.deliveries.c
        statement = select(tables.deliveries).where(columns.alert_id == alert_id).order_by(columns.receiver)
        with self._database.reading() as connection:
            return [Delivery(**row) for row in connection.execute(statement).mappings()]

    def due(self, now: datetime, limit: int, hold: timedelta = timedelta(0)) -> list[Delivery]:
        """Return pending deliveries whose next attempt is due, longest due first.

        With `hold` they are the caller's: they aren't due for anybody until `now + hold`, or until recorded.
        """
        columns = tables.deliveries.c
        statement = (
            select(tables.deliveries)
            .where(columns.state == DeliveryState.PENDING, columns.next_attempt_at <= now)
            .order_by(columns.next_attempt_at, columns.id)
            .limit(limit)
        )
        if not hold:
            with self._database.reading() as connection:
                return [Delivery(**row) for row in connection.execute(statement).mappings()]
        with self._database.transaction(apart=True) as connection:
            # Several processes at once each get others; SQLite, which knows no such clause, has one writer at a time.
            free = statement.with_for_update(skip_locked=True)
            held = [Delivery(**row) for row in connection.execute(free).mappings()]
            ids = [delivery.id for delivery in held]
            later = tables.deliveries.update().where(columns.id.in_(ids)).values(next_attempt_at=now + hold)
            connection.execute(later)
            return held

    def record(self, delivery: Delivery, at: datetime) -> None:
        """Replace a delivery after an attempt; audited when its state changes.

        Raises StoreError(conflict) when it was delivered, or tried more often, by somebody else meanwhile.
        """
        columns = tables.deliveries.c
        own = columns.id == delivery.id
        with self._database.transaction(apart=True) as connection:
            found = select(columns.state, columns.attempts).where(own).with_for_update()
            before = connection.execute(found).first()
            if before is None:
                raise _no_alert(delivery.alert_id)
            done = before.state is DeliveryState.DELIVERED and delivery.state is not DeliveryState.DELIVERED
            if done or before.attempts > delivery.attempts:
                raise StoreError("这次投递已由别的进程记录。", reason="conflict", hint="无需处理。")
            connection.execute(tables.deliveries.update().where(own).values(row_of(delivery)))
            if before.state != delivery.state:
                detail = f"{delivery.receiver}：{delivery.state.label}，第 {delivery.attempts} 次"
                detail += f"，{delivery.reason}" if delivery.reason else ""
                action = f"delivery.{delivery.state.value}"
                write_audit(connection, AuditEntry(at, SYSTEM, action, delivery.alert_id, detail))

    def delivery_counts(self) -> dict[DeliveryState, int]:
        """Return the number of deliveries in each state that any is in."""
        columns = tables.deliveries.c
        statement = select(columns.state, func.count()).group_by(columns.state)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}


def _pending(alert_id: str, receiver: str, at: datetime) -> Delivery:
    return Delivery(stable_id("v", alert_id, receiver), alert_id, receiver, DeliveryState.PENDING, 0, at)


def _no_alert(alert_id: str) -> NotFoundError:
    return NotFoundError(
        f"没有编号为 {alert_id} 的预警。", reason="alert", hint="请用 qingting alerts list 查看全部预警。"
    )
