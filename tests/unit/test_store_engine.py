"""Opening a database; what its troubles become."""

import asyncio
import contextvars
import resource
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bot.ports import Store, StoreUnavailable
from bot.settings import Settings
from bot.store.backup import back_up_file
from bot.store.engine import (
    BadDatabaseUrl,
    SqlStore,
    create,
    database_url,
    open_store,
    parse_url,
    sqlite_file,
    wal_is_safe,
)
from bot.store.faults import reason_of
from bot.store.migrate import migrate
from bot.store.tx import SqlTx
from tests.contract.samples import NOW, A, cutover

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///a.db", "sqlite"),
        ("sqlite+pysqlite:///a.db", "sqlite"),
        (" postgres://u:p@h/d ", "postgresql+psycopg"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+asyncpg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_the_usual_ways_to_write_a_url_are_understood(given: str, driver: str) -> None:
    assert parse_url(given).drivername == driver


@pytest.mark.parametrize(
    ("given", "reason"), [("mysql://u:hunter2@h/d", "scheme"), ("hunter2", "form"), ("", "form")]
)
def test_another_url_is_refused_without_giving_it_away(given: str, reason: str) -> None:
    with pytest.raises(BadDatabaseUrl) as caught:
        parse_url(given)
    assert caught.value.reason == reason
    assert "hunter2" not in str(caught.value)


def test_without_a_url_the_database_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, database_url=None)
    assert sqlite_file(parse_url(database_url(settings))) == tmp_path / "mxcutover.db"
    other = Settings(data=tmp_path, database_url=SecretStr("postgresql://h/d"))
    assert database_url(other) == "postgresql://h/d"


