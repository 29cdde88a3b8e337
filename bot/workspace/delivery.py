"""Brings what happens to the bot: over Socket Mode's WebSockets, or as signed HTTP requests.

An event that is not acknowledged within three seconds is sent again; commands and clicks are not.
Seconds here are real ones, whatever the workspace's clock shows.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, WSMsgType, web

from bot.workspace.app import APP_ID
from bot.workspace.faults import Faults, Kind

Json = dict[str, Any]
log = structlog.get_logger(__name__)

EVENT, COMMAND, INTERACTIVE = "events_api", "slash_commands", "interactive"
ACK_SECONDS = 3.0
RETRY_DELAYS = (0.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a delivery. `reason`: http_timeout, http_error, connection_failed."""

    acked: bool
    answer: Any = None
    reason: str = ""


@dataclass(eq=False)
class _Connection:
    id: str
    socket: web.WebSocketResponse


class Delivery:
    """To one app, by whichever road it has chosen: Socket Mode, or HTTP.

    Several `http_targets` stand for an app's replicas behind one address; each delivery goes to the next.
    Beside them, connections take their turns too, so that replicas of both kinds can be tried at once.
    """

    def __init__(
        self,
        *,
        signing_secret: str,
        http_targets: Sequence[str],
        faults: Faults,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        ack_seconds: float = ACK_SECONDS,
        on_connections: Callable[[], None] = lambda: None,
    ) -> None:
        self.http_targets = tuple(http_targets)
        self.given_up: list[str] = []  # event_ts of events that no retry brought over
        self._secret = signing_secret
        self._faults = faults
        self._retry_delays = tuple(retry_delays)
        self._ack_seconds = ack_seconds
        self._on_connections = on_connections
        self._connections: list[_Connection] = []
        self._turn = 0
        self._tickets: set[str] = set()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: ClientSession | None = None
        self.some_connection = asyncio.Event()

    # --- life ---

    async def start(self) -> None:
        if self.http_targets:
            self._http = ClientSession(timeout=ClientTimeout(total=self._ack_seconds))

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.disconnect()
        if self._http is not None:
            await self._http.close()

    @property
    def connected(self) -> int:
        """How many Socket Mode connections the bot holds."""
        return len(self._connections)

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run in the background until `stop`."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("workspace_task_failed", error=repr(task.exception()))

    # --- Socket Mode ---

    def new_ticket(self) -> str:
        """For one connection, as apps.connections.open hands out."""
        ticket = uuid4().hex
        self._tickets.add(ticket)
        return ticket

    async def serve_socket(self, request: web.Request) -> web.StreamResponse:
        """The bot's end of a Socket Mode connection; returns when it ends."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            raise web.HTTPForbidden(text="unknown ticket")
        self._tickets.discard(ticket)
        if self._faults.take_socket() is not None:
            raise web.HTTPServiceUnavailable(text="not now")
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        connection = _Connection(uuid4().hex, socket)
        self._connections.append(connection)
        self.some_connection.set()
        self._on_connections()
        try:
            await socket.send_json(self._hello(connection))
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    self._heard(json.loads(message.data))
        finally:
            self._connections.remove(connection)
            if not self._connections:
                self.some_connection.clear()
            self._on_connections()
        return socket

    def _hello(self, connection: _Connection) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {
                "host": f"applink-{connection.id[:8]}",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
            "connection_info": {"app_id": APP_ID},
        }

    def _heard(self, answer: Json) -> None:
        waiting = self._waiting.pop(str(answer.get("envelope_id")), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload"))

    async def disconnect(self, *, politely: bool = False) -> None:
        """End every connection: with Slack's refresh notice, or at once."""
        for connection in list(self._connections):
            if politely:
                await connection.socket.send_json({"type": "disconnect", "reason": "refresh_requested"})
            else:
                await connection.socket.close(code=1011)

    # --- one delivery ---

    def _faulty(self, kind: str) -> Kind | None:
        fault = self._faults.take_delivery(kind)
        return fault.kind if fault is not None else None

    async def ask(self, kind: str, payload: Json, *, accepts_answer: bool = False) -> Outcome:
        """Deliver a command or an interaction once; wait three seconds at most for its acknowledgement."""
        fault = self._faulty(kind)
        if fault is Kind.NEVER:
            return Outcome(False, reason="http_timeout")
        envelope = self._envelope(kind, payload, accepts_answer)
        if fault is Kind.TWICE:
            self.spawn(self._discard(kind, envelope))
        outcome = await self._send(kind, envelope, 0, "")
        return Outcome(False, reason="http_timeout") if fault is Kind.DEAF else outcome

    async def _discard(self, kind: str, envelope: Json) -> None:
        await self._send(kind, {**envelope, "envelope_id": str(uuid4())}, 0, "")

    def announce(self, body: Json) -> None:
        """Deliver an event in the background, again where it is not acknowledged."""
        self.spawn(self._announce(self._envelope(EVENT, body, False)))

    async def _announce(self, envelope: Json) -> None:
        fault = self._faulty(EVENT)
        if fault is Kind.NEVER:
            self.given_up.append(str(envelope["payload"]["event"]["event_ts"]))
            return
        if fault is Kind.TWICE:
            self.spawn(self._discard(EVENT, envelope))
        outcome = await self._send(EVENT, envelope, 0, "")
        if fault is Kind.DEAF:
            outcome = Outcome(False, reason="http_timeout")
        for number, delay in enumerate(self._retry_delays, start=1):
            if outcome.acked or outcome.reason == "no_retry":
                break
            await asyncio.sleep(delay)
            again = {**envelope, "envelope_id": str(uuid4())}
            outcome = await self._send(EVENT, again, number, outcome.reason)
        if not outcome.acked:
            self.given_up.append(str(envelope["payload"]["event"]["event_ts"]))

    def _envelope(self, kind: str, payload: Json, accepts_answer: bool) -> Json:
        return {
            "envelope_id": str(uuid4()),
            "type": kind,
            "payload": payload,
            "accepts_response_payload": accepts_answer,
        }

    async def _send(self, kind: str, envelope: Json, retry: int, reason: str) -> Outcome:
        roads: list[str | _Connection] = [*self.http_targets, *self._connections]
        if not roads:
            return Outcome(False, reason="connection_failed")
        self._turn += 1
        road = roads[self._turn % len(roads)]
        if isinstance(road, str):
            return await self._post(road, kind, envelope["payload"], retry, reason)
        if kind == EVENT:
            envelope = {**envelope, "retry_attempt": retry, "retry_reason": reason}
        return await self._push(road, envelope)

    async def _push(self, connection: _Connection, envelope: Json) -> Outcome:
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        try:
            await connection.socket.send_json(envelope)
            async with asyncio.timeout(self._ack_seconds):
                return Outcome(True, await waiting)
        except TimeoutError:
            return Outcome(False, reason="timeout")
        except ConnectionError:
            return Outcome(False, reason="connection_failed")
        finally:
            self._waiting.pop(envelope["envelope_id"], None)

    # --- signed HTTP ---

    def signed(self, body: str, at: int) -> dict[str, str]:
        """Slack's signature headers for a body sent at `at` (seconds)."""
        digest = hmac.new(self._secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}

    async def _post(self, target: str, kind: str, payload: Json, retry: int, reason: str) -> Outcome:
        if self._http is None:
            return Outcome(False, reason="connection_failed")
        if kind == EVENT:
            body, content_type = json.dumps(payload, ensure_ascii=False), "application/json"
        else:
            fields = payload if kind == COMMAND else {"payload": json.dumps(payload, ensure_ascii=False)}
            body, content_type = urlencode(fields), "application/x-www-form-urlencoded"
        headers = {"Content-Type": content_type, **self.signed(body, int(time.time()))}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry), "X-Slack-Retry-Reason": reason}
        try:
            async with self._http.post(target, data=body.encode(), headers=headers) as answer:
                text = await answer.text()
                if answer.status == 200:
                    is_json = answer.content_type == "application/json" and text
                    return Outcome(True, json.loads(text) if is_json else ({"text": text} if text else None))
                no_retry = answer.headers.get("X-Slack-No-Retry") == "1"
                return Outcome(False, reason="no_retry" if no_retry else "http_error")
        except TimeoutError:
            return Outcome(False, reason="http_timeout")
        except (ClientError, ValueError):
            return Outcome(False, reason="connection_failed")
