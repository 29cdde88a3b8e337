"""What a database driver raises -> what it means for us."""

import sqlite3

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, InternalError, OperationalError

from bot.ports import StoreUnavailable

STANDBY = "25006"  # read_only_sql_transaction

# https://www.sqlite.org/rescode.html; the low byte is the primary code.
_SQLITE = {
    3: "read_only",  # SQLITE_PERM
    5: "locked",  # SQLITE_BUSY
    6: "locked",  # SQLITE_LOCKED
    8: "read_only",  # SQLITE_READONLY
    10: "damaged",  # SQLITE_IOERR
    11: "damaged",  # SQLITE_CORRUPT
    13: "full",  # SQLITE_FULL
    14: "unreachable",  # SQLITE_CANTOPEN
    15: "locked",  # SQLITE_PROTOCOL: a race for the write-ahead log
    26: "damaged",  # SQLITE_NOTADB
}
# SQLITE_IOERR_WRITE: a write that was refused, as beyond a quota or a limit of the file's size. (Only where
# the system says ENOSPC is it SQLITE_FULL.)
_SQLITE_EXTENDED = {778: "full"}

# https://www.postgresql.org/docs/current/errcodes-appendix.html, the longest prefix wins.
_POSTGRESQL = {
    "08": "unreachable",  # connection exceptions
    STANDBY: "read_only",
    "28": "unreachable",  # invalid authorization
    "3D": "unreachable",  # invalid catalog name
    "40": "locked",  # deadlock, serialisation
    "53100": "full",  # disk_full
    "53": "unreachable",  # too many connections, out of memory
    "55": "locked",  # lock_not_available
    "57014": "locked",  # statement timeout
    "57": "unreachable",  # admin shutdown, crash shutdown, cannot connect now
    "58": "damaged",  # I/O error
    "XX001": "damaged",
    "XX002": "damaged",
}


class Inconsistent(Exception):
    """The rows would not fit together (a row of a cutover that is not there): a fault in the program."""


def reason_of(error: DBAPIError) -> str | None:
    """Why the database could not do it, as StoreUnavailable.reason; None: not the database's state."""
    original = error.orig
    if isinstance(original, sqlite3.Error):
        code = getattr(original, "sqlite_errorcode", None)
        return None if code is None else _SQLITE_EXTENDED.get(code) or _SQLITE.get(code & 0xFF)
    state = getattr(original, "sqlstate", None)
    prefixes = [prefix for prefix in _POSTGRESQL if state and state.startswith(prefix)]
    if prefixes:
        return _POSTGRESQL[max(prefixes, key=len)]
    if error.connection_invalidated:
        return "unreachable"  # whatever was said last (25P03 after a suspend, a pooler's XX000), it is gone
    if not state and isinstance(error, OperationalError | InterfaceError | InternalError):
        return "unreachable"  # psycopg has no code where there was no server to give one
    return None


def translated(error: DBAPIError) -> Exception:
    """The exception to raise in its stead. Never carries a statement's parameters: they may be private."""
    said = next(iter(str(error.orig).strip().splitlines()), "")  # PostgreSQL gives the values on line 2
    reason = reason_of(error)
    if reason is not None:
        return StoreUnavailable(reason, said)
    if isinstance(error, IntegrityError):
        return Inconsistent(said)
    return error


def passing(error: DBAPIError) -> bool:
    """Whether the same work may succeed a moment later, and certainly left nothing behind."""
    return reason_of(error) == "locked"