@pytest.mark.parametrize(
    ("version", "safe"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_used_on_mended_versions_only(version: tuple[int, int, int], safe: bool) -> None:
    assert wal_is_safe(version) is safe


@pytest.fixture
async def store(tmp_path: Path) -> object:
    url = f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    migrate(url)
    opened = open_store(url)
    yield opened
    await opened.close()


async def test_the_pragmas_are_set_on_every_connection(store: SqlStore) -> None:
    def look(tx: SqlTx) -> dict[str, object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return {name: tx.connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}

    assert await store.transact(look) == {
        "journal_mode": "wal" if wal_is_safe() else "persist",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
    }


@pytest.mark.parametrize("journal", ["WAL", "PERSIST"])
async def test_a_file_of_the_other_journal_mode_is_taken_over(tmp_path: Path, journal: str) -> None:
    """As after an update of SQLite, or after going back to an older one."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    other = {"WAL": "PERSIST", "PERSIST": "WAL"}[journal]
    for number, mode in enumerate((other, journal)):
        store = open_store(url, journal=mode)
        await store.transact(lambda tx, n=number: tx.cutovers.add(cutover(n)))  # type: ignore[misc]
        found = await store.transact(lambda tx: tx.connection.execute(text("PRAGMA journal_mode")).scalar())
        assert found == mode.lower()
        await store.close()
    store = open_store(url)
    assert (await store.transact(lambda tx: tx.cutovers.list(A))).total == 2
    await store.close()


async def test_the_data_is_the_owners_alone(store: SqlStore, tmp_path: Path) -> None:
    """It holds what people wrote, and tokens; the journal and the copies take after the file."""
    await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    made = [tmp_path / "new", *(tmp_path / "new").iterdir()]
    made.append(back_up_file(tmp_path / "new" / "store.db", tmp_path / "copy.db"))
    assert len(made) >= 3
    assert [path.name for path in made if path.stat().st_mode & 0o077] == []


async def test_a_transaction_holds_the_write_lock_from_its_first_read(
    store: SqlStore, tmp_path: Path
) -> None:
    def look(tx: SqlTx) -> str:
        tx.cutovers.get(A, "c1")
        with (
            closing(sqlite3.connect(tmp_path / "new" / "store.db", timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError) as caught,
        ):
            other.execute("BEGIN IMMEDIATE")
        return str(caught.value)

    assert await store.transact(look) == "database is locked"


async def test_the_loop_runs_on_while_a_transaction_works(store: SqlStore) -> None:
    release = threading.Event()
    waiting = asyncio.create_task(store.transact(lambda tx: release.wait(10)))
    await asyncio.to_thread(lambda: None)  # a turn of the loop, and of another thread
    assert not waiting.done()
    release.set()
    assert await waiting


async def test_context_variables_reach_the_transaction(store: SqlStore) -> None:
    variable = contextvars.ContextVar("variable", default="")
    variable.set("cutover c1")
    assert await store.transact(lambda tx: variable.get()) == "cutover c1"


async def test_a_cancelled_caller_does_not_tear_a_transaction(store: SqlStore) -> None:
    started, release = threading.Event(), threading.Event()

    def work(tx: SqlTx) -> None:
        tx.cutovers.add(cutover(1))
        started.set()
        release.wait(10)
        tx.cutovers.save(cutover(1))

    task = asyncio.create_task(store.transact(work))
    await asyncio.to_thread(started.wait, 10)
    task.cancel()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    found = await store.transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert found is not None
    assert found.version == 1


async def test_closing_lets_the_transaction_under_way_end(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    migrate(url)
    store = open_store(url)
    started, release = threading.Event(), threading.Event()

    def work(tx: SqlTx) -> None:
        started.set()
        release.wait(10)
        tx.cutovers.add(cutover(1))

    task = asyncio.create_task(store.transact(work))
    await asyncio.to_thread(started.wait, 10)
    closing_now = asyncio.create_task(store.close())
    release.set()
    await task
    await closing_now
    await store.close()
    again = open_store(url)
    assert await again.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)
    await again.close()


async def test_a_store_in_memory_needs_no_migration() -> None:
    store: Store = open_store("sqlite://")
    await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)
    await store.close()


# --- troubles ------------------------------------------------------------------------------------


async def test_a_full_disk_keeps_nothing_and_says_so(store: SqlStore) -> None:
    def limit(tx: SqlTx) -> None:
        pages = tx.connection.execute(text("PRAGMA page_count")).scalar_one()
        tx.connection.execute(text(f"PRAGMA max_page_count = {pages}"))

    def accept(tx: SqlTx) -> None:
        tx.inbox.accept("d1", "event", A, {"text": "x" * 500_000}, NOW)

    await store.transact(limit)
    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(accept)
    assert caught.value.reason == "full"
    left = await store.transact(lambda tx: tx.inbox.unprocessed(older_than=NOW + HOUR, limit=9))
    assert left == []


async def test_a_write_beyond_what_the_file_may_hold_is_said_as_a_full_disk(store: SqlStore) -> None:
    """As beyond a quota: the system's word for it is another than for a disk that is full."""

    def accept(tx: SqlTx) -> None:
        tx.inbox.accept("d1", "event", A, {"text": "x" * 3_000_000}, NOW)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(StoreUnavailable) as caught:
            await store.transact(accept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason == "full"
    await store.transact(accept)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (sqlite3.SQLITE_PERM, "read_only"),
        (sqlite3.SQLITE_PROTOCOL, "locked"),
        (sqlite3.SQLITE_IOERR_FSYNC, "damaged"),
        (sqlite3.SQLITE_CONSTRAINT, None),
    ],
)
def test_what_sqlite_says_seldom_is_understood_too(code: int, reason: str | None) -> None:
    said = sqlite3.OperationalError("x")
    said.sqlite_errorcode = code
    assert reason_of(DBAPIError("x", (), said)) == reason


async def test_a_read_only_disk_keeps_nothing_and_says_so(tmp_path: Path) -> None:
    migrate(f"sqlite:///{tmp_path / 'store.db'}")
    store = open_store(f"sqlite:///file:{tmp_path / 'store.db'}?mode=ro&uri=true")
    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    assert caught.value.reason == "read_only"
    with pytest.raises(StoreUnavailable) as caught:  # it can be read: that is not enough to be ready
        await store.health()
    assert caught.value.reason == "read_only"
    await store.close()


async def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database at all, but long enough to be read as one" * 40)
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}")
    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert caught.value.reason == "damaged"
    await store.close()


async def test_a_place_where_no_file_can_be_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable):
        open_store(f"sqlite:///{tmp_path / 'file' / 'store.db'}")


async def test_a_server_that_is_not_there_is_unreachable() -> None:
    store = open_store("postgresql://u:hunter2@127.0.0.1:1/d")
    with pytest.raises(StoreUnavailable) as caught:
        await store.transact(lambda tx: tx.cutovers.get(A, "c1"))
    assert caught.value.reason == "unreachable"
    assert "hunter2" not in str(caught.value)
    await store.close()


async def test_a_lock_that_passes_is_waited_for(store: SqlStore, tmp_path: Path) -> None:
    """Another process holds the write lock for a while; the transaction comes through."""
    with closing(
        sqlite3.connect(tmp_path / "new" / "store.db", isolation_level=None, check_same_thread=False)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(store.transact(lambda tx: tx.cutovers.add(cutover(1))))
        await asyncio.to_thread(other.execute, "COMMIT")
        await waiting
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)


async def test_a_lock_that_does_not_pass_is_given_up(store: SqlStore, tmp_path: Path) -> None:
    await store.transact(lambda tx: tx.connection.execute(text("PRAGMA busy_timeout = 0")) and None)
    with closing(sqlite3.connect(tmp_path / "new" / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as caught:
            await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    assert caught.value.reason == "locked"


def test_parameters_are_kept_out_of_errors(tmp_path: Path) -> None:
    engine = create(parse_url(f"sqlite:///{tmp_path / 'x.db'}"))
    with pytest.raises(Exception, match="no such table") as caught, engine.begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:secret)"), {"secret": "hunter2"})
    assert "hunter2" not in str(caught.value)
    engine.dispose()
