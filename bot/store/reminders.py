"""Reminders: rows with a lease. A claim costs the same however many rows are not due."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import Connection, Float, RowMapping, Update, bindparam, func, select, update

from bot.domain.teams import Team
from bot.ports import PlannedReminder, ReminderRow
from bot.store.codec import team_columns, team_of
from bot.store.dialect import database_time, insert_new_rows
from bot.store.leases import is_free
from bot.store.scope import cutover_key, of_cutover
from bot.store.tables import REMINDERS, is_state

IS_PENDING = is_state(REMINDERS.c.state, "pending")


def _claim() -> Update:
    """One statement: who gets the rows is decided where they are."""
    due = (
        select(REMINDERS.c.id)
        .where(
            IS_PENDING,
            REMINDERS.c.due_at <= bindparam("now"),
            is_free(REMINDERS),
        )
        .order_by(REMINDERS.c.due_at, REMINDERS.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    return (
        update(REMINDERS)
        .where(REMINDERS.c.id.in_(select(due.c.id)))
        .values(token=bindparam("new_token"), lease_until=database_time(bindparam("lease", type_=Float())))
        .returning(REMINDERS)
    )


CLAIM = _claim()
DONE = (
    update(REMINDERS)
    .where(REMINDERS.c.id == bindparam("of_id"), REMINDERS.c.token == bindparam("of_token"), IS_PENDING)
    .values(state=bindparam("outcome"), settled_at=database_time(), token=None, lease_until=None)
)
WITHDRAW = (
    update(REMINDERS)
    .where(of_cutover(REMINDERS), IS_PENDING)
    .values(state="withdrawn", settled_at=database_time(), token=None, lease_until=None)
)
WITHDRAW_KINDS = WITHDRAW.where(REMINDERS.c.kind.in_(bindparam("kinds", expanding=True)))
PENDING_OF = (
    select(REMINDERS).where(of_cutover(REMINDERS), IS_PENDING).order_by(REMINDERS.c.due_at, REMINDERS.c.id)
)
NEXT_DUE = select(func.min(REMINDERS.c.due_at)).where(IS_PENDING)


class SqlReminders:
    """ports.Reminders."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def plan(
        self, team: Team, cutover_id: str, plan_version: int, reminders: Sequence[PlannedReminder]
    ) -> None:
        if not reminders:
            return
        self._connection.execute(
            insert_new_rows(self._connection.dialect.name, REMINDERS),
            [
                {
                    **team_columns(team),
                    "cutover_id": cutover_id,
                    "plan_version": plan_version,
                    "kind": reminder.kind,
                    "due_at": reminder.due_at,
                    "late": reminder.late,
                    "args": dict(reminder.args),
                    "state": "pending",
                }
                for reminder in reminders
            ],
        )

    def withdraw(self, team: Team, cutover_id: str, *, kinds: frozenset[str] | None = None) -> int:
        statement, parameters = WITHDRAW, cutover_key(team, cutover_id)
        if kinds is not None:
            statement, parameters["kinds"] = WITHDRAW_KINDS, sorted(kinds)
        return self._connection.execute(statement, parameters).rowcount

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[ReminderRow]:
        parameters = {
            "now": now,
            "limit": limit,
            "new_token": uuid4().hex,
            "lease": lease.total_seconds(),
        }
        rows = [_row(row) for row in self._connection.execute(CLAIM, parameters).mappings()]
        return sorted(rows, key=lambda row: (row.reminder.due_at, row.id))

    def done(self, reminder_id: int, token: str, outcome: str) -> bool:
        parameters = {"of_id": reminder_id, "of_token": token, "outcome": outcome}
        return self._connection.execute(DONE, parameters).rowcount == 1

    def pending(self, team: Team, cutover_id: str) -> Sequence[ReminderRow]:
        found = self._connection.execute(PENDING_OF, cutover_key(team, cutover_id)).mappings()
        return [_row(row, with_token=False) for row in found]

    def next_due(self) -> datetime | None:
        found: datetime | None = self._connection.execute(NEXT_DUE).scalar_one()
        return found


def _row(row: RowMapping, *, with_token: bool = True) -> ReminderRow:
    return ReminderRow(
        id=row["id"],
        team=team_of(row),
        cutover_id=row["cutover_id"],
        plan_version=row["plan_version"],
        reminder=PlannedReminder(kind=row["kind"], due_at=row["due_at"], late=row["late"], args=row["args"]),
        token=row["token"] if with_token else None,
    )
