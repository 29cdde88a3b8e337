"""The vendor's support hours and open days (procedure W2).

Days are those of Asia/Tokyo, where the support is; instants are aware.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

TOKYO = ZoneInfo("Asia/Tokyo")
OPENS = time(9)
CLOSES = time(18)
LONGEST_CLOSURE = 366  # days; past it a calendar says nothing useful

HolidayName = Callable[[date], str | None]


class Gap(StrEnum):
    """Why nobody answers at a moment; the text is `support.gap.<value>`."""

    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    CLOSED_DAY = "closed_day"  # from the settings: the company's own
    HOURS = "hours"


@dataclass(frozen=True, slots=True)
class Closure:
    """Why a day or moment is closed, with the holiday's name where it has one."""

    gap: Gap
    name: str = ""


class AlwaysClosed(ValueError):
    """The closed days leave no open day within a year: the settings must be wrong."""


class BadClosedDay(ValueError):
    """A closed day in the settings is no date."""


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Open days: Monday to Friday, neither holiday nor closed by the settings; 9:00-18:00.

    `holiday` names a national holiday or gives None; `knows` says whether it has data for a year.
    """

    holiday: HolidayName
    closed_days: frozenset[date] = frozenset()
    knows: Callable[[int], bool] = field(default=lambda _year: True)

    def closure(self, day: date) -> Closure | None:
        """Why the whole of `day` is closed; None when it is open."""
        if day in self.closed_days:
            return Closure(Gap.CLOSED_DAY)
        name = self.holiday(day)
        if name:
            return Closure(Gap.HOLIDAY, name)
        return Closure(Gap.WEEKEND) if day.weekday() >= 5 else None

    def is_open_day(self, day: date) -> bool:
        return self.closure(day) is None

    def support_gap(self, at: datetime) -> Closure | None:
        """Why the support does not answer at `at` (an aware instant); None within its hours."""
        local = _aware(at).astimezone(TOKYO)
        closed = self.closure(local.date())
        if closed:
            return closed
        return None if OPENS <= local.time() < CLOSES else Closure(Gap.HOURS)

    def in_support_hours(self, at: datetime) -> bool:
        """Weekdays 9:00-18:00 Asia/Tokyo, 18:00 itself excluded (W2)."""
        return self.support_gap(at) is None

    def open_day_on_or_before(self, day: date) -> date:
        """`day`, or the nearest open day before it. Raises AlwaysClosed."""
        return self._open_day(day, -1)

    def open_day_on_or_after(self, day: date) -> date:
        """`day`, or the nearest open day after it. Raises AlwaysClosed."""
        return self._open_day(day, 1)

    def next_opening(self, at: datetime) -> datetime:
        """`at` itself within the hours, else when the support next opens (aware, Asia/Tokyo)."""
        local = _aware(at).astimezone(TOKYO)
        if self.in_support_hours(local):
            return local
        first = local.date() if local.time() < OPENS else local.date() + timedelta(days=1)
        return datetime.combine(self.open_day_on_or_after(first), OPENS, TOKYO)

    def closing(self, at: datetime) -> datetime | None:
        """When the support closes on the day of `at`, which lies within its hours; else None."""
        if not self.in_support_hours(at):
            return None
        return datetime.combine(at.astimezone(TOKYO).date(), CLOSES, TOKYO)

    def _open_day(self, day: date, step: int) -> date:
        for count in range(LONGEST_CLOSURE):
            try:
                tried = day + timedelta(days=step * count)
            except OverflowError:
                break
            if self.is_open_day(tried):
                return tried
        raise AlwaysClosed(f"no open day within a year of {day}")


def closed_days(words: Iterable[str]) -> frozenset[date]:
    """The days of a setting: `2026-12-29`, or `2026-12-29..2027-01-03` for all of them.

    Raises BadClosedDay, which names the word.
    """
    days: set[date] = set()
    for word in words:
        first, dots, last = word.partition("..")
        try:
            start = date.fromisoformat(first)
            end = date.fromisoformat(last) if dots else start
        except ValueError:
            raise BadClosedDay(f"{word!r} is no date: write 2026-12-29 or 2026-12-29..2027-01-03") from None
        if not 0 <= (end - start).days < LONGEST_CLOSURE:
            raise BadClosedDay(f"{word!r}: the last day must follow the first within a year")
        days.update(start + timedelta(days=n) for n in range((end - start).days + 1))
    return frozenset(days)


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a naive datetime means no instant")
    return at
