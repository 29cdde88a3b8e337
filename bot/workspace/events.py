"""What happened, as the Events API tells it: only what the app is subscribed to and may see."""

from bot.workspace.app import APP_ID, BOT_ID, BOT_USER, App
from bot.workspace.delivery import Delivery
from bot.workspace.state import TEAM_ID, Json, Message, State


class Events:
    def __init__(self, state: State, delivery: Delivery, app: App) -> None:
        self._state = state
        self._delivery = delivery
        self._app = app

    def _subscribed(self, channel: str) -> bool:
        conversation = self._state.conversation(channel)
        if conversation.is_im:
            return "message.im" in self._app.events
        return "message.channels" in self._app.events and BOT_USER in conversation.members

    def _announce(self, event: Json) -> None:
        event_time = int(float(event["event_ts"]))
        self._delivery.announce(
            {
                "token": "local-verification-token",
                "team_id": TEAM_ID,
                "context_team_id": TEAM_ID,
                "context_enterprise_id": None,
                "api_app_id": APP_ID,
                "event": event,
                "type": "event_callback",
                "event_id": self._state.next_id("Ev"),
                "event_time": event_time,
                "authorizations": [
                    {
                        "enterprise_id": None,
                        "team_id": TEAM_ID,
                        "user_id": BOT_USER,
                        "is_bot": True,
                        "is_enterprise_install": False,
                    }
                ],
                "is_ext_shared_channel": False,
                "event_context": f"4-{event_time}",
            }
        )

    def posted(self, message: Message, *, client_msg_id: str | None = None) -> None:
        """A new message that everybody in its channel sees."""
        if not self._subscribed(message.channel):
            return
        channel = self._state.conversation(message.channel)
        event = self._state.shown(message)
        for counted in ("reply_count", "reply_users", "reply_users_count", "latest_reply"):
            event.pop(counted, None)
        event |= {"channel": message.channel, "event_ts": message.ts, "channel_type": channel.kind}
        if client_msg_id is not None:
            event["client_msg_id"] = client_msg_id
        if message.files:
            event["subtype"] = "file_share"
        self._announce(event)
        mentioned = f"<@{BOT_USER}>" in message.text and message.bot_id is None and not channel.is_im
        if mentioned and "app_mention" in self._app.events:
            mention = {k: v for k, v in event.items() if k not in ("channel_type", "subtype")}
            self._announce({**mention, "type": "app_mention"})
        if message.metadata is not None and "message_metadata_posted" in self._app.events:
            self._announce(
                {
                    "type": "message_metadata_posted",
                    "app_id": APP_ID,
                    "bot_id": BOT_ID,
                    "user_id": message.user,
                    "team_id": TEAM_ID,
                    "channel_id": message.channel,
                    "metadata": message.metadata,
                    "message_ts": message.ts,
                    "event_ts": message.ts,
                }
            )

    def changed(self, message: Message, previous: Json) -> None:
        self._hidden(
            message.channel,
            {
                "subtype": "message_changed",
                "message": self._state.shown(message),
                "previous_message": previous,
            },
        )

    def deleted(self, channel: str, previous: Json) -> None:
        self._hidden(
            channel,
            {"subtype": "message_deleted", "deleted_ts": previous["ts"], "previous_message": previous},
        )

    def _hidden(self, channel: str, what: Json) -> None:
        if self._subscribed(channel):
            ts = self._state.next_ts()
            kind = self._state.conversation(channel).kind
            self._announce(
                {
                    "type": "message",
                    **what,
                    "channel": channel,
                    "hidden": True,
                    "ts": ts,
                    "event_ts": ts,
                    "channel_type": kind,
                }
            )

    def home_opened(self, user: str, tab: str) -> None:
        if "app_home_opened" not in self._app.events:
            return
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": self._state.dm_with(user).id,
            "tab": tab,
            "event_ts": self._state.next_ts(),
        }
        if tab == "home" and user in self._state.homes:
            event["view"] = self._state.homes[user]
        self._announce(event)

    def membership(self, channel: str, user: str, *, joined: bool) -> None:
        kind = "member_joined_channel" if joined else "member_left_channel"
        if kind in self._app.events:
            self._announce(
                {
                    "type": kind,
                    "user": user,
                    "channel": channel,
                    "channel_type": "C",
                    "team": TEAM_ID,
                    "event_ts": self._state.next_ts(),
                }
            )
