"""Looks at DNS: unasked when it is time, or because somebody wants to know."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.authority import Act, Actor, authorise
from bot.domain.checks import Expectation, judge
from bot.domain.cutover import Cutover
from bot.domain.facts_json import facts_to_json
from bot.domain.names import BadName, canonical
from bot.ports import Tx, VersionConflict
from bot.usecases.allowance import may_look
from bot.usecases.context import Deps, Where, finding_data, persistently, say, transact
from bot.usecases.observe import exchanges, findings_for, observe

BATCH = 200
# The delegation and all else is looked at this often; in between, the known servers' MX alone.
FULL_EVERY = timedelta(hours=12)
HOLD = timedelta(minutes=2)  # while one replica looks, the others leave the cutover alone


class Looks:
    """The unasked looks of one replica, each a task of its own.

    A domain whose servers are silent until the deadline keeps no other waiting, neither of its own tick
    nor of a later one; the DNS client bounds what is in flight.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._running: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []

    async def tick(self) -> None:
        """Begin the looks whose time has come. Raises then what made earlier ones fail."""
        await self._begin()
        if self._failed:
            failed, self._failed = self._failed, []
            raise BaseExceptionGroup("looks failed", failed)

    async def due(self) -> int:
        """Look at all whose time has come, to the end; how many there were. Raises what made one fail."""
        begun = 0
        while (more := await self._begin()) or self._running:
            begun += more
            await asyncio.wait(self._running)
        if self._failed:
            raise self._failed.pop()
        return begun

    async def stop(self, seconds: float) -> None:
        """Let those under way end within `seconds`; the rest is looked at again when its hold is over."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _begin(self) -> int:
        now = self._deps.clock.now()
        free = BATCH - len(self._running)
        if free <= 0:
            return 0

        def claim(tx: Tx) -> list[Cutover]:
            return [
                tx.cutovers.save(replace(cutover, next_look_at=now + HOLD))
                for cutover in tx.cutovers.due_looks(now, free)
            ]

        try:
            due = await self._deps.store.transact(claim)
        except VersionConflict:
            return 0
        for cutover in due:
            task = asyncio.create_task(_look(self._deps, cutover), name="look")
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(due)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed.append(error)


async def _look(deps: Deps, cutover: Cutover) -> None:
    seen = await deps.store.transact(lambda tx: tx.observations.edges(cutover.team, cutover.id))
    known = (
        seen[-1] if seen and seen[-1].seen and not _is_time_for_all(seen[-1].at, deps.clock.now()) else None
    )
    facts = await deps.dns.look_mx(cutover.domain, known) if known is not None else None
    if facts is None or not facts.seen:  # the servers may have changed: find them again
        facts = await deps.dns.look(cutover.domain, expected=exchanges(cutover))

    async def attempt() -> None:
        def work(tx: Tx) -> None:
            present = tx.cutovers.get(cutover.team, cutover.id)
            if present is not None and present.is_open:
                observe(tx, deps, present, facts)

        await deps.store.transact(work)

    await persistently(attempt)
    deps.wake()


def _is_time_for_all(last: datetime, now: datetime) -> bool:
    """Whether a period of FULL_EVERY began between two looks; the same for every replica."""
    return last.timestamp() // FULL_EVERY.total_seconds() != now.timestamp() // FULL_EVERY.total_seconds()


async def check(deps: Deps, actor: Actor, where: Where, row_id: int | None, text: str) -> None:
    """`check DOMAIN`: everything that DNS tells; taken into the domain's cutover where one is open."""
    authorise(actor, Act.SEE, None, deps.operators)
    try:
        name = canonical(text, deps.rules)
    except BadName as bad:
        args = {"reason": bad.reason.value, "args": dict(bad.args_for_text), "verb": "check"}
        await say(deps, actor.team, row_id, where.private(actor, "bad_name", args))
        return
    cutover = await deps.store.transact(lambda tx: tx.cutovers.open_for(actor.team, name.ascii))
    expected = exchanges(cutover) if cutover else ()
    await may_look(deps, actor)
    facts = await deps.dns.look(name.ascii, expected=expected)
    now = deps.clock.now()
    stored = facts_to_json(facts)

    def work(tx: Tx) -> None:
        present = tx.cutovers.get(actor.team, cutover.id) if cutover else None
        if present is not None and present.is_open:
            findings = findings_for(present, facts, now)
            observe(tx, deps, present, facts)
        else:
            findings = judge(facts, Expectation(now=now))
        args = {"domain": name.unicode, "findings": finding_data(findings), "facts": stored}
        answer = where.here(actor, "check", args) if where.thread_ts else where.private(actor, "check", args)
        tx.outbox.put(actor.team, answer)

    await transact(deps, actor.team, row_id, work)
