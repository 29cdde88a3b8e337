"""Working off the inbox: what was accepted is done once, also where the database goes away in between."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.teams import Team
from bot.ports import InboxRow, StoreUnavailable
from bot.slack.work import Worker
from bot.workspace.clock import MovableClock
from tests.fakes.memory_store import MemoryStore

TEAM = Team("", "T1")


async def accepted(store: MemoryStore) -> int:
    """The row of a command that Slack delivered."""
    row_id = await store.transact(
        lambda tx: tx.inbox.accept(
            "d1", "command", Team("", "T1"), {"command": "/mxcutover"}, datetime.now(UTC)
        )
    )
    assert row_id is not None
    return row_id


@pytest.mark.parametrize("reason", ["unreachable", "locked", "full"])
async def test_a_database_that_goes_away_leaves_the_work_for_the_sweep(reason: str) -> None:
    store, clock = MemoryStore(), MovableClock()
    done: list[int] = []
    sorry: list[str] = []
    away = [True]

    async def handle(row: InboxRow) -> None:
        if away:
            away.pop()
            raise StoreUnavailable(reason, "gone")
        await store.transact(lambda tx: tx.inbox.done(row.id))
        done.append(row.id)

    async def apologise(row: InboxRow, error_id: str) -> None:
        sorry.append(error_id)

    worker = Worker(store, clock, handle, apologise)
    row_id = await accepted(store)
    worker.take(row_id)
    await worker.idle()
    assert (done, sorry) == ([], [])
    clock.set(clock.now() + timedelta(minutes=2))
    assert await worker.sweep() == 1
    await worker.idle()
    assert (done, sorry) == ([row_id], [])
    assert await worker.sweep() == 0


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
