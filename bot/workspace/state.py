"""The state of a small Slack: people, conversations, messages. No I/O, no protocol.

Ids have Slack's shapes. A `ts` is the workspace's clock in seconds with six decimals, unique and increasing.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.workspace.app import APP_ID, BOT_ID, BOT_USER
from bot.workspace.errors import SlackRefusal

Json = dict[str, Any]

TEAM_ID = "T0LOCAL001"
TEAM_DOMAIN = "local"


@dataclass
class User:
    id: str
    name: str
    real_name: str
    locale: str = "ja-JP"
    tz: str = "Asia/Tokyo"
    is_restricted: bool = False
    is_bot: bool = False


@dataclass
class UserGroup:
    id: str
    handle: str
    name: str
    users: list[str] = field(default_factory=list)
    is_disabled: bool = False


@dataclass
class Conversation:
    """A channel, or with `peer` set the direct messages between that person and the bot."""

    id: str
    name: str = ""
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    topic: str = ""
    peer: str | None = None

    @property
    def is_im(self) -> bool:
        return self.peer is not None

    @property
    def kind(self) -> str:
        """channel_type of message events."""
        return "im" if self.is_im else "channel"


@dataclass
class Message:
    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json] = field(default_factory=list)
    thread_ts: str | None = None
    broadcast: bool = False  # a thread reply that is shown in the channel too
    bot_id: str | None = None
    metadata: Json | None = None
    edited: Json | None = None
    only_for: str | None = None  # ephemeral: whom it is shown to
    files: list[Json] = field(default_factory=list)
    reactions: list[Json] = field(default_factory=list)
    rev: int = 0

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass
class Notice:
    """Something Slack itself tells one person, such as a command that failed. `code` names its text."""

    id: int
    user: str
    code: str
    args: Json
    channel: str | None = None


class State:
    """Everything that outlives a restart, and the only place that changes it.

    `changed` is called after each change. Every message carries the revision of its last change, so that
    a page fetches only what is new.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.changed: Callable[[], None] = lambda: None
        self.rev = 0
        self.users: dict[str, User] = {}
        self.groups: dict[str, UserGroup] = {}
        self.conversations: dict[str, Conversation] = {}
        self.messages: dict[tuple[str, str], Message] = {}  # in order of ts, for ts only grows
        self._replies: dict[tuple[str, str], list[Message]] = {}
        self.deleted: dict[tuple[str, str], int] = {}
        self.homes: dict[str, Json] = {}
        self.prompts: dict[str, Json] = {}
        self.notices: list[Notice] = []
        self._last_micros = 0
        self._last_id = 0

    # --- ids and time ---

    def next_ts(self) -> str:
        """A new message time; two in one microsecond, or after the clock stepped back, still differ."""
        micros = int(self.now().timestamp() * 1_000_000)
        self._last_micros = max(micros, self._last_micros + 1)
        return f"{self._last_micros // 1_000_000}.{self._last_micros % 1_000_000:06d}"

    def next_id(self, prefix: str) -> str:
        """A new id such as Ev00000007."""
        self._last_id += 1
        return f"{prefix}{self._last_id:08d}"

    def touch(self) -> int:
        """Count a change and tell the listener."""
        self.rev += 1
        self.changed()
        return self.rev

    # --- people and conversations ---

    def user(self, user_id: str) -> User:
        """Raises user_not_found."""
        try:
            return self.users[user_id]
        except KeyError:
            raise SlackRefusal("user_not_found") from None

    def conversation(self, channel_id: str) -> Conversation:
        """By id, or `#name`. Raises channel_not_found."""
        found = self.conversations.get(channel_id)
        if found is None and channel_id.startswith("#"):
            found = next((c for c in self.conversations.values() if c.name == channel_id[1:]), None)
        if found is None:
            raise SlackRefusal("channel_not_found")
        return found

    def dm_with(self, user_id: str) -> Conversation:
        """The bot's direct messages with a person, opened where there are none yet."""
        person = self.user(user_id)
        for found in self.conversations.values():
            if found.peer == user_id:
                return found
        dm = Conversation(id="D" + user_id[1:], members=[user_id, BOT_USER], peer=person.id)
        self.conversations[dm.id] = dm
        self.touch()
        return dm

    def set_membership(self, channel_id: str, user_id: str, *, member: bool) -> bool:
        """Join or leave; whether that changed anything."""
        members = self.conversation(channel_id).members
        if (user_id in members) == member:
            return False
        members.append(user_id) if member else members.remove(user_id)
        self.touch()
        return True

    def set_archived(self, channel_id: str, archived: bool) -> None:
        self.conversation(channel_id).is_archived = archived
        self.touch()

    # --- messages ---

    def post(self, message: Message) -> Message:
        message.rev = self.touch_message((message.channel, message.ts))
        self.messages[message.channel, message.ts] = message
        if message.is_reply and message.thread_ts is not None:
            self._replies.setdefault((message.channel, message.thread_ts), []).append(message)
            if message.only_for is None:
                self._touch_parent(message)
        self.changed()
        return message

    def _touch_parent(self, reply: Message) -> None:
        """The root of a thread shows how many replies it has, so it changes with them."""
        parent = self.messages.get((reply.channel, reply.thread_ts or ""))
        if parent is not None:
            parent.thread_ts = parent.ts
            parent.rev = self.rev

    def touch_message(self, key: tuple[str, str]) -> int:
        self.rev += 1
        self.deleted.pop(key, None)
        return self.rev

    def edited(self, message: Message) -> None:
        """Call after changing a message's fields."""
        message.rev = self.touch_message((message.channel, message.ts))
        self.changed()

    def delete(self, message: Message) -> None:
        del self.messages[message.channel, message.ts]
        if message.is_reply:
            self._replies[message.channel, message.thread_ts or ""].remove(message)
            self.rev += 1
            self._touch_parent(message)
        self.deleted[message.channel, message.ts] = self.touch()

    def message(self, channel: str, ts: str) -> Message:
        """Raises message_not_found. Ephemeral messages are no messages to the Web API."""
        found = self.messages.get((channel, ts))
        if found is None or found.only_for is not None:
            raise SlackRefusal("message_not_found")
        return found

    def in_channel(self, channel: str) -> Iterator[Message]:
        """What everybody sees of a channel, threads' replies included, oldest first."""
        for message in self.messages.values():
            if message.channel == channel and message.only_for is None:
                yield message

    def replies(self, channel: str, thread_ts: str) -> list[Message]:
        """What everybody sees of a thread below its root, oldest first."""
        return [m for m in self._replies.get((channel, thread_ts), ()) if m.only_for is None]

    # --- what the API and the events show of them ---

    def shown(self, message: Message, *, with_metadata: bool = False) -> Json:
        """A message in Slack's shape."""
        shown: Json = {
            "type": "message",
            "user": message.user,
            "ts": message.ts,
            "text": message.text,
            "team": TEAM_ID,
        }
        if message.bot_id is not None:
            shown["bot_id"] = message.bot_id
            shown["app_id"] = APP_ID
            shown["bot_profile"] = {
                "id": BOT_ID,
                "app_id": APP_ID,
                "user_id": BOT_USER,
                "name": self.users[BOT_USER].name,
                "deleted": False,
                "team_id": TEAM_ID,
            }
        if message.blocks:
            shown["blocks"] = message.blocks
        if message.edited is not None:
            shown["edited"] = message.edited
        if message.files:
            shown["files"] = message.files
        if message.reactions:
            shown["reactions"] = message.reactions
        if with_metadata and message.metadata is not None:
            shown["metadata"] = message.metadata
        if message.thread_ts is not None:
            shown["thread_ts"] = message.thread_ts
            if message.is_reply:
                parent = self.messages.get((message.channel, message.thread_ts))
                if parent is not None:
                    shown["parent_user_id"] = parent.user
            else:
                replies = self.replies(message.channel, message.ts)
                shown["reply_count"] = len(replies)
                shown["reply_users"] = list(dict.fromkeys(reply.user for reply in replies))
                shown["reply_users_count"] = len(shown["reply_users"])
                if replies:
                    shown["latest_reply"] = replies[-1].ts
        if message.broadcast:
            shown["subtype"] = "thread_broadcast"
        return shown

    # --- what Slack itself tells a person ---

    def notify(self, user: str, code: str, channel: str | None = None, **args: Any) -> None:
        last = self.notices[-1].id if self.notices else 0
        self.notices.append(Notice(last + 1, user, code, args, channel))
        del self.notices[:-50]
        self.touch()

    # --- keeping it ---

    def dump(self) -> Json:
        """Everything as JSON. Not copied in depth: what is in it is replaced on a change, never edited."""
        return {
            "rev": self.rev,
            "last_micros": self._last_micros,
            "last_id": self._last_id,
            "users": [dict(vars(user)) for user in self.users.values()],
            "groups": [{**vars(group), "users": list(group.users)} for group in self.groups.values()],
            "conversations": [{**vars(c), "members": list(c.members)} for c in self.conversations.values()],
            "messages": [dict(vars(message)) for message in self.messages.values()],
            "homes": dict(self.homes),
            "prompts": dict(self.prompts),
        }

    def load(self, kept: Json) -> None:
        """Take up what `dump` gave. Raises KeyError or TypeError where it is something else."""
        users = {entry["id"]: User(**entry) for entry in kept["users"]}
        # A file of an earlier release has none.
        self.groups = {entry["id"]: UserGroup(**entry) for entry in kept.get("groups", ())}
        conversations = {entry["id"]: Conversation(**entry) for entry in kept["conversations"]}
        messages = {(entry["channel"], entry["ts"]): Message(**entry) for entry in kept["messages"]}
        self.users, self.conversations, self.messages = users, conversations, messages
        self._replies = {}
        for message in messages.values():
            if message.is_reply:
                self._replies.setdefault((message.channel, message.thread_ts or ""), []).append(message)
        self.homes, self.prompts = dict(kept["homes"]), dict(kept["prompts"])
        self.rev = int(kept["rev"]) + 1
        self._last_micros, self._last_id = int(kept["last_micros"]), int(kept["last_id"])


