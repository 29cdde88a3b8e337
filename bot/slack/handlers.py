"""From a delivery to the one use case that it asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.authority import Act, Actor, NotAllowed, authorise
from bot.domain.commands import Command, Verb, parse_command
from bot.domain.cutover import Cutover, NotNow, Step
from bot.domain.desk import Item
from bot.domain.names import BadName, canonical
from bot.domain.policy import policy_to_json
from bot.ports import Delivery, InboxRow, Outgoing
from bot.slack import home, settings_form, watch
from bot.slack.desk import moment
from bot.slack.forms import start_form
from bot.slack.install import uninstalled
from bot.slack.payloads import Body, Click, authorized_user, click, mentions, where, who, without_mentions
from bot.slack.people import CannotVerify, Directory
from bot.slack.sender import Clients
from bot.slack.submit import Submissions
from bot.slack.voice import Voice
from bot.usecases import answer, desk, ending, flip, hear, look, questions, retry, show, start
from bot.usecases.allowance import TooMany, may_look
from bot.usecases.context import Deps, Where, say, scoped, transact
from bot.usecases.ending import Gone

log = structlog.get_logger(__name__)

TRIGGER_LIVES = timedelta(seconds=3)


@dataclass(frozen=True, slots=True)
class Speaker:
    """One delivery's actor, place, inbox row and what is left of its trigger.

    `settled`: a part of it was carried out, and the inbox row with it.
    """

    actor: Actor
    where: Where
    row: InboxRow
    trigger: str | None
    deps: Deps  # with the rules of the actor's workspace
    settled: bool = False

    @property
    def row_id(self) -> int | None:
        return None if self.settled else self.row.id


class Handlers:
    """Thin: reads the payload, calls a use case, says politely why something was refused."""

    def __init__(self, deps: Deps, directory: Directory, clients: Clients, submissions: Submissions) -> None:
        self._deps = deps
        self._directory = directory
        self._clients = clients
        self._submissions = submissions

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
        deps = await scoped(self._deps, row.team)
        place = replace(place, lang=deps.policy.langs.get(place.channel))
        speaker = Speaker(actor, place, row, body.get("trigger_id"), deps)
        if not deps.policy.allows(place.channel) and row.kind != "view":
            await self._not_here(speaker, body)
            return
        try:
            await self._dispatch(speaker, body)
        except NotAllowed as refused:
            await self._private(speaker, "not_allowed", who=list(refused.who_may))
        except Gone:
            await self._private(speaker, "gone")
        except TooMany as refused:
            left = refused.again_at - self._deps.clock.now()
            await self._private(speaker, "slow_down", seconds=max(1, ceil(left.total_seconds())))
        except NotNow as refused:
            await self._private(speaker, "refuse.not_now", state=refused.state.value)

    async def _not_here(self, speaker: Speaker, body: Body) -> None:
        """Whoever addressed the bot where it is not allowed is told where it is; talk is left alone."""
        event: Body = body.get("event") or {}
        if event.get("type") == "app_home_opened":
            await self._home(speaker, str(event.get("tab", "home")))
        elif speaker.row.kind == "event" and event.get("type") != "app_mention":
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
        else:
            await self._private(speaker, "not_here", channels=sorted(speaker.deps.policy.channels))

    async def _private(self, speaker: Speaker, kind: str, **args: Any) -> None:
        message = speaker.where.private(speaker.actor, kind, args)
        await say(speaker.deps, speaker.actor.team, speaker.row_id, message)

    async def _dispatch(self, speaker: Speaker, body: Body) -> None:
        match speaker.row.kind:
            case "command":
                await self._verb(speaker, parse_command(str(body.get("text", ""))), None)
            case "action":
                await self._clicked(speaker, click(body))
            case "view":
                await self._submitted(speaker, body)
            case "shortcut":
                await self._shortcut(speaker, body)
            case "event":
                await self._event(speaker, body)
            case _:
                await say(speaker.deps, speaker.actor.team, speaker.row_id)

    # --- verbs -------------------------------------------------------------------------------------

    async def _verb(self, speaker: Speaker, command: Command, cutover: Cutover | None) -> None:
        deps, actor, place, row_id = speaker.deps, speaker.actor, speaker.where, speaker.row_id
        match command.verb:
            case Verb.START:
                await self._start(speaker, command.rest)
            case Verb.HELP:
                await self._private(speaker, "help")
            case Verb.LIST:
                await desk.listing(deps, actor, place, row_id, command.rest)
            case Verb.SETTINGS:
                await self._settings(speaker)
            case Verb.ASK:
                await self._ask(speaker, command.rest, cutover)
            case Verb.CHECK:
                await self._check(speaker, command.rest, cutover)
            case None:
                nearest = command.nearest.value if command.nearest else None
                await self._private(
                    speaker, "unknown_command", word=command.word, nearest=nearest, rest=command.rest
                )
            case _:
                await self._of_cutover(speaker, command.verb, command.rest, cutover)

    async def _ask(self, speaker: Speaker, text: str, cutover: Cutover | None) -> None:
        if text:
            await questions.ask(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text, cutover)
        else:
            await self._private(speaker, "help")

    async def _check(self, speaker: Speaker, rest: str, cutover: Cutover | None) -> None:
        text = rest or (cutover.domain if cutover else "")
        if not text:
            found = await show.find(speaker.deps, speaker.actor, "")
            text = found.domain if found else ""
        if text:
            await look.check(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text)
        else:
            await self._private(speaker, "needs_domain", verb="check")

    async def _of_cutover(self, speaker: Speaker, verb: Verb, rest: str, cutover: Cutover | None) -> None:
        deps, actor, place, row_id = speaker.deps, speaker.actor, speaker.where, speaker.row_id
        name, _, more = rest.partition(" ")
        found = cutover
        if found is None:
            found = await show.named(deps, actor, place, row_id, verb.value, name)
        else:
            more = rest
        if found is None:
            return
        match verb:
            case Verb.REPORT | Verb.EXPORT | Verb.CALENDAR:
                await self._file(speaker, verb, found, more)
            case Verb.TEXT:
                await desk.text(deps, actor, place, row_id, found, more)
            case Verb.CANCEL | Verb.ROLLBACK:
                kind = f"{verb.value}_ask"
                message = place.private(actor, kind, cutover_id=found.id)
                await say(deps, actor.team, row_id, message)
            case Verb.RESCHEDULE:
                await hear.move(deps, actor, place, row_id, found, more)
            case Verb.ASSIGN:
                await hear.assign(deps, actor, place, row_id, found, more)
            case _:
                await show.about(deps, actor, place, row_id, found, verb.value)

    async def _file(self, speaker: Speaker, verb: Verb, cutover: Cutover, words: str) -> None:
        args: dict[str, object] = {}
        if verb is Verb.EXPORT:
            args["form"] = "csv" if "csv" in words.lower() else "json"
        if verb is Verb.REPORT:
            people = await desk.people_of(speaker.deps, cutover)
            args["names"] = await self._directory.names(cutover.team, people)
        await desk.hand_over(
            speaker.deps, speaker.actor, speaker.where, speaker.row_id, cutover, verb.value, args
        )

    # --- settings ----------------------------------------------------------------------------------

    async def _settings(self, speaker: Speaker) -> None:
        """What is set: anybody may see it, operators may change it."""
        deps = speaker.deps
        authorise(speaker.actor, Act.SEE, None, deps.operators)
        await self._private(speaker, "settings", **policy_to_json(deps.policy))

    async def _open_settings(self, speaker: Speaker) -> None:
        deps = speaker.deps
        authorise(speaker.actor, Act.SET, None, deps.operators)
        await say(deps, speaker.actor.team, speaker.row_id)
        client = await self._clients.of(speaker.actor.team)
        age = deps.clock.now() - speaker.row.at
        if client is None or not speaker.trigger or age >= TRIGGER_LIVES:
            return
        view = settings_form.view(Voice(speaker.actor.lang), deps.policy)
        await self._open_view(client, speaker.trigger, view)

    # --- the form ------------------------------------------------------------------------------------

    async def _start(self, speaker: Speaker, text: str) -> None:
        form = await start.begin(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text)
        if form is None:
            return
        voice = Voice(speaker.actor.lang)
        client = await self._clients.of(speaker.actor.team)
        age = speaker.deps.clock.now() - speaker.row.at
        opened = None
        if client is not None and speaker.trigger and age < TRIGGER_LIVES:
            opened = await self._open_view(client, speaker.trigger, start_form(voice, form))
        if opened is None:
            domain = form.domain.ascii if form.domain else ""
            message = speaker.where.private(speaker.actor, "form_expired", {"domain": domain})
            await say(speaker.deps, speaker.actor.team, None, message)
            return
        if form.domain is not None and client is not None:
            try:
                await may_look(speaker.deps, speaker.actor)
            except TooMany:
                return  # the form is there, and can be filled in by hand
            facts = await speaker.deps.dns.look(form.domain.ascii)
            view = start_form(voice, form, facts, speaker.deps.name_host(facts.nameservers))
            await self._update_view(client, opened, view)

    async def _open_view(self, client: AsyncWebClient, trigger: str, view: dict[str, Any]) -> str | None:
        try:
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

    async def _submitted(self, speaker: Speaker, body: Body) -> None:
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
        if standing is None:
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
            return
        channel, request = standing
        lang = speaker.deps.policy.langs.get(channel)
        place = Where(channel, None, None, channel.startswith("D"), lang)
        await start.open_cutover(
            speaker.deps, speaker.actor, place, speaker.row_id, request, tz=speaker.actor.tz
        )

    async def _open_override(self, speaker: Speaker, cutover_id: str) -> None:
        """The form for the reason; who may not override gets no form."""
        await speaker.deps.store.transact(
            lambda tx: ending.load(tx, speaker.deps, speaker.actor, cutover_id, Act.END)
        )
        await say(speaker.deps, speaker.actor.team, speaker.row_id)
        client = await self._clients.of(speaker.actor.team)
        if client is None or not speaker.trigger:
            return
        form = watch.override_form(Voice(speaker.actor.lang), cutover_id)
        if await self._open_view(client, speaker.trigger, form) is None:
            message = speaker.where.private(speaker.actor, "form_late")
            await say(speaker.deps, speaker.actor.team, None, message)

    # --- clicks -----------------------------------------------------------------------------------------

    async def _clicked(self, speaker: Speaker, clicked: Click | None) -> None:
        deps, actor, place, row_id = speaker.deps, speaker.actor, speaker.where, speaker.row_id
        if clicked is None:
            await say(deps, actor.team, row_id)
            return
        cutover_id = clicked.data.get("c", "")
        match clicked.verb:
            case "step_done" | "step_cant" | "step_not_needed" | "step_later" | "step_not_yet":
                await self._step(speaker, clicked)
            case "do":
                await self._do(speaker, clicked)
            case "text":
                cutover = await self._cutover(speaker, cutover_id)
                words = clicked.data.get("r", "")
                await desk.text(deps, actor, place, row_id, cutover, words, again=True)
            case "tick" | "untick":
                await self._tick(speaker, clicked)
            case "flip":
                await flip.flip(deps, actor, place, row_id, cutover_id)
            case "override_open":
                await self._open_override(speaker, cutover_id)
            case "go":
                await desk.go(deps, actor, place, row_id, cutover_id)
            case "assign_pick":
                await ending.assign(deps, actor, place, row_id, cutover_id, (clicked.data.get("u", ""),))
            case "reschedule_pick":
                await self._picked_day(speaker, clicked)
            case "settings_open":
                await self._open_settings(speaker)
            case "home":
                await self._home(speaker, "home", clicked.data)
            case "check":
                await self._check(speaker, "", await self._cutover(speaker, cutover_id))
            case "plan" | "history" | "status" | "menu":
                cutover = await self._cutover(speaker, cutover_id)
                await show.about(deps, actor, place, row_id, cutover, clicked.verb)
            case "cancel":
                await ending.cancel(deps, actor, place, row_id, cutover_id)
            case "rollback":
                await ending.roll_back(deps, actor, place, row_id, cutover_id)
            case "reschedule":
                day = moment(clicked.data.get("at", ""))
                if day is None:
                    await say(deps, actor.team, row_id)
                else:
                    await ending.reschedule(deps, actor, place, row_id, cutover_id, day)
            case "open_form":
                await self._start(speaker, clicked.data.get("d", ""))
            case "list":
                page = clicked.data.get("p", "1" if "q" in clicked.data else "")
                number = int(page) if page.isdecimal() else None
                await desk.listing(deps, actor, place, row_id, clicked.data.get("q", ""), page=number)
            case "retry_root":
                await retry.root(deps, actor, row_id, cutover_id)
            case "faq" | "faq_other":
                await questions.go_on(deps, actor, place, row_id, clicked.data.get("v", ""))
            case "faq_helped" | "faq_not_helped":
                helped = clicked.verb == "faq_helped"
                entry = clicked.data.get("e", "")
                told = clicked.data.get("q", "")
                question = int(told) if told.isascii() and told.isdigit() else None
                await hear.feedback(deps, actor, place, row_id, entry, helped=helped, question=question)
            case _:
                await say(deps, actor.team, row_id)

    async def _do(self, speaker: Speaker, clicked: Click) -> None:
        """A verb as a button: the same as its word."""
        try:
            verb = Verb(clicked.data.get("v", ""))
        except ValueError:
            await say(speaker.deps, speaker.actor.team, speaker.row_id)
            return
        cutover = None
        if clicked.data.get("c"):
            cutover = await self._cutover(speaker, clicked.data["c"])
        await self._verb(speaker, Command(verb, clicked.data.get("r", "")), cutover)

    async def _tick(self, speaker: Speaker, clicked: Click) -> None:
        deps, actor, place = speaker.deps, speaker.actor, speaker.where
        try:
            item = Item(clicked.data.get("i", ""))
        except ValueError:
            await say(deps, actor.team, speaker.row_id)
            return
        on, cutover_id = clicked.verb == "tick", clicked.data.get("c", "")
        await desk.tick(deps, actor, place, speaker.row_id, cutover_id, item, on=on)

    async def _picked_day(self, speaker: Speaker, clicked: Click) -> None:
        """A day from the picker is shown back like a day that was written."""
        deps = speaker.deps
        cutover = await self._cutover(speaker, clicked.data.get("c", ""))
        day = moment(clicked.data.get("at", ""))
        if day is None:
            await say(deps, speaker.actor.team, speaker.row_id)
            return
        words = day.astimezone(desk.zone_of(speaker.actor)).strftime("%Y-%m-%d %H:%M")
        await hear.move(deps, speaker.actor, speaker.where, speaker.row_id, cutover, words)

    async def _cutover(self, speaker: Speaker, cutover_id: str) -> Cutover:
        return await speaker.deps.store.transact(
            lambda tx: ending.load(tx, speaker.deps, speaker.actor, cutover_id, Act.SEE)
        )

    async def _step(self, speaker: Speaker, clicked: Click) -> None:
        deps, actor = speaker.deps, speaker.actor
        try:
            step = Step(clicked.data.get("s", ""))
        except ValueError:
            await say(deps, actor.team, speaker.row_id)
            return
        says = answer.Says(clicked.verb.removeprefix("step_"))
        at = None
        if says is answer.Says.LATER:
            at = moment(clicked.data.get("at", "")) or _tomorrow(deps.clock.now(), actor)
        voice = Voice(actor.lang)
        reason = voice("button.cant_ttl") if says is answer.Says.CANT else ""
        await answer.settle(
            deps,
            actor,
            speaker.where,
            speaker.row_id,
            clicked.data.get("c", ""),
            (step,),
            says,
            reason=reason,
            at=at,
        )

    # --- shortcuts and events ------------------------------------------------------------------------------

    async def _shortcut(self, speaker: Speaker, body: Body) -> None:
        if body.get("type") == "shortcut":
            await self._start_from_shortcut(speaker)
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
        text = str(message.get("text", ""))
        await questions.ask(speaker.deps, speaker.actor, in_thread, speaker.row_id, text, None)

    async def _start_from_shortcut(self, speaker: Speaker) -> None:
        """A global shortcut has no channel: the cutover's thread goes into the person's DM."""
        client = await self._clients.of(speaker.actor.team)
        channel = ""
        if client is not None and not speaker.where.channel:
            opened = await client.conversations_open(users=[speaker.actor.user])
            channel = str(opened["channel"]["id"])
        place = replace(speaker.where, channel=speaker.where.channel or channel, is_dm=bool(channel))
        await self._start(replace(speaker, where=place), "")

    async def _event(self, speaker: Speaker, body: Body) -> None:
        event: Body = body.get("event") or {}
        match event.get("type"):
            case "app_home_opened":
                await self._home(speaker, str(event.get("tab", "home")))
            case "app_mention":
                await self._said(speaker, event, body, addressed=True)
            case "message":
                await self._said(speaker, event, body, addressed=speaker.where.is_dm)
            case _:
                await say(speaker.deps, speaker.actor.team, speaker.row_id)

    async def _home(self, speaker: Speaker, tab: str, shown: Mapping[str, str] | None = None) -> None:
        await say(speaker.deps, speaker.actor.team, speaker.row_id)
        client = await self._clients.of(speaker.actor.team)
        if client is None or tab != "home":
            return
        view = await home.view(speaker.deps, speaker.actor, shown or {})
        await client.views_publish(user_id=speaker.actor.user, view=view)

    async def _said(self, speaker: Speaker, event: Body, body: Body, *, addressed: bool) -> None:
        bot_user = authorized_user(body)
        text = str(event.get("text", ""))
        if event.get("type") == "message" and not speaker.where.is_dm and mentions(text, bot_user):
            await say(speaker.deps, speaker.actor.team, speaker.row_id)  # it comes as a mention too
            return
        text = without_mentions(text, bot_user)
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
                await self._verb(speaker, heard.command, cutover)
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
        if command.verb is not None and _is_command(command, speaker.deps):
            await self._verb(speaker, command, None)
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


def _tomorrow(now: datetime, actor: Actor) -> datetime:
    """Tomorrow at ten in the person's own zone."""
    local = now.astimezone(desk.zone_of(actor)) + timedelta(days=1)
    return local.replace(hour=10, minute=0, second=0, microsecond=0)
