"""The limits at which Slack refuses: each at its last allowed value and one beyond."""

from typing import Any

import pytest

from bot.workspace.errors import SlackRefusal
from bot.workspace.validate import check_blocks, require_message, require_view

Json = dict[str, Any]


def plain(length: int = 3) -> Json:
    return {"type": "plain_text", "text": "x" * length}


def mrkdwn(length: int = 3) -> Json:
    return {"type": "mrkdwn", "text": "x" * length}


def section(length: int = 3) -> Json:
    return {"type": "section", "text": mrkdwn(length)}


def option(text: int = 3, value: str = "v") -> Json:
    return {"text": plain(text), "value": value}


def button(**more: Any) -> Json:
    return {"type": "button", "text": plain(), **more}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def select(*options: Json, **more: Any) -> Json:
    return {"type": "static_select", "options": list(options), **more}


def text_input(**more: Any) -> Json:
    return {"type": "input", "label": plain(), "element": {"type": "plain_text_input", **more}}


IMAGE = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}

LIMITS: list[tuple[str, Json, Json]] = [
    ("section text", section(3000), section(3001)),
    ("empty text", section(1), section(0)),
    (
        "fields",
        {"type": "section", "fields": [mrkdwn()] * 10},
        {"type": "section", "fields": [mrkdwn()] * 11},
    ),
    ("field", {"type": "section", "fields": [mrkdwn(2000)]}, {"type": "section", "fields": [mrkdwn(2001)]}),
    ("header", {"type": "header", "text": plain(150)}, {"type": "header", "text": plain(151)}),
    ("header is plain", {"type": "header", "text": plain()}, {"type": "header", "text": mrkdwn()}),
    ("actions", actions(*[button()] * 25), actions(*[button()] * 26)),
    ("no actions", actions(button()), actions()),
    ("button text", actions(button(text=plain(75))), actions(button(text=plain(76)))),
    ("button value", actions(button(value="x" * 2000)), actions(button(value="x" * 2001))),
    ("button style", actions(button(style="danger")), actions(button(style="default"))),
    ("action_id", actions(button(action_id="x" * 255)), actions(button(action_id="x" * 256))),
    ("block_id", {**section(), "block_id": "x" * 255}, {**section(), "block_id": "x" * 256}),
    (
        "context",
        {"type": "context", "elements": [mrkdwn()] * 10},
        {"type": "context", "elements": [mrkdwn()] * 11},
    ),
    ("option text", actions(select(option(75))), actions(select(option(76)))),
    ("option value", actions(select(option(3, "x" * 150))), actions(select(option(3, "x" * 151)))),
    ("options", actions(select(*[option()] * 100)), actions(select(*[option()] * 101))),
    (
        "initial option",
        actions(select(option(), initial_option=option())),
        actions(select(option(), initial_option=option(3, "other"))),
    ),
    (
        "overflow",
        actions({"type": "overflow", "options": [option()] * 5}),
        actions({"type": "overflow", "options": [option()] * 6}),
    ),
    (
        "checkboxes",
        actions({"type": "checkboxes", "options": [option()] * 10}),
        actions({"type": "checkboxes", "options": [option()] * 11}),
    ),
    (
        "confirm",
        actions(
            button(confirm={"title": plain(100), "text": plain(300), "confirm": plain(30), "deny": plain(30)})
        ),
        actions(
            button(confirm={"title": plain(100), "text": plain(300), "confirm": plain(31), "deny": plain(30)})
        ),
    ),
    ("image address", IMAGE, {**IMAGE, "image_url": "data:image/png;base64,AAAA"}),
    ("alt_text", IMAGE, {k: v for k, v in IMAGE.items() if k != "alt_text"}),
    ("markdown", {"type": "markdown", "text": "x" * 12_000}, {"type": "markdown", "text": "x" * 12_001}),
    (
        "table rows",
        {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 100},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}]] * 101},
    ),
    (
        "table columns",
        {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 20]},
        {"type": "table", "rows": [[{"type": "raw_text", "text": "a"}] * 21]},
    ),
    (
        "date",
        actions({"type": "datepicker", "initial_date": "2026-12-05"}),
        actions({"type": "datepicker", "initial_date": "5.12."}),
    ),
    (
        "time",
        actions({"type": "timepicker", "initial_time": "22:00"}),
        actions({"type": "timepicker", "initial_time": "24:00"}),
    ),
    ("known type", {"type": "divider"}, {"type": "dividing"}),
    ("known element", actions(button()), actions({"type": "knob"})),
    (
        "accessory",
        {**section(), "accessory": button()},
        {**section(), "accessory": {"type": "plain_text_input"}},
    ),
    (
        "placeholder",
        actions(select(option(), placeholder=plain(150))),
        actions(select(option(), placeholder=plain(151))),
    ),
    ("input", text_input(max_length=3000), text_input(max_length=3001)),
    ("input has a label", text_input(), {k: v for k, v in text_input().items() if k != "label"}),
    (
        "alert",
        {"type": "alert", "text": plain(), "level": "info"},
        {"type": "alert", "text": plain(), "level": "loud"},
    ),
    (
        "container",
        {"type": "container", "title": plain(), "child_blocks": [section()] * 10},
        {"type": "container", "title": plain(), "child_blocks": [section()] * 11},
    ),
    (
        "ids in a block",
        actions(button(action_id="a"), button(action_id="b")),
        actions(button(action_id="a"), button(action_id="a")),
    ),
]


