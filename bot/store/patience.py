"""How long a transaction waits for a database that does not answer.

A host that is lost, or a network that is cut, closes no connection: a thread that waits for it would wait for
hours, and with it every thread. The server's own time-outs do not help where the server cannot be heard.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Patience:
    """A transaction's end: a moment on the monotonic clock, which can be brought nearer from outside."""

    __slots__ = ("_until",)

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds."""
        return self._until - time.monotonic()

    @property
    def over(self) -> bool:
        return self.left <= 0

    def shorten(self, seconds: float) -> None:
        """No longer than `seconds` from now."""
        self._until = min(self._until, time.monotonic() + seconds)


_PRESENT: ContextVar[Patience | None] = ContextVar("patience", default=None)


def present() -> Patience | None:
    """That of the transaction under way; None: it may take as long as it takes (a migration)."""
    return _PRESENT.get()


@contextmanager
def within(patience: Patience) -> Iterator[None]:
    """Inside, PostgreSQL is waited for as long as `patience` lasts."""
    token = _PRESENT.set(patience)
    try:
        yield
    finally:
        _PRESENT.reset(token)
