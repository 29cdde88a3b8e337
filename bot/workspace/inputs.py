"""What a person entered into inputs, as Slack reports it, and what Slack's client refuses to submit.

An entered value is simple: text, an option's value, a list of those, an ISO date, HH:mm, or seconds (UTC).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bot.workspace.elements import MULTI, SELECTS, STATEFUL, TEXT_INPUTS, all_options
from bot.workspace.validate import elements_of, flat

Json = dict[str, Any]
Entered = Mapping[str, Mapping[str, Any]]  # block_id -> action_id -> value

_FIELDS = {
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "overflow": "selected_option",
    "radio_buttons": "selected_option",
}


def initial(element: Json) -> Any:
    """The value an element starts with, or None."""
    kind = element["type"]
    if kind in TEXT_INPUTS:
        return element.get("initial_value")
    field = _FIELDS[kind]
    given = element.get(field.replace("selected", "initial"))
    if field == "selected_option":
        return given["value"] if given else None
    if field == "selected_options":
        return [option["value"] for option in given or ()]
    return given


def reported(element: Json, value: Any) -> Json:
    """The part of state.values, or of an action, that says what is entered. Raises ValueError."""
    kind = element["type"]
    if kind in TEXT_INPUTS:
        return {"type": kind, "value": None if value in (None, "") else str(value)}
    field = _FIELDS[kind]
    if field in ("selected_option", "selected_options"):
        options = {str(option["value"]): option for option in all_options(element)}
        wanted = value if isinstance(value, list | tuple) else [] if value is None or value == "" else [value]
        missing = [entry for entry in wanted if str(entry) not in options]
        if missing:
            raise ValueError(f"there is no option {missing[0]!r}")
        chosen = [options[str(entry)] for entry in wanted]
        return {
            "type": kind,
            field: chosen if kind in MULTI else (chosen[0] if chosen else None),
        }
    return {"type": kind, field: (list(value or ()) if kind in MULTI else value or None)}


def state_values(blocks: Sequence[Json], entered: Entered) -> Json:
    """`state.values`: every stateful element, with what was entered or else its initial value."""
    values: Json = {}
    for block in flat(blocks):
        if block.get("type") == "container":
            continue
        for element in elements_of(block):
            if element["type"] in STATEFUL:
                here = entered.get(block["block_id"], {})
                value = here.get(element["action_id"], initial(element))
                values.setdefault(block["block_id"], {})[element["action_id"]] = reported(element, value)
    return values


def problem(element: Json, value: Any, *, optional: bool) -> tuple[str, Json] | None:
    """Why Slack's client would not submit this value: the code of a text and its arguments."""
    kind = element["type"]
    if value in (None, "", []) or (isinstance(value, str) and not value.strip()):
        return None if optional else ("required", {})
    if kind not in TEXT_INPUTS:
        limit = element.get("max_selected_items")
        if kind in SELECTS and limit and isinstance(value, list) and len(value) > limit:
            return "too_many", {"limit": limit}
        return None
    text = str(value)
    if kind == "plain_text_input":
        if len(text) < element.get("min_length", 0):
            return "too_short", {"limit": element["min_length"]}
        limit = element.get("max_length", 3000)
        return ("too_long", {"limit": limit}) if len(text) > limit else None
    if kind == "number_input":
        return _number_problem(element, text)
    if kind == "email_text_input":
        return None if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else ("email", {})
    address = urlsplit(text)
    return None if address.scheme in ("http", "https") and address.netloc else ("url", {})


def _number_problem(element: Json, text: str) -> tuple[str, Json] | None:
    pattern = r"-?\d+(\.\d+)?" if element.get("is_decimal_allowed") else r"-?\d+"
    if not re.fullmatch(pattern, text):
        return "number", {}
    if element.get("min_value") is not None and float(text) < float(element["min_value"]):
        return "too_small", {"limit": element["min_value"]}
    if element.get("max_value") is not None and float(text) > float(element["max_value"]):
        return "too_large", {"limit": element["max_value"]}
    return None


def problems(blocks: Sequence[Json], entered: Entered) -> dict[str, tuple[str, Json]]:
    """By block_id, what keeps a view from being submitted."""
    found: dict[str, tuple[str, Json]] = {}
    for block in blocks:
        if block.get("type") != "input":
            continue
        element = block["element"]
        value = entered.get(block["block_id"], {}).get(element["action_id"], initial(element))
        wrong = problem(element, value, optional=bool(block.get("optional")))
        if wrong is not None:
            found[block["block_id"]] = wrong
    return found


def still_fitting(blocks: Sequence[Json], entered: Entered) -> dict[str, dict[str, Any]]:
    """What stays entered after a view was updated: inputs with the same block_id and action_id."""
    kept: dict[str, dict[str, Any]] = {}
    for block in flat(blocks):
        if block.get("type") == "container":
            continue
        for element in elements_of(block):
            block_id, action_id = block["block_id"], element.get("action_id", "")
            if action_id in entered.get(block_id, {}):
                value = entered[block_id][action_id]
                try:
                    reported(element, value)
                except (ValueError, KeyError):
                    continue
                kept.setdefault(block_id, {})[action_id] = value
    return kept
