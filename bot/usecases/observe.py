"""Takes what DNS said into a cutover: stored first, then judged, then told. Every look goes this road."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Cutover, Event, Snapshot, State, Step, StepState, StepStatus
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding
from bot.domain.instants import derive
from bot.domain.plan import LOW_TTL, STEP_OF
from bot.domain.progress import Progress, Told, assess, exposed_by, first_new_at, next_look
from bot.domain.watch import WATCHED, Standing, watch_view
from bot.ports import Delivery, HistoryEntry, Outgoing, Tx
from bot.usecases.context import Deps
from bot.usecases.planning import EXPOSURE_KIND, after_the_change, lock_down_is_on


def exchanges(cutover: Cutover) -> tuple[str, ...]:
    """The hosts that a look is to find the addresses of."""
    return tuple(sorted(mx.exchange for mx in cutover.expected))


def findings_for(
    cutover: Cutover, facts: DomainFacts, now: datetime, seen: Sequence[DomainFacts] = ()
) -> tuple[Finding, ...]:
    """What the facts mean for this cutover. `seen`: what was observed until now, oldest first."""
    snapshot = cutover.snapshot
    return judge(
        facts,
        Expectation(
            expected=cutover.expected,
            before=snapshot.mx if snapshot else None,
            ttl_before=snapshot.ttl if snapshot else None,
            planned_at=cutover.day,
            now=now,
            instants=cutover.instants,
            first_new_at=first_new_at(seen, cutover.expected),
            changed=cutover.state in (State.WATCHING, State.STABILISING),
        ),
    )


def in_thread(cutover: Cutover, kind: str, args: dict[str, object] | None = None) -> Outgoing:
    """A message in the cutover's own thread."""
    return Outgoing(Delivery.POST, kind, args or {}, lang=cutover.lang, cutover_id=cutover.id)


def snapshot_of(deps: Deps, facts: DomainFacts) -> Snapshot | None:
    """What roll-back and B7 will need; None where no authoritative server said anything."""
    if not facts.seen:
        return None
    usable = [answer for answer in facts.authoritative if answer.usable]
    commonest = max(usable, key=lambda answer: sum(other.mx == answer.mx for other in usable))
    return Snapshot(
        mx=commonest.mx,
        ttl=facts.ttl_in_force,
        nameservers=facts.nameservers,
        dns_host=deps.name_host(facts.nameservers),
        at=facts.at,
    )


def refresh(tx: Tx, cutover: Cutover) -> None:
    """The checklist is to show the present state."""
    tx.outbox.put(cutover.team, Outgoing(Delivery.UPDATE, "root", lang=cutover.lang, cutover_id=cutover.id))


def observe(tx: Tx, deps: Deps, cutover: Cutover, facts: DomainFacts) -> Progress:
    """Store the facts, move the cutover on, tell its thread. In the caller's transaction."""
    now = deps.clock.now()
    tx.observations.add(cutover.team, cutover.id, facts)
    cutover = _first_seen(tx, deps, cutover, facts)
    seen = tx.observations.edges(cutover.team, cutover.id)
    instants = derive(
        seen,
        expected=cutover.expected,
        ttl_before=cutover.snapshot.ttl if cutover.snapshot else None,
    )
    findings = findings_for(replace(cutover, instants=instants), facts, now, seen)
    progress = assess(cutover, facts, findings, instants, now)
    moved = replace(progress.cutover, next_look_at=next_look(progress.cutover, now))
    for event in progress.events:
        tx.history.append(cutover.team, cutover.id, HistoryEntry(now, "event", data={"event": event.value}))
    for announcement in progress.told:
        tx.outbox.put(
            cutover.team, in_thread(cutover, f"told.{announcement.told.value}", dict(announcement.args))
        )
        if announcement.told is Told.SAFE:
            tx.outbox.put(cutover.team, in_thread(cutover, "picture"))
        if announcement.told is Told.MX_ALL:
            moved = replace(moved, asked=Step.ALLOW_RULE)
    if Event.MX_SEEN_ALL in progress.events:
        moved = after_the_change(tx, deps, moved, facts)
    if not moved.is_open:
        tx.reminders.withdraw(cutover.team, cutover.id)
        if moved.state is State.FINISHED and not lock_down_is_on(tx, moved):
            tx.outbox.put(cutover.team, in_thread(moved, "lockdown"))  # in place of its reminder
    _withdraw_settled(tx, moved)
    moved = _show_progress(tx, cutover, moved, facts, seen[-2] if len(seen) > 1 else None)
    saved = tx.cutovers.save(moved)
    if _visible(cutover) != _visible(saved):
        refresh(tx, saved)
    return replace(progress, cutover=saved)


