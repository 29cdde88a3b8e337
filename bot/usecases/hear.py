"""What somebody writes in a cutover's thread: understood by the grammar, answered by one use case."""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.authority import Act, Actor, authorise
from bot.domain.commands import Command, Verb
from bot.domain.cutover import Cutover, Event, NotNow, Step, accepts
from bot.domain.replies import Meaning, Need, Reply, understand
from bot.domain.when import Ambiguous, Impossible, Partial, When, parse_shift, parse_when
from bot.ports import HistoryEntry, Outgoing, Tx
from bot.usecases import ending, questions
from bot.usecases.answer import Says, settle
from bot.usecases.context import Deps, Where, say, transact
from bot.usecases.observe import in_thread

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")

_SAYS = {
    Meaning.DONE: Says.DONE,
    Meaning.CANT: Says.CANT,
    Meaning.NOT_NEEDED: Says.NOT_NEEDED,
    Meaning.NOT_YET: Says.NOT_YET,
    Meaning.LATER: Says.LATER,
}


def zone_of(actor: Actor) -> ZoneInfo:
    """The person's zone; Tokyo where Slack's is not known here."""
    try:
        return ZoneInfo(actor.tz)
    except (KeyError, ValueError):
        return ZoneInfo("Asia/Tokyo")


async def reply(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    text: str,
    *,
    addressed: bool,
) -> Command | None:
    """Act on a reply; a verb in it is handed back, for it may be one that shows something.

    Chatter is left alone. What could not be read gets one question, and only where the bot had asked
    something or was addressed. Raises NotAllowed, NotNow, Gone.
    """
    meant = understand(
        text, deps.clock.now(), zone_of(actor), lang=actor.lang, asked=cutover.asked, day=cutover.day
    )
    if meant.meaning is Meaning.VERB and meant.verb is not None:
        return Command(meant.verb, "" if meant.verb is not Verb.ASK else meant.text)
    if meant.meaning is Meaning.NOISE:
        await say(deps, actor.team, row_id)
    elif meant.meaning is Meaning.UNCLEAR:
        await _unclear(deps, actor, where, row_id, cutover, text, addressed=addressed)
    elif meant.meaning is Meaning.QUESTION:
        await questions.ask(deps, actor, where, row_id, text, cutover, unasked=not addressed)
    elif meant.meaning in _SAYS:
        await _steps(deps, actor, where, row_id, cutover, meant)
    else:
        await _move_or_end(deps, actor, where, row_id, cutover, meant)
    return None


async def _unclear(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    text: str,
    *,
    addressed: bool,
) -> None:
    """Perhaps a question in other words; else one question back, where an answer was awaited."""
    domain_free = await questions.evidence(deps, actor, None, None)
    if deps.asker.ask(text, domain_free).sure:
        await questions.ask(deps, actor, where, row_id, text, cutover, unasked=not addressed)
        return
    if not addressed and cutover.asked is None:
        await say(deps, actor.team, row_id)
        return
    args: dict[str, object] = {"asked": cutover.asked.value if cutover.asked else None}
    await say(deps, actor.team, row_id, in_thread(cutover, "answer.unclear", args))


async def _steps(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, meant: Reply
) -> None:
    """Each part that speaks of steps, in the order in which it was said; the first settles the delivery."""
    pending: int | None = row_id
    for part in meant.parts:
        says = _SAYS.get(part.meaning)
        if says is None:
            continue
        at = part.at
        if says is Says.LATER and at is None:
            at = _tomorrow(deps.clock.now(), zone_of(actor))
        steps = _chosen(cutover, part)
        await settle(
            deps, actor, where, pending, cutover.id, steps, says, reason=part.text.strip()[:300], at=at
        )
        pending = None


def _chosen(cutover: Cutover, part: Reply) -> tuple[Step, ...]:
    if not part.everything or part.steps:
        return part.steps
    if cutover.asked is None:
        return ()
    # "All done" is taken of what was asked for together, never of the whole checklist.
    together = (Step.ADMIN, Step.ALLOW_RULE, Step.DELIVERY)
    if cutover.asked in together:
        return tuple(step for step in together if not cutover.step(step).settled)
    return (cutover.asked,)


def _tomorrow(now: datetime, tz: ZoneInfo) -> datetime:
    local = now.astimezone(tz) + timedelta(days=1)
    return local.replace(hour=10, minute=0, second=0, microsecond=0)


