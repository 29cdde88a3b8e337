"""Slack's payloads as the handlers see them: who, where, what. Nothing is trusted for authority."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.mailtext import read_mail
from bot.usecases.context import Where

Body = Mapping[str, Any]
MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True)
class Who:
    user: str
    home_team: str | None


def who(kind: str, body: Body) -> Who:
    """The acting person, and the workspace that the payload says they belong to."""
    if kind == "command":
        return Who(str(body.get("user_id", "")), None)
    if kind == "event":
        event: Body = body.get("event") or {}
        return Who(str(event.get("user", "")), event.get("user_team") or event.get("source_team"))
    user: Body = body.get("user") or {}
    return Who(str(user.get("id", "")), user.get("team_id"))


def where(kind: str, body: Body) -> Where:
    """Where to answer."""
    if kind == "command":
        channel = str(body.get("channel_id", ""))
        return Where(channel, None, body.get("response_url"), channel.startswith("D"))
    if kind == "event":
        event: Body = body.get("event") or {}
        channel = str(event.get("channel", ""))
        return Where(channel, event.get("thread_ts"), None, _is_dm(event, channel))
    container: Body = body.get("container") or {}
    part: Body = body.get("channel") or {}
    channel = str(part.get("id") or container.get("channel_id") or "")
    message: Body = body.get("message") or {}
    thread = message.get("thread_ts") or container.get("thread_ts")
    in_message = container.get("type") == "message"
    return Where(
        channel,
        thread,
        body.get("response_url"),
        channel.startswith("D"),
        message_ts=str(container["message_ts"]) if in_message and container.get("message_ts") else None,
        is_ephemeral=bool(container.get("is_ephemeral")),
    )


_SHORTEST_MAIL = 20  # characters


def holds_mail(body: object) -> bool:
    """Whether a bounce or the headers of a mail stand anywhere in a payload."""
    if isinstance(body, str):
        return len(body) >= _SHORTEST_MAIL and read_mail(body) is not None
    if isinstance(body, Mapping):
        return any(map(holds_mail, body.values()))
    return isinstance(body, list) and any(map(holds_mail, body))


def _is_dm(event: Body, channel: str) -> bool:
    return event.get("channel_type") == "im" or channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Click:
    """A button: its verb (the action_id up to a dot) and its value. `reason`: the message's field for it."""

    verb: str
    data: Mapping[str, str]
    reason: str | None = None


def click(body: Body) -> Click | None:
    """The first action of a block_actions payload; None where it is not a button of the bot's."""
    actions = body.get("actions") or []
    if not actions or not isinstance(actions[0], Mapping):
        return None
    action = actions[0]
    verb = str(action.get("action_id", "")).split(".")[0]
    value = action.get("value")
    if value is None:
        # A picker carries no value of its own: what it belongs to is in its block's id.
        return Click(verb, {**_data(str(action.get("block_id", ""))), **_picked(action)}, _reason(body))
    try:
        data = json.loads(value or "{}")
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    return Click(verb, {str(key): str(part) for key, part in data.items()}, _reason(body))


REASON = "reason"


def _reason(body: Body) -> str | None:
    """What stands in the message's field for a reason; None where the payload tells of none."""
    found: Any = body.get("state")
    for key in ("values", REASON, REASON, "value"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else None


def _data(block_id: str) -> dict[str, str]:
    """`c=…&v=…` of a picker's block."""
    pairs = (part.partition("=") for part in block_id.split("&") if "=" in part)
    return {name: value for name, _, value in pairs}


def _picked(action: Body) -> dict[str, str]:
    if action.get("selected_date_time"):
        at = datetime.fromtimestamp(int(action["selected_date_time"]), UTC)
        return {"at": at.isoformat()}
    if action.get("selected_user"):
        return {"u": str(action["selected_user"])}
    option = action.get("selected_option")
    return {"o": str(option.get("value", ""))} if isinstance(option, Mapping) else {}


_MARKED = re.compile(r"<(?P<target>[^<>|\s]+)(?:\|(?P<label>[^<>|]*))?>")
_LINKED = re.compile(r"^(?:https?://|mailto:|tel:)", re.IGNORECASE)


def plain_words(text: str) -> str:
    """What was typed, out of what Slack made of it.

    A link is its label again, a channel and a user group are their names, a person is `<@U…>` and no more;
    &amp;, &lt; and &gt; are the signs they stand for. Text that Slack did not mark up stays as it is.
    """
    typed = _MARKED.sub(_typed, text)
    return typed.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _typed(found: re.Match[str]) -> str:
    target, label = found["target"], found["label"] or ""
    if _LINKED.match(target):
        return label or target.removeprefix("mailto:")
    if re.fullmatch(r"@[UW][A-Z0-9]+", target):
        return f"<{target}>"
    if target.startswith("#") and label:
        return f"#{label}"
    if target.startswith("!subteam^") and label:
        return label
    return found.group()


def without_mentions(text: str, bot_user: str | None) -> str:
    """The text without the bot's own mention."""
    if bot_user is None:
        return text.strip()
    return re.sub(rf"<@{re.escape(bot_user)}(?:\|[^>]*)?>", " ", text).strip()


def mentions(text: str, user: str | None) -> bool:
    return user is not None and any(found == user for found in MENTION.findall(text))


def authorized_user(body: Body) -> str | None:
    """The bot's own user id, as an event names it; None in anything else."""
    authorizations = body.get("authorizations") or []
    if authorizations and isinstance(authorizations[0], dict):
        user = authorizations[0].get("user_id")
        return str(user) if user else None
    return None


def moment(text: str) -> datetime | None:
    """An instant out of a button's value."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
