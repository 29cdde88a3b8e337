"""SQLite: transactions that wait at the same time share a commit, which is mostly waiting for the disk.

Each is still all or nothing by itself (a savepoint), and none is told of success before the commit. Where the
shared commit fails, none of them has happened: each is then run again alone, and has its own outcome.
"""

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from bot.store.tx import SqlTx

T = TypeVar("T")

MOST = 100  # transactions in one commit


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Callable[[SqlTx], Any]
    context: contextvars.Context
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def tell(self, result: Any, failure: BaseException | None = None) -> None:
        """The outcome, to whoever waits for it in the loop's thread; nobody may be there any more."""
        try:
            self.loop.call_soon_threadsafe(self._settle, result, failure)
        except RuntimeError:  # the loop has ended
            return

    def _settle(self, result: Any, failure: BaseException | None) -> None:
        if self.future.done():  # cancelled meanwhile
            return
        if failure is not None:
            self.future.set_exception(failure)
        else:
            self.future.set_result(result)


class Batches:
    """Runs transactions in one thread, those that have gathered meanwhile together.

    `begin` opens a transaction; `alone` runs one by itself, and translates what the database raises.
    """

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        pool: ThreadPoolExecutor,
        alone: Callable[[Callable[[SqlTx], Any]], Any],
    ) -> None:
        self._begin = begin
        self._pool = pool
        self._alone = alone
        self._waiting: deque[_Waiting] = deque()

    def submit(self, work: Callable[[SqlTx], T]) -> asyncio.Future[T]:
        """The outcome to come, in the running loop. Cancelling it before its turn leaves the work undone."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(work, contextvars.copy_context(), loop, loop.create_future())
        self._waiting.append(waiting)
        self._pool.submit(self._serve)
        return waiting.future

    def _serve(self) -> None:
        taken: list[_Waiting] = []
        while self._waiting and len(taken) < MOST:
            waiting = self._waiting.popleft()
            if not waiting.future.cancelled():
                taken.append(waiting)
        if len(taken) > 1 and self._together(taken):
            return
        for waiting in taken:
            try:
                result = waiting.context.run(self._alone, waiting.work)
            except BaseException as error:
                waiting.tell(None, error)
            else:
                waiting.tell(result)

    def _together(self, taken: Sequence[_Waiting]) -> bool:
        """False: the database refused something; nothing of it has happened."""
        results: list[tuple[_Waiting, Any]] = []
        failures: list[tuple[_Waiting, BaseException]] = []
        try:
            with self._begin() as connection:
                tx = SqlTx(connection)
                for waiting in taken:
                    try:
                        with connection.begin_nested():
                            results.append((waiting, waiting.context.run(waiting.work, tx)))
                    except SQLAlchemyError:
                        raise
                    except BaseException as error:
                        failures.append((waiting, error))
        except SQLAlchemyError:
            return False
        for waiting, result in results:
            waiting.tell(result)
        for waiting, failure in failures:
            waiting.tell(None, failure)
        return True
