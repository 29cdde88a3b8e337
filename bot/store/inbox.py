"""What Slack delivered, kept before it is acknowledged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, or_, select, update

from bot.domain.teams import Team
from bot.ports import InboxRow
from bot.store.codec import team_columns, team_of
from bot.store.dialect import database_time, insert_new
from bot.store.prepared import PreparedInsert
from bot.store.tables import INBOX, is_state

COLUMNS = ("enterprise_id", "team_id", "delivery_id", "kind", "payload", "at", "state")
ACCEPT_ON_SQLITE = PreparedInsert(insert_new("sqlite", INBOX), COLUMNS)

IS_NEW = is_state(INBOX.c.state, "new")

GET = select(INBOX).where(INBOX.c.id == bindparam("of_id"))
UNPROCESSED = (
    select(INBOX)
    .where(IS_NEW, or_(INBOX.c.at < bindparam("older_than"), INBOX.c.at >= bindparam("ahead_of")))
    .order_by(INBOX.c.at, INBOX.c.id)
    .limit(bindparam("limit"))
)
_MINE = update(INBOX).where(INBOX.c.id == bindparam("of_id"), IS_NEW)
# What was written is kept until it is dealt with, and no longer: it may be a pasted mail.
_GONE: dict[str, Any] = {"payload": {}, "settled_at": database_time()}
DONE = _MINE.values(state="done", **_GONE)
FAILED = _MINE.values(state="failed", error_id=bindparam("why"), **_GONE)


class SqlInbox:
    """ports.Inbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def accept(
        self, delivery_id: str, kind: str, team: Team, payload: Mapping[str, Any], at: datetime
    ) -> int | None:
        values = {
            **team_columns(team),
            "delivery_id": delivery_id,
            "kind": kind,
            "payload": dict(payload),
            "at": at,
            "state": "new",
        }
        dialect = self._connection.dialect.name
        if dialect == "sqlite":
            return ACCEPT_ON_SQLITE.run(self._connection, values)
        statement = insert_new(dialect, INBOX)
        row_id: int | None = self._connection.execute(statement, values).scalar_one_or_none()
        return row_id

    def get(self, row_id: int) -> InboxRow | None:
        row = self._connection.execute(GET, {"of_id": row_id}).mappings().first()
        return None if row is None else _row(row)

    def unprocessed(
        self, *, older_than: datetime, ahead_of: datetime | None = None, limit: int
    ) -> Sequence[InboxRow]:
        parameters = {"older_than": older_than, "ahead_of": ahead_of, "limit": limit}
        return [_row(row) for row in self._connection.execute(UNPROCESSED, parameters).mappings()]

    def done(self, row_id: int) -> bool:
        return self._connection.execute(DONE, {"of_id": row_id}).rowcount == 1

    def failed(self, row_id: int, error_id: str) -> bool:
        return self._connection.execute(FAILED, {"of_id": row_id, "why": error_id}).rowcount == 1


def _row(row: RowMapping) -> InboxRow:
    return InboxRow(
        id=row["id"],
        delivery_id=row["delivery_id"],
        kind=row["kind"],
        team=team_of(row),
        payload=row["payload"],
        at=row["at"],
    )
