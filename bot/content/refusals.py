"""A refusal as a person reads it: what was seen and why, then the name or line that was probably meant."""

from collections.abc import Mapping
from typing import Any

from bot.content import Escape, say


def refusal(family: str, reason: str, args: Mapping[str, Any], lang: str, escape: Escape = str) -> str:
    """The text of `<family>.bad.<reason>`, with `<family>.suggestion` behind it where there is one.

    `family` is "name" (names.BadName) or "notice" (notice.BadNotice); `args` their `args_for_text`.
    """
    text = say(f"{family}.bad.{reason}", lang, escape=escape, **args)
    if args.get("suggestion"):
        text += "\n" + say(f"{family}.suggestion", lang, escape=escape, **args)
    return text
