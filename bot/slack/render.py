"""From what a message says to how it looks. One table of kinds; a kind that is not in it is a mistake."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from bot.ports import Outgoing
from bot.slack import asked, desk, files, lists, notes, runbook, settings_shown, thread, told, watch
from bot.slack import elements as el
from bot.slack.checklist import root
from bot.slack.faq import faq
from bot.slack.material import Material
from bot.slack.rendered import Block, Rendered
from bot.slack.voice import TOKYO, Voice


def render(message: Outgoing, material: Material) -> Rendered:
    """The message as Slack takes it, of the cutover as it stands. Raises KeyError for an unknown kind."""
    zone = TOKYO
    if material.cutover is not None and message.kind not in ("root", "opened"):
        zone = ZoneInfo(material.cutover.tz)
    voice = Voice(message.lang, zone)
    args = message.args
    kind = message.kind
    cutover = material.cutover
    if kind in _ALONE:
        return _ALONE[kind](voice, args)
    if kind in _OF_CUTOVER:
        return _OF_CUTOVER[kind](voice, material, args)
    if cutover is None:
        return thread.only(voice("refuse.gone"))
    if kind == "root":
        return _with_menu(voice, root(voice, material, cutover), cutover.id)
    if kind == "opened":
        return thread.opened(voice, material, cutover, args)
    if kind == "reminder":
        return thread.reminder(voice, material, cutover, args)
    if kind in _IN_THREAD:
        return _IN_THREAD[kind](voice, material, cutover, args)
    if kind.startswith("answer."):
        return thread.answer(voice, material, cutover, args, kind)
    if kind.startswith("told."):
        return told.told(voice, material, cutover, args, kind)
    raise KeyError(kind)


Alone = Callable[[Voice, Mapping[str, Any]], Rendered]
OfCutover = Callable[[Voice, Material, Mapping[str, Any]], Rendered]


def _plainly(key: str) -> Alone:
    return lambda voice, args: thread.only(voice(key))


def _moved(kind: str) -> Alone:
    return lambda voice, args: notes.moved(voice, kind, args)


def _asks(verb: str) -> OfCutover:
    return lambda voice, material, args: notes.ask_before(voice, material, verb)


def _status(voice: Voice, material: Material, args: Mapping[str, Any]) -> Rendered:
    if material.cutover is None:
        return thread.only(voice("refuse.gone"))
    shown = _with_menu(voice, root(voice, material, material.cutover), material.cutover.id)
    # Without the word on replies: this one is often outside the thread.
    return replace(shown, blocks=tuple(block for block in shown.blocks or () if block["type"] != "context"))


def _with_menu(voice: Voice, shown: Rendered, cutover_id: str) -> Rendered:
    """The checklist with the door to everything else, at the end of its buttons."""
    menu = el.button(voice("button.menu"), "menu", {"c": cutover_id})
    blocks: list[Block] = []
    added = False
    for block in shown.blocks or ():
        if block["type"] == "actions" and not added and len(block["elements"]) < 25:
            block = {**block, "elements": [*block["elements"], menu]}
            added = True
        blocks.append(block)
    if not added:
        blocks += el.actions([menu])
    return replace(shown, blocks=tuple(blocks))


_IN_THREAD: dict[str, thread.Builder] = {
    "progress": watch.progress,
    "no_go": watch.no_go,
    "overridden": watch.overridden,
}

_ALONE: dict[str, Alone] = {
    "form_late": _plainly("refuse.form_late"),
    "form_stale": notes.form_stale,
    "bad_name": notes.bad_name,
    "bad_day": notes.bad_day,
    "not_allowed": notes.not_allowed,
    "refuse.not_now": notes.not_now,
    "slow_down": notes.slow_down,
    "error": notes.error,
    "form_expired": notes.form_expired,
    "unknown_command": notes.unknown_command,
    "needs_domain": notes.needs_domain,
    "help": notes.help_text,
    "list": lists.listing,
    "not_here": settings_shown.not_here,
    "settings": settings_shown.settings_now,
    "settings_kept": _plainly("settings.kept"),
    "sent_by_dm": _plainly("sent_by_dm"),
    "faq": faq,
    "gone": _plainly("refuse.gone"),
    "cannot_verify": _plainly("refuse.cannot_verify"),
    "thanks": _plainly("faq_thanks"),
    "not_helped": _plainly("faq_not_helped"),
    "cancelled": _moved("cancelled"),
    "rescheduled": _moved("rescheduled"),
    "same_day": _moved("same_day"),
    "assigned_before": _moved("assigned_before"),
    "assigned": _moved("assigned"),
    "rollback": _moved("rollback"),
}

_OF_CUTOVER: dict[str, OfCutover] = {
    "already_open": notes.already_open,
    "none_for": notes.none_for,
    "plan": notes.plan,
    "history": notes.history,
    "check": notes.check,
    "status": _status,
    "channel_closed": notes.channel_closed,
    "cancel_ask": _asks("cancel"),
    "rollback_ask": _asks("rollback"),
    "reschedule_ask": notes.ask_reschedule,
    "assign_who": asked.assign_who,
    "menu": desk.menu,
    "prepare": desk.prepare,
    "runbook": runbook.runbook,
    "tests": desk.tests,
    "lockdown": desk.lockdown,
    "later_ask": asked.later_ask,
    "unclear": asked.unclear,
    "report": files.report,
    "picture": files.picture,
    "export": files.export,
    "calendar": files.calendar,
    "text": files.text,
}
