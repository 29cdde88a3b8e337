"""`mxcutover run`: the bot in Slack where tokens are set, else the local workspace on this machine."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from enum import StrEnum

import structlog
from aiohttp import web
from pydantic import SecretStr

from bot.cli.ops import explain
from bot.clock import SystemClock
from bot.health import add_health
from bot.logs import configure
from bot.main import Bot, dns_client
from bot.metrics import add_metrics
from bot.settings import Settings
from bot.slack.app import LARGEST_BODY
from bot.slack.install import OAuthApp
from bot.store.engine import SqlStore, database_url, open_store, parse_url, sqlite_file
from bot.store.in_use import working_with
from bot.store.migrate import migrate

log = structlog.get_logger(__name__)

REQUESTS_END_WITHIN = 5.0  # seconds, when the bot stops; a delivery is acknowledged in far less


class Mode(StrEnum):
    SOCKET = "socket"
    HTTP = "http"
    LOCAL = "local"


class BadTokens(ValueError):
    """Some of Slack's tokens are set, but not a pair that makes a mode; says what is missing."""


def mode_of(settings: Settings) -> Mode:
    """Socket Mode with bot and app token, HTTP with bot token and signing secret, else local.

    Raises BadTokens where only a part is there: starting the local workspace instead would surprise.
    """
    if settings.slack_client_id or settings.slack_client_secret:
        if settings.slack_client_id and settings.slack_client_secret and settings.slack_signing_secret:
            return Mode.HTTP
        raise BadTokens(
            "for several workspaces set SLACK_CLIENT_ID, SLACK_CLIENT_SECRET and SLACK_SIGNING_SECRET"
        )
    if settings.slack_bot_token:
        if settings.slack_app_token:
            return Mode.SOCKET
        if settings.slack_signing_secret:
            return Mode.HTTP
        raise BadTokens(
            "SLACK_BOT_TOKEN is set; add SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP)"
        )
    if settings.slack_app_token or settings.slack_signing_secret:
        raise BadTokens("SLACK_BOT_TOKEN is missing; unset the other SLACK_ variables for a local workspace")
    return Mode.LOCAL


def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    configure(settings.log_level, as_json=not sys.stderr.isatty(), secrets=settings.secrets())
    try:
        mode = mode_of(settings)
    except BadTokens as problem:
        print(problem, file=sys.stderr)
        return 2
    try:
        asyncio.run(_run(settings, mode))
    except OSError as error:
        print(f"{settings.host}:{settings.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    except Exception as error:
        text = explain(error, "ja")
        if text is None:
            raise
        print(f"{text}\n{explain(error, 'en')}", file=sys.stderr)
        return 1
    return 0


async def _run(settings: Settings, mode: Mode) -> None:
    url = database_url(settings)
    file = sqlite_file(parse_url(url))
    with working_with(file) if file is not None else nullcontext():
        await _with_database(settings, mode, url)


async def _with_database(settings: Settings, mode: Mode, url: str) -> None:
    await asyncio.to_thread(migrate, url)
    # A rehearsal need not outlive a power cut, and its clock moves through many transactions.
    store = open_store(url, synchronous="OFF" if mode is Mode.LOCAL else "FULL")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        if mode is Mode.LOCAL:
            from bot.cli.local import run_local

            await run_local(settings, store, stop)
        else:
            await _in_slack(settings, store, stop, mode)
    finally:
        await store.close()


async def _in_slack(settings: Settings, store: SqlStore, stop: asyncio.Event, mode: Mode) -> None:
    clock = SystemClock()
    bot = Bot(
        settings,
        store,
        dns_client(settings, clock),
        clock,
        token=settings.slack_bot_token or SecretStr(""),
        api_url=api_url(settings),
        app_token=settings.slack_app_token if mode is Mode.SOCKET else None,
        signing_secret=settings.slack_signing_secret if mode is Mode.HTTP else None,
        per_second=settings.messages_per_second,
        oauth=oauth_app(settings),
    )
    try:
        async with listening(settings, bot, with_slack=mode is Mode.HTTP):
            if not await _started(bot, stop):
                return
            host, port = health_place(settings)
            print(f"mxcutover: {mode.value}, http://{host}:{port}/readyz", flush=True)
            await stop.wait()
    finally:
        await bot.stop()


async def _started(bot: Bot, stop: asyncio.Event) -> bool:
    """Start the bot; False where it is to stop before that: without Slack, connecting goes on for ever."""
    starting, stopping = asyncio.create_task(bot.start()), asyncio.create_task(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        starting.result()
        return True
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    return False


def oauth_app(settings: Settings) -> OAuthApp | None:
    """The app's own credentials, where it is installed in several workspaces."""
    if settings.slack_client_id and settings.slack_client_secret:
        return OAuthApp(settings.slack_client_id, settings.slack_client_secret)
    return None


@asynccontextmanager
async def listening(settings: Settings, bot: Bot, *, with_slack: bool) -> AsyncIterator[None]:
    """Serve health checks, metrics and, with `with_slack`, Slack's requests: at one port, or at one each."""
    inner, outer = web.Application(), web.Application(client_max_size=LARGEST_BODY)
    apart = bool(settings.health_port)
    _health(inner if apart else outer, bot)
    if with_slack:
        bot.slack.add_routes(outer)
    served = [(outer, (settings.host, settings.port))] if with_slack or not apart else []
    served += [(inner, health_place(settings))] if apart else []
    runners: list[web.AppRunner] = []
    try:
        for app, (host, port) in served:
            # What is still to come of a request that was refused is read for a moment only.
            runner = web.AppRunner(
                app, access_log=None, lingering_time=0.5, shutdown_timeout=REQUESTS_END_WITHIN
            )
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await asyncio.gather(*(runner.cleanup() for runner in runners))


def health_place(settings: Settings) -> tuple[str, int]:
    """Host and port of /livez, /readyz and /metrics."""
    if settings.health_port:
        return settings.health_host, settings.health_port
    return settings.host, settings.port


def api_url(settings: Settings) -> str:
    """The Web API's base address; the SDK wants `/api/` at its end."""
    address = settings.slack_api_url.rstrip("/")
    return f"{address}/" if address.endswith("/api") else f"{address}/api/"


def _health(web_app: web.Application, bot: Bot) -> None:
    ready = {"database": bot.database_ready, "slack": bot.slack.connected, "tokens": bot.tokens_ready}
    add_health(web_app, bot.alive, ready)
    add_metrics(web_app, bot.metrics, bot.waiting)
