"""The same bot by signed HTTP requests instead of Socket Mode."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.dns.client import DnsClient
from bot.dns.sandbox import Sandbox
from bot.main import Bot
from bot.manifest import load_manifest
from bot.slack.app import EVENTS_PATH
from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.person import ALICE, GUEST, HANAKO, KEN, Person, texts
from bot.workspace.server import BOT_TOKEN, SIGNING_SECRET, LocalWorkspace
from tests.flow.conftest import FixedBase, House, settings_of
from tests.flow.test_killed import free_port
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover, said


@pytest.fixture
async def by_http(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    clock = MovableClock(FixedBase())
    sandbox = Sandbox(clock)
    await sandbox.start()
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    port = free_port()
    target = f"http://127.0.0.1:{port}{EVENTS_PATH}"
    workspace = LocalWorkspace(clock, app=App.from_manifest(load_manifest()), http_targets=[target])
    await workspace.start()
    bot = Bot(
        settings_of(tmp_path),
        open_store(url, synchronous="OFF"),
        DnsClient(sandbox.dns_config(), clock),
        clock,
        token=SecretStr(BOT_TOKEN),
        api_url=workspace.api_url,
        app_token=None,
        signing_secret=SecretStr(SIGNING_SECRET),
        per_second=0,
    )
    app = web.Application()
    bot.slack.add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await bot.start()
    async with (
        Person(workspace.url, HANAKO) as hanako,
        Person(workspace.url, ALICE) as alice,
        Person(workspace.url, KEN) as ken,
        Person(workspace.url, GUEST) as guest,
    ):
        yield House(workspace, bot, sandbox, clock, hanako, alice, ken, guest), target
    await bot.stop()
    await workspace.stop()
    await runner.cleanup()
    await sandbox.stop()


async def test_a_cutover_is_opened_and_answered(by_http: tuple[House, str]) -> None:
    house, _ = by_http
    await house.hanako.command("/mxcutover help")
    await private(house.hanako, "使い方")
    root = await open_cutover(house)
    await house.hanako.say("手順3 完了", "C0CUTOVER1", str(root["ts"]))
    await said(house, root, "手順3 自ドメイン許可設定」を完了")
    await house.hanako.open_home()
    await house.hanako.wait_for(house.hanako.home, lambda view: view and "example.co.jp" in texts(view))


@pytest.mark.parametrize("signature", [None, "v0=0", "v0=" + "0" * 64])
async def test_what_is_not_signed_is_refused(by_http: tuple[House, str], signature: str | None) -> None:
    house, target = by_http
    headers = {"X-Slack-Request-Timestamp": str(int(house.clock.now().timestamp()))}
    if signature is not None:
        headers["X-Slack-Signature"] = signature
    async with aiohttp.ClientSession() as http:
        body = "command=%2Fmxcutover&text=help&team_id=T1&user_id=U1&channel_id=C1&trigger_id=1.1"
        async with http.post(target, data=body, headers=headers) as answer:
            assert answer.status == 401
    assert await house.bot.store.transact(lambda tx: tx.outbox.unsettled()) == 0
