"""The real process: red at /readyz for each thing that it cannot work without, and a stop in time."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.flow.test_killed import World, everything, occurrences, settled, submit_form, world

__all__ = ["world"]
pytestmark = pytest.mark.timeout(120)


async def ready(world: World) -> tuple[int, dict[str, Any]]:
    port = world.environment["MXCUTOVER_PORT"]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/readyz") as answer,
    ):
        return answer.status, await answer.json()


async def until(world: World, **parts: bool) -> tuple[int, dict[str, Any]]:
    """Look until these parts are as said."""
    async with asyncio.timeout(60):
        while True:
            status, body = await ready(world)
            if {name: body[name] for name in parts} == parts:
                return status, body
            await asyncio.sleep(0.2)


def database(world: World) -> Path:
    return Path(world.environment["MXCUTOVER_DATA"]) / "mxcutover.db"


async def test_a_schema_that_is_behind_is_not_ready(world: World) -> None:
    with sqlite3.connect(database(world)) as connection:
        (head,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        connection.execute("DELETE FROM alembic_version")
    status, body = await until(world, database=False)
    assert (status, body["ready"], body["slack"]) == (503, False, True)
    with sqlite3.connect(database(world)) as connection:
        connection.execute("INSERT INTO alembic_version VALUES (?)", [head])
    status, body = await until(world, database=True)
    assert (status, body["ready"]) == (200, True)
    connection.close()


async def test_a_database_that_is_no_more_is_not_ready(world: World) -> None:
    """What another program wrote over the file; the bot says so and does not end."""
    file = database(world)
    for other in file.parent.glob("mxcutover.db-*"):
        other.unlink()
    with file.open("r+b") as opened:
        opened.write(b"no database any more" * 1000)
    status, body = await until(world, database=False)
    assert (status, body["ready"]) == (503, False)
    assert world.bot is not None
    assert world.bot.returncode is None


async def test_a_lost_connection_to_slack_is_not_ready_and_comes_back(world: World) -> None:
    """Slack ends the connection and takes no new one."""
    await world.hanako.fault("reset", method="apps.connections.open", times=1000)
    await world.hanako.do("disconnect")
    status, body = await until(world, slack=False)
    assert (status, body["ready"], body["database"]) == (503, False, True)
    await world.hanako.do("clear")
    status, body = await until(world, slack=True)
    assert (status, body["ready"]) == (200, True)


async def test_a_stop_with_work_in_flight_ends_in_time_and_hands_it_back(world: World) -> None:
    """Slack answers no post for longer than the stop may last; the next run says all of it, once."""
    await world.hanako.fault("delay", method="chat.postMessage", seconds=60, times=1000)
    await submit_form(world.hanako)
    started = time.monotonic()
    assert await asyncio.wait_for(stopped(world), 60) == 0
    assert time.monotonic() - started < 30  # compose's grace period
    assert occurrences(await everything(world.hanako)) == (0, 0)
    await world.hanako.do("clear")
    await world.start_bot()
    assert occurrences(await settled(world.hanako)) == (1, 1)


async def test_a_start_without_slack_can_be_stopped(world: World) -> None:
    """Socket Mode tries to connect for as long as it takes; who stops the bot does not wait for that."""
    assert await world.stop_bot() == 0
    await world.hanako.fault("reset", method="apps.connections.open", times=1000)
    await world.spawn_bot()
    async with asyncio.timeout(60):
        while True:
            try:
                status, body = await ready(world)
                break
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.2)
    assert (status, body["slack"]) == (503, False)
    assert await asyncio.wait_for(stopped(world), 30) == 0


async def test_without_slack_at_its_start_it_works_and_says_it_once_slack_is_back(world: World) -> None:
    """A reminder falls due and a look at DNS: both happen, the audit is told outside, and the rest waits."""
    hanako = world.hanako
    await submit_form(hanako)
    await settled(hanako)
    assert await world.stop_bot() == 0
    due_now(database(world))
    heard = asyncio.Event()

    async def hear(_: web.Request) -> web.Response:
        heard.set()
        return web.Response()

    outside = web.Application()
    outside.router.add_get("/", hear)
    async with TestServer(outside) as server:
        world.environment["MXCUTOVER_HEARTBEAT_URL"] = str(server.make_url("/"))
        await hanako.fault("reset", times=10_000)
        await world.spawn_bot()
        await asyncio.wait_for(heard.wait(), 60)
        await waiting_to_be_said(database(world))
        status, body = await until(world, database=True)
        assert (status, body["slack"]) == (503, False)
        assert await live(world) == 200
        await hanako.do("clear")
        await hanako.wait_for(
            lambda: everything(hanako), lambda all_: any(REMINDED in text for text in all_), 60
        )
        status, body = await until(world, slack=True)
        assert (status, body["ready"]) == (200, True)


REMINDED = "受信ゲートウェイ"


def due_now(file: Path) -> None:
    """What the cutover waits for comes at once: its first reminder, and a look at DNS."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "UPDATE reminders SET due_at = '2026-01-01 00:00:00.000000', late = 'send'"
            " WHERE id = (SELECT id FROM reminders WHERE state = 'pending' AND kind = 'connector')"
        )
        connection.execute("UPDATE cutovers SET next_look_at = '2026-01-01 00:00:00.000000'")
        connection.execute("DELETE FROM observations")
        connection.commit()


async def waiting_to_be_said(file: Path) -> None:
    """Until the reminder was fired and DNS was looked at; nothing of it is lost for want of Slack."""
    async with asyncio.timeout(60):
        while True:
            with closing(sqlite3.connect(file)) as connection:
                (fired,) = connection.execute(
                    "SELECT count(*) FROM outbox WHERE kind = 'reminder' AND state = 'pending'"
                ).fetchone()
                (seen,) = connection.execute("SELECT count(*) FROM observations").fetchone()
            if fired and seen:
                return
            await asyncio.sleep(0.1)


async def live(world: World) -> int:
    port = world.environment["MXCUTOVER_PORT"]
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/livez") as answer,
    ):
        return answer.status


async def stopped(world: World) -> int:
    assert world.bot is not None
    world.bot.terminate()
    return await world.bot.wait()
