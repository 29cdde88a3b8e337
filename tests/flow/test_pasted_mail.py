"""Of a pasted mail nothing is stored: neither in a table, nor in free pages, nor in a journal."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.workspace.person import CUTOVER
from tests.flow.conftest import House, whole_house
from tests.flow.test_opening import dms
from tests.flow.test_whole_cutover import open_cutover
from tests.lab.postgres import private_postgres

MARK = "kamikakushi"  # in every part of the mail, and in nothing that is said
HEADERS = f"""Return-Path: <{MARK}@sender.example>
Received: from relay.sender.example ({MARK}-helo [192.0.2.7]) by mx.store.example for <{MARK}@example.co.jp>;
 Tue, 1 Dec 2026 11:00:00 +0900
Received: from pc ({MARK}-pc) by relay.sender.example; Tue, 1 Dec 2026 09:00:00 +0900
From: {MARK} <{MARK}@sender.example>
Subject: {MARK} invoice
Authentication-Results: mx.store.example; spf=fail smtp.mailfrom={MARK}@sender.example

Dear {MARK}, {("the invoice of " + MARK + ". ") * 150}
"""
BOUNCE = f"""Your message to {MARK}@example.co.jp could not be delivered.
Remote server returned 550 5.7.51 TenantInboundAttribution; {MARK}
{("Original text " + MARK + ". ") * 150}"""


def _traces(folder: Path) -> list[str]:
    """The files of the database in which the mark stands, and the tables."""
    files = sorted(folder.glob("mxcutover.db*"))
    found = [file.name for file in files if MARK.encode() in file.read_bytes()]
    with sqlite3.connect(folder / "mxcutover.db") as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()  # noqa: S608
            found += [table for row in rows if MARK in repr(row)]
    return found


@pytest.mark.parametrize("mail", [HEADERS, BOUNCE], ids=["headers", "bounce"])
async def test_nothing_of_a_pasted_mail_is_left_in_the_files(house: House, tmp_path: Path, mail: str) -> None:
    await _paste_everywhere(house, mail)
    assert _traces(tmp_path) == []


async def test_nothing_of_a_pasted_mail_is_left_in_postgresql(tmp_path: Path) -> None:
    with private_postgres() as server:
        server.sql("CREATE DATABASE pasted")
        async with whole_house(tmp_path, server.url("pasted")) as house:
            await _paste_everywhere(house, HEADERS)
            rows = await house.bot.store.transact(lambda tx: _rows(tx.connection))
    assert {table for table, row in rows if "@sender.example" in row} == set()
    assert {"inbox", "outbox", "places"} <= {table for table, _ in rows}
    assert not [(table, row) for table, row in rows if MARK in row]


def _rows(connection: Connection) -> list[tuple[str, str]]:
    """Every row of every table, as text."""
    tables = inspect(connection).get_table_names()
    return [
        (table, repr(row))
        for table in tables
        for row in connection.execute(text(f'SELECT * FROM "{table}"')).all()  # noqa: S608
    ]


async def _paste_everywhere(house: House, mail: str) -> None:
    root = await open_cutover(house)
    await house.hanako.dm(mail)
    await house.hanako.wait_for(lambda: dms(house.hanako), lambda all_: len(all_) >= 2)
    await house.hanako.say(f"<@U0LOCALBOT> {mail}", CUTOVER)
    await house.hanako.say(mail, CUTOVER, str(root["ts"]))
    await house.hanako.command("/mxcutover ask " + mail.replace("\n", " "))
    await house.go(minutes=1)
    replies = await house.hanako.messages(CUTOVER, str(root["ts"]))
    assert any("faq" in repr(m.get("blocks", [])) for m in replies)  # it was answered


@pytest.mark.parametrize("journal", ["WAL", "PERSIST"])
async def test_the_mark_is_found_while_it_is_there_and_not_after_the_wipe(
    tmp_path: Path, journal: str
) -> None:
    """That the search above can find something; and both journals, whichever this SQLite is run with."""
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    store = open_store(url, synchronous="OFF", journal=journal)
    insert = text(
        "INSERT INTO inbox (enterprise_id, team_id, delivery_id, kind, payload, at, state)"
        " VALUES ('', 'T', 'd', 'event', :payload, '2026-12-01 00:00:00', 'new')"
    )
    payload = f'{{"text": "{HEADERS * 9!r}"}}'.replace("\\", "")
    await store.transact(lambda tx: tx.connection.execute(insert, {"payload": payload}))
    assert _traces(tmp_path)
    await store.transact(lambda tx: tx.inbox.done(1))
    await store.wipe()
    assert _traces(tmp_path) == []
    await store.transact(lambda tx: tx.connection.execute(text("SELECT 1")))  # it goes on as before
    await store.close()
