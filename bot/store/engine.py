"""Opening the database and running transactions on it. SQLite and PostgreSQL, one code.

SQLite: each transaction begins with BEGIN IMMEDIATE, so that a read-modify-write cannot lose another's
update nor fail half-way with "database is locked". WAL only where SQLite has the mended version (a rare
corruption before 3.51.3, mended in 3.50.7 and 3.44.6 too), else a PERSIST journal: as safe as TRUNCATE, with
four waits for the disk in a commit instead of five (where one wait took 4 ms: 20 against 24 ms; WAL: 4).
`synchronous` is FULL in both: what was acknowledged outlives a power cut, not only a kill of the process.
"""

import asyncio
import contextvars
import errno
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import StaticPool

from bot.ports import StoreUnavailable
from bot.settings import Settings
from bot.store.batch import Batches
from bot.store.faults import passing, translated
from bot.store.patience import Patience, within
from bot.store.prepared import execute
from bot.store.tables import METADATA
from bot.store.tx import SqlTx

T = TypeVar("T")

BUSY_TIMEOUT_MS = 5_000
JOURNAL_BYTES = 4_000_000  # what a journal is cut back to after a large transaction
TRIES = 4  # of a transaction that met a lock; each SQLite try waits BUSY_TIMEOUT_MS by itself
POSTGRESQL_THREADS = 8
ANSWER_SECONDS = 40.0  # of a transaction on PostgreSQL; above its statement_timeout, which says more
HEALTH_SECONDS = 10.0
GRACE_SECONDS = 6.0  # above connect_timeout
CLOSE_SECONDS = 10.0
MENDED_WAL = ((3, 44, 6), (3, 50, 7), (3, 51, 3))


class BadDatabaseUrl(ValueError):
    """DATABASE_URL is not one that this program can use. `reason`: form, scheme, driver.

    Nothing of the URL but its scheme is said: it may hold a password.
    """

    def __init__(self, reason: str, scheme: str = "") -> None:
        super().__init__(f"DATABASE_URL cannot be used: {reason} {scheme}".rstrip())
        self.reason = reason
        self.scheme = scheme


def database_url(settings: Settings) -> str:
    """The database to use: DATABASE_URL, else a SQLite file in the data folder."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return f"sqlite:///{settings.data.expanduser() / 'mxcutover.db'}"


def parse_url(url: str) -> URL:
    """A database URL as SQLAlchemy's, with the driver that is used here. Raises BadDatabaseUrl."""
    try:
        parsed = make_url(url.strip())
    except (ArgumentError, ValueError):
        raise BadDatabaseUrl("form") from None
    kind = parsed.drivername.split("+")[0]
    if kind == "sqlite":
        return parsed.set(drivername="sqlite")
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    raise BadDatabaseUrl("scheme", kind)


def sqlite_file(url: URL) -> Path | None:
    """The file of a SQLite URL; None for PostgreSQL and for a database in memory."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    name = str(url.database)
    return Path(name.removeprefix("file:").split("?")[0])


def wal_is_safe(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the mended write-ahead log: its own branch's fix, or any later branch."""
    for fixed in MENDED_WAL:
        if version[:2] == fixed[:2]:
            return version >= fixed
    return version >= max(MENDED_WAL)


def create(
    url: URL, *, foreign_keys: bool = True, synchronous: str = "FULL", journal: str | None = None
) -> Engine:
    """An engine as the whole program uses it. `foreign_keys=False` is for migrations alone.

    For SQLite, `synchronous`: FULL; NORMAL where losing the last moments at a power cut is acceptable; OFF
    where only a kill of the process has to be outlived. `journal`: WAL or PERSIST; without it by version.
    """
    if url.get_backend_name() == "sqlite":
        mode = journal or ("WAL" if wal_is_safe() else "PERSIST")
        return _create_sqlite(url, foreign_keys=foreign_keys, synchronous=synchronous, journal=mode)
    try:
        from bot.store.postgresql import create_postgresql

        return create_postgresql(url, POSTGRESQL_THREADS)
    except ModuleNotFoundError:
        raise BadDatabaseUrl("driver", "postgresql") from None


