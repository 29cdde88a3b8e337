"""The sender beside a database that goes away for a moment, and beside mistakes of the program."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from bot.ports import Clock, Delivery, Outgoing, StoreUnavailable, VersionConflict
from bot.slack.app import OneTeam
from bot.slack.material import Material
from bot.slack.render import render
from bot.slack.rendered import Rendered
from bot.slack.sender import MOST_MISTAKES, Sender
from bot.store.engine import SqlStore, open_store
from bot.store.tables import OUTBOX
from bot.store.tx import SqlTx
from bot.workspace.clock import MovableClock
from bot.workspace.person import CUTOVER, HANAKO, Person
from bot.workspace.server import BOT_TOKEN, LocalWorkspace
from tests.flow.test_pages import TEAM

T = TypeVar("T")
FOR_ALL = Outgoing(Delivery.POST, "help", channel=CUTOVER, user=HANAKO)
FOR_ONE = Outgoing(Delivery.EPHEMERAL, "help", channel=CUTOVER, user=HANAKO)
CLAIM, PREPARE, NOTE = 1, 2, 3  # the transactions of one message


@dataclass
class Away:
    """The store, but for the transactions that find no database. `after`: it had committed all the same."""

    store: SqlStore
    gone: Collection[int] = ()
    after: bool = False
    error: Exception = field(default_factory=lambda: StoreUnavailable("unreachable", "gone"))
    transactions: int = 0

    async def transact(self, work: Callable[[SqlTx], T]) -> T:
        self.transactions += 1
        if self.transactions in self.gone and not self.after:
            raise self.error
        result = await self.store.transact(work)
        if self.transactions in self.gone:
            raise StoreUnavailable("unreachable", "gone before it answered")
        return result


@dataclass
class Scene:
    store: SqlStore
    clock: MovableClock
    slack: LocalWorkspace
    person: Person

    def sender(self, store: object, how: Callable[[Outgoing, Material], Rendered] = render) -> Sender:
        team = OneTeam(SecretStr(BOT_TOKEN), self.slack.api_url)
        return Sender(store, self.clock, team, how, per_second=0, waits=(0, 0, 0))  # type: ignore[arg-type]

    async def row(self) -> tuple[object, ...]:
        chosen = select(OUTBOX.c.state, OUTBOX.c.unknown, OUTBOX.c.mistakes, OUTBOX.c.token.is_not(None))
        return tuple(await self.store.transact(lambda tx: tx.connection.execute(chosen).one()))

    async def said(self) -> int:
        """How often, those for one person's eyes too."""
        return sum(bool(message.get("bot_id")) for message in (await self.person.state())["messages"])


@asynccontextmanager
async def scene(*messages: Outgoing, base: Clock | None = None) -> AsyncIterator[Scene]:
    """With these messages to be said, or FOR_ALL."""
    store, clock = open_store("sqlite://"), MovableClock(base)
    async with LocalWorkspace(clock) as slack, Person(slack.url) as person:
        await store.transact(lambda tx: [tx.outbox.put(TEAM, it) for it in messages or (FOR_ALL,)])
        yield Scene(store, clock, slack, person)
    await store.close()


async def test_a_database_away_before_a_message_is_said_hands_it_back_at_once() -> None:
    async with scene() as it:
        await it.sender(Away(it.store, {PREPARE})).drain()
        assert await it.said() == 0
        assert await it.row() == ("pending", False, 0, False)  # nobody's, unsaid, and no mistake of ours
        await it.sender(it.store).drain()
        assert await it.said() == 1


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("message", [FOR_ALL, FOR_ONE], ids=["for all", "for one"])
async def test_what_was_said_is_noted_once_the_database_is_back(message: Outgoing, after: bool) -> None:
    async with scene(message) as it:
        await it.sender(Away(it.store, {NOTE, NOTE + 1}, after)).drain()
        assert (await it.row())[0] == "sent"
        await it.sender(it.store).drain()
        assert await it.said() == 1  # though Slack could not be asked about one for one person's eyes


async def test_what_was_said_is_noted_though_somebody_clicked_meanwhile() -> None:
    async with scene() as it:
        await it.sender(Away(it.store, {NOTE}, error=VersionConflict("c1"))).drain()
        assert await it.row() == ("sent", False, None, False)
        assert await it.said() == 1


async def test_a_database_of_which_a_part_is_broken_is_asked_with_pauses() -> None:
    async with scene() as it:
        asked = [await it.sender(Away(it.store, {PREPARE})).drain() for _ in range(5)]
        assert asked == [1, 1, 0, 0, 0]
        it.clock.set(it.clock.now() + timedelta(seconds=10))
        assert await it.sender(it.store).drain() == 1
        assert await it.said() == 1


async def test_where_it_stays_away_the_lease_is_what_brings_it_back() -> None:
    async with scene() as it:
        await it.sender(Away(it.store, range(NOTE, 99))).drain()
        assert await it.said() == 1
        assert await it.row() == ("pending", False, None, True)


async def test_only_a_mistake_that_stays_lets_a_message_go_unsaid() -> None:
    def mistaken(_: Outgoing, __: Material) -> Rendered:
        raise ZeroDivisionError

    async with scene() as it:
        clock, start = it.clock, it.clock.now()
        for hours in range(2 * MOST_MISTAKES):  # Slack refuses for long
            await it.person.fault(kind="status", method="chat.postMessage", status=503)
            clock.set(start + timedelta(hours=hours + 1))
            assert await it.sender(it.store).drain() == 1
        for mistake in range(1, MOST_MISTAKES):
            clock.set(clock.now() + timedelta(hours=1))
            assert await it.sender(it.store, mistaken).drain() == 1
            assert (await it.row())[0::2] == ("pending", mistake)
        clock.set(clock.now() + timedelta(hours=1))
        assert await it.sender(it.store, mistaken).drain() == 1
        assert (await it.row())[0] == "failed"
        assert await it.said() == 0
