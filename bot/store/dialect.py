"""What SQLite and PostgreSQL say differently: the database's own clock, and INSERT … ON CONFLICT."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Float, Insert, Table, literal
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import UTCDateTime


class database_time(FunctionElement[datetime]):
    """The database's clock plus some seconds (negative: before). Constant within one statement.

    Leases go by this clock alone: replicas whose own clocks differ agree on it.
    """

    name = "database_time"
    inherit_cache = True

    def __init__(self, offset: timedelta = timedelta(0)) -> None:
        self.type = UTCDateTime()
        super().__init__(literal(offset.total_seconds(), Float()))


@compiles(database_time, "sqlite")
def _sqlite_time(element: database_time, compiler: SQLCompiler, **kw: Any) -> str:
    # The text that SQLAlchemy stores for a time: microseconds, no offset. 3.40 has no 'subsec'.
    seconds = compiler.process(element.clauses, **kw)
    return f"(strftime('%Y-%m-%d %H:%M:%f', 'now', printf('%+.3f seconds', {seconds})) || '000')"


@compiles(database_time, "postgresql")
def _postgresql_time(element: database_time, compiler: SQLCompiler, **kw: Any) -> str:
    # statement_timestamp() is stable, so an index can serve a comparison; clock_timestamp() is not.
    seconds = compiler.process(element.clauses, **kw)
    return f"(statement_timestamp() + make_interval(secs => CAST({seconds} AS double precision)))"


def insert_new(connection: Connection, table: Table) -> Insert:
    """INSERT that leaves a row alone which is already there; RETURNING tells which it was."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def insert_or_replace(
    connection: Connection, table: Table, *, key: Sequence[str], values: dict[str, Any]
) -> None:
    """Insert a row, or give the row with this key the new values."""
    rest = {name: value for name, value in values.items() if name not in key}
    if connection.dialect.name == "postgresql":
        statement: Insert = (
            postgresql.insert(table).values(values).on_conflict_do_update(index_elements=key, set_=rest)
        )
    else:
        statement = sqlite.insert(table).values(values).on_conflict_do_update(index_elements=key, set_=rest)
    connection.execute(statement)
