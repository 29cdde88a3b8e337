"""Puts the days and times of a text together into one instant, or says what is missing."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.when.clock import NIGHT, Clock, find_clocks, find_span
from bot.domain.when.days import Day, find_days
from bot.domain.when.model import (
    Ambiguous,
    Assumed,
    Impossible,
    Missing,
    Partial,
    Reading,
    Trouble,
    When,
)
from bot.domain.when.numbers import plain

FARTHEST = timedelta(days=400)
LONGEST_TEXT = 2000

_JAPANESE = re.compile(r"[぀-ヿ一-鿿]")
_ZONES = (
    (re.compile(r"日本時間|\bjst\b"), "Asia/Tokyo"),
    (re.compile(r"\b(?:utc|gmt)\b"), "UTC"),
)
# "from A to B", "not A but B": B is what is meant.
_RATHER = re.compile(
    r"(?:から|→|->|=>|⇒|ではなく|じゃなく|でなく|\bto\b|\bbut\b|\binstead of\b)(?P<right>.*)", re.DOTALL
)
_SAME_TIME = re.compile(r"同じ時[間刻]|同時刻|時[間刻]は(?:同じ|そのまま)|\bsame time\b")
_SHIFT = re.compile(
    r"(?<![\d/:])(\d{1,3})\s*(分|時間|日|週間|[かヶヵカケ]月|minutes?|mins?|hours?|days?|weeks?)間?(?!後に)"
)
_UNITS = {"分": 1, "m": 1, "時": 60, "h": 60, "日": 1440, "d": 1440, "週": 10080, "w": 10080}


def parse_when(
    text: str,
    now: datetime,
    tz: ZoneInfo,
    *,
    fill: time | None = None,
    same_as: datetime | None = None,
    lang: str = "ja",
) -> Reading:
    """What instant `text` names, read at `now` by somebody in `tz`; None: it names none.

    `fill`: the time of day to take where a day has none, and leave to take the next such time or a
    week's Monday; without it those are Partial. `same_as`: what "at the same time" refers to (aware).
    `lang`: the person's, for a text of digits alone (3/4). Raises nothing for any text; ValueError for
    a naive `now`.
    """
    if now.tzinfo is None:
        raise ValueError("a naive datetime means no instant")
    folded = plain(text[:LONGEST_TEXT])
    zone = next((ZoneInfo(name) for pattern, name in _ZONES if pattern.search(folded)), tz)
    has_letters = any(c.isalpha() for c in folded)
    english = not _JAPANESE.search(folded) if has_letters else lang == "en"
    return _Parser(folded, now, zone, fill, same_as, english).read()


def parse_shift(text: str) -> timedelta | None:
    """A length of time in `text` (1週間, 2 hours), for "postpone by …"; None where there is none."""
    found = _SHIFT.search(plain(text[:LONGEST_TEXT]))
    if found is None:
        return None
    unit = _UNITS.get(found[2][0])
    return timedelta(minutes=int(found[1]) * (unit if unit else 30 * 1440))


class _Parser:
    def __init__(
        self,
        text: str,
        now: datetime,
        tz: ZoneInfo,
        fill: time | None,
        same_as: datetime | None,
        english: bool,
    ) -> None:
        self.text = text
        self.now = now.astimezone(UTC)
        self.tz = tz
        self.fill = fill
        self.same_as = same_as
        self.english = english
        self.today = now.astimezone(tz).date()

    def read(self) -> Reading:
        span, rest = find_span(self.text)
        if span is not None:
            return self._checked(self.now + span, ())
        days, rest = self._days(rest)
        clocks = find_clocks(rest)
        if not clocks and self.same_as is not None and _SAME_TIME.search(rest):
            local = self.same_as.astimezone(self.tz)
            clocks = [Clock(local.hour * 60 + local.minute)]
        troubles = [day.trouble for day in days] + [clock.trouble for clock in clocks]
        trouble = next(filter(None, troubles), None)
        if trouble:
            return Impossible(trouble)
        marks = [day for day in days if day.day is None and day.weekday is not None]
        dated = [day for day in days if day.day is not None]
        if any(mark.weekday != day.day.weekday() for day in dated for mark in marks if day.day):
            return Impossible(Trouble.WEEKDAY)
        return self._together(_merged(dated), [d for d in days if d.week or d.vague], clocks)

    def _days(self, text: str) -> tuple[list[Day], str]:
        """The days; of "from A to B" those of B, where B has any."""
        rather = _RATHER.search(text)
        if rather and find_days(text[: rather.start()], self.today, english=self.english)[0]:
            right, rest = find_days(rather["right"], self.today, english=self.english)
            if right:
                return right, rest
        return find_days(text, self.today, english=self.english)

    def _together(self, dated: list[Day], weeks: list[Day], clocks: list[Clock]) -> Reading:
        if not dated and not weeks and not clocks:
            return None
        if any(day.trouble for day in dated):
            return Impossible(Trouble.WEEKDAY)
        if not dated:
            return self._without_day(weeks, clocks[0] if clocks else None)
        if len(dated) > 1:
            return self._several(dated, clocks)
        day = dated[0]
        clock = clocks[0] if clocks else (NIGHT if day.night else None)
        if clock is not None and day.night and clock.minutes < 12 * 60:
            # 今夜10時 is 22:00, 今夜1時 the hour after midnight.
            clock = Clock(clock.minutes + (12 if clock.minutes >= 6 * 60 else 24) * 60)
        if clock is None or clock.loose:
            return self._without_time(day)
        return self._at(day, clock)

    def _at(self, day: Day, clock: Clock) -> Reading:
        if day.day is None:
            return Partial((Missing.DATE,), clock=_time(clock))
        at, change = self._instant(day.day, clock.minutes)
        if day.repeats and at <= self.now:
            at, change = self._instant(day.day + timedelta(days=7), clock.minutes)
        assumed = (*day.assumed, *clock.assumed, *change)
        if clock.other is not None:
            other, _ = self._instant(day.day, clock.other)
            open_readings = tuple(sorted(x for x in (at, other) if x > self.now))
            if len(open_readings) == 2:
                return Ambiguous(open_readings)
            at = open_readings[0] if open_readings else at
        return self._checked(at, assumed)

    def _several(self, dated: list[Day], clocks: list[Clock]) -> Reading:
        """Two days, "the 12th or the 13th": both are offered."""
        clock = clocks[0] if clocks else None
        if clock is None or clock.loose:
            return Partial((Missing.DATE, Missing.TIME))
        instants = sorted({self._instant(day.day, clock.minutes)[0] for day in dated if day.day})
        to_come = tuple(at for at in instants if at > self.now)
        return Ambiguous(to_come) if len(to_come) > 1 else Partial((Missing.DATE,), clock=_time(clock))

    def _without_day(self, weeks: list[Day], clock: Clock | None) -> Reading:
        exact = clock if clock is not None and not clock.loose else None
        if self.fill is None or any(week.vague for week in weeks):
            missing = (Missing.DATE,) if exact else (Missing.DATE, Missing.TIME)
            return Partial(missing, clock=_time(exact) if exact else None)
        if weeks and weeks[0].week:
            return self._in_week(weeks[0].week, exact)
        if exact is None:
            return Partial((Missing.DATE, Missing.TIME))
        minutes = exact.other if exact.other is not None and exact.other < 24 * 60 else exact.minutes
        at, change = self._instant(self.today, minutes)
        if at <= self.now:
            at, change = self._instant(self.today + timedelta(days=1), minutes)
        return self._checked(at, (*exact.assumed, Assumed.DEFAULT_DAY, *change))

    def _in_week(self, monday: date, clock: Clock | None) -> Reading:
        """A week alone: its Monday, or Friday where it is this one."""
        day = monday if monday > self.today else monday + timedelta(days=4)
        if day < self.today:
            return Partial((Missing.DATE,))
        return self._without_time(Day(day=day, assumed=(Assumed.DEFAULT_DAY,)), clock)

    def _without_time(self, day: Day, clock: Clock | None = None) -> Reading:
        if clock is not None:
            return self._at(day, clock)
        if day.day is None:
            return Partial((Missing.DATE, Missing.TIME))
        if self.fill is None:
            # Said whole only where it is to come: a date that has passed is told before a time is asked.
            if day.day < self.today:
                return Impossible(Trouble.PAST, self._instant(day.day, 0)[0])
            return Partial((Missing.TIME,), day=day.day)
        minutes = self.fill.hour * 60 + self.fill.minute
        at, change = self._instant(day.day, minutes)
        if at <= self.now and day.repeats:
            at, change = self._instant(day.day + timedelta(days=7), minutes)
        elif at <= self.now and day.day == self.today:
            at = self.now + timedelta(hours=2)
        return self._checked(at, (*day.assumed, Assumed.DEFAULT_TIME, *change))

    def _instant(self, day: date, minutes: int) -> tuple[datetime, tuple[Assumed, ...]]:
        """The UTC instant; a local time that a clock change skips or repeats is noted."""
        extra, rest = divmod(minutes, 24 * 60)
        local = datetime.combine(day + timedelta(days=extra), time(rest // 60, rest % 60), self.tz)
        at = local.astimezone(UTC)
        skipped = at.astimezone(self.tz).replace(tzinfo=None) != local.replace(tzinfo=None)
        twice = local.utcoffset() != local.replace(fold=1).utcoffset()
        return at, (Assumed.CLOCK_CHANGE,) if skipped or twice else ()

    def _checked(self, at: datetime, assumed: tuple[Assumed, ...]) -> Reading:
        if at <= self.now:
            return Impossible(Trouble.PAST, at)
        if at - self.now > FARTHEST:
            return Impossible(Trouble.TOO_FAR, at)
        return When(at, tuple(dict.fromkeys(assumed)))


def _merged(dated: list[Day]) -> list[Day]:
    """Days without repetitions; a weekday beside a date only confirms or contradicts it."""
    fixed = [day for day in dated if not day.repeats]
    if fixed and len(fixed) < len(dated):
        weekdays = {day.weekday for day in dated if day.repeats}
        if any(day.day and day.day.weekday() not in weekdays for day in fixed):
            return [Day(trouble=Trouble.WEEKDAY)]
        dated = fixed
    seen: dict[date | None, Day] = {}
    for day in dated:
        seen.setdefault(day.day, day)
    return list(seen.values())


def _time(clock: Clock) -> time | None:
    """As a time of day, where it is one of the day itself."""
    return time(clock.minutes // 60, clock.minutes % 60) if clock.minutes < 24 * 60 else None
