"""Settles a step by what somebody said or clicked; where DNS can show it, DNS is asked, not believed."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.authority import Act, Actor
from bot.domain.cutover import Cutover, State, Step, StepState, StepStatus
from bot.domain.facts import DomainFacts
from bot.domain.plan import LOW_TTL
from bot.domain.progress import asked, tally, ttl_is_low, ttl_is_restored
from bot.ports import HistoryEntry, PlannedReminder, Tx
from bot.usecases.allowance import may_look
from bot.usecases.context import Deps, Where, transact
from bot.usecases.ending import load
from bot.usecases.observe import exchanges, in_thread, look_soon, observe, settled, step_of

VERIFIED = frozenset({Step.TTL, Step.MX, Step.RESTORE_TTL})
OPTIONAL = frozenset({Step.SUPPORT, Step.ZIP})
MAY_SKIP = frozenset({Step.TTL, Step.SUPPORT, Step.ZIP, Step.RESTORE_TTL})

_IN_THE_ADMIN_SCREEN = frozenset({Step.ALLOW_RULE, Step.DELIVERY})

# What is asked for next once a step of the day is done.
_NEXT = (Step.MX, Step.ADMIN, Step.ALLOW_RULE, Step.DELIVERY, Step.OUTSIDE_TEST, Step.ZIP)


class Says(StrEnum):
    """What a person says of a step."""

    DONE = "done"
    CANT = "cant"
    NOT_NEEDED = "not_needed"
    NOT_YET = "not_yet"
    LATER = "later"


async def settle(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover_id: str,
    steps: tuple[Step, ...],
    says: Says,
    *,
    reason: str = "",
    at: datetime | None = None,
) -> None:
    """Take in what the actor says of `steps`; none given: of the step that the thread asked for last.

    `at` belongs to LATER. Raises Gone, NotAllowed.
    """
    facts: DomainFacts | None = None

    def read(tx: Tx) -> tuple[Cutover, tuple[Step, ...]]:
        present = load(tx, deps, actor, cutover_id, Act.SETTLE)
        return present, steps or meant(tx, present)

    cutover, chosen = await deps.store.transact(read)
    clear = bool(steps) or len(chosen) == 1
    if says is Says.DONE and clear and VERIFIED & set(chosen) and cutover.is_open:
        await may_look(deps, actor)
        facts = await deps.dns.look(cutover.domain, expected=exchanges(cutover))

    def work(tx: Tx) -> None:
        present = load(tx, deps, actor, cutover_id, Act.SETTLE)
        if not present.is_open:
            tx.outbox.put(actor.team, in_thread(present, "answer.over", {"state": present.state.value}))
            return
        if not clear:
            args: dict[str, object] = {"steps": [step.value for step in chosen]}
            tx.outbox.put(actor.team, in_thread(present, "answer.which", args))
            return
        told = False
        if facts is not None:
            progress = observe(tx, deps, present, facts)
            present, told = progress.cutover, bool(progress.told)
        for step in chosen:
            last = step is chosen[-1]
            settling = _Settling(tx, deps, actor, present, facts, told=told, last=last)
            present = settling.one(step, says, reason, at)

    await transact(deps, actor.team, row_id, work)


AT_ONE_TIME = timedelta(minutes=30)


def meant(tx: Tx, cutover: Cutover) -> tuple[Step, ...]:
    """The step that a bare "done" speaks of: the one asked for last. Several that were asked for at
    about one time, with nobody's word in between, are all returned: then it has to be said which.
    """
    together: list[Step] = []
    newest: datetime | None = None
    for entry in reversed(tx.history.of(cutover.team, cutover.id)):
        newest = newest or (entry.at if entry.kind == "reminded" else None)
        if entry.actor is not None or (newest is not None and newest - entry.at > AT_ONE_TIME):
            break
        step = step_of(str(entry.data.get("kind", ""))) if entry.kind == "reminded" else None
        if step is not None and step not in together and not cutover.step(step).settled:
            together.append(step)
    if cutover.asked is not None and cutover.asked not in together:
        return (cutover.asked,)
    return tuple(step for step in Step if step in together)


class _Settling:
    def __init__(
        self,
        tx: Tx,
        deps: Deps,
        actor: Actor,
        cutover: Cutover,
        facts: DomainFacts | None,
        *,
        told: bool,
        last: bool,
    ) -> None:
        self.tx = tx
        self.deps = deps
        self.actor = actor
        self.cutover = cutover
        self.facts = facts
        self.told = told  # the look itself has told the thread what it showed
        self.last = last  # of the steps that were spoken of together: only then is the next one named
        self.now = deps.clock.now()

    def one(self, step: Step, says: Says, reason: str, at: datetime | None) -> Cutover:
        match says:
            case Says.DONE:
                self._done(step)
            case Says.CANT | Says.NOT_NEEDED:
                self._skip(step, says, reason)
            case Says.LATER if at is not None:
                self._later(step, at)
            case _:
                self._put("answer.not_yet", step=step.value)
                self._ask(step)
        return self.cutover

    def _put(self, kind: str, **args: object) -> None:
        self.tx.outbox.put(self.actor.team, in_thread(self.cutover, kind, args))

    def _ask(self, step: Step | None) -> None:
        if self.cutover.asked is not step:
            self.cutover = self.tx.cutovers.save(replace(self.cutover, asked=step))

    def _note(self, kind: str, step: Step, **data: object) -> None:
        entry = HistoryEntry(self.now, kind, self.actor.user, {"step": step.value, **data})
        self.tx.history.append(self.actor.team, self.cutover.id, entry)

    def _done(self, step: Step) -> None:
        state = self.cutover.step(step)
        if step in VERIFIED and self.facts is not None:
            self._verify(step)
            return
        if state.settled:
            self._put("answer.already", step=step.value)
            return
        if step in _IN_THE_ADMIN_SCREEN and not self.cutover.step(Step.ADMIN).settled:
            # It cannot be done without step 2.
            self._mark(Step.ADMIN, StepState(StepStatus.DONE, self.actor.user, self.now))
            self._note("step_done", Step.ADMIN)
        self._mark(step, StepState(StepStatus.DONE, self.actor.user, self.now))
        self._note("step_done", step)
        following = self._next(step)
        self._put("answer.done", step=step.value, next=following)
        if following == Step.OUTSIDE_TEST.value:
            self._put("tests")

    def _mark(self, step: Step, state: StepState) -> None:
        after = self.cutover.with_step(step, state)
        following = self._following(step)
        after = replace(after, asked=following)
        self.cutover = settled(self.tx, self.deps, after)

    def _next(self, step: Step) -> str | None:
        """What the answer names as the next thing to do."""
        following = self._following(step) if self.last else None
        return following.value if following else None

    def _following(self, step: Step) -> Step | None:
        """The next open step of the day, once the day has begun."""
        if self.cutover.state is State.PREPARING and step not in _NEXT:
            return None
        return next((s for s in _NEXT if s is not step and not self.cutover.step(s).settled), None)

    def _verify(self, step: Step) -> None:
        """`observe` has settled the step where DNS shows it; say what was seen where it does not."""
        facts = self.facts
        if facts is None:
            return
        state = self.cutover.step(step)
        if state.status is StepStatus.DONE and state.verified:
            if state.by is None:
                credited = self.cutover.with_step(step, replace(state, by=self.actor.user))
                self._note("step_done", step, verified=True)
                self.cutover = settled(self.tx, self.deps, credited)
                if not self.told:
                    self._put("answer.done_verified", step=step.value, next=self._next(step))
            else:
                self._put("answer.already", step=step.value)
            return
        if state.settled and step is not Step.MX:
            self._put("answer.already", step=step.value)
            return
        kind, servers = self._seen(step, facts)
        self._put(kind, step=step.value, servers=servers, ttl=self._old_ttl())
        soon = look_soon(replace(self.cutover, asked=step), self.now)
        self.cutover = self.tx.cutovers.save(soon)

    def _old_ttl(self) -> int | None:
        return self.cutover.snapshot.ttl if self.cutover.snapshot else None

    def _seen(self, step: Step, facts: DomainFacts) -> tuple[str, list[dict[str, object]]]:
        servers: list[dict[str, object]] = []
        for answer in asked(facts):
            entry: dict[str, object] = {"server": str(answer.server)}
            if not answer.usable:
                entry["outcome"] = answer.outcome.value
            elif step is Step.MX:
                if answer.mx == self.cutover.expected:
                    continue
                entry["mx"] = [str(mx) for mx in sorted(answer.mx)]
            else:
                entry["ttl"] = answer.ttl
            servers.append(entry)
        if not any(answer.usable for answer in asked(facts)):
            return ("answer.unknown" if servers else "answer.unknown_nobody"), servers
        if step is Step.MX:
            return ("answer.mx_not_yet" if tally(self.cutover, facts).other else "answer.unknown"), servers
        shown = ttl_is_low(facts) if step is Step.TTL else ttl_is_restored(self.cutover, facts)
        if shown is None:
            return "answer.unknown", servers
        return ("answer.ttl_not_yet" if step is Step.TTL else "answer.ttl_restore_not_yet"), servers

    def _skip(self, step: Step, says: Says, reason: str) -> None:
        if self.cutover.step(step).settled:
            self._put("answer.already", step=step.value)
            return
        # Step 4 has nothing to choose where no candidates are listed; that is the one reason to leave it.
        nothing_to_choose = step is Step.DELIVERY and says is Says.NOT_NEEDED
        if step not in MAY_SKIP and not nothing_to_choose:
            self._put("answer.cannot_skip", step=step.value)
            self._ask(step)
            return
        old_ttl = self._old_ttl()
        stays_high = step is Step.TTL and old_ttl is not None and old_ttl > LOW_TTL  # whatever it is called
        needless = (says is Says.NOT_NEEDED and not stays_high) or step in OPTIONAL
        status = StepStatus.NOT_NEEDED if needless else StepStatus.SKIPPED
        self._mark(step, StepState(status, self.actor.user, self.now, reason or None))
        if nothing_to_choose and not self.cutover.step(Step.ADMIN).settled:
            self._mark(Step.ADMIN, StepState(StepStatus.DONE, self.actor.user, self.now))  # seen there
            self._note("step_done", Step.ADMIN)
        if step is Step.TTL and not self._was_lowered():
            # The TTL was never lowered, so there is nothing to restore (B4, B7).
            self.cutover = settled(
                self.tx,
                self.deps,
                self.cutover.with_step(Step.RESTORE_TTL, StepState(StepStatus.NOT_NEEDED, at=self.now)),
            )
        self._note("step_skipped" if status is StepStatus.SKIPPED else "step_not_needed", step, reason=reason)
        if step is Step.TTL:
            self._put("answer.skipped_ttl", step=step.value, reason=reason, ttl=self._old_ttl())
        elif status is StepStatus.SKIPPED:
            self._put("answer.skipped", step=step.value, reason=reason)
        else:
            following = self._next(step)
            self._put("answer.not_needed", step=step.value, next=following)
            if following == Step.OUTSIDE_TEST.value:
                self._put("tests")

    def _was_lowered(self) -> bool:
        """Whether the TTL was last seen below its old value: the lowest that the DNS service offers, say."""
        old, seen = self._old_ttl(), self.tx.observations.edges(self.actor.team, self.cutover.id)
        last = next((facts.ttl_in_force for facts in reversed(seen) if facts.ttl_in_force is not None), None)
        return old is not None and last is not None and last < old

    def _later(self, step: Step, at: datetime) -> None:
        if self.cutover.step(step).settled:
            self._put("answer.already", step=step.value)
            return
        kind = f"later:{step.value}:{int(at.timestamp())}"
        self.tx.reminders.plan(
            self.actor.team,
            self.cutover.id,
            self.cutover.plan_version,
            (PlannedReminder(kind, at, "send", {}),),
        )
        self._note("snoozed", step, at=at.isoformat())
        late = (
            step is not Step.RESTORE_TTL and self.cutover.state is State.PREPARING and at >= self.cutover.day
        )
        self._put("answer.later", step=step.value, at=at.isoformat(), too_late=late)
        self._ask(step)


TOMORROW = timedelta(days=1)
