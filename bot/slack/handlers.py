"""From a delivery to the one use case that it asks for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from math import ceil

import structlog

from bot.domain.authority import Actor, NotAllowed
from bot.domain.commands import Command, Verb, parse_command
from bot.domain.cutover import Cutover, NotNow
from bot.domain.names import BadName, canonical
from bot.ports import Delivery, InboxRow, Outgoing, Tx
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
from bot.slack.rest import Rest, key_of, left_in
from bot.slack.sender import Clients
from bot.slack.speaker import Speaker
from bot.slack.submit import Submissions
from bot.slack.verbs import Verbs
from bot.usecases import hear, questions, show
from bot.usecases.allowance import TooMany
from bot.usecases.context import Deps, DoneBefore, Where, say, scoped, transact
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

    async def __call__(self, row: InboxRow) -> int | None:
        """Deal with a row, in the transactions of what it asks for; the row that holds what is left of it.

        Raises StoreUnavailable, TryLater and BadTokenKey where it is to be tried again.
        """
        body = row.payload
        event: Body = body.get("event") or {}
        match event.get("type") if row.kind == "event" else None:
            case "app_uninstalled" | "tokens_revoked":
                await uninstalled(self._deps.store, row, event)
                return None
        person = who(row.kind, body)
        place = where(row.kind, body)
        if not person.user:
            await say(self._deps, row.team, row.id)
            return None
        deps = await scoped(self._deps, row.team)
        if row.kind == "event" and await self._overheard(deps, row, event, place):
            return None
        try:
            actor = await self._directory.actor(row.team, person.user, home_team=person.home_team)
        except CannotVerify:
            unknown = Actor(row.team, person.user)
            await say(self._deps, row.team, row.id, place.private(unknown, "cannot_verify"))
            return None
        deps, actor = await self._groups.resolved(deps, actor)
        place = replace(place, lang=deps.policy.langs.get(place.channel))
        rest = Rest(row, deps.clock)
        speaker = Speaker(actor, place, row, body.get("trigger_id"), deps)
        home = event.get("type") == "app_home_opened"
        if not deps.policy.allows(place.channel) and row.kind != "view" and not home:
            await speaker.private("not_here", channels=sorted(deps.policy.channels))
            return None
        async with _refusals(speaker):
            await self._dispatch(speaker, body, rest)
        return rest.row_id

    async def _overheard(self, deps: Deps, row: InboxRow, event: Body, place: Where) -> bool:
        """Whether an event is of no concern to the bot, as most talk is: settled, and Slack asked nothing.

        Raises DoneBefore.
        """
        kind, thread = event.get("type"), place.thread_ts
        concerned = kind in ("app_mention", "app_home_opened")
        in_thread = False
        if kind == "message" and deps.policy.allows(place.channel):
            concerned = place.is_dm
            # With the bot's name in it, it comes as a mention too.
            named = mentions(str(event.get("text", "")), authorized_user(row.payload))
            in_thread = thread is not None and not named

        def work(tx: Tx) -> bool:
            if in_thread and tx.cutovers.by_thread(row.team, place.channel, str(thread)) is not None:
                return False
            if not tx.inbox.done(row.id):
                raise DoneBefore
            return True

        return not concerned and await deps.store.transact(work)

    async def _dispatch(self, speaker: Speaker, body: Body, rest: Rest) -> None:
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
                await self._event(speaker, body, rest)
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

    async def _event(self, speaker: Speaker, body: Body, rest: Rest) -> None:
        event: Body = body.get("event") or {}
        match event.get("type"):
            case "app_home_opened":
                await self._opening.home(speaker, str(event.get("tab", "home")))
            case "app_mention":
                await self._said(speaker, event, body, rest, addressed=True)
            case "message":
                await self._said(speaker, event, body, rest, addressed=speaker.where.is_dm)
            case _:
                await say(speaker.deps, speaker.actor.team, speaker.row_id)

    async def _said(self, speaker: Speaker, event: Body, body: Body, rest: Rest, *, addressed: bool) -> None:
        bot_user = authorized_user(body)
        text = plain_words(without_mentions(str(event.get("text", "")), bot_user))
        thread = speaker.where.thread_ts
        cutover = None
        if thread is not None:
            cutover = await speaker.deps.store.transact(
                lambda tx: tx.cutovers.by_thread(speaker.actor.team, speaker.where.channel, thread)
            )
        if cutover is not None:
            in_words = replace(speaker.where, lang=speaker.where.lang or cutover.lang)
            await self._replied(replace(speaker, where=in_words), cutover, text, bot_user, rest, addressed)
            return
        if not addressed:
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
            return
        await self._addressed(speaker, event, text)

    async def _replied(
        self, speaker: Speaker, cutover: Cutover, text: str, me: str | None, rest: Rest, addressed: bool
    ) -> None:
        """The first thing that a reply says; the rest is kept with what settles that, refused or not."""
        deps, actor, place, row_id = speaker.deps, speaker.actor, speaker.where, speaker.row_id
        left = left_in(speaker.row) or await hear.read(deps, actor, place, row_id, cutover, text, me=me)
        if left is None:
            return
        further = left.rest
        if further is not None:
            deps = replace(deps, then=lambda tx: rest.keep(tx, further))
            speaker = replace(speaker, deps=deps)
        async with _refusals(speaker):
            command = await hear.act(deps, actor, place, row_id, cutover, left, addressed=addressed)
            if command is not None:
                await self._verbs.verb(speaker, command, cutover)

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
        lang = await self._directory.lang(row.team, person.user)
        actor = Actor(row.team, person.user, lang)
        message = place.private(actor, "error", {"error_id": error_id})
        if not place.channel or row.kind == "view":
            message = Outgoing(Delivery.DM, "error", {"error_id": error_id}, lang=lang, user=person.user)
        # The parts of one reply are rows of their own, and so each may go wrong.
        message = replace(message, key=key_of("error", row.delivery_id))

        def work(tx: Tx) -> None:
            # What is settled was done after all, here or by another replica, or is apologised for.
            if tx.inbox.failed(row.id, error_id) and person.user:
                tx.outbox.put(row.team, message)

        await transact(self._deps, row.team, None, work)


@asynccontextmanager
async def _refusals(speaker: Speaker) -> AsyncIterator[None]:
    """What is refused inside is said to the speaker, and settles the delivery."""
    deps = speaker.deps
    try:
        yield
    except NotAllowed as refused:
        who = deps.who_could(refused.who_may)
        await speaker.refuse("not_allowed", ",".join(who), who=who, unsure=deps.unsure)
    except Gone:
        await speaker.refuse("gone")
    except TooMany as refused:
        left = refused.again_at - deps.clock.now()
        await speaker.refuse("slow_down", seconds=max(1, ceil(left.total_seconds())))
    except NotNow as refused:
        state, event = refused.state.value, refused.event.value
        await speaker.refuse("refuse.not_now", f"{state},{event}", state=state, event=event)


def _is_command(command: Command, deps: Deps) -> bool:
    """Whether a sentence that begins with a verb's word is meant as that verb: "start example.co.jp"."""
    if command.verb in (Verb.HELP, Verb.LIST, Verb.ASK) or not command.rest:
        return True
    try:
        canonical(command.rest.split()[0], deps.rules)
    except BadName:
        return False
    return True
