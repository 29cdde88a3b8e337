"""A replica that the database kept waiting, until its lease had run out and another had the message."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from pydantic import SecretStr
from sqlalchemy import select, update

from bot.clock import SystemClock
from bot.ports import Delivery, Outgoing
from bot.slack.app import OneTeam
from bot.slack.render import render
from bot.slack.sender import Sender
from bot.store.dialect import database_time
from bot.store.engine import SqlStore, open_store
from bot.store.tables import OUTBOX
from bot.store.tx import SqlTx
from bot.workspace.clock import MovableClock
from bot.workspace.person import CUTOVER, HANAKO, Person
from bot.workspace.server import BOT_TOKEN, LocalWorkspace
from tests.flow.test_pages import TEAM

T = TypeVar("T")
LEASE = timedelta(seconds=60)
HOLDERS = select(OUTBOX.c.token.is_not(None), OUTBOX.c.unknown)


class Stalled:
    """The store as it is for a replica whose transaction after a claim comes too late."""

    def __init__(self, store: SqlStore, meanwhile: Callable[[SqlTx], object]) -> None:
        self.store = store
        self.meanwhile = meanwhile
        self.transactions = 0

    async def transact(self, work: Callable[[SqlTx], T]) -> T:
        self.transactions += 1
        if self.transactions == 2:
            await self.store.transact(self.meanwhile)
        return await self.store.transact(work)


def lapse(tx: SqlTx) -> None:
    tx.connection.execute(update(OUTBOX).values(lease_until=database_time(timedelta(seconds=-1))))


def overtake(tx: SqlTx) -> None:
    lapse(tx)
    assert tx.outbox.claim(SystemClock().now(), limit=9, lease=LEASE)


async def said_by(
    meanwhile: Callable[[SqlTx], object],
) -> tuple[list[dict[str, object]], int, list[tuple[bool, bool]]]:
    """What is in the channel after a stalled replica's batch, and after a healthy one's; unsettled rows;
    and in between, whether the row is somebody's, and whether it may have been said.
    """
    store = open_store("sqlite://")
    async with LocalWorkspace(MovableClock()) as slack, Person(slack.url) as person:
        team = OneTeam(SecretStr(BOT_TOKEN), slack.api_url)
        message = Outgoing(Delivery.POST, "help", channel=CUTOVER, user=HANAKO)
        await store.transact(lambda tx: tx.outbox.put(TEAM, message))
        stalled = Stalled(store, meanwhile)
        await Sender(stalled, SystemClock(), team, render, per_second=0, lease=LEASE).drain()  # type: ignore[arg-type]
        assert stalled.transactions == 2
        assert await person.messages(CUTOVER) == []
        holders = await store.transact(lambda tx: tx.connection.execute(HOLDERS).all())
        await Sender(store, SystemClock(), team, render, per_second=0, lease=LEASE).drain()
        said = await person.messages(CUTOVER)
    unsettled = await store.transact(lambda tx: tx.outbox.unsettled())
    await store.close()
    return said, unsettled, [tuple(row) for row in holders]


async def test_whose_lease_has_lapsed_says_nothing_and_hands_back() -> None:
    said, unsettled, held = await said_by(lapse)
    assert (len(said), unsettled) == (1, 0)
    assert held == [(False, False)]  # nobody's, at once, and certainly not said: it need not be looked for


async def test_what_another_has_taken_is_left_to_it() -> None:
    said, unsettled, held = await said_by(overtake)
    assert (len(said), unsettled) == (0, 1)  # the other is at it still
    assert held == [(True, True)]
