"""When a cutover's reminders fall due: from the day, the TTL and the calendar (procedure B1, B2, B7, W2, W3).

Pure: no clock, no store. Instants in and out are aware; out they are UTC. Office times are Asia/Tokyo.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.calendar import TOKYO, BusinessCalendar, Closure
from bot.domain.cutover import MailService, Plan, Product, Step
from bot.domain.eligibility import Verdict, needed

LOW_TTL = 300  # seconds (B2)
LONGEST_TTL = 2**31 - 1  # RFC 2181 8
LOWER_DAYS = 10  # B2: "about ten days before"
STABLE = timedelta(days=10)  # B7: "about ten stable days"
PREPARE_DAYS = 14  # time to set up a connector, to book paid support
AGAIN_DAYS = 3
CHECK_DAYS = 7  # the list of the preparation is shown at the start, and so many days ahead once more
BEFORE_THE_DAY = timedelta(minutes=30)
FARTHEST = timedelta(days=400)
MORNING = time(10)  # when people can act on it and the support is open
PUNCTUAL = timedelta(minutes=15)  # a reminder sent within this is not called late


class ReminderKind(StrEnum):
    """What a reminder is for; in the order in which reminders of one moment are said."""

    CONNECTOR = "connector"  # B1
    BOOK_SUPPORT = "book_support"  # W3
    LOWER_TTL = "lower_ttl"  # B2
    LOWER_TTL_AGAIN = "lower_ttl_again"
    CONNECTOR_AGAIN = "connector_again"
    PREPARE = "prepare"  # good practice: accounts, internal DNS, announcement, request, old service
    DAY_BEFORE = "day_before"
    DAY = "day"
    DAY_BEGIN = "day_begin"
    RESTORE_TTL = "restore_ttl"  # B7
    RESTORE_TTL_AGAIN = "restore_ttl_again"


STEP_OF: Mapping[ReminderKind, Step] = {
    ReminderKind.CONNECTOR: Step.CONNECTOR,
    ReminderKind.CONNECTOR_AGAIN: Step.CONNECTOR,
    ReminderKind.BOOK_SUPPORT: Step.SUPPORT,
    ReminderKind.LOWER_TTL: Step.TTL,
    ReminderKind.LOWER_TTL_AGAIN: Step.TTL,
    ReminderKind.DAY_BEGIN: Step.MX,
    ReminderKind.RESTORE_TTL: Step.RESTORE_TTL,
    ReminderKind.RESTORE_TTL_AGAIN: Step.RESTORE_TTL,
}


class LateRule(StrEnum):
    """What becomes of a reminder that could not be sent in time."""

    SEND_WITH_NOTE = "send_with_note"  # it is still worth doing, whenever
    DROP = "drop"  # worthless from args["drop_at"] on; before that as above


LATE_RULE: Mapping[ReminderKind, LateRule] = {
    ReminderKind.CONNECTOR: LateRule.SEND_WITH_NOTE,
    ReminderKind.CONNECTOR_AGAIN: LateRule.SEND_WITH_NOTE,
    ReminderKind.BOOK_SUPPORT: LateRule.DROP,
    ReminderKind.PREPARE: LateRule.DROP,
    ReminderKind.LOWER_TTL: LateRule.DROP,
    ReminderKind.LOWER_TTL_AGAIN: LateRule.DROP,
    ReminderKind.DAY_BEFORE: LateRule.DROP,
    ReminderKind.DAY: LateRule.DROP,
    ReminderKind.DAY_BEGIN: LateRule.SEND_WITH_NOTE,
    ReminderKind.RESTORE_TTL: LateRule.SEND_WITH_NOTE,
    ReminderKind.RESTORE_TTL_AGAIN: LateRule.SEND_WITH_NOTE,
}


class Lateness(StrEnum):
    PUNCTUAL = "punctual"
    LATE = "late"  # send, and say that it comes late
    DROP = "drop"


def lateness(late: str, due_at: datetime, args: Mapping[str, Any], now: datetime) -> Lateness:
    """What to do with a due reminder at `now`; `late` and `args` as they were planned."""
    drop_at = args.get("drop_at")
    if late == LateRule.DROP and drop_at and now >= datetime.fromisoformat(drop_at):
        return Lateness.DROP
    return Lateness.PUNCTUAL if now - due_at <= PUNCTUAL else Lateness.LATE


class Trouble(StrEnum):
    """Why there can be no plan; the text is `plan.problem.<value>`."""

    PAST = "past"
    TOO_FAR = "too_far"
    BAD_TTL = "bad_ttl"


class PlanProblem(ValueError):
    """The request allows no plan. `args_for_text`: `at`, `now` (instants), `ttl` (seconds), `days`."""

    def __init__(self, trouble: Trouble, **args: Any) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.args_for_text: Mapping[str, Any] = args


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a plan is made from. `at`: the planned change; both instants aware.

    `ttl`: seconds, as it was before any lowering (the snapshot's), None when unknown. `can_lower_ttl`
    False: the DNS service cannot (B4). `product` and `plan` None: not said, so eligibility stays open.
    `done`: steps that are settled; Step.TTL among them means that the TTL is low already.
    """

    at: datetime
    now: datetime
    ttl: int | None
    mail_service: MailService = MailService.OTHER
    product: Product | None = None
    plan: Plan | None = None
    can_lower_ttl: bool = True
    done: frozenset[Step] = frozenset()


