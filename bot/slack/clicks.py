"""A click: by its verb to the one use case; what the button carries is no authority."""

from datetime import datetime, timedelta

from bot.domain.authority import Actor
from bot.domain.commands import Command, Verb
from bot.domain.cutover import Step
from bot.domain.desk import Item
from bot.slack.faq import told as asked_with
from bot.slack.opening import Opening
from bot.slack.payloads import Click, moment
from bot.slack.speaker import Speaker
from bot.slack.verbs import Verbs
from bot.slack.voice import Voice
from bot.usecases import answer, desk, ending, flip, hear, questions, retry, show
from bot.usecases.context import say


class Clicks:
    """From a click to its use case, or to the same verb that its word would be."""

    def __init__(self, verbs: Verbs, opening: Opening) -> None:
        self._verbs = verbs
        self._opening = opening

    async def clicked(self, speaker: Speaker, clicked: Click | None) -> None:
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
                cutover = await speaker.cutover(cutover_id)
                words = clicked.data.get("r", "")
                await desk.text(deps, actor, place, row_id, cutover, words, again=True)
            case "tick" | "untick":
                await self._tick(speaker, clicked)
            case "flip":
                await flip.flip(deps, actor, place, row_id, cutover_id)
            case "override_open":
                await self._opening.open_override(speaker, cutover_id)
            case "go":
                await desk.go(deps, actor, place, row_id, cutover_id)
            case "assign_pick":
                await ending.assign(deps, actor, place, row_id, cutover_id, (clicked.data.get("u", ""),))
            case "reschedule_pick":
                await self._picked_day(speaker, clicked)
            case "settings_open":
                await self._opening.open_settings(speaker)
            case "home":
                await self._opening.home(speaker, "home", clicked.data)
            case "check":
                await self._verbs.check(speaker, "", await speaker.cutover(cutover_id))
            case "plan" | "history" | "status" | "menu":
                cutover = await speaker.cutover(cutover_id)
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
                    seen = clicked.data.get("n", "")
                    await ending.reschedule(
                        deps,
                        actor,
                        place,
                        row_id,
                        cutover_id,
                        day,
                        _reason(clicked),
                        seen=int(seen) if seen.isascii() and seen.isdigit() else None,
                    )
            case "open_form":
                await self._opening.start(speaker, clicked.data.get("d", ""))
            case "list":
                page = clicked.data.get("p", "1" if "q" in clicked.data else "")
                number = int(page) if page.isdecimal() else None
                await desk.listing(deps, actor, place, row_id, clicked.data.get("q", ""), page=number)
            case "retry_root":
                await retry.root(deps, actor, row_id, cutover_id)
            case "faq" | "faq_other":
                value = clicked.data.get("v", "")
                await questions.go_on(deps, actor, place, row_id, value, asked_with(clicked.data))
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
            cutover = await speaker.cutover(clicked.data["c"])
        await self._verbs.verb(speaker, Command(verb, clicked.data.get("r", "")), cutover)

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
        cutover = await speaker.cutover(clicked.data.get("c", ""))
        day = moment(clicked.data.get("at", ""))
        if day is None:
            await say(deps, speaker.actor.team, speaker.row_id)
            return
        words = day.astimezone(desk.zone_of(speaker.actor)).strftime("%Y-%m-%d %H:%M")
        await hear.move(deps, speaker.actor, speaker.where, speaker.row_id, cutover, words, _reason(clicked))

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


def _reason(clicked: Click) -> str:
    """What stands in the field for the reason; where there is none, what the button was made with."""
    return clicked.data.get("r", "") if clicked.reason is None else clicked.reason


def _tomorrow(now: datetime, actor: Actor) -> datetime:
    """Tomorrow at ten in the person's own zone."""
    local = now.astimezone(desk.zone_of(actor)) + timedelta(days=1)
    return local.replace(hour=10, minute=0, second=0, microsecond=0)
