"""The local workspace towards a real Bolt app, by both roads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.app import BOT_USER, App, Shortcut, SlashCommand
from bot.workspace.clock import MovableClock
from bot.workspace.person import ALICE, CUTOVER, GENERAL, HANAKO, NotSeen, Person, texts
from bot.workspace.server import LocalWorkspace

APP = App(
    commands=(SlashCommand("/echo"), SlashCommand("/form"), SlashCommand("/silent")),
    shortcuts=(Shortcut("global", "wave", "Wave"), Shortcut("message", "quote", "Quote")),
)


def form(note: str = "") -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": "form",
        "private_metadata": "kept",
        "title": {"type": "plain_text", "text": "Form"},
        "submit": {"type": "plain_text", "text": "Send"},
        "notify_on_close": True,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": note or "Fill in"}},
            {
                "type": "input",
                "block_id": "domain",
                "label": {"type": "plain_text", "text": "Domain"},
                "element": {"type": "plain_text_input", "action_id": "value"},
            },
            {
                "type": "input",
                "block_id": "day",
                "optional": True,
                "label": {"type": "plain_text", "text": "Day"},
                "element": {"type": "datepicker", "action_id": "value", "initial_date": "2026-12-05"},
            },
        ],
    }


BUTTONS = [
    {
        "type": "actions",
        "block_id": "row",
        "elements": [
            {
                "type": "button",
                "action_id": "press",
                "value": "one",
                "text": {"type": "plain_text", "text": "Press"},
            },
            {
                "type": "static_select",
                "action_id": "pick",
                "placeholder": {"type": "plain_text", "text": "Pick"},
                "options": [
                    {"text": {"type": "plain_text", "text": "A"}, "value": "a"},
                    {"text": {"type": "plain_text", "text": "B"}, "value": "b"},
                ],
            },
        ],
    }
]


class Echo:
    """A small app that keeps what it was told."""

    def __init__(self, app: AsyncApp) -> None:
        self.heard: dict[str, list[dict[str, Any]]] = {}
        app.middleware(self._keep)
        app.command("/echo")(self._echo)
        app.command("/form")(self._form)
        app.command("/silent")(self._silent)
        app.view("form")(self._submitted)
        app.view_closed("form")(self._closed)
        app.action("press")(self._pressed)
        app.action("pick")(self._acked)
        app.shortcut("wave")(self._waved)
        app.shortcut("quote")(self._acked)
        app.event("message")(self._message)
        app.event("app_mention")(self._nothing)
        app.event("app_home_opened")(self._home)

    async def _keep(self, body: dict[str, Any], next: Any) -> None:
        kind = body.get("command") or body.get("event", {}).get("type") or body["type"]
        self.heard.setdefault(kind, []).append(body)
        await next()

    async def _echo(self, ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(channel=command["channel_id"], text=command["text"], blocks=BUTTONS)

    async def _form(self, ack: Any, command: dict[str, Any], client: AsyncWebClient) -> None:
        await ack(f"opening {command['text']}")
        await client.views_open(trigger_id=command["trigger_id"], view=form())

    async def _silent(self) -> None:
        """Never acknowledges."""

    async def _submitted(self, ack: Any, view: dict[str, Any]) -> None:
        domain = view["state"]["values"]["domain"]["value"]["value"]
        if domain == "bad":
            await ack(response_action="errors", errors={"domain": "not a domain"})
        elif domain == "again":
            await ack(response_action="update", view=form("Once more"))
        elif domain == "elsewhere":
            await ack(response_action="errors", errors={"no_such_block": "x"})
        elif domain == "too long":
            await ack(response_action="update", view=form("x" * 3001))
        elif domain == "deeper":
            await ack(response_action="push", view=form("On top"))
        elif domain == "enough":
            await ack(response_action="clear")
        else:
            await ack()

    async def _closed(self, ack: Any) -> None:
        await ack()

    async def _pressed(self, ack: Any, respond: Any) -> None:
        await ack()
        await respond(text="pressed", response_type="ephemeral")

    async def _acked(self, ack: Any) -> None:
        await ack()

    async def _waved(self, ack: Any, shortcut: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=form("Waved"))

    async def _message(self, event: dict[str, Any], say: Any) -> None:
        if "bot_id" not in event and event.get("text") == "ping":
            await say(text="pong", thread_ts=event["ts"])

    async def _nothing(self) -> None:
        """Just acknowledged."""

    async def _home(self, event: dict[str, Any], client: AsyncWebClient) -> None:
        home = {
            "type": "home",
            "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "Home"}}],
        }
        await client.views_publish(user_id=event["user"], view=home)


@asynccontextmanager
async def over_socket() -> AsyncIterator[tuple[LocalWorkspace, Echo]]:
    async with LocalWorkspace(MovableClock(), app=APP, retry_delays=(0.0, 0.1)) as workspace:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        app = AsyncApp(client=client, ignoring_self_events_enabled=False)
        echo = Echo(app)
        handler = AsyncSocketModeHandler(app, workspace.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            await workspace.wait_connected()
            yield workspace, echo
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def over_http() -> AsyncIterator[tuple[LocalWorkspace, Echo]]:
    secret = "signed-in-the-test"
    runner: web.AppRunner | None = None
    listening = web.Application()
    app: AsyncApp | None = None

    async def serve(request: web.Request) -> web.Response:
        assert app is not None
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    listening.add_routes([web.post("/slack/events", serve)])
    runner = web.AppRunner(listening)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    target = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        async with LocalWorkspace(
            MovableClock(), app=APP, signing_secret=secret, http_targets=[target], retry_delays=(0.0, 0.1)
        ) as workspace:
            client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
            app = AsyncApp(client=client, signing_secret=secret, ignoring_self_events_enabled=False)
            yield workspace, Echo(app)
    finally:
        await runner.cleanup()


ROADS = {"socket": over_socket, "http": over_http}


@pytest.fixture(params=sorted(ROADS))
async def both(request: pytest.FixtureRequest) -> AsyncIterator[tuple[LocalWorkspace, Echo]]:
    async with ROADS[request.param]() as pair:
        yield pair


Both = tuple[LocalWorkspace, Echo]


async def test_a_command_a_message_and_a_click_with_its_answer(both: Both) -> None:
    workspace, echo = both
    async with Person(workspace.url) as hanako:
        assert await hanako.command("/echo こんにちは & <b>") == {"ok": True}
        said = (await hanako.wait_for(hanako.messages))[0]
        assert said["text"] == "こんにちは & <b>"
        assert said["user"] == BOT_USER
        command = echo.heard["/echo"][0]
        assert command["channel_name"] == "mail-cutover"
        assert command["user_name"] == "hanako"

        await hanako.click(said, "pick", "b")
        await hanako.click(said, "press")
        answer = (await hanako.wait_for(hanako.ephemerals))[0]
        assert answer["text"] == "pressed"
        picked, pressed = echo.heard["block_actions"]
        assert picked["actions"][0]["selected_option"]["value"] == "b"
        assert pressed["actions"][0]["value"] == "one"
        assert pressed["state"]["values"]["row"]["pick"]["selected_option"]["value"] == "b"
        assert pressed["container"] == {
            "type": "message",
            "message_ts": said["ts"],
            "channel_id": CUTOVER,
            "is_ephemeral": False,
        }
        async with Person(workspace.url, ALICE) as alice:
            assert await alice.ephemerals() == []


async def test_a_modal_from_opening_to_submission(both: Both) -> None:
    workspace, echo = both
    async with Person(workspace.url) as hanako:
        await hanako.command("/form x")
        modal = await hanako.wait_for(hanako.modal)
        assert modal is not None
        opening = await hanako.ephemerals()
        assert [m["text"] for m in opening] == ["opening x"]

        empty = await hanako.submit(modal)
        assert empty == {"ok": False, "errors": {"domain": {"code": "required"}}}
        assert "view_submission" not in echo.heard

        refused = await hanako.submit(modal, {"domain": "bad"})
        assert refused == {"ok": False, "errors": {"domain": "not a domain"}}

        assert await hanako.submit(modal, {"domain": "again"}) == {"ok": True}
        updated = await hanako.modal()
        assert updated is not None
        assert "Once more" in texts(updated["blocks"])
        assert updated["state"]["values"]["domain"]["value"]["value"] == "again"

        assert await hanako.submit(updated, {"domain": "example.co.jp"}) == {"ok": True}
        assert await hanako.modal() is None
        sent = echo.heard["view_submission"][-1]["view"]
        assert sent["state"]["values"]["day"]["value"] == {
            "type": "datepicker",
            "selected_date": "2026-12-05",
        }
        assert sent["private_metadata"] == "kept"
        assert sent["root_view_id"] == sent["id"]


async def test_answers_to_a_submission_that_slack_would_not_take(both: Both) -> None:
    workspace, _ = both
    async with Person(workspace.url) as hanako:
        await hanako.shortcut("wave")
        modal = await hanako.wait_for(hanako.modal)
        assert modal is not None
        wrong = await hanako.submit(modal, {"domain": "elsewhere"})
        assert wrong["error"] == "dispatch_failed"
        assert "block_ids" in wrong["why"]
        wrong = await hanako.submit(modal, {"domain": "too long"})
        assert "must be less than 3001 characters" in wrong["why"]
        assert (await hanako.modal() or {})["id"] == modal["id"]


async def test_a_view_on_top_and_all_of_them_away(both: Both) -> None:
    workspace, _ = both
    async with Person(workspace.url) as hanako:
        await hanako.shortcut("wave")
        modal = await hanako.wait_for(hanako.modal)
        assert modal is not None
        assert await hanako.submit(modal, {"domain": "deeper"}) == {"ok": True}
        upper = await hanako.modal()
        assert upper is not None
        assert upper["previous_view_id"] == modal["id"]
        await hanako.close()
        assert (await hanako.modal() or {})["id"] == modal["id"]
        await hanako.submit(modal, {"domain": "deeper"})
        upper = await hanako.modal()
        assert upper is not None
        await hanako.submit(upper, {"domain": "enough"})
        assert await hanako.modal() is None


async def test_closing_a_modal_tells_the_app(both: Both) -> None:
    workspace, echo = both
    async with Person(workspace.url) as hanako:
        await hanako.shortcut("wave")
        assert await hanako.wait_for(hanako.modal)
        assert await hanako.close() == {"ok": True}
        assert echo.heard["view_closed"][0]["is_cleared"] is False


async def test_a_message_shortcut_carries_the_message(both: Both) -> None:
    workspace, echo = both
    async with Person(workspace.url) as hanako:
        await hanako.say("to be quoted")
        message = (await hanako.messages())[0]
        assert await hanako.shortcut("quote", message) == {"ok": True}
        assert echo.heard["message_action"][0]["message"]["text"] == "to be quoted"


async def test_messages_mentions_threads_and_the_home(both: Both) -> None:
    workspace, echo = both
    async with Person(workspace.url) as hanako:
        sent = await hanako.say("ping")
        replies = await hanako.wait_for(
            lambda: hanako.messages(CUTOVER, sent["ts"]), lambda seen: len(seen) == 2
        )
        assert [m["text"] for m in replies] == ["ping", "pong"]
        assert replies[0]["reply_count"] == 1
        await hanako.say("@mxcutover example.co.jp は?")
        assert await hanako.wait_for(echo_has(echo, "app_mention"))
        mention = echo.heard["app_mention"][0]["event"]
        assert mention["text"] == f"<@{BOT_USER}> <http://example.co.jp|example.co.jp> は?"
        await hanako.say("not for the bot", GENERAL)
        await hanako.dm("help")
        await hanako.wait_for(
            echo_has(echo, "message", lambda body: body["event"].get("channel_type") == "im")
        )
        assert GENERAL not in [body["event"]["channel"] for body in echo.heard["message"]]
        own = [body["event"] for body in echo.heard["message"] if "bot_id" in body["event"]]
        assert [event["text"] for event in own] == ["pong"]
        await hanako.open_home()
        home = await hanako.wait_for(hanako.home)
        assert home is not None
        assert texts(home["blocks"]) == "Home"


def echo_has(echo: Echo, kind: str, seen: Any = None) -> Any:
    async def look() -> bool:
        return any(seen is None or seen(body) for body in echo.heard.get(kind, []))

    return look


async def test_who_does_not_acknowledge_is_reported_to_the_person() -> None:
    async with over_socket() as (workspace, _):
        workspace.delivery._ack_seconds = 0.2
        async with Person(workspace.url) as hanako:
            assert await hanako.command("/silent") == {"ok": False, "error": "operation_timeout"}
            assert [n["code"] for n in await hanako.notices()] == ["operation_timeout"]
            assert await hanako.command("/nothing") == {"ok": False, "error": "invalid_command"}


async def test_without_a_bot_a_command_fails_at_once() -> None:
    async with LocalWorkspace(MovableClock(), app=APP) as workspace, Person(workspace.url) as hanako:
        assert await hanako.command("/echo") == {"ok": False, "error": "dispatch_failed"}


async def test_an_event_comes_again_after_the_connection_was_lost() -> None:
    async with over_socket() as (workspace, echo), Person(workspace.url) as hanako:
        await hanako.fault("deaf", method="events_api", times=1)
        sent = await hanako.say("ping")
        thread = await hanako.wait_for(
            lambda: hanako.messages(CUTOVER, sent["ts"]), lambda seen: len(seen) >= 3
        )
        assert [m["text"] for m in thread] == ["ping", "pong", "pong"]
        ids = [b["event_id"] for b in echo.heard["message"] if b["event"].get("text") == "ping"]
        assert len(ids) == 2
        assert len(set(ids)) == 1


async def test_a_refresh_makes_the_bot_connect_anew() -> None:
    async with over_socket() as (workspace, _), Person(workspace.url) as hanako:
        await hanako.do("refresh")
        opened = workspace.api.calls
        await hanako.wait_for(reconnected(opened), seconds=15)
        await workspace.wait_connected()
        assert await hanako.command("/echo still there") == {"ok": True}


def reconnected(calls: dict[str, int]) -> Any:
    async def look() -> bool:
        return calls.get("apps.connections.open", 0) >= 2

    return look


async def test_a_lost_answer_leaves_the_message_with_its_metadata() -> None:
    async with over_socket() as (workspace, _), Person(workspace.url) as hanako:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])
        await hanako.fault("drop_answer", method="chat.postMessage")
        metadata = {"event_type": "outbox", "event_payload": {"outbox_id": "7"}}
        with pytest.raises(Exception, match="disconnected"):
            await client.chat_postMessage(channel=CUTOVER, text="once", metadata=metadata)
        history = await client.conversations_history(channel=CUTOVER, include_all_metadata=True)
        assert history["messages"][0]["metadata"] == metadata
        plain = await client.conversations_history(channel=CUTOVER)
        assert "metadata" not in plain["messages"][0]


async def test_other_faults_of_the_web_api() -> None:
    async with LocalWorkspace(MovableClock()) as workspace, Person(workspace.url) as hanako:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[])
        await hanako.fault("rate_limit", method="chat.postMessage", seconds=7)
        with pytest.raises(SlackApiError) as limited:
            await client.chat_postMessage(channel=CUTOVER, text="x")
        assert limited.value.response.status_code == 429
        assert limited.value.response.headers["Retry-After"] == "7"
        await hanako.fault("reset", method="chat.postMessage")
        with pytest.raises(Exception, match="disconnected"):
            await client.chat_postMessage(channel=CUTOVER, text="x")
        assert await hanako.messages() == []
        await hanako.fault("refuse", method="*", error="fatal_error")
        with pytest.raises(SlackApiError, match="fatal_error"):
            await client.auth_test()


async def test_a_trigger_is_used_once_and_ends() -> None:
    async with over_socket() as (workspace, echo), Person(workspace.url) as hanako:
        client = AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url)
        await hanako.command("/echo x")
        trigger = echo.heard["/echo"][0]["trigger_id"]
        await client.views_open(trigger_id=trigger, view=form())
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=trigger, view=form())
        await hanako.command("/echo y")
        await hanako.do("expire_triggers")
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=echo.heard["/echo"][1]["trigger_id"], view=form())


async def test_waiting_says_what_was_there_instead() -> None:
    async with LocalWorkspace(MovableClock()) as workspace, Person(workspace.url, HANAKO) as hanako:
        with pytest.raises(NotSeen, match="last looked like \\[\\]"):
            await hanako.wait_for(hanako.messages, seconds=0.2)


async def test_another_sites_page_can_do_nothing() -> None:
    async with LocalWorkspace(MovableClock()) as workspace, ClientSession() as http:
        body = {"user": HANAKO, "channel": CUTOVER, "text": "x"}
        for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
            async with http.post(f"{workspace.url}/ui/message", json=body, headers=headers) as answer:
                assert answer.status == 403
        async with http.post(f"{workspace.url}/ui/message", data=body) as answer:
            assert answer.status == 415
        own = {"Origin": workspace.url}
        async with http.post(f"{workspace.url}/ui/message", json=body, headers=own) as answer:
            assert answer.status == 200


async def test_several_connections_share_the_events() -> None:
    async with over_socket() as (workspace, first):
        app = AsyncApp(client=AsyncWebClient(token=workspace.bot_token, base_url=workspace.api_url))
        second = Echo(app)
        handler = AsyncSocketModeHandler(app, workspace.app_token)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        try:
            async with Person(workspace.url) as hanako:
                await hanako.wait_for(lambda: connections(workspace, 2))
                for number in range(6):
                    await hanako.command(f"/echo {number}")
            commands = [len(echo.heard.get("/echo", [])) for echo in (first, second)]
            assert sum(commands) == 6
            assert all(sum(map(len, echo.heard.values())) >= 3 for echo in (first, second))
        finally:
            await handler.close_async()  # type: ignore[no-untyped-call]


async def connections(workspace: LocalWorkspace, number: int) -> bool:
    return workspace.delivery.connected == number
