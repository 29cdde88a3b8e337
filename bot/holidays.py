"""Japan's national holidays, from the `holidays` library, as the calendar's closed days (W2)."""

from collections.abc import Iterable
from datetime import date
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

from bot.domain.calendar import BusinessCalendar, closed_days

if TYPE_CHECKING:
    from holidays.countries.japan import Japan


def japanese_calendar(extra_closed_days: Iterable[str] = ()) -> BusinessCalendar:
    """Weekends, national holidays with their substitutes (振替休日, 国民の休日), and further closed days.

    `extra_closed_days`: YYYY-MM-DD, or a range with `..`. Raises BadClosedDay for anything else.
    Outside the years that the library covers no holiday is known, and `knows` says so.
    """
    table = _japan()(language="ja")
    first, last = table.start_year, table.end_year

    def name(day: date) -> str | None:
        found = table.get(day) if first <= day.year <= last else None
        return str(found) if found else None

    return BusinessCalendar(name, closed_days(extra_closed_days), lambda year: first <= year <= last)


def _japan() -> type["Japan"]:
    """The library's Japan. Importing its package would load every country of the world, a second of work."""
    package = find_spec("holidays.countries")
    for folder in (package.submodule_search_locations if package else None) or ():
        spec = spec_from_file_location("bot._japan", Path(folder) / "japan.py")
        if spec is not None and spec.loader is not None and (Path(folder) / "japan.py").exists():
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            found: type[Japan] = module.Japan
            return found
    from holidays.countries import japan

    return japan.Japan
