"""Small builders of Block Kit parts, each cut to Slack's limits: a long name never breaks a message."""

import json
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from bot.slack.rendered import Block

_LINE_OR_TAB = "\n\t"
_SPACES = str.maketrans("\n\t\u3000", "   ")


def escape(text: str) -> str:
    """Foreign text made harmless in mrkdwn: no mention, link, formatting fence or direction mark survives."""
    kept = text
    if not text.translate(_SPACES).isprintable():  # one by one only where something hides
        kept = "".join(
            char
            for char in text
            if char in _LINE_OR_TAB or unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
        )
    return kept.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("`", "ˋ")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, the last an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def mrkdwn(text: str, limit: int = 3000) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": cut(text, limit), "verbatim": True}


def plain(text: str, limit: int = 75) -> dict[str, Any]:
    return {"type": "plain_text", "text": cut(text, limit), "emoji": True}


def header(text: str) -> Block:
    return {"type": "header", "text": plain(text, 150)}


def section(text: str, *, block_id: str | None = None, accessory: Block | None = None) -> Block:
    block: Block = {"type": "section", "text": mrkdwn(text)}
    if block_id:
        block["block_id"] = block_id
    if accessory:
        block["accessory"] = accessory
    return block


def sections(text: str) -> list[Block]:
    """A long text as several sections, broken at line ends."""
    blocks: list[Block] = []
    part = ""
    for line in text.split("\n"):
        if part and len(part) + len(line) + 1 > 2900:
            blocks.append(section(part))
            part = ""
        part = f"{part}\n{line}" if part else line
    if part.strip():
        blocks.append(section(part))
    return blocks


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Up to ten label and value pairs in two columns."""
    return {
        "type": "section",
        "fields": [mrkdwn(f"*{label}*\n{value}", 2000) for label, value in list(pairs)[:10]],
    }


def context(*texts: str) -> Block:
    return {"type": "context", "elements": [mrkdwn(text, 2000) for text in texts[:10]]}


def divider() -> Block:
    return {"type": "divider"}


def value_of(data: Mapping[str, str]) -> str:
    """A button's value: which cutover and step it speaks of. No authority: that is asked again."""
    return json.dumps(dict(data), ensure_ascii=False, separators=(",", ":"))


def button(
    label: str,
    action_id: str,
    data: Mapping[str, str],
    *,
    style: str | None = None,
    confirm: Block | None = None,
) -> Block:
    element: Block = {
        "type": "button",
        "text": plain(label),
        "action_id": action_id,
        "value": value_of(data),
    }
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    return element


def confirm(title: str, text: str, yes: str, no: str, *, danger: bool = False) -> Block:
    dialog: Block = {
        "title": plain(title, 100),
        "text": plain(text, 300),
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }
    if danger:
        dialog["style"] = "danger"
    return dialog


def actions(elements: Iterable[Block]) -> list[Block]:
    """An actions block, or none where there is no element."""
    chosen = list(elements)[:25]
    return [{"type": "actions", "elements": chosen}] if chosen else []


def option(label: str, value: str, description: str | None = None) -> Block:
    made: Block = {"text": plain(label), "value": cut(value, 150)}
    if description:
        made["description"] = plain(description)
    return made
