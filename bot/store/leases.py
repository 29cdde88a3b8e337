"""Who is at a row: a lease that runs out by the database's clock."""

from sqlalchemy import ColumnElement, Table, or_

from bot.ports import LONGEST_LEASE
from bot.store.dialect import database_time


def is_free(table: Table) -> ColumnElement[bool]:
    """Nobody is at the row (any more)."""
    until = table.c.lease_until
    set_back = until > database_time(LONGEST_LEASE)  # the clock, since the lease was taken
    return or_(until.is_(None), until <= database_time(), set_back)
