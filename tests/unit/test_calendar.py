"""Support hours and open days, with Japan's real holidays."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.calendar import (
    TOKYO,
    AlwaysClosed,
    BadClosedDay,
    BusinessCalendar,
    Closure,
    Gap,
    closed_days,
)
from bot.holidays import japanese_calendar

CALENDAR = japanese_calendar()


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


@pytest.mark.parametrize(
    ("at", "gap"),
    [
        ("2026-12-04T09:00", None),
        ("2026-12-04T17:59:59", None),
        ("2026-12-04T18:00", Gap.HOURS),
        ("2026-12-04T08:59:59", Gap.HOURS),
        ("2026-12-05T10:00", Gap.WEEKEND),
        ("2026-12-06T10:00", Gap.WEEKEND),
        ("2026-11-23T10:00", Gap.HOLIDAY),
    ],
)
def test_support_hours(at: str, gap: Gap | None) -> None:
    closure = CALENDAR.support_gap(tokyo(at))
    assert (closure.gap if closure else None) == gap
    assert CALENDAR.in_support_hours(tokyo(at)) is (gap is None)


def test_hours_are_those_of_tokyo_wherever_the_instant_was_written() -> None:
    assert CALENDAR.in_support_hours(datetime(2026, 12, 4, 0, 0, tzinfo=UTC))
    assert not CALENDAR.in_support_hours(datetime(2026, 12, 4, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2026, 5, 6), "振替休日"),
        (date(2026, 9, 22), "国民の休日"),
        (date(2027, 3, 22), "振替休日"),
        (date(2026, 1, 1), "元日"),
        (date(2026, 11, 3), "文化の日"),
    ],
)
def test_holidays_with_their_substitutes(day: date, name: str) -> None:
    assert CALENDAR.closure(day) == Closure(Gap.HOLIDAY, name)


def test_open_days_on_either_side_of_golden_week() -> None:
    # 2026: Saturday 2 May to Wednesday 6 May are closed.
    assert CALENDAR.open_day_on_or_before(date(2026, 5, 6)) == date(2026, 5, 1)
    assert CALENDAR.open_day_on_or_after(date(2026, 5, 2)) == date(2026, 5, 7)
    assert CALENDAR.open_day_on_or_before(date(2026, 5, 7)) == date(2026, 5, 7)


def test_closed_days_of_the_settings() -> None:
    calendar = japanese_calendar(["2026-12-29..2027-01-03", "2027-01-04"])
    assert calendar.closure(date(2026, 12, 30)) == Closure(Gap.CLOSED_DAY)
    assert calendar.open_day_on_or_after(date(2026, 12, 29)) == date(2027, 1, 5)
    assert calendar.open_day_on_or_before(date(2027, 1, 4)) == date(2026, 12, 28)


@pytest.mark.parametrize(
    "word", ["2026-13-01", "tomorrow", "2026-12-29..", "2026-12-29..2026-12-01", "2026-01-01..2029-01-01"]
)
def test_a_bad_closed_day_is_named(word: str) -> None:
    with pytest.raises(BadClosedDay, match=r"is no date|follow the first"):
        closed_days([word])


def test_years_without_data_are_known_to_be_without() -> None:
    assert CALENDAR.knows(2027)
    assert not CALENDAR.knows(2150)
    assert CALENDAR.is_open_day(date(2150, 1, 1))  # a Thursday; no holiday is known
    assert CALENDAR.open_day_on_or_after(date(2099, 12, 31)) == date(2099, 12, 31)


@pytest.mark.parametrize(
    ("at", "opening"),
    [
        ("2026-12-04T10:30", "2026-12-04T10:30"),
        ("2026-12-04T07:00", "2026-12-04T09:00"),
        ("2026-12-04T18:00", "2026-12-07T09:00"),
        ("2026-12-05T07:00", "2026-12-07T09:00"),
        ("2026-05-01T20:00", "2026-05-07T09:00"),
    ],
)
def test_next_opening(at: str, opening: str) -> None:
    assert CALENDAR.next_opening(tokyo(at)) == tokyo(opening)


def test_a_calendar_that_never_opens_says_so() -> None:
    calendar = BusinessCalendar(lambda _day: "always")
    with pytest.raises(AlwaysClosed):
        calendar.open_day_on_or_after(date(2026, 1, 1))
    with pytest.raises(AlwaysClosed):
        calendar.open_day_on_or_before(date.min)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        CALENDAR.support_gap(datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.dates(date(2000, 1, 1), date(2098, 12, 1)))
def test_the_nearest_open_day_is_open_and_none_lies_between(day: date) -> None:
    before, after = CALENDAR.open_day_on_or_before(day), CALENDAR.open_day_on_or_after(day)
    assert before <= day <= after
    assert CALENDAR.is_open_day(before)
    assert CALENDAR.is_open_day(after)
    between = (before + timedelta(days=n) for n in range(1, (after - before).days))
    assert not any(CALENDAR.is_open_day(d) for d in between)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2098, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_next_opening_is_open_and_never_before(at: datetime) -> None:
    opening = CALENDAR.next_opening(at)
    assert opening >= at
    assert CALENDAR.in_support_hours(opening)
    assert opening == at or not CALENDAR.in_support_hours(opening - timedelta(seconds=1))
