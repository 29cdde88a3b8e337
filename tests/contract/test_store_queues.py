"""Reminders and the outbox: leases, order, unknown outcomes. The same for every store."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from bot.domain.teams import Team
from bot.ports import LONGEST_LEASE, LONGEST_RETRY, Delivery, OutboxRow, Outgoing, ReminderRow, Store, Tx
from tests.contract.conftest import Opener
from tests.contract.samples import GONE, LONG, NOW, A, B, cutover, post, reminder

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def with_cutover(store: Store, *teams: Team) -> None:
    for team in teams or (A,):
        await store.transact(lambda tx, team=team: tx.cutovers.add(cutover(1, team=team)))  # type: ignore[misc]


async def claim(
    store: Store, *, after: timedelta = timedelta(0), limit: int = 99, lease: timedelta = LONG
) -> Sequence[ReminderRow]:
    return await store.transact(lambda tx: tx.reminders.claim(NOW + after, limit=limit, lease=lease))


async def take(
    store: Store, *, after: timedelta = timedelta(0), limit: int = 99, lease: timedelta = LONG
) -> Sequence[OutboxRow]:
    return await store.transact(lambda tx: tx.outbox.claim(NOW + after, limit=limit, lease=lease))


async def put(store: Store, *messages: Outgoing, team: Team = A) -> list[int]:
    return await store.transact(lambda tx: [tx.outbox.put(team, message) for message in messages])


def token_of(row: ReminderRow) -> str:
    assert row.token is not None
    return row.token


# --- reminders -----------------------------------------------------------------------------------


async def test_a_reminder_that_is_planned_already_stays_as_it_is(store: Store) -> None:
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl", HOUR, n=1)]))
    await store.transact(
        lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl", 5 * HOUR, n=2), reminder("day", 2 * HOUR)])
    )
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 2, [reminder("ttl", 3 * HOUR)]))
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 2, []))
    rows = await store.transact(lambda tx: tx.reminders.pending(A, "c1"))
    assert [(r.reminder.kind, r.plan_version, r.reminder.due_at) for r in rows] == [
        ("ttl", 1, NOW + HOUR),
        ("day", 1, NOW + 2 * HOUR),
        ("ttl", 2, NOW + 3 * HOUR),
    ]
    assert rows[0].reminder == reminder("ttl", HOUR, n=1)
    assert (rows[0].team, rows[0].cutover_id, rows[0].token) == (A, "c1", None)


async def test_the_same_kind_twice_in_one_plan_is_one_row(store: Store) -> None:
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl"), reminder("ttl", HOUR)]))
    assert len(await store.transact(lambda tx: tx.reminders.pending(A, "c1"))) == 1


async def test_due_reminders_of_every_team_are_claimed_by_due_time(store: Store) -> None:
    await with_cutover(store, A, B)
    await store.transact(
        lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("a", 2 * HOUR), reminder("b", HOUR)])
    )
    await store.transact(lambda tx: tx.reminders.plan(B, "c1", 1, [reminder("c", timedelta(0))]))
    assert [r.reminder.kind for r in await claim(store, after=-HOUR)] == []
    assert [r.reminder.kind for r in await claim(store, after=HOUR, limit=1)] == ["c"]
    rows = await claim(store, after=HOUR)
    assert [(r.reminder.kind, r.team) for r in rows] == [("b", A)]
    assert rows[0].token
    assert [r.reminder.kind for r in await claim(store, after=HOUR)] == []


async def test_a_claimed_reminder_is_settled_once_by_its_token(store: Store) -> None:
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl")]))
    (row,) = await claim(store)
    assert not await store.transact(lambda tx: tx.reminders.done(row.id, "not the token", "fired"))
    assert len(await store.transact(lambda tx: tx.reminders.pending(A, "c1"))) == 1
    assert await store.transact(lambda tx: tx.reminders.done(row.id, token_of(row), "fired"))
    assert not await store.transact(lambda tx: tx.reminders.done(row.id, token_of(row), "fired"))
    assert await store.transact(lambda tx: tx.reminders.pending(A, "c1")) == []
    assert await claim(store, after=HOUR) == []
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl")]))
    assert await claim(store, after=HOUR) == []  # the same plan never fires it again


async def test_a_lease_that_ran_out_is_claimed_again_and_the_first_token_is_void(store: Store) -> None:
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl")]))
    (first,) = await claim(store, lease=GONE)
    (second,) = await claim(store)
    assert first.id == second.id
    assert first.token != second.token
    assert not await store.transact(lambda tx: tx.reminders.done(first.id, token_of(first), "fired"))
    assert await store.transact(lambda tx: tx.reminders.done(second.id, token_of(second), "dropped"))


async def test_a_lease_does_not_go_by_the_claimers_clock(store: Store) -> None:
    """`now` may be years ahead (a moved clock, a wrong one): a lease is the database's matter."""
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl")]))
    assert len(await claim(store)) == 1
    assert await claim(store, after=timedelta(days=5000)) == []


