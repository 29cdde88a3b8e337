"""What Slack delivered, kept before it is acknowledged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select, update

from bot.domain.teams import Team
from bot.ports import InboxRow
from bot.store.codec import team_columns, team_of
from bot.store.dialect import database_time, insert_new
from bot.store.tables import INBOX, is_state

IS_NEW = is_state(INBOX.c.state, "new")


class SqlInbox:
    """ports.Inbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def accept(
        self, delivery_id: str, kind: str, team: Team, payload: Mapping[str, Any], at: datetime
    ) -> int | None:
        statement = (
            insert_new(self._connection, INBOX)
            .values(
                **team_columns(team),
                delivery_id=delivery_id,
                kind=kind,
                payload=dict(payload),
                at=at,
                state="new",
            )
            .returning(INBOX.c.id)
        )
        row_id: int | None = self._connection.execute(statement).scalar_one_or_none()
        return row_id

    def get(self, row_id: int) -> InboxRow | None:
        row = self._connection.execute(select(INBOX).where(INBOX.c.id == row_id)).mappings().first()
        return None if row is None else _row(row)

    def unprocessed(self, *, older_than: datetime, limit: int) -> Sequence[InboxRow]:
        statement = (
            select(INBOX).where(IS_NEW, INBOX.c.at < older_than).order_by(INBOX.c.at, INBOX.c.id).limit(limit)
        )
        return [_row(row) for row in self._connection.execute(statement).mappings()]

    def done(self, row_id: int) -> bool:
        statement = (
            update(INBOX).where(INBOX.c.id == row_id, IS_NEW).values(state="done", settled_at=database_time())
        )
        return self._connection.execute(statement).rowcount == 1

    def failed(self, row_id: int, error_id: str) -> None:
        self._connection.execute(
            update(INBOX)
            .where(INBOX.c.id == row_id, IS_NEW)
            .values(state="failed", error_id=error_id, settled_at=database_time())
        )


def _row(row: RowMapping) -> InboxRow:
    return InboxRow(
        id=row["id"],
        delivery_id=row["delivery_id"],
        kind=row["kind"],
        team=team_of(row),
        payload=row["payload"],
        at=row["at"],
    )