async def _move_or_end(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, meant: Reply
) -> None:
    match meant.meaning:
        case Meaning.RESCHEDULE:
            _may_move(deps, actor, cutover)
            days = (meant.at,) if meant.at is not None else meant.readings
            needs = () if meant.at is not None else meant.needs
            args: dict[str, object] = {
                "needs": [need.value for need in needs],
                "day": meant.day.isoformat() if meant.day else None,
                "trouble": meant.trouble.value if meant.trouble else None,
                "assumed": [assumed.value for assumed in meant.assumed],
            }
            await offer(deps, actor, where, row_id, cutover, days, args)
        case Meaning.CANCEL | Meaning.ROLL_BACK:
            act = Event.CANCEL if meant.meaning is Meaning.CANCEL else Event.ROLL_BACK
            authorise(actor, Act.END, cutover, deps.operators)
            if not accepts(cutover.state, act):
                raise NotNow(cutover.state, act)
            kind = "cancel_ask" if meant.meaning is Meaning.CANCEL else "rollback_ask"
            await say(deps, actor.team, row_id, reply_to(where, actor, kind, {}, cutover))
        case Meaning.ASSIGN:
            if Need.USER in meant.needs or not meant.users:
                await say(deps, actor.team, row_id, reply_to(where, actor, "assign_who", {}, cutover))
                return
            await ending.assign(deps, actor, where, row_id, cutover.id, meant.users)
        case _:
            await say(deps, actor.team, row_id)


def _may_move(deps: Deps, actor: Actor, cutover: Cutover) -> None:
    authorise(actor, Act.MOVE, cutover, deps.operators)
    if not accepts(cutover.state, Event.RESCHEDULED):
        raise NotNow(cutover.state, Event.RESCHEDULED)


async def move(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, text: str
) -> None:
    """`reschedule …`: show what was understood, and a button; move nothing before that is clicked."""
    _may_move(deps, actor, cutover)
    now = deps.clock.now()
    reading = parse_when(text, now, zone_of(actor), same_as=cutover.day, lang=actor.lang)
    shift = parse_shift(text)
    days: tuple[datetime, ...] = ()
    args: dict[str, object] = {"needs": [Need.DATE.value, Need.TIME.value]}
    match reading:
        case When():
            days = (reading.at,)
            args = {"assumed": [assumed.value for assumed in reading.assumed]}
        case Ambiguous():
            days = reading.readings
            args = {"needs": [Need.WHICH.value]}
        case Partial():
            day = reading.day.isoformat() if reading.day else None
            args = {"needs": [missing.value for missing in reading.missing], "day": day}
        case Impossible():
            args = {"needs": [Need.ANOTHER_TIME.value], "trouble": reading.trouble.value}
        case None if shift is not None:
            days, args = (cutover.day + shift,), {}
    await offer(deps, actor, where, row_id, cutover, days, args)


async def offer(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    days: tuple[datetime, ...],
    args: dict[str, object],
) -> None:
    """What was understood, with a button for each day that may be meant; none: the question when."""
    args = {**args, "days": [day.isoformat() for day in days[:4]]}
    await say(deps, actor.team, row_id, reply_to(where, actor, "reschedule_ask", args, cutover))


def reply_to(where: Where, actor: Actor, kind: str, args: dict[str, object], cutover: Cutover) -> Outgoing:
    """In the thread where there is one, else in private."""
    if where.thread_ts and not where.response_url:
        return where.here(actor, kind, args, cutover_id=cutover.id)
    return where.private(actor, kind, args, cutover_id=cutover.id)


async def assign(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, text: str
) -> None:
    """`assign … @user`: the people mentioned answer for the cutover too."""
    users = tuple(dict.fromkeys(_MENTION.findall(text)))
    if not users:
        await say(deps, actor.team, row_id, reply_to(where, actor, "assign_who", {}, cutover))
        return
    await ending.assign(deps, actor, where, row_id, cutover.id, users)


async def feedback(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, entry: str, *, helped: bool
) -> None:
    """Keep whether an answer helped, and thank for it."""
    kind = "thanks" if helped else "not_helped"

    def work(tx: Tx) -> None:
        if where.thread_ts is not None:
            cutover = tx.cutovers.by_thread(actor.team, where.channel, where.thread_ts)
            if cutover is not None:
                data = {"entry": entry, "helped": helped}
                note = HistoryEntry(deps.clock.now(), "feedback", actor.user, data)
                tx.history.append(actor.team, cutover.id, note)
        tx.outbox.put(actor.team, where.private(actor, kind))

    await transact(deps, actor.team, row_id, work)
