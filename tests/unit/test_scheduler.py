"""The ticks: none doubled, none held back by another, none lost to a failure."""

import asyncio
from datetime import datetime, timedelta, tzinfo

import pytest

from bot.scheduler import Scheduler


async def test_a_job_that_waits_holds_no_other_back() -> None:
    waiting, ran = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        await waiting.wait()

    async def quick() -> None:
        ran.set()

    scheduler = Scheduler({"slow": slow, "quick": quick})
    ticking = asyncio.create_task(scheduler.tick())
    await asyncio.wait_for(ran.wait(), 5)
    ran.clear()
    again = asyncio.create_task(scheduler.tick())
    await asyncio.wait_for(ran.wait(), 5)
    waiting.set()
    await asyncio.gather(ticking, again)


async def test_a_job_is_never_called_twice_at_once() -> None:
    most = now = 0
    go = asyncio.Event()

    async def job() -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await go.wait()
        now -= 1

    scheduler = Scheduler({"job": job})
    ticks = [asyncio.create_task(scheduler.tick()) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*ticks)
    assert most == 1


async def test_a_failing_job_stops_neither_itself_nor_others() -> None:
    calls: list[str] = []

    async def bad() -> None:
        calls.append("bad")
        raise RuntimeError("no")

    async def good() -> None:
        calls.append("good")

    scheduler = Scheduler({"bad": bad, "good": good})
    await scheduler.tick()
    await scheduler.tick()
    assert sorted(calls) == ["bad", "bad", "good", "good"]


async def test_nothing_ticks_while_paused_and_stopping_lets_a_tick_end() -> None:
    ended = asyncio.Event()
    begun = asyncio.Event()
    go = asyncio.Event()

    async def job() -> None:
        begun.set()
        await go.wait()
        ended.set()

    scheduler = Scheduler({"job": job}, seconds=0.01)
    async with scheduler.paused():
        scheduler.start()
        await scheduler.tick()
        assert not begun.is_set()
    await asyncio.wait_for(begun.wait(), 5)
    stopping = asyncio.create_task(scheduler.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    go.set()
    await asyncio.wait_for(stopping, 5)
    assert ended.is_set()


async def test_a_job_that_hangs_is_broken_off_by_a_stop() -> None:
    begun, broken = asyncio.Event(), asyncio.Event()

    async def hanging() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            broken.set()

    scheduler = Scheduler({"job": hanging}, seconds=0.01)
    scheduler.start()
    await asyncio.wait_for(begun.wait(), 5)
    await asyncio.wait_for(scheduler.stop(0.01), 5)
    await asyncio.wait_for(broken.wait(), 5)


async def test_a_hanging_job_does_not_keep_the_guard_from_the_next_look() -> None:
    """No tick is due for an hour, so the guard makes up for them; of what it calls, one hangs."""
    at, hangs = 0.0, False
    called = asyncio.Event()

    async def hanging() -> None:
        if hangs:
            await asyncio.Event().wait()

    async def other() -> None:
        called.set()

    jobs = {"hanging": hanging, "other": other}
    scheduler = Scheduler(jobs, seconds=3600, stale_seconds=0.05, monotonic=lambda: at)
    scheduler.start()
    await asyncio.wait_for(called.wait(), 5)
    hangs = True
    for _ in range(3):
        called.clear()
        at += 10
        await asyncio.wait_for(called.wait(), 5)
    assert scheduler.busy_seconds == 20
    await asyncio.wait_for(scheduler.stop(0.01), 5)


async def test_it_ticks_by_itself_and_knows_how_long_ago() -> None:
    count = 0
    enough = asyncio.Event()

    async def job() -> None:
        nonlocal count
        count += 1
        if count >= 3:
            enough.set()

    scheduler = Scheduler({"job": job}, seconds=0.01)
    scheduler.start()
    await asyncio.wait_for(enough.wait(), 10)
    assert scheduler.age_seconds < 5
    await scheduler.stop()


def set_wall_clock(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """What APScheduler takes for the wall clock from now on."""

    class Stepped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Stepped":
            return cls.fromtimestamp((datetime.now(tz) + timedelta(hours=hours)).timestamp(), tz)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Stepped)


@pytest.mark.timeout(40)
@pytest.mark.parametrize("hours", [-1, -30, 5, 24 * 365 * 20])
async def test_ticks_go_on_at_their_pace_after_the_wall_clock_was_set(
    monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    """Not only those that the guard makes up for: at that pace this would take most of a minute."""
    ticks = asyncio.Semaphore(0)

    async def job() -> None:
        ticks.release()

    async def tick(times: int) -> None:
        for _ in range(times):
            await ticks.acquire()

    scheduler = Scheduler({"job": job}, seconds=0.01, stale_seconds=0.5)
    scheduler.start()
    await asyncio.wait_for(tick(3), 10)
    set_wall_clock(monkeypatch, hours)
    await asyncio.wait_for(tick(100), 15)
    await scheduler.stop()


async def test_its_age_is_the_monotonic_clocks() -> None:
    at = 100.0

    async def job() -> None: ...

    scheduler = Scheduler({"job": job}, monotonic=lambda: at)
    at = 131.0
    assert scheduler.age_seconds == 31.0
    await scheduler.tick()
    assert scheduler.age_seconds == 0.0
