"""Forms and the Home tab: opened, filled in while one looks, and carried out once submitted."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import Act, authorise
from bot.domain.policy import groups_in, policy_to_json
from bot.ports import Delivery, Outgoing
from bot.slack import home, settings_form, watch
from bot.slack.errors import TryLater, passing
from bot.slack.forms import start_form
from bot.slack.groups import Groups
from bot.slack.payloads import Body
from bot.slack.sender import Clients
from bot.slack.speaker import Speaker
from bot.slack.submit import Submissions
from bot.slack.voice import Voice
from bot.usecases import desk, ending, flip, promise, start
from bot.usecases.allowance import TooMany, may_look
from bot.usecases.context import Where, say

log = structlog.get_logger(__name__)

TRIGGER_LIVES = timedelta(seconds=3)
OPENED_SECONDS = 6.0  # for Slack's answer; less than what is promised to the person (promise.OPENED_WITHIN)


class Opening:
    """What a trigger opens; a form that could not be opened is said to, with a button instead."""

    def __init__(self, clients: Clients, submissions: Submissions, groups: Groups) -> None:
        self._groups = groups
        self._clients = clients
        self._submissions = submissions

    async def settings(self, speaker: Speaker) -> None:
        """What is set: anybody may see it, operators may change it."""
        deps = speaker.deps
        authorise(speaker.actor, Act.SEE, None, deps.operators)
        await speaker.private("settings", **policy_to_json(deps.policy))

    async def open_settings(self, speaker: Speaker) -> None:
        deps = speaker.deps
        authorise(speaker.actor, Act.SET, None, deps.operators)
        promised = promise.instead(deps, speaker.actor, speaker.where, "form_late")
        await say(deps, speaker.actor.team, speaker.row_id, promised)
        voice, policy = Voice(speaker.actor.lang), deps.policy
        chosen = groups_in(policy.operators | policy.viewers)
        # The groups' names are asked for once it is open: a trigger does not wait.
        first = settings_form.view(voice, policy, {group: group for group in chosen})
        opened = await self._open(speaker, promised, first)
        client = await self._clients.of(speaker.actor.team)
        if opened is None or client is None:
            return
        groups = await self._groups.offered(speaker.actor.team, chosen)
        if groups:
            await self._update_view(client, opened, settings_form.view(voice, policy, groups))

    async def start(self, speaker: Speaker, text: str) -> None:
        form = await start.begin(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text)
        if form is None:
            return
        voice = Voice(speaker.actor.lang)
        opened = await self._open(speaker, form.promised, start_form(voice, form))
        client = await self._clients.of(speaker.actor.team)
        if opened is not None and form.domain is not None and client is not None:
            try:
                await may_look(speaker.deps, speaker.actor)
            except TooMany:
                return  # the form is there, and can be filled in by hand
            facts = await speaker.deps.dns.look(form.domain.ascii)
            view = start_form(voice, form, facts, speaker.deps.name_host(facts.nameservers))
            await self._update_view(client, opened, view)

    async def _open(self, speaker: Speaker, promised: Outgoing, view: dict[str, Any]) -> str | None:
        """The opened view's id; None where it was too late, and the person is told what was promised."""
        client = await self._clients.of(speaker.actor.team)
        opened = None
        if (
            client is not None
            and speaker.trigger
            and speaker.deps.clock.now() - speaker.row.at < TRIGGER_LIVES
        ):
            opened = await self._open_view(client, speaker.trigger, view)
        after = promise.broken if opened is None else promise.kept
        await after(speaker.deps, speaker.actor.team, promised)
        return opened

    async def _open_view(self, client: AsyncWebClient, trigger: str, view: dict[str, Any]) -> str | None:
        try:
            async with asyncio.timeout(OPENED_SECONDS):
                response = await client.views_open(trigger_id=trigger, view=view)
        except Exception as error:
            log.warning("the form could not be opened", error=str(error)[:200])
            return None
        return str(response["view"]["id"])

    async def _update_view(self, client: AsyncWebClient, view_id: str, view: dict[str, Any]) -> None:
        try:
            await client.views_update(view_id=view_id, view=view)
        except Exception as error:  # it was closed or sent in the meantime
            log.info("the form was not updated", error=str(error)[:200])

    async def submitted(self, speaker: Speaker, body: Body) -> None:
        """The submission was judged while it was acknowledged (submit.py); now it is carried out."""
        overriding = watch.override_of(body)
        if overriding is not None:
            await flip.override(speaker.deps, speaker.actor, speaker.row_id, *overriding)
            return
        policy = settings_form.policy_of(body)
        if policy is not None:
            await desk.set_policy(speaker.deps, speaker.actor, speaker.row_id, policy)
            return
        standing = await self._submissions.request(speaker.actor, body)
        if standing is None:  # what was set has changed since it was acknowledged, or the day has passed
            stale = Outgoing(Delivery.DM, "form_stale", lang=speaker.actor.lang, user=speaker.actor.user)
            await say(speaker.deps, speaker.actor.team, speaker.row_id, stale)
            return
        channel, request = standing
        lang = speaker.deps.policy.langs.get(channel)
        place = Where(channel, None, None, channel.startswith("D"), lang)
        await start.open_cutover(
            speaker.deps, speaker.actor, place, speaker.row_id, request, tz=speaker.actor.tz
        )

    async def open_override(self, speaker: Speaker, cutover_id: str) -> None:
        """The form for the reason; who may not override gets no form."""
        await speaker.deps.store.transact(
            lambda tx: ending.load(tx, speaker.deps, speaker.actor, cutover_id, Act.END)
        )
        promised = promise.instead(speaker.deps, speaker.actor, speaker.where, "form_late")
        await say(speaker.deps, speaker.actor.team, speaker.row_id, promised)
        await self._open(speaker, promised, watch.override_form(Voice(speaker.actor.lang), cutover_id))

    async def start_from_shortcut(self, speaker: Speaker) -> None:
        """A global shortcut has no channel: the cutover's thread goes into the person's DM."""
        client = await self._clients.of(speaker.actor.team)
        channel = ""
        if client is not None and not speaker.where.channel:
            try:
                opened = await client.conversations_open(users=[speaker.actor.user])
            except Exception as error:
                if refusal := passing(error):
                    raise TryLater(refusal.code) from error
                raise
            channel = str(opened["channel"]["id"])
        place = replace(speaker.where, channel=speaker.where.channel or channel, is_dm=bool(channel))
        await self.start(replace(speaker, where=place), "")

    async def home(self, speaker: Speaker, tab: str, shown: Mapping[str, str] | None = None) -> None:
        await say(speaker.deps, speaker.actor.team, speaker.row_id)
        client = await self._clients.of(speaker.actor.team)
        if client is None or tab != "home":
            return
        view = await home.view(speaker.deps, speaker.actor, shown or {})
        try:
            await client.views_publish(user_id=speaker.actor.user, view=view)
        except Exception as error:  # whoever looks sees the page as it was, and may open it again
            log.warning("the Home tab was not published", error=str(error)[:200])
