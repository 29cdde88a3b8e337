"""What was understood of a reply, said back: the time with its assumptions, or what is still missing."""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.content import TOKYO, say, show_instant


def at_text(at: datetime, assumed: Iterable[str], lang: str, tz: ZoneInfo = TOKYO) -> str:
    """An instant with its weekday in `tz`, and in brackets what was read into the words."""
    shown = show_instant(at, lang, tz)
    said = [say(f"when.assumed.{code}", lang) for code in assumed]
    return say("reply.at_assumed", lang, at=shown, assumed=said) if said else shown


def needs_text(
    needs: Iterable[str],
    lang: str,
    *,
    day: date | None = None,
    readings: Iterable[datetime] = (),
    trouble: str | None = None,
    tz: ZoneInfo = TOKYO,
) -> str:
    """The one question that a replies.Reply with `needs` leads to; "" where it needs nothing."""
    wanted = list(needs)
    if not wanted:
        return ""
    if wanted == ["date", "time"]:
        return say("reply.need.date_time", lang)
    if wanted == ["time"] and day is not None:
        return say("reply.need.time_on", lang, day=day)
    if wanted[0] == "which":
        return say("reply.need.which", lang, tz=tz, readings=list(readings))
    if wanted[0] == "another_time":
        why = say(f"when.trouble.{trouble}", lang) if trouble else ""
        return say("reply.need.another_time", lang, trouble=why)
    return say(f"reply.need.{wanted[0]}", lang)
