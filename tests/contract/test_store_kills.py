"""Replicas that are killed at any moment: every reminder is said, once.

MXCUTOVER_SEED repeats a run's moments, MXCUTOVER_KILLS lengthens it.
"""

import os
import random
import selectors
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from bot.ports import Tx
from tests.contract.conftest import SqlOpener
from tests.contract.samples import A, cutover, reminder

REPLICAS = 3
KILLS = int(os.environ.get("MXCUTOVER_KILLS", "6"))
REMINDERS = 20 + 10 * KILLS


class Replicas:
    """Some workers that run until they find nothing left to do."""

    def __init__(self, url: str, slack: Path) -> None:
        self._command = [sys.executable, "-m", "tests.lab.store_worker", url, str(slack)]
        self._selector = selectors.DefaultSelector()
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        self._selector.register(process.stdout, selectors.EVENT_READ, process)
        self.running.append(process)

    def next_word(self) -> bytes:
        """Waits until some worker says something; b"" when one has ended."""
        ((key, _), *_) = self._selector.select(timeout=60)
        process: subprocess.Popen[bytes] = key.data
        assert process.stdout is not None
        word = process.stdout.raw.readline()  # type: ignore[attr-defined]
        if not word:
            self._forget(process)
            assert process.returncode in (0, -signal.SIGKILL)
        return bytes(word)

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        self._forget(process)

    def _forget(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        self._selector.unregister(process.stdout)
        process.stdout.close()
        process.wait(10)
        self.running.remove(process)

    def close(self) -> None:
        for process in list(self.running):
            self.kill(process)
        self._selector.close()


@pytest.mark.timeout(180)
async def test_nothing_is_lost_or_said_twice_when_replicas_are_killed(
    sql_opener: SqlOpener, database: str, tmp_path: Path
) -> None:
    seed = int(os.environ.get("MXCUTOVER_SEED", random.randrange(2**32)))
    chance = random.Random(seed)
    store = sql_opener()

    def plan(tx: Tx) -> None:
        tx.cutovers.add(cutover(1))
        tx.reminders.plan(A, "c1", 1, [reminder(f"k{n}") for n in range(REMINDERS)])

    await store.transact(plan)
    slack = tmp_path / "slack"
    slack.write_text("")
    replicas = Replicas(database, slack)
    try:
        for _ in range(REPLICAS):
            replicas.start()
        kills, until = 0, chance.randint(3, 25)
        while replicas.running:
            replicas.next_word()
            until -= 1
            if until <= 0 and kills < KILLS and replicas.running:
                replicas.kill(chance.choice(replicas.running))
                replicas.start()
                kills, until = kills + 1, chance.randint(3, 25)
    finally:
        replicas.close()
    assert kills == KILLS, f"seed {seed}"

    posts = [line.split() for line in slack.read_text().splitlines()]
    said = Counter(int(number) for _, _, _, number in posts)
    rows = {row.id for row in await store.transact(lambda tx: tx.reminders.pending(A, "c1"))}
    assert rows == set(), f"seed {seed}"
    assert len(said) == REMINDERS, f"lost, seed {seed}"
    assert {number: times for number, times in said.items() if times > 1} == {}, f"doubled, seed {seed}"
    history = await store.transact(lambda tx: tx.history.of(A, "c1"))
    assert len(history) == REMINDERS, f"seed {seed}"
    for channel in {post[1] for post in posts}:
        ids = [int(row_id) for _, where, row_id, _ in posts if where == channel]
        assert ids == sorted(ids), f"{channel} out of order, seed {seed}"
