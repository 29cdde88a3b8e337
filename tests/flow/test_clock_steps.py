"""A wall clock that jumps: reminders are rows with a moment each, so none is lost and none said twice."""

from collections import Counter
from datetime import timedelta

import pytest

from bot.ports import Tx
from tests.chaos.run import TEAM
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import open_cutover, thread


async def step(house: House, hours: float) -> None:
    """As an administrator or NTP sets the clock: nothing in between is lived through."""
    house.clock._offset += timedelta(hours=hours)
    await house.bot.settle()


async def reminded(house: House) -> Counter[str]:
    """How often each reminder was fired, by the history."""

    def work(tx: Tx) -> Counter[str]:
        (cutover,) = tx.cutovers.list(TEAM, limit=2).rows
        history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({"reminded"}))
        return Counter(str(entry.data["kind"]) for entry in history)

    return await house.bot.store.transact(work)


@pytest.mark.parametrize("hours", [1, 5, 30])
async def test_a_clock_set_back_after_a_reminder_says_none_again(house: House, hours: float) -> None:
    root = await open_cutover(house)
    await house.go(days=10)
    before, said_before = await reminded(house), await thread(house, root)
    assert before
    await step(house, -hours)
    assert await thread(house, root) == said_before
    await step(house, hours)
    assert await reminded(house) == before
    assert await thread(house, root) == said_before


async def test_a_leap_over_a_reminder_brings_it_late_and_once(house: House) -> None:
    """As after a suspend of days: the monotonic clock stood still, the wall clock went on."""
    await open_cutover(house)
    due = await house.bot.next_due()
    assert due is not None
    ahead = (due - house.clock.now()) / timedelta(hours=1)
    await step(house, ahead + 5)
    once = await reminded(house)
    assert sum(once.values()) >= 1
    assert set(once.values()) == {1}
    await step(house, -5)
    await step(house, 5)
    assert await reminded(house) == once
