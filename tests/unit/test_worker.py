"""Working off the inbox: what was accepted is done once, also where the database goes away in between."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from bot.domain.teams import Team
from bot.ports import InboxRow, StoreUnavailable
from bot.slack.errors import TryLater
from bot.slack.vault import BadTokenKey
from bot.slack.work import AT_ONCE, Worker
from bot.workspace.clock import MovableClock
from tests.fakes.memory_store import MemoryStore

TEAM = Team("", "T1")


async def accepted(store: MemoryStore) -> int:
    """The row of a command that Slack delivered."""
    row_id = await store.transact(
        lambda tx: tx.inbox.accept(
            uuid4().hex, "command", Team("", "T1"), {"command": "/mxcutover"}, datetime.now(UTC)
        )
    )
    assert row_id is not None
    return row_id


class Scene:
    """A worker whose database is away for the first `away` tries, and what came of it."""

    def __init__(self, error: Exception, away: int, waits: Sequence[float]) -> None:
        self.store, self.clock = MemoryStore(), MovableClock()
        self.error, self.away = error, away
        self.done: list[int] = []
        self.once = asyncio.Event()
        self.sorry: list[str] = []
        self.worker = Worker(self.store, self.clock, self.handle, self.apologise, waits=waits)

    async def handle(self, row: InboxRow) -> None:
        if self.away:
            self.away -= 1
            raise self.error
        await self.store.transact(lambda tx: tx.inbox.done(row.id))
        self.done.append(row.id)
        self.once.set()

    async def apologise(self, row: InboxRow, error_id: str) -> None:
        self.sorry.append(error_id)

    async def take(self) -> int:
        row_id = await accepted(self.store)
        self.worker.take(row_id)
        return row_id


PASSING = (
    *(StoreUnavailable(reason, "gone") for reason in ("unreachable", "locked", "full")),
    TryLater("ratelimited"),
    BadTokenKey("wrong"),  # another replica has a newer one
)


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_what_was_accepted_waits_for_what_will_pass(error: Exception) -> None:
    scene = Scene(error, away=3, waits=(0, 0, 0))
    row_id = await scene.take()
    await scene.worker.idle()
    assert (scene.done, scene.sorry) == ([row_id], [])


@pytest.mark.parametrize("error", PASSING, ids=str)
async def test_where_it_lasts_the_work_is_left_to_the_sweep(error: Exception) -> None:
    scene = Scene(error, away=3, waits=(0, 0))
    row_id = await scene.take()
    await scene.worker.idle()
    assert (scene.done, scene.sorry) == ([], [])
    scene.clock.set(scene.clock.now() + timedelta(minutes=2))
    assert await scene.worker.sweep() == 1
    await scene.worker.idle()
    assert (scene.done, scene.sorry) == ([row_id], [])
    assert await scene.worker.sweep() == 0


async def test_what_was_left_by_a_clock_that_was_set_back_is_taken_up() -> None:
    """At the start whatever there is; later what cannot have been accepted by this clock."""
    scene = Scene(PASSING[0], away=0, waits=())
    row_id = await accepted(scene.store)
    scene.clock._offset -= timedelta(seconds=30)
    assert await scene.worker.sweep() == 0  # another's clock may be a little ahead
    assert await scene.worker.sweep(older=timedelta()) == 1
    await scene.worker.idle()
    left = await accepted(scene.store)
    scene.clock._offset -= timedelta(hours=1)
    assert await scene.worker.sweep() == 1
    await scene.worker.idle()
    assert scene.done == [row_id, left]


async def test_what_waits_for_the_database_takes_no_place_from_others_and_holds_up_no_stop() -> None:
    scene = Scene(PASSING[0], away=AT_ONCE, waits=(3600,))
    for _ in range(AT_ONCE):
        await scene.take()
    last = await scene.take()
    async with asyncio.timeout(10):
        await scene.once.wait()
        assert scene.done == [last]
        await scene.worker.stop(3600)
    assert (scene.done, scene.sorry) == ([last], [])


async def test_a_mistake_of_ours_is_apologised_for_once() -> None:
    store = MemoryStore()
    sorry: list[int] = []

    async def handle(_: InboxRow) -> None:
        raise ZeroDivisionError

    async def apologise(row: InboxRow, error_id: str) -> None:
        sorry.append(row.id)
        await store.transact(lambda tx: tx.inbox.failed(row.id, error_id))

    worker = Worker(store, MovableClock(), handle, apologise)
    row_id = await accepted(store)
    worker.take(row_id)
    await worker.idle()
    assert sorry == [row_id]


async def test_what_is_left_of_a_row_is_taken_next_and_while_stopping_is_left_in_the_inbox() -> None:
    store = MemoryStore()
    done: list[int] = []
    rows: list[int] = []
    stopping: list[asyncio.Task[None]] = []

    async def handle(row: InboxRow) -> int | None:
        await store.transact(lambda tx: tx.inbox.done(row.id))
        done.append(row.id)
        if len(done) == 2:
            stopping.append(asyncio.create_task(worker.stop(10)))
            await asyncio.sleep(0)  # it has begun
        return rows[len(done)]

    async def apologise(_: InboxRow, __: str) -> None:
        raise AssertionError

    worker = Worker(store, MovableClock(), handle, apologise)
    rows += [await accepted(store) for _ in range(3)]
    worker.take(rows[0])
    await worker.idle()
    await asyncio.gather(*stopping)
    assert done == rows[:2]
