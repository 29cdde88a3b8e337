"""What a person did, in the shapes of Slack's interaction payloads."""

from bot.workspace.app import APP_ID
from bot.workspace.inputs import Entered, reported, state_values
from bot.workspace.state import TEAM_DOMAIN, TEAM_ID, Conversation, Json, Message, State, User

TOKEN = "local-verification-token"  # noqa: S105  Slack's deprecated field, no secret
COPIED = ("placeholder", "initial_option", "initial_options", "initial_date", "initial_time", "style", "text")


def team() -> Json:
    return {"id": TEAM_ID, "domain": TEAM_DOMAIN}


def person(user: User) -> Json:
    return {"id": user.id, "username": user.name, "name": user.name, "team_id": TEAM_ID}


def channel(conversation: Conversation) -> Json:
    return {"id": conversation.id, "name": "directmessage" if conversation.is_im else conversation.name}


def common(kind: str, user: User) -> Json:
    return {
        "type": kind,
        "user": person(user),
        "api_app_id": APP_ID,
        "token": TOKEN,
        "team": team(),
        "enterprise": None,
        "is_enterprise_install": False,
    }


def action(block: Json, element: Json, value: object, ts: str) -> Json:
    """One entry of `actions`. Raises ValueError for a value that the element does not offer."""
    kind = element["type"]
    entry: Json = {"type": kind, "action_id": element["action_id"], "block_id": block["block_id"]}
    if kind in ("button", "workflow_button"):
        entry |= {name: element[name] for name in ("text", "value", "style") if name in element}
    else:
        entry |= {name: element[name] for name in COPIED if name in element and name not in ("text", "style")}
        entry |= reported(element, value)
    return {**entry, "action_ts": ts}


def message_container(message: Message) -> Json:
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
    }
    if message.is_reply:
        container["thread_ts"] = message.thread_ts
    return container


def message_action(
    state: State,
    user: User,
    message: Message,
    actions: list[Json],
    *,
    trigger_id: str,
    response_url: str,
    entered: Entered,
) -> Json:
    """block_actions from a message. An ephemeral one is not sent along, as Slack does not keep it."""
    payload = {
        **common("block_actions", user),
        "container": message_container(message),
        "trigger_id": trigger_id,
        "channel": channel(state.conversation(message.channel)),
        "state": {"values": state_values(message.blocks, entered)},
        "response_url": response_url,
        "actions": actions,
    }
    if message.only_for is None:
        payload["message"] = state.shown(message)
    return payload


def with_state(view: Json, entered: Entered) -> Json:
    return {**view, "state": {"values": state_values(view["blocks"], entered)}}


def view_action(user: User, view: Json, actions: list[Json], *, trigger_id: str, entered: Entered) -> Json:
    """block_actions from a modal or the App Home."""
    return {
        **common("block_actions", user),
        "container": {"type": "view", "view_id": view["id"]},
        "trigger_id": trigger_id,
        "view": with_state(view, entered),
        "actions": actions,
    }


def view_submission(user: User, view: Json, *, trigger_id: str, entered: Entered) -> Json:
    return {
        **common("view_submission", user),
        "trigger_id": trigger_id,
        "view": with_state(view, entered),
        "response_urls": [],
    }


def view_closed(user: User, view: Json, entered: Entered, *, is_cleared: bool) -> Json:
    return {**common("view_closed", user), "view": with_state(view, entered), "is_cleared": is_cleared}


def shortcut(user: User, callback_id: str, *, trigger_id: str, ts: str) -> Json:
    return {
        **common("shortcut", user),
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "action_ts": ts,
    }


def message_shortcut(
    state: State,
    user: User,
    callback_id: str,
    message: Message,
    *,
    trigger_id: str,
    response_url: str,
    ts: str,
) -> Json:
    return {
        **common("message_action", user),
        "callback_id": callback_id,
        "trigger_id": trigger_id,
        "response_url": response_url,
        "message_ts": message.ts,
        "channel": channel(state.conversation(message.channel)),
        "message": state.shown(message),
        "action_ts": ts,
    }


def command(
    user: User, conversation: Conversation, word: str, text: str, *, trigger_id: str, response_url: str
) -> Json:
    """The form fields of a slash command."""
    return {
        "token": TOKEN,
        "team_id": TEAM_ID,
        "team_domain": TEAM_DOMAIN,
        "channel_id": conversation.id,
        "channel_name": channel(conversation)["name"],
        "user_id": user.id,
        "user_name": user.name,
        "command": word,
        "text": text,
        "api_app_id": APP_ID,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }
