"""The schema: migrated as modelled, append-only where it must be, safe when several start at once."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text
from sqlmodel import Session, select

from bot.domain.cutover import State
from bot.ports import HistoryEntry, Tx
from bot.store import migrate as migrations
from bot.store.engine import SqlStore, create, open_store, parse_url
from bot.store.faults import Inconsistent
from bot.store.migrate import MigrationFailed, head, known, migrate, revision_of
from bot.store.tables import METADATA, CutoverRow
from bot.store.tx import SqlTx
from tests.contract.conftest import SqlOpener
from tests.contract.samples import NOW, A, B, cutover, post, reminder
from tests.lab.postgres import Postgres


def _fresh(name: str, request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{tmp_path / name}.db"
    server: Postgres = request.getfixturevalue("postgres")
    server.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    server.sql(f"CREATE DATABASE {name}")
    return server.url(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Makes an empty database; its URL."""
    kind: str = request.param
    return lambda name: _fresh(name, request, tmp_path, kind)


SQLITE_SCHEMA = """
    SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%' AND sql IS NOT NULL
    ORDER BY type, name"""
POSTGRESQL_SCHEMA = """
    SELECT 'column', c.relname || '.' || a.attname,
           format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull || ' '
           || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
     WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND a.attnum > 0
       AND c.relname <> 'alembic_version'
    UNION ALL SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
      FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conname NOT LIKE 'alembic%'
    UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes
     WHERE schemaname = 'public' AND tablename <> 'alembic_version'
    UNION ALL SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
    ORDER BY 1, 2"""


def _schema(connection: Connection) -> list[tuple[str, ...]]:
    query = SQLITE_SCHEMA if connection.dialect.name == "sqlite" else POSTGRESQL_SCHEMA
    # Quotes, blanks and the order within a table are a matter of who wrote it: Alembic or the models.
    return [
        tuple(" ".join(sorted(str(cell).replace('"', "").replace(",", " ").split())) for cell in row)
        for row in connection.execute(text(query))
    ]


def test_the_migrated_schema_is_the_one_of_the_models(empty: Callable[[str], str]) -> None:
    migrated, modelled = empty("migrated"), empty("modelled")
    assert migrate(migrated).after == head()
    schemas = []
    for url in (migrated, modelled):
        engine = create(parse_url(url))
        with engine.begin() as connection:
            if url == modelled:
                METADATA.create_all(connection)
            schemas.append(_schema(connection))
        engine.dispose()
    assert schemas[0] == schemas[1]
    assert len(schemas[0]) > 20


def test_migrating_twice_changes_nothing_and_makes_no_copy(empty: Callable[[str], str]) -> None:
    url = empty("twice")
    first, second = migrate(url), migrate(url)
    assert (first.before, first.after, first.changed) == (None, head(), True)
    assert (second.before, second.changed, second.backup) == (head(), False, None)


def test_a_database_of_every_earlier_release_is_brought_up(empty: Callable[[str], str]) -> None:
    for revision in sorted(known() - {head()}):
        url = empty(f"from_{revision}")
        migrate(url, to=revision)
        done = migrate(url)
        assert (done.before, done.after) == (revision, head())


Columns = dict[tuple[str, str], tuple[str, bool, bool]]


def _columns(url: str) -> Columns:
    """(table, column) -> type, whether NULL may stand there, whether an INSERT may leave it out."""
    engine = create(parse_url(url))
    with engine.connect() as connection:
        found = inspect(connection)
        columns = {
            (table, column["name"]): (
                str(column["type"]),
                bool(column["nullable"]),
                bool(column["nullable"] or column["default"] is not None),
            )
            for table in found.get_table_names()
            for column in found.get_columns(table)
        }
    engine.dispose()
    return columns


