"""The Web API's refusals and answers, through the SDK's own client."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.app import BOT_USER
from bot.workspace.clock import MovableClock
from bot.workspace.person import ALICE, ARCHIVED, CUTOVER, GENERAL, GUEST, HANAKO, Person
from bot.workspace.server import LocalWorkspace


@dataclass
class Here:
    slack: LocalWorkspace
    client: AsyncWebClient
    hanako: Person


@pytest.fixture
async def here() -> AsyncIterator[Here]:
    async with LocalWorkspace(MovableClock()) as slack, Person(slack.url) as hanako:
        yield Here(slack, AsyncWebClient(token=slack.bot_token, base_url=slack.api_url), hanako)


REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("channel_not_found", "chat.postMessage", {"channel": "C404", "text": "x"}),
    ("channel_not_found", "chat.postMessage", {"channel": "U404", "text": "x"}),
    ("not_in_channel", "chat.postMessage", {"channel": GENERAL, "text": "x"}),
    ("is_archived", "chat.postMessage", {"channel": ARCHIVED, "text": "x"}),
    ("no_text", "chat.postMessage", {"channel": CUTOVER, "text": " "}),
    ("invalid_arguments", "chat.postMessage", {"text": "x"}),
    ("thread_not_found", "chat.postMessage", {"channel": CUTOVER, "text": "x", "thread_ts": "1.000001"}),
    ("invalid_blocks", "chat.postMessage", {"channel": CUTOVER, "text": "x", "blocks": '[{"type": "odd"}]'}),
    ("invalid_blocks_format", "chat.postMessage", {"channel": CUTOVER, "text": "x", "blocks": "[["}),
    (
        "invalid_metadata_schema",
        "chat.postMessage",
        {"channel": CUTOVER, "text": "x", "metadata": '{"a": 1}'},
    ),
    ("invalid_metadata_format", "chat.postMessage", {"channel": CUTOVER, "text": "x", "metadata": "{"}),
    (
        "metadata_too_large",
        "chat.postMessage",
        {
            "channel": CUTOVER,
            "text": "x",
            "metadata": '{"event_type": "a", "event_payload": {"b": "' + "x" * 17_000 + '"}}',
        },
    ),
    ("message_not_found", "chat.update", {"channel": CUTOVER, "ts": "1.000001", "text": "x"}),
    ("message_not_found", "chat.delete", {"channel": CUTOVER, "ts": "1.000001"}),
    ("user_not_in_channel", "chat.postEphemeral", {"channel": CUTOVER, "user": "U404", "text": "x"}),
    ("not_in_channel", "chat.postEphemeral", {"channel": GENERAL, "user": HANAKO, "text": "x"}),
    ("user_not_found", "users.info", {"user": "U404"}),
    ("user_not_found", "conversations.open", {"users": "U404"}),
    ("cannot_dm_bot", "conversations.open", {"users": BOT_USER}),
    ("not_in_channel", "conversations.history", {"channel": GENERAL}),
    ("thread_not_found", "conversations.replies", {"channel": CUTOVER, "ts": "1.000001"}),
    ("invalid_cursor", "users.list", {"cursor": "???"}),
    ("is_archived", "conversations.join", {"channel": ARCHIVED}),
    ("invalid_arguments", "views.publish", {"user_id": HANAKO, "view": "{}"}),
    ("not_allowed_token_type", "apps.connections.open", {}),
    ("unknown_method", "chat.shout", {}),
]


@pytest.mark.parametrize(("error", "method", "args"), REFUSED, ids=[f"{r[1]}-{r[0]}" for r in REFUSED])
async def test_a_refusal(here: Here, error: str, method: str, args: dict[str, Any]) -> None:
    for form in ({"data": args}, {"json": args}):
        with pytest.raises(SlackApiError) as refused:
            await here.client.api_call(method, **form)  # type: ignore[arg-type]
        assert refused.value.response["error"] == error


async def test_a_refused_block_says_where(here: Here) -> None:
    with pytest.raises(SlackApiError) as refused:
        await here.client.chat_postMessage(channel=CUTOVER, text="x", blocks=[{"type": "odd"}])
    assert refused.value.response["response_metadata"]["messages"] == [
        "[ERROR] unsupported type: odd [json-pointer:/blocks/0/type]"
    ]


async def test_tokens(here: Here) -> None:
    for token, error in (("", "not_authed"), ("xoxb-other", "invalid_auth")):
        with pytest.raises(SlackApiError, match=error):
            await AsyncWebClient(token=token, base_url=here.slack.api_url).auth_test()
    me = await here.client.auth_test()
    assert me["user_id"] == BOT_USER


async def test_a_message_is_changed_and_taken_back(here: Here) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "one"}}]
    metadata = {"event_type": "outbox", "event_payload": {"id": "1"}}
    post = await here.client.chat_postMessage(channel=CUTOVER, text="one", blocks=blocks, metadata=metadata)
    await here.client.chat_update(channel=CUTOVER, ts=post["ts"], text="two")
    seen = (await here.hanako.messages())[0]
    assert seen["text"] == "two"
    assert seen["blocks"][0]["text"]["text"] == "one"
    assert seen["edited"]["user"] == BOT_USER
    history = await here.client.conversations_history(channel=CUTOVER, include_all_metadata=True)
    assert history["messages"][0]["metadata"] == metadata
    await here.client.chat_update(channel=CUTOVER, ts=post["ts"], text="three", blocks=[])
    assert "blocks" not in (await here.hanako.messages())[0]
    await here.client.chat_delete(channel=CUTOVER, ts=post["ts"])
    assert await here.hanako.messages() == []


async def test_somebody_elses_message_is_not_the_bots_to_change(here: Here) -> None:
    said = await here.hanako.say("mine")
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await here.client.chat_update(channel=CUTOVER, ts=said["ts"], text="x")
    with pytest.raises(SlackApiError, match="cant_delete_message"):
        await here.client.chat_delete(channel=CUTOVER, ts=said["ts"])


async def test_an_ephemeral_message_is_no_message_to_the_api(here: Here) -> None:
    post = await here.client.chat_postEphemeral(channel=CUTOVER, user=HANAKO, text="psst")
    assert [m["text"] for m in await here.hanako.ephemerals()] == ["psst"]
    with pytest.raises(SlackApiError, match="message_not_found"):
        await here.client.chat_update(channel=CUTOVER, ts=post["message_ts"], text="x")
    history = await here.client.conversations_history(channel=CUTOVER)
    assert history["messages"] == []


async def test_a_thread_and_its_pages(here: Here) -> None:
    root = await here.client.chat_postMessage(channel=CUTOVER, text="root")
    for number in range(5):
        last = await here.client.chat_postMessage(channel=CUTOVER, text=str(number), thread_ts=root["ts"])
    beside = await here.client.chat_postMessage(channel=CUTOVER, text="5", thread_ts=last["ts"])
    assert beside["message"]["thread_ts"] == root["ts"]
    texts: list[str] = []
    cursor = None
    for _ in range(4):
        page = await here.client.conversations_replies(channel=CUTOVER, ts=root["ts"], limit=2, cursor=cursor)
        texts += [m["text"] for m in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
    assert texts == ["root", "0", "1", "2", "3", "4", "5"]
    assert cursor == ""
    channel = await here.client.conversations_history(channel=CUTOVER)
    assert [m["text"] for m in channel["messages"]] == ["root"]
    newer = await here.client.conversations_replies(channel=CUTOVER, ts=root["ts"], oldest=last["ts"])
    assert [m["text"] for m in newer["messages"]] == ["root", "5"]


async def test_people_and_direct_messages(here: Here) -> None:
    plain = await here.client.users_info(user=ALICE)
    assert "locale" not in plain["user"]
    alice = await here.client.users_info(user=ALICE, include_locale=True)
    assert alice["user"]["locale"] == "en-US"
    assert alice["user"]["tz_offset"] == 9 * 3600
    guest = await here.client.users_info(user=GUEST)
    assert guest["user"]["is_restricted"] is True
    dm = await here.client.conversations_open(users=HANAKO)
    await here.client.chat_postMessage(channel=dm["channel"]["id"], text="hello")
    await here.client.chat_postMessage(channel=HANAKO, text="again")
    assert [m["text"] for m in await here.hanako.messages(dm["channel"]["id"])] == ["hello", "again"]
    async with Person(here.slack.url, ALICE) as other:
        assert await other.messages(dm["channel"]["id"]) == []


async def test_a_file_is_shown(here: Here) -> None:
    content = b"\x89PNG\r\n"
    await here.client.files_upload_v2(filename="plan.png", content=content, channel=CUTOVER, title="Plan")
    seen = (await here.hanako.messages())[0]
    assert seen["files"][0]["title"] == "Plan"
    async with ClientSession() as http, http.get(here.slack.url + seen["files"][0]["url_private"]) as answer:
        assert await answer.read() == content
        assert answer.content_type == "image/png"


async def test_a_response_address_answers_and_replaces(here: Here) -> None:
    post = await here.client.chat_postMessage(channel=CUTOVER, text="first")
    key = here.slack.surfaces.new_response_url(HANAKO, CUTOVER, post["ts"])
    address = f"{here.slack.url}/response/{key}"
    async with ClientSession() as http:
        for body in (
            {"text": "for me"},
            {"text": "for all", "response_type": "in_channel"},
            {"text": "changed", "replace_original": True},
        ):
            async with http.post(address, json=body) as answer:
                assert await answer.text() == "ok"
        async with http.post(address, json={"blocks": [{"type": "odd"}]}) as answer:
            assert answer.status == 400
        async with http.post(address, json={"delete_original": True}) as answer:
            assert answer.status == 200
        async with http.post(address, json={"text": "sixth"}) as answer:
            assert answer.status == 404
            assert (await answer.json())["error"] == "used_url"
    assert [m["text"] for m in await here.hanako.messages()] == ["for all"]
    assert [m["text"] for m in await here.hanako.ephemerals()] == ["for me"]


async def test_a_restart_shows_the_same_workspace(tmp_path: Path) -> None:
    file = tmp_path / "slack.json"
    clock = MovableClock()
    async with LocalWorkspace(clock, state_file=file) as slack, Person(slack.url) as hanako:
        await hanako.say("kept")
        await hanako.move_clock(by=864_000)
    fresh = MovableClock()
    async with LocalWorkspace(fresh, state_file=file) as slack, Person(slack.url) as hanako:
        assert [m["text"] for m in await hanako.messages()] == ["kept"]
    assert abs(fresh.offset - clock.offset) < timedelta(milliseconds=1)
    assert abs(fresh.offset - timedelta(days=10)) < timedelta(seconds=1)


async def test_the_clock_is_moved_forward_and_no_further_back(here: Here) -> None:
    before = (await here.hanako.state())["clock"]["offset_seconds"]
    moved = await here.hanako.move_clock(by=3600)
    assert moved["offset_seconds"] - before >= 3600
    assert await here.hanako.move_clock(by=-1) == {"ok": False, "error": "only_forward"}
    assert (await here.hanako.move_clock(to="2026-12-05T22:00"))["error"] == "bad_request"
    assert await here.hanako.move_clock(next_=True) == {"ok": False, "error": "no_reminder"}


async def test_deeds_that_slack_does_not_allow(here: Here) -> None:
    post = await here.client.chat_postMessage(channel=CUTOVER, text="root")
    assert (await here.hanako.say("x", ARCHIVED))["error"] == "archived"
    assert (await here.hanako.say("x", "C404"))["error"] == "channel_not_found"
    assert (await here.hanako.say("/mxcutover help", CUTOVER, post["ts"]))["error"] == "command_in_thread"
    seen = (await here.hanako.messages())[0]
    assert (await here.hanako.click(seen, "nothing"))["error"] == "element_gone"
    async with Person(here.slack.url, "U404") as nobody:
        assert (await nobody.say("x"))["error"] == "no_such_person"


async def test_the_bot_is_invited_and_hears_then(here: Here) -> None:
    await here.hanako.invite(GENERAL)
    await here.client.chat_postMessage(channel=GENERAL, text="here")
    await here.hanako.invite(GENERAL, member=False)
    with pytest.raises(SlackApiError, match="not_in_channel"):
        await here.client.chat_postMessage(channel=GENERAL, text="gone")


async def test_reactions(here: Here) -> None:
    post = await here.client.chat_postMessage(channel=CUTOVER, text="x")
    await here.client.reactions_add(channel=CUTOVER, timestamp=post["ts"], name="eyes")
    with pytest.raises(SlackApiError, match="already_reacted"):
        await here.client.reactions_add(channel=CUTOVER, timestamp=post["ts"], name="eyes")
    assert (await here.hanako.messages())[0]["reactions"] == [
        {"name": "eyes", "users": [BOT_USER], "count": 1}
    ]
    await here.client.reactions_remove(channel=CUTOVER, timestamp=post["ts"], name="eyes")
    assert "reactions" not in (await here.hanako.messages())[0]


async def test_a_reply_that_is_taken_back_is_not_counted(here: Here) -> None:
    root = await here.client.chat_postMessage(channel=CUTOVER, text="root")
    replies = [
        await here.client.chat_postMessage(channel=CUTOVER, text=str(n), thread_ts=root["ts"])
        for n in range(2)
    ]
    before = await here.hanako.state()
    await here.client.chat_delete(channel=CUTOVER, ts=replies[1]["ts"])
    query = {"user": HANAKO, "since": str(before["rev"]), "run": before["run"]}
    async with here.hanako.http.get(f"{here.slack.url}/ui/state", params=query) as answer:
        news = await answer.json()
    assert [(m["text"], m["reply_count"]) for m in news["messages"]] == [("root", 1)]
    assert news["gone"] == [{"channel": CUTOVER, "ts": replies[1]["ts"]}]


async def test_a_process_of_its_own(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot.workspace",
        "--state",
        str(tmp_path / "slack.json"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with Person(url) as hanako:
        await hanako.say("hello")
        assert [m["text"] for m in await hanako.messages()] == ["hello"]
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert "hello" in (tmp_path / "slack.json").read_text(encoding="utf-8")
