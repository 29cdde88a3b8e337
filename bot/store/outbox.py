"""What is to be said. A row is pending until it is settled as sent or failed; a lease says who is at it.

Order: a row is held back by every earlier pending row of its lane (a channel, or one person's DM).
A row that was put off with `not_before` takes its place in the lane when its time comes, so that a message
for tomorrow does not silence a channel today; a row that was handed back with `again` keeps its place,
unless it is put aside: then it has no lane any more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from uuid import uuid4

from sqlalchemy import (
    BindParameter,
    Connection,
    Float,
    Insert,
    Integer,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    update,
)

from bot.domain.teams import Team
from bot.ports import LONGEST_RETRY, Delivery, OutboxRow, Outgoing
from bot.store.codec import outgoing_columns, outgoing_of, team_columns, team_of
from bot.store.dialect import database_time, insert_new
from bot.store.leases import is_free
from bot.store.scope import of_team, team_key
from bot.store.tables import CUTOVERS, OUTBOX, is_state

ERROR_LENGTH = 500

IS_PENDING = is_state(OUTBOX.c.state, "pending")


def _claim() -> Update:
    """One statement: who gets the rows, and in what order, is decided where they are."""
    now: BindParameter[datetime] = bindparam("now", type_=OUTBOX.c.tried_at.type)
    # No try asks to wait so long: the clock was set back after it.
    set_back = and_(OUTBOX.c.attempts > 0, OUTBOX.c.not_before > bindparam("latest_retry"))
    earlier = OUTBOX.alias("earlier")
    held_back = exists().where(
        is_state(earlier.c.state, "pending"),
        earlier.c.lane == OUTBOX.c.lane,
        earlier.c.id < OUTBOX.c.id,
        or_(earlier.c.attempts > 0, earlier.c.not_before.is_(None), earlier.c.not_before <= now),
    )
    ready = (
        select(OUTBOX.c.id)
        .where(
            IS_PENDING,
            or_(OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= now, set_back),
            is_free(OUTBOX),
            ~held_back,
        )
        .order_by(OUTBOX.c.id)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=OUTBOX)
        .cte("ready")
    )
    return (
        update(OUTBOX)
        .where(OUTBOX.c.id.in_(select(ready.c.id)))
        .values(
            token=bindparam("new_token"),
            lease_until=database_time(bindparam("lease", type_=Float())),
            attempts=OUTBOX.c.attempts + 1,
            # Nobody knows when a release without this column tried first: then it stays empty.
            tried_at=case((OUTBOX.c.attempts == 0, now), else_=OUTBOX.c.tried_at),
            # A lease that ran out was never settled: that message may have been said.
            unknown=or_(OUTBOX.c.unknown, OUTBOX.c.token.is_not(None)),
        )
        .returning(OUTBOX)
    )


CLAIM = _claim()
HELD = select(OUTBOX.c.id).where(
    OUTBOX.c.id == bindparam("of_id"),
    OUTBOX.c.token == bindparam("of_token"),
    IS_PENDING,
    OUTBOX.c.lease_until >= database_time(bindparam("seconds", type_=Float())),
)
_MINE = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("of_id"), OUTBOX.c.token == bindparam("of_token"), IS_PENDING)
    .values(token=None, lease_until=None)
)
SENT = _MINE.values(state="sent", ts=bindparam("said_at"), settled_at=database_time())
FAILED = _MINE.values(state="failed", error=bindparam("why"), settled_at=database_time())
AGAIN = _MINE.values(
    not_before=bindparam("again_at"),
    unknown=bindparam("is_unknown"),
    error=bindparam("why"),
    mistakes=func.coalesce(OUTBOX.c.mistakes, 0) + bindparam("mistake", type_=Integer()),
)
ASIDE = AGAIN.values(lane=None)
WITHDRAWN = (
    update(OUTBOX)
    .where(of_team(OUTBOX), OUTBOX.c.key == bindparam("of_key"), IS_PENDING, OUTBOX.c.token.is_(None))
    .values(state="failed", error="withdrawn", settled_at=database_time())
)
BY_KEY = select(OUTBOX.c.id).where(of_team(OUTBOX), OUTBOX.c.key == bindparam("of_key"))
CHANNEL_OF = select(CUTOVERS.c.channel).where(of_team(CUTOVERS), CUTOVERS.c.id == bindparam("of_id"))
UNSETTLED = select(func.count()).select_from(OUTBOX).where(IS_PENDING)


@cache
def _put(dialect: str) -> Insert:
    return insert_new(dialect, OUTBOX).values(put_at=database_time())


def lane_of(team: Team, message: Outgoing, channel: str | None) -> str | None:
    """What a message keeps its order with; None: with nothing. `channel`: where it will go."""
    if message.delivery is Delivery.RESPONSE:
        return None
    if message.delivery is Delivery.DM:
        place = f"dm:{message.user}"
    elif channel is not None:
        place = f"channel:{channel}"
    else:
        place = f"cutover:{message.cutover_id}"
    return f"{team.enterprise_id}/{team.team_id}/{place}"


class SqlOutbox:
    """ports.Outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, team: Team, message: Outgoing) -> int:
        """The row's id; a message whose `key` is there already is the same message, and changes nothing."""
        values = {
            **team_columns(team),
            **outgoing_columns(message),
            "lane": lane_of(team, message, self._channel(team, message)),
            "state": "pending",
            "attempts": 0,
            "unknown": False,
        }
        statement = _put(self._connection.dialect.name)
        row_id: int | None = self._connection.execute(statement, values).scalar_one_or_none()
        if row_id is None:
            key = team_key(team, of_key=message.key)
            row_id = self._connection.execute(BY_KEY, key).scalar_one()
        return row_id

    def _channel(self, team: Team, message: Outgoing) -> str | None:
        if message.channel is not None or message.cutover_id is None:
            return message.channel
        key = team_key(team, of_id=message.cutover_id)
        channel: str | None = self._connection.execute(CHANNEL_OF, key).scalar_one_or_none()
        return channel

    def claim(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[OutboxRow]:
        parameters = {
            "now": now,
            "latest_retry": now + LONGEST_RETRY,
            "limit": limit,
            "new_token": uuid4().hex,
            "lease": lease.total_seconds(),
        }
        rows = [
            OutboxRow(
                id=row["id"],
                team=team_of(row),
                message=outgoing_of(row),
                attempts=row["attempts"],
                token=row["token"],
                unknown=row["unknown"],
                mistakes=row["mistakes"] or 0,
                tried_at=row["tried_at"],
                # Of two clocks the one that is behind: a look for the message must not begin after it.
                since=row["tried_at"] and min(row["tried_at"], row["put_at"]),
            )
            for row in self._connection.execute(CLAIM, parameters).mappings()
        ]
        return sorted(rows, key=lambda row: row.id)

    def held(self, row_id: int, token: str, seconds: float) -> bool:
        parameters = {"of_id": row_id, "of_token": token, "seconds": seconds}
        return self._connection.execute(HELD, parameters).first() is not None

    def sent(self, row_id: int, token: str, ts: str | None) -> bool:
        return self._settle(SENT, row_id, token, said_at=ts)

    def again(
        self,
        row_id: int,
        token: str,
        *,
        at: datetime,
        unknown: bool,
        error: str,
        mistake: bool = False,
        aside: bool = False,
    ) -> bool:
        values = {"again_at": at, "is_unknown": unknown, "why": error[:ERROR_LENGTH], "mistake": int(mistake)}
        return self._settle(ASIDE if aside else AGAIN, row_id, token, **values)

    def failed(self, row_id: int, token: str, error: str) -> bool:
        return self._settle(FAILED, row_id, token, why=error[:ERROR_LENGTH])

    def _settle(self, statement: Update, row_id: int, token: str, **values: object) -> bool:
        parameters = {"of_id": row_id, "of_token": token, **values}
        return self._connection.execute(statement, parameters).rowcount == 1

    def withdraw(self, team: Team, key: str) -> bool:
        return self._connection.execute(WITHDRAWN, team_key(team, of_key=key)).rowcount == 1

    def unsettled(self) -> int:
        count: int = self._connection.execute(UNSETTLED).scalar_one()
        return count
