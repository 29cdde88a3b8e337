"""A clock that can be moved forward: the rehearsal of ten days takes a click."""

from datetime import datetime, timedelta

from bot.clock import SystemClock
from bot.ports import Clock


class MovableClock:
    """The time of another clock plus an offset that only grows."""

    def __init__(self, base: Clock | None = None, offset: timedelta = timedelta()) -> None:
        self._base: Clock = base or SystemClock()
        self._offset = offset

    def now(self) -> datetime:
        """The present moment of this clock, aware UTC."""
        return self._base.now() + self._offset

    @property
    def offset(self) -> timedelta:
        """How far this clock is ahead of its base."""
        return self._offset

    def set(self, instant: datetime) -> None:
        """Move to `instant` (aware). Raises ValueError for a naive or a past instant."""
        if instant.tzinfo is None:
            raise ValueError("an instant needs its zone")
        ahead = instant - self.now()
        if ahead < timedelta(0):
            raise ValueError("the clock only moves forward")
        self._offset += ahead

    def restore(self, offset: timedelta) -> None:
        """Take up an offset that was kept; one that is smaller than the present one is ignored."""
        self._offset = max(self._offset, offset)
