"""An instant with its year, of one width: for plans and reports, which reach into other years."""

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date

from bot.content import TOKYO


def stamp(at: datetime, lang: str, tz: ZoneInfo = TOKYO) -> str:
    """`2026-12-05 (土) 22:00` in `tz`; a zone that is not Tokyo's is named. `at` is aware."""
    local = at.astimezone(tz)
    weekday = format_date(local.date(), "EEE", locale=lang)
    zone = "" if tz.key == TOKYO.key else f" {local.tzname()}"
    return f"{local:%Y-%m-%d} ({weekday}) {local:%H:%M}{zone}"
