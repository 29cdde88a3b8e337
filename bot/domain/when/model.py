"""What a date and time as typed can turn out to be."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum


class Assumed(StrEnum):
    """What was read into the text and is therefore said back; the text is `when.assumed.<value>`."""

    MONTH_DAY = "month_day"  # 3/4: 4 March
    DAY_MONTH = "day_month"  # 25/12: 25 December
    NEXT_YEAR = "next_year"
    NEXT_WEEKDAY = "next_weekday"  # "next Saturday": that of next week
    WEEK_FROM_MONDAY = "week_from_monday"  # 来週の日曜
    WEEKEND = "weekend"  # Saturday
    MORNING = "morning"
    NOON = "noon"
    AFTERNOON = "afternoon"
    EVENING = "evening"
    NIGHT = "night"
    CLOCK_24 = "clock_24"  # 8時: 08:00
    NEXT_DAY = "next_day"  # 25時
    DEFAULT_TIME = "default_time"
    DEFAULT_DAY = "default_day"
    CLOCK_CHANGE = "clock_change"  # summer time begins or ends then


class Missing(StrEnum):
    """What has to be asked for; the text is `when.missing.<value>`."""

    DATE = "date"
    TIME = "time"


class Trouble(StrEnum):
    """Why a date or time cannot be; the text is `when.trouble.<value>`."""

    PAST = "past"
    NO_SUCH_DATE = "no_such_date"
    NO_SUCH_TIME = "no_such_time"
    WEEKDAY = "weekday"  # the weekday given is not that of the date
    TOO_FAR = "too_far"


@dataclass(frozen=True, slots=True)
class When:
    """One instant, aware UTC, and what was assumed to get there."""

    at: datetime
    assumed: tuple[Assumed, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial:
    """A date without a time, a time without a date, or a week. Both are those of the person's zone."""

    missing: tuple[Missing, ...]
    day: date | None = None
    clock: time | None = None


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Several instants (aware UTC, in order) that the text may mean."""

    readings: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Impossible:
    """A date or time that does not exist, or has passed. `at`: the instant, where there is one."""

    trouble: Trouble
    at: datetime | None = None


Reading = When | Partial | Ambiguous | Impossible | None