def test_each_step_leaves_what_an_older_replica_reads_and_writes(empty: Callable[[str], str]) -> None:
    """Replicas of the release before still run while one of the next migrates: a step only adds."""
    revisions = sorted(known())
    stages = []
    for revision in revisions:
        url = empty(f"at_{revision}")
        migrate(url, to=revision)
        stages.append(_columns(url))
    for revision, before, after in zip(revisions[1:], stages, stages[1:], strict=False):
        tables = {table for table, _ in before}
        for place, (kind, nullable, omissible) in before.items():
            assert place in after, f"{revision} takes {place} away"
            assert after[place][0] == kind, f"{revision} changes the type of {place}"
            assert after[place][1] or not nullable, f"{revision} refuses NULL in {place}"
            assert after[place][2] or not omissible, f"{revision} demands {place}"
        for place in after.keys() - before.keys():
            if place[0] in tables:
                assert after[place][2], f"{revision} adds {place}, which an older INSERT leaves out"


def test_processes_that_migrate_at_once_all_find_it_done(empty: Callable[[str], str]) -> None:
    url = empty("at_once")
    program = f"from bot.store.migrate import migrate; print(migrate({url!r}).after)"
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out.decode().strip()) == (0, head()), err.decode()


def test_threads_that_migrate_at_once_change_it_once(empty: Callable[[str], str]) -> None:
    url = empty("threads")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: migrate(url), range(4)))
    assert sorted(each.changed for each in done) == [False, False, False, True]


