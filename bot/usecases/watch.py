"""The unasked looks: the changes under way first, and none behind a domain whose servers are silent.

What is due stands in the database. A look waits for a turn in a lane of its own sort: of a change that is
under way or of any other domain, quick (servers that answered last time) or slow (servers that were
silent, or are not known yet). Thousands of domains so share what the DNS client lets be in flight, and a
change that is looked at every 20 seconds waits for no other's silence.
"""

import asyncio
import zlib
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any

from bot.domain.cutover import OPEN_STATES, Cutover, State
from bot.domain.facts import SILENT, DomainFacts
from bot.ports import Tx, VersionConflict
from bot.usecases.context import Deps, persistently
from bot.usecases.observe import exchanges, observe
from bot.usecases.under_way import UnderWay

NEAR = frozenset({State.CHANGING, State.ROLLING_BACK})
FAR = OPEN_STATES - NEAR
BATCH = 200  # looks that one replica has under way or waiting, of the changes under way and of the others
# The delegation and all else is looked at this often, the known servers' MX alone in between; where they
# are silent it may be that the domain has others now.
FULL_EVERY = timedelta(hours=12)
FULL_WHEN_SILENT = timedelta(hours=1)
# While one replica looks, the others leave the cutover alone; after a kill nobody looks for so long.
HOLD = {True: timedelta(minutes=1), False: timedelta(minutes=2)}  # by whether the change is under way
# Turns by (change under way, slow). Together fewer than the DNS client has, so that what a person asks
# for waits for none of them.
TURNS = {(True, False): 3, (True, True): 2, (False, False): 2, (False, True): 2}
# Who turns out slow in a quick lane gives its turn to the next after so many seconds, as long as no more
# than so many go on without one.
QUICK = 0.5
OVERDUE = {True: 3, False: 2}
# So many wait in a slow lane, which takes less than HOLD; the next is put off.
QUEUE = {True: 20, False: 40}
PUT_OFF = {True: timedelta(minutes=1), False: timedelta(minutes=10)}
# A tick takes up what falls due before the next one too, and each look then begins at its own moment.
AHEAD = timedelta(seconds=1)


Look = Callable[[], Coroutine[Any, Any, DomainFacts]]


class _Lane:
    """Turns that are taken one after the other. `waiting`: how many have none yet."""

    def __init__(self, turns: int) -> None:
        self._turns = asyncio.Semaphore(turns)
        self.waiting = 0

    async def __aenter__(self) -> None:
        self.waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self.waiting -= 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.release()


