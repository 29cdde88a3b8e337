"""Turns a cutover into its reminders, and into those of a new plan version when the day moves."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.domain.cutover import THE_DAY, Cutover, Step, StepState, StepStatus
from bot.domain.desk import TICKED, UNTICKED, Item, ticks
from bot.domain.facts import DomainFacts
from bot.domain.plan import (
    LOW_TTL,
    CutoverPlan,
    PlanRequest,
    Reminder,
    ReminderKind,
    make_plan,
    restore_reminders,
)
from bot.ports import PlannedReminder, Tx
from bot.usecases.context import Deps, jsonable

# How long steps 3 and 4 may stay open after the MX has changed before the thread is told again.
# What is left open for a day or more is somebody's work of the next working day.
EXPOSURE = (
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=12),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)
EXPOSURE_KIND = "exposure"
LOCK_DOWN_KIND = "lock_down"
# Step 5 proves the way: it is asked for again the next working day, while nobody has done it.
OUTSIDE_TEST_KIND = f"later:{Step.OUTSIDE_TEST.value}:after"
AFTER_FLIP = timedelta(hours=12)
AFTER_SAFE = timedelta(hours=1)
RESTORE_KINDS = frozenset({ReminderKind.RESTORE_TTL.value, ReminderKind.RESTORE_TTL_AGAIN.value})


def first_steps(deps: Deps, day: datetime, facts: DomainFacts, now: datetime) -> Mapping[Step, StepState]:
    """The checklist of a new cutover: what DNS or the calendar shows to be needless is marked so."""
    steps = {step: StepState() for step in (Step.CONNECTOR, *THE_DAY)}
    ttl = facts.ttl_in_force
    unneeded = StepState(StepStatus.NOT_NEEDED, at=now, verified=True)
    low = ttl is not None and ttl <= LOW_TTL
    steps[Step.TTL] = unneeded if low else StepState()
    steps[Step.RESTORE_TTL] = unneeded if low else StepState()
    steps[Step.SUPPORT] = initial_support(deps, day, now)
    return steps


def initial_support(deps: Deps, day: datetime, now: datetime) -> StepState:
    """W3: something to decide only where the day lies outside the support hours."""
    if deps.calendar.in_support_hours(day):
        return StepState(StepStatus.NOT_NEEDED, at=now)
    return StepState()


def plan_for(deps: Deps, cutover: Cutover, now: datetime) -> CutoverPlan:
    """The plan of a cutover as it stands. Raises PlanProblem for an impossible day."""
    done = frozenset(step for step in Step if cutover.step(step).settled)
    return make_plan(
        PlanRequest(
            at=cutover.day,
            now=now,
            ttl=cutover.snapshot.ttl if cutover.snapshot else None,
            mail_service=cutover.mail_service,
            product=cutover.product,
            plan=cutover.plan,
            can_lower_ttl=cutover.step(Step.TTL).status is not StepStatus.SKIPPED,
            done=done,
        ),
        deps.calendar,
    )


def replan(tx: Tx, cutover: Cutover, plan: CutoverPlan) -> None:
    """Withdraw what is pending, write the new version's reminders."""
    tx.reminders.withdraw(cutover.team, cutover.id)
    tx.reminders.plan(cutover.team, cutover.id, cutover.plan_version, rows(plan.reminders))


def rows(reminders: Iterable[Reminder]) -> tuple[PlannedReminder, ...]:
    """Reminders as the store keeps them."""
    return tuple(
        PlannedReminder(reminder.kind.value, reminder.due_at, reminder.late.value, jsonable(reminder.args))
        for reminder in reminders
    )


def after_the_change(tx: Tx, deps: Deps, cutover: Cutover, facts: DomainFacts) -> Cutover:
    """The change was seen everywhere: B7 counts from now on, and steps 3 and 4 are pressed for."""
    now = deps.clock.now()
    flip = cutover.instants.t_flip or now
    old_ttl = cutover.snapshot.ttl if cutover.snapshot else None
    moved = replace(cutover, plan_version=cutover.plan_version + 1)
    if not moved.step(Step.TTL).settled:
        moved = moved.with_step(Step.TTL, StepState(StepStatus.NOT_NEEDED, at=now))
        if old_ttl is None or facts.ttl_in_force == old_ttl:
            moved = moved.with_step(Step.RESTORE_TTL, StepState(StepStatus.NOT_NEEDED, at=now))
    exposures = {f"{EXPOSURE_KIND}:{_minutes(after)}" for after in EXPOSURE}
    # Those of a change that was seen before, and went back, count anew as well.
    kinds = {*(kind.value for kind in ReminderKind), *exposures, LOCK_DOWN_KIND, OUTSIDE_TEST_KIND}
    if not moved.step(Step.CONNECTOR).settled:  # B1: asked for until it is
        kinds -= {ReminderKind.CONNECTOR.value, ReminderKind.CONNECTOR_AGAIN.value}
    tx.reminders.withdraw(moved.team, moved.id, kinds=frozenset(kinds))
    wanted: list[PlannedReminder] = []
    if not moved.step(Step.RESTORE_TTL).settled:
        wanted += rows(restore_reminders(flip, now, deps.calendar, old_ttl))
    pressed: set[datetime] = set()
    for after in EXPOSURE:
        due = flip + after
        if after >= timedelta(days=1):
            due = deps.calendar.next_opening(due).astimezone(UTC)
        if due in pressed:
            continue  # over a weekend two come together
        pressed.add(due)
        drop_at = (due + timedelta(days=2)).isoformat()
        wanted.append(
            PlannedReminder(f"{EXPOSURE_KIND}:{_minutes(after)}", due, "drop", {"drop_at": drop_at})
        )
    if not moved.step(Step.OUTSIDE_TEST).settled:
        due = deps.calendar.next_opening(flip + AFTER_FLIP).astimezone(UTC)
        wanted.append(PlannedReminder(OUTSIDE_TEST_KIND, due, "send", {}))
    # The mail service may be closed to all but the gateway once no cache sends mail past it.
    safe = moved.instants.t_safe or flip + timedelta(seconds=old_ttl or LOW_TTL)
    offered = deps.calendar.next_opening(safe + AFTER_SAFE).astimezone(UTC)
    if not lock_down_is_on(tx, moved):
        wanted.append(PlannedReminder(LOCK_DOWN_KIND, offered, "send", {}))
    tx.reminders.plan(moved.team, moved.id, moved.plan_version, wanted)
    return moved


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)


def lock_down_is_on(tx: Tx, cutover: Cutover) -> bool:
    """Whether somebody has ticked that the mail service takes mail from the gateway alone."""
    history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({TICKED, UNTICKED}))
    return Item.LOCK_DOWN in ticks(history)


def plan_notes(plan: CutoverPlan) -> list[dict[str, Any]]:
    """A plan's notes as message arguments."""
    return [{"code": note.code, "args": jsonable(note.args)} for note in plan.notes]