async def test_withdrawn_reminders_never_fire(store: Store) -> None:
    await with_cutover(store, A, B)
    planned = [reminder("a"), reminder("b"), reminder("c")]
    for team in (A, B):
        await store.transact(lambda tx, team=team: tx.reminders.plan(team, "c1", 1, planned))  # type: ignore[misc]
    assert await store.transact(lambda tx: tx.reminders.withdraw(A, "c1", kinds=frozenset({"a"}))) == 1
    assert await store.transact(lambda tx: tx.reminders.withdraw(A, "c1", kinds=frozenset())) == 0
    rows = await claim(store)
    leased = next(r for r in rows if r.team == A)
    assert await store.transact(lambda tx: tx.reminders.withdraw(A, "c1")) == 2
    assert await store.transact(lambda tx: tx.reminders.withdraw(A, "c1")) == 0
    assert not await store.transact(lambda tx: tx.reminders.done(leased.id, token_of(leased), "fired"))
    assert len(await store.transact(lambda tx: tx.reminders.pending(B, "c1"))) == 3


async def test_the_next_due_time_is_the_earliest_pending_of_anybody(store: Store) -> None:
    await with_cutover(store, A, B)
    assert await store.transact(lambda tx: tx.reminders.next_due()) is None
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("a", 2 * HOUR)]))
    await store.transact(lambda tx: tx.reminders.plan(B, "c1", 1, [reminder("a", HOUR)]))
    assert await store.transact(lambda tx: tx.reminders.next_due()) == NOW + HOUR
    await store.transact(lambda tx: tx.reminders.withdraw(B, "c1"))
    found = await store.transact(lambda tx: tx.reminders.next_due())
    assert found == NOW + 2 * HOUR
    assert found.utcoffset() == timedelta(0)


async def test_a_claim_that_is_rolled_back_leaves_the_row_free(store: Store) -> None:
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("a")]))

    def work(tx: Tx) -> None:
        assert tx.reminders.claim(NOW, limit=9, lease=LONG)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(work)
    assert len(await claim(store)) == 1


# --- outbox --------------------------------------------------------------------------------------


async def test_a_message_comes_back_as_it_was_put(store: Store) -> None:
    message = Outgoing(
        Delivery.EPHEMERAL,
        "hello",
        {"名前": ["値", 1, None]},
        lang="en",
        channel="C1",
        user="U1",
        thread_ts="1.1",
        update_ts="2.2",
        response_url="https://hooks.example/1",
        cutover_id="c1",
        not_before=NOW,
        key="k1",
    )
    (row_id,) = await put(store, message)
    (row,) = await take(store)
    assert (row.id, row.team, row.message, row.attempts, row.unknown) == (row_id, A, message, 1, False)
    assert row.token


async def test_a_key_is_put_once(store: Store) -> None:
    first = await put(store, post(key="k1"))
    assert await put(store, post(key="k1", kind="other")) == first
    assert await put(store, post(key="k1"), team=B) != first
    assert await store.transact(lambda tx: tx.outbox.unsettled()) == 2