@pytest.mark.parametrize(("allowed", "refused"), [case[1:] for case in LIMITS], ids=[c[0] for c in LIMITS])
def test_a_limit(allowed: Json, refused: Json) -> None:
    assert check_blocks([allowed]) == []
    assert len(check_blocks([refused])) == 1


def test_blocks_of_a_message() -> None:
    require_message("", [section()] * 50)
    with pytest.raises(SlackRefusal, match="invalid_blocks: no more than 50 items allowed"):
        require_message("", [section()] * 51)
    with pytest.raises(SlackRefusal, match="invalid_blocks_format"):
        require_message("", {"type": "section"})


def test_all_blocks_together() -> None:
    require_message("", [section(2600)] * 5)
    with pytest.raises(SlackRefusal, match="msg_blocks_too_long"):
        require_message("", [*[section(2600)] * 5, section(1)])


def test_the_same_block_id_twice() -> None:
    lines = check_blocks([{**section(), "block_id": "a"}, {**section(), "block_id": "a"}])
    assert lines == ["`block_id` already exists: a [json-pointer:/blocks/1/block_id]"]


def test_the_same_action_id_in_two_blocks_is_allowed() -> None:
    assert check_blocks([actions(button(action_id="a")), actions(button(action_id="a"))]) == []


def test_text_alone() -> None:
    require_message("x" * 40_000, None)
    with pytest.raises(SlackRefusal, match="msg_too_long"):
        require_message("x" * 40_001, None)
    with pytest.raises(SlackRefusal, match="msg_too_long"):
        require_message("x" * 4_001, None, updating=True)


def test_a_line_says_where() -> None:
    assert check_blocks([section(), section(3001)]) == [
        "must be less than 3001 characters [json-pointer:/blocks/1/text/text]"
    ]


def view(**more: Any) -> Json:
    return {"type": "modal", "title": plain(), "blocks": [section()], **more}


VIEWS: list[tuple[str, Json, Json]] = [
    ("title", view(title=plain(24)), view(title=plain(25))),
    ("submit", view(submit=plain(24)), view(submit=plain(25))),
    ("close", view(close=plain(24)), view(close=plain(25))),
    ("private_metadata", view(private_metadata="x" * 3000), view(private_metadata="x" * 3001)),
    ("callback_id", view(callback_id="x" * 255), view(callback_id="x" * 256)),
    ("blocks", view(blocks=[section()] * 100), view(blocks=[section()] * 101)),
    ("input needs submit", view(blocks=[text_input()], submit=plain()), view(blocks=[text_input()])),
    ("markdown is for messages", view(), view(blocks=[{"type": "markdown", "text": "x"}])),
    ("a title", view(), {k: v for k, v in view().items() if k != "title"}),
    ("type", view(), view(type="dialog")),
]


@pytest.mark.parametrize(("allowed", "refused"), [case[1:] for case in VIEWS], ids=[c[0] for c in VIEWS])
def test_a_limit_of_views(allowed: Json, refused: Json) -> None:
    assert require_view(allowed) is allowed
    with pytest.raises(SlackRefusal, match="invalid_arguments"):
        require_view(refused)


@pytest.mark.parametrize("nonsense", [None, 3, "x", [], {"type": None}, {"type": ["a"]}])
def test_nonsense_is_refused_and_breaks_nothing(nonsense: object) -> None:
    assert len(check_blocks([nonsense])) == 1
    with pytest.raises(SlackRefusal):
        require_view(nonsense)