def _create_sqlite(url: URL, *, foreign_keys: bool, synchronous: str, journal: str) -> Engine:
    file = sqlite_file(url)
    if file is None:
        engine = create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}, hide_parameters=True
        )
    else:
        _make_place(file)
        engine = create_engine(url, hide_parameters=True)

    def connected(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver shall not begin transactions by itself
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
        connection.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, free pages too
        _set_journal(connection, journal)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _make_place(file: Path) -> None:
    """Folder and file, for the owner alone: they hold what people wrote, and tokens.

    SQLite gives its journal the file's rights, `backup` its copies. Raises StoreUnavailable.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        if file.exists():
            return  # it is there, though not to be touched: SQLite will say what it can do with it
        reasons = {errno.ENOSPC: "full", errno.EROFS: "read_only", errno.EACCES: "read_only"}
        reason = reasons.get(error.errno or 0, "unreachable")
        raise StoreUnavailable(reason, f"{file}: {error.strerror}") from error


def _set_journal(connection: sqlite3.Connection, journal: str) -> None:
    """Ask for the journal mode only where it differs: the change needs the file to itself."""
    (present,) = connection.execute("PRAGMA journal_mode").fetchone()
    if present in ("memory", journal.lower()):
        return
    try:
        connection.execute(f"PRAGMA journal_mode = {journal}")
    except sqlite3.OperationalError as error:
        # Another process holds the file, or it is read-only: the mode it has works as well.
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
            raise


def _begin_immediate(connection: Connection) -> None:
    execute(connection, "BEGIN IMMEDIATE")


@dataclass(frozen=True, slots=True)
class Health:
    """What readiness wants to know. `revision`: the schema that is there; `head`: what this code expects."""

    revision: str | None
    head: str
    newer: bool = False  # of a later release, on which this one still runs (see migrate)

    @property
    def current(self) -> bool:
        """Whether this code can work with the schema that is there."""
        return self.newer or self.revision == self.head


class SqlStore:
    """ports.Store on SQLAlchemy. Transactions run in threads of its own: one for SQLite, else several."""

    def __init__(self, engine: Engine, threads: int, *, answers_within: float = ANSWER_SECONDS) -> None:
        """`answers_within`: seconds for a transaction on PostgreSQL; SQLite has its own (BUSY_TIMEOUT_MS)."""
        self._engine = engine
        self._answers_within = answers_within
        self._waiting: set[Patience] = set()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._kept: Connection | None = None  # SQLite's own thread keeps its connection: a third of the cost
        self._batches = (
            Batches(self._begin, self._pool, partial(self._tried, begin=self._begin))
            if threads == 1
            else None
        )

    @property
    def engine(self) -> Engine:
        return self._engine

    async def transact(self, work: Callable[[SqlTx], T]) -> T:
        """Run `work` in one transaction in a worker thread: committed when it returns, else rolled back.

        `work` is run again where the database broke it off (a deadlock on PostgreSQL; a shared commit on
        SQLite that another's rows made fail): it must do nothing but read and write through its argument.
        A caller that is cancelled does not stop it; it commits or rolls back by itself. Raises what `work`
        raises, StoreUnavailable, and Inconsistent where rows would not fit together. A PostgreSQL that gives
        no answer is left after `answers_within` seconds, "unreachable": it may have committed.
        """
        return await self._transact(work, self._answers_within)

    async def _transact(self, work: Callable[[SqlTx], T], seconds: float) -> T:
        if self._batches is not None:
            return await self._batches.submit(work)
        patience = Patience(seconds)
        run = partial(contextvars.copy_context().run, self._run, work, patience)
        self._waiting.add(patience)
        try:
            # The thread ends by its patience; the rest is for what it cannot end: a name that is looked up.
            async with asyncio.timeout(seconds + GRACE_SECONDS) as limit:
                return await asyncio.get_running_loop().run_in_executor(self._pool, run)
        except TimeoutError:
            if not limit.expired():
                raise
            raise StoreUnavailable("unreachable", "no answer in time") from None
        finally:
            self._waiting.discard(patience)

    def run(self, work: Callable[[SqlTx], T]) -> T:
        """As `transact`, in this thread: for commands and benchmarks."""
        return self._run(work, Patience(self._answers_within))

    def _run(self, work: Callable[[SqlTx], T], patience: Patience) -> T:
        with within(patience):
            return self._tried(work, self._engine.begin)

    @contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction on the connection that the store's thread keeps; only there."""
        if self._kept is None:
            self._kept = self._engine.connect()
        try:
            with self._kept.begin():
                yield self._kept
        except DBAPIError:
            self._drop()  # whatever it was, the next one begins on a connection that is known to be good
            raise

    def _drop(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def _tried(
        self, work: Callable[[SqlTx], T], begin: Callable[[], AbstractContextManager[Connection]]
    ) -> T:
        for left in reversed(range(TRIES)):
            try:
                with begin() as connection:
                    return work(SqlTx(connection))
            except DBAPIError as error:
                if not (left and passing(error)):
                    raise translated(error) from error
                time.sleep(0.05 * (TRIES - left))
        raise AssertionError("unreachable")

    async def health(self) -> Health:
        """Reads the schema's revision; raises StoreUnavailable where the database does not answer (in
        HEALTH_SECONDS), or only lets itself be read.
        """
        from bot.store.migrate import head, known, writable_revision

        if self._engine.dialect.name == "sqlite" and sqlite_file(self._engine.url) is None:
            return Health(head(), head())  # in memory: made by this very code
        seconds = min(HEALTH_SECONDS, self._answers_within)
        revision = await self._transact(lambda tx: writable_revision(tx.connection), seconds)
        return Health(revision, head(), newer=revision is not None and revision not in known())

    async def wipe(self) -> None:
        """See ports.Store. Deleted text is overwritten in SQLite's file itself; its journal still has it."""
        if self._engine.dialect.name == "sqlite" and sqlite_file(self._engine.url) is not None:
            await asyncio.get_running_loop().run_in_executor(self._pool, self._wipe_journal)

    def _wipe_journal(self) -> None:
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            raw = connection.connection.cursor()
            (mode,) = raw.execute("PRAGMA journal_mode").fetchone()
            try:
                if mode == "wal":
                    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                elif mode == "persist":
                    # Going over to DELETE deletes the journal's file; the next transaction makes it anew.
                    raw.execute("PRAGMA journal_mode = DELETE")
                    raw.execute("PRAGMA journal_mode = PERSIST")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
                    raise

    async def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Let what is under way end, then close every connection. Calling it twice does no harm.

        A PostgreSQL that does not answer is waited for no longer than `seconds`.
        """
        for patience in self._waiting:
            patience.shorten(seconds)
        if self._batches is not None:
            with suppress(RuntimeError):  # shut down before
                self._pool.submit(self._drop)
        await asyncio.to_thread(self._pool.shutdown, wait=True)
        self._engine.dispose()


def open_store(
    url: str,
    *,
    synchronous: str = "FULL",
    journal: str | None = None,
    answers_within: float = ANSWER_SECONDS,
) -> SqlStore:
    """Open a store; its schema must be there already (`migrate`), but for one in memory (`sqlite://`).

    `synchronous` and `journal` as in `create`, `answers_within` as in SqlStore. Connects when first used.
    Raises BadDatabaseUrl, and StoreUnavailable where the folder of a SQLite file cannot be made.
    """
    parsed = parse_url(url)
    engine = create(parsed, synchronous=synchronous, journal=journal)
    if parsed.get_backend_name() != "sqlite":
        return SqlStore(engine, POSTGRESQL_THREADS, answers_within=answers_within)
    if sqlite_file(parsed) is None:
        METADATA.create_all(engine)
    return SqlStore(engine, 1)
