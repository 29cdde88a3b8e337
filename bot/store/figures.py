"""How much is waiting, and for how long: two statements on the indexes of what is pending."""

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select

from bot.metrics import Waiting
from bot.store.dialect import database_time
from bot.store.outbox import IS_PENDING
from bot.store.reminders import NEXT_DUE
from bot.store.tables import OUTBOX

# A message put off for later is not late before its time; one that is tried again has been waiting all along.
_WAITS = or_(OUTBOX.c.attempts > 0, OUTBOX.c.not_before.is_(None), OUTBOX.c.not_before <= bindparam("now"))
_OUTBOX = select(
    func.count(),
    func.min(OUTBOX.c.put_at).filter(_WAITS),
    database_time(),
).where(IS_PENDING)


def waiting(connection: Connection, now: datetime) -> Waiting:
    """What is still to be done. Reminders fall due by `now`, the outbox ages by the database's clock."""
    due: datetime | None = connection.execute(NEXT_DUE).scalar_one()
    unsettled, oldest, there = connection.execute(_OUTBOX, {"now": now}).one()
    return Waiting(
        overdue_seconds=max(0.0, (now - due).total_seconds()) if due is not None else 0.0,
        unsettled=unsettled,
        outbox_seconds=max(0.0, (there - oldest).total_seconds()) if oldest is not None else 0.0,
    )