async def test_one_row_a_channel_in_order_of_id(store: Store) -> None:
    ids = await put(store, post("C1"), post("C2"), post("C1"), post("C2"), post("C1"))
    rows = await take(store)
    assert [row.id for row in rows] == ids[:2]
    assert await take(store) == []
    assert await store.transact(lambda tx: tx.outbox.sent(ids[0], rows[0].token, "1.1"))
    assert [row.id for row in await take(store)] == [ids[2]]
    assert await store.transact(lambda tx: tx.outbox.failed(ids[1], rows[1].token, "channel_not_found"))
    assert [row.id for row in await take(store)] == [ids[3]]
    assert await store.transact(lambda tx: tx.outbox.unsettled()) == 3


async def test_the_limit_takes_the_oldest(store: Store) -> None:
    ids = await put(store, *(post(f"C{n}") for n in range(5)))
    assert [row.id for row in await take(store, limit=2)] == ids[:2]
    assert [row.id for row in await take(store, limit=2)] == ids[2:4]


async def test_every_kind_that_goes_to_a_channel_keeps_its_order(store: Store) -> None:
    kinds: list[dict[str, Any]] = [
        {"delivery": Delivery.POST},
        {"delivery": Delivery.UPDATE, "update_ts": "1.1"},
        {"delivery": Delivery.EPHEMERAL, "user": "U1"},
        {"delivery": Delivery.POST, "thread_ts": "1.1"},
    ]
    ids = await put(store, *(Outgoing(kind="x", channel="C1", **kind) for kind in kinds))
    for expected in ids:
        (row,) = await take(store)
        assert row.id == expected
        await store.transact(lambda tx, row=row: tx.outbox.sent(row.id, row.token, "1"))  # type: ignore[misc]


async def test_messages_to_one_person_keep_their_order_and_hold_no_channel_back(store: Store) -> None:
    ids = await put(
        store,
        Outgoing(Delivery.DM, "x", user="U1"),
        Outgoing(Delivery.DM, "x", user="U1"),
        Outgoing(Delivery.DM, "x", user="U2"),
        post("C1"),
    )
    assert [row.id for row in await take(store)] == [ids[0], ids[2], ids[3]]


async def test_answers_to_a_response_url_wait_for_nothing(store: Store) -> None:
    ids = await put(
        store,
        post("C1"),
        *(Outgoing(Delivery.RESPONSE, "x", channel="C1", user="U1", response_url="u") for _ in range(3)),
    )
    assert [row.id for row in await take(store)] == ids


async def test_a_message_of_a_cutover_is_in_the_lane_of_its_channel(store: Store) -> None:
    await with_cutover(store)
    ids = await put(
        store,
        Outgoing(Delivery.POST, "root", cutover_id="c1"),
        post("C_OPS"),
        Outgoing(Delivery.POST, "x", cutover_id="c1"),
        Outgoing(Delivery.POST, "x", cutover_id="of another table"),
    )
    assert [row.id for row in await take(store)] == [ids[0], ids[3]]


async def test_the_same_channel_of_another_team_is_another_lane(store: Store) -> None:
    first = await put(store, post("C1"))
    second = await put(store, post("C1"), team=B)
    assert [row.id for row in await take(store)] == first + second


async def test_a_message_put_off_holds_its_channel_back_from_its_time_on(store: Store) -> None:
    tomorrow, today = await put(store, post("C1", not_before=NOW + HOUR), post("C1"))
    (row,) = await take(store)
    assert row.id == today
    await store.transact(lambda tx: tx.outbox.sent(row.id, row.token, "1"))
    assert await take(store) == []
    (later,) = await put(store, post("C1"))
    (row,) = await take(store, after=HOUR)
    assert row.id == tomorrow
    await store.transact(lambda tx: tx.outbox.sent(row.id, row.token, "1"))
    assert [row.id for row in await take(store, after=HOUR)] == [later]


async def test_a_message_handed_back_keeps_its_place(store: Store) -> None:
    first, second = await put(store, post("C1"), post("C1"))
    (row,) = await take(store)
    handed = await store.transact(
        lambda tx: tx.outbox.again(row.id, row.token, at=NOW + MINUTE, unknown=False, error="ratelimited")
    )
    assert handed
    assert await take(store) == []  # neither it nor the one behind it
    (again,) = await take(store, after=MINUTE)
    assert (again.id, again.attempts, again.unknown) == (first, 2, False)
    assert not await store.transact(lambda tx: tx.outbox.sent(row.id, row.token, "1"))
    assert await store.transact(lambda tx: tx.outbox.sent(again.id, again.token, "1"))
    assert [row.id for row in await take(store)] == [second]


