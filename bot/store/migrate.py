"""Bringing a database's schema up to this release. Safe when several processes start at once.

All steps run in one transaction, which holds the database's own lock (SQLite: BEGIN IMMEDIATE; PostgreSQL:
an advisory lock), so the second process finds the work done. On SQLite foreign keys are off before that
transaction begins, since altering a table rebuilds it and would delete its children; they are checked
before it commits. An existing SQLite file is copied aside first.

Rule for new steps: the release before must still run on the new schema (add now, remove a release later),
because old replicas keep working while new ones start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from bot.store.backup import back_up_file, stamp
from bot.store.engine import create, parse_url, sqlite_file
from bot.store.faults import translated

LOCK = 0x6D786375746F7672  # "mxcutovr": the advisory lock's number


class MigrationFailed(Exception):
    """The schema is as it was before. `tables`: whose rows would have pointed at nothing."""

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(f"rows would point at nothing afterwards in: {', '.join(tables)}")
        self.tables = tables


@dataclass(frozen=True, slots=True)
class Migrated:
    """What `migrate` did. `backup`: the copy of the SQLite file as it was before, where one was made.

    `newer`: the schema is of a later release; it was left alone.
    """

    before: str | None
    after: str | None
    backup: Path | None = None
    newer: bool = False

    @property
    def changed(self) -> bool:
        return self.before != self.after


def config() -> Config:
    """Alembic's configuration; needs no file, so that an installed wheel can migrate."""
    made = Config()
    made.set_main_option("script_location", "bot.store:migrations")
    made.set_main_option("path_separator", "os")
    return made


@cache
def head() -> str:
    """The newest revision that this code knows."""
    return str(ScriptDirectory.from_config(config()).get_current_head())


@cache
def known() -> frozenset[str]:
    """Every revision that this code knows."""
    return frozenset(step.revision for step in ScriptDirectory.from_config(config()).walk_revisions())


def revision_of(connection: Connection) -> str | None:
    """The revision of the schema that is there; None: no schema yet."""
    return MigrationContext.configure(connection).get_current_revision()


def writable_revision(connection: Connection) -> str | None:
    """As `revision_of`; a database that can only be read refuses: a standby, a disk that went read-only."""
    revision = revision_of(connection)
    if revision is not None:
        connection.execute(text("UPDATE alembic_version SET version_num = version_num WHERE 1 = 0"))
    return revision


def migrate(url: str, *, to: str = "head") -> Migrated:
    """Bring the schema to this release (or to `to`, a revision). Blocking: seconds on a large database.

    A schema newer than this code is left alone, so that a replica of the release before can still start.
    Raises BadDatabaseUrl, StoreUnavailable, MigrationFailed; then nothing was changed.
    """
    parsed = parse_url(url)
    file = sqlite_file(parsed)
    engine = create(parsed, foreign_keys=False)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(text("SELECT set_config('lock_timeout', '60s', true)"))
                connection.execute(text("SELECT set_config('statement_timeout', '0', true)"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            before = revision_of(connection)
            target = head() if to == "head" else to
            if before == target:
                return Migrated(before, before)
            if before is not None and before not in known():
                return Migrated(before, before, newer=True)
            backup = None
            if file is not None and before is not None:
                backup = back_up_file(file, file.parent / "backups" / f"{file.stem}-{before}-{stamp()}.db")
            made = config()
            made.attributes["connection"] = connection
            command.upgrade(made, to)
            if engine.dialect.name == "sqlite":
                _check_foreign_keys(connection)
            return Migrated(before, revision_of(connection), backup)
    except DBAPIError as error:
        raise translated(error) from error
    finally:
        engine.dispose()


def _check_foreign_keys(connection: Connection) -> None:
    tables = {str(row[0]) for row in connection.execute(text("PRAGMA foreign_key_check"))}
    if tables:
        raise MigrationFailed(sorted(tables))
