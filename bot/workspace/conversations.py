"""conversations.*, users.*, reactions.*: what the bot may look up."""

from zoneinfo import ZoneInfo

from bot.workspace.app import BOT_USER
from bot.workspace.args import Args, page
from bot.workspace.errors import SlackRefusal
from bot.workspace.events import Events
from bot.workspace.state import TEAM_ID, Conversation, Json, Message, State, User


def show_user(user: User, *, with_locale: bool, offset: int) -> Json:
    """A person as users.info says it; the locale only where it was asked for, as in Slack."""
    shown: Json = {
        "id": user.id,
        "team_id": TEAM_ID,
        "name": user.name,
        "deleted": False,
        "real_name": user.real_name,
        "tz": user.tz,
        "tz_label": user.tz,
        "tz_offset": offset,
        "profile": {
            "real_name": user.real_name,
            "display_name": user.real_name,
            "team": TEAM_ID,
        },
        "is_admin": False,
        "is_owner": False,
        "is_primary_owner": False,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": False,
        "is_bot": user.is_bot,
        "is_app_user": False,
    }
    if with_locale:
        shown["locale"] = user.locale
    return shown


class Conversations:
    def __init__(self, state: State, events: Events) -> None:
        self._state = state
        self._events = events

    # --- people ---

    def _user(self, user: User, args: Args) -> Json:
        offset = self._state.now().astimezone(ZoneInfo(user.tz)).utcoffset()
        seconds = int(offset.total_seconds()) if offset is not None else 0
        return show_user(user, with_locale=args.flag("include_locale"), offset=seconds)

    def user_info(self, args: Args) -> Json:
        return {"ok": True, "user": self._user(self._state.user(args.need("user")), args)}

    def user_list(self, args: Args) -> Json:
        users, metadata = page(list(self._state.users.values()), args, default=1000)
        members = [self._user(user, args) for user in users]
        return {"ok": True, "members": members, "response_metadata": metadata}

    def user_conversations(self, args: Args) -> Json:
        user = args.text("user", BOT_USER)
        mine = [c for c in self._listed(args) if user in c.members]
        channels, metadata = page(mine, args, default=100)
        return {"ok": True, "channels": [self._show(c) for c in channels], "response_metadata": metadata}

    # --- conversations ---

    def _listed(self, args: Args) -> list[Conversation]:
        types = args.text("types", "public_channel").replace(" ", "").split(",")
        archived_too = not args.flag("exclude_archived")
        return [
            c
            for c in self._state.conversations.values()
            if ("im" if c.is_im else "public_channel") in types and (archived_too or not c.is_archived)
        ]

    def _show(self, conversation: Conversation) -> Json:
        if conversation.is_im:
            return {
                "id": conversation.id,
                "is_im": True,
                "is_channel": False,
                "is_archived": False,
                "user": conversation.peer,
                "context_team_id": TEAM_ID,
            }
        return {
            "id": conversation.id,
            "name": conversation.name,
            "name_normalized": conversation.name,
            "is_channel": True,
            "is_group": False,
            "is_im": False,
            "is_mpim": False,
            "is_private": False,
            "is_archived": conversation.is_archived,
            "is_general": conversation.name == "general",
            "is_member": BOT_USER in conversation.members,
            "is_shared": False,
            "is_ext_shared": False,
            "context_team_id": TEAM_ID,
            "num_members": len(conversation.members),
            "topic": {"value": conversation.topic, "creator": "", "last_set": 0},
            "purpose": {"value": "", "creator": "", "last_set": 0},
        }

    def info(self, args: Args) -> Json:
        return {"ok": True, "channel": self._show(self._state.conversation(args.need("channel")))}

    def channels(self, args: Args) -> Json:
        channels, metadata = page(self._listed(args), args, default=100)
        return {"ok": True, "channels": [self._show(c) for c in channels], "response_metadata": metadata}

    def members(self, args: Args) -> Json:
        conversation = self._state.conversation(args.need("channel"))
        members, metadata = page(conversation.members, args, default=100)
        return {"ok": True, "members": members, "response_metadata": metadata}

    def open(self, args: Args) -> Json:
        """A DM with one person."""
        if args.has("channel"):
            dm = self._state.conversation(args.text("channel"))
            if not dm.is_im:
                raise SlackRefusal("channel_not_found")
        else:
            users = args.need("users").split(",")
            if len(users) != 1:
                raise SlackRefusal("method_not_supported_for_channel_type")
            if users[0] == BOT_USER:
                raise SlackRefusal("cannot_dm_bot")
            dm = self._state.dm_with(users[0])
        channel = self._show(dm) if args.flag("return_im") else {"id": dm.id}
        return {"ok": True, "no_op": False, "already_open": False, "channel": channel}

    def join(self, args: Args) -> Json:
        conversation = self._state.conversation(args.need("channel"))
        if conversation.is_archived:
            raise SlackRefusal("is_archived")
        if conversation.is_im:
            raise SlackRefusal("method_not_supported_for_channel_type")
        if self._state.set_membership(conversation.id, BOT_USER, member=True):
            self._events.membership(conversation.id, BOT_USER, joined=True)
        return {"ok": True, "channel": self._show(conversation)}

    def _readable(self, args: Args) -> Conversation:
        conversation = self._state.conversation(args.need("channel"))
        if BOT_USER not in conversation.members:
            raise SlackRefusal("not_in_channel")
        return conversation

    @staticmethod
    def _between(messages: list[Message], args: Args) -> list[Message]:
        oldest, latest = float(args.text("oldest") or 0), float(args.text("latest") or "inf")
        if args.flag("inclusive"):
            return [m for m in messages if oldest <= float(m.ts) <= latest]
        return [m for m in messages if oldest < float(m.ts) < latest]

    def history(self, args: Args) -> Json:
        """What the channel itself shows, newest first; replies only where they were broadcast."""
        conversation = self._readable(args)
        messages = [m for m in self._state.in_channel(conversation.id) if not m.is_reply or m.broadcast]
        wanted = self._between(messages, args)[::-1]
        return self._messages(wanted, args, default=100)

    def replies(self, args: Args) -> Json:
        """A thread, its root first."""
        conversation = self._readable(args)
        root = self._state.messages.get((conversation.id, args.need("ts")))
        if root is None or root.only_for is not None:
            raise SlackRefusal("thread_not_found")
        if root.is_reply:
            return self._messages([root], args, default=1000)
        rest = self._between(self._state.replies(conversation.id, root.ts), args)
        return self._messages([root, *rest], args, default=1000)

    def _messages(self, messages: list[Message], args: Args, *, default: int) -> Json:
        some, metadata = page(messages, args, default=default)
        with_metadata = args.flag("include_all_metadata")
        answer: Json = {
            "ok": True,
            "messages": [self._state.shown(m, with_metadata=with_metadata) for m in some],
            "has_more": bool(metadata["next_cursor"]),
            "response_metadata": metadata,
        }
        return answer

    # --- reactions ---

    def react(self, args: Args, *, add: bool) -> Json:
        channel = self._readable(args)
        message = self._state.message(channel.id, args.need("timestamp"))
        name = args.need("name").strip(":")
        found = next((r for r in message.reactions if r["name"] == name), None)
        there = found is not None and BOT_USER in found["users"]
        if there == add:
            raise SlackRefusal("already_reacted" if add else "no_reaction")
        others = [user for user in (found["users"] if found else ()) if user != BOT_USER]
        users = [*others, BOT_USER] if add else others
        changed = {"name": name, "users": users, "count": len(users)}
        kept = [changed if r is found else r for r in message.reactions]
        message.reactions = [r for r in (kept if found else [*kept, changed]) if r["users"]]
        self._state.edited(message)
        return {"ok": True}
