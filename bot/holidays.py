"""Japan's national holidays, from the `holidays` library, as the calendar's closed days (W2)."""

from collections.abc import Iterable
from datetime import date

from holidays.countries.japan import Japan

from bot.domain.calendar import BusinessCalendar, closed_days


def japanese_calendar(extra_closed_days: Iterable[str] = ()) -> BusinessCalendar:
    """Weekends, national holidays with their substitutes (振替休日, 国民の休日), and further closed days.

    `extra_closed_days`: YYYY-MM-DD, or a range with `..`. Raises BadClosedDay for anything else.
    Outside the years that the library covers no holiday is known, and `knows` says so.
    """
    table = Japan(language="ja")
    first, last = table.start_year, table.end_year

    def name(day: date) -> str | None:
        found = table.get(day) if first <= day.year <= last else None
        return str(found) if found else None

    return BusinessCalendar(name, closed_days(extra_closed_days), lambda year: first <= year <= last)
