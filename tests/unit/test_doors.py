"""The door for signed requests, over real HTTP with the real Bolt behind it."""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, web
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import SystemClock
from bot.slack.app import EVENTS_PATH, OneTeam
from bot.slack.door import LARGEST_BODY, Door
from bot.slack.intake import Delivered, Intake
from bot.workspace.clock import MovableClock
from bot.workspace.server import BOT_TOKEN, LocalWorkspace
from tests.fakes.memory_store import MemoryStore

SECRET = "of-this-test"
FORM = "application/x-www-form-urlencoded"


@dataclass
class House:
    """A served door, and the deliveries that came through it."""

    http: ClientSession
    url: str
    port: int
    taken: list[int] = field(default_factory=list)

    async def post(self, body: bytes | str, headers: dict[str, str] | None = None) -> int:
        raw = body.encode() if isinstance(body, str) else body
        async with self.http.post(self.url, data=raw, headers=headers or signed(raw)) as answer:
            await answer.read()
            return answer.status


def signed(body: bytes | str, *, at: str | None = None, secret: str = SECRET) -> dict[str, str]:
    """Slack's headers for a body; the signature is made here, not by what is tested."""
    raw = body.encode() if isinstance(body, str) else body
    at = at if at is not None else str(int(time.time()))
    digest = hmac.new(secret.encode(), f"v0:{at}:".encode() + raw, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}", "Content-Type": FORM}


def command(trigger: str = "1.2.3", text: str = "help") -> str:
    return urlencode(
        {
            "command": "/mxcutover",
            "text": text,
            "user_id": "U0HANAKO01",
            "channel_id": "C0CUTOVER1",
            "team_id": "T0LOCAL001",
            "trigger_id": trigger,
        }
    )


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock = SystemClock()
    async with LocalWorkspace(MovableClock()) as slack, ClientSession() as http:
        client = AsyncWebClient(token=BOT_TOKEN, base_url=slack.api_url, retry_handlers=[])
        taken: list[int] = []

        async def submit(_: Delivered) -> None:
            return None

        app = AsyncApp(
            client=client,
            signing_secret="unused",  # verified at the door
            process_before_response=True,
            ignoring_self_events_enabled=False,
            request_verification_enabled=False,
            before_authorize=Intake(
                MemoryStore(), clock, taken.append, submit, OneTeam(SecretStr(BOT_TOKEN), slack.api_url)
            ),
        )
        served = web.Application(client_max_size=LARGEST_BODY)
        served.router.add_post(EVENTS_PATH, Door(SECRET, app.async_dispatch, seconds=0.3).serve)
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = int(runner.addresses[0][1])
        yield House(http, f"http://127.0.0.1:{port}{EVENTS_PATH}", port, taken)
        await runner.cleanup()


async def test_a_signed_request_gets_in(house: House) -> None:
    assert await house.post(command()) == 200
    assert len(house.taken) == 1


async def test_slack_may_verify_the_address(house: House) -> None:
    """What Slack sends when the request URL is entered; without its answer the app cannot be set up."""
    body = json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"})
    headers = {**signed(body), "Content-Type": "application/json"}
    async with house.http.post(house.url, data=body, headers=headers) as answer:
        assert answer.status == 200
        assert "3eZbrw1a" in await answer.text()
    assert house.taken == []


async def test_the_same_request_again_is_acknowledged_and_done_once(house: House) -> None:
    """Within five minutes a replayed signature is as good as the first: the delivery's own id tells."""
    body = command()
    headers = signed(body)
    assert [await house.post(body, headers) for _ in range(3)] == [200, 200, 200]
    assert len(house.taken) == 1