def seed(state: State, bot_name: str) -> None:
    """The people and channels of the example workspace, where they are not there yet."""
    people = (
        User("U0HANAKO01", "hanako", "田中 花子"),
        User("U0ALICE001", "alice", "Alice Suzuki", locale="en-US"),
        User("U0KEN00001", "ken", "佐藤 健"),
        User("U0GUEST001", "guest", "山本 ゲスト", is_restricted=True),
        User(BOT_USER, "mxcutover", bot_name, is_bot=True),
    )
    for person in people:
        state.users.setdefault(person.id, person)
    state.users[BOT_USER].real_name = bot_name
    desk = UserGroup("S0DNSTEAM1", "dns-team", "DNS担当", ["U0HANAKO01"])
    state.groups.setdefault(desk.id, desk)
    everyone = [person.id for person in people if not person.is_bot]
    channels = (
        Conversation(
            "C0CUTOVER1", "mail-cutover", [*everyone, BOT_USER], topic="MXレコード切替（MX cutover）"
        ),
        Conversation("C0GENERAL1", "general", list(everyone), topic="お知らせ・雑談（announcements）"),
        Conversation("C0ARCHIVE1", "archived", [*everyone, BOT_USER], is_archived=True),
    )
    for channel in channels:
        state.conversations.setdefault(channel.id, channel)
    for user_id in everyone:
        state.dm_with(user_id)
