"""Forgetting: old deliveries, messages, conversations, questions, observations, and, if set, old cutovers.

Nothing that is still to be done is ever deleted. Rows go in small batches, so that a click never waits for
a large deletion. The history is append-only: a cutover's history goes only together with the cutover, and
leaves a row in `history_purges`, which is what lets the triggers pass and says when and why it was done.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, insert, not_, select, tuple_

from bot.ports import Clock
from bot.settings import Settings
from bot.store.cutovers import IS_OPEN
from bot.store.dialect import database_time
from bot.store.engine import SqlStore
from bot.store.tables import (
    CUTOVERS,
    HISTORY,
    HISTORY_PURGES,
    INBOX,
    OBSERVATIONS,
    OUTBOX,
    PEOPLE,
    PLACES,
    QUESTIONS,
    REMINDERS,
)

BATCH = 500  # rows in one transaction
EVERY = 3600.0  # seconds between two rounds


@dataclass(frozen=True, slots=True)
class Keep:
    """How long each sort of row is kept. `cutovers` None: for ever."""

    deliveries: timedelta = timedelta(days=30)
    conversations: timedelta = timedelta(days=30)
    questions: timedelta = timedelta(days=90)
    observations: timedelta = timedelta(days=90)
    cutovers: timedelta | None = None

    @classmethod
    def by(cls, settings: Settings) -> "Keep":
        cutovers = settings.keep_cutovers_days
        return cls(
            deliveries=timedelta(days=settings.keep_deliveries_days),
            conversations=timedelta(days=settings.keep_conversations_days),
            questions=timedelta(days=settings.keep_questions_days),
            observations=timedelta(days=settings.keep_observations_days),
            cutovers=timedelta(days=cutovers) if cutovers else None,
        )


async def forget(store: SqlStore, now: datetime, keep: Keep) -> Mapping[str, int]:
    """Delete what is older than it is kept; how many rows of each table went (those of none are left out).

    What the database itself timed (when something was settled) goes by its clock, the rest by `now`.
    """
    gone: Counter[str] = Counter()
    for step in _steps(now, keep):
        while True:
            found = await store.transact(lambda tx, step=step: step(tx.connection))  # type: ignore[misc]
            gone.update(found)
            if sum(found.values()) < BATCH:
                break
    return {table: count for table, count in gone.items() if count}


Step = Callable[[Connection], Mapping[str, int]]


def _steps(now: datetime, keep: Keep) -> list[Step]:
    long_settled = database_time(-keep.deliveries)
    steps: list[Step] = [
        partial(_delete, INBOX, INBOX.c.settled_at < long_settled),
        partial(_delete, OUTBOX, OUTBOX.c.settled_at < long_settled),
        partial(_delete, PLACES, PLACES.c.at < now - keep.conversations),
        partial(_delete, PEOPLE, PEOPLE.c.at < now - keep.conversations),
        partial(_delete, QUESTIONS, QUESTIONS.c.at < now - keep.questions),
        partial(_delete_observations, now - keep.observations),
    ]
    if keep.cutovers is not None:
        steps.append(partial(_delete_cutovers, now - keep.cutovers, now))
    return steps


def _delete(table: Table, old: ColumnElement[bool], connection: Connection) -> Mapping[str, int]:
    key = list(table.primary_key)
    # Not a CTE: the driver counts no rows of a statement that begins with WITH.
    batch = select(*key).where(old).limit(BATCH)
    statement = delete(table).where(tuple_(*key).in_(batch) if len(key) > 1 else key[0].in_(batch))
    return {table.name: connection.execute(statement).rowcount}


def _same_cutover(table: Table) -> ColumnElement[bool]:
    return (
        (table.c.enterprise_id == CUTOVERS.c.enterprise_id)
        & (table.c.team_id == CUTOVERS.c.team_id)
        & (table.c.cutover_id == CUTOVERS.c.id)
    )


def _delete_observations(before: datetime, connection: Connection) -> Mapping[str, int]:
    """Of cutovers that are over: the instants of an open one are derived from all of its observations."""
    is_over = exists().where(_same_cutover(OBSERVATIONS), not_(IS_OPEN))
    return _delete(OBSERVATIONS, (OBSERVATIONS.c.at < before) & is_over, connection)


def _delete_cutovers(before: datetime, now: datetime, connection: Connection) -> Mapping[str, int]:
    """Cutovers that are over, and in whose history nothing happened since `before`."""
    last = select(func.max(HISTORY.c.at)).where(_same_cutover(HISTORY)).scalar_subquery()
    over = (
        select(CUTOVERS.c.enterprise_id, CUTOVERS.c.team_id, CUTOVERS.c.id)
        .where(
            not_(IS_OPEN), CUTOVERS.c.opened_at < before, func.coalesce(last, CUTOVERS.c.opened_at) < before
        )
        .limit(BATCH)
    )
    gone: Counter[str] = Counter()
    rows = connection.execute(over).all()
    for enterprise_id, team_id, cutover_id in rows:
        key = {"enterprise_id": enterprise_id, "team_id": team_id, "cutover_id": cutover_id}
        connection.execute(insert(HISTORY_PURGES).values(**key, at=now, reason="retention"))
        for table in (HISTORY, OBSERVATIONS, REMINDERS, OUTBOX):
            statement = delete(table).where(*(table.c[name] == value for name, value in key.items()))
            gone[table.name] += connection.execute(statement).rowcount
        connection.execute(
            delete(CUTOVERS).where(
                CUTOVERS.c.enterprise_id == enterprise_id,
                CUTOVERS.c.team_id == team_id,
                CUTOVERS.c.id == cutover_id,
            )
        )
        gone[CUTOVERS.name] += 1
    return gone


class Retention:
    """A job for the scheduler's ticks: forgets at its first call, then once in EVERY seconds."""

    def __init__(self, store: SqlStore, clock: Clock, keep: Keep) -> None:
        self._store = store
        self._clock = clock
        self._keep = keep
        self._next = time.monotonic()

    async def run(self) -> Mapping[str, int]:
        """What went in this call; nothing while it is not time yet."""
        if time.monotonic() < self._next:
            return {}
        self._next = time.monotonic() + EVERY
        return await forget(self._store, self._clock.now(), self._keep)
