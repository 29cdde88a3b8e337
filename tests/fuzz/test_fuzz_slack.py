"""What Slack delivers, at any depth wrong, and foreign text on its way into a message."""

import copy
import json
from contextlib import suppress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bot.content.findings import finding_text
from bot.domain.findings import Finding, Severity, Status
from bot.slack import elements as el
from bot.slack.forms import filled
from bot.slack.intake import Odd, admit, classify, own_echo
from bot.slack.payloads import click, mentions, where, who, without_mentions
from bot.slack.shape import storable
from bot.workspace.validate import MESSAGE, check_blocks
from tests.fuzz.harness import HOSTILE, anything, fuzzed, quick

EVENT = {
    "type": "event_callback", "event_id": "Ev1", "team_id": "T1", "authorizations": [{"user_id": "U0BOT"}],
    "event": {
        "type": "message", "user": "U1", "channel": "C1", "ts": "1.2", "thread_ts": "1.1", "text": "done",
        "channel_type": "channel", "user_team": "T1",
    },
}  # fmt: skip
COMMAND = {
    "command": "/mxcutover", "text": "help", "user_id": "U1", "channel_id": "C1", "team_id": "T1",
    "trigger_id": "1.2.3", "response_url": "https://hooks.slack.com/commands/1", "enterprise_id": "E1",
}  # fmt: skip
ACTION = {
    "type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"}, "trigger_id": "1",
    "channel": {"id": "C1"}, "container": {"type": "message", "channel_id": "C1", "message_ts": "1.2"},
    "message": {"ts": "1.2", "thread_ts": "1.1", "text": "x"},
    "actions": [{"action_id": "step_done", "block_id": "c=c1&v=x", "value": '{"c":"c1","s":"ttl"}'}],
}  # fmt: skip
PICKER = {**ACTION, "actions": [{"action_id": "x", "block_id": "c=c1", "selected_date_time": 1764550000}]}
VIEW = {
    "type": "view_submission", "user": {"id": "U1", "team_id": "T1"}, "team": {"id": "T1"},
    "view": {
        "type": "modal", "id": "V1", "callback_id": "start", "private_metadata": "f1",
        "state": {"values": {
            "mx": {"mx": {"value": "10 mgf.cybermail.jp"}}, "date": {"date": {"selected_date": "2026-12-19"}},
            "plan": {"plan": {"selected_option": {"value": "sigma"}}},
        }},
    },
}  # fmt: skip
SHORTCUT = {"type": "message_action", "user": {"id": "U1"}, "channel": {"id": "C1"}, "message": {"ts": "1.2"}}
SAMPLES: list[dict[str, Any]] = [EVENT, COMMAND, ACTION, PICKER, VIEW, SHORTCUT]

leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.integers(2**60, 2**70), st.floats(allow_nan=False),
    st.sampled_from(HOSTILE), st.text(max_size=20), st.just({}), st.just([]), st.just([None]),
    st.just("x" * 5000),
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        for key, inner in value.items():
            found += paths(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found += paths(inner, (*at, number))
    return found


def changed(sample: dict[str, Any], edits: list[tuple[int, Any, bool]]) -> Any:
    """The sample with some places replaced or taken away."""
    body = copy.deepcopy(sample)
    for number, value, remove in edits:
        places = paths(body)
        if not places:
            return value
        *way, last = places[number % len(places)]
        parent = body
        for step in way:
            parent = parent[step]
        if remove:
            del parent[last]
        else:
            parent[last] = value
    return body


edits = st.lists(st.tuples(st.integers(0, 60), trees, st.booleans()), max_size=3)
payloads = st.one_of(st.builds(changed, st.sampled_from(SAMPLES), edits), trees)


def read(body: Any) -> None:
    """Everything that is read of a payload before a use case begins."""
    delivered = classify(body)
    with suppress(Odd):
        assert admit(body) == delivered
    if delivered is None:
        return
    kept = json.loads(json.dumps(delivered.payload))
    json.dumps(kept, ensure_ascii=False).encode()
    own_echo(kept)
    person, place = who(delivered.kind, kept), where(delivered.kind, kept)
    assert isinstance(person.user, str)
    assert isinstance(place.channel, str)
    if delivered.kind == "action":
        click(kept)
    if delivered.kind == "view":
        filled(kept["view"])
    text = (kept.get("event") or {}).get("text") or ""
    mentions(text, "U0BOT")
    without_mentions(text, "U0BOT")


@fuzzed
@given(payloads)
def test_a_payload(body: Any) -> None:
    quick(read, body)


def test_the_samples_are_taken() -> None:
    assert [d.kind for d in map(classify, SAMPLES) if d] == [
        "event", "command", "action", "action", "view", "shortcut",
    ]  # fmt: skip


def test_a_choice_without_its_value_is_put_aside() -> None:
    view = copy.deepcopy(VIEW)
    view["view"]["state"]["values"]["plan"]["plan"]["selected_option"] = {"id": None}  # type: ignore[index]
    assert classify(view) is None
    view["view"]["state"]["values"]["plan"]["plan"]["selected_option"] = None  # type: ignore[index]
    assert classify(view) is not None


def test_what_is_too_deep_or_too_much_is_put_aside() -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    assert classify({**EVENT, "more": deep}) is None
    assert classify({**EVENT, "more": list(range(30_000))}) is None
    assert storable({"a": "b\x00\ud800c"}) == {"a": "b\ufffd\ufffdc"}


@fuzzed
@given(anything, st.integers(1, 3000))
def test_escaped_text_holds_no_markup(text: str, limit: int) -> None:
    shown = quick(el.escape, text)
    for sign in ("<", ">", "`", "\x00", "\u202e", "\u2066", "\u200b", "\x1b"):
        assert sign not in shown
    shown.encode()
    assert len(el.cut(shown, limit)) <= limit


@fuzzed
@given(anything, anything)
def test_blocks_of_foreign_text_are_within_slacks_limits(one: str, two: str) -> None:
    one, two = el.escape(one), el.escape(two)
    blocks = [
        el.header(one or "x"),
        *el.sections(f"{one}\n{two}")[:4],
        el.fields([(one, two)] * 12),
        el.context(*[two or "x"] * 12),
        *el.actions([el.button(one or "x", "a", {"c": "1"}), el.button(two or "x", "b", {"c": "2"})]),
    ]
    refused = [
        str(fault) for fault in check_blocks(blocks, MESSAGE) if "13000" not in str(fault).replace(",", "")
    ]
    assert not [fault for fault in refused if "character" in fault or "more than" in fault or "long" in fault]


@fuzzed
@given(anything, st.sampled_from(["mx.other", "mx.typo", "mx.look-alike", "spf.syntax", "mx.ip-literal"]))
def test_a_finding_with_foreign_arguments(text: str, finding_id: str) -> None:
    names = ("domain", "servers", "mx", "hosts", "exchange", "meant", "readable", "delete", "lines")
    text = text[:2000]
    args: dict[str, Any] = dict.fromkeys(names, text)
    finding = Finding(finding_id, Status.WRONG, Severity.BLOCK, {**args, "errors": [text], "record": text})
    for lang in ("ja", "en"):
        for shown in quick(finding_text, finding, lang, el.escape):
            assert "<!" not in shown
            assert "\u202e" not in shown
