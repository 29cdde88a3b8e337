"""The watch and the guard in Slack: the change as it arrives, and what stands against changing now."""

from collections.abc import Mapping
from typing import Any

from bot.domain.cutover import Cutover, State
from bot.domain.watch import Standing, WatchView, view_of
from bot.slack import elements as el
from bot.slack.material import Material
from bot.slack.rendered import Block, Rendered
from bot.slack.thread import finding_lines, only
from bot.slack.voice import Voice, instant

Args = Mapping[str, Any]

OVERRIDE = "override"
MOST_LINES = 12

_MARK = {Standing.NEW: "✅", Standing.OLD: "⬜", Standing.OTHER: "🚨", Standing.SILENT: "❔"}


def progress(voice: Voice, material: Material, cutover: Cutover, args: Args) -> Rendered:
    """Which address gives what, what the caches hold, from when it is safe. Edited in place."""
    view = view_of(args["view"])
    way_back = cutover.state is State.ROLLING_BACK
    lines = [voice("progress.title.back" if way_back else "progress.title", at=instant(args["at"]))]
    lines += _servers(voice, view)
    if view.sampled and not way_back:
        if view.old and view.gone_at is not None:
            lines.append(voice("progress.caches_old", old=view.old, total=view.sampled, gone_at=view.gone_at))
        else:
            lines.append(voice("progress.caches_new", total=view.sampled))
    safe = cutover.instants.t_safe
    if safe is not None and not way_back:
        key = "instant.shown_safe" if safe <= material.now else "instant.t_safe"
        lines.append(voice(key, safe_at=safe))
    return only("\n".join(lines))


def _servers(voice: Voice, view: WatchView) -> list[str]:
    shown: list[str] = []
    for line in view.lines[:MOST_LINES]:
        text = f"{_MARK[line.standing]} {el.escape(line.server)}"
        if line.standing is Standing.SILENT:
            text += "　" + voice("progress.silent")
        elif line.standing is not Standing.NEW:
            given = "、".join(el.escape(el.cut(mx, 120)) for mx in line.mx[:3]) or voice("answer.no_mx")
            text += f"　`{given}`"
        shown.append(text)
    if len(view.lines) > MOST_LINES:
        shown.append(voice("list.more", count=len(view.lines) - MOST_LINES))
    return shown


def no_go(voice: Voice, material: Material, cutover: Cutover, args: Args) -> Rendered:
    """What stands against changing the MX now, each with its remedy, and the ways on."""
    parts = [voice("no_go.title")]
    earliest = instant(args.get("earliest"))
    if earliest is not None:
        parts.append(voice("no_go.earliest", safe_at=earliest))
    parts += finding_lines(voice, args["findings"])
    data = {"c": cutover.id}
    buttons = [
        el.button(voice("button.flip_again"), "flip", data, style="primary"),
        el.button(voice("button.override"), "override_open", data),
    ]
    return only("\n\n".join(parts), *el.actions(buttons))


def overridden(voice: Voice, material: Material, cutover: Cutover, args: Args) -> Rendered:
    """Who went on all the same, and why."""
    reason = el.escape(el.cut(str(args["reason"]), 500))
    return only(voice.raw("overridden.text", user=args["user"], reason=reason))


def override_form(voice: Voice, cutover_id: str) -> Block:
    """The form that asks for the reason. Its private_metadata names the cutover and is no authority."""
    return {
        "type": "modal",
        "callback_id": OVERRIDE,
        "private_metadata": cutover_id,
        "title": el.plain(voice("override.title"), 24),
        "submit": el.plain(voice("override.submit"), 24),
        "close": el.plain(voice("form.close"), 24),
        "blocks": [
            el.section(voice("override.text")),
            {
                "type": "input",
                "block_id": "reason",
                "label": el.plain(voice("override.reason"), 2000),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "reason",
                    "multiline": True,
                    "min_length": 3,
                    "max_length": 500,
                },
            },
        ],
    }


def override_of(body: Mapping[str, Any]) -> tuple[str, str] | None:
    """The cutover and the reason of a submission of that form; None for any other."""
    view = body.get("view") or {}
    if view.get("callback_id") != OVERRIDE:
        return None
    values = (view.get("state") or {}).get("values") or {}
    reason = str(((values.get("reason") or {}).get("reason") or {}).get("value") or "").strip()
    return str(view.get("private_metadata", "")), reason
