"""Moves and ends: reschedule, assign, cancel, roll back."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.authority import Act, Actor, authorise
from bot.domain.cutover import Cutover, Event, Step, StepStatus, accepts, decide
from bot.domain.mx import zone_line
from bot.domain.plan import PlanProblem
from bot.domain.policy import Freeze
from bot.domain.progress import ttl_of_lines, was_lowered
from bot.domain.replies import LONGEST_REASON, Need
from bot.ports import HistoryEntry, Tx
from bot.usecases.context import Deps, Where, jsonable, transact
from bot.usecases.observe import in_thread, refresh
from bot.usecases.planning import initial_support, lock_down_is_on, plan_for, plan_notes, replan


class Gone(Exception):
    """There is no such cutover in the actor's workspace."""


def load(tx: Tx, deps: Deps, actor: Actor, cutover_id: str, act: Act) -> Cutover:
    """The cutover, where the actor may do `act` to it. Raises Gone, NotAllowed."""
    cutover = tx.cutovers.get(actor.team, cutover_id)
    if cutover is None:
        raise Gone
    authorise(actor, act, cutover, deps.operators)
    return cutover


async def cancel(deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str) -> None:
    """End the cutover without changing anything in DNS."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.END)
        if not accepts(cutover.state, Event.CANCEL):
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", {"state": cutover.state.value}))
            return
        ended = replace(
            cutover, state=decide(cutover.state, Event.CANCEL), next_look_at=None, asked=None, alert=None
        )
        saved = tx.cutovers.save(ended)
        tx.reminders.withdraw(actor.team, cutover.id)
        tx.history.append(actor.team, cutover.id, HistoryEntry(deps.clock.now(), "cancelled", actor.user))
        lowered = was_lowered(cutover) and cutover.snapshot is not None
        tx.outbox.put(
            actor.team,
            in_thread(
                saved,
                "cancelled",
                {"user": actor.user, "ttl": cutover.snapshot.ttl if lowered and cutover.snapshot else None},
            ),
        )
        refresh(tx, saved)

    await transact(deps, actor.team, row_id, work)


async def roll_back(deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str) -> None:
    """Print the lines that restore the old MX and TTL; from now on the watch follows the way back."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.END)
        if not accepts(cutover.state, Event.ROLL_BACK):
            why = {"state": cutover.state.value, "event": Event.ROLL_BACK.value}
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", why))
            return
        now = deps.clock.now()
        back = replace(
            cutover,
            state=decide(cutover.state, Event.ROLL_BACK),
            next_look_at=now + timedelta(seconds=30),
            asked=None,
            alert=None,
            progress_ts=None,  # the way back has a message of its own
        )
        saved = tx.cutovers.save(back)
        tx.reminders.withdraw(actor.team, cutover.id)
        tx.history.append(actor.team, cutover.id, HistoryEntry(now, "rolling_back", actor.user))
        tx.outbox.put(
            actor.team,
            in_thread(
                saved,
                "rollback",
                {
                    **lines_back(cutover),
                    "lock_down": lock_down_is_on(tx, cutover),
                    "ttl": cutover.snapshot.ttl if cutover.snapshot and was_lowered(cutover) else None,
                },
            ),
        )
        refresh(tx, saved)

    await transact(deps, actor.team, row_id, work)


def lines_back(cutover: Cutover) -> dict[str, object]:
    """The zone lines of the way back, from the snapshot taken at the start."""
    snapshot, ttl = cutover.snapshot, ttl_of_lines(cutover)
    old = sorted(snapshot.mx) if snapshot else []
    return {
        "old": [zone_line(cutover.domain, mx, ttl) for mx in old],
        "new": [zone_line(cutover.domain, mx, ttl) for mx in sorted(cutover.expected)],
    }


async def reschedule(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover_id: str,
    day: datetime,
    reason: str = "",
    *,
    seen: int | None = None,
) -> None:
    """Move the day: plan version up, the old reminders withdrawn, new ones written, the reason kept.

    `seen`: the plan version for which the day was offered. Where it has moved since, or the day is frozen
    by now, it is asked again and nothing is moved.
    """
    why = {"reason": reason.strip()[:LONGEST_REASON]} if reason.strip() else {}

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.MOVE)
        now = deps.clock.now()
        if not accepts(cutover.state, Event.RESCHEDULED):
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", {"state": cutover.state.value}))
            return
        if cutover.day == day:
            same = {"day": day.isoformat()}
            tx.outbox.put(actor.team, where.private(actor, "same_day", same, cutover_id=cutover.id))
            return
        frozen = deps.policy.frozen(day)
        if frozen is not None or seen not in (None, cutover.plan_version):
            again = _asked_again(day, reason, frozen)
            tx.outbox.put(actor.team, where.private(actor, "reschedule_ask", again, cutover_id=cutover.id))
            return
        moved = replace(
            cutover,
            state=decide(cutover.state, Event.RESCHEDULED),
            day=day,
            plan_version=cutover.plan_version + 1,
            alert=None,
        )
        support = cutover.step(Step.SUPPORT)
        if support.status in (StepStatus.OPEN, StepStatus.NOT_NEEDED):
            moved = moved.with_step(Step.SUPPORT, initial_support(deps, day, now))
        try:
            plan = plan_for(deps, moved, now)
        except PlanProblem as problem:
            tx.outbox.put(
                actor.team,
                where.private(
                    actor,
                    "bad_day",
                    {"trouble": problem.trouble.value, "args": jsonable(problem.args_for_text)},
                ),
            )
            return
        saved = tx.cutovers.save(moved)
        replan(tx, saved, plan)
        tx.history.append(
            actor.team,
            cutover.id,
            HistoryEntry(
                now,
                "rescheduled",
                actor.user,
                {"from": cutover.day.isoformat(), "to": day.isoformat(), **why},
            ),
        )
        tx.outbox.put(
            actor.team,
            in_thread(
                saved,
                "rescheduled",
                {
                    "user": actor.user,
                    "day": day.isoformat(),
                    "before": cutover.day.isoformat(),
                    "notes": plan_notes(plan),
                    **why,
                },
            ),
        )
        refresh(tx, saved)

    await transact(deps, actor.team, row_id, work)


def _asked_again(day: datetime, reason: str, frozen: Freeze | None) -> dict[str, object]:
    """The question for the day, as `hear.offer` puts it."""
    needs = [Need.DATE.value, Need.TIME.value] if frozen else []
    return {
        "needs": needs,
        "days": [] if frozen else [day.isoformat()],
        "reason": reason,
        "frozen": [frozen.first.isoformat(), frozen.last.isoformat()] if frozen else None,
        "changed": frozen is None,
    }


async def assign(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str, users: tuple[str, ...]
) -> None:
    """Let further people answer for the cutover."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.MOVE)
        if not cutover.is_open:
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", {"state": cutover.state.value}))
            return
        added = tuple(user for user in users if user not in (cutover.owner, *cutover.assignees))
        if not added:
            there = {"users": list(users)}
            tx.outbox.put(actor.team, where.private(actor, "assigned_before", there, cutover_id=cutover.id))
            return
        saved = tx.cutovers.save(replace(cutover, assignees=(*cutover.assignees, *added)))
        tx.history.append(
            actor.team,
            cutover.id,
            HistoryEntry(deps.clock.now(), "assigned", actor.user, {"users": list(added)}),
        )
        tx.outbox.put(actor.team, in_thread(saved, "assigned", {"users": list(added)}))
        refresh(tx, saved)

    await transact(deps, actor.team, row_id, work)
