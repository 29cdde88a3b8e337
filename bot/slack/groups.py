"""Operators and viewers by Slack user group: who is in it, as Slack says it now."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from slack_sdk.errors import SlackApiError

from bot.domain.authority import Actor
from bot.domain.policy import groups_in
from bot.domain.teams import Team
from bot.ports import Clock
from bot.slack.sender import Clients
from bot.usecases.context import Deps

log = structlog.get_logger(__name__)

FRESH = timedelta(seconds=60)
FAILED_FOR = timedelta(seconds=10)  # Slack is not asked again at every click while it does not answer
MOST_OFFERED = 100  # options of a select


class Groups:
    """Looks memberships up, and believes them for a minute. What Slack does not say is no membership."""

    def __init__(self, clock: Clock, clients: Clients) -> None:
        self._clock = clock
        self._clients = clients
        self._asking: dict[tuple[Team, str], asyncio.Lock] = {}
        self._known: dict[tuple[Team, str], tuple[datetime, frozenset[str] | None]] = {}

    async def resolved(self, deps: Deps, actor: Actor) -> tuple[Deps, Actor]:
        """The rules with the members of the operators' groups among the operators; whether the actor looks.

        The groups stay beside them: an empty one makes nobody else an operator. `unsure`: Slack did not
        say of some group who is in it, and the actor lacks something without it.
        """
        viewers = deps.policy.viewers
        if groups_in(deps.operators) and actor.user not in deps.operators:
            members, unsure = await self._in_any(actor, deps.operators)
            deps = replace(deps, operators=deps.operators | members, named=deps.operators, unsure=unsure)
        if not viewers or actor.user in viewers | deps.operators:
            return deps, actor
        members, unsure = await self._in_any(actor, viewers)
        seen = actor.user in members
        return replace(deps, unsure=deps.unsure or unsure), replace(actor, is_viewer=seen)

    async def _in_any(self, actor: Actor, ids: Iterable[str]) -> tuple[frozenset[str], bool]:
        """The members of the groups in `ids`; whether Slack left open that the actor is one."""
        found = [await self.members(actor.team, group) for group in groups_in(ids)]
        members = frozenset[str]().union(*(some for some in found if some is not None))
        return members, None in found and actor.user not in members

    async def members(self, team: Team, group: str) -> frozenset[str] | None:
        """The user ids in a group, at most a minute old; None where Slack does not say."""
        async with self._asking.setdefault((team, group), asyncio.Lock()):  # several at once ask once
            now = self._clock.now()
            known = self._known.get((team, group))
            if known is not None and abs(now - known[0]) < (FAILED_FOR if known[1] is None else FRESH):
                return known[1]
            users = await self._ask(team, group)
            self._known[team, group] = (now, users)
            return users

    async def _ask(self, team: Team, group: str) -> frozenset[str] | None:
        client = await self._clients.of(team)
        if client is None:
            return None
        try:
            response = await client.usergroups_users_list(usergroup=group)
            return frozenset(str(user) for user in response["users"])
        except SlackApiError as error:
            log.warning("usergroups.users.list refused", code=str(error.response.get("error")))
        except Exception as error:
            log.warning("usergroups.users.list failed", error=type(error).__name__)
        return None

    async def offered(self, team: Team, chosen: Iterable[str]) -> dict[str, str]:
        """The groups to choose from, id to handle, those chosen first. Slack silent: those chosen alone."""
        found: dict[str, str] = {}
        client = await self._clients.of(team)
        if client is not None:
            try:
                response = await client.usergroups_list()
                found = {
                    str(group["id"]): f"@{group['handle']}"
                    for group in response["usergroups"]
                    if groups_in((str(group["id"]),))
                }
            except Exception as error:
                log.warning("usergroups.list failed", error=type(error).__name__)
        first = {group: found.get(group, group) for group in sorted(chosen)}
        return dict(list({**first, **found}.items())[:MOST_OFFERED])
