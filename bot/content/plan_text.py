"""A plan's reminders and notes as lines, for the command line and for Slack alike."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from bot.content import TOKYO, Escape, has, say


def gap_text(gap: str, name: str, lang: str) -> str:
    """Why the support is closed, as part of a sentence. `gap`: a value of calendar.Gap."""
    return say(f"support.gap.{gap}", lang, name=name)


def reminder_line(
    kind: str, args: Mapping[str, Any], lang: str, *, escape: Escape = str, tz: ZoneInfo = TOKYO
) -> str:
    """One line on what a planned reminder is for, with why it comes when it does.

    `kind` and `args` as domain.plan.Reminder has them.
    """
    words: dict[str, Any] = {"ttl": args.get("ttl")}
    if "gap" in args:
        words["gap"] = gap_text(args["gap"], args.get("gap_name", ""), lang)
    line = say(_key(kind, args), lang, escape=escape, tz=tz, **words)
    if "wanted_at" in args:
        wanted = datetime.fromisoformat(args["wanted_at"])
        line += _joint(lang) + say("plan.at_once", lang, tz=tz, wanted_at=wanted)
    elif "moved_from" in args:
        gap = gap_text(args["moved_gap"], args.get("moved_name", ""), lang)
        line += _joint(lang) + say("plan.moved", lang, day=date.fromisoformat(args["moved_from"]), gap=gap)
    return line


def note_line(
    code: str, args: Mapping[str, Any], lang: str, *, escape: Escape = str, tz: ZoneInfo = TOKYO
) -> str:
    """The text of a domain.plan.Note."""
    words = dict(args)
    if "gap" in words:
        words["gap"] = gap_text(words["gap"], words.pop("gap_name", ""), lang)
    return say(f"plan.note.{code}", lang, escape=escape, tz=tz, **words)


def _key(kind: str, args: Mapping[str, Any]) -> str:
    if "mail_service" in args:
        return f"plan.{kind}.{args['mail_service']}"
    unknown = f"plan.{kind}_unknown"
    return unknown if args.get("ttl") is None and has(unknown) else f"plan.{kind}"


def _joint(lang: str) -> str:
    return "" if lang == "ja" else " "
