"""A line of a cutover's history in words."""

from collections.abc import Mapping
from typing import Any

from bot.content import Escape, has, say

LONGEST_REASON = 200


def history_text(kind: str, data: Mapping[str, Any], lang: str, escape: Escape = str) -> str:
    """What happened, by the entry's `kind` and `data` as ports.HistoryEntry has them.

    A kind without a text is shown as it is: an entry is never left out.
    """
    if kind == "event" and has(f"event.{data.get('event')}"):
        return say(f"event.{data['event']}", lang)
    words: dict[str, Any] = {}
    if data.get("step"):
        words["step"] = say(f"step.short.{data['step']}", lang)
    if data.get("item"):
        key = f"item.{data['item']}"
        words["item"] = say(key, lang) if has(key) else str(data["item"])
    if kind in ("reminded", "dropped"):
        words["reminder"] = _reminder(str(data.get("kind", "")), lang)
    if kind == "step_skipped":
        words["reason"] = str(data.get("reason") or "-")[:LONGEST_REASON]
    key = f"history.{kind}"
    if kind == "rescheduled" and data.get("reason"):
        key, words["reason"] = "history.rescheduled_why", str(data["reason"])[:LONGEST_REASON]
    return say(key, lang, escape=escape, **words) if has(key) else kind


def _reminder(kind: str, lang: str) -> str:
    """The name of a reminder; `later:<step>` is one that somebody asked for."""
    if kind.startswith("later:"):
        step = f"step.short.{kind.split(':')[1]}"
        return say(step, lang) if has(step) else kind
    key = f"reminder_name.{kind.split(':')[0]}"
    return say(key, lang) if has(key) else kind
