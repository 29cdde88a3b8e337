"""What is old goes; what is still to be done, or of an open cutover, stays."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select, text, update

from bot.domain.cutover import State
from bot.ports import HistoryEntry, Person, Question, Tx
from bot.settings import Settings
from bot.store import retention
from bot.store.engine import SqlStore
from bot.store.faults import Inconsistent
from bot.store.retention import Keep, Retention, forget
from bot.store.tables import HISTORY_PURGES, INBOX, METADATA, OUTBOX
from bot.store.tx import SqlTx
from tests.contract.conftest import SqlOpener
from tests.contract.samples import LONG, NOW, A, cutover, facts, post, reminder

DAY = timedelta(days=1)


async def count(store: SqlStore) -> dict[str, int]:
    def work(tx: SqlTx) -> dict[str, int]:
        return {
            table.name: tx.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in METADATA.sorted_tables
        }

    return {name: number for name, number in (await store.transact(work)).items() if number}


def settle_long_ago(tx: SqlTx) -> None:
    """As if everything that is settled had been settled 31 days ago."""
    for table in (INBOX, OUTBOX):
        tx.connection.execute(
            update(table)
            .where(table.c.settled_at.is_not(None))
            .values(settled_at=datetime.now(UTC) - 31 * DAY)
        )


async def test_settled_deliveries_and_messages_go_when_they_are_old(sql_opener: SqlOpener) -> None:
    store = sql_opener()

    def fill(tx: SqlTx) -> None:
        long_ago = NOW - 400 * DAY
        done, error, *_ = [tx.inbox.accept(f"d{n}", "event", A, {}, long_ago) for n in range(4)]
        assert done and error
        assert tx.inbox.done(done)
        tx.inbox.failed(error, "e")
        for number in range(4):
            tx.outbox.put(A, post(f"C{number}", not_before=long_ago))
        sent, failed, *_ = tx.outbox.claim(NOW, limit=3, lease=LONG)
        tx.outbox.sent(sent.id, sent.token, "1")
        tx.outbox.failed(failed.id, failed.token, "x")

    await store.transact(fill)
    assert await forget(store, NOW, Keep()) == {}
    await store.transact(settle_long_ago)
    assert await forget(store, NOW, Keep(deliveries=32 * DAY)) == {}
    assert await forget(store, NOW, Keep()) == {"inbox": 2, "outbox": 2}
    assert await count(store) == {"inbox": 2, "outbox": 2}
    assert await store.transact(lambda tx: tx.outbox.unsettled()) == 2


async def test_conversations_people_and_questions_go_by_their_own_age(sql_opener: SqlOpener) -> None:
    store = sql_opener()

    def fill(tx: Tx) -> None:
        for days in (29, 31, 91):
            at = NOW - days * DAY
            tx.places.put(A, f"k{days}", {}, at)
            tx.people.put(A, Person(f"U{days}", "ja-JP", "Asia/Tokyo", False, at))
            tx.questions.add(A, Question("届かない", "ja", "none", None, at))

    await store.transact(fill)
    assert await forget(store, NOW, Keep()) == {"places": 2, "people": 2, "questions": 1}
    assert await store.transact(lambda tx: tx.places.get(A, "k29")) == {}
    assert await store.transact(lambda tx: tx.people.get(A, "U29")) is not None


async def _cutovers(store: SqlStore, states: Sequence[State], days: int) -> None:
    def fill(tx: Tx) -> None:
        at = NOW - days * DAY
        for number, state in enumerate(states):
            which = f"c{number}"
            tx.cutovers.add(cutover(number, state=state, opened_at=at))
            tx.history.append(A, which, HistoryEntry(at, "opened"))
            tx.observations.add(A, which, facts(at))
            tx.reminders.plan(A, which, 1, [reminder()])
            tx.outbox.put(A, post(cutover_id=which))

    await store.transact(fill)


async def test_observations_of_an_open_cutover_stay(sql_opener: SqlOpener) -> None:
    store = sql_opener()
    await _cutovers(store, list(State), 100)
    closed = [state for state in State if not cutover(1, state=state).is_open]
    assert await forget(store, NOW, Keep()) == {"observations": len(closed)}
    for number, state in enumerate(State):
        left = await store.transact(lambda tx, n=number: tx.observations.of(A, f"c{n}"))  # type: ignore[misc]
        assert len(left) == (state not in closed)


async def test_cutovers_are_kept_for_ever_unless_told_otherwise(sql_opener: SqlOpener) -> None:
    store = sql_opener()
    await _cutovers(store, [State.FINISHED, State.WATCHING], 5000)
    await forget(store, NOW, Keep.by(Settings()))
    assert (await count(store))["cutovers"] == 2
    assert (await count(store))["history"] == 2


async def test_an_old_cutover_goes_with_all_that_hangs_on_it_and_leaves_a_mark(
    sql_opener: SqlOpener,
) -> None:
    store = sql_opener()
    await _cutovers(store, [State.FINISHED, State.WATCHING, State.CANCELLED], 400)
    await store.transact(lambda tx: tx.history.append(A, "c2", HistoryEntry(NOW - DAY, "noted")))
    keep = Keep(cutovers=365 * DAY)
    gone = await forget(store, NOW, keep)
    assert {name: gone[name] for name in ("cutovers", "history", "reminders", "outbox")} == {
        "cutovers": 1,
        "history": 1,
        "reminders": 1,
        "outbox": 1,
    }
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c0")) is None
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) is not None
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c2")) is not None
    marks = await store.transact(
        lambda tx: tx.connection.execute(select(HISTORY_PURGES.c.cutover_id, HISTORY_PURGES.c.reason)).all()
    )
    assert [tuple(mark) for mark in marks] == [("c0", "retention")]
    with pytest.raises(Inconsistent, match="append-only"):
        await store.transact(lambda tx: tx.connection.execute(text("DELETE FROM history")))


async def test_many_rows_go_in_small_transactions(
    sql_opener: SqlOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    store = sql_opener()

    def fill(tx: SqlTx) -> None:
        old = {"enterprise_id": "", "team_id": "T", "kind": "x", "payload": {}, "at": NOW, "state": "done"}
        settled = {"settled_at": NOW - 9999 * DAY}
        tx.connection.execute(insert(INBOX), [{**old, **settled, "delivery_id": str(n)} for n in range(35)])

    await store.transact(fill)
    sizes: list[int] = []

    def listen(_c: object, cursor: Any, statement: str, *_rest: object) -> None:
        if statement.startswith("DELETE FROM inbox"):
            sizes.append(cursor.rowcount)

    event.listen(store.engine, "after_cursor_execute", listen)
    assert await forget(store, NOW, Keep()) == {"inbox": 35}
    assert sizes == [10, 10, 10, 5]


async def test_the_job_forgets_at_once_and_then_rests(sql_opener: SqlOpener) -> None:
    class Still:
        def now(self) -> datetime:
            return NOW

    store = sql_opener()
    job = Retention(store, Still(), Keep())
    await store.transact(lambda tx: tx.places.put(A, "k1", {}, NOW - 99 * DAY))
    assert await job.run() == {"places": 1}
    await store.transact(lambda tx: tx.places.put(A, "k2", {}, NOW - 99 * DAY))
    assert await job.run() == {}
