"""Works off the inbox: every row in a task of its own, none forgotten, none done twice."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import structlog

from bot.ports import Clock, InboxRow, Store, StoreUnavailable
from bot.slack.errors import TryLater
from bot.slack.payloads import holds_mail
from bot.slack.vault import BadTokenKey
from bot.usecases.context import DoneBefore, persistently

log = structlog.get_logger(__name__)

LEFT_BEHIND = timedelta(seconds=60)
AT_ONCE = 16
# What will pass: the database is away, Slack does not say who somebody is, another replica has a newer key to
# the tokens. Nothing of the row was done, so nobody is told anything.
PASSING = (StoreUnavailable, TryLater, BadTokenKey)
# Seconds between two tries until then; after the last, any replica's sweep takes the row.
WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)


class Worker:
    """A supervised group of tasks; what a crash left is taken up again by `sweep`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        handle: Callable[[InboxRow], Awaitable[int | None]],
        apologise: Callable[[InboxRow, str], Awaitable[None]],
        *,
        waits: Sequence[float] = WAITS,
    ) -> None:
        """`handle`: deals with a row; the row that holds what is left of it, to be taken next."""
        self._store = store
        self._clock = clock
        self._handle = handle
        self._apologise = apologise
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._waits = waits
        self._stopping = asyncio.Event()

    def take(self, row_id: int) -> None:
        """Start working on a row, unless it is being worked on; while stopping it stays in the inbox."""
        if row_id in self._tasks or self._stopping.is_set():
            return
        task = asyncio.create_task(self._work(row_id), name=f"inbox-{row_id}")
        self._tasks[row_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(row_id, None))

    async def sweep(self, *, older: timedelta = LEFT_BEHIND) -> int:
        """Take up rows that were kept but not dealt with; how many.

        `older`: than so long, or as far in the future: kept by a clock that was set back since.
        """
        now = self._clock.now()
        rows = await self._store.transact(
            lambda tx: tx.inbox.unprocessed(older_than=now - older, ahead_of=now + older, limit=100)
        )
        for row in rows:
            self.take(row.id)
        return len(rows)

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """What is under way has ended, and nothing is begun inside; what is taken waits."""
        for _ in range(AT_ONCE):
            await self._slots.acquire()
        try:
            yield
        finally:
            for _ in range(AT_ONCE):
                self._slots.release()

    async def idle(self) -> None:
        """Until every task that is running now has ended."""
        while self._tasks:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def stop(self, seconds: float) -> None:
        """Let running tasks end within `seconds`; what does not end stays in the inbox."""
        self._stopping.set()
        if not self._tasks:
            return
        _, pending = await asyncio.wait(list(self._tasks.values()), timeout=seconds)
        for task in pending:
            task.cancel()
        if pending:
            await asyncio.gather(*pending, return_exceptions=True)

    async def _work(self, row_id: int) -> None:
        """What was accepted waits for what will pass (PASSING), with no apology."""
        for wait in (*self._waits, None):
            try:
                async with self._slots:
                    further = await self._once(row_id)
            except PASSING as error:
                left = wait is None or self._stopping.is_set()
                log.warning("left to the sweep" if left else "waits", inbox_id=row_id, why=str(error))
                if left:
                    return
            else:
                if further is not None:
                    self.take(further)
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait)
            if self._stopping.is_set():
                return

    async def _once(self, row_id: int) -> int | None:
        """Deal with a row; the row of what is left of it. Raises what will pass (PASSING)."""
        row = await self._store.transact(lambda tx: tx.inbox.get(row_id))
        if row is None:
            return None
        further = None
        bound = log.bind(inbox_id=row_id, kind=row.kind)
        try:
            further = await persistently(lambda: self._handle(row))
        except DoneBefore:
            bound.info("done before")
        except PASSING:
            raise
        except Exception:
            error_id = secrets.token_hex(4)
            bound.exception("could not be dealt with", error_id=error_id)
            await self._give_up(row, error_id)
        if holds_mail(row.payload):
            await self._wipe()
        return further

    async def _wipe(self) -> None:
        """Nothing of a pasted mail stays: its row is emptied by now, what remains is the journal."""
        try:
            await self._store.wipe()
        except Exception:
            log.exception("the journal could not be wiped")

    async def _give_up(self, row: InboxRow, error_id: str) -> None:
        try:
            await self._apologise(row, error_id)
        except Exception:
            log.exception("not even an apology", error_id=error_id)
