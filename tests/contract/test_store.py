"""What every store must do: the fake, SQLite and PostgreSQL pass the same suite."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.domain.cutover import OPEN_STATES, Cutover, State
from bot.domain.teams import Team
from bot.ports import AlreadyOpen, HistoryEntry, Person, Question, Store, Tx, VersionConflict
from bot.store.faults import Inconsistent
from tests.contract.conftest import Opener
from tests.contract.samples import GRID_A, LONG, NOW, A, B, cutover, facts, reminder

HOUR = timedelta(hours=1)


async def add(store: Store, *cutovers: Cutover) -> None:
    def work(tx: Tx) -> None:
        for each in cutovers:
            tx.cutovers.add(each)

    await store.transact(work)


# --- transactions --------------------------------------------------------------------------------


async def test_a_transaction_gives_back_what_its_work_returns(store: Store) -> None:
    assert await store.transact(lambda tx: 42) == 42


async def test_an_exception_leaves_nothing_behind(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        tx.history.append(A, "c1", HistoryEntry(NOW, "opened"))
        tx.reminders.plan(A, "c1", 1, [reminder()])
        tx.inbox.accept("d1", "command", A, {}, NOW)
        tx.people.put(A, Person("U1", "ja-JP", "Asia/Tokyo", False, NOW))
        tx.places.put(A, "k", {}, NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(work)

    def look(tx: Tx) -> list[object]:
        return [
            tx.cutovers.get(A, "c1"),
            tx.history.of(A, "c1"),
            tx.reminders.pending(A, "c1"),
            tx.inbox.unprocessed(older_than=NOW + HOUR, limit=9),
            tx.people.get(A, "U1"),
            tx.places.get(A, "k"),
            tx.outbox.unsettled(),
        ]

    assert [bool(found) for found in await store.transact(look)] == [False] * 7


async def test_the_store_serves_on_after_a_rollback(store: Store) -> None:
    def work(tx: Tx) -> None:
        raise KeyError

    for _ in range(20):
        with pytest.raises(KeyError):
            await store.transact(work)
    await add(store, cutover(1))
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)


@pytest.mark.parametrize(
    "write",
    [
        lambda tx: tx.history.append(A, "nowhere", HistoryEntry(NOW, "opened")),
        lambda tx: tx.reminders.plan(A, "nowhere", 1, [reminder()]),
        lambda tx: tx.observations.add(A, "nowhere", facts()),
    ],
)
async def test_rows_of_a_cutover_that_is_not_there_are_refused(
    store: Store, write: Callable[[Tx], None]
) -> None:
    with pytest.raises(Inconsistent):
        await store.transact(write)


async def test_rows_of_a_cutover_may_come_before_it_in_one_transaction(store: Store) -> None:
    def work(tx: Tx) -> None:
        tx.history.append(A, "c1", HistoryEntry(NOW, "opened"))
        tx.cutovers.add(cutover(1))

    await store.transact(work)
    assert len(await store.transact(lambda tx: tx.history.of(A, "c1"))) == 1


@pytest.mark.parametrize(
    "write",
    [
        lambda tx: tx.cutovers.add(replace(cutover(1), day=datetime(2026, 12, 5, 22))),  # noqa: DTZ001
        lambda tx: tx.inbox.accept("d", "event", A, {}, datetime(2026, 12, 5)),  # noqa: DTZ001
        lambda tx: tx.places.put(A, "k", {}, datetime(2026, 12, 5)),  # noqa: DTZ001
    ],
)
async def test_a_time_without_a_zone_is_refused(store: Store, write: Callable[[Tx], None]) -> None:
    with pytest.raises(Exception, match=r"zone|[Nn]aive"):
        await store.transact(write)


# --- cutovers ------------------------------------------------------------------------------------


async def test_a_cutover_comes_back_as_it_was_stored(store: Store) -> None:
    stored = cutover(
        1,
        thread_ts="1.2",
        next_look_at=NOW,
        progress_ts="3.4",
        alert="mx.foreign",
        day=datetime.fromisoformat("2026-12-05T22:00:00+09:00"),
    )
    await add(store, stored)
    found = await store.transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert found == stored
    assert found is not None
    assert found.day.utcoffset() is not None
    bare = cutover(2, steps={}, snapshot=None, asked=None, assignees=())
    await add(store, bare)
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c2")) == bare


async def test_a_domain_has_one_open_cutover_a_team(store: Store) -> None:
    await add(store, cutover(1))
    with pytest.raises(AlreadyOpen):
        await add(store, replace(cutover(1), id="again"))
    await add(store, replace(cutover(1), id="theirs", team=B))  # another team's is no matter
    await add(store, replace(cutover(1), id="over", state=State.FINISHED))
    assert await store.transact(lambda tx: tx.cutovers.get(A, "again")) is None


@pytest.mark.parametrize("state", list(State))
async def test_only_a_closed_cutover_makes_way_for_another(store: Store, state: State) -> None:
    await add(store, cutover(1, state=state))
    second = replace(cutover(1), id="second", opened_at=NOW + HOUR)
    if state in OPEN_STATES:
        with pytest.raises(AlreadyOpen):
            await add(store, second)
    else:
        await add(store, second)
        opened = await store.transact(lambda tx: tx.cutovers.open_for(A, "example1.co.jp"))
        assert opened == second


async def test_a_refused_second_start_leaves_the_transaction_usable(store: Store) -> None:
    await add(store, cutover(1))

    def work(tx: Tx) -> Cutover | None:
        try:
            tx.cutovers.add(replace(cutover(1), id="again"))
        except AlreadyOpen:
            return tx.cutovers.open_for(A, "example1.co.jp")
        return None

    assert await store.transact(work) == cutover(1)


async def test_the_newest_cutover_of_a_domain_open_or_not(store: Store) -> None:
    old = cutover(1, state=State.CANCELLED)
    same_moment = replace(cutover(1), id="later", state=State.CANCELLED)
    newest = replace(cutover(1), id="newest", opened_at=NOW + HOUR, state=State.FINISHED)
    await add(store, old, same_moment)
    assert await store.transact(lambda tx: tx.cutovers.latest_for(A, "example1.co.jp")) == same_moment
    await add(store, newest)
    assert await store.transact(lambda tx: tx.cutovers.latest_for(A, "example1.co.jp")) == newest
    assert await store.transact(lambda tx: tx.cutovers.open_for(A, "example1.co.jp")) is None


async def test_save_raises_the_version(store: Store) -> None:
    await add(store, cutover(1))
    moved = replace(cutover(1), state=State.CHANGING, thread_ts="9.9")
    saved = await store.transact(lambda tx: tx.cutovers.save(moved))
    assert saved == replace(moved, version=1)
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == saved
    assert await store.transact(lambda tx: tx.cutovers.by_thread(A, "C_OPS", "9.9")) == saved
    assert await store.transact(lambda tx: tx.cutovers.by_thread(A, "C_OTHER", "9.9")) is None


async def test_saving_what_somebody_else_saved_in_between_is_refused(store: Store) -> None:
    await add(store, cutover(1))
    await store.transact(lambda tx: tx.cutovers.save(replace(cutover(1), owner="U_FIRST")))
    with pytest.raises(VersionConflict):
        await store.transact(lambda tx: tx.cutovers.save(replace(cutover(1), owner="U_SECOND")))
    found = await store.transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert found is not None
    assert found.owner == "U_FIRST"
    with pytest.raises(VersionConflict):
        await store.transact(lambda tx: tx.cutovers.save(cutover(2)))


async def test_what_was_saved_is_seen_in_the_same_transaction(store: Store) -> None:
    await add(store, cutover(1))

    def work(tx: Tx) -> Cutover | None:
        first = tx.cutovers.get(A, "c1")
        assert first is not None
        tx.cutovers.save(replace(first, state=State.CHANGING))
        again = tx.cutovers.get(A, "c1")
        assert again is not None
        tx.cutovers.save(replace(again, state=State.WATCHING))
        return tx.cutovers.get(A, "c1")

    found = await store.transact(work)
    assert found is not None
    assert (found.state, found.version) == (State.WATCHING, 2)


async def test_the_list_is_by_day_then_domain_in_pages(store: Store) -> None:
    same = NOW + timedelta(days=3)
    rows = [
        cutover(1, day=same, domain="b.example"),
        cutover(2, day=same, domain="a-b.example"),
        cutover(3, day=same, domain="ab.example"),
        cutover(4, day=NOW, domain="z.example", owner="U_2"),
        cutover(5, day=NOW + timedelta(days=9), domain="c.example", state=State.CANCELLED),
        cutover(6, team=B, domain="x.example"),
    ]
    await add(store, *rows)

    async def ids(**wanted: Any) -> tuple[list[str], int]:
        page = await store.transact(lambda tx: tx.cutovers.list(A, **wanted))
        return [c.id for c in page.rows], page.total

    assert await ids() == (["c4", "c2", "c3", "c1", "c5"], 5)
    assert await ids(limit=2) == (["c4", "c2"], 5)
    assert await ids(limit=2, offset=4) == (["c5"], 5)
    assert await ids(offset=9) == ([], 5)
    assert await ids(states=OPEN_STATES) == (["c4", "c2", "c3", "c1"], 4)
    assert await ids(states=frozenset({State.CANCELLED})) == (["c5"], 1)
    assert await ids(states=frozenset()) == ([], 0)
    assert await ids(owner="U_2") == (["c4"], 1)


async def test_looks_that_are_due_are_those_of_open_cutovers_of_every_team(store: Store) -> None:
    await add(
        store,
        cutover(1, next_look_at=NOW),
        cutover(2, next_look_at=NOW + timedelta(microseconds=1)),
        cutover(3, next_look_at=None),
        cutover(4, team=B, next_look_at=NOW - HOUR),
        cutover(5, next_look_at=NOW - HOUR, state=State.FINISHED),
    )
    assert [c.id for c in await store.transact(lambda tx: tx.cutovers.due_looks(NOW, 9))] == ["c4", "c1"]
    assert [c.id for c in await store.transact(lambda tx: tx.cutovers.due_looks(NOW, 1))] == ["c4"]


async def test_looks_that_are_due_can_be_those_of_some_states(store: Store) -> None:
    await add(
        store,
        cutover(1, next_look_at=NOW, state=State.CHANGING),
        cutover(2, next_look_at=NOW - HOUR),
        cutover(3, team=B, next_look_at=NOW - HOUR, state=State.ROLLING_BACK),
    )

    async def due(*states: State) -> list[str]:
        found = await store.transact(lambda tx: tx.cutovers.due_looks(NOW, 9, states=frozenset(states)))
        return [c.id for c in found]

    assert await due(State.CHANGING, State.ROLLING_BACK) == ["c3", "c1"]
    assert await due(State.PREPARING) == ["c2"]
    assert await due() == []


# --- history, observations, people, places -------------------------------------------------------


async def test_the_history_is_in_the_order_in_which_it_was_written(store: Store) -> None:
    await add(store, cutover(1), cutover(2))
    first = HistoryEntry(NOW, "opened", "U1", {"domain": "日本.example", "n": [1, None, {"x": True}]})
    second = HistoryEntry(NOW - HOUR, "mx_seen")  # a replica whose clock is slow
    third = HistoryEntry(NOW, "closed", "U2")

    def work(tx: Tx) -> None:
        tx.history.append(A, "c1", first)
        tx.history.append(A, "c2", HistoryEntry(NOW, "other"))
        tx.history.append(A, "c1", second)

    await store.transact(work)
    await store.transact(lambda tx: tx.history.append(A, "c1", third))
    assert list(await store.transact(lambda tx: tx.history.of(A, "c1"))) == [first, second, third]
    kinds = frozenset({"closed", "opened"})
    assert list(await store.transact(lambda tx: tx.history.of(A, "c1", kinds=kinds))) == [first, third]
    assert list(await store.transact(lambda tx: tx.history.of(A, "c1", kinds=frozenset()))) == []


async def test_observations_are_in_the_order_of_their_time(store: Store) -> None:
    await add(store, cutover(1))
    early, late = facts(NOW, ttl=86400), facts(NOW + HOUR)
    await store.transact(lambda tx: tx.observations.add(A, "c1", late))
    await store.transact(lambda tx: tx.observations.add(A, "c1", early))
    assert list(await store.transact(lambda tx: tx.observations.of(A, "c1"))) == [early, late]
    since = NOW + timedelta(seconds=1)
    assert list(await store.transact(lambda tx: tx.observations.of(A, "c1", since=since))) == [late]
    assert list(await store.transact(lambda tx: tx.observations.of(A, "c1", since=NOW))) == [early, late]


async def test_a_run_of_equal_observations_is_read_by_its_ends(store: Store) -> None:
    await add(store, cutover(1))
    looks = [facts(NOW + number * HOUR, ttl=60 if number == 3 else 300) for number in range(6)]
    for look in looks:
        await store.transact(lambda tx, look=look: tx.observations.add(A, "c1", look))  # type: ignore[misc]
    found = list(await store.transact(lambda tx: tx.observations.edges(A, "c1")))
    assert found == [looks[0], looks[2], looks[3], looks[4], looks[5]]
    assert not await store.transact(lambda tx: tx.observations.edges(B, "c1"))


async def test_the_last_word_about_a_person_counts(store: Store) -> None:
    first = Person("U1", "ja-JP", "Asia/Tokyo", False, NOW)
    second = Person("U1", "en-US", "America/New_York", True, NOW + HOUR)
    assert await store.transact(lambda tx: tx.people.get(A, "U1")) is None
    await store.transact(lambda tx: tx.people.put(A, first))
    assert await store.transact(lambda tx: tx.people.get(A, "U1")) == first
    await store.transact(lambda tx: tx.people.put(A, second))
    assert await store.transact(lambda tx: tx.people.get(A, "U1")) == second


async def test_a_place_is_kept_replaced_and_dropped(store: Store) -> None:
    await store.transact(lambda tx: tx.places.put(A, "C1:1.2", {"node": "a", "facts": [1]}, NOW))
    await store.transact(lambda tx: tx.places.put(A, "C1:1.2", {"node": "b"}, NOW + HOUR))
    assert await store.transact(lambda tx: tx.places.get(A, "C1:1.2")) == {"node": "b"}
    await store.transact(lambda tx: tx.places.drop(A, "C1:1.2"))
    assert await store.transact(lambda tx: tx.places.get(A, "C1:1.2")) is None
    await store.transact(lambda tx: tx.places.drop(A, "C1:1.2"))


async def test_questions_that_found_no_answer_are_told_newest_first(store: Store) -> None:
    def question(text: str, entry: str | None, hours: int) -> Question:
        decision = "none" if entry is None else "answer"
        return Question(text, "ja", decision, entry, NOW + hours * HOUR)

    def ask(tx: Tx) -> list[int]:
        return [
            tx.questions.add(A, question("古い質問", None, -99)),
            tx.questions.add(A, question("届かない", None, 1)),
            tx.questions.add(B, question("what?", None, 2)),
            tx.questions.add(A, question("ループする", "loop", 3)),
            tx.questions.add(A, question("zip", "zip", 0)),
        ]

    ids = await store.transact(ask)

    async def told(limit: int = 9) -> list[str]:
        rows = await store.transact(lambda tx: tx.questions.unanswered(since=NOW, limit=limit))
        return [row.text for row in rows]

    assert await told() == ["what?", "届かない"]
    assert await store.transact(lambda tx: tx.questions.rate(A, ids[3], False))
    assert await store.transact(lambda tx: tx.questions.rate(A, ids[4], True))
    assert not await store.transact(lambda tx: tx.questions.rate(B, ids[4], False))
    assert not await store.transact(lambda tx: tx.questions.rate(A, 99999, False))
    assert await told() == ["ループする", "what?", "届かない"]
    assert await told(limit=1) == ["ループする"]
    assert await store.transact(lambda tx: tx.questions.rate(A, ids[3], True))
    assert await told() == ["what?", "届かない"]


# --- inbox ---------------------------------------------------------------------------------------


async def test_a_delivery_is_accepted_once(store: Store) -> None:
    payload = {"text": "開始 example.co.jp", "nested": {"a": [1, 2]}}
    row_id = await store.transact(lambda tx: tx.inbox.accept("d1", "command", A, payload, NOW))
    assert row_id is not None
    assert await store.transact(lambda tx: tx.inbox.accept("d1", "command", A, payload, NOW)) is None
    assert await store.transact(lambda tx: tx.inbox.accept("d1", "event", B, payload, NOW)) is not None
    row = await store.transact(lambda tx: tx.inbox.get(row_id))
    assert row is not None
    assert (row.id, row.delivery_id, row.kind, row.team) == (row_id, "d1", "command", A)
    assert (row.payload, row.at) == (payload, NOW)
    assert await store.transact(lambda tx: tx.inbox.get(row_id + 1000)) is None


async def test_what_was_delivered_is_forgotten_when_it_is_settled(store: Store) -> None:
    for number, settle in enumerate((lambda tx, n: tx.inbox.done(n), lambda tx, n: tx.inbox.failed(n, "e"))):
        payload = {"text": "Received: from a.example"}

        def accept(tx: Tx, number: int = number, payload: dict[str, str] = payload) -> int | None:
            return tx.inbox.accept(f"d{number}", "event", A, payload, NOW)

        row_id = await store.transact(accept)
        assert row_id is not None
        await store.transact(lambda tx, s=settle, n=row_id: s(tx, n))  # type: ignore[misc]
        row = await store.transact(lambda tx, n=row_id: tx.inbox.get(n))  # type: ignore[misc]
        assert row is not None and row.payload == {}
        await store.wipe()


async def test_what_a_crash_left_is_found_until_it_is_settled(store: Store) -> None:
    def accept(tx: Tx) -> list[int | None]:
        return [tx.inbox.accept(f"d{n}", "event", A, {}, NOW + n * HOUR) for n in (3, 1, 2, 9)]

    third, first, second, later = await store.transact(accept)
    assert first and second and third and later

    async def left(limit: int = 9) -> list[int]:
        rows = await store.transact(lambda tx: tx.inbox.unprocessed(older_than=NOW + 9 * HOUR, limit=limit))
        return [row.id for row in rows]

    assert await left() == [first, second, third]
    assert await left(limit=1) == [first]
    assert await store.transact(lambda tx: tx.inbox.done(first))
    assert await store.transact(lambda tx: tx.inbox.failed(second, "err-1"))
    assert await left() == [third]
    assert not await store.transact(lambda tx: tx.inbox.failed(first, "err-2"))
    assert not await store.transact(lambda tx: tx.inbox.failed(second, "err-2"))
    assert not await store.transact(lambda tx: tx.inbox.done(first))
    assert not await store.transact(lambda tx: tx.inbox.done(second))
    assert not await store.transact(lambda tx: tx.inbox.done(12345))
    assert await store.transact(lambda tx: tx.inbox.accept("d3", "event", A, {}, NOW)) is None


async def test_what_is_accepted_in_the_future_is_found_where_that_is_asked(store: Store) -> None:
    """It was kept by a clock that was set back since."""

    def accept(tx: Tx) -> list[int | None]:
        return [tx.inbox.accept(f"d{n}", "event", A, {}, NOW + n * HOUR) for n in (2, 0, 1)]

    ahead, now, soon = await store.transact(accept)
    await store.transact(lambda tx: tx.inbox.accept("d9", "event", A, {}, NOW + 9 * HOUR))

    async def left(ahead_of: int, limit: int = 9) -> list[int]:
        after = NOW + ahead_of * HOUR
        rows = await store.transact(
            lambda tx: tx.inbox.unprocessed(older_than=NOW + HOUR, ahead_of=after, limit=limit)
        )
        return [row.id for row in rows]

    assert (await left(2))[:-1] == [now, ahead]
    assert await left(1, limit=3) == [now, soon, ahead]
    assert await left(10) == [now]


async def test_of_two_that_settle_one_delivery_one_is_told_no(opener: Opener) -> None:
    stores = [opener(), opener()]
    row_id = await stores[0].transact(lambda tx: tx.inbox.accept("d1", "event", A, {}, NOW))
    assert row_id
    told = await asyncio.gather(*(s.transact(lambda tx: tx.inbox.done(row_id)) for s in stores * 4))
    assert sorted(told) == [False] * 7 + [True]


# --- scoping -------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [B, GRID_A])
async def test_a_team_never_sees_or_touches_anothers_rows(store: Store, other: Team) -> None:
    """Every method that takes a team, with the other team's own keys."""

    def fill(tx: Tx) -> None:
        tx.cutovers.add(cutover(1, thread_ts="1.1"))
        tx.history.append(A, "c1", HistoryEntry(NOW, "opened"))
        tx.reminders.plan(A, "c1", 1, [reminder()])
        tx.observations.add(A, "c1", facts())
        tx.people.put(A, Person("U1", "ja-JP", "Asia/Tokyo", False, NOW))
        tx.places.put(A, "k", {"node": "a"}, NOW)

    await store.transact(fill)

    def pry(tx: Tx) -> list[object]:
        tx.places.drop(other, "k")
        return [
            tx.cutovers.get(other, "c1"),
            tx.cutovers.open_for(other, "example1.co.jp"),
            tx.cutovers.latest_for(other, "example1.co.jp"),
            tx.cutovers.by_thread(other, "C_OPS", "1.1"),
            tx.cutovers.list(other).total,
            tx.cutovers.list(other).rows,
            tx.history.of(other, "c1"),
            tx.reminders.withdraw(other, "c1"),
            tx.reminders.pending(other, "c1"),
            tx.observations.of(other, "c1"),
            tx.people.get(other, "U1"),
            tx.places.get(other, "k"),
        ]

    assert [bool(found) for found in await store.transact(pry)] == [False] * 12
    with pytest.raises(VersionConflict):
        await store.transact(lambda tx: tx.cutovers.save(cutover(1, team=other)))
    with pytest.raises(Inconsistent):
        await store.transact(lambda tx: tx.history.append(other, "c1", HistoryEntry(NOW, "x")))
    await add(store, cutover(1, team=other))  # the same id and domain in another team is another cutover
    assert await store.transact(lambda tx: tx.places.get(A, "k")) == {"node": "a"}
    assert len(await store.transact(lambda tx: tx.reminders.pending(A, "c1"))) == 1
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1, thread_ts="1.1")