def without(name: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {key: value for key, value in headers.items() if key != name}


def other(name: str, value: str) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda headers: {**headers, name: value}


def of_time(at: Callable[[], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda _: signed(command(), at=at())


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(without("X-Slack-Signature"), id="no signature"),
        pytest.param(without("X-Slack-Request-Timestamp"), id="no time"),
        pytest.param(other("X-Slack-Signature", "v0=" + "0" * 64), id="wrong"),
        pytest.param(other("X-Slack-Signature", ""), id="empty"),
        pytest.param(other("X-Slack-Signature", "v0=é"), id="not ASCII"),
        pytest.param(lambda _: signed(command(), secret="another"), id="another secret"),
        pytest.param(lambda _: signed(command() + "x"), id="of another body"),
        pytest.param(of_time(lambda: str(int(time.time()) - 301)), id="stale"),
        pytest.param(of_time(lambda: str(int(time.time()) + 310)), id="from the future"),
        pytest.param(of_time(lambda: "soon"), id="no number"),
        pytest.param(of_time(lambda: "１７６４０００００００"), id="full-width number"),
        pytest.param(of_time(lambda: f"+{int(time.time())}"), id="with a sign"),
        pytest.param(of_time(lambda: "9" * 5000), id="longer than a number may be"),
        pytest.param(of_time(lambda: "-1"), id="negative"),
    ],
)
async def test_what_is_not_signed_stays_out(
    house: House, spoil: Callable[[dict[str, str]], dict[str, str]]
) -> None:
    body = command()
    assert await house.post(body, spoil(signed(body))) == 401
    assert house.taken == []


async def test_two_signatures_are_none(house: House) -> None:
    body = command()
    headers = [*signed(body).items(), ("X-Slack-Signature", "v0=" + "0" * 64)]
    async with house.http.post(house.url, data=body.encode(), headers=headers) as answer:
        assert answer.status == 401


async def raw(house: House, *pieces: bytes, wait: float = 2.0) -> bytes:
    """Send pieces as they are; the head of what came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    try:
        for piece in pieces:
            writer.write(piece)
        async with asyncio.timeout(wait):
            return await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.close()


def head(**headers: object) -> bytes:
    lines = [f"POST {EVENTS_PATH} HTTP/1.1", "Host: bot", *(f"{k}: {v}" for k, v in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def test_a_body_that_says_it_is_too_large_is_refused_unread(house: House) -> None:
    """Not a byte of it was sent, and the answer is there."""
    answer = await raw(house, head(**{"Content-Length": LARGEST_BODY + 1}))
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_body_in_pieces_is_cut_off_at_the_limit(house: House) -> None:
    piece = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    answer = await raw(house, head(**{"Transfer-Encoding": "chunked"}), *[piece] * 17)
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_body_that_does_not_come_is_not_waited_for(house: House) -> None:
    answer = await raw(house, head(**{"Content-Length": 1000}), b"command=")
    assert answer.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"payload=%7B", id="broken JSON"),
        pytest.param(b"{", id="broken JSON body"),
        pytest.param(b"payload=%5B1%5D", id="a list"),
        pytest.param(b"payload=null", id="null"),
        pytest.param(b"\xff\xfe=1", id="not UTF-8"),
        pytest.param(b"[" * 100_000, id="no form"),
        pytest.param(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", id="100,000 deep"),
        pytest.param(b'{"authorizations":[1]}', id="a number for an object"),
        pytest.param(b'{"authorizations":{"0":1}}', id="an object for a list"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_signed_nonsense_is_answered_and_forgotten(house: House, body: bytes) -> None:
    assert await house.post(body) in (200, 400)
    assert house.taken == []


async def test_what_a_database_refuses_is_replaced(house: House) -> None:
    event: dict[str, Any] = {"type": "message", "user": "U1", "channel": "C1", "text": "a\0b\ud800c"}
    body = json.dumps({"type": "event_callback", "event_id": "Ev1", "team_id": "T1", "event": event})
    assert await house.post(body, {**signed(body), "Content-Type": "application/json"}) == 200
    assert len(house.taken) == 1


async def test_without_a_secret_there_is_no_door(tmp_path: object) -> None:
    with pytest.raises(ValueError, match="must not be empty"):
        Door("", None)  # type: ignore[arg-type]
