"""Three processes, as in life: one plays Slack, one is the bot, one is the world (the test). The bot is
killed with SIGKILL between what it accepted and what it was to say; nothing is lost, nothing said twice.
"""

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.dns.sandbox import Sandbox
from bot.workspace.person import CUTOVER, Person, texts

SCRIPT = str(Path(sys.executable).parent / "mxcutover")
LEASE_SECONDS = 2


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class World:
    """Slack's process, the bot's environment, and one person."""

    url: str
    environment: dict[str, str]
    hanako: Person
    bot: asyncio.subprocess.Process | None = None

    async def start_bot(self) -> None:
        await self.spawn_bot()
        assert self.bot is not None
        assert self.bot.stdout is not None
        line = await asyncio.wait_for(self.bot.stdout.readline(), 30)
        assert b"socket" in line

    async def spawn_bot(self) -> None:
        """Its process, connected or not."""
        self.bot = await asyncio.create_subprocess_exec(
            SCRIPT,
            "run",
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def kill_bot(self) -> None:
        assert self.bot is not None
        self.bot.send_signal(signal.SIGKILL)
        await self.bot.wait()

    async def stop_bot(self) -> int:
        assert self.bot is not None
        self.bot.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.bot.wait(), 20)


@asynccontextmanager
async def slack(*options: str) -> AsyncIterator[str]:
    """Its address. `options`: of `python -m bot.workspace`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.workspace",
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
    finally:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:  # a delayed answer is still under way
            process.kill()
            await process.wait()


def environment(url: str, data: Path, **more: str) -> dict[str, str]:
    """What a bot of its own process is given: that of this machine, but for the settings, which are these."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))}
    return {
        **others,
        "SLACK_BOT_TOKEN": "xoxb-local",
        "SLACK_APP_TOKEN": "xapp-local",
        "SLACK_API_URL": f"{url}/api/",
        "MXCUTOVER_DATA": str(data),
        "MXCUTOVER_PORT": str(free_port()),
        **more,
    }


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    sandbox = Sandbox(SystemClock())
    await sandbox.start()
    async with slack() as url, Person(url) as hanako:
        places = [sandbox.place(host) for host in ("01.dnsv.jp", "02.dnsv.jp")]
        given = environment(
            url,
            tmp_path,
            MXCUTOVER_NAMESERVERS=",".join(f"{host}:{port}" for host, port in places),
            MXCUTOVER_SAMPLE_RESOLVERS="",
            MXCUTOVER_LEASE_SECONDS=str(LEASE_SECONDS),
        )
        made = World(url, given, hanako)
        await made.start_bot()
        yield made
        if made.bot is not None and made.bot.returncode is None:
            made.bot.kill()
            await made.bot.wait()
    await sandbox.stop()


async def submit_form(hanako: Person, domain: str = "example.co.jp") -> None:
    await hanako.command(f"/mxcutover start {domain}")
    view = await hanako.wait_for(hanako.modal, lambda v: v and "TTL" in texts(v), 20)
    assert view is not None
    day = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp"}
    answer = await hanako.submit(view, {**values, "date": day, "time": "22:00"})
    assert answer["ok"], answer


async def everything(hanako: Person) -> list[str]:
    """All that stands in the channel and its threads."""
    return [texts(m.get("blocks", [])) for m in (await hanako.state())["messages"] if m["channel"] == CUTOVER]


def occurrences(said: list[str]) -> tuple[int, int]:
    """How many checklists and how many openings there are."""
    return (
        sum("開始時のMX" in text for text in said),
        sum("のMX切替を始めました" in text for text in said),
    )


async def settled(hanako: Person) -> list[str]:
    """Wait for the opening; then for as long as an expired lease would need to double something."""
    await hanako.wait_for(lambda: everything(hanako), lambda s: occurrences(s)[1] >= 1, 30)
    await asyncio.sleep(2 * LEASE_SECONDS + 2)
    return await everything(hanako)


