"""Deliveries as signed HTTP requests, seen by a bare server: signature, retries, shapes on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.workspace.app import BOT_USER
from bot.workspace.clock import MovableClock
from bot.workspace.person import CUTOVER, Person
from bot.workspace.server import SIGNING_SECRET, LocalWorkspace

Json = dict[str, Any]


@dataclass
class Ear:
    """Answers with the statuses given, then with 200."""

    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[dict[str, str], str]] = field(default_factory=list)
    body: str = ""

    async def serve(self, request: web.Request) -> web.Response:
        text = await request.text()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append((headers, text))
        assert SignatureVerifier(SIGNING_SECRET).is_valid_request(text, headers)
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers=self.headers, text=self.body)


@dataclass
class Pair:
    ear: Ear
    hanako: Person
    slack: LocalWorkspace


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    ear = Ear()
    app = web.Application()
    app.add_routes([web.post("/slack/events", ear.serve)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    target = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    async with (
        LocalWorkspace(
            MovableClock(), http_targets=[target], retry_delays=(0.0, 0.01, 0.01), ack_seconds=0.5
        ) as slack,
        Person(slack.url) as hanako,
    ):
        yield Pair(ear, hanako, slack)
    await runner.cleanup()


async def heard(pair: Pair, number: int) -> list[tuple[dict[str, str], str]]:
    async def look() -> int:
        return len(pair.ear.heard)

    await pair.hanako.wait_for(look, lambda seen: seen >= number)
    return pair.ear.heard


async def test_an_event_and_its_three_retries(pair: Pair) -> None:
    pair.ear.statuses = [500, 500, 500, 500]
    await pair.hanako.say("hello")
    tries = await heard(pair, 4)
    assert [h.get("x-slack-retry-num") for h, _ in tries] == [None, "1", "2", "3"]
    assert tries[1][0]["x-slack-retry-reason"] == "http_error"
    bodies = [json.loads(body) for _, body in tries]
    assert len({body["event_id"] for body in bodies}) == 1
    assert bodies[0]["event"]["channel_type"] == "channel"
    assert bodies[0]["authorizations"][0]["user_id"] == BOT_USER
    assert bodies[0]["type"] == "event_callback"


async def test_no_retry_where_the_app_asks_for_none(pair: Pair) -> None:
    pair.ear.statuses, pair.ear.headers = [500], {"X-Slack-No-Retry": "1"}
    await pair.hanako.say("hello")
    await heard(pair, 1)
    await pair.hanako.say("next")
    await heard(pair, 2)
    texts = [json.loads(body)["event"]["text"] for _, body in pair.ear.heard]
    assert texts == ["hello", "next"]


async def test_a_command_is_a_form_and_its_answer_is_shown(pair: Pair) -> None:
    pair.ear.body = "了解です"
    assert await pair.hanako.command("/mxcutover start example.co.jp") == {"ok": True}
    headers, body = pair.ear.heard[0]
    assert headers["content-type"] == "application/x-www-form-urlencoded"
    form = {name: value[0] for name, value in parse_qs(body).items()}
    assert form["command"] == "/mxcutover"
    assert form["text"] == "start example.co.jp"
    assert form["channel_id"] == CUTOVER
    assert form["response_url"].startswith(pair.slack.url)
    assert [m["text"] for m in await pair.hanako.ephemerals()] == ["了解です"]


async def test_a_click_is_a_payload(pair: Pair) -> None:
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    given = {"channel": CUTOVER, "text": "x", "blocks": [{"type": "actions", "elements": [button]}]}
    assert pair.slack.api.call("chat.postMessage", pair.slack.bot_token, given)["ok"]
    await heard(pair, 1)
    await pair.hanako.click((await pair.hanako.messages())[0], "go")
    payload: Json = json.loads(parse_qs(pair.ear.heard[-1][1])["payload"][0])
    assert payload["type"] == "block_actions"
    assert payload["actions"][0]["action_id"] == "go"
    assert payload["trigger_id"]


async def test_a_command_that_fails_or_takes_too_long(pair: Pair) -> None:
    pair.ear.statuses = [500]
    assert (await pair.hanako.command("/mxcutover help"))["error"] == "dispatch_failed"

    async def late(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    runner = web.AppRunner(late_app(late), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    pair.slack.delivery.http_targets = (f"http://127.0.0.1:{runner.addresses[0][1]}/",)
    assert (await pair.hanako.command("/mxcutover help"))["error"] == "operation_timeout"
    await runner.cleanup()


def late_app(handler: Any) -> web.Application:
    app = web.Application()
    app.add_routes([web.post("/", handler)])
    return app
