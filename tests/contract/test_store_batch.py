"""SQLite's shared commits: fewer waits for the disk, and still each transaction by itself."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.ports import AlreadyOpen, HistoryEntry, StoreUnavailable
from bot.store.engine import SqlStore, open_store
from bot.store.faults import Inconsistent
from bot.store.migrate import migrate
from bot.store.tx import SqlTx
from tests.contract.samples import NOW, A, cutover


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    opened = open_store(url, synchronous="OFF")
    yield opened
    await opened.close()


async def at_once(store: SqlStore, *works: Callable[[SqlTx], Any]) -> list[Any]:
    """All of them gather behind one that waits, so that they share what comes after it."""
    release = threading.Event()
    first = asyncio.ensure_future(store.transact(lambda tx: release.wait(10)))
    rest = [asyncio.ensure_future(store.transact(work)) for work in works]
    await asyncio.to_thread(lambda: None)
    release.set()
    await first
    return await asyncio.gather(*rest, return_exceptions=True)


async def test_transactions_that_wait_together_share_a_commit(store: SqlStore) -> None:
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda connection: commits.append(1))

    def accept(number: int) -> Callable[[SqlTx], int | None]:
        return lambda tx: tx.inbox.accept(f"d{number}", "event", A, {"n": number}, NOW)

    ids = await at_once(store, *(accept(number) for number in range(40)))
    assert len(commits) == 2  # of the one that waited, and of the forty
    for number, row_id in enumerate(ids):
        row = await store.transact(lambda tx, i=row_id: tx.inbox.get(i))  # type: ignore[misc]
        assert row is not None
        assert row.payload == {"n": number}


async def test_each_sees_what_those_before_it_wrote(store: SqlStore) -> None:
    def start(number: int) -> Callable[[SqlTx], None]:
        return lambda tx: tx.cutovers.add(replace(cutover(1), id=f"try{number}"))

    outcomes = await at_once(store, *(start(number) for number in range(5)))
    assert [type(outcome) for outcome in outcomes] == [type(None)] + [AlreadyOpen] * 4


async def test_one_that_fails_leaves_nothing_and_harms_no_other(store: SqlStore) -> None:
    def failing(tx: SqlTx) -> None:
        tx.cutovers.add(cutover(2))
        raise ZeroDivisionError

    outcomes = await at_once(
        store, lambda tx: tx.cutovers.add(cutover(1)), failing, lambda tx: tx.cutovers.add(cutover(3))
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), ZeroDivisionError, type(None)]
    page = await store.transact(lambda tx: tx.cutovers.list(A))
    assert [row.id for row in page.rows] == ["c1", "c3"]


@pytest.mark.parametrize(
    "bad",
    [
        lambda tx: tx.history.append(A, "nowhere", HistoryEntry(NOW, "x")),  # seen at the commit alone
        lambda tx: tx.connection.execute(text("UPDATE cutovers SET state = 'lost'")),  # seen at once
    ],
)
async def test_one_that_the_database_refuses_harms_no_other(
    store: SqlStore, bad: Callable[[SqlTx], Any]
) -> None:
    outcomes = await at_once(
        store, lambda tx: tx.cutovers.add(cutover(1)), bad, lambda tx: tx.cutovers.add(cutover(3))
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), Inconsistent, type(None)]
    page = await store.transact(lambda tx: tx.cutovers.list(A))
    assert [row.id for row in page.rows] == ["c1", "c3"]


async def test_on_a_full_disk_each_is_told_so(store: SqlStore) -> None:
    def limit(tx: SqlTx) -> None:
        pages = tx.connection.execute(text("PRAGMA page_count")).scalar_one()
        tx.connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    def large(number: int) -> Callable[[SqlTx], int | None]:
        return lambda tx: tx.inbox.accept(f"d{number}", "event", A, {"x": "x" * 300_000}, NOW)

    await store.transact(limit)
    outcomes = await at_once(store, large(1), large(2), large(3))
    assert [getattr(outcome, "reason", outcome) for outcome in outcomes] == ["full"] * 3
    assert all(isinstance(outcome, StoreUnavailable) for outcome in outcomes)


async def test_one_that_was_cancelled_before_its_turn_is_not_done(store: SqlStore) -> None:
    release = threading.Event()
    first = asyncio.ensure_future(store.transact(lambda tx: release.wait(10)))
    second = asyncio.ensure_future(store.transact(lambda tx: tx.cutovers.add(cutover(1))))
    third = asyncio.ensure_future(store.transact(lambda tx: tx.cutovers.add(cutover(2))))
    await asyncio.to_thread(lambda: None)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    release.set()
    await asyncio.gather(first, third)
    page = await store.transact(lambda tx: tx.cutovers.list(A))
    assert [row.id for row in page.rows] == ["c2"]
