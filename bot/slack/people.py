"""Who somebody is, as Slack vouches for it now: guest or member, language, time zone."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.domain.authority import Actor
from bot.domain.teams import Team
from bot.ports import Clock, Person, Store
from bot.slack.sender import Clients

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=5)
_NOT_OFFERED = frozenset({"missing_scope", "unknown_method", "method_not_supported_for_channel_type"})


class CannotVerify(Exception):
    """Slack did not say who this is; nothing may be done on the person's word."""


class Directory:
    """Looks people up, and remembers them for some minutes."""

    def __init__(self, store: Store, clock: Clock, clients: Clients) -> None:
        self._store = store
        self._clock = clock
        self._clients = clients

    async def actor(self, team: Team, user: str, *, home_team: str | None = None) -> Actor:
        """The acting person. `home_team`: the workspace that the payload says they belong to.

        Raises CannotVerify where Slack does not answer and nothing recent is known.
        """
        foreign = bool(home_team) and home_team not in (team.team_id, team.enterprise_id)
        person = await self._person(team, user)
        return Actor(
            team=team,
            user=user,
            lang="en" if person.locale and not person.locale.startswith("ja") else "ja",
            tz=person.tz or "Asia/Tokyo",
            is_guest=person.is_guest,
            is_foreign=foreign,
        )

    async def names(self, team: Team, users: Sequence[str], most: int = 50) -> dict[str, str]:
        """What people are called, for a report; who is not found keeps the id."""
        client = await self._clients.of(team)
        found: dict[str, str] = {}
        if client is None:
            return found
        for user in users[:most]:
            try:
                response = await client.users_info(user=user)
                who: Mapping[str, Any] = response["user"]
            except Exception as error:
                log.info("a name was not found", error=type(error).__name__)
                continue
            profile: Mapping[str, Any] = who.get("profile") or {}
            name = profile.get("display_name") or who.get("real_name") or who.get("name")
            if name:
                found[user] = str(name)
        return found

    async def _person(self, team: Team, user: str) -> Person:
        now = self._clock.now()
        known = await self._store.transact(lambda tx: tx.people.get(team, user))
        if known is not None and abs(now - known.at) < FRESH:
            return known
        client = await self._clients.of(team)
        if client is None:
            raise CannotVerify
        try:
            response = await client.users_info(user=user, include_locale=True)
            found: Mapping[str, Any] = response["user"]
        except SlackApiError as error:
            code = str(error.response.get("error"))
            if code not in _NOT_OFFERED:
                log.warning("users.info refused", code=code)
                raise CannotVerify from error
            # The app was installed without users:read: the operator's choice, so nobody is a guest.
            log.warning("users.info is not to be had", code=code)
            return known or Person(user, "", "Asia/Tokyo", False, now)
        except Exception as error:
            log.warning("users.info failed", error=type(error).__name__)
            raise CannotVerify from error
        person = Person(
            user,
            str(found.get("locale") or ""),
            str(found.get("tz") or "Asia/Tokyo"),
            bool(found.get("is_restricted") or found.get("is_ultra_restricted") or found.get("is_stranger")),
            now,
        )
        await self._store.transact(lambda tx: tx.people.put(team, person))
        return person
