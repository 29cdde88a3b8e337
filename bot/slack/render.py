"""From what a message says to how it looks. One table of kinds; a kind that is not in it is a mistake."""

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from bot.ports import Outgoing
from bot.slack import notes, thread
from bot.slack.checklist import root
from bot.slack.faq import faq
from bot.slack.material import Material
from bot.slack.rendered import Rendered
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
        return root(voice, material, cutover)
    if kind == "opened":
        return thread.opened(voice, material, cutover, args)
    if kind == "reminder":
        return thread.reminder(voice, material, cutover, args)
    if kind.startswith("answer."):
        return thread.answer(voice, material, cutover, args, kind)
    if kind.startswith("told."):
        return thread.told(voice, material, cutover, args, kind)
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
    return root(voice, material, material.cutover)


_ALONE: dict[str, Alone] = {
    "bad_name": notes.bad_name,
    "bad_day": notes.bad_day,
    "not_allowed": notes.not_allowed,
    "refuse.not_now": notes.not_now,
    "error": notes.error,
    "form_expired": notes.form_expired,
    "unknown_command": notes.unknown_command,
    "needs_domain": notes.needs_domain,
    "help": notes.help_text,
    "none_for": notes.none_for,
    "list": notes.listing,
    "faq": faq,
    "gone": _plainly("refuse.gone"),
    "cannot_verify": _plainly("refuse.cannot_verify"),
    "thanks": _plainly("faq_thanks"),
    "not_helped": _plainly("faq_not_helped"),
    "assign_who": _plainly("assign.who"),
    "cancelled": _moved("cancelled"),
    "rescheduled": _moved("rescheduled"),
    "assigned": _moved("assigned"),
    "rollback": _moved("rollback"),
}

_OF_CUTOVER: dict[str, OfCutover] = {
    "already_open": notes.already_open,
    "plan": notes.plan,
    "history": notes.history,
    "check": notes.check,
    "status": _status,
    "channel_closed": notes.channel_closed,
    "cancel_ask": _asks("cancel"),
    "rollback_ask": _asks("rollback"),
    "reschedule_ask": notes.ask_reschedule,
}