async def test_a_try_that_is_to_come_does_not_wait_for_a_clock_that_was_set_back(store: Store) -> None:
    first, second = await put(store, post("C1"), post("C1"))
    (tomorrow,) = await put(store, post("C2", not_before=NOW + HOUR))
    (row,) = await take(store)
    at = NOW + timedelta(seconds=2)
    assert await store.transact(
        lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=False, error="unreachable")
    )
    assert await take(store, after=-LONGEST_RETRY + MINUTE) == []
    (again,) = await take(store, after=-HOUR)
    assert (again.id, again.attempts) == (first, 2)
    assert await store.transact(lambda tx: tx.outbox.sent(again.id, again.token, "1"))
    assert [row.id for row in await take(store, after=-HOUR)] == [second]
    assert [row.id for row in await take(store, after=HOUR)] == [tomorrow]


async def test_a_lease_does_not_wait_for_a_clock_that_was_set_back(store: Store) -> None:
    """The database's own: nobody takes a lease so long."""
    await with_cutover(store)
    await store.transact(lambda tx: tx.reminders.plan(A, "c1", 1, [reminder("ttl")]))
    (message,) = await put(store, post())
    left = await claim(store, lease=HOUR), await take(store, lease=HOUR)
    (due,) = await claim(store, lease=LONGEST_LEASE)
    (row,) = await take(store, lease=LONGEST_LEASE)
    assert (due.id, row.id) == (left[0][0].id, message)
    assert row.unknown
    assert not await store.transact(lambda tx: tx.reminders.done(due.id, token_of(left[0][0]), "fired"))
    assert (await claim(store), await take(store)) == ([], [])


async def test_a_message_put_aside_holds_back_nothing_and_is_still_said(store: Store) -> None:
    first, second = await put(store, post("C1"), post("C1"))
    (row,) = await take(store)
    assert await store.transact(
        lambda tx: tx.outbox.again(
            row.id, row.token, at=NOW + MINUTE, unknown=True, error="internal_error", aside=True
        )
    )
    assert [row.id for row in await take(store, lease=GONE)] == [second]
    both = await take(store, after=MINUTE)
    assert [(row.id, row.unknown) for row in both] == [(first, True), (second, True)]


async def test_when_a_message_was_first_tried_is_kept(store: Store) -> None:
    await put(store, post("C1"))
    (row,) = await take(store)
    assert row.tried_at == NOW
    assert row.since is not None
    assert row.since <= NOW
    await store.transact(partial(again_as, row=row, mistake=False))
    (row,) = await take(store, after=HOUR)
    assert row.tried_at == NOW


async def test_mistakes_of_the_program_are_counted_apart_from_tries(store: Store) -> None:
    await put(store, post("C1"))
    counted = []
    for mistake in (False, True, False, True, False):
        (row,) = await take(store)
        counted.append(row.mistakes)
        again = partial(again_as, row=row, mistake=mistake)
        assert await store.transact(again)
    assert counted == [0, 0, 1, 1, 2]
    assert row.attempts == 5


def again_as(tx: Tx, row: OutboxRow, *, mistake: bool) -> bool:
    return tx.outbox.again(row.id, row.token, at=NOW, unknown=False, error="x", mistake=mistake)


async def test_a_message_is_withdrawn_unless_somebody_is_at_it(store: Store) -> None:
    later, now = post("C1", key="later", not_before=NOW + HOUR), post("C1", key="now")
    await put(store, later, now)
    assert not await store.transact(lambda tx: tx.outbox.withdraw(B, "later"))
    assert await store.transact(lambda tx: tx.outbox.withdraw(A, "later"))
    assert not await store.transact(lambda tx: tx.outbox.withdraw(A, "later"))
    (row,) = await take(store)
    assert not await store.transact(lambda tx: tx.outbox.withdraw(A, "now"))
    assert await store.transact(lambda tx: tx.outbox.sent(row.id, row.token, "1"))
    assert not await store.transact(lambda tx: tx.outbox.withdraw(A, "now"))
    assert await take(store, after=HOUR) == []


