"""Turns due reminders into outbox rows. DNS is asked first where it can spare somebody the reminder.

A look at DNS delays its own reminder alone, and that by seconds: where it fails or takes too long, the
reminder is said unverified.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.cutover import Cutover, Event, State, Step, StepStatus, accepts, decide
from bot.domain.desk import (
    DECIDED,
    PREPARE,
    TICKED,
    UNTICKED,
    Readiness,
    conditions,
    decided,
    lock_down_offered,
    ticks,
)
from bot.domain.facts import DomainFacts
from bot.domain.plan import Lateness, ReminderKind, lateness
from bot.domain.progress import exposed_by
from bot.ports import HistoryEntry, ReminderRow, StoreUnavailable, Tx, VersionConflict
from bot.usecases.context import Deps, persistently, policy_in
from bot.usecases.flip import decision, tell
from bot.usecases.observe import exchanges, in_thread, observe, refresh, step_of
from bot.usecases.planning import EXPOSURE_KIND, LOCK_DOWN_KIND, RESTORE_KINDS
from bot.usecases.under_way import UnderWay

T = TypeVar("T")

# A look that waited for no turn is over in 15 s, by the DNS client's own clock.
LOOK_SECONDS = 20.0
# The least: a row must not be taken up anew while its look is under way, or it would never be settled.
LEASE = 3 * timedelta(seconds=LOOK_SECONDS)
BATCH = 20
MOST = 60  # reminders that one replica has in hand
WAITS = (1.0, 2.0, 4.0)  # seconds until a database that was away is tried again; then the lease runs out
LOOKS = 12  # of these at DNS at once, which leaves turns to what people ask for

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


class Reminders:
    """What falls due, as one replica fires it: each reminder a task of its own."""

    def __init__(self, deps: Deps, *, lease: timedelta = LEASE, waits: Sequence[float] = WAITS) -> None:
        """`lease`: for how long a reminder belongs to this replica; not less than LEASE."""
        self._deps = deps
        self._waits = waits
        self._lease = max(lease, LEASE)
        self._in_hand = UnderWay("reminder")
        self._turns = asyncio.Semaphore(LOOKS)

    async def tick(self) -> None:
        """Take up what has fallen due, as far as there is room. Raises then what made earlier ones fail."""
        await self._begin()
        self._in_hand.raise_failures()

    async def due(self) -> int:
        """Fire all that has fallen due, to the end; how many there were. Raises what made some fail."""
        begun = 0
        while (more := await self._begin()) or self._in_hand:
            begun += more
            await self._in_hand.wait()
        self._in_hand.raise_failures()
        return begun

    async def stop(self, seconds: float) -> None:
        """Let those in hand be fired within `seconds`; the rest is taken up when its lease is over."""
        await self._in_hand.stop(seconds)

    async def _begin(self) -> int:
        begun = 0
        while MOST - len(self._in_hand) >= BATCH:
            rows = await self._claim(self._deps.clock.now())
            for row in rows:
                self._in_hand.begin(self._fire_one(row))
            begun += len(rows)
            if len(rows) < BATCH:
                break
        return begun

    async def _claim(self, now: datetime) -> Sequence[ReminderRow]:
        return await self._deps.store.transact(
            lambda tx: tx.reminders.claim(now, limit=BATCH, lease=self._lease)
        )

    async def _fire_one(self, row: ReminderRow) -> None:
        """Where it fails, its lease runs out, and it is taken up again."""
        try:
            outcome = await self._fire(row)
        except Exception as error:
            self._note(row, "a reminder was not fired", error=type(error).__name__)
            raise
        self._note(row, "reminder", outcome=outcome)
        self._deps.wake()

    def _note(self, row: ReminderRow, event: str, **more: object) -> None:
        kind = row.reminder.kind
        self._deps.note(event, reminder_id=row.id, cutover_id=row.cutover_id, kind=kind, **more)

    async def _fire(self, row: ReminderRow) -> str:
        deps = self._deps
        cutover = await self._kept(lambda tx: tx.cutovers.get(row.team, row.cutover_id))
        facts: DomainFacts | None = None
        if cutover is not None and cutover.is_open and _wants_dns(row.reminder.kind):
            facts = await self._look(row, cutover)

        def work(tx: Tx) -> str:
            return _decide(tx, deps, row, facts)

        try:
            return await self._kept(work)
        except (StoreUnavailable, VersionConflict):
            raise
        except Exception as error:
            if facts is None:
                raise
            self._note(row, "a reminder is said without what DNS showed", exc_info=error)
            facts = None
            return await self._kept(work)

    async def _kept(self, work: Callable[[Tx], T]) -> T:
        """The outcome of a transaction, also where the database is away for a moment.

        It may have arrived the first time all the same: then the row is settled, and `work` sees that.
        """
        for seconds in self._waits:
            try:
                return await persistently(lambda: self._deps.store.transact(work))
            except StoreUnavailable:
                await asyncio.sleep(seconds)
        return await persistently(lambda: self._deps.store.transact(work))

    async def _look(self, row: ReminderRow, cutover: Cutover) -> DomainFacts | None:
        """What DNS says; None where that cannot be had in time, for whatever reason."""
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._turns:
                return await self._deps.dns.look(cutover.domain, expected=exchanges(cutover))
        except Exception as error:
            unforeseen = None if isinstance(error, TimeoutError) else error
            why = type(error).__name__
            self._note(row, "a reminder is said without a look at DNS", error=why, exc_info=unforeseen)
            return None


def _wants_dns(kind: str) -> bool:
    step = step_of(kind)
    return kind in _ASK_DNS_FIRST or (kind.startswith("later:") and step in (Step.TTL, Step.MX))


GONE = "gone"  # no outcome of the row: another has settled it, or has its lease


def _decide(tx: Tx, deps: Deps, row: ReminderRow, facts: DomainFacts | None) -> str:
    cutover = tx.cutovers.get(row.team, row.cutover_id)
    if cutover is not None and cutover.is_open and facts is not None:
        cutover = observe(tx, deps, cutover, facts).cutover
    outcome = _outcome(tx, deps, row, cutover)
    # What was seen is kept in any case: it may be the very look that has withdrawn this reminder.
    if row.token is None or not tx.reminders.done(row.id, row.token, outcome):
        return GONE
    if cutover is not None and outcome == "dropped":
        due = row.reminder.due_at.isoformat()
        entry = HistoryEntry(deps.clock.now(), "dropped", data={"kind": row.reminder.kind, "due_at": due})
        tx.history.append(row.team, cutover.id, entry)
    if cutover is not None and outcome == "fired":
        _say(tx, deps, row, cutover, facts)
    return outcome


def _outcome(tx: Tx, deps: Deps, row: ReminderRow, cutover: Cutover | None) -> str:
    if cutover is None or not cutover.is_open:
        return "not_needed"
    reminder = row.reminder
    if lateness(reminder.late, reminder.due_at, reminder.args, deps.clock.now()) is Lateness.DROP:
        return "dropped"
    step = step_of(reminder.kind)
    wanted = _still_wanted(cutover, reminder.kind, step) and not _is_prepared(tx, cutover, reminder.kind)
    return "fired" if wanted else "not_needed"


def _say(tx: Tx, deps: Deps, row: ReminderRow, cutover: Cutover, facts: DomainFacts | None) -> None:
    now = deps.clock.now()
    reminder = row.reminder
    step = step_of(reminder.kind)
    after = replace(cutover, asked=step if step is not None else cutover.asked)
    if reminder.kind == ReminderKind.DAY_BEGIN.value and accepts(cutover.state, Event.DAY_BEGAN):
        after = replace(after, state=decide(cutover.state, Event.DAY_BEGAN), next_look_at=now)
        tx.history.append(
            row.team, cutover.id, HistoryEntry(now, "event", data={"event": Event.DAY_BEGAN.value})
        )
    saved = tx.cutovers.save(after)
    late = lateness(reminder.late, reminder.due_at, reminder.args, now) is Lateness.LATE
    args: dict[str, object] = {
        "kind": reminder.kind,
        "due": reminder.due_at.isoformat() if late else None,
        "step": step.value if step else None,
        "args": dict(reminder.args),
        "missing": _missing(tx, deps, saved) if step is Step.MX else [],
    }
    if reminder.kind == LOCK_DOWN_KIND:
        tx.outbox.put(row.team, in_thread(saved, "lockdown"))
    elif reminder.kind == ReminderKind.PREPARE.value:
        tx.outbox.put(row.team, in_thread(saved, "prepare", {"again": True}))
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


def _asks_for_go(tx: Tx, cutover: Cutover, kind: str) -> bool:
    """Go or no-go is asked the day before, and shortly before where nobody has decided."""
    if kind == ReminderKind.DAY_BEFORE.value:
        return True
    if kind != ReminderKind.DAY.value:
        return False
    history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({DECIDED}))
    return decided(history, cutover.plan_version) is None


def _is_prepared(tx: Tx, cutover: Cutover, kind: str) -> bool:
    """Whether the reminder of the preparation has nothing to remind of."""
    if kind != ReminderKind.PREPARE.value:
        return False
    history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({TICKED, UNTICKED}))
    return set(PREPARE) <= set(ticks(history))


def _missing(tx: Tx, deps: Deps, cutover: Cutover) -> list[str]:
    """What forbids the change, where nobody has decided to go ahead: codes of conditions."""
    history = tx.history.of(cutover.team, cutover.id, kinds=frozenset({TICKED, UNTICKED, DECIDED}))
    if decided(history, cutover.plan_version) is not None:
        return []
    frozen = policy_in(tx, deps, cutover.team).frozen(cutover.day) is not None
    found = conditions(cutover, ticks(history), deps.clock.now(), frozen=frozen)
    return [condition.code for condition in found if condition.readiness is Readiness.MISSING]


def _still_wanted(cutover: Cutover, kind: str, step: Step | None) -> bool:
    if kind.startswith(EXPOSURE_KIND):
        return bool(exposed_by(cutover))
    if kind == LOCK_DOWN_KIND:
        return lock_down_offered(cutover)
    if kind == ReminderKind.DAY_BEFORE.value:
        return cutover.state is State.PREPARING
    if kind == ReminderKind.PREPARE.value:
        return cutover.state is State.PREPARING
    if kind in (ReminderKind.DAY.value, ReminderKind.DAY_BEGIN.value):
        return cutover.state in (State.PREPARING, State.CHANGING)
    if kind in RESTORE_KINDS and cutover.state not in (State.WATCHING, State.STABILISING):
        return False  # planned for the planned day; they are planned anew once the change is seen
    return step is None or cutover.step(step).status is StepStatus.OPEN
