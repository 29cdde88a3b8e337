"""Where the health checks are: at the port of Slack's requests, or at one that only the inside reaches."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from pydantic import SecretStr

from bot.cli.run import health_place, listening, run
from bot.clock import SystemClock
from bot.main import Bot, dns_client
from bot.settings import Settings
from bot.slack.app import EVENTS_PATH
from bot.store.engine import open_store
from bot.store.migrate import migrate
from tests.browser.test_whole_cutover import running


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def made(
    folder: Path, *, monotonic: Callable[[], float] = time.monotonic, **more: Any
) -> tuple[Settings, Bot]:
    settings = Settings(_env_file=None, data=folder, port=free_port(), **more)  # type: ignore[call-arg]
    url = f"sqlite:///{folder / 'mxcutover.db'}"
    migrate(url)
    clock = SystemClock()
    bot = Bot(
        settings,
        open_store(url, synchronous="OFF"),
        dns_client(settings, clock),
        clock,
        token=SecretStr("xoxb-test"),
        api_url="http://127.0.0.1:1/api/",
        app_token=None,
        signing_secret=SecretStr("of-this-test"),
        monotonic=monotonic,
    )
    return settings, bot


async def status(port: int, path: str, method: str = "GET") -> int:
    async with ClientSession() as http, http.request(method, f"http://127.0.0.1:{port}{path}") as answer:
        return answer.status


async def test_at_one_port_unless_told(tmp_path: Path) -> None:
    settings, bot = made(tmp_path)
    assert health_place(settings) == ("127.0.0.1", settings.port)
    async with listening(settings, bot, with_slack=True):
        assert await status(settings.port, "/readyz") == 200
        assert await status(settings.port, EVENTS_PATH, "POST") == 401
    await bot.store.close()


async def test_at_a_port_of_their_own(tmp_path: Path) -> None:
    settings, bot = made(tmp_path, health_port=free_port())
    async with listening(settings, bot, with_slack=True):
        assert await status(settings.health_port, "/readyz") == 200
        assert await status(settings.health_port, EVENTS_PATH, "POST") == 404
        for path in ("/livez", "/readyz", "/metrics"):
            assert await status(settings.port, path) == 404
        assert await status(settings.port, EVENTS_PATH, "POST") == 401
    await bot.store.close()


async def test_over_socket_mode_nothing_else_listens(tmp_path: Path) -> None:
    settings, bot = made(tmp_path, health_port=free_port())
    async with listening(settings, bot, with_slack=False):
        assert await status(settings.health_port, "/readyz") == 200
        with pytest.raises(OSError):
            await status(settings.port, "/readyz")
    await bot.store.close()


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while True:
            if seen():
                return
            await asyncio.sleep(0.02)


async def test_a_job_that_does_not_end_is_noticed_and_a_long_one_is_none(tmp_path: Path) -> None:
    """Ticks go on meanwhile: what hangs is what they call. Here its database lets everybody wait."""
    ahead, go = 0.0, threading.Event()
    settings, bot = made(tmp_path, monotonic=lambda: time.monotonic() + ahead)
    scheduler = bot.scheduler
    async with listening(settings, bot, with_slack=True):
        await bot.start()
        waiting = asyncio.create_task(bot.store.transact(lambda tx: go.wait()))
        await until(lambda: scheduler.busy_seconds > 1.5)
        for ahead, answer in ((200.0, 200), (400.0, 503)):
            await until(lambda: scheduler.age_seconds < 2)
            assert scheduler.busy_seconds > ahead
            assert await status(settings.port, "/livez") == answer
        go.set()
        assert await waiting
        await until(lambda: scheduler.busy_seconds < 2 and scheduler.age_seconds < 2)
        assert await status(settings.port, "/livez") == 200
        await bot.stop()


async def test_what_does_not_begin_leaves_no_port_open(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings, bot = made(tmp_path, health_port=int(taken.getsockname()[1]))
        with pytest.raises(OSError):
            async with listening(settings, bot, with_slack=True):
                pass
        with socket.socket() as again:
            again.bind(("127.0.0.1", settings.port))
    await bot.store.close()


async def test_the_local_workspace_has_metrics_too(tmp_path: Path) -> None:
    async with running(tmp_path) as address, ClientSession() as http:
        for path in ("/livez", "/readyz", "/metrics"):
            async with http.get(f"{address}{path}") as answer:
                assert answer.status == 200
                text = await answer.text()
    assert "mxcutover_database_up 1.0" in text
    assert "mxcutover_tick_age_seconds" in text


def test_a_database_that_cannot_be_reached_is_said_without_a_traceback(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data=tmp_path,
        port=free_port(),
        slack_bot_token=SecretStr("xoxb-test"),
        slack_app_token=SecretStr("xapp-test"),
        database_url=SecretStr("postgresql://somebody:hush-hush@127.0.0.1:1/x"),
    )
    assert run(settings) == 1
    said = capfd.readouterr().err
    assert "DATABASE_URL" in said
    assert "Traceback" not in said
    assert "hush-hush" not in said
