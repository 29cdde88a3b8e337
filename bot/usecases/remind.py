"""Turns due reminders into outbox rows. DNS is asked first where it can spare somebody the reminder."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from bot.domain.cutover import Cutover, Event, State, Step, StepStatus, accepts, decide
from bot.domain.desk import DECIDED, decided, lock_down_offered
from bot.domain.facts import DomainFacts
from bot.domain.plan import Lateness, ReminderKind, lateness
from bot.domain.progress import exposed_by
from bot.ports import HistoryEntry, ReminderRow, Tx, VersionConflict
from bot.usecases.context import Deps, persistently, policy_in
from bot.usecases.flip import decision, tell
from bot.usecases.observe import exchanges, in_thread, observe, refresh, step_of
from bot.usecases.planning import EXPOSURE_KIND, LOCK_DOWN_KIND

LEASE = timedelta(seconds=90)
BATCH = 20

_ASK_DNS_FIRST = frozenset(
    {
        ReminderKind.LOWER_TTL.value,
        ReminderKind.LOWER_TTL_AGAIN.value,
        ReminderKind.DAY.value,
        ReminderKind.DAY_BEGIN.value,
        ReminderKind.RESTORE_TTL.value,
        ReminderKind.RESTORE_TTL_AGAIN.value,
    }
)


async def fire_due(deps: Deps, *, lease: timedelta = LEASE) -> int:
    """Fire the reminders whose time has come; how many were claimed."""
    now = deps.clock.now()
    rows = await deps.store.transact(lambda tx: tx.reminders.claim(now, limit=BATCH, lease=lease))
    ended = await asyncio.gather(*(_fire_one(deps, row) for row in rows), return_exceptions=True)
    if rows:
        deps.wake()
    for failure in ended:
        if isinstance(failure, BaseException):
            raise failure  # its row's lease runs out, and it is taken up again
    return len(rows)


async def _fire_one(deps: Deps, row: ReminderRow) -> None:
    try:
        outcome = await persistently(lambda: _fire(deps, row))
    except Exception as error:
        _note(deps, row, "a reminder was not fired", error=type(error).__name__)
        raise
    _note(deps, row, "reminder", outcome=outcome)


def _note(deps: Deps, row: ReminderRow, event: str, **more: str) -> None:
    deps.note(event, reminder_id=row.id, cutover_id=row.cutover_id, kind=row.reminder.kind, **more)


async def _fire(deps: Deps, row: ReminderRow) -> str:
    cutover = await deps.store.transact(lambda tx: tx.cutovers.get(row.team, row.cutover_id))
    facts: DomainFacts | None = None
    if cutover is not None and cutover.is_open and _wants_dns(row.reminder.kind):
        facts = await deps.dns.look(cutover.domain, expected=exchanges(cutover))
    return await deps.store.transact(lambda tx: _decide(tx, deps, row, facts))


def _wants_dns(kind: str) -> bool:
    step = step_of(kind)
    return kind in _ASK_DNS_FIRST or (kind.startswith("later:") and step in (Step.TTL, Step.MX))


def _decide(tx: Tx, deps: Deps, row: ReminderRow, facts: DomainFacts | None) -> str:
    cutover = tx.cutovers.get(row.team, row.cutover_id)
    outcome = "not_needed"
    if cutover is not None and cutover.is_open:
        if facts is not None:
            cutover = observe(tx, deps, cutover, facts).cutover
        outcome = _say(tx, deps, row, cutover, facts)
    if row.token is not None and not tx.reminders.done(row.id, row.token, outcome):
        raise LeaseLost
    return outcome


class LeaseLost(VersionConflict):
    """Somebody else holds the reminder now; what was decided here is undone."""


def _say(tx: Tx, deps: Deps, row: ReminderRow, cutover: Cutover, facts: DomainFacts | None) -> str:
    now = deps.clock.now()
    reminder = row.reminder
    if not cutover.is_open:
        return "not_needed"
    timing = lateness(reminder.late, reminder.due_at, reminder.args, now)
    if timing is Lateness.DROP:
        entry = HistoryEntry(
            now, "dropped", data={"kind": reminder.kind, "due_at": reminder.due_at.isoformat()}
        )
        tx.history.append(row.team, cutover.id, entry)
        return "dropped"
    step = step_of(reminder.kind)
    if not _still_wanted(cutover, reminder.kind, step):
        return "not_needed"
    after = replace(cutover, asked=step if step is not None else cutover.asked)
    if reminder.kind == ReminderKind.DAY_BEGIN.value and accepts(cutover.state, Event.DAY_BEGAN):
        after = replace(after, state=decide(cutover.state, Event.DAY_BEGAN), next_look_at=now)
        tx.history.append(
            row.team, cutover.id, HistoryEntry(now, "event", data={"event": Event.DAY_BEGAN.value})
        )
    saved = tx.cutovers.save(after)
    late = timing is Lateness.LATE
    args: dict[str, object] = {
        "kind": reminder.kind,
        "due": reminder.due_at.isoformat() if late else None,
        "step": step.value if step else None,
        "args": dict(reminder.args),
    }
    if reminder.kind == LOCK_DOWN_KIND:
        tx.outbox.put(row.team, in_thread(saved, "lockdown"))
    elif step is Step.MX and facts is not None and not decision(deps, saved, facts).clear:
        tell(tx, deps, saved, decision(deps, saved, facts))
    else:
        tx.outbox.put(row.team, in_thread(saved, "reminder", args))
    if _asks_for_go(tx, saved, reminder.kind):
        frozen = policy_in(tx, deps, row.team).frozen(saved.day) is not None
        tx.outbox.put(row.team, in_thread(saved, "runbook", {"frozen": frozen}))
    tx.history.append(row.team, cutover.id, HistoryEntry(now, "reminded", data={"kind": reminder.kind}))
    if saved.state is not cutover.state:
        refresh(tx, saved)
    return "fired"


def _asks_for_go(tx: Tx, cutover: Cutover, kind: str) -> bool:
    """Go or no-go is asked the day before, and shortly before where nobody has decided."""
    if kind == ReminderKind.DAY_BEFORE.value:
        return True
    if kind != ReminderKind.DAY.value:
        return False
    history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({DECIDED}))
    return decided(history, cutover.plan_version) is None


def _still_wanted(cutover: Cutover, kind: str, step: Step | None) -> bool:
    if kind.startswith(EXPOSURE_KIND):
        return bool(exposed_by(cutover))
    if kind == LOCK_DOWN_KIND:
        return lock_down_offered(cutover)
    if kind == ReminderKind.DAY_BEFORE.value:
        return cutover.state is State.PREPARING
    if kind in (ReminderKind.DAY.value, ReminderKind.DAY_BEGIN.value):
        return cutover.state in (State.PREPARING, State.CHANGING)
    return step is None or cutover.step(step).status is StepStatus.OPEN
