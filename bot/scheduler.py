"""The ticks. APScheduler only calls; what is due stands in the database, where every replica sees it.

Its memory store is used on purpose: a shared job store runs jobs twice. A wall clock that steps back
stops its interval jobs, so the age of the last tick is measured by the monotonic clock; where ticks stay
away, they are made up for here and APScheduler is told to begin anew from the clock as it now is. Its own
interval trigger counts every moment that was missed, one by one: a machine that slept for a month, or began
with a wrong year, would be busy with that for minutes; the one here does not. Each job has ticks of its own:
one that waits for a slow nameserver keeps no reminder back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STALE_SECONDS = 5.0
LONG_SECONDS = 60.0  # looks at DNS, and deleting what is old, are over sooner

Job = Callable[[], Awaitable[object]]


class Every(BaseTrigger):  # type: ignore[misc]
    """At once, then `seconds` after each time; however many moments were missed, they are one."""

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """As APScheduler asks for it."""
        return now if previous_fire_time is None else now + self._interval


class Scheduler:
    """Calls each job once in `seconds`, never twice at once; a failing job is called again all the same."""

    def __init__(
        self,
        jobs: Mapping[str, Job],
        *,
        seconds: float = TICK_SECONDS,
        stale_seconds: float = STALE_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`stale_seconds`: without a tick for so long, the ticks are begun anew."""
        self._jobs = dict(jobs)
        self._seconds = seconds
        self._stale_seconds = stale_seconds
        self._monotonic = monotonic
        self._apscheduler = AsyncIOScheduler(timezone="UTC")
        self._locks = {name: asyncio.Lock() for name in self._jobs}
        self._last = self._monotonic()
        self._began: dict[str, float] = {}  # jobs that are running now
        self._said: set[str] = set()  # of these, those that were said to take long
        self._guard: asyncio.Task[None] | None = None
        self._made_up: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin ticking, in the running loop."""
        for name in self._jobs:
            self._apscheduler.add_job(
                self._call,
                Every(self._seconds),
                args=[name],
                id=name,
                coalesce=True,
                max_instances=2,  # the second finds the lock held and goes; APScheduler would log a refusal
                misfire_grace_time=None,
            )
        self._apscheduler.start()
        self._guard = asyncio.create_task(self._watch(), name="tick-guard")

    async def stop(self, seconds: float = 10.0) -> None:
        """No further tick; those under way end within `seconds`, or are broken off."""
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(seconds):
                    await stack.enter_async_context(self.paused())
            except TimeoutError:
                log.warning("jobs were broken off", jobs=sorted(self._began))
            if self._apscheduler.running:  # shutting it down cancels the ticks that are under way
                self._apscheduler.shutdown(wait=False)

    @property
    def age_seconds(self) -> float:
        """Since a tick last began, by the monotonic clock."""
        return self._monotonic() - self._last

    @property
    def busy_seconds(self) -> float:
        """For how long the longest of the running jobs has been at it, by the monotonic clock."""
        return self._monotonic() - min(self._began.values(), default=self._monotonic())

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """No tick is under way inside, and none begins."""
        async with AsyncExitStack() as stack:
            for lock in self._locks.values():
                await stack.enter_async_context(lock)
            yield

    async def tick(self) -> None:
        """Every job once, all at a time."""
        await asyncio.gather(*(self._call(name) for name in self._jobs))

    async def _call(self, name: str) -> None:
        self._last = self._monotonic()
        if self._locks[name].locked():
            return
        async with self._locks[name]:
            self._began[name] = self._monotonic()
            try:
                await self._jobs[name]()
            except Exception:
                log.exception("a tick failed", job=name)
            finally:
                del self._began[name]
                self._said.discard(name)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._stale_seconds)
            self._say_what_hangs()
            if self.age_seconds > self._stale_seconds:
                log.warning("ticks stopped, begun anew", age_seconds=round(self.age_seconds, 1))
                for name in self._jobs:  # each waits for a moment that a clock set back has put far off
                    self._apscheduler.reschedule_job(name, trigger=Every(self._seconds))
                # Not waited for: a job that hangs must not keep the guard from the next look.
                self._made_up = asyncio.create_task(self.tick())

    def _say_what_hangs(self) -> None:
        now = self._monotonic()
        for name, began in self._began.items():
            if now - began > LONG_SECONDS and name not in self._said:
                self._said.add(name)
                log.error("a job does not end", job=name, seconds=round(now - began))