async def test_killed_after_accepting_and_before_saying(world: World) -> None:
    """Slack answers no post while the bot lives; the next run says all of it, once."""
    hanako = world.hanako
    await hanako.fault("reset", method="chat.postMessage", times=1000)
    await submit_form(hanako)
    await world.kill_bot()
    assert occurrences(await everything(hanako)) == (0, 0)
    await hanako.do("clear")
    await world.start_bot()
    assert occurrences(await settled(hanako)) == (1, 1)


async def test_killed_after_slack_took_the_post_and_before_its_answer(world: World) -> None:
    """The post is there, its row does not know: found by its key, and not said again."""
    hanako = world.hanako
    await hanako.fault("drop_answer", method="chat.postMessage", times=1)
    await submit_form(hanako)
    await hanako.wait_for(lambda: everything(hanako), lambda s: occurrences(s)[0] == 1, 20)
    await world.kill_bot()
    await world.start_bot()
    assert occurrences(await settled(hanako)) == (1, 1)


async def test_killed_before_the_form_was_opened(world: World) -> None:
    """The command was taken, its trigger is too old by then: the person gets the button instead, once."""
    hanako = world.hanako
    await hanako.fault("delay", method="views.open", seconds=60)
    assert (await hanako.command("/mxcutover start example.co.jp"))["ok"]
    file = Path(world.environment["MXCUTOVER_DATA"]) / "mxcutover.db"
    async with asyncio.timeout(20):
        while True:
            if dealt_with(file):
                break
            await asyncio.sleep(0.05)
    await world.kill_bot()
    await hanako.do("clear")
    await world.start_bot()
    await hanako.wait_for(
        hanako.ephemerals, lambda all_: any("フォームを開けません" in texts(m) for m in all_), 30
    )
    await asyncio.sleep(2 * LEASE_SECONDS + 2)
    assert len(await hanako.ephemerals()) == 1


def dealt_with(file: Path) -> bool:
    """Whether a command was settled: nobody will take it up again."""
    with closing(sqlite3.connect(file)) as connection:
        return bool(connection.execute("SELECT 1 FROM inbox WHERE state = 'done'").fetchone())


async def test_an_answer_that_was_lost_does_not_double_a_post_either(world: World) -> None:
    hanako = world.hanako
    await hanako.fault("drop_answer", method="chat.postMessage", times=2)
    await submit_form(hanako)
    assert occurrences(await settled(hanako)) == (1, 1)


async def test_a_delivery_that_comes_twice_is_dealt_with_once(world: World) -> None:
    hanako = world.hanako
    await hanako.fault("twice", method="interactive", times=5)
    await submit_form(hanako)
    assert occurrences(await settled(hanako)) == (1, 1)


async def test_many_kills_at_any_moment_lose_and_double_nothing(world: World) -> None:
    """Killed again and again while it opens a cutover and takes in answers."""
    hanako = world.hanako
    await submit_form(hanako)
    for pause in (0.0, 0.05, 0.2, 0.4):
        await asyncio.sleep(pause)
        await world.kill_bot()
        await world.start_bot()
    assert occurrences(await settled(hanako)) == (1, 1)
    root = (await hanako.messages())[0]
    await hanako.say("手順3 完了", CUTOVER, str(root["ts"]))
    await hanako.wait_for(
        lambda: everything(hanako), lambda s: sum("手順3 自ドメイン許可設定」を完了" in t for t in s) >= 1, 30
    )
    await world.kill_bot()
    await world.start_bot()
    await asyncio.sleep(2 * LEASE_SECONDS + 2)
    said = await everything(hanako)
    assert sum("手順3 自ドメイン許可設定」を完了" in text for text in said) == 1


async def test_it_stops_when_asked_and_is_ready_while_it_runs(world: World) -> None:
    async with aiohttp.ClientSession() as http:
        port = world.environment["MXCUTOVER_PORT"]
        async with http.get(f"http://127.0.0.1:{port}/readyz") as answer:
            assert answer.status == 200, await answer.text()
            assert (await answer.json())["slack"] is True
        async with http.get(f"http://127.0.0.1:{port}/livez") as answer:
            assert answer.status == 200
    assert await world.stop_bot() == 0
