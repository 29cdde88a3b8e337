"""Block elements: which there are, where they may stand, and their limits."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from bot.workspace.checks import Findings

Json = dict[str, Any]
Check = Callable[[Json, Findings, str], None]

TEXT_LIMIT, URL_LIMIT = 3000, 3000


def check_confirm(value: object, found: Findings, at: str) -> None:
    if not isinstance(value, dict):
        found.add("must be an object", at)
        return
    for name, limit in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
        if found.required(value, [name], at):
            found.text_object(value[name], limit, f"{at}/{name}", plain_only=name != "text")
    if "style" in value:
        found.one_of(value["style"], ("primary", "danger"), f"{at}/style")


def check_option(
    option: object, found: Findings, at: str, *, plain_only: bool = True, url: bool = False
) -> None:
    if not isinstance(option, dict):
        found.add("must be an object", at)
        return
    found.unknown_fields(option, ("text", "value", "description", *(("url",) if url else ())), at)
    if found.required(option, ["text", "value"], at):
        found.text_object(option["text"], 75, f"{at}/text", plain_only=plain_only)
        found.text_length(option["value"], 150, f"{at}/value")
    if option.get("description") is not None:
        found.text_object(option["description"], 75, f"{at}/description", plain_only=plain_only)
    if option.get("url") is not None:
        found.text_length(option["url"], URL_LIMIT, f"{at}/url")


def _check_options(
    element: Json, found: Findings, at: str, most: int, *, plain_only: bool, least: int = 1, url: bool = False
) -> None:
    options = found.items(element.get("options"), most, f"{at}/options", least=least)
    for index, option in enumerate(options):
        check_option(option, found, f"{at}/options/{index}", plain_only=plain_only, url=url)


def all_options(element: Json) -> list[Json]:
    """The options of an element, those in groups too."""
    grouped = [option for group in element.get("option_groups") or () for option in group.get("options", ())]
    return [*(element.get("options") or ()), *grouped]


def _initial_is_an_option(element: Json, found: Findings, at: str) -> None:
    known = [(o.get("value"), o.get("text", {}).get("text")) for o in all_options(element)]
    single = element.get("initial_option")
    for chosen in [*([single] if single else []), *(element.get("initial_options") or ())]:
        if (chosen.get("value"), chosen.get("text", {}).get("text")) not in known:
            found.add("initial option does not match any option", at)


def _button(element: Json, found: Findings, at: str) -> None:
    if found.required(element, ["text"], at):
        found.text_object(element["text"], 75, f"{at}/text", plain_only=True)
    if element.get("value") is not None:
        found.text_length(element["value"], 2000, f"{at}/value", least=0)
    if element.get("url") is not None:
        found.text_length(element["url"], URL_LIMIT, f"{at}/url")
    if element.get("style") is not None:
        found.one_of(element["style"], ("primary", "danger"), f"{at}/style")
    if element.get("accessibility_label") is not None:
        found.text_length(element["accessibility_label"], 75, f"{at}/accessibility_label")


def _static_select(element: Json, found: Findings, at: str) -> None:
    groups = element.get("option_groups")
    if (element.get("options") is None) == (groups is None):
        found.add("exactly one of options and option_groups is required", at)
    elif groups is None:
        _check_options(element, found, at, 100, plain_only=True)
    else:
        for index, group in enumerate(found.items(groups, 100, f"{at}/option_groups")):
            here = f"{at}/option_groups/{index}"
            if not isinstance(group, dict):
                found.add("must be an object", here)
            elif found.required(group, ["label", "options"], here):
                found.text_object(group["label"], 75, f"{here}/label", plain_only=True)
                _check_options(group, found, here, 100, plain_only=True)
    if not found.lines:
        _initial_is_an_option(element, found, at)


def _choices(element: Json, found: Findings, at: str) -> None:
    before = len(found.lines)
    _check_options(element, found, at, 10, plain_only=False)
    if len(found.lines) == before:
        _initial_is_an_option(element, found, at)


def _overflow(element: Json, found: Findings, at: str) -> None:
    _check_options(element, found, at, 5, plain_only=True, url=True)


def _datepicker(element: Json, found: Findings, at: str) -> None:
    initial = element.get("initial_date")
    if initial is not None:
        try:
            date.fromisoformat(initial)
        except (TypeError, ValueError):
            found.add("must be a date in the format YYYY-MM-DD", f"{at}/initial_date")


def _timepicker(element: Json, found: Findings, at: str) -> None:
    initial = element.get("initial_time")
    if initial is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(initial)):
        found.add("must be a time in the format HH:mm", f"{at}/initial_time")


def _datetimepicker(element: Json, found: Findings, at: str) -> None:
    initial = element.get("initial_date_time")
    if initial is not None and not (isinstance(initial, int) and 1_000_000_000 <= initial <= 9_999_999_999):
        found.add("must be a UNIX timestamp of 10 digits", f"{at}/initial_date_time")


def _image(element: Json, found: Findings, at: str) -> None:
    if (element.get("image_url") is None) == (element.get("slack_file") is None):
        found.add("exactly one of image_url and slack_file is required", at)
    elif element.get("image_url") is not None:
        found.text_length(element["image_url"], URL_LIMIT, f"{at}/image_url")
        if not re.match(r"https?://[^/]", str(element["image_url"])):
            found.add("must be a valid URL", f"{at}/image_url")
    if found.required(element, ["alt_text"], at):
        found.text_length(element["alt_text"], 2000, f"{at}/alt_text")


def _plain_text_input(element: Json, found: Findings, at: str) -> None:
    least, most = element.get("min_length"), element.get("max_length")
    if least is not None and not (isinstance(least, int) and 0 <= least <= 3000):
        found.add("must be between 0 and 3000", f"{at}/min_length")
    if most is not None and not (isinstance(most, int) and 1 <= most <= 3000):
        found.add("must be between 1 and 3000", f"{at}/max_length")
    if element.get("initial_value") is not None:
        limit = most if isinstance(most, int) else TEXT_LIMIT
        found.text_length(element["initial_value"], limit, f"{at}/initial_value", least=0)


def _number_input(element: Json, found: Findings, at: str) -> None:
    if found.required(element, ["is_decimal_allowed"], at):
        for name in ("min_value", "max_value", "initial_value"):
            value = element.get(name)
            if value is not None and not re.fullmatch(r"-?\d+(\.\d+)?", str(value)):
                found.add("must be a number", f"{at}/{name}")


def _anything(element: Json, found: Findings, at: str) -> None:
    """No limits beyond the common ones."""


CHECKS: dict[str, Check] = {
    "button": _button,
    "workflow_button": _button,
    "static_select": _static_select,
    "multi_static_select": _static_select,
    "users_select": _anything,
    "multi_users_select": _anything,
    "conversations_select": _anything,
    "multi_conversations_select": _anything,
    "channels_select": _anything,
    "multi_channels_select": _anything,
    "external_select": _anything,
    "multi_external_select": _anything,
    "overflow": _overflow,
    "datepicker": _datepicker,
    "timepicker": _timepicker,
    "datetimepicker": _datetimepicker,
    "radio_buttons": _choices,
    "checkboxes": _choices,
    "plain_text_input": _plain_text_input,
    "email_text_input": _anything,
    "url_text_input": _anything,
    "number_input": _number_input,
    "image": _image,
}

SELECTS = frozenset(kind for kind in CHECKS if kind.endswith("_select"))
TEXT_INPUTS = frozenset({"plain_text_input", "email_text_input", "url_text_input", "number_input"})
PICKERS = frozenset({"datepicker", "timepicker", "datetimepicker"})
CHOICES = frozenset({"radio_buttons", "checkboxes"})
MULTI = frozenset(kind for kind in SELECTS if kind.startswith("multi_")) | {"checkboxes"}

IN_ACTIONS = frozenset({"button", "workflow_button", "overflow"}) | SELECTS - MULTI | PICKERS | CHOICES
IN_SECTION = (frozenset({"button", "workflow_button", "overflow", "image"}) | SELECTS | PICKERS | CHOICES) - {
    "datetimepicker"
}
IN_INPUT = SELECTS | PICKERS | CHOICES | TEXT_INPUTS
STATEFUL = IN_INPUT


def check_element(element: object, allowed: frozenset[str], found: Findings, at: str) -> None:
    """One element with its common fields and its own."""
    if not isinstance(element, dict):
        found.add("must be an object", at)
        return
    kind = element.get("type")
    if kind not in CHECKS or kind not in allowed:
        found.add(f"unsupported type: {kind}", f"{at}/type")
        return
    found.identifier(element.get("action_id"), f"{at}/action_id")
    if element.get("placeholder") is not None:
        found.text_object(element["placeholder"], 150, f"{at}/placeholder", plain_only=True)
    if element.get("confirm") is not None:
        check_confirm(element["confirm"], found, f"{at}/confirm")
    if element.get("max_selected_items") is not None and element["max_selected_items"] < 1:
        found.add("must be at least 1", f"{at}/max_selected_items")
    CHECKS[kind](element, found, at)