def _first_seen(tx: Tx, deps: Deps, cutover: Cutover, facts: DomainFacts) -> Cutover:
    """The snapshot of a cutover whose servers could not be asked when it was opened, made up for."""
    if cutover.snapshot is not None or cutover.state is not State.PREPARING:
        return cutover
    snapshot = snapshot_of(deps, facts)
    if snapshot is None or snapshot.mx == cutover.expected:
        return cutover  # nobody answered, or what was there before is not to be seen any more
    found = replace(cutover, snapshot=snapshot)
    if snapshot.ttl is not None and snapshot.ttl <= LOW_TTL:
        low = StepState(StepStatus.NOT_NEEDED, at=deps.clock.now(), verified=True)
        for step in (Step.TTL, Step.RESTORE_TTL):
            if not found.step(step).settled:
                found = found.with_step(step, low)
    tx.outbox.put(cutover.team, in_thread(cutover, "told.first_seen"))
    refresh(tx, found)
    return found


ASKED_FOR = ""  # progress_ts while its post is on the way


def _show_progress(
    tx: Tx, before: Cutover, after: Cutover, facts: DomainFacts, last: DomainFacts | None
) -> Cutover:
    """One message that shows the change arriving: posted when it begins, edited while it goes on."""
    if after.state not in WATCHED and before.state not in WATCHED:
        return after
    view = watch_view(after, facts)
    args: dict[str, object] = {"view": view.as_args(), "at": facts.at.isoformat()}
    if after.progress_ts is None:
        if all(line.standing is Standing.OLD for line in view.lines) and after.state is State.CHANGING:
            return after  # nothing has changed yet, so there is nothing to show
        tx.outbox.put(after.team, in_thread(after, "progress", args))
        return replace(after, progress_ts=ASKED_FOR)
    if last is None or watch_view(after, last).signature != view.signature or after.state != before.state:
        message = Outgoing(Delivery.UPDATE, "progress", args, lang=after.lang, cutover_id=after.id)
        tx.outbox.put(after.team, message)
    return after


def step_of(kind: str) -> Step | None:
    """The step that a reminder of this kind asks for."""
    if kind.startswith("later:"):
        return Step(kind.split(":")[1])
    return next((step for known, step in STEP_OF.items() if known.value == kind), None)


def _withdraw_settled(tx: Tx, cutover: Cutover) -> None:
    settled = [step for step in Step if cutover.step(step).settled]
    kinds: set[str] = set()
    for row in tx.reminders.pending(cutover.team, cutover.id):
        kind = row.reminder.kind
        if step_of(kind) in settled or (kind.startswith(EXPOSURE_KIND) and not exposed_by(cutover)):
            kinds.add(kind)
    if kinds:
        tx.reminders.withdraw(cutover.team, cutover.id, kinds=frozenset(kinds))


def _visible(cutover: Cutover) -> Sequence[object]:
    return (cutover.state, dict(cutover.steps), cutover.instants, cutover.day, cutover.assignees)


def settled(tx: Tx, deps: Deps, cutover: Cutover) -> Cutover:
    """Save a cutover whose steps a person has settled: reminders of them withdrawn, checklist shown anew."""
    _withdraw_settled(tx, cutover)
    saved = tx.cutovers.save(cutover)
    refresh(tx, saved)
    return saved


SOON = timedelta(minutes=3)


def look_soon(cutover: Cutover, now: datetime) -> Cutover:
    """Somebody says that DNS was changed: look again before the ordinary time."""
    soon = now + SOON
    if cutover.next_look_at is None or cutover.next_look_at > soon:
        return replace(cutover, next_look_at=soon)
    return cutover
