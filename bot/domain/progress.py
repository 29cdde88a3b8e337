"""What a new look at DNS means for a cutover: the events it brings and what is to be told.

Pure: a cutover, facts and the instants derived from every stored observation in; a new cutover out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.cutover import (
    Cutover,
    Event,
    Instants,
    State,
    Step,
    StepState,
    StepStatus,
    accepts,
    decide,
)
from bot.domain.facts import NOT_ASKED, DomainFacts, MxAnswer
from bot.domain.findings import Finding, Severity, Status
from bot.domain.instants import WHOLE_SECOND
from bot.domain.mx import MxSet
from bot.domain.plan import LOW_TTL, STABLE

# Said by the progress itself, or true of every cutover that has not been changed yet.
_NO_ALARM = frozenset({"mx.as-expected", "mx.not-changed", "mx.partial"})


class Told(StrEnum):
    """What the thread is told unasked."""

    TTL_LOWERED = "ttl_lowered"
    MX_SOME = "mx_some"
    MX_ALL = "mx_all"
    MX_WRONG = "mx_wrong"
    SAFE = "safe"
    DRIFT = "drift"
    TTL_RESTORED = "ttl_restored"
    FINISHED = "finished"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Announcement:
    told: Told
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """The cutover after the look, the events that moved it, and what is to be told."""

    cutover: Cutover
    events: tuple[Event, ...] = ()
    told: tuple[Announcement, ...] = ()


def exposed_by(cutover: Cutover) -> tuple[Step, ...]:
    """The steps whose being open leaves mail unjudged or at the old service (between 1 and 3-4)."""
    if cutover.instants.t_flip is None or cutover.state not in (State.WATCHING, State.STABILISING):
        return ()
    return tuple(s for s in (Step.ALLOW_RULE, Step.DELIVERY) if not cutover.step(s).settled)


@dataclass(frozen=True, slots=True)
class Tally:
    """The authoritative addresses, by what they give."""

    new: tuple[MxAnswer, ...]
    other: tuple[MxAnswer, ...]
    silent: tuple[MxAnswer, ...]

    @property
    def total(self) -> int:
        return len(self.new) + len(self.other) + len(self.silent)


def tally(cutover: Cutover, facts: DomainFacts) -> Tally:
    """Sort the answers: exactly the expected set, something else, no authoritative word."""
    usable = [answer for answer in asked(facts) if answer.usable]
    return Tally(
        new=tuple(answer for answer in usable if answer.mx == cutover.expected),
        other=tuple(answer for answer in usable if answer.mx != cutover.expected),
        silent=tuple(answer for answer in asked(facts) if not answer.usable),
    )


def asked(facts: DomainFacts) -> tuple[MxAnswer, ...]:
    """The authoritative addresses that could be asked from here at all (not: IPv6 without a route)."""
    return tuple(answer for answer in facts.authoritative if answer.outcome not in NOT_ASKED)


def ttl_is_low(facts: DomainFacts) -> bool | None:
    """Whether every authoritative address gives at most 300 s; None where one gave no word (unknown)."""
    return _all_ttls(facts, lambda ttl: ttl <= LOW_TTL)


def _all_ttls(facts: DomainFacts, fits: Callable[[int], bool]) -> bool | None:
    ttls = [answer.ttl for answer in asked(facts) if answer.usable and answer.ttl is not None]
    if not all(fits(ttl) for ttl in ttls):
        return False
    return None if not ttls or len(ttls) < len(asked(facts)) else True


def was_lowered(cutover: Cutover) -> bool:
    """Whether the TTL was brought down for this cutover: seen so, or said so."""
    said = cutover.step(Step.TTL).status is StepStatus.DONE
    return said or cutover.instants.t_lowered is not None


def ttl_of_lines(cutover: Cutover) -> int:
    """The TTL (seconds) that the domain's old MX lines have now, as far as is known."""
    before = cutover.snapshot.ttl if cutover.snapshot else None
    return LOW_TTL if before is None or was_lowered(cutover) else before


def ttl_of_new_lines(cutover: Cutover) -> int:
    """What the new lines are written with (seconds): 300, or the old TTL where it cannot be changed (B4)."""
    before = cutover.snapshot.ttl if cutover.snapshot else None
    kept = cutover.step(Step.TTL).status is StepStatus.SKIPPED
    return before if kept and before is not None else LOW_TTL


