"""What a workspace has set, as a message."""

from collections.abc import Mapping
from typing import Any

from bot.slack import elements as el
from bot.slack.names import named
from bot.slack.rendered import Rendered
from bot.slack.thread import only
from bot.slack.voice import Voice

Args = Mapping[str, Any]


def settings_now(voice: Voice, args: Args) -> Rendered:
    """What the workspace has set, and a way to change it."""
    nothing = voice("settings.none")
    langs: Mapping[str, str] = args.get("langs") or {}

    def spoken(lang: str) -> list[str] | str:
        return [f"<#{channel}>" for channel, said in sorted(langs.items()) if said == lang][:30] or nothing

    text = voice.raw(
        "settings.now",
        operators=named(args.get("operators") or ())[:50]
        or voice("settings.all_viewers" if args.get("viewers") else "settings.everyone"),
        viewers=named(args.get("viewers") or ())[:50] or voice("settings.everyone"),
        channels=[f"<#{c}>" for c in args.get("channels") or ()][:50] or voice("settings.everywhere"),
        en=spoken("en"),
        ja=spoken("ja"),
        freezes=[el.escape(str(f)) for f in args.get("freezes") or ()][:50] or nothing,
    )
    button = el.button(voice("settings.change"), "settings_open", {})
    return only(text, *el.actions([button]))


def not_here(voice: Voice, args: Args) -> Rendered:
    """The workspace allows other channels only."""
    channels = [f"<#{channel}>" for channel in args.get("channels", ())][:20]
    return only(voice.raw("refuse.not_here", channels=channels))
