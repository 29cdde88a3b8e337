"""A PostgreSQL that goes away and comes back: said plainly, nothing half stored, no restart of the bot."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from bot.ports import StoreUnavailable
from bot.store.engine import SqlStore, open_store
from bot.store.migrate import migrate
from bot.store.tx import SqlTx
from tests.contract.samples import A, cutover
from tests.lab.postgres import Postgres, private_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A server of this module's own: it is stopped under the store's feet."""
    with private_postgres() as server:
        migrate(server.url())
        yield server


@pytest.fixture
async def store(server: Postgres) -> object:
    opened = open_store(server.url())
    yield opened
    await opened.close()


async def test_a_server_that_restarts_is_found_again(server: Postgres, store: SqlStore) -> None:
    await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    await asyncio.to_thread(server.control, "restart", "-m", "fast")
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)


async def test_while_it_is_away_nothing_is_stored_and_that_is_said(server: Postgres, store: SqlStore) -> None:
    def interrupted(tx: SqlTx) -> None:
        tx.cutovers.add(cutover(2))
        server.control("stop", "-m", "immediate")
        tx.cutovers.add(cutover(3))

    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(interrupted)
    assert caught.value.reason == "unreachable"
    with pytest.raises(StoreUnavailable):
        await store.transact(lambda tx: tx.cutovers.get(A, "c2"))
    with pytest.raises(StoreUnavailable):
        await store.health()
    await asyncio.to_thread(server.control, "start")
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c2")) is None
    assert (await store.health()).current


async def test_a_connection_that_the_server_ends_is_said_too(server: Postgres, store: SqlStore) -> None:
    """As an administrator does, or a server that shuts down: with a code, unlike one that just breaks."""

    def ended(tx: SqlTx) -> None:
        tx.cutovers.add(cutover(4))
        pid = tx.connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
        server.sql(f"SELECT pg_terminate_backend({pid})")
        tx.cutovers.add(cutover(5))

    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(ended)
    assert caught.value.reason == "unreachable"
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c4")) is None


async def test_a_deadlock_is_decided_again(store: SqlStore) -> None:
    """Two transactions lock two cutovers the other way round; the one that is broken off is run again."""
    await store.transact(lambda tx: tx.cutovers.add(cutover(10)))
    await store.transact(lambda tx: tx.cutovers.add(cutover(11)))
    meet = threading.Barrier(2, timeout=10)
    met: set[str] = set()

    def both(tx: SqlTx, first: str, second: str) -> None:
        for number, which in enumerate((first, second)):
            tx.connection.execute(text("SELECT 1 FROM cutovers WHERE id = :id FOR UPDATE"), {"id": which})
            if number == 0 and first not in met:
                met.add(first)
                meet.wait()
            found = tx.cutovers.get(A, which)
            assert found is not None
            tx.cutovers.save(replace(found, alert=f"{found.alert or ''}{first[-1]}"))

    await asyncio.gather(
        store.transact(lambda tx: both(tx, "c10", "c11")),
        store.transact(lambda tx: both(tx, "c11", "c10")),
    )
    for which in ("c10", "c11"):
        found = await store.transact(lambda tx, which=which: tx.cutovers.get(A, which))  # type: ignore[misc]
        assert found is not None
        assert sorted(found.alert or "") == ["0", "1"]


async def test_a_standby_is_read_only(server: Postgres, store: SqlStore) -> None:
    def work(tx: SqlTx) -> None:
        tx.connection.execute(text("SET TRANSACTION READ ONLY"))
        tx.cutovers.add(cutover(20))

    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(work)
    assert caught.value.reason == "read_only"