def ttl_is_restored(cutover: Cutover, facts: DomainFacts) -> bool | None:
    """Whether every authoritative address gives the TTL of the snapshot again (procedure B7)."""
    wanted = cutover.snapshot.ttl if cutover.snapshot else None
    if wanted is None:
        return None
    return _all_ttls(facts, lambda ttl: ttl == wanted)


def assess(
    cutover: Cutover, facts: DomainFacts, findings: tuple[Finding, ...], instants: Instants, now: datetime
) -> Progress:
    """What this look means. Events that the state does not accept are not raised."""
    return _Assessment(cutover, facts, findings, instants, now).run()


class _Assessment:
    def __init__(
        self,
        cutover: Cutover,
        facts: DomainFacts,
        findings: tuple[Finding, ...],
        instants: Instants,
        now: datetime,
    ) -> None:
        self.cutover = replace(cutover, instants=instants)
        self.facts = facts
        self.findings = findings
        self.instants = instants
        self.now = now
        self.events: list[Event] = []
        self.told: list[Announcement] = []

    def run(self) -> Progress:
        if self.cutover.state is State.ROLLING_BACK:
            self._way_back()
        elif self.cutover.is_open:
            self._ttl_lowered()
            self._change()
            self._safe()
            self._restored()
        return Progress(self.cutover, tuple(self.events), tuple(self.told))

    def _raise(self, event: Event) -> bool:
        if not accepts(self.cutover.state, event):
            return False
        self.cutover = replace(self.cutover, state=decide(self.cutover.state, event))
        self.events.append(event)
        return True

    def _tell(self, told: Told, **args: Any) -> None:
        self.told.append(Announcement(told, args))

    def _settle(self, step: Step) -> None:
        self.cutover = self.cutover.with_step(
            step, StepState(StepStatus.DONE, by=None, at=self.now, verified=True)
        )

    def _ttl_lowered(self) -> None:
        if self.cutover.step(Step.TTL).status is StepStatus.OPEN and ttl_is_low(self.facts):
            self._settle(Step.TTL)
            self._tell(Told.TTL_LOWERED, safe_to_flip=_iso(self.instants.safe_to_flip))

    def _change(self) -> None:
        count = tally(self.cutover, self.facts)
        state = self.cutover.state
        if self.instants.t_flip is not None and count.new:
            if state in (State.PREPARING, State.CHANGING):
                self._raise(Event.MX_SEEN_ALL)
                if not self.cutover.step(Step.MX).settled or not self.cutover.step(Step.MX).verified:
                    self._settle(Step.MX)
                self.cutover = replace(self.cutover, alert=None)
                self._tell(Told.MX_ALL, t_flip=_iso(self.instants.t_flip), t_safe=_iso(self.instants.t_safe))
            return
        if state in (State.WATCHING, State.STABILISING):
            if count.other:
                self._went_back(count)
            return
        if state in (State.PREPARING, State.CHANGING):
            self._wrong_or_some(count)

    def _went_back(self, count: Tally) -> None:
        drifted = self.cutover.state is State.STABILISING
        if self._raise(Event.MX_WENT_BACK):
            self.cutover = self.cutover.with_step(Step.MX, StepState())
            self.cutover = replace(self.cutover, alert="drift")
            self._tell(
                Told.DRIFT,
                after_safe=drifted,
                servers=[
                    {"server": str(answer.server), "mx": [str(mx) for mx in sorted(answer.mx)]}
                    for answer in count.other
                ],
            )

    def _wrong_or_some(self, count: Tally) -> None:
        alarms = [
            finding
            for finding in self.findings
            if finding.id.startswith("mx.")
            and (finding.id not in _NO_ALARM or _is_partial_for_too_long(finding))
            and finding.status is Status.WRONG
            and finding.severity in (Severity.BLOCK, Severity.HIGH)
        ]
        if count.new:
            first = self.cutover.state is State.PREPARING
            self._raise(Event.MX_SEEN_SOME)
            if first or self.cutover.alert is None:
                self._tell(
                    Told.MX_SOME,
                    new=[str(answer.server) for answer in count.new],
                    other=[str(answer.server) for answer in count.other],
                    silent=[str(answer.server) for answer in count.silent],
                )
                self.cutover = replace(self.cutover, alert="some")
        if not self._is_changing():
            return
        signature = "wrong:" + ",".join(sorted({finding.id for finding in alarms}))
        if alarms and self.cutover.alert != signature:
            self.cutover = replace(self.cutover, alert=signature)
            self._tell(
                Told.MX_WRONG,
                findings=[
                    {
                        "id": finding.id,
                        "status": finding.status.value,
                        "severity": finding.severity.value,
                        "args": dict(finding.args),
                    }
                    for finding in alarms
                ],
            )
        elif not alarms and not count.new:
            self.cutover = replace(self.cutover, alert=None)

    def _is_changing(self) -> bool:
        """Whether the MX differs from the one at the start: only then is a wrong MX this cutover's doing."""
        if self.cutover.state is State.CHANGING:
            return True
        before = self.cutover.snapshot.mx if self.cutover.snapshot else None
        return before is not None and any(
            answer.mx != before for answer in self.facts.authoritative if answer.usable
        )

    def _safe(self) -> None:
        safe = self.instants.t_safe
        if self.cutover.state is State.WATCHING and safe is not None and self.now >= safe + WHOLE_SECOND:
            self._raise(Event.SAFE_REACHED)
            self._tell(Told.SAFE, t_safe=_iso(safe))

    def _restored(self) -> None:
        if self.cutover.state is not State.STABILISING or self.instants.t_flip is None:
            return
        step = self.cutover.step(Step.RESTORE_TTL)
        if step.status is StepStatus.OPEN and ttl_is_restored(self.cutover, self.facts):
            self._settle(Step.RESTORE_TTL)
            self._tell(Told.TTL_RESTORED)
            step = self.cutover.step(Step.RESTORE_TTL)
        stable = self.now >= self.instants.t_flip + STABLE
        # With step 3 or 4 open nothing from outside is judged, or it goes to the old service: not finished.
        if step.settled and stable and not exposed_by(self.cutover) and self._raise(Event.TTL_RESTORED):
            self.cutover = replace(self.cutover, next_look_at=None, asked=None)
            self._tell(Told.FINISHED)

    def _way_back(self) -> None:
        before = self.cutover.snapshot.mx if self.cutover.snapshot else None
        usable = [answer for answer in asked(self.facts) if answer.usable]
        if before is None or not usable or len(usable) < len(asked(self.facts)):
            return
        if all(answer.mx == before for answer in usable) and self._raise(Event.OLD_MX_SEEN_ALL):
            ttl = self.facts.ttl_in_force
            self.cutover = replace(self.cutover, next_look_at=None, asked=None)
            gone_by = self.now + timedelta(seconds=ttl) if ttl is not None else None
            self._tell(Told.ROLLED_BACK, gone_by=_iso(gone_by))


