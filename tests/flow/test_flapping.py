"""A PostgreSQL whose connections end all the time, as behind a failing proxy: every question is answered."""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.store.engine import open_store
from bot.workspace.person import KEN, Person
from tests.chaos.people import Deeds, ask, outcome
from tests.chaos.replicas import Replica, Way, environment, fresh
from tests.chaos.run import settled
from tests.flow.test_killed import slack

QUESTIONS = 100
GAP = 0.1  # seconds between two questions
ENDS = 0.2  # seconds between two ends of every connection
PATIENCE = 150.0  # seconds; a lease and a sweep are a minute each


@pytest.mark.timeout(400)
async def test_a_question_is_answered_while_the_connections_end_all_the_time(tmp_path: Path) -> None:
    chance, deeds = random.Random(7), Deeds()
    async with fresh("postgresql", tmp_path) as (url, (end_all, *_)), AsyncExitStack() as stack:
        address = await stack.enter_async_context(slack("--retry-delays", "0,6,30"))
        ken = await stack.enter_async_context(Person(address, KEN))
        way = Way("socket")
        bot = Replica(environment(f"{address}/api/", url, tmp_path), way, tmp_path / "bot.log")
        stack.push_async_callback(bot.kill)
        await bot.migrate()
        await bot.start()
        await bot.started()
        store = open_store(url)
        stack.push_async_callback(store.close)

        async def end_connections() -> None:
            while True:
                await asyncio.sleep(ENDS * chance.uniform(0.5, 1.5))
                await end_all([bot])

        async with asyncio.TaskGroup() as asking:
            ending = asyncio.create_task(end_connections())
            for number in range(QUESTIONS):
                await asyncio.sleep(GAP * chance.uniform(0.5, 1.5))
                asking.create_task(ask(ken, f"q{number:05d}.example", deeds))
        ending.cancel()
        unsettled = await settled(store, [bot], PATIENCE)
        private = [m for m in (await ken.state())["messages"] if m.get("only_for")]
        done = await outcome(deeds, [], private, await ken.undelivered(), store)
    assert unsettled == 0
    assert sum(deeds.asked.values()) > QUESTIONS / 2
    assert (done.lost, done.doubled) == ([], [])
