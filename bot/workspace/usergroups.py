"""usergroups.*: the groups of people that a workspace has, and who is in them."""

from bot.workspace.args import Args
from bot.workspace.errors import SlackRefusal
from bot.workspace.state import TEAM_ID, Json, State, UserGroup


class UserGroups:
    def __init__(self, state: State) -> None:
        self._state = state

    def list(self, args: Args) -> Json:
        """usergroups.list: those that are not disabled, with people and count where it was asked for."""
        found = [g for g in self._state.groups.values() if args.flag("include_disabled") or not g.is_disabled]
        return {"ok": True, "usergroups": [self._shown(group, args) for group in found]}

    def users(self, args: Args) -> Json:
        """usergroups.users.list. Raises no_such_subteam."""
        group = self._state.groups.get(args.need("usergroup"))
        if group is None or (group.is_disabled and not args.flag("include_disabled")):
            raise SlackRefusal("no_such_subteam")
        return {"ok": True, "users": [*group.users]}

    @staticmethod
    def _shown(group: UserGroup, args: Args) -> Json:
        shown: Json = {
            "id": group.id,
            "team_id": TEAM_ID,
            "is_usergroup": True,
            "is_subteam": True,
            "name": group.name,
            "description": "",
            "handle": group.handle,
            "is_external": False,
            "date_create": 0,
            "date_update": 0,
            "date_delete": 1 if group.is_disabled else 0,
            "auto_type": None,
            "created_by": "USLACKBOT",
            "updated_by": "USLACKBOT",
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
        }
        if args.flag("include_users"):
            shown["users"] = [*group.users]
        if args.flag("include_count"):
            shown["user_count"] = len(group.users)
        return shown
