"""The bot in Slack: Bolt, the inbox's worker, the outbox's sender, over Socket Mode or HTTP."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import structlog
from aiohttp import web
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltError
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.teams import Team
from bot.slack.client import client_of
from bot.slack.door import LARGEST_BODY, Door, Line
from bot.slack.groups import Groups
from bot.slack.handlers import Handlers
from bot.slack.install import Installs
from bot.slack.intake import Intake
from bot.slack.people import Directory
from bot.slack.sender import Clients, Sender
from bot.slack.submit import Submissions
from bot.slack.work import Worker
from bot.usecases.context import Deps

log = structlog.get_logger(__name__)

EVENTS_PATH = "/slack/events"
__all__ = ["EVENTS_PATH", "LARGEST_BODY", "OneTeam", "SlackSide"]


# Times the work for one delivery, and tells its HTTP status.
Acknowledging = Callable[[Awaitable[BoltResponse], Callable[[BoltResponse], int]], Awaitable[BoltResponse]]


class OneTeam:
    """The client of a bot that is installed in one workspace, by its token."""

    def __init__(self, token: SecretStr, api_url: str) -> None:
        self.client = client_of(token.get_secret_value(), api_url)

    async def of(self, team: Team) -> AsyncWebClient | None:
        return self.client


async def _nobody() -> AuthorizeResult:
    """What Bolt would ask before a listener of its own. There is none: the intake took it before."""
    raise BoltError("nothing is left to authorise after the intake")


class SlackSide:
    """Everything that talks with Slack. Start it after the store is open."""

    def __init__(
        self,
        deps: Deps,
        sender: Sender,
        clients: Clients,
        *,
        app_token: SecretStr | None,
        signing_secret: SecretStr | None,
        api_url: str,
        acknowledging: Acknowledging,
        installs: Installs | None = None,
    ) -> None:
        self._acknowledging = acknowledging
        self.sender = sender
        directory = Directory(deps.store, deps.clock, clients)
        groups = Groups(deps.clock, clients)
        submissions = Submissions(deps, directory, groups)
        self.handlers = Handlers(deps, directory, clients, submissions, groups)
        self.worker = Worker(deps.store, deps.clock, self.handlers, self.handlers.apologise)
        intake = Intake(
            deps.store,
            deps.clock,
            self.worker.take,
            submissions.acknowledge,
            clients,
            answer_at=(f"{api_url.removesuffix('api/')}",),
        )
        connecting = AsyncWebClient(base_url=api_url, timeout=15)
        connecting.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
        self.app = AsyncApp(
            client=connecting,
            authorize=_nobody,
            signing_secret="unused",  # noqa: S106 - verified at the door
            process_before_response=True,
            ignoring_self_events_enabled=False,
            request_verification_enabled=False,  # the door has verified it, before anything was parsed
            before_authorize=intake,
        )
        self._door = Door(signing_secret.get_secret_value(), self._dispatch) if signing_secret else None
        self._installs = installs
        self._app_token = app_token
        self._socket: Line | None = None
        self._sending: asyncio.Task[None] | None = None

    async def _dispatch(self, request: AsyncBoltRequest) -> BoltResponse:
        return await self._acknowledging(self.app.async_dispatch(request), lambda answer: answer.status)

    async def start(self) -> None:
        """Take up what an earlier run left, begin sending, and connect where Socket Mode is used."""
        await self.worker.sweep(older=timedelta())
        self._sending = asyncio.create_task(self.sender.run(), name="sender")
        if self._app_token is not None:
            self._socket = Line(
                self.app, self._app_token.get_secret_value(), ping_interval=10, dispatch=self._dispatch
            )
            await self._socket.connect_async()  # type: ignore[no-untyped-call]

    async def take_no_more(self, seconds: float) -> None:
        """Take nothing new, and let the work on what was taken end within `seconds`."""
        end = time.monotonic() + seconds
        if self._socket is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._socket.close_async()  # type: ignore[no-untyped-call]
        await self.worker.stop(max(end - time.monotonic(), 0.0))

    async def stop(self, seconds: float) -> None:
        """After `take_no_more`: let the message in hand be sent within `seconds`."""
        self.sender.stop()
        if self._sending is not None:
            await asyncio.wait([self._sending], timeout=seconds)
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def connected(self) -> bool:
        """Whether Slack can reach the bot: over HTTP always, over Socket Mode while connected."""
        if self._app_token is None:
            return True
        return self._socket is not None and bool(await self._socket.client.is_connected())

    def add_routes(self, web_app: web.Application) -> None:
        """Slack's signed requests, for the HTTP mode. Without a signing secret there is no such door."""
        if self._door is None:
            raise ValueError("requests that are not signed are not served")
        web_app.router.add_post(EVENTS_PATH, self._door.serve)
        if self._installs is not None:
            self._installs.add_routes(web_app)