async def test_an_unknown_outcome_is_remembered_until_it_is_cleared(store: Store) -> None:
    await put(store, post("C1"))
    (row,) = await take(store)
    await store.transact(lambda tx: tx.outbox.again(row.id, row.token, at=NOW, unknown=True, error="timeout"))
    (row,) = await take(store)
    assert row.unknown
    await store.transact(
        lambda tx: tx.outbox.again(row.id, row.token, at=NOW, unknown=False, error="not there")
    )
    (row,) = await take(store)
    assert (row.unknown, row.attempts) == (False, 3)


async def test_a_lease_that_ran_out_comes_back_as_unknown(store: Store) -> None:
    first, _second = await put(store, post("C1"), post("C1"))
    (lost,) = await take(store, lease=GONE)
    (row,) = await take(store)
    assert (row.id, row.unknown, row.attempts) == (first, True, 2)
    assert row.token != lost.token
    assert not await store.transact(lambda tx: tx.outbox.sent(lost.id, lost.token, "1"))
    assert not await store.transact(lambda tx: tx.outbox.failed(lost.id, lost.token, "x"))
    assert not await store.transact(
        lambda tx: tx.outbox.again(lost.id, lost.token, at=NOW, unknown=False, error="x")
    )
    assert await take(store) == []


async def test_a_lease_that_ran_out_still_holds_back_its_channel_when_the_claim_is_full(store: Store) -> None:
    ids = await put(store, post("C1"), post("C1"), post("C2"))
    await take(store, limit=1, lease=GONE)
    assert [row.id for row in await take(store, limit=1)] == [ids[0]]
    assert [row.id for row in await take(store, limit=5)] == [ids[2]]


async def test_what_was_settled_is_never_claimed_again(store: Store) -> None:
    await put(store, post("C1"), post("C2"))
    one, two = await take(store, lease=GONE)
    await store.transact(lambda tx: tx.outbox.sent(one.id, one.token, None))
    await store.transact(lambda tx: tx.outbox.failed(two.id, two.token, "x" * 9000))
    assert await take(store, after=HOUR) == []
    assert await store.transact(lambda tx: tx.outbox.unsettled()) == 0


async def test_senders_at_once_say_every_message_once_and_in_order(opener: Opener) -> None:
    stores = [opener(), opener()]
    await put(stores[0], *(post(f"C{n % 5}", args={"n": n}) for n in range(60)))
    said: list[tuple[str | None, int]] = []

    async def sender(store: Store) -> None:
        while await store.transact(lambda tx: tx.outbox.unsettled()):
            for row in await take(store, limit=2):
                said.append((row.message.channel, row.message.args["n"]))
                settled = await store.transact(
                    lambda tx, row=row: tx.outbox.sent(row.id, row.token, "1")  # type: ignore[misc]
                )
                assert settled

    await asyncio.gather(*(sender(stores[n % 2]) for n in range(4)))
    assert len(said) == len(set(said)) == 60
    for channel in range(5):
        numbers = [n for where, n in said if where == f"C{channel}"]
        assert numbers == sorted(numbers)


async def test_a_lease_is_held_for_as_long_as_it_lasts(store: Store) -> None:
    await with_cutover(store)
    await put(store, post())

    async def held(row: OutboxRow, seconds: float, token: str = "") -> bool:
        return await store.transact(lambda tx: tx.outbox.held(row.id, token or row.token, seconds))

    (row,) = await take(store, lease=timedelta(minutes=1))
    assert await held(row, 20)
    assert not await held(row, 90)
    assert not await held(row, 20, "another's")
    assert await store.transact(
        lambda tx: tx.outbox.again(row.id, row.token, at=NOW, unknown=False, error="x")
    )
    assert not await held(row, 20)
    (lost,) = await take(store, lease=GONE)
    assert not await held(lost, 0)
    (taken,) = await take(store, lease=timedelta(minutes=1))
    assert not await held(lost, 0)
    assert await held(taken, 0)
    assert await store.transact(lambda tx: tx.outbox.sent(taken.id, taken.token, "1.1"))
    assert not await held(taken, 0)