# --- concurrency ---------------------------------------------------------------------------------


async def test_concurrent_changes_of_one_cutover_are_never_lost(opener: Opener) -> None:
    """Eight writers on two replicas read, change and save; who loses the race decides again."""
    stores = [opener(), opener()]
    await add(stores[0], cutover(1, alert="0"))

    def raise_by_one(tx: Tx) -> None:
        found = tx.cutovers.get(A, "c1")
        assert found is not None
        tx.cutovers.save(replace(found, alert=str(int(found.alert or 0) + 1)))
        tx.history.append(A, "c1", HistoryEntry(datetime.now(UTC), "raised"))

    async def writer(store: Store) -> None:
        left = 10
        while left:
            try:
                await store.transact(raise_by_one)
                left -= 1
            except VersionConflict:
                continue

    await asyncio.gather(*(writer(stores[n % 2]) for n in range(8)))
    found = await stores[0].transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert found is not None
    assert (found.alert, found.version) == ("80", 80)
    assert len(await stores[1].transact(lambda tx: tx.history.of(A, "c1"))) == 80


async def test_of_many_that_open_one_domain_at_once_one_succeeds(opener: Opener) -> None:
    stores = [opener(), opener()]

    async def start(number: int) -> bool:
        try:
            await add(stores[number % 2], replace(cutover(1), id=f"try{number}"))
        except AlreadyOpen:
            return False
        return True

    assert sum(await asyncio.gather(*(start(number) for number in range(8)))) == 1


async def test_two_claimers_never_share_a_row(opener: Opener) -> None:
    stores = [opener(), opener()]
    await add(stores[0], cutover(1))
    planned = [reminder(f"k{n}") for n in range(100)]
    await stores[0].transact(lambda tx: tx.reminders.plan(A, "c1", 1, planned))
    claimed: list[int] = []

    async def claimer(store: Store) -> None:
        while rows := await store.transact(lambda tx: tx.reminders.claim(NOW, limit=3, lease=LONG)):
            claimed.extend(row.id for row in rows)

    await asyncio.gather(*(claimer(stores[n % 2]) for n in range(6)))
    assert len(claimed) == len(set(claimed)) == 100
