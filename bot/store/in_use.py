"""Who works with a SQLite database: each bot holds a shared lock beside it for as long as it lives.

SQLite's own locks last as long as a transaction. A restore between two of them would put another file in the
place of the one that a bot has open, which would go on writing where nobody looks any more.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class InUse(Exception):
    """Somebody works with the database, or replaces it."""


@contextmanager
def working_with(file: Path) -> Iterator[None]:
    """Several may at once, but none while it is replaced. Raises InUse."""
    with _locked(file, fcntl.LOCK_SH):
        yield


@contextmanager
def replacing(file: Path) -> Iterator[None]:
    """Nobody works with it inside. Raises InUse."""
    with _locked(file, fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(file: Path, kind: int) -> Iterator[None]:
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(file.with_name(f"{file.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError:
        yield  # where no file can be made, SQLite says better what is wrong
        return
    try:
        try:
            fcntl.flock(lock, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUse(str(file)) from error
        except OSError:  # a file system without such locks
            pass
        yield
    finally:
        os.close(lock)
