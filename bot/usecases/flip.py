"""The go or no-go before the MX is changed: what stands against it, said with its remedy; a person may
override with a reason, which is kept.
"""

from dataclasses import replace
from datetime import timedelta

from bot.domain.authority import Act, Actor
from bot.domain.cutover import Cutover, Step
from bot.domain.facts import DomainFacts
from bot.domain.guard import Go, go_or_no_go
from bot.ports import HistoryEntry, PlannedReminder, Tx
from bot.usecases.context import Deps, Where, finding_data, transact
from bot.usecases.ending import load
from bot.usecases.observe import exchanges, findings_for, in_thread, observe

OVERRIDDEN = "overridden"
LONGEST_REASON = 500


def decision(deps: Deps, cutover: Cutover, facts: DomainFacts) -> Go:
    """Whether the MX may be changed at this moment, whatever the plan says."""
    now = deps.clock.now()
    return go_or_no_go(findings_for(replace(cutover, day=now), facts, now), cutover.instants, now)


def is_overridden(tx: Tx, cutover: Cutover) -> bool:
    """Whether somebody has taken it on themselves since the present plan was made."""
    entries = tx.history.of(cutover.team, cutover.id, kinds=frozenset({OVERRIDDEN}))
    return any(entry.data.get("plan_version") == cutover.plan_version for entry in entries)


def tell(tx: Tx, deps: Deps, cutover: Cutover, go: Go) -> Cutover:
    """Say the decision in the thread: the lines to change, or what stands against it and from when not.

    Where time alone is in the way, the reminder comes again when it has passed.
    """
    now = deps.clock.now()
    if go.clear or is_overridden(tx, cutover):
        tx.outbox.put(cutover.team, in_thread(cutover, "reminder", {"kind": "day_begin", "step": "mx"}))
        return cutover
    earliest = go.earliest
    args: dict[str, object] = {
        "findings": finding_data(go.blockers),
        "earliest": earliest.isoformat() if earliest else None,
    }
    tx.outbox.put(cutover.team, in_thread(cutover, "no_go", args))
    blockers = [finding.id for finding in go.blockers]
    tx.history.append(cutover.team, cutover.id, HistoryEntry(now, "no_go", data={"blockers": blockers}))
    if earliest is not None and earliest > now:
        at = earliest + timedelta(seconds=1)
        again = PlannedReminder(f"later:{Step.MX.value}:{int(at.timestamp())}", at, "send", {})
        tx.reminders.plan(cutover.team, cutover.id, cutover.plan_version, (again,))
    return cutover


async def flip(deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover_id: str) -> None:
    """ "Change it now?": look at everything, then say go or no-go. Raises Gone, NotAllowed."""
    cutover = await deps.store.transact(lambda tx: load(tx, deps, actor, cutover_id, Act.SETTLE))
    facts = await deps.dns.look(cutover.domain, expected=exchanges(cutover))

    def work(tx: Tx) -> None:
        present = load(tx, deps, actor, cutover_id, Act.SETTLE)
        if not present.is_open or present.step(Step.MX).settled:
            state = {"state": present.state.value}
            tx.outbox.put(actor.team, where.private(actor, "refuse.not_now", state))
            return
        seen = observe(tx, deps, present, facts).cutover
        tell(tx, deps, seen, decision(deps, seen, facts))
        if seen.is_open and seen.asked is not Step.MX and not seen.step(Step.MX).settled:
            tx.cutovers.save(replace(seen, asked=Step.MX))

    await transact(deps, actor.team, row_id, work)


async def override(deps: Deps, actor: Actor, row_id: int | None, cutover_id: str, reason: str) -> None:
    """Go on against the blockers: the reason and who gave it are kept. Raises Gone, NotAllowed."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.END)
        if not cutover.is_open or cutover.step(Step.MX).settled:
            return
        now = deps.clock.now()
        data = {"reason": reason[:LONGEST_REASON], "plan_version": cutover.plan_version}
        tx.history.append(actor.team, cutover.id, HistoryEntry(now, OVERRIDDEN, actor.user, data))
        said: dict[str, object] = {"user": actor.user, "reason": reason[:LONGEST_REASON]}
        tx.outbox.put(actor.team, in_thread(cutover, "overridden", said))
        tx.outbox.put(cutover.team, in_thread(cutover, "reminder", {"kind": "day_begin", "step": "mx"}))
        tx.cutovers.save(replace(cutover, asked=Step.MX))

    await transact(deps, actor.team, row_id, work)
