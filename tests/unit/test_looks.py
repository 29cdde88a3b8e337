"""The unasked looks: one that waits for silent servers keeps no other back, and none is lost."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.cutover import State
from bot.domain.facts import DomainFacts
from bot.ports import Tx
from bot.usecases import look
from bot.usecases.context import Deps
from bot.usecases.look import Looks
from tests.contract import samples
from tests.fakes.memory_store import MemoryStore


class Standing:
    def now(self) -> Any:
        return samples.NOW


class SlowFor:
    """Dns that answers when told to, of the domains named; of all others at once."""

    def __init__(self, *domains: str) -> None:
        self.go = asyncio.Event()
        self.slow = domains
        self.begun: list[str] = []
        self.error: Exception | None = None

    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        self.begun.append(domain)
        if self.error is not None:
            raise self.error
        if domain in self.slow:
            await self.go.wait()
        return samples.facts(domain=domain)

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        return await self.look(domain)


def bot(dns: SlowFor) -> tuple[Looks, MemoryStore]:
    store = MemoryStore()
    return Looks(Deps(store, dns, Standing(), None, None, None, lambda _: None)), store  # type: ignore[arg-type]


async def due(store: MemoryStore, *numbers: int) -> None:
    def work(tx: Tx) -> None:
        for number in numbers:
            tx.cutovers.add(
                samples.cutover(number, state=State.WATCHING, next_look_at=samples.NOW - timedelta(seconds=1))
            )

    await store.transact(work)


async def seen(store: MemoryStore, number: int) -> int:
    cutover = samples.cutover(number)
    found: Sequence[DomainFacts] = await store.transact(
        lambda tx: tx.observations.of(cutover.team, cutover.id)
    )
    return len(found)


async def until(store: MemoryStore, number: int, count: int) -> None:
    async with asyncio.timeout(10):
        while await seen(store, number) < count:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_silent_domain_holds_no_later_tick_back() -> None:
    dns = SlowFor("example1.co.jp")
    looks, store = bot(dns)
    await due(store, 1)
    await looks.tick()
    await due(store, 2)
    await looks.tick()
    await until(store, 2, 1)
    assert await seen(store, 1) == 0
    dns.go.set()
    await until(store, 1, 1)
    assert dns.begun == ["example1.co.jp", "example2.co.jp"]


async def test_looking_to_the_end_waits_for_what_a_tick_began() -> None:
    dns = SlowFor("example1.co.jp")
    looks, store = bot(dns)
    await due(store, 1)
    await looks.tick()
    ending = asyncio.create_task(looks.due())
    for _ in range(50):
        await asyncio.sleep(0)
    assert not ending.done()
    dns.go.set()
    await ending
    assert await seen(store, 1) == 1


async def test_no_more_is_under_way_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "BATCH", 2)
    dns = SlowFor("example1.co.jp", "example2.co.jp", "example3.co.jp")
    looks, store = bot(dns)
    await due(store, 1, 2, 3)
    await looks.tick()
    await looks.tick()
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(dns.begun) == 2
    dns.go.set()
    for number in (1, 2):
        await until(store, number, 1)
    await looks.due()
    assert await seen(store, 3) == 1


async def test_a_failure_is_told_by_the_next_tick_and_the_cutover_is_looked_at_again() -> None:
    dns = SlowFor()
    looks, store = bot(dns)
    await due(store, 1)
    dns.error = RuntimeError("a fault of ours")
    await looks.tick()
    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup, match="looks failed"):
            while True:
                await looks.tick()
                await asyncio.sleep(0)
    held = await store.transact(lambda tx: tx.cutovers.get(samples.A, "c1"))
    assert held is not None and held.next_look_at == samples.NOW + look.HOLD


async def test_stopping_calls_off_what_does_not_end() -> None:
    dns = SlowFor("example1.co.jp")
    looks, store = bot(dns)
    await due(store, 1)
    await looks.tick()
    await looks.stop(0)
    assert await seen(store, 1) == 0
