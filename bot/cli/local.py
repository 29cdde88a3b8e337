"""The bot in the local workspace: Slack, DNS and time are played on this machine, the bot is the real one."""

import asyncio
import socket
import sys
from datetime import datetime

import structlog
from aiohttp import web
from pydantic import SecretStr

from bot.dns.client import DnsClient
from bot.dns.sandbox import Sandbox
from bot.health import add_health
from bot.main import Bot, travel
from bot.manifest import load_manifest
from bot.metrics import Metrics, add_metrics
from bot.settings import Settings
from bot.store.engine import SqlStore
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.dns_panel import DnsPanel
from bot.workspace.server import APP_TOKEN, BOT_TOKEN, LocalWorkspace

log = structlog.get_logger(__name__)


async def run_local(settings: Settings, store: SqlStore, stop: asyncio.Event) -> None:
    """Run until `stop`. The workspace, the sandbox's zones and the clock are kept in the data folder."""
    folder = settings.data.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    clock = MovableClock()
    sandbox = Sandbox(clock)
    running: list[Bot] = []
    metrics = Metrics()

    async def go(instant: datetime) -> None:
        for bot in running:
            await travel(bot, clock.set, instant)

    async def next_due() -> datetime | None:
        return await running[0].next_due() if running else None

    def add_routes(app: web.Application) -> None:
        add_health(
            app,
            lambda: running[0].alive(),
            {
                "database": lambda: running[0].database_ready(),
                "slack": lambda: running[0].slack.connected(),
            },
        )
        add_metrics(app, metrics, lambda: running[0].waiting())

    workspace = LocalWorkspace(
        clock,
        host=settings.host,
        port=settings.port if "port" in settings.model_fields_set else usual_or_free(settings),
        state_file=folder / "workspace.json",
        app=App.from_manifest(load_manifest()),
        travel=go,
        next_due=next_due,
        dns=DnsPanel(sandbox, folder / "sandbox.json"),
        add_routes=add_routes,
    )
    await sandbox.start()
    try:
        await workspace.start()
        try:
            await _with_bot(settings, store, stop, workspace, sandbox, clock, running, metrics)
        finally:
            await workspace.stop()
    finally:
        await sandbox.stop()


def usual_or_free(settings: Settings) -> int:
    """The usual port, or 0 (any free one) where something else has it: nobody has asked for it by name."""
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError:
            return 0
    return settings.port


async def _with_bot(
    settings: Settings,
    store: SqlStore,
    stop: asyncio.Event,
    workspace: LocalWorkspace,
    sandbox: Sandbox,
    clock: MovableClock,
    running: list[Bot],
    metrics: Metrics,
) -> None:
    bot = Bot(
        settings,
        store,
        DnsClient(sandbox.dns_config(), clock),
        clock,
        token=SecretStr(BOT_TOKEN),
        api_url=workspace.api_url,
        app_token=SecretStr(APP_TOKEN),
        signing_secret=None,
        per_second=0,
        metrics=metrics,
    )
    running.append(bot)
    await bot.start()
    await workspace.wait_connected()
    print(f"MX cutover bot, local workspace: {workspace.url}", flush=True)
    print("No Slack tokens are set; everything stays on this machine. Ctrl+C ends it.", file=sys.stderr)
    try:
        await stop.wait()
    finally:
        running.clear()
        await bot.stop()
