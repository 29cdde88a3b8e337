"""Copies of a SQLite database while it is in use, each opened and checked before it counts as one."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path


class BackupFailed(Exception):
    """No copy was made, or nothing was restored; says why."""


def stamp(at: datetime | None = None) -> str:
    """A moment as part of a file name, in UTC: 20261205T130000.123Z."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y%m%dT%H%M%S.") + f"{moment.microsecond // 1000:03d}Z"


def back_up_file(source: Path, target: Path) -> Path:
    """Copy a SQLite database with SQLite's backup API, safe beside writers, and check the copy.

    The copy appears under its name only when it is whole. Raises BackupFailed.
    """
    if not source.is_file():
        raise BackupFailed(f"there is no database at {source}")
    if target.exists():
        raise BackupFailed(f"{target} is there already; it is not overwritten")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupFailed(f"{target.parent} cannot be made: {error.strerror}") from error
    part = target.with_name(target.name + ".part")
    try:
        _copy(source, part)
        check(part)
        _sync(part)
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"{source} could not be copied to {target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def restore_file(copy: Path, target: Path) -> Path | None:
    """Put a copy in the database's place. The bot must be stopped. Raises BackupFailed.

    What was there is kept beside it, sound or not; its path is returned (None: nothing was there).
    """
    if not copy.is_file():
        raise BackupFailed(f"there is no copy at {copy}")
    try:
        check(copy)
    except sqlite3.Error as error:
        raise BackupFailed(f"{copy} is not a sound database: {error}") from error
    part = target.with_name(target.name + ".restoring")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = _set_aside(target) if target.exists() else None
        _copy(copy, part)
        check(part)
        _sync(part)
        for suffix in ("-wal", "-shm", "-journal"):  # they belong to what was there, and would be replayed
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"{copy} could not be put in place of {target}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return kept


def _set_aside(target: Path) -> Path:
    aside = target.with_name(f"{target.stem}-replaced-{stamp()}.db")
    try:
        with closing(_open(target, "rw")) as connection:
            connection.execute("PRAGMA busy_timeout = 1000")
            connection.execute("BEGIN EXCLUSIVE")
            connection.execute("ROLLBACK")
        return back_up_file(target, aside)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
            raise BackupFailed(f"{target} is in use; stop the bot first") from error
        shutil.copy2(target, aside)
    except (sqlite3.DatabaseError, BackupFailed):
        shutil.copy2(target, aside)  # a damaged file is what one restores over
    return aside


def check(file: Path) -> None:
    """Open a database and let SQLite look through all of it. Raises sqlite3.DatabaseError."""
    with closing(_open(file, "ro")) as connection:
        (word,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if word != "ok":
            raise sqlite3.DatabaseError(word)
        if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise sqlite3.DatabaseError("rows point at rows that are not there")


def _open(file: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None)


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with closing(_open(source, "rw")) as reading, closing(_open(target, "rwc")) as writing:
        reading.execute("PRAGMA busy_timeout = 10000")
        reading.backup(writing)
        # A copy stands alone: no write-ahead log beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
    os.chmod(target, source.stat().st_mode & 0o777)  # noqa: PTH101


def _sync(file: Path) -> None:
    """To the disk, so that a copy that has its name is a copy."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