@dataclass(frozen=True, slots=True)
class Reminder:
    """One message to come. `due_at` is aware UTC; `args` are JSON-able.

    Among `args`: `wanted_at` (the moment it would have been due had the day not been so near),
    `moved_from`, `moved_gap`, `moved_name` (the closed day that it avoids), `drop_at`.
    """

    kind: ReminderKind
    due_at: datetime
    args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def late(self) -> LateRule:
        return LATE_RULE[self.kind]


@dataclass(frozen=True, slots=True)
class Note:
    """Something to tell the person with the plan; the text is `plan.note.<code>`, args in its terms."""

    code: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CutoverPlan:
    """The reminders by time, and the notes. `verdict` None: product and plan were not said.

    `safe_from`: from when no cache that obeys TTLs can hold the old MX if all goes as planned; None
    while the TTL is unknown. `earliest_safe_flip`: before it a change meets caches with the old TTL.
    """

    reminders: tuple[Reminder, ...]
    notes: tuple[Note, ...]
    verdict: Verdict | None
    support_gap: Closure | None
    safe_from: datetime | None = None
    earliest_safe_flip: datetime | None = None


def make_plan(request: PlanRequest, calendar: BusinessCalendar) -> CutoverPlan:
    """The plan for `request`; a plan without reminders where no cutover is needed (P2-P4).

    Raises PlanProblem for a day in the past or more than 400 days away, or an impossible TTL;
    NoSuchPlan for a product that lacks the plan.
    """
    at, now = _utc(request.at), _utc(request.now)
    verdict = needed(request.product, request.plan) if request.product and request.plan else None
    if verdict and not verdict.needed:
        return CutoverPlan((), (), verdict, calendar.support_gap(at))
    _refuse_the_impossible(at, now, request.ttl)
    planner = _Planner(request, calendar, at, now)
    return planner.plan(verdict)


def restore_reminders(
    changed_at: datetime, now: datetime, calendar: BusinessCalendar, ttl: int | None
) -> tuple[Reminder, ...]:
    """B7 from the moment the change was really seen (`t_flip`), instead of the planned one.

    Ten full days must have passed, so a closed day moves it later, never earlier. `ttl`: the old value.
    """
    first = _morning_at_or_after(_utc(changed_at) + STABLE, calendar)
    again = _morning(calendar.open_day_on_or_after(_day(first) + timedelta(days=AGAIN_DAYS)))
    start = max(first, _utc(now))
    args = {"ttl": ttl}
    return (
        Reminder(ReminderKind.RESTORE_TTL, start, args),
        Reminder(ReminderKind.RESTORE_TTL_AGAIN, max(again, start + timedelta(days=AGAIN_DAYS)), args),
    )


