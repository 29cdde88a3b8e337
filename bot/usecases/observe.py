"""Takes what DNS said into a cutover: stored first, then judged, then told. Every look goes this road."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Cutover, Event, State, Step
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding
from bot.domain.instants import derive
from bot.domain.plan import STEP_OF
from bot.domain.progress import Progress, Told, assess, exposed_by, next_look
from bot.ports import Delivery, HistoryEntry, Outgoing, Tx
from bot.usecases.context import Deps
from bot.usecases.planning import EXPOSURE_KIND, after_the_change


def exchanges(cutover: Cutover) -> tuple[str, ...]:
    """The hosts that a look is to find the addresses of."""
    return tuple(sorted(mx.exchange for mx in cutover.expected))


def findings_for(cutover: Cutover, facts: DomainFacts, now: datetime) -> tuple[Finding, ...]:
    """What the facts mean for this cutover."""
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
            changed=cutover.state in (State.WATCHING, State.STABILISING),
        ),
    )


def in_thread(cutover: Cutover, kind: str, args: dict[str, object] | None = None) -> Outgoing:
    """A message in the cutover's own thread."""
    return Outgoing(Delivery.POST, kind, args or {}, lang=cutover.lang, cutover_id=cutover.id)


def refresh(tx: Tx, cutover: Cutover) -> None:
    """The checklist is to show the present state."""
    tx.outbox.put(cutover.team, Outgoing(Delivery.UPDATE, "root", lang=cutover.lang, cutover_id=cutover.id))


def observe(tx: Tx, deps: Deps, cutover: Cutover, facts: DomainFacts) -> Progress:
    """Store the facts, move the cutover on, tell its thread. In the caller's transaction."""
    now = deps.clock.now()
    tx.observations.add(cutover.team, cutover.id, facts)
    instants = derive(
        tx.observations.edges(cutover.team, cutover.id),
        expected=cutover.expected,
        ttl_before=cutover.snapshot.ttl if cutover.snapshot else None,
    )
    findings = findings_for(replace(cutover, instants=instants), facts, now)
    progress = assess(cutover, facts, findings, instants, now)
    moved = replace(progress.cutover, next_look_at=next_look(progress.cutover, now))
    for event in progress.events:
        tx.history.append(cutover.team, cutover.id, HistoryEntry(now, "event", data={"event": event.value}))
    for announcement in progress.told:
        tx.outbox.put(
            cutover.team, in_thread(cutover, f"told.{announcement.told.value}", dict(announcement.args))
        )
        if announcement.told is Told.MX_ALL:
            moved = replace(moved, asked=Step.ALLOW_RULE)
    if Event.MX_SEEN_ALL in progress.events:
        moved = after_the_change(tx, deps, moved, facts)
    if not moved.is_open:
        tx.reminders.withdraw(cutover.team, cutover.id)
    _withdraw_settled(tx, moved)
    saved = tx.cutovers.save(moved)
    if _visible(cutover) != _visible(saved):
        refresh(tx, saved)
    return replace(progress, cutover=saved)


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
