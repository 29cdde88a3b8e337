"""A PostgreSQL that goes away and comes back: said plainly, nothing half stored, no restart of the bot."""

import asyncio
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from bot.ports import Person, StoreUnavailable
from bot.store.engine import SqlStore, open_store
from bot.store.migrate import migrate
from bot.store.tx import SqlTx
from tests.contract.samples import NOW, A, cutover
from tests.lab.line import Line
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


async def test_after_a_failover_the_connections_to_the_standby_are_left(
    server: Postgres, store: SqlStore
) -> None:
    """Those that are open stay with a server that can only be read, and answers well."""

    person = Person("U_1", "ja-JP", "Asia/Tokyo", is_guest=False, at=NOW)

    def demoted(tx: SqlTx) -> None:
        tx.connection.execute(text("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))

    async def several(work: Callable[[SqlTx], None]) -> list[BaseException | None]:
        """At once, so that each has a connection of its own."""
        meet = threading.Barrier(3, timeout=10)

        def met(tx: SqlTx) -> None:
            meet.wait()
            work(tx)

        return await asyncio.gather(*(store.transact(met) for _ in range(3)), return_exceptions=True)

    assert await several(demoted) == [None, None, None]
    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(lambda tx: tx.cutovers.add(cutover(30)))
    assert caught.value.reason == "read_only"
    assert await several(lambda tx: tx.people.put(A, person)) == [None, None, None]
    await store.transact(lambda tx: tx.cutovers.add(cutover(30)))


async def test_a_connection_that_ran_out_while_the_machine_slept_is_said_as_away(store: SqlStore) -> None:
    """After a suspend in the midst of a transaction: the server has ended it, with a code of its own."""

    def slept(tx: SqlTx) -> None:
        tx.connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '100ms'"))
        threading.Event().wait(0.5)
        tx.cutovers.add(cutover(31))

    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(slept)
    assert caught.value.reason == "unreachable"
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c31")) is None


# --- a server that says nothing more -------------------------------------------------------------

WITHIN = 1.0  # seconds


@pytest.fixture
async def line(server: Postgres) -> AsyncIterator[Line]:
    async with Line(server.port) as line:
        yield line


def over(line: Line, within: float = WITHIN) -> SqlStore:
    return open_store(f"postgresql://postgres@127.0.0.1:{line.port}/postgres", answers_within=within)


async def test_a_database_that_falls_silent_is_left_and_found_again(line: Line) -> None:
    """In the midst of a transaction, and before one, on connections that were good a moment ago."""
    store = over(line)
    assert await store.transact(lambda tx: tx.cutovers.get(A, "nothing")) is None
    loop = asyncio.get_running_loop()

    def cut_off(tx: SqlTx) -> None:
        asyncio.run_coroutine_threadsafe(line.cut(), loop).result(10)
        tx.cutovers.add(cutover(40))

    async with asyncio.timeout(20):
        for work in (cut_off, lambda tx: tx.cutovers.add(cutover(41))):
            with pytest.raises(StoreUnavailable) as caught:
                await store.transact(work)
            assert caught.value.reason == "unreachable"
        with pytest.raises(StoreUnavailable):
            await store.health()
        line.mend()
        await store.transact(lambda tx: tx.cutovers.add(cutover(42)))
        found = await store.transact(lambda tx: [tx.cutovers.get(A, f"c{n}") for n in (40, 41, 42)])
        assert found == [None, None, cutover(42)]
    await store.close()


async def test_a_silence_leaves_no_thread_waiting(line: Line) -> None:
    """More than there are threads, each on a connection that was good."""
    store = over(line)
    await asyncio.gather(*(store.transact(lambda tx: tx.cutovers.list(A)) for _ in range(20)))
    await line.cut()
    async with asyncio.timeout(30):
        ends = await asyncio.gather(
            *(store.transact(lambda tx: tx.cutovers.list(A)) for _ in range(20)), return_exceptions=True
        )
        assert {type(end) for end in ends} == {StoreUnavailable}
        line.mend()
        await asyncio.gather(*(store.transact(lambda tx: tx.cutovers.list(A)) for _ in range(20)))
    await store.close()


async def test_a_silent_connection_is_replaced_where_others_are_answered(line: Line) -> None:
    """As where one path through the network is lost: the next transaction has a new connection."""
    store = over(line)
    await store.transact(lambda tx: tx.cutovers.list(A))
    await line.cut()
    line.mend()  # for those that come; the one that is there stays silent
    async with asyncio.timeout(20):
        with pytest.raises(StoreUnavailable):
            await store.transact(lambda tx: tx.cutovers.list(A))
        await store.transact(lambda tx: tx.cutovers.list(A))
    await store.close()


async def test_closing_does_not_wait_for_a_database_that_is_silent(line: Line) -> None:
    store = over(line, within=600)
    cut = asyncio.Event()
    loop = asyncio.get_running_loop()

    def cut_off(tx: SqlTx) -> None:
        asyncio.run_coroutine_threadsafe(line.cut(), loop).result(10)
        loop.call_soon_threadsafe(cut.set)
        tx.cutovers.add(cutover(50))

    under_way = asyncio.create_task(store.transact(cut_off))
    await cut.wait()
    async with asyncio.timeout(20):
        await store.close(seconds=0.5)
        with pytest.raises(StoreUnavailable):
            await under_way


async def test_a_peer_that_is_gone_is_noticed_by_the_connection_itself(store: SqlStore) -> None:
    def options(tx: SqlTx) -> list[int]:
        driver: Any = tx.connection.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.pgconn.socket)) as there:
            return [
                there.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                there.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                there.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
                there.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT),
                there.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
            ]

    assert await store.transact(options) == [1, 5, 3, 3, 15_000]