async def test_a_newer_schema_is_left_alone(empty: Callable[[str], str]) -> None:
    """A replica of the release before starts again while the new release has migrated already."""
    url = empty("newer")
    migrate(url)
    engine = create(parse_url(url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    done = migrate(url)
    assert (done.newer, done.changed, done.after) == (True, False, "9999")
    store = open_store(url)
    assert (await store.health()).current  # and so it stays ready for work
    await store.close()


async def test_health_tells_what_schema_is_there(empty: Callable[[str], str]) -> None:
    url = empty("health")
    store = open_store(url)
    try:
        assert (await store.health()).revision is None
        assert not (await store.health()).current
        migrate(url)
        assert (await store.health()).current
    finally:
        await store.close()


# --- a migration that alters tables -----------------------------------------------------------


STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{down}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {body}
"""


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Adds a step to a copy of the migrations, as the next release would."""
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent / "migrations", folder)
    real = migrations.config

    def config() -> object:
        made = real()
        made.set_main_option("script_location", str(folder))
        return made

    monkeypatch.setattr(migrations, "config", config)

    def add(body: str) -> None:
        step = STEP.format(revision="next", down=head(), body=body)
        (folder / "versions" / "next.py").write_text(step)
        _forget()

    return add


def _forget() -> None:
    head.cache_clear()
    known.cache_clear()


@pytest.fixture(autouse=True)
def _forget_the_head() -> object:
    yield
    _forget()


async def _filled(url: str) -> None:
    def fill(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        tx.history.append(A, "c1", HistoryEntry(NOW, "opened"))
        tx.reminders.plan(A, "c1", 1, [reminder("a"), reminder("b")])
        tx.outbox.put(A, post())

    store = open_store(url)
    await store.transact(fill)
    await store.close()


async def test_a_rebuilt_parent_table_keeps_its_children(
    empty: Callable[[str], str], steps: Callable[[str], None]
) -> None:
    """On SQLite an altered table is dropped and made anew; with foreign keys on, children would go."""
    url = empty("rebuilt")
    migrate(url)
    await _filled(url)
    steps(
        'with op.batch_alter_table("cutovers") as batch:\n'
        '        batch.alter_column("alert", existing_type=sa.String(), new_column_name="warning")'
    )
    done = migrate(url)
    assert done.after == "next"
    engine = create(parse_url(url))
    with engine.begin() as connection:
        counts = [
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608
            for table in ("cutovers", "history", "reminders", "outbox")
        ]
        with pytest.raises(Exception, match="append-only"):
            connection.execute(text("DELETE FROM history"))
    engine.dispose()
    assert counts == [1, 1, 2, 1]
    if url.startswith("sqlite"):
        assert done.backup is not None
        with closing(sqlite3.connect(done.backup)) as copy:
            assert copy.execute("SELECT count(*) FROM reminders").fetchone() == (2,)
            assert copy.execute("SELECT alert FROM cutovers").fetchone() == (None,)
    else:
        assert done.backup is None


async def test_a_step_that_fails_changes_nothing(
    empty: Callable[[str], str], steps: Callable[[str], None]
) -> None:
    url = empty("fails")
    migrate(url)
    await _filled(url)
    before = head()
    steps('op.drop_table("people")\n    raise ZeroDivisionError')
    with pytest.raises(ZeroDivisionError):
        migrate(url)
    engine = create(parse_url(url))
    with engine.begin() as connection:
        assert revision_of(connection) == before
        assert connection.execute(text("SELECT count(*) FROM people")).scalar_one() == 0
    engine.dispose()


async def test_a_step_that_leaves_rows_pointing_at_nothing_is_undone(
    tmp_path: Path, steps: Callable[[str], None]
) -> None:
    url = f"sqlite:///{tmp_path / 'orphans.db'}"
    migrate(url)
    await _filled(url)
    steps('op.execute("DELETE FROM cutovers")')
    with pytest.raises(MigrationFailed) as caught:
        migrate(url)
    assert caught.value.tables == ["history", "reminders"]
    store = open_store(url)
    assert await store.transact(lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)
    await store.close()


# --- what the database itself refuses -----------------------------------------------------------


async def test_history_cannot_be_changed_or_deleted(sql_opener: SqlOpener) -> None:
    store = sql_opener()

    def fill(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        tx.cutovers.add(cutover(2))
        tx.history.append(A, "c1", HistoryEntry(NOW, "opened", "U1"))
        tx.history.append(A, "c2", HistoryEntry(NOW, "opened", "U1"))

    await store.transact(fill)
    statements = ["UPDATE history SET actor = 'U_EVIL'", "DELETE FROM history"]
    if store.engine.dialect.name == "postgresql":
        statements.append("TRUNCATE history")
    for statement in statements:
        with pytest.raises(Inconsistent, match="append-only"):
            await _execute(store, statement)
    entries = await store.transact(lambda tx: tx.history.of(A, "c1"))
    assert [entry.actor for entry in entries] == ["U1"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cutovers SET state = 'lost'",
        "UPDATE cutovers SET version = -1",
        "UPDATE reminders SET state = 'lost'",
        "UPDATE outbox SET state = 'lost'",
        "UPDATE outbox SET delivery = 'pigeon'",
        "UPDATE inbox SET state = 'lost'",
        "DELETE FROM cutovers",
        "UPDATE cutovers SET team_id = 'T_B'",
    ],
)
async def test_a_row_that_would_not_fit_is_refused(sql_opener: SqlOpener, statement: str) -> None:
    store = sql_opener()

    def fill(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        tx.reminders.plan(A, "c1", 1, [reminder()])
        tx.outbox.put(A, post())
        tx.inbox.accept("d1", "event", A, {}, NOW)

    await store.transact(fill)
    with pytest.raises(Inconsistent):
        await _execute(store, statement)


async def test_the_open_index_knows_every_open_state(sql_opener: SqlOpener) -> None:
    """The index's condition and the domain's OPEN_STATES are one thing."""
    store = sql_opener()
    for number, state in enumerate(State):
        await store.transact(
            lambda tx, number=number, state=state: tx.cutovers.add(cutover(number, team=B, state=state))  # type: ignore[misc]
        )
    for number, state in enumerate(State):
        found = await store.transact(
            lambda tx, number=number: tx.cutovers.open_for(B, f"example{number}.co.jp")  # type: ignore[misc]
        )
        assert (found is not None) == cutover(1, state=state).is_open


async def test_the_tables_serve_as_models(sql_opener: SqlOpener) -> None:
    """A maintainer at a prompt reads rows through SQLModel; times are aware."""
    store = sql_opener()
    await store.transact(lambda tx: tx.cutovers.add(cutover(1)))
    with Session(store.engine) as session:
        row = session.exec(select(CutoverRow)).one()
    assert (row.domain, row.day) == ("example1.co.jp", cutover(1).day)
    assert row.day.utcoffset() is not None


async def _execute(store: SqlStore, statement: str) -> None:
    def work(tx: SqlTx) -> None:
        tx.connection.execute(text(statement))

    await store.transact(work)
