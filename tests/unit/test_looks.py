"""The unasked looks: one that waits for silent servers keeps no other back, and none is lost."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from bot.dns.client import QUESTIONS_AT_ONCE
from bot.dns.config import DnsConfig
from bot.domain.cutover import State
from bot.domain.facts import DomainFacts, Outcome
from bot.ports import Tx
from bot.usecases import watch
from bot.usecases.context import Deps
from bot.usecases.watch import Looks, is_time_for_all
from tests.contract import samples
from tests.fakes.memory_store import MemoryStore

ALL_TURNS = sum(watch.TURNS.values()) + sum(watch.OVERDUE.values())


class Standing:
    def now(self) -> Any:
        return samples.NOW


class SlowFor:
    """Dns that answers when told to, of the domains named; of all others at once.

    `kinds`: what was asked of whom, "mx" or "all". `dead`: domains whose servers never say anything.
    """

    def __init__(self, *domains: str, dead: Sequence[str] = ()) -> None:
        self.go = asyncio.Event()
        self.slow = set(domains)
        self.dead = set(dead)
        self.begun: list[str] = []
        self.kinds: list[tuple[str, str]] = []
        self.error: Exception | None = None

    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        return await self._look("all", domain)

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        return await self._look("mx", domain)

    async def _look(self, kind: str, domain: str) -> DomainFacts:
        self.begun.append(domain)
        self.kinds.append((kind, domain))
        if self.error is not None:
            raise self.error
        if domain in self.slow:
            await self.go.wait()
        return silent(domain) if domain in self.dead else samples.facts(domain=domain)


def silent(domain: str, at: datetime = samples.NOW) -> DomainFacts:
    facts = samples.facts(at, domain)
    said = [replace(a, outcome=Outcome.TIMEOUT, authoritative=False, records=()) for a in facts.authoritative]
    return replace(facts, authoritative=tuple(said))


def name(number: int) -> str:
    return f"example{number}.co.jp"


def bot(dns: SlowFor) -> tuple[Looks, MemoryStore]:
    store = MemoryStore()
    return Looks(Deps(store, dns, Standing(), None, None, None, lambda _: None)), store  # type: ignore[arg-type]


async def due(
    store: MemoryStore, *numbers: int, state: State = State.WATCHING, last: DomainFacts | None = None
) -> None:
    """Cutovers that are to be looked at now. `last`: what their last look showed."""

    def work(tx: Tx) -> None:
        for number in numbers:
            cutover = samples.cutover(number, state=state, next_look_at=samples.NOW - timedelta(seconds=1))
            tx.cutovers.add(cutover)
            if last is not None:
                tx.observations.add(cutover.team, cutover.id, replace(last, domain=cutover.domain))

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


async def let_all_begin() -> None:
    for _ in range(300):
        await asyncio.sleep(0)


async def test_a_silent_domain_holds_no_later_tick_back() -> None:
    dns = SlowFor(name(1))
    looks, store = bot(dns)
    await due(store, 1)
    await looks.tick()
    await due(store, 2)
    await looks.tick()
    await until(store, 2, 1)
    assert await seen(store, 1) == 0
    dns.go.set()
    await until(store, 1, 1)
    assert dns.begun == [name(1), name(2)]


@pytest.mark.parametrize("last", [samples.facts(), silent("x.jp"), None])
async def test_a_change_under_way_waits_for_no_other_domain(last: DomainFacts | None) -> None:
    """However many of the others hang, and whether that was to be expected or not."""
    others = range(10, 10 + watch.BATCH + 50)
    dns = SlowFor(*map(name, others))
    looks, store = bot(dns)
    await due(store, *others, last=last)
    await looks.tick()
    await let_all_begin()
    assert dns.begun  # as many as have a turn; the rest waits
    assert len(dns.begun) <= sum(watch.TURNS.values())
    await due(store, 1, state=State.CHANGING, last=samples.facts())
    await due(store, 2, state=State.ROLLING_BACK, last=samples.facts())
    await looks.tick()
    for number in (1, 2):
        await until(store, number, 2)
    await looks.stop(0)


async def test_a_change_under_way_waits_for_no_change_whose_servers_are_silent() -> None:
    quiet = range(10, 40)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, state=State.CHANGING, last=silent("x.jp"))
    await looks.tick()
    await let_all_begin()
    assert len(dns.begun) == watch.TURNS[True, True]
    await due(store, 1, state=State.CHANGING, last=samples.facts())
    await looks.tick()
    await until(store, 1, 2)
    await looks.stop(0)


async def test_who_falls_silent_makes_way_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """More servers than there are turns are silent for the first time, and unexpectedly."""
    monkeypatch.setattr(watch, "QUICK", 0.01)
    quiet = range(10, 10 + watch.TURNS[True, False] + 1)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, state=State.CHANGING, last=samples.facts())
    await looks.tick()
    await due(store, 1, state=State.CHANGING, last=samples.facts())
    await looks.tick()
    await until(store, 1, 2)
    dns.go.set()
    await looks.due()
    assert {await seen(store, number) for number in quiet} == {2}


async def test_no_more_than_a_few_go_on_without_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUICK", 0.01)
    quiet = range(10, 40)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, state=State.CHANGING, last=samples.facts())
    await looks.tick()
    most = watch.TURNS[True, False] + watch.OVERDUE[True]
    async with asyncio.timeout(10):
        while len(dns.begun) < most:  # noqa: ASYNC110
            await asyncio.sleep(0)
    for _ in range(10):
        await asyncio.sleep(watch.QUICK)
    assert len(dns.begun) == most
    await looks.stop(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name().endswith("look")]


async def test_a_watched_domain_that_answers_waits_for_none_that_is_looked_at_wholly() -> None:
    new = range(10, 30)
    dns = SlowFor(*map(name, new))
    looks, store = bot(dns)
    await due(store, *new)  # never looked at: everything is asked
    await looks.tick()
    await due(store, 1, last=samples.facts())
    await looks.tick()
    await until(store, 1, 2)
    assert (dns.kinds[-1], {kind for kind, _ in dns.kinds[:-1]}) == (("mx", name(1)), {"all"})
    await looks.stop(0)


async def test_an_answer_that_was_lost_once_puts_no_domain_among_the_silent_ones() -> None:
    """One address of two said nothing: once, and again and again."""
    quiet = range(10, 20)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, state=State.CHANGING, last=silent("x.jp"))
    await looks.tick()
    (answer,) = samples.facts().authoritative
    lost = replace(answer, server=replace(answer.server, address="192.0.2.2"), outcome=Outcome.TIMEOUT)
    half = replace(samples.facts(), authoritative=(answer, replace(lost, authoritative=False, records=())))
    for number, before in ((1, samples.facts()), (2, half)):
        await due(store, number, state=State.CHANGING, last=before)
        cutover = samples.cutover(number)
        await store.transact(
            lambda tx, c=cutover: tx.observations.add(c.team, c.id, replace(half, domain=c.domain))  # type: ignore[misc]
        )
    await looks.tick()
    await until(store, 1, 3)
    assert name(2) not in dns.begun  # it waits among its like
    await looks.stop(0)


async def test_a_change_that_is_looked_at_wholly_waits_for_no_silence_either() -> None:
    quiet = range(10, 40)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, state=State.CHANGING, last=silent("x.jp"))
    await looks.tick()
    await due(store, 1, state=State.CHANGING, last=samples.facts(samples.NOW - watch.FULL_EVERY))
    await looks.tick()
    await until(store, 1, 2)
    assert dns.kinds[-1] == ("all", name(1))
    await looks.stop(0)


def test_what_a_person_asks_for_has_turns_of_its_own() -> None:
    assert DnsConfig().max_in_flight // QUESTIONS_AT_ONCE > ALL_TURNS


async def test_what_would_wait_longer_than_it_is_held_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "QUEUE", {False: 2})
    quiet = range(1, 12)
    dns = SlowFor(*map(name, quiet))
    looks, store = bot(dns)
    await due(store, *quiet, last=silent("x.jp"))
    await looks.tick()
    await let_all_begin()
    later = samples.NOW + watch.PUT_OFF[False]
    held = await store.transact(lambda tx: [tx.cutovers.get(samples.A, f"c{n}") for n in quiet])
    put_off = [c for c in held if c is not None and c.next_look_at == later]
    assert len(put_off) == len(quiet) - watch.TURNS[False, True] - 2
    await due(store, 20, last=samples.facts())  # answers, and so waits for no silence
    await looks.tick()
    await until(store, 20, 2)
    dns.go.set()
    await looks.due()


async def test_servers_that_fall_silent_are_searched_for_at_once_and_then_once_an_hour() -> None:
    dns = SlowFor(dead=[name(1), name(2), name(3)])
    looks, store = bot(dns)
    await due(store, 1, last=samples.facts())
    await due(store, 2, last=silent("x.jp"))
    await due(store, 3, last=silent("x.jp", samples.NOW - watch.FULL_WHEN_SILENT))
    await looks.due()
    asked = {n: [kind for kind, domain in dns.kinds if domain == name(n)] for n in (1, 2, 3)}
    assert asked == {1: ["mx", "all"], 2: ["mx"], 3: ["all"]}


async def test_of_a_change_under_way_silent_servers_are_searched_for_each_time() -> None:
    dns = SlowFor(dead=[name(1)])
    looks, store = bot(dns)
    await due(store, 1, state=State.CHANGING, last=silent("x.jp"))
    await looks.due()
    assert dns.kinds == [("all", name(1))]


def test_whole_looks_are_spread_over_the_half_day_and_each_domain_has_its_moment() -> None:
    """3,000 domains, each looked at every ten minutes for a day."""
    domains = [f"d{n}.jp" for n in range(3000)]
    step, day = timedelta(minutes=10), datetime(2026, 12, 5, tzinfo=UTC)
    looks = [samples.facts(day + n * step) for n in range(145)]
    at_once: Counter[datetime] = Counter()
    for domain in domains:
        whole = [now.at for last, now in pairwise(looks) if is_time_for_all(domain, last, now.at)]
        first, second = whole
        assert second - first == watch.FULL_EVERY
        at_once.update(whole)
    assert len(at_once) == len(looks) - 1
    assert max(at_once.values()) < 3 * len(domains) / 72


async def test_what_falls_due_before_the_next_tick_is_looked_at_in_its_own_moment() -> None:
    dns = SlowFor()
    looks, store = bot(dns)
    loop = asyncio.get_running_loop()
    soon, late = timedelta(seconds=0.1), watch.AHEAD + timedelta(seconds=0.1)
    for number, at in ((1, soon), (2, late)):
        cutover = samples.cutover(number, state=State.CHANGING, next_look_at=samples.NOW + at)
        await store.transact(lambda tx, cutover=cutover: tx.cutovers.add(cutover))  # type: ignore[misc]
    assert await looks.due() == 0  # for a clock that is moved: nothing is due yet
    began = loop.time()
    await looks.tick()
    assert dns.begun == []
    await looks.due()
    assert loop.time() - began >= soon.total_seconds() - 0.02
    assert dns.begun == [name(1)]


async def test_looking_to_the_end_waits_for_what_a_tick_began() -> None:
    dns = SlowFor(name(1))
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
    monkeypatch.setattr(watch, "BATCH", 2)
    dns = SlowFor(name(1), name(2), name(3))
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


@pytest.mark.parametrize("state", [State.WATCHING, State.CHANGING])
async def test_a_failure_is_told_by_the_next_tick_and_the_cutover_is_looked_at_again(state: State) -> None:
    dns = SlowFor()
    looks, store = bot(dns)
    await due(store, 1, state=state)
    dns.error = RuntimeError("a fault of ours")
    await looks.tick()
    async with asyncio.timeout(10):
        with pytest.raises(ExceptionGroup, match="looks failed"):
            while True:
                await looks.tick()
                await asyncio.sleep(0)
    held = await store.transact(lambda tx: tx.cutovers.get(samples.A, "c1"))
    assert held is not None
    assert held.next_look_at == samples.NOW + watch.HOLD[state is State.CHANGING]


async def test_stopping_calls_off_what_does_not_end() -> None:
    dns = SlowFor(name(1))
    looks, store = bot(dns)
    await due(store, 1)
    await looks.tick()
    await looks.stop(0)
    assert await seen(store, 1) == 0
