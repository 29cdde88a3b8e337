"""What a delivery has to look like before anything reads it. A payload of another shape is put aside.

The signature says that Slack sent it, not that it is as documented; one that trips a handler would be
taken up again at every sweep of the inbox.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 60  # a view's state is nine levels deep
MOST_TEXTS = 20_000  # strings, numbers and keys together; a message of Slack's own limits has some hundreds

Check = Callable[[object], bool]
_ID = re.compile(r"[A-Za-z0-9_.\-]{0,100}\Z")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
REPLACEMENT = "\ufffd"


def _text(value: object) -> bool:
    return isinstance(value, str)


def _value(value: object) -> bool:
    """A button's is 2,000 characters at most, what is typed into a field 3,000."""
    return isinstance(value, str) and len(value) <= 3000


def _id(value: object) -> bool:
    return isinstance(value, str) and _ID.match(value) is not None


def _unix_seconds(value: object) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 33


def _some(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(check(part) for part in value)


def _each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(check(part) for part in value)


def _every_value(check: Check) -> Check:
    return lambda value: isinstance(value, Mapping) and all(check(part) for part in value.values())


def _object(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """A mapping; an optional member may be absent or null."""

    def check(value: object) -> bool:
        if not isinstance(value, Mapping):
            return False
        if not all(name in value and inner(value[name]) for name, inner in required.items()):
            return False
        return all(value.get(name) is None or inner(value[name]) for name, inner in (optional or {}).items())

    return check


def _either(*checks: Check) -> Check:
    return lambda value: any(check(value) for check in checks)


_PLACE = _either(_id, _object({}, {"id": _id}))
_OPTION = _object({"value": _text}, {})
_ENTERED = _object(
    {},
    {
        "value": _value,
        "selected_option": _OPTION,
        "selected_options": _each(_OPTION),
        "selected_date": _text,
        "selected_time": _text,
        "selected_date_time": _unix_seconds,
        "selected_user": _id,
        "selected_users": _each(_id),
        "selected_channel": _id,
        "selected_channels": _each(_id),
        "selected_conversation": _id,
        "selected_conversations": _each(_id),
        "action_id": _text,
        "block_id": _text,
    },
)
_MESSAGE = _object({}, {"ts": _id, "thread_ts": _id, "text": _text, "user": _id})
_VIEW = _object(
    {"type": _text},
    {
        "id": _id,
        "callback_id": _text,
        "private_metadata": _text,
        "state": _object({}, {"values": _every_value(_every_value(_ENTERED))}),
    },
)
_EVERYWHERE: Mapping[str, Check] = {
    "team": _PLACE,
    "team_id": _id,
    "enterprise": _PLACE,
    "enterprise_id": _id,
    "trigger_id": _text,
    "event_id": _text,
    "response_url": _text,
    "authorizations": _each(_object({}, {"user_id": _id, "team_id": _id, "enterprise_id": _id})),
}
_EVENT = _object(
    {"type": _text},
    {
        "user": _id,
        "user_team": _id,
        "source_team": _id,
        "team": _id,
        "channel": _id,
        "channel_type": _text,
        "subtype": _text,
        "text": _text,
        "ts": _id,
        "thread_ts": _id,
        "event_ts": _id,
        "bot_id": _id,
        "tab": _text,
    },
)
_INTERACTION: Mapping[str, Check] = {
    "channel": _object({}, {"id": _id}),
    "container": _object(
        {}, {"type": _text, "channel_id": _id, "message_ts": _id, "thread_ts": _id, "view_id": _id}
    ),
    "message": _MESSAGE,
    "view": _VIEW,
}
_USER = _object({"id": _id}, {"team_id": _id})
SHAPES: Mapping[str, Check] = {
    "command": _object({"command": _text, "user_id": _id, "channel_id": _id}, {**_EVERYWHERE, "text": _text}),
    "event": _object({"event": _EVENT}, _EVERYWHERE),
    "action": _object({"user": _USER, "actions": _some(_ENTERED)}, {**_EVERYWHERE, **_INTERACTION}),
    "view": _object({"user": _USER, "view": _VIEW}, {**_EVERYWHERE, **_INTERACTION}),
    "shortcut": _object({"user": _USER}, {**_EVERYWHERE, **_INTERACTION, "callback_id": _text}),
}


def well_formed(kind: str, body: Mapping[str, Any]) -> bool:
    """Whether everything in the payload that the bot reads is of the type that Slack documents."""
    return SHAPES[kind](body)


class TooMuch(ValueError):
    """Nested deeper, or of more parts, than anything that Slack sends."""


def storable(value: Any) -> Any:
    """The same, with U+FFFD for what a database refuses: NUL (PostgreSQL), lone surrogates (UTF-8).

    Raises TooMuch.
    """
    left = MOST_TEXTS

    def clean(part: Any, depth: int) -> Any:
        nonlocal left
        left -= 1
        if depth > DEEPEST or left < 0:
            raise TooMuch
        if isinstance(part, str):
            return _UNSTORABLE.sub(REPLACEMENT, part)
        if isinstance(part, Mapping):
            return {clean(str(name), depth + 1): clean(inner, depth + 1) for name, inner in part.items()}
        if isinstance(part, list | tuple):
            return [clean(inner, depth + 1) for inner in part]
        return part

    return clean(value, 0)
