"""The sender beside a Slack that refuses, and beside what answers in its place: nothing is lost for good,
nothing said twice, and no message silences its channel.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.ports import Delivery, Outgoing
from bot.slack import calls
from bot.slack.deliver import LOOKS, UPLOADS
from bot.slack.material import Material
from bot.slack.patience import TRIES, WEIGHT
from bot.slack.rendered import File, Rendered
from bot.slack.sender import MEND_TRIES, MEND_WITHIN, Sender
from bot.store.tables import OUTBOX
from bot.workspace.faults import Fault, Kind
from bot.workspace.person import CUTOVER, GENERAL, HANAKO
from bot.workspace.server import LocalWorkspace
from bot.workspace.state import Json
from tests.flow.test_pages import TEAM
from tests.flow.test_sender_outage import Scene, scene

POST, EPHEMERAL, UPDATE = "chat.postMessage", "chat.postEphemeral", "chat.update"
EVER = 10**9  # times


def shown(message: Outgoing, _: Material) -> Rendered:
    """Named by its kind: plain words, with blocks around them, or with a file."""
    text = f"the {message.kind}"
    if message.kind == "picture":
        return Rendered(text, None, (File("timeline.png", b"PNG"),))
    if message.kind == "report":
        return Rendered(text, None, (File("report.md", b"# what was seen"),))
    block = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{text}*"}}
    return Rendered(text, (block,))


def post(kind: str, channel: str = CUTOVER) -> Outgoing:
    return Outgoing(Delivery.POST, kind, channel=channel, user=HANAKO)


def private(slack: LocalWorkspace) -> Outgoing:
    key = slack.surfaces.new_response_url(HANAKO, CUTOVER)
    url = f"{slack.url}/response/{key}"
    return Outgoing(Delivery.RESPONSE, "answer", channel=CUTOVER, user=HANAKO, response_url=url)


async def put(it: Scene, *messages: Outgoing) -> None:
    await it.store.transact(lambda tx: [tx.outbox.put(TEAM, message) for message in messages])


async def tries(it: Scene, sender: Sender, times: int, **apart: float) -> None:
    """Let so many chances to send pass, each `apart` (11 seconds) from the one before."""
    step = timedelta(**(apart or {"seconds": 11}))
    for _ in range(times):
        it.clock.set(it.clock.now() + step)
        await sender.drain()


async def said(it: Scene) -> list[str]:
    """What the bot said, in order; what was said with blocks in stars."""
    found: list[Json] = [m for m in (await it.person.state())["messages"] if m.get("bot_id")]
    return [f"*{m['text']}*" if m.get("blocks") else str(m["text"]) for m in found]


async def states(it: Scene) -> list[str]:
    chosen = select(OUTBOX.c.state).order_by(OUTBOX.c.id)
    return await it.store.transact(lambda tx: [str(row.state) for row in tx.connection.execute(chosen)])


def add(it: Scene, kind: Kind, method: str, **more: object) -> None:
    it.slack.faults.add(Fault(kind, method, **{"times": EVER, **more}))  # type: ignore[arg-type]


NOT_SLACKS = [
    (200, "text/html", "<html>Please log in to this network</html>"),
    (200, "text/plain", "maintenance: back soon"),
    (200, "application/json", "<html>"),
    (200, "application/json", '["no mapping"]'),
    (403, "text/html", "<html>The proxy forbids this address</html>"),
    (403, "text/plain", "The proxy forbids this address"),
    (407, "text/html", "<html>Who are you?</html>"),
    (408, "text/html", "<html>Too late</html>"),
    (502, "application/json", "<"),
]


@pytest.mark.parametrize("delivery", ["post", "ephemeral", "response"])
@pytest.mark.parametrize(("status", "content_type", "body"), NOT_SLACKS)
async def test_an_answer_that_is_not_slacks_loses_no_message(
    status: int, content_type: str, body: str, delivery: str
) -> None:
    """A proxy, the login page of a network, a page about maintenance: for a while."""
    async with scene(post("first")) as it:
        message = {
            "post": post("reminder"),
            "ephemeral": replace(post("reminder"), delivery=Delivery.EPHEMERAL),
            "response": replace(private(it.slack), kind="reminder"),
        }[delivery]
        sender = it.sender(it.store, shown)
        await sender.drain()
        await put(it, message)
        more = {"status": status, "content_type": content_type, "body": body, "times": 20}
        add(it, Kind.STATUS, "*", **more)
        await tries(it, sender, 25)
        assert await said(it) == ["*the first*", "*the reminder*"]
        assert await states(it) == ["sent", "sent"]


async def test_a_token_that_is_void_for_half_a_day_loses_nothing() -> None:
    """Between a new token in Slack and the bot's restart with it."""
    async with scene(post("reminder"), post("behind")) as it:
        add(it, Kind.REFUSE, "*", error="invalid_auth")
        sender = it.sender(it.store, shown)
        await tries(it, sender, 144, minutes=5)
        assert await states(it) == ["pending", "pending"]
        it.slack.faults.clear()
        await tries(it, sender, 2, minutes=1)
        assert await said(it) == ["*the reminder*", "*the behind*"]