def _is_partial_for_too_long(finding: Finding) -> bool:
    return finding.id == "mx.partial" and finding.severity is Severity.HIGH


def first_new_at(observations: Sequence[DomainFacts], expected: MxSet) -> datetime | None:
    """Since when some address has given the expected set; None where none does now.

    `observations`: oldest first. A look that nobody answered says nothing.
    """
    since: datetime | None = None
    for facts in observations:
        if not facts.seen:
            continue
        if not any(answer.usable and answer.mx == expected for answer in facts.authoritative):
            since = None
        elif since is None:
            since = facts.at
    return since


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None


def next_look(cutover: Cutover, now: datetime) -> datetime | None:
    """When to ask the authoritative servers again, unasked: often near the change, seldom far from it."""
    if not cutover.is_open:
        return None
    if cutover.state is State.PREPARING:
        before = cutover.day - now
        if before <= timedelta(minutes=30):
            return now + timedelta(minutes=1)
        return min(now + timedelta(hours=6), cutover.day - timedelta(minutes=30))
    if cutover.state in (State.CHANGING, State.ROLLING_BACK):
        since = now - cutover.day
        if since < timedelta(hours=2):
            return now + timedelta(seconds=20)
        return now + (timedelta(minutes=5) if since < timedelta(days=1) else timedelta(hours=1))
    if cutover.state is State.WATCHING:
        safe = cutover.instants.t_safe
        soon = now + timedelta(minutes=1)
        told = safe + WHOLE_SECOND if safe is not None else now
        return soon if told <= now else min(told, now + timedelta(minutes=5))
    flip = cutover.instants.t_flip
    later = now + timedelta(hours=6)
    over = flip + STABLE if flip is not None else later
    return min(later, over) if over > now else later
