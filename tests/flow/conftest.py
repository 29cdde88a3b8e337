"""The whole bot in one process, as Slack would drive it: real Bolt over Socket Mode, the DNS sandbox
over real sockets, SQLite in a file. Only the clock is moved.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.content import content_text, load_yaml
from bot.dns.client import DnsClient
from bot.dns.sandbox import Sandbox
from bot.main import Bot, travel
from bot.manifest import load_manifest
from bot.settings import Settings
from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.person import ALICE, GUEST, HANAKO, KEN, Person
from bot.workspace.server import APP_TOKEN, BOT_TOKEN, LocalWorkspace

# A Tuesday in Tokyo, no holiday near: 10:00 JST.
BEGINNING = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)


class FixedBase:
    """A clock that stands still, for a MovableClock to stand on."""

    def now(self) -> datetime:
        return BEGINNING


@dataclass
class House:
    """Everything that a test of the whole needs."""

    workspace: LocalWorkspace
    bot: Bot
    sandbox: Sandbox
    clock: MovableClock
    hanako: Person
    alice: Person
    ken: Person
    guest: Person

    async def go(self, **ahead: float) -> None:
        """Let time pass, with everything that falls due on the way."""
        await travel(self.bot, self.clock.set, self.clock.now() + timedelta(**ahead))

    async def go_to(self, instant: datetime) -> None:
        await travel(self.bot, self.clock.set, instant)


def settings_of(folder: Path, **more: Any) -> Settings:
    return Settings(_env_file=None, data=folder, **more)  # type: ignore[call-arg]


async def build_bot(
    folder: Path,
    workspace: LocalWorkspace,
    sandbox: Sandbox,
    clock: MovableClock,
    *,
    url: str | None = None,
    **more: Any,
) -> Bot:
    """`url`: of another database than a SQLite file in `folder`."""
    url = url or f"sqlite:///{folder / 'mxcutover.db'}"
    migrate(url)
    return Bot(
        settings_of(folder, **more),
        open_store(url, synchronous="OFF"),  # no power cut is tested here
        DnsClient(sandbox.dns_config(), clock),
        clock,
        token=SecretStr(BOT_TOKEN),
        api_url=workspace.api_url,
        app_token=SecretStr(APP_TOKEN),
        signing_secret=None,
        per_second=0,
    )


def world() -> dict[str, Any]:
    """The example world, and a domain whose name servers belong to two services."""
    known = dict(load_yaml(content_text("sandbox.yml"), "sandbox.yml"))
    servers = ["01.dnsv.jp", "ns1.xserver.jp"]
    mixed = {"domain": "mixed.example.net", "nameservers": servers, "mx": [[10, "mail.old-provider.example"]]}
    return {**known, "zones": [*known["zones"], mixed]}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with whole_house(tmp_path) as everything:
        yield everything


@asynccontextmanager
async def whole_house(folder: Path, url: str | None = None, **slack: Any) -> AsyncIterator[House]:
    """A bot at work in a workspace of its own; `url` as in build_bot, `slack` as of the workspace."""
    clock = MovableClock(FixedBase())
    sandbox = Sandbox(clock, world())
    await sandbox.start()
    workspace = LocalWorkspace(clock, app=App.from_manifest(load_manifest()), **slack)
    await workspace.start()
    bot = await build_bot(folder, workspace, sandbox, clock, url=url)
    await bot.start()
    await workspace.wait_connected()
    async with (
        Person(workspace.url, HANAKO) as hanako,
        Person(workspace.url, ALICE) as alice,
        Person(workspace.url, KEN) as ken,
        Person(workspace.url, GUEST) as guest,
    ):
        yield House(workspace, bot, sandbox, clock, hanako, alice, ken, guest)
    await bot.stop()
    await workspace.stop()
    await sandbox.stop()
