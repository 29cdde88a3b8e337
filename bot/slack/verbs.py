"""A verb, by slash command, reply, button or shortcut: the one use case that it asks for."""

from bot.domain.commands import Command, Verb
from bot.domain.cutover import Cutover, Event
from bot.slack.opening import Opening
from bot.slack.people import Directory
from bot.slack.speaker import Speaker
from bot.usecases import desk, hear, look, questions, show
from bot.usecases.context import say


class Verbs:
    """The same for every way in which a verb is said."""

    def __init__(self, directory: Directory, opening: Opening) -> None:
        self._directory = directory
        self._opening = opening

    async def verb(self, speaker: Speaker, command: Command, cutover: Cutover | None) -> None:
        deps, actor, place, row_id = speaker.deps, speaker.actor, speaker.where, speaker.row_id
        match command.verb:
            case Verb.START:
                await self._opening.start(speaker, command.rest)
            case Verb.HELP:
                await speaker.private("help")
            case Verb.LIST:
                await desk.listing(deps, actor, place, row_id, command.rest)
            case Verb.SETTINGS:
                await self._opening.settings(speaker)
            case Verb.ASK:
                await self.ask(speaker, command.rest, cutover)
            case Verb.CHECK:
                await self.check(speaker, command.rest, cutover)
            case None:
                nearest = command.nearest.value if command.nearest else None
                await speaker.private(
                    "unknown_command", word=command.word, nearest=nearest, rest=command.rest
                )
            case _:
                await self._of_cutover(speaker, command.verb, command.rest, cutover)

    async def ask(self, speaker: Speaker, text: str, cutover: Cutover | None) -> None:
        if text:
            await questions.ask(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text, cutover)
        else:
            await speaker.private("help")

    async def check(self, speaker: Speaker, rest: str, cutover: Cutover | None) -> None:
        text = rest or (cutover.domain if cutover else "")
        if not text:
            found = await show.find(speaker.deps, speaker.actor, "")
            text = found.domain if found else ""
        if text:
            await look.check(speaker.deps, speaker.actor, speaker.where, speaker.row_id, text)
        else:
            await speaker.private("needs_domain", verb="check")

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
                hear.may_end(deps, actor, found, Event.CANCEL if verb is Verb.CANCEL else Event.ROLL_BACK)
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
