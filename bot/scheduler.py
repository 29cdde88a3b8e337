"""The ticks. APScheduler only calls; what is due stands in the database, where every replica sees it.

Its memory store is used on purpose: a shared job store runs jobs twice. A wall clock that steps back
stops its interval jobs, so a tick's age is measured by the monotonic clock, and a tick that is too old
is made up for here.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
STALE_SECONDS = 5.0

Job = Callable[[], Awaitable[object]]


class Scheduler:
    """Calls each job once a second, one after the other; a failing job does not stop the others."""

    def __init__(self, jobs: dict[str, Job], *, seconds: float = TICK_SECONDS) -> None:
        self._jobs = jobs
        self._seconds = seconds
        self._apscheduler = AsyncIOScheduler(timezone="UTC")
        self._lock = asyncio.Lock()
        self._last = time.monotonic()
        self._guard: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin ticking, in the running loop."""
        self._apscheduler.add_job(
            self.tick,
            "interval",
            seconds=self._seconds,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )
        self._apscheduler.start()
        self._guard = asyncio.create_task(self._watch(), name="tick-guard")

    async def stop(self) -> None:
        """No further tick; the one under way ends."""
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        async with self._lock:  # shutting APScheduler down would cancel a tick that is under way
            if self._apscheduler.running:
                self._apscheduler.shutdown(wait=False)

    @property
    def age_seconds(self) -> float:
        """Since the last tick ended, by the monotonic clock."""
        return time.monotonic() - self._last

    def paused(self) -> asyncio.Lock:
        """`async with scheduler.paused():` no tick is under way, and none begins."""
        return self._lock

    async def tick(self) -> None:
        """Run every job once; a tick that is still under way is not doubled."""
        if self._lock.locked():
            return
        async with self._lock:
            for name, job in self._jobs.items():
                try:
                    await job()
                except Exception:
                    log.exception("a tick failed", job=name)
            self._last = time.monotonic()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(STALE_SECONDS)
            if self.age_seconds > STALE_SECONDS and not self._lock.locked():
                log.warning("ticks stopped, made up for", age_seconds=round(self.age_seconds, 1))
                await self.tick()
