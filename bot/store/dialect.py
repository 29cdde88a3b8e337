"""What SQLite and PostgreSQL say differently: the database's own clock, and INSERT … ON CONFLICT.

Statements are built once and run with parameters: building one costs more than SQLite takes to run it.
"""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Float, Insert, Table, literal
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

    def __init__(self, offset: timedelta | BindParameter[float] = timedelta(0)) -> None:
        """`offset` as a parameter of the statement: seconds."""
        self.type = UTCDateTime()
        seconds = literal(offset.total_seconds(), Float()) if isinstance(offset, timedelta) else offset
        super().__init__(seconds)


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


@cache
def insert_new(dialect: str, table: Table) -> Insert:
    """INSERT of one row that leaves a row alone which is already there; gives the new row's number.

    No row comes back where there was one already. (The row count would not tell, on PostgreSQL.)
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    (number,) = table.primary_key
    return insert(table).on_conflict_do_nothing().returning(number)


@cache
def insert_new_rows(dialect: str, table: Table) -> Insert:
    """As `insert_new`, for many rows at once, of which nothing comes back."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


@cache
def insert_or_replace(dialect: str, table: Table) -> Insert:
    """INSERT of a whole row, or new values for the row with its primary key."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table)
    key = [column.name for column in table.primary_key]
    rest = {column.name: statement.excluded[column.name] for column in table.c if column.name not in key}
    return statement.on_conflict_do_update(index_elements=key, set_=rest)
