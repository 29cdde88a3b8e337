"""A zone, a person and a wire that mean harm, against the whole bot: over real sockets, into the strict
workspace, which refuses what Slack would refuse and shows whom a message would ping.
"""

from typing import Any

import pytest

from bot.workspace.person import CUTOVER, texts
from tests.flow.conftest import House
from tests.flow.test_opening import private
from tests.flow.test_whole_cutover import open_cutover, said

HIDDEN = ("\u202e", "\u2066", "\u200b", "\x1b", "\x00", "\u00ad")
EVIL = (
    "<!channel> <@U0KEN00001> <https://evil.example|mgf.cybermail.jp> `*_~ "
    "\u202egnp.exe\u2066 \u200b\x1b[31m &lt;!here&gt;"
)


def strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return []


def harmless(message: Any) -> None:
    """No mention, link or hidden sign that the zone or a stranger's text could have put there."""
    for text in strings(message):
        for sign in ("<!channel", "<!here", "<!everyone", "<https://evil", "<@U0KEN", *HIDDEN):
            assert sign not in text, text


async def everything_said(house: House) -> list[Any]:
    state = await house.hanako.state()
    return [message for message in state["messages"] if message.get("user") != house.hanako.user]


@pytest.fixture
def refused(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the workspace, as strict as Slack, refused of the bot's calls."""
    found: list[str] = []
    real = house.workspace.api.call

    def call(method: str, token: str, args: dict[str, Any]) -> Any:
        answer = real(method, token, args)
        if not answer.get("ok"):
            found.append(f"{method}: {answer}")
        return answer

    monkeypatch.setattr(house.workspace.api, "call", call)
    return found


NAMES = (
    "\\<\\!channel\\>.evil.example.",
    "\\<@U0KEN00001\\>.evil.example.",
    "a\\226\\128\\174b.evil.example.",
    "\\000\\027\\010.evil.example.",
    "`*_~.evil.example.",
    f"{'x' * 63}.{'y' * 63}.{'z' * 63}.evil.example.",
    "xn--mgf-8cd.cybermail.jp.",
    "mgf.cybermail.jp.attacker.example.",
    "&lt\\;\\!channel&gt\\;.evil.example.",
)


async def test_a_zone_full_of_markup_pings_nobody_and_breaks_no_block(
    house: House, refused: list[str]
) -> None:
    root = await open_cutover(house)
    zone = house.sandbox
    zone.set_mx("example.co.jp", [(n, name) for n, name in enumerate(NAMES)])
    zone.set_txt("example.co.jp", "", [f"v=spf1 include:{EVIL} mx a:<!channel> -all"])
    zone.set_txt("example.co.jp", "_dmarc", [f"v=DMARC1; p=reject; rua={EVIL}"])
    zone.set_txt("example.co.jp", "_mta-sts", ["v=STSv1; id=<!channel>"])
    zone.set_policy("example.co.jp", f"version: STSv1\nmode: enforce\nmx: {EVIL}\nmax_age: 86400\n")
    await house.alice.command("/mxcutover check example.co.jp")
    await house.alice.wait_for(
        house.alice.ephemerals, lambda all_: any("evil" in texts(m.get("blocks", [])) for m in all_)
    )
    await house.hanako.say("完了", CUTOVER, str(root["ts"]))
    await house.go(days=18, hours=13)
    for verb in ("status", "history", "report", "runbook"):
        await house.hanako.command(f"/mxcutover {verb} example.co.jp")
    await house.bot.slack.worker.idle()
    await house.go(minutes=1)
    for message in await everything_said(house):
        harmless(message)
    assert [r for r in refused if "invalid" in r or "too_long" in r] == []


@pytest.mark.parametrize("size", [60_000])
async def test_texts_of_the_largest_size(house: House, refused: list[str], size: int) -> None:
    """As much as one message holds (RFC 1035 4.2.2), several times."""
    await open_cutover(house)
    house.sandbox.set_txt("example.co.jp", "", ["v=spf1 " + "a:x.jp " * (size // 7), "v=spf1 -all"])
    house.sandbox.set_txt("example.co.jp", "_dmarc", ["v=DMARC1; p=none; " + "x" * (size // 3)])
    house.sandbox.set_policy("example.co.jp", "mx: x\n" * (size // 6))
    house.sandbox.set_txt("example.co.jp", "_mta-sts", ["v=STSv1; id=1"])
    await house.alice.command("/mxcutover check example.co.jp")
    answers = await house.alice.wait_for(house.alice.ephemerals)
    assert answers
    assert refused == []


async def test_a_hundred_exchanges(house: House, refused: list[str]) -> None:
    root = await open_cutover(house, date="2026-12-03")
    house.sandbox.set_mx("example.co.jp", [(n, f"{'a' * 60}.{'b' * 60}.{n}.example") for n in range(100)])
    await house.hanako.command("/mxcutover check example.co.jp")
    await house.hanako.wait_for(lambda: house.hanako.ephemerals(), lambda all_: len(all_) >= 1)
    await house.go(days=2, hours=13)
    await said(house, root, "手順1：MXを変更してください")
    assert refused == []


TYPED = [
    EVIL,
    "check <!channel>",
    "check <@U0KEN00001>.example.jp",
    f"start {EVIL}",
    "status " + "あ" * 3000,
    "x" * 20_000,
    "ask " + "<!channel> " * 500,
    "reschedule example.co.jp " + "9" * 3000,
    "list page 99999999999999999999999",
    "list " + EVIL,
    "check " + "\u202e" * 100 + "example.co.jp",
    "check xn--" + "a" * 200,
    "assign example.co.jp <@U0KEN00001|<!channel>>",
    "text " + EVIL,
    "settings " + EVIL,
    "\ud83d",
    "{0.__class__} %s %(x)s ${x}",
]


@pytest.mark.parametrize("text", TYPED, ids=range(len(TYPED)))
async def test_what_is_typed_comes_back_escaped_or_not_at_all(
    house: House, refused: list[str], text: str
) -> None:
    """By the command, to the bot itself, and where all can see."""
    payload = {
        "command": "/mxcutover", "text": text, "user_id": house.hanako.user, "channel_id": CUTOVER,
        "team_id": "T0LOCAL001",
        "trigger_id": "1.1.x",
    }  # fmt: skip
    assert (await house.workspace.delivery.ask("slash_commands", payload)).acked
    await house.hanako.dm(text.encode("utf-8", "replace").decode())
    await house.bot.slack.worker.idle()
    await house.go(seconds=1)
    said_ = await everything_said(house)
    assert said_
    for message in said_:
        for part in strings(message):
            for sign in ("<!channel", "<!here", "<https://evil", *HIDDEN):
                assert sign not in part
        assert "申し訳ありません。処理中に" not in texts(message.get("blocks") or [])
    assert [r for r in refused if "views.open" not in r and "users.info" not in r] == []


async def test_a_reason_that_was_typed_is_shown_escaped_in_the_history(house: House) -> None:
    root = await open_cutover(house)
    await house.hanako.say(f"TTLは変更できません {EVIL}", CUTOVER, str(root["ts"]))
    await house.bot.slack.worker.idle()
    await house.hanako.command("/mxcutover history example.co.jp")
    await house.bot.slack.worker.idle()
    await house.go(seconds=1)
    for message in await everything_said(house):
        harmless(message)


ENVELOPES: list[tuple[str, Any]] = [
    ("interactive", None),
    ("interactive", 7),
    ("interactive", [1, 2]),
    ("interactive", "text"),
    ("interactive", {}),
    ("interactive", {"type": "block_actions"}),
    ("interactive", {"type": "block_actions", "user": "U1", "actions": [{}]}),
    ("interactive", {"type": "block_actions", "user": {"id": "U1"}, "actions": {"a": 1}}),
    ("interactive", {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"value": 5}]}),
    (
        "interactive",
        {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"selected_date_time": 10**30}]},
    ),
    ("interactive", {"type": "block_actions", "user": {"id": "<!channel>"}, "actions": []}),
    ("interactive", {"type": "view_submission", "user": {"id": "U1"}, "view": {"state": {"values": [1]}}}),
    (
        "interactive",
        {
            "type": "view_submission",
            "user": {"id": "U1"},
            "view": {"type": "modal", "callback_id": "nobodys"},
        },
    ),
    ("interactive", {"type": "view_submission", "user": {"id": "U1"}, "view": 5}),
    ("interactive", {"type": "message_action", "user": {"id": "U1"}, "message": []}),
    ("interactive", {"authorizations": [1]}),
    ("interactive", {"authorizations": {"a": 1}, "enterprise": 5}),
    ("slash_commands", {"command": "/mxcutover"}),
    ("slash_commands", {"command": 5, "user_id": [], "channel_id": {}}),
    ("events_api", {"type": "event_callback"}),
    ("events_api", {"type": "event_callback", "event": None}),
    ("events_api", {"type": "event_callback", "event": {"type": "message", "user": {"id": 1}, "text": 5}}),
    ("events_api", {"type": "event_callback", "event": {"type": "no_such_event", "user": "U1"}}),
    ("events_api", {"type": ["event_callback"]}),
    ("no_such_type", {"a": "b"}),
]


@pytest.mark.parametrize(("kind", "payload"), ENVELOPES, ids=range(len(ENVELOPES)))
async def test_an_envelope_out_of_shape_is_acknowledged_and_leaves_nothing(
    house: House, kind: str, payload: Any
) -> None:
    outcome = await house.workspace.delivery.ask(kind, payload)
    assert outcome.acked
    await house.bot.slack.worker.idle()
    left = await house.bot.store.transact(
        lambda tx: tx.inbox.unprocessed(older_than=house.clock.now().replace(year=2030), limit=10)
    )
    assert left == []
    assert (await house.workspace.delivery.ask("interactive", {"type": "still_there"})).acked


async def test_an_answer_is_sent_to_slack_alone(house: House) -> None:
    """A response_url elsewhere is not called; the person is answered all the same."""
    payload = {
        "command": "/mxcutover", "text": "help", "user_id": house.hanako.user, "channel_id": CUTOVER,
        "team_id": "T0LOCAL001", "trigger_id": "1.1.y", "response_url": "http://127.0.0.1:1/steal",
    }  # fmt: skip
    assert (await house.workspace.delivery.ask("slash_commands", payload)).acked
    await private(house.hanako, "/mxcutover start")


def looks(house: House) -> float:
    """How often the whole DNS of a domain was looked at."""
    return (
        house.bot.metrics.registry.get_sample_value("mxcutover_dns_look_seconds_count", {"look": "full"})
        or 0.0
    )


async def test_a_budget_of_checks_for_each_person(house: House) -> None:
    most = house.bot.deps.looks_per_minute
    assert most == 20
    for _ in range(most):
        await house.hanako.command("/mxcutover check example.co.jp")
    await house.bot.slack.worker.idle()
    asked = looks(house)
    assert asked == most
    await house.hanako.command("/mxcutover check example.co.jp")
    await private(house.hanako, "秒後にもう一度")
    assert looks(house) == asked
    await house.alice.command("/mxcutover check example.co.jp")  # another person has a budget of their own
    await private(house.alice, "mail.old-provider.example")
    await house.go(seconds=61)
    before = len(await house.hanako.ephemerals())
    await house.hanako.command("/mxcutover check example.co.jp")
    await house.hanako.wait_for(house.hanako.ephemerals, lambda all_: len(all_) > before)
    assert looks(house) == asked + 2


async def test_a_look_alike_of_the_expected_host_is_called_out(house: House) -> None:
    root = await open_cutover(house)
    await house.go(days=18, hours=12, seconds=5)
    look_alike = "mgf.cyb" + "е" + "rmail.jp"  # the Cyrillic letter
    house.sandbox.set_mx("example.co.jp", [(10, look_alike.encode("idna").decode())])
    await house.go(minutes=2)
    alarm = await said(house, root, "MXの設定に問題があります")
    assert "xn--" in alarm
    assert "そっくり" in alarm
