"""Reminders that fall due: DNS may spare one or fail it; none is lost, and none stands in another's way."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from bot.domain.cutover import Step
from bot.domain.facts import DomainFacts
from bot.ports import PlannedReminder, ReminderRow, Store, StoreUnavailable, Tx
from bot.usecases import remind
from bot.usecases.context import Deps
from bot.usecases.remind import BATCH, LEASE, LOOKS, MOST, Reminders
from tests.contract import samples
from tests.contract.samples import LONG, NOW

POISON = "later:nonsense"  # of no step that there is
T = TypeVar("T")


class Now:
    def now(self) -> datetime:
        return NOW


class Answering:
    """Dns that answers as it is told to; how often it was asked."""

    def __init__(self, answer: Callable[[], Awaitable[DomainFacts]]) -> None:
        self.answer = answer
        self.looks = 0

    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        self.looks += 1
        return await self.answer()

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        raise NotImplementedError


async def lowered() -> DomainFacts:
    return samples.facts(NOW, ttl=300)


async def as_before() -> DomainFacts:
    return samples.facts(NOW, ttl=3600)


async def not_to_be_kept() -> DomainFacts:
    return samples.facts(NOW.replace(tzinfo=None), ttl=300)


async def broken() -> DomainFacts:
    raise RuntimeError("a mistake")


async def never() -> DomainFacts:
    await asyncio.Event().wait()
    raise AssertionError


class Away:
    """A store whose database is away for a reminder's last transaction, three times.

    `unknown`: the first of them is kept all the same.
    """

    def __init__(self, store: Store, unknown: bool) -> None:
        self.store = store
        self.unknown = unknown
        self.transactions = 0

    async def transact(self, work: Callable[[Tx], T]) -> T:
        self.transactions += 1
        tries = self.transactions - 2  # after the claim and the reading of the cutover
        if tries == 1 and self.unknown:
            await self.store.transact(work)
        if tries in (1, 2, 3):
            raise StoreUnavailable("unreachable")
        return await self.store.transact(work)


def firing(store: Store | Away, dns: Answering, **more: Any) -> tuple[Reminders, list[str]]:
    """And what is noted of each."""
    noted: list[str] = []

    def note(event: str, **about: object) -> None:
        noted.append(str(about.get("outcome", event)))

    deps = Deps(store, dns, Now(), None, None, None, lambda _: None, note=note)  # type: ignore[arg-type]
    return Reminders(deps, **more), noted


async def plan(store: Store, *kinds: str, since: timedelta = timedelta(0)) -> None:
    """Reminders of those kinds, due for so long; each of a cutover of its own."""

    def work(tx: Tx) -> None:
        first = tx.cutovers.list(samples.A).total + 1
        for number, kind in enumerate(kinds, first):
            # With its old TTL, for all that anybody knows.
            cutover = samples.cutover(number, steps={}, thread_ts=f"{number}.1")
            tx.cutovers.add(cutover)
            row = PlannedReminder(kind, NOW - since, "send_with_note")
            tx.reminders.plan(samples.A, cutover.id, cutover.plan_version, [row])

    await store.transact(work)


async def pending(store: Store) -> list[str]:
    """Kinds of all that is not settled."""

    def work(tx: Tx) -> list[str]:
        cutovers = tx.cutovers.list(samples.A, limit=200).rows
        rows = [row for cutover in cutovers for row in tx.reminders.pending(samples.A, cutover.id)]
        return [row.reminder.kind for row in rows]

    return await store.transact(work)


async def claimable(store: Store) -> Sequence[ReminderRow]:
    return await store.transact(lambda tx: tx.reminders.claim(NOW, limit=99, lease=LONG))


async def said(store: Store) -> list[str]:
    """Kinds of messages in the outbox, each settled so that the next of its thread comes."""
    kinds: list[str] = []

    def work(tx: Tx) -> int:
        rows = tx.outbox.claim(NOW, limit=99, lease=LONG)
        kinds.extend(row.message.kind for row in rows)
        return sum(tx.outbox.sent(row.id, row.token, None) for row in rows)

    while await store.transact(work):
        pass
    return kinds


@pytest.mark.parametrize("kind", ["lower_ttl", "lower_ttl_again", "later:ttl:1764000000"])
async def test_a_reminder_that_dns_makes_needless_is_settled_by_one_look(store: Store, kind: str) -> None:
    await plan(store, kind)
    dns = Answering(lowered)
    reminders, noted = firing(store, dns)
    assert await reminders.due() == 1
    assert (await pending(store), dns.looks, noted) == ([], 1, ["gone"])
    cutover = await store.transact(lambda tx: tx.cutovers.get(samples.A, "c1"))
    assert cutover is not None
    assert cutover.step(Step.TTL).settled
    kinds = await said(store)
    assert kinds.count("told.ttl_lowered") == 1
    assert "reminder" not in kinds


@pytest.mark.parametrize("answer", [as_before, broken, never, not_to_be_kept])
async def test_a_look_that_fails_or_takes_too_long_leaves_the_reminder_unverified_but_said(
    store: Store, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Awaitable[DomainFacts]]
) -> None:
    monkeypatch.setattr(remind, "LOOK_SECONDS", 0.05 if answer is never else 5)
    await plan(store, "lower_ttl", "day_begin", "connector")
    dns = Answering(answer)
    reminders, noted = firing(store, dns)
    assert await reminders.due() == 3
    assert await pending(store) == []
    assert dns.looks == 2
    assert noted.count("fired") == 3
    assert (await said(store)).count("reminder") == 3
    assert len(noted) == (3 if answer is as_before else 5)  # why DNS was left out, of both


async def test_what_is_withdrawn_during_its_look_is_not_said_and_what_was_seen_is_kept(store: Store) -> None:
    go = asyncio.Event()

    async def later() -> DomainFacts:
        await go.wait()
        return await as_before()

    await plan(store, "lower_ttl")
    reminders, noted = firing(store, Answering(later))
    await reminders.tick()
    await store.transact(lambda tx: tx.reminders.withdraw(samples.A, "c1"))
    go.set()
    await reminders.due()
    assert noted == ["gone"]
    assert "reminder" not in await said(store)
    assert len(await store.transact(lambda tx: tx.observations.of(samples.A, "c1"))) == 1


async def test_silent_domains_hold_back_no_reminder_that_falls_due_later(store: Store) -> None:
    """As many as leave room for one batch more; and no more than a few are at DNS at once."""
    slow = MOST - BATCH
    dns = Answering(never)
    reminders, noted = firing(store, dns)
    await plan(store, *["lower_ttl"] * slow, since=timedelta(hours=1))
    await reminders.tick()
    await plan(store, *["connector"] * 3 * BATCH)
    async with asyncio.timeout(30):
        while noted.count("fired") < 3 * BATCH:
            await reminders.tick()
            await asyncio.sleep(0)
    assert set(await pending(store)) == {"lower_ttl"}
    assert dns.looks == LOOKS
    await reminders.stop(0)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "reminder"]


async def test_no_more_are_taken_up_than_can_be_in_hand(store: Store) -> None:
    reminders, _ = firing(store, Answering(never))
    await plan(store, *["lower_ttl"] * (MOST + 5))
    await reminders.tick()
    await reminders.tick()
    assert len(await claimable(store)) == 5
    await reminders.stop(0)


async def test_a_reminder_is_leased_for_longer_than_its_look_whatever_is_set(store: Store) -> None:
    assert timedelta(seconds=2 * remind.LOOK_SECONDS) < LEASE
    reminders, _ = firing(store, Answering(never), lease=samples.GONE)
    await plan(store, "lower_ttl")
    await reminders.tick()
    assert await claimable(store) == []
    await reminders.stop(0)


@pytest.mark.parametrize("count", [BATCH, MOST + 5])
async def test_reminders_that_fail_every_time_stand_in_no_others_way(store: Store, count: int) -> None:
    reminders, noted = firing(store, Answering(as_before))
    await plan(store, *[POISON] * count, since=timedelta(hours=1))
    await plan(store, "connector")
    for _ in range(3):
        with suppress(ExceptionGroup):
            await reminders.due()
    assert noted.count("fired") == 1
    assert await pending(store) == [POISON] * count
    assert noted.count("a reminder was not fired") == count  # and each again only when its lease is over


@pytest.mark.parametrize("unknown", [True, False])
async def test_a_database_that_was_away_has_the_reminder_said_once_and_at_once(
    store: Store, unknown: bool
) -> None:
    """Whether what was to be kept first had arrived all the same, or not."""
    await plan(store, "connector")
    away = Away(store, unknown)
    reminders, noted = firing(away, Answering(as_before), waits=(0, 0, 0))
    assert await reminders.due() == 1
    assert noted == ["gone" if unknown else "fired"]
    assert await said(store) == ["reminder"]
    assert await pending(store) == []
