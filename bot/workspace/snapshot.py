"""What one person sees of the workspace, as JSON for the page. Only what changed since a revision."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.workspace.app import APP_ID, BOT_USER, App
from bot.workspace.inputs import state_values
from bot.workspace.payloads import with_state
from bot.workspace.state import TEAM_ID, Json, Message, State
from bot.workspace.surfaces import Surfaces

TOKYO = ZoneInfo("Asia/Tokyo")


def _message(state: State, message: Message, entered: dict[str, dict[str, Any]]) -> Json:
    shown = state.shown(message)
    shown |= {"channel": message.channel, "rev": message.rev, "is_reply": message.is_reply}
    if message.only_for is not None:
        shown["only_for"] = message.only_for
    if entered:
        shown["state"] = {"values": state_values(message.blocks, entered)}
    return shown


def snapshot(
    state: State, surfaces: Surfaces, app: App, user_id: str, *, since: int = -1, run: str = ""
) -> Json:
    """Raises user_not_found. `run` names the life of this server: another one means: fetch everything."""
    me = state.user(user_id)
    channels = [c for c in state.conversations.values() if c.peer in (None, me.id) and me.id in c.members]
    visible = {c.id for c in channels}
    messages = [
        _message(state, m, surfaces.entered_in(me.id, f"{m.channel}:{m.ts}"))
        for m in state.messages.values()
        if m.rev > since and m.channel in visible and m.only_for in (None, me.id)
    ]
    gone = [
        {"channel": channel, "ts": ts}
        for (channel, ts), rev in state.deleted.items()
        if rev > since and channel in visible
    ]
    home = state.homes.get(me.id)
    return {
        "run": run,
        "rev": state.rev,
        "me": asdict(me),
        "team": {"id": TEAM_ID},
        "app": {
            "id": APP_ID,
            "name": app.name,
            "bot_user": BOT_USER,
            "home_tab": app.home_tab,
            "commands": [asdict(command) for command in app.commands],
            "shortcuts": [asdict(shortcut) for shortcut in app.shortcuts],
            "prompts": [{"title": title, "message": message} for title, message in app.prompts],
        },
        "users": [asdict(user) for user in state.users.values()],
        "channels": [
            {
                "id": c.id,
                "name": c.name,
                "is_im": c.is_im,
                "is_archived": c.is_archived,
                "topic": c.topic,
                "members": c.members,
                "has_bot": BOT_USER in c.members,
                "prompts": state.prompts.get(c.id),
            }
            for c in channels
        ],
        "messages": messages,
        "gone": gone,
        "modal": [with_state(view, surfaces.entered_in(me.id, view["id"])) for view in surfaces.stack(me.id)],
        "home": with_state(home, surfaces.entered_in(me.id, home["id"])) if home else None,
        "notices": [asdict(notice) for notice in state.notices if notice.user == me.id],
        "statuses": [
            {"channel": channel, "thread_ts": thread, "status": status}
            for (channel, thread), status in surfaces.statuses.items()
            if channel in visible and status
        ],
    }


def clock_face(now: datetime, offset: timedelta) -> Json:
    """The bot's time: UTC and as Tokyo reads it."""
    local = now.astimezone(TOKYO)
    return {
        "now": now.isoformat(),
        "tokyo": local.strftime("%Y-%m-%dT%H:%M:%S"),
        "offset_seconds": round(offset.total_seconds()),
    }
