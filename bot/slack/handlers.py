"""From a delivery to the one use case that it asks for."""

from dataclasses import replace
from math import ceil
from typing import Any

import structlog

from bot.domain.authority import Actor, NotAllowed
from bot.domain.commands import Command, Verb, parse_command
from bot.domain.cutover import NotNow
from bot.domain.names import BadName, canonical
from bot.ports import Delivery, InboxRow, Outgoing
from bot.slack.clicks import Clicks
from bot.slack.groups import Groups
from bot.slack.install import uninstalled
from bot.slack.opening import Opening
from bot.slack.payloads import (
    Body,
    authorized_user,
    click,
    mentions,
    plain_words,
    where,
    who,
    without_mentions,
)
from bot.slack.people import CannotVerify, Directory
from bot.slack.sender import Clients
from bot.slack.speaker import Speaker
from bot.slack.submit import Submissions
from bot.slack.verbs import Verbs
from bot.usecases import hear, questions, show
from bot.usecases.allowance import TooMany
from bot.usecases.context import Deps, say, scoped, transact
from bot.usecases.ending import Gone

log = structlog.get_logger(__name__)


class Handlers:
    """Thin: reads the payload, calls a use case, says politely why something was refused."""

    def __init__(
        self,
        deps: Deps,
        directory: Directory,
        clients: Clients,
        submissions: Submissions,
        groups: Groups,
    ) -> None:
        self._groups = groups
        self._deps = deps
        self._directory = directory
        self._opening = Opening(clients, submissions, groups)
        self._verbs = Verbs(directory, self._opening)
        self._clicks = Clicks(self._verbs, self._opening)

    async def __call__(self, row: InboxRow) -> None:
        body = row.payload
        event: Body = body.get("event") or {}
        match event.get("type") if row.kind == "event" else None:
            case "app_uninstalled" | "tokens_revoked":
                await uninstalled(self._deps.store, row.team, row.id, event)
                return
        person = who(row.kind, body)
        place = where(row.kind, body)
        if not person.user:
            await say(self._deps, row.team, row.id)
            return
        try:
            actor = await self._directory.actor(row.team, person.user, home_team=person.home_team)
        except CannotVerify:
            unknown = Actor(row.team, person.user)
            await say(self._deps, row.team, row.id, place.private(unknown, "cannot_verify"))
            return
        deps, actor = await self._groups.resolved(await scoped(self._deps, row.team), actor)
        place = replace(place, lang=deps.policy.langs.get(place.channel))
        speaker = Speaker(actor, place, row, body.get("trigger_id"), deps)
        if not deps.policy.allows(place.channel) and row.kind != "view":
            await self._not_here(speaker, body)
            return
        try:
            await self._dispatch(speaker, body)
        except NotAllowed as refused:
            await speaker.private("not_allowed", who=deps.who_could(refused.who_may), unsure=deps.unsure)
        except Gone:
            await speaker.private("gone")
        except TooMany as refused:
            left = refused.again_at - self._deps.clock.now()
            await speaker.private("slow_down", seconds=max(1, ceil(left.total_seconds())))
        except NotNow as refused:
            await speaker.private("refuse.not_now", state=refused.state.value, event=refused.event.value)

    async def _not_here(self, speaker: Speaker, body: Body) -> None:
        """Whoever addressed the bot where it is not allowed is told where it is; talk is left alone."""
        event: Body = body.get("event") or {}
        if event.get("type") == "app_home_opened":
            await self._opening.home(speaker, str(event.get("tab", "home")))
        elif speaker.row.kind == "event" and event.get("type") != "app_mention":
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
        else:
            await speaker.private("not_here", channels=sorted(speaker.deps.policy.channels))

    async def _dispatch(self, speaker: Speaker, body: Body) -> None:
        match speaker.row.kind:
            case "command":
                await self._verbs.verb(speaker, parse_command(plain_words(str(body.get("text", "")))), None)
            case "action":
                await self._clicks.clicked(speaker, click(body))
            case "view":
                await self._opening.submitted(speaker, body)
            case "shortcut":
                await self._shortcut(speaker, body)
            case "event":
                await self._event(speaker, body)
            case _:
                await say(speaker.deps, speaker.actor.team, speaker.row_id)

    async def _shortcut(self, speaker: Speaker, body: Body) -> None:
        if body.get("type") == "shortcut":
            await self._opening.start_from_shortcut(speaker)
            return
        message: Body = body.get("message") or {}
        thread = str(message.get("thread_ts") or message.get("ts") or "")
        cutover = await speaker.deps.store.transact(
            lambda tx: tx.cutovers.by_thread(speaker.actor.team, speaker.where.channel, thread)
        )
        if cutover is not None:
            await show.about(speaker.deps, speaker.actor, speaker.where, speaker.row_id, cutover, "menu")
            return
        in_thread = replace(speaker.where, thread_ts=thread or None)
        text = plain_words(str(message.get("text", "")))
        await questions.ask(speaker.deps, speaker.actor, in_thread, speaker.row_id, text, None)

    async def _event(self, speaker: Speaker, body: Body) -> None:
        event: Body = body.get("event") or {}
        match event.get("type"):
            case "app_home_opened":
                await self._opening.home(speaker, str(event.get("tab", "home")))
            case "app_mention":
                await self._said(speaker, event, body, addressed=True)
            case "message":
                await self._said(speaker, event, body, addressed=speaker.where.is_dm)
            case _:
                await say(speaker.deps, speaker.actor.team, speaker.row_id)

    async def _said(self, speaker: Speaker, event: Body, body: Body, *, addressed: bool) -> None:
        bot_user = authorized_user(body)
        text = str(event.get("text", ""))
        if event.get("type") == "message" and not speaker.where.is_dm and mentions(text, bot_user):
            await say(speaker.deps, speaker.actor.team, speaker.row_id)  # it comes as a mention too
            return
        text = plain_words(without_mentions(text, bot_user))
        thread = speaker.where.thread_ts
        cutover = None
        if thread is not None:
            cutover = await speaker.deps.store.transact(
                lambda tx: tx.cutovers.by_thread(speaker.actor.team, speaker.where.channel, thread)
            )
        if cutover is not None:
            in_words = replace(speaker.where, lang=speaker.where.lang or cutover.lang)
            heard = await hear.reply(
                speaker.deps,
                speaker.actor,
                in_words,
                speaker.row_id,
                cutover,
                text,
                addressed=addressed,
                me=bot_user,
            )
            if heard is not None:
                speaker = replace(speaker, where=in_words, settled=heard.settled)
                await self._verbs.verb(speaker, heard.command, cutover)
            return
        if not addressed:
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
            return
        await self._addressed(speaker, event, text)

    async def _addressed(self, speaker: Speaker, event: Body, text: str) -> None:
        """A mention or a direct message outside a cutover's thread: a verb, a domain, or a question."""
        if not speaker.where.is_dm and speaker.where.thread_ts is None and event.get("ts"):
            speaker = replace(speaker, where=replace(speaker.where, thread_ts=str(event["ts"])))
        command = parse_command(text)
        if questions.is_mail(text):  # whatever word it begins with
            await questions.ask(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text, None)
            return
        if command.verb is not None and _is_command(command, speaker.deps):
            await self._verbs.verb(speaker, command, None)
            return
        await questions.ask(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text, None)

    async def apologise(self, row: InboxRow, error_id: str) -> None:
        """Tell the person that something went wrong, with the id that the log has."""
        person = who(row.kind, row.payload)
        place = where(row.kind, row.payload)
        lang = "ja"
        try:
            lang = (await self._directory.actor(row.team, person.user)).lang
        except CannotVerify:
            log.info("language not known")
        actor = Actor(row.team, person.user, lang)
        message = place.private(actor, "error", {"error_id": error_id})
        if not place.channel or row.kind == "view":
            message = Outgoing(Delivery.DM, "error", {"error_id": error_id}, lang=lang, user=person.user)

        def work(tx: Any) -> None:
            tx.inbox.failed(row.id, error_id)
            if person.user:
                tx.outbox.put(row.team, message)

        await transact(self._deps, row.team, None, work)


def _is_command(command: Command, deps: Deps) -> bool:
    """Whether a sentence that begins with a verb's word is meant as that verb: "start example.co.jp"."""
    if command.verb in (Verb.HELP, Verb.LIST, Verb.ASK) or not command.rest:
        return True
    try:
        canonical(command.rest.split()[0], deps.rules)
    except BadName:
        return False
    return True
