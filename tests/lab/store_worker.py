"""A replica for test_store_kills: fires reminders, says messages. It is killed at any moment.

Arguments: the database's URL, and a file that stands for Slack: a line there is a post that people see.
It prints one line for everything it does, so that who kills it can choose a moment.
"""

import os
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.teams import Team
from bot.ports import HistoryEntry, OutboxRow, Outgoing, ReminderRow
from bot.store.engine import SqlStore, open_store
from bot.store.tx import SqlTx
from tests.contract.samples import post

LEASE = timedelta(seconds=8)  # longer than a busy machine may hold up a live replica
IDLE = 0.05  # seconds between two looks that found nothing, as between two ticks


def fire(tx: SqlTx) -> int:
    """Claimed, turned into messages and settled in one transaction: a kill leaves all of it or nothing."""
    rows = tx.reminders.claim(datetime.now(UTC), limit=5, lease=LEASE)
    for row in rows:
        _fire_one(tx, row)
    return len(rows)


def fire_leased(store: SqlStore) -> int:
    """Claimed in one transaction and settled in others, as a use case that asks DNS in between does."""
    rows = store.run(lambda tx: tx.reminders.claim(datetime.now(UTC), limit=3, lease=LEASE))
    for row in rows:
        say("claimed")
        store.run(lambda tx, row=row: _fire_one(tx, row))  # type: ignore[misc]
    return len(rows)


def _fire_one(tx: SqlTx, row: ReminderRow) -> None:
    if row.token is None or not tx.reminders.done(row.id, row.token, "fired"):
        return
    message: Outgoing = replace(post(f"C{row.id % 7}"), args={"reminder": row.id})
    tx.outbox.put(row.team, message)
    tx.history.append(row.team, row.cutover_id, HistoryEntry(datetime.now(UTC), "fired"))


def send(store: SqlStore, slack: Path) -> int:
    rows = store.run(lambda tx: tx.outbox.claim(datetime.now(UTC), limit=3, lease=LEASE))
    for row in rows:
        if not (row.unknown and _was_said(slack, row)):
            _say(slack, row)
            say("posted")
        store.run(lambda tx, row=row: tx.outbox.sent(row.id, row.token, "1"))  # type: ignore[misc]
        say("settled")
    return len(rows)


def _was_said(slack: Path, row: OutboxRow) -> bool:
    return any(line.split()[0] == row.message.key for line in slack.read_text().splitlines())


def _say(slack: Path, row: OutboxRow) -> None:
    line = f"{row.message.key} {row.message.channel} {row.id} {row.message.args['reminder']}\n"
    with slack.open("ab", buffering=0) as file:
        file.write(line.encode())


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


def main(url: str, slack: Path, team: Team) -> None:
    store = open_store(url, synchronous="OFF")  # a kill is to be outlived here, not a power cut
    say("started")
    turn = 0
    while True:
        turn += 1
        fired = store.run(fire) if turn % 2 else fire_leased(store)
        sent = send(store, slack)
        if not fired and not sent:
            if not store.run(_left):
                break
            time.sleep(IDLE)
    say("finished")


def _left(tx: SqlTx) -> bool:
    return tx.reminders.next_due() is not None or tx.outbox.unsettled() > 0


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Team("", "T_A"))
