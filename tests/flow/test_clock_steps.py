"""A wall clock that jumps: reminders are rows with a moment each, so none is lost and none said twice."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.content import TOKYO
from bot.content.reply_text import at_text
from bot.domain.when import Assumed, When, parse_when
from bot.main import ALIVE_WITHIN
from bot.ports import PlannedReminder, Tx
from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.workspace.faults import Fault, Kind
from bot.workspace.person import CUTOVER
from tests.chaos.run import TEAM
from tests.contract.samples import cutover
from tests.flow.conftest import House
from tests.flow.test_whole_cutover import open_cutover, thread

pytestmark = pytest.mark.timeout(90)


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


async def test_what_is_to_be_tried_again_does_not_wait_for_a_clock_that_was_set_back(house: House) -> None:
    """Neither it nor what waits behind it in its channel."""
    root = await open_cutover(house)
    house.workspace.faults.add(Fault(Kind.STATUS, "chat.postMessage", times=1, status=503))
    await house.hanako.say("手順6 不要", CUTOVER, str(root["ts"]))

    async def refused() -> int:
        return house.workspace.faults.left()

    async def unsettled() -> int:
        return await house.bot.store.transact(lambda tx: tx.outbox.unsettled())

    await house.hanako.wait_for(refused, lambda left: left == 0)
    await house.bot.settle()
    assert await unsettled()
    await step(house, -1)
    assert await unsettled() == 0
    assert sum("不要として記録" in text for text in await thread(house, root)) == 1


async def test_a_slewed_clock_says_each_reminder_once(house: House) -> None:
    """NTP draws the clock to and fro by parts of a second, here across the very moment that is due."""
    await open_cutover(house)
    due = await house.bot.next_due()
    assert due is not None
    await step(house, (due - house.clock.now() - timedelta(seconds=0.3)) / timedelta(hours=1))
    assert not await reminded(house)
    for seconds in (0.2, -0.1, 0.4, -0.5, 0.3, -0.2, 0.6):
        await step(house, seconds / 3600)
    assert set((await reminded(house)).values()) == {1}


async def test_it_lives_while_its_ticks_do_whatever_the_wall_clock_shows(house: House) -> None:
    for hours in (-30, 60, -1):
        await step(house, hours)
        assert await house.bot.alive()
    scheduler = house.bot.scheduler
    await scheduler.stop()
    scheduler._last -= ALIVE_WITHIN  # no tick for so long, by the monotonic clock
    for hours in (0, -30, 60):
        house.clock._offset += timedelta(hours=hours)
        assert not await house.bot.alive()


# The nights in which these zones change their clocks, and the local hour that is skipped or repeated.
NIGHTS = [
    ("Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC), "3/28 2:30"),
    ("Europe/Berlin", datetime(2027, 10, 31, 1, tzinfo=UTC), "10/31 2:30"),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC), "3/14 2:30"),
    ("America/New_York", datetime(2027, 11, 7, 6, tzinfo=UTC), "11/7 1:30"),
]


@pytest.fixture(params=NIGHTS, ids=lambda night: f"{night[0]} {night[1]:%m-%d}")
def night(request: pytest.FixtureRequest) -> Iterator[tuple[str, datetime, str]]:
    """A process in that zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = request.param[0]
    time.tzset()
    yield request.param
    os.environ.pop("TZ")
    if before is not None:
        os.environ["TZ"] = before
    time.tzset()


async def test_a_reminder_comes_at_its_instant_where_the_machine_changes_its_clocks(
    night: tuple[str, datetime, str], tmp_path: Path
) -> None:
    """Planned in Tokyo, minutes before, at and after the change, and in both of a repeated hour's passes."""
    _, change, _ = night
    url = f"sqlite:///{tmp_path / 'zone.db'}"
    migrate(url)
    store = open_store(url, synchronous="OFF")
    moments = [change + timedelta(minutes=30 * n) for n in range(-3, 4)]

    def plan(tx: Tx) -> None:
        made = cutover(1, TEAM)
        tx.cutovers.add(made)
        rows = [PlannedReminder(f"r{n}", at.astimezone(TOKYO), "drop") for n, at in enumerate(moments)]
        tx.reminders.plan(TEAM, made.id, made.plan_version, rows)

    await store.transact(plan)
    for number, at in enumerate(moments):

        def claimed(now: datetime) -> list[tuple[str, datetime]]:
            def work(tx: Tx) -> list[tuple[str, datetime]]:
                rows = tx.reminders.claim(now, limit=10, lease=timedelta(minutes=5))
                return [(row.reminder.kind, row.reminder.due_at) for row in rows]

            return store.run(work)

        assert claimed(at - timedelta(seconds=1)) == []
        assert claimed(at) == [(f"r{number}", at)]
    await store.close()


def test_an_hour_that_is_skipped_or_repeated_is_said_back(night: tuple[str, datetime, str]) -> None:
    """A skipped hour is read as the clock would have gone on, a repeated one as its first pass."""
    zone, change, typed = night
    tz = ZoneInfo(zone)
    reading = parse_when(typed, change - timedelta(days=10), tz)
    assert isinstance(reading, When)
    assert Assumed.CLOCK_CHANGE in reading.assumed
    spring = change.month == 3
    assert reading.at == change + timedelta(minutes=30 if spring else -30)
    shown = at_text(reading.at, [code.value for code in reading.assumed], "en", tz)
    local = reading.at.astimezone(tz)
    assert f"{local:%H:%M} {local.tzname()}" in shown
    assert at_text(reading.at, [], "en", tz) != shown
