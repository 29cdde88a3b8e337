"""A FAQ answer or question in Slack: its text, what the bot saw itself, and its buttons."""

from collections.abc import Mapping
from typing import Any

from bot.content.faq_text import render
from bot.slack import elements as el
from bot.slack.rendered import Block, Rendered
from bot.slack.voice import Voice


def _told(view: Mapping[str, Any]) -> dict[str, str]:
    """What a question was asked with, for its buttons: they may be clicked after others were asked."""
    if not view.get("entry"):
        return {}
    answers = " ".join(f"{node}={choice}" for node, choice in (view.get("answers") or {}).items())
    return {"e": str(view["entry"]), "a": answers, "d": str((view.get("args") or {}).get("domain") or "")}


def told(data: Mapping[str, str]) -> dict[str, Any] | None:
    """The same as a click brings it back; None for a button that carries nothing of it."""
    if not data.get("e"):
        return None
    pairs = (part.rpartition("=") for part in data.get("a", "").split())
    return {
        "entry": data["e"],
        "answers": {node: choice for node, _, choice in pairs},
        "domain": data.get("d"),
    }


def faq(voice: Voice, args: Mapping[str, Any]) -> Rendered:
    """`args`: the view to render and the key of the place where the conversation stands."""
    text = render(args["view"], voice.lang, el.escape)
    place = str(args.get("place") or "")
    blocks: list[Block] = []
    if text.title:
        blocks.append(el.section(f"*{text.title}*"))
    if text.evidence:
        blocks.append(el.context(*text.evidence))
    blocks += el.sections(text.body)
    if text.hint:
        blocks.append(el.context(text.hint))
    options = [
        el.button(option.label, f"faq.{number}", {"p": place, "v": option.value, **_told(args["view"])})
        for number, option in enumerate(text.options)
    ]
    blocks += el.actions(options)
    if not text.options and args["view"].get("entry"):
        about = {"e": str(args["view"]["entry"]), "q": str(args.get("question") or "")}
        closing = [
            el.button(voice("button.helped"), "faq_helped", about),
            el.button(voice("button.not_helped"), "faq_not_helped", about),
        ]
        others = [
            el.button(other.label, f"faq_other.{number}", {"p": place, "v": other.value})
            for number, other in enumerate(text.others)
        ]
        blocks += el.actions(closing)
        if others:
            blocks += [el.context(voice("faq.not-this")), *el.actions(others)]
    return Rendered(el.cut(text.plain, 3000), tuple(blocks))
