"""The fault run of `make chaos`, short: three whole bots, six kills, a Slack that fails, people at work.

MXCUTOVER_SEED repeats one.
"""

import os

import pytest

from tests.chaos.run import run


@pytest.mark.timeout(900)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_nothing_is_lost_or_doubled_in_a_short_fault_run(database: str) -> None:
    seed = int(os.environ.get("MXCUTOVER_SEED", 1))
    counts = await run(database, reminders=60, kills=6, seed=seed, span=24)
    assert counts.good, counts
    assert counts.forms == 6
    assert counts.commands > counts.refused
