"""Who somebody is, as Slack vouches for it now: guest or member, language, time zone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from slack_sdk.errors import SlackApiError

from bot.domain.authority import Actor
from bot.domain.teams import Team
from bot.ports import Clock, Person, Store
from bot.slack.errors import TryLater, passing
from bot.slack.sender import Clients

log = structlog.get_logger(__name__)

FRESH = timedelta(minutes=5)
NOT_AGAIN_FOR = timedelta(seconds=2)  # while Slack fails and does not say how long it is to be left alone
_NOT_OFFERED = frozenset({"missing_scope", "unknown_method", "method_not_supported_for_channel_type"})


class CannotVerify(Exception):
    """Slack does not vouch for this person; nothing may be done on their word."""


class Directory:
    """Looks people up, and remembers them for some minutes."""

    def __init__(self, store: Store, clock: Clock, clients: Clients) -> None:
        self._store = store
        self._clock = clock
        self._clients = clients
        self._silent: dict[Team, tuple[datetime, timedelta]] = {}  # since when, and for how long not to ask

    async def actor(self, team: Team, user: str, *, home_team: str | None = None) -> Actor:
        """The acting person. `home_team`: the workspace that the payload says they belong to.

        Where nothing recent is known, raises CannotVerify where Slack says no, TryLater where it fails.
        """
        foreign = bool(home_team) and home_team not in (team.team_id, team.enterprise_id)
        person = await self._person(team, user)
        return Actor(
            team=team,
            user=user,
            lang=_lang(person),
            tz=person.tz or "Asia/Tokyo",
            is_guest=person.is_guest,
            is_foreign=foreign,
        )

    async def lang(self, team: Team, user: str) -> str:
        """The language that somebody was last known to use; Slack is not asked."""
        known = await self._store.transact(lambda tx: tx.people.get(team, user))
        return _lang(known) if known is not None else "ja"

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
        since, wait = self._silent.get(team, (now, timedelta()))
        if abs(now - since) < wait:
            raise TryLater("left_alone")
        try:
            response = await client.users_info(user=user, include_locale=True)
            found: Mapping[str, Any] = response["user"]
        except Exception as error:
            refusal = passing(error)
            if refusal is not None:
                log.warning("users.info failed", code=refusal.code)
                self._silent[team] = (now, refusal.wait or NOT_AGAIN_FOR)
                raise TryLater(refusal.code) from error
            code = error.response.get("error") if isinstance(error, SlackApiError) else type(error).__name__
            if code not in _NOT_OFFERED:
                log.warning("users.info refused", code=str(code))
                raise CannotVerify from error
            # The app was installed without users:read: the operator's choice, so nobody is a guest.
            log.warning("users.info is not to be had", code=code)
            return known or Person(user, "", "Asia/Tokyo", False, now)
        self._silent.pop(team, None)
        person = Person(
            user,
            str(found.get("locale") or ""),
            str(found.get("tz") or "Asia/Tokyo"),
            bool(found.get("is_restricted") or found.get("is_ultra_restricted") or found.get("is_stranger")),
            now,
        )
        await self._store.transact(lambda tx: tx.people.put(team, person))
        return person


def _lang(person: Person) -> str:
    return "en" if person.locale and not person.locale.startswith("ja") else "ja"
