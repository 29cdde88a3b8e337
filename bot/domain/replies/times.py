"""The times in a reply: the new day of a reschedule, or when to ask again."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.cutover import Step
from bot.domain.replies import words
from bot.domain.replies.model import Meaning, Need, Reply
from bot.domain.replies.reason import splits
from bot.domain.when import (
    Ambiguous,
    Impossible,
    Missing,
    Partial,
    Reading,
    Trouble,
    When,
    parse_shift,
    parse_when,
)
from bot.domain.when.numbers import plain
from bot.domain.when.parse import FARTHEST

DAYTIME = range(8, 21)
MORNING = time(10)  # when somebody who said only "tomorrow" is reminded

_NEEDS = {Missing.DATE: Need.DATE, Missing.TIME: Need.TIME}


@dataclass(frozen=True, slots=True)
class Context:
    """What a reply is read with; see `grammar.understand`."""

    now: datetime
    tz: ZoneInfo
    lang: str
    asked: Step | None
    day: datetime | None
    users: tuple[str, ...]


def read_new_day(
    text: str, now: datetime, tz: ZoneInfo, *, day: datetime | None = None, lang: str = "ja"
) -> Reply:
    """What follows `reschedule`: a RESCHEDULE with its instant, or with what is missing of it.

    What follows 「理由:」 or "because" is kept as its reason.
    「1週間延期」 and the like count from `day`, the planned change; so does 「1週間」 by itself.
    """
    for wish, reason, marked in splits(text, now, tz, lang=lang):
        read = read_new_day(wish, now, tz, day=day, lang=lang)
        if marked or read.at is not None or read.readings:
            return replace(read, text=text, reason=reason)
    context = Context(now, tz, lang, None, day, ())
    alone = parse_shift(text) is not None and parse_when(text, now, tz, lang=lang) is None
    shifted = _shifted(text, context) if alone else None
    return shifted or new_day(text, text, context)


def new_day(core: str, clause: str, context: Context) -> Reply:
    """The instant of a RESCHEDULE, or what is missing of it."""
    shifted = _shifted(core, context) if words.BY.search(plain(core)) else None
    if shifted is not None:
        return replace(shifted, text=clause)
    reading = parse_when(core, context.now, context.tz, same_as=context.day, lang=context.lang)
    blank = Reply(Meaning.RESCHEDULE, clause)
    match reading:
        case When():
            return replace(blank, at=reading.at, assumed=reading.assumed)
        case Ambiguous():
            return replace(blank, readings=reading.readings, needs=(Need.WHICH,))
        case Impossible():
            return replace(blank, trouble=reading.trouble, needs=(Need.ANOTHER_TIME,))
        case Partial():
            needs = tuple(_NEEDS[missing] for missing in reading.missing)
            return replace(blank, day=reading.day, needs=needs)
        case _:
            return replace(blank, needs=(Need.DATE, Need.TIME))


def _shifted(core: str, context: Context) -> Reply | None:
    """1週間延期: counted from the planned day, at the same time by the clock."""
    shift = parse_shift(core)
    if shift is None or context.day is None:
        return None
    if words.EARLIER.search(core):
        shift = -shift
    # Days keep the time by the clock, hours are hours, where the clocks change in between.
    whole_days = shift % timedelta(days=1) == timedelta(0)
    start = context.day.astimezone(context.tz if whole_days else UTC)
    try:
        at = (start + shift).astimezone(UTC)
    except OverflowError:
        at = context.now + 2 * FARTHEST
    blank = Reply(Meaning.RESCHEDULE, core)
    if context.now < at <= context.now + FARTHEST:
        return replace(blank, at=at)
    trouble = Trouble.PAST if at <= context.now else Trouble.TOO_FAR
    return replace(blank, trouble=trouble, needs=(Need.ANOTHER_TIME,))


def later_at(core: str, context: Context) -> Reply | None:
    """LATER at the time that a clause names; None where it names none."""
    reading = _lenient(core, context)
    last = re.split(r"[、,]", core)[-1]
    if last != core and not isinstance(reading, When):
        # 今日は無理です、明日やります: the last word counts.
        reading = _lenient(last, context) or reading
    match reading:
        case When():
            return Reply(Meaning.LATER, core, at=reading.at, assumed=reading.assumed)
        case Ambiguous():
            # To ask again costs little: the reading by day is taken, and said back.
            by_day = [at for at in reading.readings if at.astimezone(context.tz).hour in DAYTIME]
            return Reply(Meaning.LATER, core, at=(by_day or list(reading.readings))[0])
        case Partial():
            needs = tuple(_NEEDS[missing] for missing in reading.missing)
            return Reply(Meaning.LATER, core, needs=needs)
        case Impossible():
            return Reply(Meaning.LATER, core, trouble=reading.trouble, needs=(Need.ANOTHER_TIME,))
        case _:
            return None


def _lenient(text: str, context: Context) -> Reading:
    return parse_when(text, context.now, context.tz, fill=MORNING, same_as=context.day, lang=context.lang)
