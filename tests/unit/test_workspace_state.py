"""Time, inputs, typed text and keeping, without a server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.workspace import keeping
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.errors import SlackRefusal
from bot.workspace.inputs import initial, problems, reported, state_values, still_fitting
from bot.workspace.markup import rich_text, to_wire
from bot.workspace.person import ALICE, CUTOVER, HANAKO
from bot.workspace.state import Message, State, seed
from bot.workspace.surfaces import RESPONSE_URL_SECONDS, TRIGGER_SECONDS, Surfaces

Json = dict[str, Any]
NOON = datetime(2026, 12, 5, 3, 0, tzinfo=UTC)


class Standing:
    def now(self) -> datetime:
        return NOON


def seeded() -> State:
    state = State(Standing().now)
    seed(state, "MX切替")
    return state


def test_times_are_unique_while_the_clock_stands() -> None:
    state = seeded()
    stamps = [state.next_ts() for _ in range(3)]
    assert stamps == ["1796439600.000000", "1796439600.000001", "1796439600.000002"]


def test_the_clock_moves_forward_only() -> None:
    clock = MovableClock(Standing())
    clock.set(NOON + timedelta(days=10))
    assert clock.now() == NOON + timedelta(days=10)
    with pytest.raises(ValueError, match="forward"):
        clock.set(NOON)
    with pytest.raises(ValueError, match="zone"):
        clock.set(datetime(2027, 1, 1))  # noqa: DTZ001
    clock.restore(timedelta(days=1))
    assert clock.offset == timedelta(days=10)


def test_a_state_that_was_kept_comes_back_whole(tmp_path: Path) -> None:
    state = seeded()
    root = state.post(Message(CUTOVER, state.next_ts(), HANAKO, "root"))
    state.post(Message(CUTOVER, state.next_ts(), ALICE, "reply", thread_ts=root.ts))
    keeping.write(tmp_path / "a" / "slack.json", {"state": state.dump()})
    kept = keeping.read(tmp_path / "a" / "slack.json")
    assert kept is not None
    again = State(Standing().now)
    again.load(kept["state"])
    assert [m.text for m in again.replies(CUTOVER, root.ts)] == ["reply"]
    assert again.shown(again.message(CUTOVER, root.ts))["reply_count"] == 1
    assert again.next_ts() > root.ts
    assert again.rev > state.rev


def test_a_file_of_something_else_is_not_taken_for_a_workspace(tmp_path: Path) -> None:
    path = tmp_path / "slack.json"
    path.write_text('{"version": 99}')
    with pytest.raises(ValueError, match="no workspace of this version"):
        keeping.read(path)
    assert keeping.read(tmp_path / "none.json") is None


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("a < b & c", "a &lt; b &amp; c"),
        ("example.co.jp を確認", "<http://example.co.jp|example.co.jp> を確認"),
        ("次はexample.co.jpです", "次は<http://example.co.jp|example.co.jp>です"),
        ("https://example.com/a?b=1&c", "<https://example.com/a?b=1&amp;c>"),
        ("info@example.co.jp", "<mailto:info@example.co.jp|info@example.co.jp>"),
        ("`example.com` stays", "`example.com` stays"),
        ("version 1.2.3", "version 1.2.3"),
        ("@mxcutover help", "<@U0LOCALBOT> help"),
        ("@MX切替さん、@田中 花子 です", "<@U0LOCALBOT>さん、<@U0HANAKO01> です"),
        ("@nobody and @alice2", "@nobody and @alice2"),
        ("#general", "<#C0GENERAL1|general>"),
    ],
)
def test_what_is_typed_goes_out_as_slack_sends_it(typed: str, wire: str) -> None:
    assert to_wire(typed, seeded()) == wire


def test_typed_text_has_a_rich_text_block_too() -> None:
    block = rich_text("@mxcutover example.com", seeded())[0]
    kinds = [element["type"] for element in block["elements"][0]["elements"]]
    assert kinds == ["user", "text", "link"]


OPTIONS = [{"text": {"type": "plain_text", "text": t}, "value": t} for t in "abc"]


@pytest.mark.parametrize(
    ("element", "value", "said"),
    [
        ({"type": "plain_text_input"}, "x", {"value": "x"}),
        ({"type": "plain_text_input"}, "", {"value": None}),
        ({"type": "static_select", "options": OPTIONS}, "b", {"selected_option": OPTIONS[1]}),
        ({"type": "static_select", "options": OPTIONS}, None, {"selected_option": None}),
        (
            {"type": "checkboxes", "options": OPTIONS},
            ["a", "c"],
            {"selected_options": [OPTIONS[0], OPTIONS[2]]},
        ),
        ({"type": "checkboxes", "options": OPTIONS}, [], {"selected_options": []}),
        ({"type": "radio_buttons", "options": OPTIONS}, "a", {"selected_option": OPTIONS[0]}),
        ({"type": "datepicker"}, "2026-12-05", {"selected_date": "2026-12-05"}),
        ({"type": "timepicker"}, "22:00", {"selected_time": "22:00"}),
        ({"type": "datetimepicker"}, 1796439600, {"selected_date_time": 1796439600}),
        ({"type": "users_select"}, HANAKO, {"selected_user": HANAKO}),
        ({"type": "multi_users_select"}, [HANAKO], {"selected_users": [HANAKO]}),
    ],
)
def test_an_entered_value_in_slacks_shape(element: Json, value: Any, said: Json) -> None:
    assert reported(element, value) == {"type": element["type"], **said}


def test_an_option_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no option 'z'"):
        reported({"type": "static_select", "options": OPTIONS}, "z")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ({"type": "plain_text_input", "initial_value": "x"}, "x"),
        ({"type": "static_select", "initial_option": OPTIONS[0]}, "a"),
        ({"type": "multi_static_select", "initial_options": OPTIONS[:2]}, ["a", "b"]),
        ({"type": "datepicker", "initial_date": "2026-12-05"}, "2026-12-05"),
        ({"type": "timepicker"}, None),
        ({"type": "users_select", "initial_user": HANAKO}, HANAKO),
    ],
)
def test_initial_values_count_as_entered(element: Json, value: Any) -> None:
    assert initial(element) == value


def field(block_id: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": block_id, "element": {"action_id": "v", **element}, **more}


@pytest.mark.parametrize(
    ("element", "value", "code"),
    [
        ({"type": "plain_text_input"}, "  ", "required"),
        ({"type": "plain_text_input", "min_length": 3}, "ab", "too_short"),
        ({"type": "plain_text_input", "max_length": 3}, "abcd", "too_long"),
        ({"type": "number_input", "is_decimal_allowed": False}, "1.5", "number"),
        ({"type": "number_input", "is_decimal_allowed": True, "max_value": "300"}, "301", "too_large"),
        ({"type": "number_input", "is_decimal_allowed": True, "min_value": "60"}, "59", "too_small"),
        ({"type": "email_text_input"}, "a@b", "email"),
        ({"type": "url_text_input"}, "example.com", "url"),
        ({"type": "checkboxes", "options": OPTIONS}, [], "required"),
        (
            {"type": "multi_static_select", "options": OPTIONS, "max_selected_items": 1},
            ["a", "b"],
            "too_many",
        ),
    ],
)
def test_what_slacks_client_does_not_submit(element: Json, value: Any, code: str) -> None:
    found = problems([field("b", element)], {"b": {"v": value}})
    assert found["b"][0] == code
    blank = problems([field("b", element, optional=True)], {"b": {"v": None}})
    assert blank == {}


def test_an_updated_view_keeps_what_still_fits() -> None:
    entered = {"name": {"v": "x"}, "pick": {"v": "z"}, "gone": {"v": "y"}}
    blocks = [
        field("name", {"type": "plain_text_input"}),
        field("pick", {"type": "static_select", "options": OPTIONS}),
    ]
    assert still_fitting(blocks, entered) == {"name": {"v": "x"}}
    assert state_values(blocks, {})["name"]["v"]["value"] is None


class Ticking:
    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


def surfaces() -> tuple[Surfaces, Ticking]:
    ticking = Ticking()
    return Surfaces(seeded(), ticking), ticking


def modal(text: str = "x", **more: Any) -> Json:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": "Title"},
        "blocks": [{"type": "section", "text": {"type": "plain_text", "text": text}}],
        **more,
    }


def test_a_trigger_lives_three_seconds() -> None:
    made, ticking = surfaces()
    trigger = made.new_trigger(HANAKO)
    ticking.at += TRIGGER_SECONDS
    made.open_view(trigger, modal())
    late = made.new_trigger(HANAKO)
    ticking.at += TRIGGER_SECONDS + 0.01
    with pytest.raises(SlackRefusal, match="expired_trigger_id"):
        made.open_view(late, modal())
    with pytest.raises(SlackRefusal, match="invalid_trigger_id"):
        made.open_view("made up", modal())


def test_a_response_address_serves_five_times_and_half_an_hour() -> None:
    made, ticking = surfaces()
    key = made.new_response_url(HANAKO, CUTOVER)
    for _ in range(5):
        made.use_response_url(key)
    with pytest.raises(SlackRefusal, match="used_url"):
        made.use_response_url(key)
    key = made.new_response_url(HANAKO, CUTOVER)
    ticking.at += RESPONSE_URL_SECONDS + 1
    with pytest.raises(SlackRefusal, match="expired_url"):
        made.use_response_url(key)


def test_a_view_is_updated_by_its_hash() -> None:
    made, _ = surfaces()
    view = made.open_view(made.new_trigger(HANAKO), modal())
    newer = made.update_view(modal("y"), view_id=view["id"], external_id=None, hash_=view["hash"])
    assert newer["id"] == view["id"]
    with pytest.raises(SlackRefusal, match="hash_conflict"):
        made.update_view(modal("z"), view_id=view["id"], external_id=None, hash_=view["hash"])
    with pytest.raises(SlackRefusal, match="not_found"):
        made.update_view(modal("z"), view_id="V0", external_id=None, hash_=None)


def test_at_most_three_views_lie_upon_each_other() -> None:
    made, _ = surfaces()
    root = made.open_view(made.new_trigger(HANAKO), modal())
    for _ in range(2):
        pushed = made.push_view(made.new_trigger(HANAKO, root["id"]), modal())
    assert pushed["root_view_id"] == root["id"]
    with pytest.raises(SlackRefusal, match="push_limit_reached"):
        made.push_view(made.new_trigger(HANAKO, root["id"]), modal())
    assert [view["id"] for view in made.clear(HANAKO)][-1] == root["id"]


def test_a_manifest_says_what_there_is() -> None:
    app = App.from_manifest(
        {
            "display_information": {"name": "MX Cutover"},
            "features": {
                "bot_user": {"display_name": "mxcutover"},
                "app_home": {"home_tab_enabled": True},
                "slash_commands": [{"command": "/mxcutover", "usage_hint": "start"}],
                "shortcuts": [{"name": "Ask", "type": "message", "callback_id": "ask", "description": "?"}],
            },
            "settings": {"event_subscriptions": {"bot_events": ["message.im"]}},
        }
    )
    assert app.name == "mxcutover"
    assert app.shortcuts[0].kind == "message"
    assert app.events == {"message.im"}
    assert app.home_tab
