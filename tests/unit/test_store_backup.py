"""Copies that count only when they were opened and found sound."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import pytest

from bot.store.backup import BackupFailed, back_up_file, restore_file
from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.store.tx import SqlTx
from tests.contract.samples import LONG, NOW, A, cutover, post

T = TypeVar("T")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "data" / "mxcutover.db"
    _write(made, 1)
    return made


def _write(file: Path, number: int) -> None:
    migrate(f"sqlite:///{file}")
    _with_store(file, lambda tx: tx.cutovers.add(cutover(number)))


def _with_store(file: Path, work: Callable[[SqlTx], T]) -> T:
    store = open_store(f"sqlite:///{file}")
    try:
        return store.run(work)
    finally:
        asyncio.run(store.close())


def _ids(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM cutovers ORDER BY id")]


def test_a_copy_holds_what_was_committed_and_restores_it(file: Path, tmp_path: Path) -> None:
    copy = back_up_file(file, tmp_path / "copies" / "one.db")
    assert _ids(copy) == ["c1"]
    _write(file, 2)
    kept = restore_file(copy, file)
    assert _ids(file) == ["c1"]
    assert kept is not None
    assert _ids(kept) == ["c1", "c2"]
    assert _with_store(file, lambda tx: tx.cutovers.get(A, "c1")) == cutover(1)


def test_what_the_copy_was_yet_to_say_is_looked_for_before_it_is_said(file: Path, tmp_path: Path) -> None:
    """It may have been said since; what comes after is said at once, as always."""

    def claimed(tx: SqlTx) -> dict[str, bool]:
        rows = tx.outbox.claim(NOW, limit=9, lease=LONG)
        return {row.message.key: row.unknown for row in rows}

    _with_store(file, lambda tx: [tx.outbox.put(A, post(f"C{n}", key=f"k{n}")) for n in range(2)])
    copy = back_up_file(file, tmp_path / "copy.db")
    restore_file(copy, file)
    _with_store(file, lambda tx: tx.outbox.put(A, post("C2", key="k2")))
    assert _with_store(file, claimed) == {"k0": True, "k1": True, "k2": False}
    restore_file(copy, file)
    assert _with_store(copy, claimed) == {"k0": False, "k1": False}  # the copy itself stays as it was


def test_a_copy_of_a_release_before_there_was_an_outbox_is_restored(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as connection:
        connection.execute("CREATE TABLE outbox (n INTEGER)")
    restore_file(tmp_path / "old.db", tmp_path / "new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        assert connection.execute("SELECT * FROM outbox").fetchall() == []


def test_a_copy_can_be_made_while_the_bot_writes(file: Path, tmp_path: Path) -> None:
    """Every copy is a whole number of transactions: each writes two rows or none."""
    stop = threading.Event()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE pairs (n INTEGER)")
        connection.commit()

    def write() -> None:
        with closing(sqlite3.connect(file, timeout=30)) as connection:
            number = 0
            while not stop.is_set():
                number += 1
                connection.execute("INSERT INTO pairs VALUES (?)", (number,))
                connection.execute("INSERT INTO pairs VALUES (?)", (number,))
                connection.commit()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            copy = back_up_file(file, tmp_path / f"copy{number}.db")
            with closing(sqlite3.connect(copy)) as connection:
                odd = connection.execute("SELECT n FROM pairs GROUP BY n HAVING count(*) <> 2").fetchall()
            assert odd == []
    finally:
        stop.set()
        writer.join()


def test_a_copy_of_wal_stands_alone(file: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE cutovers SET owner = 'in the log'")
        connection.commit()
        assert Path(f"{file}-wal").stat().st_size
        copy = back_up_file(file, tmp_path / "copy.db")
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT owner FROM cutovers").fetchone() == ("in the log",)
    assert not Path(f"{copy}-wal").exists()


def test_nothing_is_overwritten(file: Path, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    with pytest.raises(BackupFailed) as caught:
        back_up_file(file, tmp_path / "there")
    assert caught.value.reason == "exists"
    assert (tmp_path / "there").read_text() == "precious"


def test_a_copy_of_nothing_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed) as caught:
        back_up_file(tmp_path / "nowhere.db", tmp_path / "copy.db")
    assert caught.value.reason == "missing"
    assert list(tmp_path.iterdir()) == []


def _damage(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 200] = b"\xff" * 200
    file.write_bytes(data)


def test_a_damaged_database_makes_no_copy(file: Path, tmp_path: Path) -> None:
    _damage(file)
    with pytest.raises(BackupFailed) as caught:
        back_up_file(file, tmp_path / "copy.db")
    assert caught.value.reason == "unsound"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]


def test_a_damaged_copy_is_not_restored(file: Path, tmp_path: Path) -> None:
    copy = back_up_file(file, tmp_path / "copy.db")
    _damage(copy)
    with pytest.raises(BackupFailed) as caught:
        restore_file(copy, file)
    assert caught.value.reason == "unsound"
    assert _ids(file) == ["c1"]


def test_a_damaged_database_can_be_restored_over_and_is_kept(file: Path, tmp_path: Path) -> None:
    copy = back_up_file(file, tmp_path / "copy.db")
    _damage(file)
    damaged = file.read_bytes()
    kept = restore_file(copy, file)
    assert _ids(file) == ["c1"]
    assert kept is not None
    assert kept.read_bytes() == damaged


def test_a_database_in_use_is_not_replaced(file: Path, tmp_path: Path) -> None:
    copy = back_up_file(file, tmp_path / "copy.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackupFailed) as caught:
            restore_file(copy, file)
    assert caught.value.reason == "in_use"
    assert _ids(file) == ["c1"]


def test_a_log_of_the_replaced_database_is_not_replayed(file: Path, tmp_path: Path) -> None:
    copy = back_up_file(file, tmp_path / "copy.db")
    Path(f"{file}-journal").write_bytes(b"stale")
    restore_file(copy, file)
    assert not Path(f"{file}-journal").exists()
