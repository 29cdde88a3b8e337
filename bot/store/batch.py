"""SQLite: transactions that wait at the same time share a commit, which is mostly waiting for the disk.

Each is still all or nothing by itself (a savepoint), and none is told of success before the commit. Where the
shared commit fails, none of them has happened: each is then run again alone, and has its own outcome.
"""

import contextvars
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.store.tx import SqlTx

T = TypeVar("T")

MOST = 100  # transactions in one commit


@dataclass(frozen=True, slots=True)
class _Waiting:
    work: Callable[[SqlTx], Any]
    context: contextvars.Context
    future: Future[Any]


class Batches:
    """Runs transactions in one thread, those that have gathered meanwhile together.

    `alone` runs one transaction by itself; it translates what the database raises.
    """

    def __init__(
        self, engine: Engine, pool: ThreadPoolExecutor, alone: Callable[[Callable[[SqlTx], Any]], Any]
    ) -> None:
        self._engine = engine
        self._pool = pool
        self._alone = alone
        self._waiting: deque[_Waiting] = deque()

    def submit(self, work: Callable[[SqlTx], T]) -> Future[T]:
        """The outcome to come. Cancelling it before its turn leaves the work undone."""
        waiting = _Waiting(work, contextvars.copy_context(), Future())
        self._waiting.append(waiting)
        self._pool.submit(self._serve)
        return waiting.future

    def _serve(self) -> None:
        taken: list[_Waiting] = []
        while self._waiting and len(taken) < MOST:
            waiting = self._waiting.popleft()
            if waiting.future.set_running_or_notify_cancel():
                taken.append(waiting)
        if len(taken) > 1 and self._together(taken):
            return
        for waiting in taken:
            try:
                result = waiting.context.run(self._alone, waiting.work)
            except BaseException as error:
                waiting.future.set_exception(error)
            else:
                waiting.future.set_result(result)

    def _together(self, taken: Sequence[_Waiting]) -> bool:
        """False: the database refused something; nothing of it has happened."""
        results: list[tuple[_Waiting, Any]] = []
        failures: list[tuple[_Waiting, BaseException]] = []
        try:
            with self._engine.begin() as connection:
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
            waiting.future.set_result(result)
        for waiting, failure in failures:
            waiting.future.set_exception(failure)
        return True
