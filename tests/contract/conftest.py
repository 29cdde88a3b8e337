"""The stores that the contract suite is run against: the fake, SQLite in a file, PostgreSQL."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from bot.ports import Store
from bot.store.engine import SqlStore, open_store
from bot.store.migrate import migrate
from tests.fakes.memory_store import MemoryStore
from tests.lab.postgres import Postgres, private_postgres

Opener = Callable[[], Store]
SqlOpener = Callable[[], SqlStore]

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A private server with a migrated database `template_store`."""
    with private_postgres() as server:
        server.sql("CREATE DATABASE template_store")
        migrate(server.url("template_store"))
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "store.db"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a fresh migrated database."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"store_{next(_numbers)}"
    server.sql(f"CREATE DATABASE {name} TEMPLATE template_store")
    yield server.url(name)
    server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def sql_opener(database: str) -> AsyncIterator[SqlOpener]:
    """Opens a store on the database; each call is another replica."""
    opened: list[SqlStore] = []

    def opener() -> SqlStore:
        opened.append(open_store(database, synchronous="OFF"))
        return opened[-1]

    yield opener
    for store in opened:
        await store.close()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def opener(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Opener]:
    """Opens a store; each call is another replica of the same data (the fake: the same object)."""
    if request.param == "memory":
        fake = MemoryStore()
        yield lambda: fake
        return
    # The same as `database`, by hand: a fixture cannot choose its parametrised neighbour.
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "contract.db")
        url = f"sqlite:///{tmp_path / 'contract.db'}"
    else:
        server: Postgres = request.getfixturevalue("postgres")
        name = f"store_{next(_numbers)}"
        server.sql(f"CREATE DATABASE {name} TEMPLATE template_store")
        url = server.url(name)
    opened: list[Store] = []

    def open_another() -> Store:
        opened.append(open_store(url, synchronous="OFF"))
        return opened[-1]

    yield open_another
    for store in opened:
        await store.close()
    if request.param == "postgresql":
        server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(opener: Opener) -> Store:
    """One store, of each kind in turn."""
    return opener()
