"""PostgreSQL's connections: what is waited for, how long, and which are not used again. Needs psycopg."""

from collections.abc import Generator
from math import ceil
from typing import Any, TypeVar

import psycopg
from psycopg.waiting import Ready
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import DBAPIError

from bot.store.faults import STANDBY
from bot.store.patience import Patience, present

T = TypeVar("T")

CONNECT_SECONDS = 5

CONNECT_ARGS: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "mxcutover",
    "options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=30s"
    " -c idle_in_transaction_session_timeout=30s",
    # A peer that is gone without a word is noticed in about 15 seconds, idle (keepalives) or waited for.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,  # milliseconds that what was sent may stay unconfirmed
}


class NoAnswer(psycopg.OperationalError):
    """The transaction's time was up. What it had sent last may have been carried out."""

    def __init__(self) -> None:
        super().__init__("the database gave no answer in time")


class PatientConnection(psycopg.Connection[Any]):
    """Waits no longer than the transaction's patience, then closes itself: nothing else ends such a wait.

    Keepalives tell of a lost host, but not of a proxy or a server that confirms and does nothing.
    """

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **more: Any) -> T:
        patience = present()
        if patience is None:
            return super().wait(gen, *args, **more)
        try:
            return super().wait(_patiently(gen, patience), *args, **more)
        except NoAnswer:
            self.close()
            raise


def _patiently(gen: Generator[Any, Any, T], patience: Patience) -> Generator[Any, Any, T]:
    """As `gen`, which psycopg resumes ten times a second with NONE while nothing comes."""
    if patience.over:  # what begins so late has been given up by whoever asked for it
        raise NoAnswer
    try:
        state = next(gen)
        while True:
            ready = yield state
            if ready == Ready.NONE and patience.over:
                raise NoAnswer
            state = gen.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


def create_postgresql(url: URL, threads: int) -> Engine:
    """An engine for so many threads. Raises ModuleNotFoundError where psycopg is not installed."""
    engine = create_engine(
        url,
        pool_size=threads,
        max_overflow=2,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=CONNECT_ARGS,
    )
    event.listen(engine, "do_connect", _connect)
    event.listen(engine, "handle_error", _leave_a_standby)
    return engine


def _connect(_dialect: Any, _record: Any, args: list[Any], more: dict[str, Any]) -> PatientConnection:
    patience = present()
    if patience is not None:
        if patience.over:
            raise NoAnswer
        more = {**more, "connect_timeout": min(CONNECT_SECONDS, ceil(patience.left))}
    return PatientConnection.connect(*args, **more)


def _leave_a_standby(context: ExceptionContext) -> None:
    """After a failover the connections that are open lead to what is a standby now, which answers well.

    None of them is used again: a new connection finds the server that the name leads to by then.
    """
    error = context.sqlalchemy_exception
    if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == STANDBY:
        context.is_disconnect = True
