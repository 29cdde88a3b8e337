"""The iCalendar file of a plan, read back by the library's own parser."""

from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar

from bot.content import LANGUAGES, TOKYO
from bot.domain.plan import PlanRequest, ReminderKind, make_plan
from bot.holidays import japanese_calendar
from bot.ics import calendar_file

NOW = datetime(2026, 10, 20, 12, tzinfo=TOKYO)
AT = datetime(2026, 12, 5, 22, tzinfo=TOKYO)
PLAN = make_plan(PlanRequest(at=AT, now=NOW, ttl=3600), japanese_calendar())


def made(lang: str = "ja", sequence: int = 0) -> bytes:
    return calendar_file(
        uid="c1",
        domain="日本語.jp",
        at=AT,
        reminders=PLAN.reminders,
        stamp=NOW,
        sequence=sequence,
        lang=lang,
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_change_and_each_reminder(lang: str) -> None:
    events = Calendar.from_ical(made(lang)).walk("VEVENT")
    by_uid = {str(event["uid"]): event for event in events}
    left_out = {ReminderKind.DAY, ReminderKind.DAY_BEGIN}
    kinds = {"change", *(kind.value for kind in set(ReminderKind) - left_out)}
    assert set(by_uid) == {f"c1-{kind}@mxcutover" for kind in kinds}
    change = by_uid["c1-change@mxcutover"]
    assert change.decoded("dtstart") == AT.astimezone(UTC)
    assert change.walk("VALARM")[0].decoded("trigger") == timedelta(minutes=-30)
    assert "自ドメイン許可設定" in str(change["description"])
    assert "日本語.jp" in str(change["summary"])
    lower = by_uid["c1-lower_ttl@mxcutover"]
    assert lower.decoded("dtstart") == datetime(2026, 11, 25, 10, tzinfo=TOKYO)
    assert "3600" in str(lower["description"])


def test_the_same_plan_is_the_same_file_and_a_new_one_moves_its_entries() -> None:
    assert made() == made()
    first, second = (Calendar.from_ical(made(sequence=n)).walk("VEVENT") for n in (1, 2))
    assert [e["uid"] for e in first] == [e["uid"] for e in second]
    assert {e.decoded("sequence") for e in second} == {2}


def test_lines_are_folded_and_end_as_the_rfc_wants() -> None:
    text = made()
    assert text.endswith(b"END:VCALENDAR\r\n")
    assert all(len(line) <= 75 for line in text.split(b"\r\n"))
    assert b"\n" not in text.replace(b"\r\n", b"")