class Looks:
    """The unasked looks of one replica, each a task of its own."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._running = {near: UnderWay("look") for near in (True, False)}
        self._lanes = {sort: _Lane(turns) for sort, turns in TURNS.items()}
        self._overdue = dict.fromkeys(OVERDUE, 0)

    async def tick(self) -> None:
        """Begin the looks whose time has come. Raises then what made earlier ones fail."""
        await self._begin(AHEAD)
        self._raise_failures()

    async def due(self) -> int:
        """Look at all whose time has come, to the end; how many there were. Raises what made some fail."""
        begun = 0
        while (more := await self._begin()) or any(self._running.values()):
            begun += more
            await asyncio.gather(*(looks.wait() for looks in self._running.values()))
        self._raise_failures()
        return begun

    async def stop(self, seconds: float) -> None:
        """Let those under way end within `seconds`; the rest is looked at again when its hold is over."""
        await asyncio.gather(*(looks.stop(seconds) for looks in self._running.values()))

    def _raise_failures(self) -> None:
        for looks in self._running.values():
            looks.raise_failures()

    async def _begin(self, ahead: timedelta = timedelta()) -> int:
        now = self._deps.clock.now()
        free = {near: BATCH - len(looks) for near, looks in self._running.items()}

        def claim(tx: Tx) -> list[tuple[bool, Cutover, datetime]]:
            return [
                (
                    near,
                    tx.cutovers.save(replace(cutover, next_look_at=now + HOLD[near])),
                    cutover.next_look_at or now,
                )
                for near, states in ((True, NEAR), (False, FAR))
                if free[near] > 0
                for cutover in tx.cutovers.due_looks(now + ahead, free[near], states=states)
            ]

        try:
            due = await self._deps.store.transact(claim)
        except VersionConflict:
            return 0
        for near, cutover, at in due:
            self._running[near].begin(self._look(cutover, near, (at - now).total_seconds()))
        return len(due)

    async def _look(self, cutover: Cutover, near: bool, early: float) -> None:
        """`early`: seconds until the moment that it is due."""
        deps = self._deps
        if early > 0:
            await asyncio.sleep(early)
        seen = await deps.store.transact(lambda tx: tx.observations.edges(cutover.team, cutover.id))
        facts = await self._facts(cutover, seen, near)

        async def attempt() -> None:
            def work(tx: Tx) -> None:
                present = tx.cutovers.get(cutover.team, cutover.id)
                if present is None or not present.is_open:
                    return
                if facts is None:
                    tx.cutovers.save(replace(present, next_look_at=deps.clock.now() + PUT_OFF[near]))
                else:
                    observe(tx, deps, present, facts)

            await deps.store.transact(work)

        await persistently(attempt)
        deps.wake()

    async def _facts(self, cutover: Cutover, seen: Sequence[DomainFacts], near: bool) -> DomainFacts | None:
        """The known servers' MX, or everything where it is time for that; None: too many wait already."""
        quick, slow = self._lanes[near, False], self._lanes[near, True]
        now, facts = self._deps.clock.now(), None
        last = seen[-1] if seen else None
        silent = last is None or _are_silent(seen)
        if silent and slow.waiting >= QUEUE[near]:
            return None
        wholly = last is None or is_time_for_all(cutover.domain, last, now) or (near and not last.seen)
        if last is not None and not wholly:
            look = partial(self._deps.dns.look_mx, cutover.domain, last)
            facts = await (_in_turn(slow, look) if silent else self._quickly(quick, look, near))
            if facts.seen or not last.seen or slow.waiting >= QUEUE[near]:
                return facts
            # They answered last time: the domain may have others now.
        every = partial(self._deps.dns.look, cutover.domain, expected=exchanges(cutover))
        if silent or facts is not None:
            return await _in_turn(slow, every)
        return await self._quickly(quick, every, near)

    async def _quickly(self, lane: _Lane, look: Look, near: bool) -> DomainFacts:
        """A look at servers that answered last time: should they be silent now, it makes way for the next."""
        async with lane:
            task = asyncio.create_task(look(), name="quick-look")
            try:
                while not task.done():
                    await asyncio.wait({task}, timeout=QUICK)
                    if self._overdue[near] < OVERDUE[near]:
                        break
            except asyncio.CancelledError:
                task.cancel()
                raise
        self._overdue[near] += 1
        try:
            return await task
        finally:
            self._overdue[near] -= 1


async def _in_turn(lane: _Lane, look: Look) -> DomainFacts:
    async with lane:
        return await look()


def _are_silent(seen: Sequence[DomainFacts]) -> bool:
    """Whether the servers are known to let a look wait until its time is over.

    Some address did so at the last look and at the one before that is known: an answer that was lost once
    makes nobody slow. Or none said anything.
    """
    return not seen[-1].seen or all(
        any(answer.outcome in SILENT for answer in facts.authoritative) for facts in seen[-2:]
    )


def is_time_for_all(domain: str, last: DomainFacts, now: datetime) -> bool:
    """Whether a period began since the last look; the same for every replica.

    Each domain's periods begin at a moment of its own, so that not all are looked at wholly at once.
    """
    every = (FULL_EVERY if last.seen else FULL_WHEN_SILENT).total_seconds()
    first = zlib.crc32(domain.encode()) % every
    return (last.at.timestamp() - first) // every != (now.timestamp() - first) // every
