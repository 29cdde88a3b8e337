"""The heartbeat, against a real server: told while all is well, silent otherwise, its address in no log."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from bot.heartbeat import Heartbeat
from tests.unit.test_doors_health import made


class Watcher:
    """Who is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.answer: type[web.HTTPException] | None = None

    async def hear(self, request: web.Request) -> web.Response:
        self.told.append(request.path)
        if self.answer is web.HTTPFound:
            raise web.HTTPFound("/elsewhere")
        return web.Response(status=503 if self.answer else 200)


@pytest.fixture
async def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
async def address(watcher: Watcher) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_get("/{path:.*}", watcher.hear)
    async with TestServer(app) as server:
        yield str(server.make_url("/ping/SECRET-KEY"))


async def yes() -> bool:
    return True


async def test_told_once_a_minute(watcher: Watcher, address: str) -> None:
    times = iter((1000.0, 1001.0, 1059.0, 1060.0, 1061.0))
    heart = Heartbeat(SecretStr(address), yes, clock=lambda: next(times))
    for _ in range(5):
        await heart.run()
    assert watcher.told == ["/ping/SECRET-KEY"] * 2


async def test_silent_when_the_audit_finds_or_meets_something(watcher: Watcher, address: str) -> None:
    async def no() -> bool:
        return False

    async def broken() -> bool:
        raise OSError

    for well in (no, broken):
        await Heartbeat(SecretStr(address), well).run()
    assert watcher.told == []


async def test_a_redirect_is_not_followed_and_the_address_not_logged(
    watcher: Watcher, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for answer in (web.HTTPFound, web.HTTPServiceUnavailable):
        watcher.answer = answer
        await Heartbeat(SecretStr(address), yes).run()
    await Heartbeat(SecretStr("http://127.0.0.1:1/SECRET-KEY"), yes).run()
    await Heartbeat(SecretStr("no address SECRET-KEY"), yes).run()
    assert watcher.told == ["/ping/SECRET-KEY"] * 2
    written = capsys.readouterr()
    assert "the heartbeat was not taken" in written.out + written.err
    assert "SECRET-KEY" not in written.out + written.err


async def test_the_bot_tells_while_it_ticks_and_its_database_answers(
    watcher: Watcher, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, bot = made(tmp_path, heartbeat_url=SecretStr(address))
    await bot.scheduler.tick()
    assert watcher.told == ["/ping/SECRET-KEY"]
    assert await bot.well()
    with monkeypatch.context() as stopped:
        stopped.setattr(bot.scheduler, "_last", -1000.0)
        assert not await bot.well()
    await bot.store.close()
    with pytest.raises(RuntimeError):
        await bot.well()


async def test_what_was_not_well_is_looked_at_again_soon_and_said_once(
    watcher: Watcher, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    audits = iter((False, False, True, True))

    async def well() -> bool:
        return next(audits)

    times = iter((1000.0, 1004.0, 1005.0, 1010.0, 1011.0, 1070.0))
    heart = Heartbeat(SecretStr(address), well, clock=lambda: next(times))
    for _ in range(6):
        await heart.run()
    assert watcher.told == ["/ping/SECRET-KEY"] * 2
    assert capsys.readouterr().out.count("no heartbeat") == 1
