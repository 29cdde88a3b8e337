"""What somebody writes in a cutover's thread: understood by the grammar, answered by one use case."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bot.domain.authority import Act, Actor, authorise
from bot.domain.commands import Command, Verb
from bot.domain.cutover import Cutover, Event, NotNow, Step, accepts
from bot.domain.replies import Meaning, Need, Reply, read_new_day, understand
from bot.ports import HistoryEntry, Outgoing, Tx
from bot.usecases import ending, questions
from bot.usecases.answer import Says, settle
from bot.usecases.context import Deps, Where, say, transact

_WHAT_NEXT = re.compile(
    r"^(?:次は|つぎは|次の(?:手順|作業|ステップ)|what(?:'s| is) next|(?:the )?next step)", re.I
)
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


@dataclass(frozen=True, slots=True)
class Left:
    """The parts of a reply that are still to be acted on, in order, and the step that the thread had asked
    for when it was written. `words`: the whole reply, where it is one part.
    """

    parts: tuple[Reply, ...]
    asked: Step | None
    words: str | None = None

    @property
    def rest(self) -> "Left | None":
        """What is left after the first of them."""
        return Left(self.parts[1:], self.asked) if len(self.parts) > 1 else None


async def read(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    text: str,
    *,
    me: str | None = None,
) -> Left | None:
    """What a reply asks for, each thing in the order in which it was said, a verb last.

    None: it was a pasted mail, or belonged to an open question; it is answered. `me`: the bot's own user id.
    Raises NotAllowed.
    """
    if questions.is_mail(text):
        # "Received:" is no report of something done; and who pastes a mail wants to be told about it.
        await questions.ask(deps, actor, where, row_id, text, cutover)
        return None
    if await questions.answers_the_tree(deps, actor, where, text):
        await questions.ask(deps, actor, where, row_id, text, cutover)
        return None
    now, tz = deps.clock.now(), zone_of(actor)
    meant = understand(text, now, tz, lang=actor.lang, asked=cutover.asked, day=cutover.day, me=me)
    meant = await _continued(deps, actor, cutover, text, meant)
    parts: list[Reply] = []
    verb: Reply | None = None
    for part in meant.parts:
        if part.meaning is Meaning.VERB and part.verb is not None:
            verb = verb or part
        elif part.meaning is Meaning.QUESTION and _WHAT_NEXT.search(part.text):
            verb = verb or Reply(Meaning.VERB, part.text, verb=Verb.STATUS)
        else:
            parts.append(part)
    return Left((*parts, verb) if verb else tuple(parts), cutover.asked, None if meant.also else text)


async def act(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    left: Left,
    *,
    addressed: bool,
) -> Command | None:
    """Act on the first of the parts that are left; it settles the delivery.

    A verb is handed back, for it may be one that shows something. Chatter is left alone. What could not be
    read gets one question, and only where the bot had asked something or was addressed. Raises NotAllowed,
    NotNow, Gone, TooMany.
    """
    part = left.parts[0]
    if part.meaning is Meaning.VERB and part.verb is not None:
        return Command(part.verb, part.text if part.verb is Verb.ASK else "")
    words = part.text if left.words is None else left.words
    # Every part means what it meant when it was written: an earlier one may have changed what is asked for.
    as_written = replace(cutover, asked=left.asked)
    await _part(deps, actor, where, row_id, as_written, part, words, addressed=addressed)
    return None


async def _part(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    part: Reply,
    text: str,
    *,
    addressed: bool,
) -> None:
    if part.meaning is Meaning.NOISE:
        await say(deps, actor.team, row_id)
    elif part.meaning is Meaning.UNCLEAR:
        await _unclear(deps, actor, where, row_id, cutover, part, text, addressed=addressed)
    elif part.meaning is Meaning.QUESTION:
        await questions.ask(deps, actor, where, row_id, text, cutover, unasked=not addressed)
    elif part.meaning in _SAYS:
        await _standing(deps, actor, where, row_id, cutover, part)
    else:
        await _move_or_end(deps, actor, where, row_id, cutover, part)


# --- what was asked back -----------------------------------------------------------------------------

ASKED_BACK_FOR = timedelta(hours=12)


def asked_back_key(actor: Actor, cutover: Cutover) -> str:
    """Where it is kept that this person was asked to when."""
    return f"when:{cutover.id}:{actor.user}"


async def _continued(deps: Deps, actor: Actor, cutover: Cutover, text: str, meant: Reply) -> Reply:
    """A date alone, after "to when?": the new day, not a time to be reminded at."""
    key = asked_back_key(actor, cutover)
    place = await deps.store.transact(lambda tx: tx.places.get(actor.team, key))
    if place is None:
        return meant
    now, tz = deps.clock.now(), zone_of(actor)
    fresh = now - datetime.fromisoformat(str(place["at"])) < ASKED_BACK_FOR
    if not fresh or meant.meaning not in (Meaning.LATER, Meaning.UNCLEAR):
        await deps.store.transact(lambda tx: tx.places.drop(actor.team, key))
        return meant
    readings = [read_new_day(text, now, tz, day=cutover.day, lang=actor.lang)]
    if place.get("day"):
        joined = f"{place['day']} {text}"
        readings.insert(0, read_new_day(joined, now, tz, day=cutover.day, lang=actor.lang))
    for reading in readings:
        if reading.at is not None or reading.readings or reading.day is not None or reading.trouble:
            return replace(reading, reason=reading.reason or place.get("reason"))
    return meant


async def _unclear(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    part: Reply,
    text: str,
    *,
    addressed: bool,
) -> None:
    """Perhaps a question in other words; else one question back, where an answer was awaited."""
    domain_free = await questions.evidence(deps, actor, None, None)
    if part.nearest is None and deps.asker.ask(text, domain_free).sure:
        await questions.ask(deps, actor, where, row_id, text, cutover, unasked=not addressed)
        return
    if not addressed and cutover.asked is None and part.nearest is None:
        await say(deps, actor.team, row_id)
        return
    authorise(actor, Act.SEE, cutover, deps.operators)
    steps = part.steps or ((cutover.asked,) if cutover.asked else ())
    args: dict[str, object] = {
        "nearest": part.nearest.value if part.nearest else None,
        "steps": [step.value for step in steps],
        "needs": [need.value for need in part.needs],
    }
    await say(deps, actor.team, row_id, reply_to(where, actor, "unclear", args, cutover))


async def _standing(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, part: Reply
) -> None:
    """What a part says of steps. "Later" without a time, or with one that cannot be, is asked for."""
    says, steps = _SAYS[part.meaning], _chosen(cutover, part)
    if says is Says.LATER and part.at is None:
        await _when_then(deps, actor, where, row_id, cutover, part, steps)
        return
    await settle(
        deps, actor, where, row_id, cutover.id, steps, says, reason=part.text.strip()[:300], at=part.at
    )


async def _when_then(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    cutover: Cutover,
    part: Reply,
    steps: tuple[Step, ...],
) -> None:
    authorise(actor, Act.SETTLE, cutover, deps.operators)
    now, tz = deps.clock.now(), zone_of(actor)
    step = steps[0] if steps else cutover.asked
    args: dict[str, object] = {
        "trouble": part.trouble.value if part.trouble else None,
        "step": step.value if step else None,
        "times": [at.isoformat() for at in (now + timedelta(hours=1), now + timedelta(hours=3))]
        + [_tomorrow(now, tz).isoformat()],
    }
    await say(deps, actor.team, row_id, reply_to(where, actor, "later_ask", args, cutover))


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
            await offer(deps, actor, where, row_id, cutover, meant)
        case Meaning.CANCEL | Meaning.ROLL_BACK:
            may_end(
                deps, actor, cutover, Event.CANCEL if meant.meaning is Meaning.CANCEL else Event.ROLL_BACK
            )
            kind = "cancel_ask" if meant.meaning is Meaning.CANCEL else "rollback_ask"
            await say(deps, actor.team, row_id, reply_to(where, actor, kind, {}, cutover))
        case Meaning.ASSIGN:
            if Need.USER in meant.needs or not meant.users:
                await say(deps, actor.team, row_id, reply_to(where, actor, "assign_who", {}, cutover))
                return
            await ending.assign(deps, actor, where, row_id, cutover.id, meant.users)
        case _:
            await say(deps, actor.team, row_id)


def may_end(deps: Deps, actor: Actor, cutover: Cutover, event: Event) -> None:
    """Before it is asked whether to cancel or roll back. Raises NotAllowed, which says who could; NotNow."""
    authorise(actor, Act.END, cutover, deps.operators)
    if not accepts(cutover.state, event):
        raise NotNow(cutover.state, event)


def _may_move(deps: Deps, actor: Actor, cutover: Cutover) -> None:
    authorise(actor, Act.MOVE, cutover, deps.operators)
    if not accepts(cutover.state, Event.RESCHEDULED):
        raise NotNow(cutover.state, Event.RESCHEDULED)


async def move(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, text: str, reason: str = ""
) -> None:
    """`reschedule …`: show what was understood, and a button; move nothing before that is clicked.

    `reason`: as filled in apart from the text.
    """
    _may_move(deps, actor, cutover)
    now, tz = deps.clock.now(), zone_of(actor)
    meant = read_new_day(text, now, tz, day=cutover.day, lang=actor.lang)
    await offer(deps, actor, where, row_id, cutover, replace(meant, reason=reason or meant.reason))


async def offer(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, meant: Reply
) -> None:
    """What was understood, with a button for each day that may be meant; none: the question when.

    A day that lies in a freeze is said to, and not offered. That the question was asked is kept, so that
    the answer may be a date alone.
    """
    days = (meant.at,) if meant.at is not None else meant.readings
    frozen = next((f for day in days if (f := deps.policy.frozen(day))), None)
    if frozen is not None:
        days = ()
    needs = () if days else meant.needs or (Need.DATE, Need.TIME)
    args: dict[str, object] = {
        "needs": [need.value for need in needs] if not days or len(days) == 1 else [Need.WHICH.value],
        "day": meant.day.isoformat() if meant.day else None,
        "trouble": meant.trouble.value if meant.trouble else None,
        "assumed": [assumed.value for assumed in meant.assumed],
        "days": [day.isoformat() for day in days[:4]],
        "reason": meant.reason,
        "frozen": [frozen.first.isoformat(), frozen.last.isoformat()] if frozen else None,
    }
    now, key = deps.clock.now(), asked_back_key(actor, cutover)
    keep = {"at": now.isoformat(), "day": args["day"], "reason": meant.reason}
    answer = reply_to(where, actor, "reschedule_ask", args, cutover)

    def work(tx: Tx) -> None:
        if days:
            tx.places.drop(actor.team, key)
        else:
            tx.places.put(actor.team, key, keep, now)
        tx.outbox.put(actor.team, answer)

    await transact(deps, actor.team, row_id, work)


def reply_to(where: Where, actor: Actor, kind: str, args: dict[str, object], cutover: Cutover) -> Outgoing:
    """In the thread where there is one, else in private."""
    if where.thread_ts and not where.response_url:
        return where.here(actor, kind, args, cutover_id=cutover.id, lang=where.lang or cutover.lang)
    return where.private(actor, kind, args, cutover_id=cutover.id)


async def assign(
    deps: Deps, actor: Actor, where: Where, row_id: int | None, cutover: Cutover, text: str
) -> None:
    """`assign … @user`: the people mentioned answer for the cutover too. Raises NotAllowed."""
    authorise(actor, Act.MOVE, cutover, deps.operators)
    users = tuple(dict.fromkeys(_MENTION.findall(text)))
    if not users:
        await say(deps, actor.team, row_id, reply_to(where, actor, "assign_who", {}, cutover))
        return
    await ending.assign(deps, actor, where, row_id, cutover.id, users)


async def feedback(
    deps: Deps,
    actor: Actor,
    where: Where,
    row_id: int | None,
    entry: str,
    *,
    helped: bool,
    question: int | None,
) -> None:
    """Keep whether an answer helped, and thank for it. Raises NotAllowed."""
    authorise(actor, Act.SEE, None, deps.operators)
    kind = "thanks" if helped else "not_helped"

    def work(tx: Tx) -> None:
        if question is not None:
            tx.questions.rate(actor.team, question, helped)
        if where.thread_ts is not None:
            cutover = tx.cutovers.by_thread(actor.team, where.channel, where.thread_ts)
            if cutover is not None:
                data = {"entry": entry, "helped": helped}
                note = HistoryEntry(deps.clock.now(), "feedback", actor.user, data)
                tx.history.append(actor.team, cutover.id, note)
        tx.outbox.put(actor.team, where.private(actor, kind))

    await transact(deps, actor.team, row_id, work)
