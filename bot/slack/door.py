"""The two doors for what Slack delivers: signed HTTP requests, and Socket Mode.

Bolt's own would read and parse a whole body before it looks at the signature, without a time limit, and
would leave an envelope that it stumbles over unacknowledged.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from slack_bolt.adapter.socket_mode.async_base_handler import AsyncBaseSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.adapter.socket_mode.internals import build_headers
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.slack.intake import ADMITTED, Odd, admit

log = structlog.get_logger(__name__)

LARGEST_BODY = 1 << 20  # bytes; Slack's largest payloads (a view of 100 blocks) stay below 300 kB
SLOWEST_BODY = 5.0  # seconds; Slack gives up after three
LONGEST_HEADER = 200

Dispatch = Callable[[AsyncBoltRequest], Awaitable[BoltResponse]]


class Door:
    """Checks size, time and signature of a request, in this order, then hands it to Bolt."""

    def __init__(self, secret: str, dispatch: Dispatch, *, seconds: float = SLOWEST_BODY) -> None:
        self._verifier = SignatureVerifier(secret)
        self._dispatch = dispatch
        self._seconds = seconds

    async def serve(self, request: web.Request) -> web.Response:
        """413 too large, 408 too slow, 401 not signed by Slack in the last five minutes, 400 unreadable."""
        if (request.content_length or 0) > LARGEST_BODY:
            return _refused(413, "too large")
        try:
            async with asyncio.timeout(self._seconds):
                body = await request.read()
        except TimeoutError:
            return _refused(408, "too slow")
        except web.HTTPRequestEntityTooLarge:  # sent in pieces, without its length
            return _refused(413, "too large")
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return _refused(400, "not UTF-8")
        if not self._signed(request, text):
            return _refused(401, "not signed")
        try:
            bolt_request = AsyncBoltRequest(
                body=text,
                query=request.query_string,
                headers=dict(request.headers.items()),
            )
        except Exception as error:  # Bolt reads far into what may be of any shape
            return _refused(400, type(error).__name__)
        try:
            bolt_request.context[ADMITTED] = admit(bolt_request.body)
        except Odd:
            return _refused(400, "shape")
        return _answered(await self._dispatch(bolt_request))

    def _signed(self, request: web.Request, body: str) -> bool:
        times = request.headers.getall("X-Slack-Request-Timestamp", [])
        signatures = request.headers.getall("X-Slack-Signature", [])
        if len(times) != 1 or len(signatures) != 1:  # two of one: which was checked would be a matter of luck
            return False
        at, signature = times[0], signatures[0]
        # int() takes "+1", "1_0" and Arabic digits, and compare_digest raises for what is not ASCII.
        if not (at.isascii() and at.isdecimal() and signature.isascii()) or len(at) > LONGEST_HEADER:
            return False
        return self._verifier.is_valid(body, at, signature)


class Connection(SocketModeClient):
    """The SDK's, but an address that did not serve is not tried again: it is good for some seconds.

    The SDK asks for one, and tries that one for ever. Were Slack away just then, the bot would stay deaf.
    """

    async def connect(self) -> None:
        """Until there is a connection, or `close`."""
        renewing = asyncio.create_task(self._renew())
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        finally:
            renewing.cancel()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.ping_interval / 2)  # it pauses for a whole one between two tries
            self.wss_uri = None


class Line(AsyncBaseSocketModeHandler):
    """Socket Mode; an envelope that cannot be read is acknowledged, for it would come again as it is."""

    def __init__(self, app: AsyncApp, app_token: str, *, ping_interval: float, dispatch: Dispatch) -> None:
        self.app = app
        self.client = Connection(
            app_token=app_token, logger=app.logger, web_client=app.client, ping_interval=ping_interval
        )
        self.client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]
        self._dispatch = dispatch
        self.client.message_listeners.append(self._look_at)  # type: ignore[arg-type]

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        try:
            admitted = admit(req.payload)
            bolt_request = AsyncBoltRequest(mode="socket_mode", body=req.payload, headers=build_headers(req))
        except Odd:
            await _put_aside(client, req.envelope_id, "shape")
            return
        except Exception as error:  # Bolt reads far into what may be of any shape
            await _put_aside(client, req.envelope_id, type(error).__name__)
            return
        bolt_request.context[ADMITTED] = admitted
        answer = await self._dispatch(bolt_request)
        await send_async_response(client, req, answer, time.time())

    async def _look_at(self, client: SocketModeClient, message: dict[str, Any], raw: str | None) -> None:
        """The SDK passes over an envelope whose payload is no object, and acknowledges nothing."""
        envelope = message.get("envelope_id")
        if isinstance(envelope, str) and not isinstance(message.get("payload"), dict | str):
            await _put_aside(client, envelope, "payload")


async def _put_aside(client: SocketModeClient, envelope: object, why: str) -> None:
    log.warning("an envelope was put aside", why=why)
    await client.send_socket_mode_response(SocketModeResponse(envelope_id=str(envelope)))


def _answered(answer: BoltResponse) -> web.Response:
    """Bolt's response as aiohttp's. Bolt's own adapter cares for cookies, of which there are none here."""
    response = web.Response(status=answer.status, body=answer.body.encode())
    for name, values in answer.headers.items():
        response.headers[name] = values[0]
    return response


def _refused(status: int, why: str) -> web.Response:
    log.warning("a request was refused at the door", status=status, why=why)
    answer = web.Response(status=status, text=why)
    answer.force_close()  # what is still to come of the body is not read
    return answer
