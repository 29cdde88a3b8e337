"""The plan of reminders: when each falls due, and why."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.content import LANGUAGES, say
from bot.content.plan_text import note_line, reminder_line
from bot.domain.calendar import TOKYO
from bot.domain.cutover import MailService, Plan, Product, Step
from bot.domain.eligibility import PLANS_OF
from bot.domain.plan import (
    LATE_RULE,
    CutoverPlan,
    Lateness,
    LateRule,
    PlanProblem,
    PlanRequest,
    Reminder,
    ReminderKind,
    Trouble,
    lateness,
    make_plan,
    restore_reminders,
)
from bot.holidays import japanese_calendar

CALENDAR = japanese_calendar()
K = ReminderKind


def tokyo(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO)


def plan(at: str, now: str = "2026-10-20T12:00", ttl: int | None = 3600, **more: object) -> CutoverPlan:
    return make_plan(PlanRequest(at=tokyo(at), now=tokyo(now), ttl=ttl, **more), CALENDAR)  # type: ignore[arg-type]


def due(made: CutoverPlan) -> dict[ReminderKind, str]:
    return {r.kind: f"{r.due_at.astimezone(TOKYO):%Y-%m-%dT%H:%M}" for r in made.reminders}


def notes(made: CutoverPlan) -> set[str]:
    return {note.code for note in made.notes}


def test_a_calm_plan() -> None:
    """Saturday night, TTL one hour, six weeks ahead."""
    assert due(plan("2026-12-05T22:00")) == {
        K.CONNECTOR: "2026-11-20T10:00",  # 14 days before is a Saturday: the Friday
        K.BOOK_SUPPORT: "2026-11-20T10:00",
        K.LOWER_TTL: "2026-11-25T10:00",
        K.PREPARE: "2026-11-27T10:00",  # 7 days before is a Saturday: the Friday
        K.LOWER_TTL_AGAIN: "2026-11-30T10:00",
        K.CONNECTOR_AGAIN: "2026-12-02T10:00",
        K.DAY_BEFORE: "2026-12-04T10:00",
        K.DAY: "2026-12-05T21:30",
        K.DAY_BEGIN: "2026-12-05T22:00",
        K.RESTORE_TTL: "2026-12-16T10:00",  # ten full days end on the 15th at 22:00
        K.RESTORE_TTL_AGAIN: "2026-12-21T10:00",
    }


@pytest.mark.parametrize(
    ("at", "lower", "moved_from"),
    [
        ("2026-12-05T22:00", "2026-11-25T10:00", None),
        ("2026-12-01T22:00", "2026-11-20T10:00", "2026-11-21"),  # Saturday
        ("2026-12-02T22:00", "2026-11-20T10:00", "2026-11-22"),  # Sunday
        ("2026-12-03T22:00", "2026-11-20T10:00", "2026-11-23"),  # a holiday after a weekend
        ("2027-05-15T22:00", "2027-04-30T10:00", "2027-05-05"),  # 3-5 May are holidays, 1-2 a weekend
    ],
)
def test_the_ttl_is_lowered_ten_days_ahead_or_on_the_open_day_before(
    at: str, lower: str, moved_from: str | None
) -> None:
    made = plan(at)
    reminder = next(r for r in made.reminders if r.kind is K.LOWER_TTL)
    assert due(made)[K.LOWER_TTL] == lower
    assert reminder.args.get("moved_from") == moved_from


def test_a_ttl_of_weeks_is_lowered_earlier_than_ten_days() -> None:
    made = plan("2026-12-05T22:00", ttl=14 * 86400)
    assert due(made)[K.LOWER_TTL] == "2026-11-19T10:00"


@pytest.mark.parametrize("ttl", [0, 60, 300])
def test_a_low_ttl_is_neither_lowered_nor_restored(ttl: int) -> None:
    made = plan("2026-12-05T22:00", ttl=ttl)
    assert not {K.LOWER_TTL, K.LOWER_TTL_AGAIN, K.RESTORE_TTL, K.RESTORE_TTL_AGAIN} & set(due(made))
    assert "ttl_low" in notes(made)
    assert made.safe_from == tokyo("2026-12-05T22:00") + timedelta(seconds=ttl)


def test_301_seconds_are_too_many() -> None:
    assert K.LOWER_TTL in due(plan("2026-12-05T22:00", ttl=301))


def test_an_unknown_ttl_is_reminded_of_and_stays_unknown() -> None:
    made = plan("2026-12-05T22:00", ttl=None)
    assert {K.LOWER_TTL, K.RESTORE_TTL} <= set(due(made))
    assert "ttl_unknown" in notes(made)
    assert made.safe_from is None
    line = reminder_line(K.LOWER_TTL, next(r for r in made.reminders if r.kind is K.LOWER_TTL).args, "ja")
    assert "None" not in line
    assert "確認" in line


def test_a_dns_service_that_cannot_change_a_ttl() -> None:
    made = plan("2026-12-05T22:00", ttl=86400, can_lower_ttl=False)
    assert not {K.LOWER_TTL, K.RESTORE_TTL} & set(due(made))
    assert "ttl_cannot" in notes(made)
    assert made.safe_from == tokyo("2026-12-06T22:00")


def test_a_lowered_ttl_is_still_restored_when_the_day_moves() -> None:
    made = plan("2026-12-05T22:00", ttl=3600, done=frozenset({Step.TTL, Step.CONNECTOR}))
    assert not {K.LOWER_TTL, K.LOWER_TTL_AGAIN, K.CONNECTOR, K.CONNECTOR_AGAIN} & set(due(made))
    assert K.RESTORE_TTL in due(made)
    assert made.earliest_safe_flip is None


def test_nearer_than_ten_days_is_told_at_once_with_the_earliest_safe_time() -> None:
    made = plan("2026-12-05T22:00", now="2026-11-30T12:00", ttl=7200)
    reminder = next(r for r in made.reminders if r.kind is K.LOWER_TTL)
    assert reminder.due_at == tokyo("2026-11-30T12:00")
    assert reminder.args["wanted_at"] == tokyo("2026-11-25T10:00").astimezone(UTC).isoformat()
    assert made.earliest_safe_flip == tokyo("2026-11-30T14:00")
    assert "ttl_now" in notes(made)


def test_too_near_for_the_old_ttl_says_when_it_would_be_safe() -> None:
    made = plan("2026-12-05T22:00", now="2026-12-05T12:00", ttl=86400)
    assert "ttl_too_late" in notes(made)
    assert made.earliest_safe_flip == tokyo("2026-12-06T12:00")
    assert made.safe_from == made.earliest_safe_flip


def test_support_is_booked_only_outside_its_hours() -> None:
    inside = plan("2026-12-03T14:00")
    assert K.BOOK_SUPPORT not in due(inside)
    assert "office_hours" in notes(inside)
    holiday = plan("2026-11-23T14:00")
    assert holiday.support_gap
    assert holiday.support_gap.name == "勤労感謝の日"
    assert {"outside_support"} <= notes(holiday)
    # Opened on a Saturday for Wednesday night: the sales contact is there on Monday.
    late = plan("2026-12-02T22:00", now="2026-11-28T12:00")
    assert due(late)[K.BOOK_SUPPORT] == "2026-11-30T09:00"
    # Nobody is there any more before Sunday night.
    too_late = plan("2026-12-06T22:00", now="2026-12-05T12:00")
    assert K.BOOK_SUPPORT not in due(too_late)
    assert "support_too_late" in notes(too_late)


def test_an_hour_before_closing_is_noted() -> None:
    assert "support_ends" in notes(plan("2026-12-03T17:15"))
    assert "support_ends" not in notes(plan("2026-12-03T16:00"))


def test_the_day_before_is_an_open_day() -> None:
    assert due(plan("2026-12-06T22:00"))[K.DAY_BEFORE] == "2026-12-04T10:00"
    assert due(plan("2026-11-24T22:00"))[K.DAY_BEFORE] == "2026-11-20T10:00"


def test_nothing_is_repeated_within_a_day() -> None:
    made = plan("2026-12-05T22:00", now="2026-12-02T08:00")  # the repetition would come at 10:00
    assert due(made)[K.CONNECTOR] == "2026-12-02T08:00"
    assert K.CONNECTOR_AGAIN not in due(made)


def test_minutes_before_the_change_no_go_or_no_go_is_asked() -> None:
    made = plan("2026-12-05T22:00", now="2026-12-05T21:50")
    assert K.DAY_BEFORE not in due(made)
    assert due(made)[K.DAY] == "2026-12-05T21:50"


def test_the_restoring_waits_for_ten_full_days_and_an_open_day() -> None:
    changed = tokyo("2026-12-20T09:00")  # ten days on: 30 December, a Wednesday
    calendar = japanese_calendar(["2026-12-29..2027-01-03"])
    first, again = restore_reminders(changed, changed, calendar, 3600)
    assert first.due_at == tokyo("2027-01-04T10:00")
    assert again.due_at == tokyo("2027-01-07T10:00")
    late = restore_reminders(changed, tokyo("2027-02-01T15:00"), calendar, 3600)
    assert late[0].due_at == tokyo("2027-02-01T15:00")
    assert late[1].due_at > late[0].due_at


@pytest.mark.parametrize(
    ("at", "now", "ttl", "trouble"),
    [
        ("2026-12-05T22:00", "2026-12-05T22:00", 300, Trouble.PAST),
        ("2026-12-05T22:00", "2026-12-06T22:00", 300, Trouble.PAST),
        ("2028-12-05T22:00", "2026-12-05T22:00", 300, Trouble.TOO_FAR),
        ("2026-12-05T22:00", "2026-11-05T22:00", -1, Trouble.BAD_TTL),
        ("2026-12-05T22:00", "2026-11-05T22:00", 2**31, Trouble.BAD_TTL),
    ],
)
def test_refusals(at: str, now: str, ttl: int, trouble: Trouble) -> None:
    with pytest.raises(PlanProblem) as caught:
        plan(at, now, ttl)
    assert caught.value.trouble is trouble
    for lang in LANGUAGES:
        assert say(f"plan.problem.{trouble}", lang, **caught.value.args_for_text)


def test_a_plan_that_needs_no_cutover_gets_no_reminders() -> None:
    made = plan("2026-12-05T22:00", product=Product.SECURITYSUITE, plan=Plan.BASIC)
    assert made.reminders == ()
    assert made.verdict
    assert not made.verdict.needed


def test_years_without_holidays_are_told() -> None:
    made = make_plan(
        PlanRequest(at=tokyo("2120-03-05T22:00"), now=tokyo("2120-01-05T22:00"), ttl=3600), CALENDAR
    )
    assert "holidays_unknown" in notes(made)


def test_lateness() -> None:
    due_at = tokyo("2026-12-05T21:30")
    args = {"drop_at": tokyo("2026-12-05T22:00").isoformat()}
    for minutes, expected in [(0, Lateness.PUNCTUAL), (15, Lateness.PUNCTUAL), (20, Lateness.LATE)]:
        assert lateness(LateRule.DROP, due_at, args, due_at + timedelta(minutes=minutes)) is expected
    assert lateness(LateRule.DROP, due_at, args, tokyo("2026-12-05T22:00")) is Lateness.DROP
    assert lateness(LateRule.SEND_WITH_NOTE, due_at, {}, tokyo("2027-01-05T22:00")) is Lateness.LATE
    assert set(LATE_RULE) == set(ReminderKind)


REQUESTS = st.builds(
    lambda now, ahead, **more: PlanRequest(at=now + ahead, now=now, **more),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2097, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ahead=st.timedeltas(timedelta(seconds=1), timedelta(days=400)),
    ttl=st.none() | st.integers(0, 2**31 - 1),
    mail_service=st.sampled_from(MailService),
    can_lower_ttl=st.booleans(),
    done=st.frozensets(st.sampled_from(Step)),
)


@given(REQUESTS)
def test_every_plan_is_in_order_unique_and_to_come(request: PlanRequest) -> None:
    made = make_plan(request, CALENDAR)
    kinds = [r.kind for r in made.reminders]
    assert len(kinds) == len(set(kinds))
    assert all(r.due_at.utcoffset() == timedelta(0) for r in made.reminders)
    assert all(r.due_at >= request.now for r in made.reminders)
    assert all(one.due_at <= two.due_at for one, two in pairwise(made.reminders))
    by_kind = {r.kind: r for r in made.reminders}
    before = set(kinds) - {K.RESTORE_TTL, K.RESTORE_TTL_AGAIN}
    assert all(by_kind[kind].due_at <= request.at for kind in before)
    assert by_kind[K.DAY_BEGIN].due_at == request.at
    if K.RESTORE_TTL in by_kind:
        assert by_kind[K.RESTORE_TTL].due_at >= request.at + timedelta(days=10)
    for kind in (K.CONNECTOR_AGAIN, K.LOWER_TTL_AGAIN):
        if kind in by_kind:
            first = by_kind[ReminderKind(kind.value.removesuffix("_again"))]
            assert by_kind[kind].due_at - first.due_at >= timedelta(days=1)
    for reminder in made.reminders:
        _office_time_or_at_once(reminder, request)


def _office_time_or_at_once(reminder: Reminder, request: PlanRequest) -> None:
    if reminder.kind in (K.DAY, K.DAY_BEGIN) or reminder.due_at == request.now:
        return
    assert CALENDAR.in_support_hours(reminder.due_at)


@given(REQUESTS, st.sampled_from(LANGUAGES))
def test_every_line_can_be_said(request: PlanRequest, lang: str) -> None:
    made = make_plan(request, CALENDAR)
    for reminder in made.reminders:
        assert "None" not in reminder_line(reminder.kind, reminder.args, lang)
    for note in made.notes:
        assert "None" not in note_line(note.code, note.args, lang)


@given(REQUESTS, st.sampled_from([(p, q) for p, plans in PLANS_OF.items() for q in plans]))
def test_reminders_follow_the_verdict(request: PlanRequest, contract: tuple[Product, Plan]) -> None:
    product, bought = contract
    asked = PlanRequest(at=request.at, now=request.now, ttl=request.ttl, product=product, plan=bought)
    made = make_plan(asked, CALENDAR)
    assert made.verdict
    assert bool(made.reminders) is made.verdict.needed


def test_naive_instants_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        make_plan(PlanRequest(at=datetime(2026, 1, 1), now=datetime.now(UTC), ttl=1), CALENDAR)  # noqa: DTZ001
