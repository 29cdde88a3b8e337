"""Copies of a SQLite database while it is in use, each opened and checked before it counts as one."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from bot.store.in_use import InUse, replacing


class BackupFailed(Exception):
    """No copy was made, or nothing was restored.

    `reason`: missing, exists, in_use, unsound, io; `file` is the one that it is about.
    """

    def __init__(self, reason: str, file: Path, detail: str = "") -> None:
        super().__init__(f"{reason}: {file}{' (' + detail + ')' if detail else ''}")
        self.reason = reason
        self.file = file
        self.detail = detail


def stamp(at: datetime | None = None) -> str:
    """A moment as part of a file name, in UTC: 20261205T130000.123Z."""
    moment = (at or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y%m%dT%H%M%S.") + f"{moment.microsecond // 1000:03d}Z"


def back_up_file(source: Path, target: Path) -> Path:
    """Copy a SQLite database with SQLite's backup API, safe beside writers, and check the copy.

    The copy appears under its name only when it is whole. Raises BackupFailed.
    """
    if not source.is_file():
        raise BackupFailed("missing", source)
    if target.exists():
        raise BackupFailed("exists", target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BackupFailed("io", target.parent, error.strerror or "") from error
    part = target.with_name(target.name + ".part")
    try:
        _copy(source, part)
        check(part)
        _sync(part)
        part.replace(target)
    except sqlite3.OperationalError as error:
        reason = "in_use" if _primary(error) == sqlite3.SQLITE_BUSY else "io"
        raise BackupFailed(reason, source, str(error)) from error
    except sqlite3.Error as error:
        raise BackupFailed("unsound", source, str(error)) from error
    except OSError as error:
        raise BackupFailed("io", target, error.strerror or "") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def restore_file(copy: Path, target: Path) -> Path | None:
    """Put a copy in the database's place. The bot must be stopped. Raises BackupFailed.

    What was there is kept beside it, sound or not; its path is returned (None: nothing was there). What the
    copy has still to say is looked for in Slack before it is said.
    """
    if not copy.is_file():
        raise BackupFailed("missing", copy)
    try:
        check(copy)
    except sqlite3.Error as error:
        raise BackupFailed("unsound", copy, str(error)) from error
    try:
        with replacing(target):
            return _replace(copy, target)
    except InUse as error:
        raise BackupFailed("in_use", target) from error


def _replace(copy: Path, target: Path) -> Path | None:
    part = target.with_name(target.name + ".restoring")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = _set_aside(target) if target.exists() else None
        _copy(copy, part)
        _doubt(part)
        check(part)
        _sync(part)
        for suffix in ("-wal", "-shm", "-journal"):  # they belong to what was there, and would be replayed
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        part.replace(target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed("io", target, str(error)) from error
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
        if _primary(error) == sqlite3.SQLITE_BUSY:
            raise BackupFailed("in_use", target) from error
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


def _doubt(file: Path) -> None:
    """What was still to be said when the copy was made may have been said since: look before saying it."""
    with closing(_open(file, "rw")) as connection:
        columns = {row[1] for row in connection.execute("PRAGMA table_info(outbox)")}
        if {"unknown", "state"} <= columns:
            connection.execute("UPDATE outbox SET unknown = 1 WHERE state = 'pending'")


def _primary(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 where the driver itself refused."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _sync(file: Path) -> None:
    """To the disk, so that a copy that has its name is a copy."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