def _refuse_the_impossible(at: datetime, now: datetime, ttl: int | None) -> None:
    if at <= now:
        raise PlanProblem(Trouble.PAST, at=at, now=now)
    if at - now > FARTHEST:
        raise PlanProblem(Trouble.TOO_FAR, at=at, now=now, days=FARTHEST.days)
    if ttl is not None and not 0 <= ttl <= LONGEST_TTL:
        raise PlanProblem(Trouble.BAD_TTL, ttl=ttl)


class _Planner:
    """The parts of one plan, with what they share."""

    def __init__(self, request: PlanRequest, calendar: BusinessCalendar, at: datetime, now: datetime) -> None:
        self.request = request
        self.calendar = calendar
        self.at = at
        self.now = now
        self.day = _day(at)
        self.gap = calendar.support_gap(at)
        self.opening = calendar.next_opening(now).astimezone(UTC)

    @property
    def lowers(self) -> bool:
        """Whether the TTL is, or may turn out, to be lowered and restored."""
        return self.request.can_lower_ttl and (self.request.ttl is None or self.request.ttl > LOW_TTL)

    @property
    def lower_days(self) -> int:
        """Ten (B2), or more where the old TTL is so long that ten would leave old copies in caches."""
        return max(LOWER_DAYS, (self.request.ttl or 0) // 86400 + 2)

    def plan(self, verdict: Verdict | None) -> CutoverPlan:
        reminders = [*self._preparation(), *self._the_day()]
        if self.lowers and Step.RESTORE_TTL not in self.request.done:
            reminders += restore_reminders(self.at, self.now, self.calendar, self.request.ttl)
        order = list(ReminderKind)
        reminders.sort(key=lambda r: (r.due_at, order.index(r.kind)))
        earliest = self._earliest_safe_flip()
        return CutoverPlan(
            tuple(reminders),
            tuple(self._notes(verdict, earliest)),
            verdict,
            self.gap,
            self._safe_from(earliest),
            earliest,
        )

    def _preparation(self) -> Iterable[Reminder]:
        done = self.request.done
        if Step.CONNECTOR not in done:
            yield from self._twice(
                ReminderKind.CONNECTOR,
                ReminderKind.CONNECTOR_AGAIN,
                PREPARE_DAYS,
                self.day - timedelta(days=AGAIN_DAYS),
                {"mail_service": self.request.mail_service.value},
            )
        once_more = self._ahead(ReminderKind.PREPARE, CHECK_DAYS, {})
        if once_more.due_at >= self.now + timedelta(days=1):
            yield once_more
        if Step.SUPPORT not in done and self.gap and self.opening < self.at:
            args = {"gap": self.gap.gap.value, "gap_name": self.gap.name}
            booking = self._ahead(ReminderKind.BOOK_SUPPORT, PREPARE_DAYS, args)
            # A call to the sales contact: told while somebody is there to take it.
            yield replace(booking, due_at=max(booking.due_at, self.opening))
        if Step.TTL not in done and self.lowers:
            ttl_args: dict[str, Any] = {"ttl": self.request.ttl}
            yield from self._twice(
                ReminderKind.LOWER_TTL, ReminderKind.LOWER_TTL_AGAIN, self.lower_days, None, ttl_args
            )

    def _the_day(self) -> Iterable[Reminder]:
        eve = self._ahead(ReminderKind.DAY_BEFORE, 1, {})
        day_due = max(self.at - BEFORE_THE_DAY, self.now)
        if eve.due_at < day_due:
            yield eve
        yield Reminder(ReminderKind.DAY, day_due, {"drop_at": self.at.isoformat()})
        yield Reminder(ReminderKind.DAY_BEGIN, self.at)

    def _twice(
        self,
        kind: ReminderKind,
        again: ReminderKind,
        days: int,
        again_on: date | None,
        args: dict[str, Any],
    ) -> Iterable[Reminder]:
        """A reminder and its repetition: on `again_on`, or a few days later; none within a day of another."""
        first = self._ahead(kind, days, args)
        yield first
        if again_on is None:
            wanted = self.calendar.open_day_on_or_after(_day(first.due_at) + timedelta(days=AGAIN_DAYS))
        else:
            wanted = self.calendar.open_day_on_or_before(again_on)
        second = _morning(wanted)
        if first.due_at + timedelta(days=1) <= second < _morning(self.day - timedelta(days=1)):
            yield self._reminder(again, second, args)

    def _ahead(self, kind: ReminderKind, days: int, args: dict[str, Any]) -> Reminder:
        """`days` before the day, at 10:00; on the open day before where that is closed; now where past."""
        meant = self.day - timedelta(days=days)
        open_day = self.calendar.open_day_on_or_before(meant)
        wanted = _morning(open_day)
        if wanted < self.now:
            return self._reminder(kind, self.now, {**args, "wanted_at": wanted.isoformat()})
        closure = self.calendar.closure(meant)
        if closure:
            args = {
                **args,
                "moved_from": meant.isoformat(),
                "moved_gap": closure.gap.value,
                "moved_name": closure.name,
            }
        return self._reminder(kind, wanted, args)

    def _reminder(self, kind: ReminderKind, due_at: datetime, args: dict[str, Any]) -> Reminder:
        if LATE_RULE[kind] is LateRule.DROP:
            args = {**args, "drop_at": self.at.isoformat()}
        return Reminder(kind, due_at, args)

    def _earliest_safe_flip(self) -> datetime | None:
        """Lowered at once, old copies live for one old TTL more (dns-checks.md, `safe_to_flip`)."""
        if not self.lowers or self.request.ttl is None or Step.TTL in self.request.done:
            return None
        return self.now + timedelta(seconds=self.request.ttl)

    def _safe_from(self, earliest: datetime | None) -> datetime | None:
        ttl = self.request.ttl
        if ttl is None:
            return None
        at_the_flip = min(ttl, LOW_TTL) if self.lowers else ttl
        planned = self.at + timedelta(seconds=at_the_flip)
        return max(planned, earliest) if earliest else planned

    def _notes(self, verdict: Verdict | None, earliest: datetime | None) -> Iterable[Note]:
        if verdict is None:
            yield Note("eligibility_open")
        yield from self._ttl_notes(earliest)
        yield from self._support_notes()
        years = sorted({year for year in (self.now.year, self.day.year) if not self.calendar.knows(year)})
        if years:
            yield Note("holidays_unknown", {"years": [str(year) for year in years]})
        else:
            yield Note("holidays_assumed")

    def _ttl_notes(self, earliest: datetime | None) -> Iterable[Note]:
        ttl = self.request.ttl
        if ttl is None:
            yield Note("ttl_unknown")
        elif not self.request.can_lower_ttl and ttl > LOW_TTL:
            yield Note("ttl_cannot", {"ttl": ttl, "safe_from": self.at + timedelta(seconds=ttl)})
        elif ttl <= LOW_TTL:
            yield Note("ttl_low", {"ttl": ttl})
        elif earliest and earliest > self.at:
            yield Note("ttl_too_late", {"ttl": ttl, "earliest": earliest, "at": self.at})
        elif earliest and self.at - self.now < timedelta(days=self.lower_days):
            yield Note("ttl_now", {"ttl": ttl, "earliest": earliest})

    def _support_notes(self) -> Iterable[Note]:
        if self.gap:
            yield Note("outside_support", {"gap": self.gap.gap.value, "gap_name": self.gap.name})
            if self.opening >= self.at:
                yield Note("support_too_late")
            return
        yield Note("office_hours")  # W1: nights and weekends disturb fewer people
        closing = self.calendar.closing(self.at)
        if closing and closing - self.at <= timedelta(hours=1):
            yield Note("support_ends", {"closing": closing})


def _utc(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise ValueError("a naive datetime means no instant")
    return at.astimezone(UTC)


def _day(at: datetime) -> date:
    return at.astimezone(TOKYO).date()


def _morning(day: date) -> datetime:
    return datetime.combine(day, MORNING, TOKYO).astimezone(UTC)


def _morning_at_or_after(at: datetime, calendar: BusinessCalendar) -> datetime:
    """10:00 of the first open day that is not before `at`."""
    day = _day(at)
    if _morning(day) < at:
        day += timedelta(days=1)
    return _morning(calendar.open_day_on_or_after(day))