@pytest.mark.parametrize("error", ["token_revoked", "missing_scope", "never_heard_of"])
async def test_what_nobody_mends_for_a_day_is_given_up(error: str) -> None:
    async with scene(post("reminder")) as it:
        add(it, Kind.REFUSE, POST, error=error)
        sender = it.sender(it.store, shown)
        await tries(it, sender, MEND_TRIES - 1, minutes=10)
        assert await states(it) == ["pending"]
        it.clock.set(it.clock.now() + MEND_WITHIN)
        await sender.drain()
        assert await states(it) == ["failed"]


async def test_a_bot_that_was_away_for_days_does_not_give_up_at_the_first_try() -> None:
    async with scene(post("reminder")) as it:
        add(it, Kind.REFUSE, "*", error="invalid_auth", times=2)
        sender = it.sender(it.store, shown)
        await tries(it, sender, 3, days=3)
        assert await said(it) == ["*the reminder*"]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bytes that go nowhere are waited for a moment only."""
    monkeypatch.setattr(calls, "UPLOAD_SECONDS", 0.2)
    yield


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Kind.STATUS, "upload", EVER, status=403),
        Fault(Kind.RESET, "upload", EVER),
        Fault(Kind.DELAY, "upload", EVER, seconds=0.5),
        Fault(Kind.STATUS, "files.getUploadURLExternal", EVER, status=503),
        Fault(Kind.REFUSE, "files.completeUploadExternal", EVER, error="file_not_found"),
    ],
    ids=["forbidden", "reset", "swallowed", "no address", "lost"],
)
async def test_files_that_cannot_be_had_do_not_silence_the_channel(fault: Fault, soon: None) -> None:
    """A network that lets the bot reach slack.com, but not files.slack.com."""
    async with scene(post("report"), post("picture"), post("reminder")) as it:
        it.slack.faults.add(fault)
        sender = it.sender(it.store, shown)
        await tries(it, sender, UPLOADS - 1)
        assert await said(it) == []
        await tries(it, sender, UPLOADS + 2)
        assert await said(it) == ["*the report*", "*the picture*", "*the reminder*"]
        assert await states(it) == ["sent"] * 3


async def test_files_that_fail_once_are_still_sent_as_files() -> None:
    async with scene(post("report")) as it:
        add(it, Kind.STATUS, "upload", status=503, times=UPLOADS - 1)
        await tries(it, it.sender(it.store, shown), UPLOADS + 1)
        (message,) = [m for m in (await it.person.state())["messages"] if m.get("bot_id")]
        assert [file["title"] for file in message["files"]] == ["report.md"]


async def test_files_whose_answer_was_lost_are_not_said_again_as_text() -> None:
    async with scene(post("report")) as it:
        add(it, Kind.STATUS, "upload", status=503, times=UPLOADS - 1)
        add(it, Kind.DROP_ANSWER, "files.completeUploadExternal", times=1)
        sender = it.sender(it.store, shown)
        await tries(it, sender, UPLOADS)
        add(it, Kind.STATUS, "conversations.history", status=503, times=UPLOADS + 3)
        await tries(it, sender, UPLOADS + 6)
        assert await said(it) == ["the report"]
        assert await states(it) == ["sent"]


async def test_a_message_that_alone_fails_lets_the_others_pass_and_is_still_tried() -> None:
    async with scene(post("poison"), post("reminder")) as it:
        add(it, Kind.REFUSE, POST, error="internal_error", only="poison")
        sender = it.sender(it.store, shown)
        await it.person.invite(GENERAL)
        for _ in range(TRIES * 2):  # others get through elsewhere
            await put(it, post("other", GENERAL))
            await tries(it, sender, 1)
            if "*the reminder*" in await said(it):
                break
        assert (await said(it)).count("*the other*") >= TRIES
        assert (await states(it))[:2] == ["pending", "sent"]
        it.slack.faults.clear()
        await tries(it, sender, 2, minutes=5)
        assert (await said(it)).count("the poison") == 1
        assert set(await states(it)) == {"sent"}


async def test_where_nothing_else_is_said_slack_is_asked_whether_it_is_there() -> None:
    async with scene(post("poison"), post("reminder")) as it:
        add(it, Kind.STATUS, POST, status=500, only="poison")
        sender = it.sender(it.store, shown)
        await tries(it, sender, TRIES)
        assert await said(it) == []
        await tries(it, sender, TRIES * (WEIGHT - 1) + 5)
        assert await said(it) == ["*the reminder*"]


async def test_a_message_that_fails_by_its_blocks_is_said_as_text() -> None:
    async with scene(post("poison"), post("reminder")) as it:
        add(it, Kind.REFUSE, POST, error="internal_error", only="*the poison*")
        await tries(it, it.sender(it.store, shown), TRIES * WEIGHT + 5)
        assert await said(it) == ["the poison", "*the reminder*"]


async def test_a_slack_that_takes_nothing_for_long_changes_no_order() -> None:
    async with scene(post("first"), post("second"), post("third")) as it:
        add(it, Kind.STATUS, "*", status=503)
        sender = it.sender(it.store, shown)
        await tries(it, sender, TRIES * WEIGHT * 2)
        it.slack.faults.clear()
        await tries(it, sender, 5)
        assert await said(it) == ["*the first*", "*the second*", "*the third*"]


@pytest.mark.parametrize("method", [POST, EPHEMERAL, UPDATE, "response_url"])
async def test_blocks_that_slack_refuses_are_said_as_text(method: str) -> None:
    async with scene(post("old")) as it:
        sender = it.sender(it.store, shown)
        await sender.drain()
        ts = str((await it.person.state())["messages"][-1]["ts"])
        message = {
            POST: post("new"),
            EPHEMERAL: replace(post("new"), delivery=Delivery.EPHEMERAL),
            UPDATE: replace(post("new"), delivery=Delivery.UPDATE, update_ts=ts),
            "response_url": replace(private(it.slack), kind="new"),
        }[method]
        await put(it, message)
        add(it, Kind.REFUSE, method, error="invalid_blocks", times=1)
        await tries(it, sender, 1)
        assert await said(it) == (["the new"] if method == UPDATE else ["*the old*", "the new"])
        assert await states(it) == ["sent", "sent"]


@pytest.mark.parametrize("error", ["used_url", "expired_url", "no_text", "never_heard_of"])
async def test_a_response_url_that_takes_nothing_more_turns_into_a_direct_message(error: str) -> None:
    async with scene(post("first")) as it:
        sender = it.sender(it.store, shown)
        await put(it, private(it.slack))
        add(it, Kind.REFUSE, "response_url", error=error)
        await tries(it, sender, 2)
        (answer,) = [m for m in (await it.person.state())["messages"] if m.get("text") == "the answer"]
        assert answer["channel"] == it.slack.state.dm_with(HANAKO).id


class ThreeHoursAgo:
    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(hours=3)


@pytest.mark.parametrize("threaded", [False, True])
async def test_a_post_is_found_again_in_a_long_thread(
    threaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "PAGE", 5)
    monkeypatch.setattr(calls, "PAGES", 3)
    async with scene(post("root"), base=ThreeHoursAgo()) as it:
        sender = it.sender(it.store, shown)
        await sender.drain()
        root = str((await it.person.state())["messages"][-1]["ts"])
        for number in range(60):
            await it.person.say(f"{number}", CUTOVER, root if threaded else None)
        it.clock.set(it.clock.now() + timedelta(hours=3))
        await put(it, replace(post("reply"), thread_ts=root if threaded else None))
        add(it, Kind.DROP_ANSWER, POST, times=1)
        await tries(it, sender, 3)
        assert await said(it) == ["*the root*", "*the reply*"]
        assert await states(it) == ["sent", "sent"]


async def test_pages_that_run_out_are_no_proof_that_nothing_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "PAGE", 5)
    monkeypatch.setattr(calls, "PAGES", 3)
    async with scene(post("reminder")) as it:
        sender = it.sender(it.store, shown)
        add(it, Kind.DROP_ANSWER, POST, times=1)
        await sender.drain()
        for number in range(30):
            await it.person.say(f"{number}")
        await tries(it, sender, LOOKS * 2)
        assert await said(it) == ["*the reminder*"]
        assert await states(it) == ["pending"]


@pytest.mark.parametrize("arrived", [False, True])
@pytest.mark.parametrize("threaded", [False, True])
async def test_a_look_that_slack_refuses_is_no_refusal_of_the_post(arrived: bool, threaded: bool) -> None:
    """Where it can never be found out, twice is better than never."""
    async with scene(post("root")) as it:
        sender = it.sender(it.store, shown)
        await sender.drain()
        root = str((await it.person.state())["messages"][-1]["ts"])
        await put(it, replace(post("reply"), thread_ts=root if threaded else None))
        add(it, Kind.DROP_ANSWER if arrived else Kind.RESET, POST, times=1)
        method = "conversations.replies" if threaded else "conversations.history"
        add(it, Kind.REFUSE, method, error="missing_scope")
        await tries(it, sender, LOOKS - 1)
        assert await states(it) == ["sent", "pending"]
        await tries(it, sender, 2)
        assert await states(it) == ["sent", "sent"]
        assert (await said(it)).count("*the reply*") == (2 if arrived else 1)


@pytest.mark.parametrize("error", ["internal_error", "invalid_auth", "ratelimited"])
async def test_a_look_that_fails_for_a_while_is_looked_again(error: str) -> None:
    async with scene(post("reminder")) as it:
        sender = it.sender(it.store, shown)
        add(it, Kind.DROP_ANSWER, POST, times=1)
        await sender.drain()
        add(it, Kind.REFUSE, "conversations.history", error=error, times=LOOKS * 2)
        await tries(it, sender, LOOKS * 2 + 2, minutes=1)
        assert await said(it) == ["*the reminder*"]
        assert await states(it) == ["sent"]


async def test_a_look_that_fails_for_good_is_ended_once_others_get_through() -> None:
    async with scene(post("reminder"), post("behind")) as it:
        sender = it.sender(it.store, shown)
        add(it, Kind.RESET, POST, times=1)
        await sender.drain()
        add(it, Kind.STATUS, "conversations.history", status=500)
        await tries(it, sender, TRIES * WEIGHT + 5)
        assert await said(it) == ["the reminder", "*the behind*"]
