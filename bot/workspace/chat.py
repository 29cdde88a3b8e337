"""chat.*: what the bot says, changes and takes back; and what it says through a response_url."""

import json
from typing import Any

from bot.workspace.app import BOT_ID, BOT_USER
from bot.workspace.args import Args
from bot.workspace.errors import SlackRefusal
from bot.workspace.events import Events
from bot.workspace.state import Conversation, Json, Message, State
from bot.workspace.surfaces import ResponseUrl, Surfaces, with_ids
from bot.workspace.validate import METADATA_BYTES, require_message


class Chat:
    def __init__(self, state: State, surfaces: Surfaces, events: Events) -> None:
        self._state = state
        self._surfaces = surfaces
        self._events = events

    def _open_to_bot(self, channel: str) -> Conversation:
        """Where the bot may write. Raises channel_not_found, is_archived, not_in_channel."""
        if channel.startswith(("U", "W")):
            if channel == BOT_USER or channel not in self._state.users:
                raise SlackRefusal("channel_not_found")
            return self._state.dm_with(channel)
        conversation = self._state.conversation(channel)
        if conversation.is_archived:
            raise SlackRefusal("is_archived")
        if BOT_USER not in conversation.members:
            raise SlackRefusal("not_in_channel")
        return conversation

    @staticmethod
    def _metadata(args: Args) -> Json | None:
        given = args.parsed("metadata", "invalid_metadata_format")
        if given is None:
            return None
        if not isinstance(given, dict):
            raise SlackRefusal("invalid_metadata_format")
        if given and not (
            isinstance(given.get("event_type"), str) and isinstance(given.get("event_payload"), dict)
        ):
            raise SlackRefusal("invalid_metadata_schema")
        if len(json.dumps(given).encode()) > METADATA_BYTES:
            raise SlackRefusal("metadata_too_large")
        return given

    def _content(self, args: Args, *, updating: bool = False) -> tuple[str, list[Json] | None]:
        """The checked text and blocks. Raises no_text, invalid_blocks, msg_too_long, …"""
        text, blocks = args.text("text"), args.parsed("blocks", "invalid_blocks_format")
        require_message(text, blocks, updating=updating)
        if not text.strip() and not blocks:
            raise SlackRefusal("no_text")
        return text, with_ids(blocks) if blocks is not None else None

    def _thread(self, channel: str, thread_ts: str) -> str | None:
        """The thread's root, also where the ts of a reply was given. Raises thread_not_found."""
        if not thread_ts:
            return None
        found = self._state.messages.get((channel, thread_ts))
        if found is None or found.only_for is not None:
            raise SlackRefusal("thread_not_found")
        return found.thread_ts or found.ts

    def bot_message(self, channel: str, text: str, blocks: list[Json] | None, **more: Any) -> Message:
        """A message of the bot, posted and announced."""
        message = Message(
            channel=channel,
            ts=self._state.next_ts(),
            user=BOT_USER,
            text=text,
            blocks=blocks or [],
            bot_id=BOT_ID,
            **more,
        )
        self._state.post(message)
        self._surfaces.statuses.pop((channel, message.thread_ts or ""), None)
        if message.only_for is None:
            self._events.posted(message)
        return message

    def post_message(self, args: Args) -> Json:
        channel = self._open_to_bot(args.need("channel"))
        text, blocks = self._content(args)
        metadata = self._metadata(args)
        thread_ts = self._thread(channel.id, args.text("thread_ts"))
        message = self.bot_message(
            channel.id,
            text,
            blocks,
            thread_ts=thread_ts,
            metadata=metadata or None,
            broadcast=thread_ts is not None and args.flag("reply_broadcast"),
        )
        shown = self._state.shown(message, with_metadata=True)
        return {"ok": True, "channel": channel.id, "ts": message.ts, "message": shown}

    def post_files(self, args: Args, files: list[Json]) -> Message:
        """The message that shows uploaded files; its text may be empty."""
        channel = self._open_to_bot(args.need("channel"))
        thread_ts = self._thread(channel.id, args.text("thread_ts"))
        return self.bot_message(channel.id, args.text("text"), None, thread_ts=thread_ts, files=files)

    def post_ephemeral(self, args: Args) -> Json:
        channel = self._open_to_bot(args.need("channel"))
        user = args.need("user")
        if user not in channel.members:
            raise SlackRefusal("user_not_in_channel")
        text, blocks = self._content(args)
        thread_ts = self._thread(channel.id, args.text("thread_ts"))
        message = self.bot_message(channel.id, text, blocks, thread_ts=thread_ts, only_for=user)
        return {"ok": True, "message_ts": message.ts}

    def _own(self, args: Args, refusal: str) -> Message:
        """The bot's own message. Raises channel_not_found, message_not_found, or `refusal`."""
        channel = self._state.conversation(args.need("channel"))
        message = self._state.message(channel.id, args.need("ts"))
        if message.bot_id != BOT_ID:
            raise SlackRefusal(refusal)
        if channel.is_archived:
            raise SlackRefusal("is_archived")
        return message

    def update(self, args: Args) -> Json:
        """Blocks or metadata that are not given stay; an empty list or object removes them."""
        message = self._own(args, "cant_update_message")
        blocks_given = args.parsed("blocks", "invalid_blocks_format") is not None
        if not args.has("text") and not blocks_given:
            raise SlackRefusal("no_text")
        text = args.text("text")
        blocks = args.parsed("blocks", "invalid_blocks_format")
        require_message(text, blocks, updating=True)
        metadata = self._metadata(args)
        previous = self._state.shown(message)
        message.text = text
        if blocks_given:
            message.blocks = with_ids(blocks)
        if metadata is not None:
            message.metadata = metadata or None
        message.edited = {"user": BOT_USER, "ts": self._state.next_ts()}
        self._state.edited(message)
        self._events.changed(message, previous)
        return {
            "ok": True,
            "channel": message.channel,
            "ts": message.ts,
            "text": message.text,
            "message": self._state.shown(message, with_metadata=True),
        }

    def delete(self, args: Args) -> Json:
        message = self._own(args, "cant_delete_message")
        previous = self._state.shown(message)
        self._state.delete(message)
        self._events.deleted(message.channel, previous)
        return {"ok": True, "channel": message.channel, "ts": message.ts}

    def permalink(self, args: Args) -> Json:
        message = self._state.message(args.need("channel"), args.need("message_ts"))
        where = f"https://local.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
        if message.is_reply:
            where += f"?thread_ts={message.thread_ts}&cid={message.channel}"
        return {"ok": True, "channel": message.channel, "permalink": where}

    # --- response_url ---

    def respond(self, to: ResponseUrl, body: Json) -> None:
        """What was posted to a response_url, or answered to a command. Raises SlackRefusal."""
        args = Args(body)
        original = self._state.messages.get((to.channel, to.message_ts or ""))
        if args.flag("delete_original"):
            if original is not None:
                self._take_back(original)
            return
        text, blocks = self._content(args)
        metadata = self._metadata(args)
        if args.flag("replace_original") and original is not None:
            self._replace(original, text, blocks, metadata)
            return
        thread_ts = self._thread(to.channel, args.text("thread_ts"))
        in_channel = args.text("response_type") == "in_channel"
        self.bot_message(
            to.channel,
            text,
            blocks,
            thread_ts=thread_ts,
            metadata=(metadata or None) if in_channel else None,
            only_for=None if in_channel else to.user,
        )

    def _take_back(self, original: Message) -> None:
        previous = self._state.shown(original)
        self._state.delete(original)
        if original.only_for is None:
            self._events.deleted(original.channel, previous)

    def _replace(
        self, original: Message, text: str, blocks: list[Json] | None, metadata: Json | None
    ) -> None:
        previous = self._state.shown(original)
        original.text, original.blocks = text, blocks or []
        if metadata is not None:
            original.metadata = metadata or None
        if original.only_for is None:
            original.edited = {"user": BOT_USER, "ts": self._state.next_ts()}
        self._state.edited(original)
        if original.only_for is None:
            self._events.changed(original, previous)
