"""Dates and times as people type them."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES, has
from bot.content.reply_text import at_text, needs_text
from bot.domain.replies import Need
from bot.domain.when import (
    Ambiguous,
    Assumed,
    Impossible,
    Missing,
    Partial,
    Trouble,
    When,
    parse_shift,
    parse_when,
)

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = datetime(2026, 11, 24, 13, 0, tzinfo=TOKYO)  # a Tuesday
A = Assumed


@pytest.mark.parametrize(
    ("text", "at", "assumed"),
    [
        ("12/12 22:00", "2026-12-12T22:00", ()),
        ("１２／１２　２２：００", "2026-12-12T22:00", ()),
        ("12月12日22時", "2026-12-12T22:00", ()),
        ("12月12日(土)22時半", "2026-12-12T22:30", ()),
        ("十二月十二日 二十二時", "2026-12-12T22:00", ()),
        ("2026-12-12T22:00", "2026-12-12T22:00", ()),
        ("2026/12/12 22:00", "2026-12-12T22:00", ()),
        ("2026年12月12日 22時15分", "2026-12-12T22:15", ()),
        ("12/12/2026 22:00", "2026-12-12T22:00", ()),
        ("12 Dec 22:00", "2026-12-12T22:00", ()),
        ("Dec 12th, 10 pm", "2026-12-12T22:00", ()),
        ("December 12, 2026 at 22:00", "2026-12-12T22:00", ()),
        ("the 12th of December at 10:30 p.m.", "2026-12-12T22:30", ()),
        ("move it to 3/4 10:00", "2027-03-04T10:00", (A.MONTH_DAY, A.NEXT_YEAR)),
        ("3/4 10:00に延期", "2027-03-04T10:00", (A.NEXT_YEAR,)),
        ("25/12 10:00", "2026-12-25T10:00", (A.DAY_MONTH,)),
        ("来年1月5日 22時", "2027-01-05T22:00", ()),
        ("来月5日 22時", "2026-12-05T22:00", ()),
        ("月末の22時", "2026-11-30T22:00", ()),
        ("12日の22時", "2026-12-12T22:00", ()),
        ("the 12th at 22:00", "2026-12-12T22:00", ()),
        ("明日の22時", "2026-11-25T22:00", ()),
        ("明後日 9:00", "2026-11-26T09:00", ()),
        ("今夜10時", "2026-11-24T22:00", ()),
        ("今夜1時", "2026-11-25T01:00", ()),
        ("tonight", "2026-11-24T22:00", (A.NIGHT,)),
        ("三日後の22時", "2026-11-27T22:00", ()),
        ("来週土曜の夜", "2026-12-05T22:00", (A.NIGHT,)),
        ("再来週の土曜 22時", "2026-12-12T22:00", ()),
        ("土曜 22時", "2026-11-28T22:00", ()),
        ("火曜 12時", "2026-12-01T12:00", ()),  # today's noon has passed
        ("火曜 15時", "2026-11-24T15:00", ()),
        ("来週の日曜 22時", "2026-12-06T22:00", (A.WEEK_FROM_MONDAY,)),
        ("next Saturday night", "2026-12-05T22:00", (A.NEXT_WEEKDAY, A.NIGHT)),
        ("Saturday night at 10", "2026-11-28T22:00", ()),
        ("Saturday 10pm", "2026-11-28T22:00", ()),
        ("Friday next week at 9am", "2026-12-04T09:00", ()),
        ("月曜の朝", "2026-11-30T09:00", (A.MORNING,)),
        ("明日の夕方", "2026-11-25T18:00", (A.EVENING,)),
        ("明日の正午", "2026-11-25T12:00", ()),
        ("土曜 8時", "2026-11-28T08:00", (A.CLOCK_24,)),
        ("土曜 夜8時", "2026-11-28T20:00", ()),
        ("土曜の25時", "2026-11-29T01:00", (A.NEXT_DAY,)),
        ("12/5 24:00", "2026-12-06T00:00", (A.NEXT_DAY,)),
        ("来週末の夜", "2026-12-05T22:00", (A.WEEKEND, A.NIGHT)),
        ("12/12 10:00 UTC", "2026-12-12T19:00", ()),
        ("12/5 22:00から12/12 23:00に変更", "2026-12-12T23:00", ()),
        ("12/5ではなく12/12の22時", "2026-12-12T22:00", ()),
        ("12/12 22:00〜24:00", "2026-12-12T22:00", ()),
        ("3時間後", "2026-11-24T16:00", ()),
        ("2時間半後", "2026-11-24T15:30", ()),
        ("in half an hour", "2026-11-24T13:30", ()),
        ("in 2 hours and 15 minutes", "2026-11-24T15:15", ()),
        ("90 minutes from now", "2026-11-24T14:30", ()),
    ],
)
def test_read(text: str, at: str, assumed: tuple[Assumed, ...]) -> None:
    assert parse_when(text, NOW, TOKYO) == When(
        datetime.fromisoformat(at).replace(tzinfo=TOKYO).astimezone(UTC), assumed
    )


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("12/12", Partial((Missing.TIME,), day=date(2026, 12, 12))),
        ("明日", Partial((Missing.TIME,), day=date(2026, 11, 25))),
        ("土曜の深夜", Partial((Missing.TIME,), day=date(2026, 11, 28))),
        ("22時", Partial((Missing.DATE,), clock=time(22))),
        ("来週", Partial((Missing.DATE, Missing.TIME))),
        ("来月", Partial((Missing.DATE, Missing.TIME))),
        ("来週の22時", Partial((Missing.DATE,), clock=time(22))),
        ("2/30 22:00", Impossible(Trouble.NO_SUCH_DATE)),
        ("2/29 22:00", Impossible(Trouble.NO_SUCH_DATE)),
        ("13月1日 10時", Impossible(Trouble.NO_SUCH_DATE)),
        ("12/5 30:00", Impossible(Trouble.NO_SUCH_TIME)),
        ("12/5 22:60", Impossible(Trouble.NO_SUCH_TIME)),
        ("12/12(日) 22:00", Impossible(Trouble.WEEKDAY)),
        ("Friday 12 Dec 22:00", Impossible(Trouble.WEEKDAY)),
        ("こんにちは", None),
        ("TTL 300", None),
        ("一時的に", None),
        ("3", None),
        ("", None),
    ],
)
def test_what_is_missing_or_cannot_be(text: str, reading: object) -> None:
    assert parse_when(text, NOW, TOKYO) == reading


@pytest.mark.parametrize(
    "text", ["11/20 22:00", "昨日", "今日の10時", "2020-01-01 10:00", "yesterday at 9:00"]
)
def test_the_past_is_told(text: str) -> None:
    reading = parse_when(text, NOW, TOKYO)
    assert isinstance(reading, Impossible)
    assert reading.trouble is Trouble.PAST


def test_too_far_is_told() -> None:
    reading = parse_when("2029-01-01 10:00", NOW, TOKYO)
    assert isinstance(reading, Impossible)
    assert reading.trouble is Trouble.TOO_FAR


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("土曜の深夜1時", ["2026-11-28T01:00", "2026-11-29T01:00"]),
        ("midnight on Saturday", ["2026-11-28T00:00", "2026-11-29T00:00"]),
        ("12/12か12/13の22時", ["2026-12-12T22:00", "2026-12-13T22:00"]),
        ("12/12 午後12時", ["2026-12-12T12:00", "2026-12-13T00:00"]),
    ],
)
def test_two_readings_are_both_offered(text: str, readings: list[str]) -> None:
    expected = tuple(datetime.fromisoformat(at).replace(tzinfo=TOKYO) for at in readings)
    assert parse_when(text, NOW, TOKYO) == Ambiguous(expected)


@pytest.mark.parametrize(
    ("text", "at", "assumed"),
    [
        ("明日", "2026-11-25T10:00", (A.DEFAULT_TIME,)),
        ("来週", "2026-11-30T10:00", (A.DEFAULT_DAY, A.DEFAULT_TIME)),
        ("今週中", "2026-11-27T10:00", (A.DEFAULT_DAY, A.DEFAULT_TIME)),
        ("今日中", "2026-11-24T15:00", (A.DEFAULT_TIME,)),
        ("火曜", "2026-12-01T10:00", (A.DEFAULT_TIME,)),
        ("22時", "2026-11-24T22:00", (A.DEFAULT_DAY,)),
        ("9:00", "2026-11-25T09:00", (A.DEFAULT_DAY,)),
    ],
)
def test_filled_where_the_caller_allows_it(text: str, at: str, assumed: tuple[Assumed, ...]) -> None:
    reading = parse_when(text, NOW, TOKYO, fill=time(10))
    assert isinstance(reading, When)
    assert reading.at == datetime.fromisoformat(at).replace(tzinfo=TOKYO)
    assert reading.assumed == assumed


def test_the_29th_of_february_of_a_leap_year() -> None:
    now = datetime(2027, 12, 1, tzinfo=TOKYO)
    reading = parse_when("2/29 22:00", now, TOKYO)
    assert isinstance(reading, When)
    assert reading.at == datetime(2028, 2, 29, 22, tzinfo=TOKYO)


def test_zones_with_summer_time() -> None:
    new_york = ZoneInfo("America/New_York")
    now = datetime(2026, 3, 1, 12, tzinfo=new_york)
    plain = parse_when("3/9 22:00", now, new_york)
    assert plain == When(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
    skipped = parse_when("3/8 2:30", now, new_york)
    assert isinstance(skipped, When)
    assert skipped.assumed == (A.CLOCK_CHANGE,)
    twice = parse_when("11/1 1:30", now.replace(month=10), new_york)
    assert isinstance(twice, When)
    assert twice.assumed == (A.CLOCK_CHANGE,)


def test_the_same_time_as_planned() -> None:
    planned = datetime(2026, 12, 5, 22, 30, tzinfo=TOKYO)
    reading = parse_when("12/12 同じ時間に", NOW, TOKYO, same_as=planned)
    assert reading == When(datetime(2026, 12, 12, 22, 30, tzinfo=TOKYO).astimezone(UTC))


@pytest.mark.parametrize(
    ("text", "shift"),
    [
        ("1週間延期", timedelta(weeks=1)),
        ("一日延期", timedelta(days=1)),
        ("2時間後ろ倒し", timedelta(hours=2)),
        ("postpone by a week", timedelta(weeks=1)),
        ("push back 30 minutes", timedelta(minutes=30)),
        ("12/12に延期", None),
        ("延期", None),
    ],
)
def test_shifts(text: str, shift: timedelta | None) -> None:
    assert parse_shift(text) == shift


def test_a_naive_now_is_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        parse_when("明日", datetime(2026, 1, 1), TOKYO)  # noqa: DTZ001


def test_every_code_has_its_text() -> None:
    for assumed in Assumed:
        assert has(f"when.assumed.{assumed}")
    for trouble in Trouble:
        assert has(f"when.trouble.{trouble}")
    for need in Need:
        assert has(f"reply.need.{need}")


def test_what_was_understood_is_said_back_with_its_weekday() -> None:
    at = datetime(2026, 12, 12, 22, tzinfo=TOKYO)
    assert at_text(at, [A.NIGHT], "ja") == "12月12日(土) 22:00（夜は22:00と読みました）"
    assert at_text(at, [], "en") == "Sat 12 Dec, 22:00 JST"
    for lang in LANGUAGES:
        assert needs_text([Need.DATE, Need.TIME], lang)
        assert "12" in needs_text([Need.TIME], lang, day=at.date())
        assert needs_text([Need.WHICH], lang, readings=[at, at + timedelta(days=1)]).count("22:00") == 2
        assert needs_text([Need.ANOTHER_TIME], lang, trouble=Trouble.PAST)
        assert needs_text([], lang) == ""


_FRAGMENTS = """12/12 2/30 99/99 0/0 12月 31日 来週 土曜 の 夜 22時 25:00 99:99 3時間後 in 3 hours next sat
        may から to か (火) 9999 年 今夜 am pm 半 noon 0 :"""
_WORDS = st.lists(st.sampled_from(_FRAGMENTS.split()), max_size=8).map(" ".join)
_ZONES = st.sampled_from(["Asia/Tokyo", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"])


@given(
    st.one_of(st.text(max_size=80), _WORDS),
    st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=_ZONES.map(ZoneInfo)),  # noqa: DTZ001
    _ZONES.map(ZoneInfo),
    st.none() | st.just(time(10)),
)
def test_any_text_is_read_or_not_and_what_is_read_is_to_come(
    text: str, now: datetime, tz: ZoneInfo, fill: time | None
) -> None:
    reading = parse_when(text, now, tz, fill=fill)
    if isinstance(reading, When):
        assert reading.at.utcoffset() == timedelta(0)
        assert now < reading.at <= now + timedelta(days=400)
    if isinstance(reading, Ambiguous):
        assert list(reading.readings) == sorted(set(reading.readings))
        assert len(reading.readings) > 1


@given(
    st.datetimes(datetime(2026, 11, 25), datetime(2027, 11, 24)).map(lambda d: d.replace(second=0))  # noqa: DTZ001
)
def test_a_full_date_and_time_is_read_back_as_it_was_written(local: datetime) -> None:
    expected = local.replace(microsecond=0, tzinfo=TOKYO)
    for form in (f"{local:%Y-%m-%d %H:%M}", f"{local:%Y年%m月%d日%H時%M分}", f"{local:%d %B %Y at %H:%M}"):
        reading = parse_when(form, NOW, TOKYO)
        assert isinstance(reading, When)
        assert reading.at == expected
