"""The ticks. APScheduler only calls; what is due stands in the database, where every replica sees it.

Its memory store is used on purpose: a shared job store runs jobs twice. A wall clock that steps back
stops its interval jobs, so the age of the last tick is measured by the monotonic clock, and ticks that
stay away are made up for here. Each job has ticks of its own: one that waits for a slow nameserver keeps
no reminder back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STALE_SECONDS = 5.0

Job = Callable[[], Awaitable[object]]


class Scheduler:
    """Calls each job once in `seconds`, never twice at once; a failing job is called again all the same."""

    def __init__(self, jobs: Mapping[str, Job], *, seconds: float = TICK_SECONDS) -> None:
        self._jobs = dict(jobs)
        self._seconds = seconds
        self._apscheduler = AsyncIOScheduler(timezone="UTC")
        self._locks = {name: asyncio.Lock() for name in self._jobs}
        self._last = time.monotonic()
        self._guard: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin ticking, in the running loop."""
        for name in self._jobs:
            self._apscheduler.add_job(
                self._call,
                "interval",
                args=[name],
                id=name,
                seconds=self._seconds,
                coalesce=True,
                max_instances=2,  # the second finds the lock held and goes; APScheduler would log a refusal
                misfire_grace_time=None,
            )
        self._apscheduler.start()
        self._guard = asyncio.create_task(self._watch(), name="tick-guard")

    async def stop(self) -> None:
        """No further tick; those under way end."""
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        async with self.paused():  # shutting APScheduler down would cancel a tick that is under way
            if self._apscheduler.running:
                self._apscheduler.shutdown(wait=False)

    @property
    def age_seconds(self) -> float:
        """Since a tick last began, by the monotonic clock."""
        return time.monotonic() - self._last

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
        self._last = time.monotonic()
        if self._locks[name].locked():
            return
        async with self._locks[name]:
            try:
                await self._jobs[name]()
            except Exception:
                log.exception("a tick failed", job=name)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(STALE_SECONDS)
            if self.age_seconds > STALE_SECONDS:
                log.warning("ticks stopped, made up for", age_seconds=round(self.age_seconds, 1))
                await self.tick()
