"""What people type, as Slack sends it on: escaped, with mentions, channels and addresses as links."""

import re
from typing import Any

from bot.workspace.state import State

Json = dict[str, Any]

_TLDS = "com|net|org|info|biz|jp|io|dev|app|me|co|uk|de|fr|us|cloud|email|tech|shop|site|xyz|asia|tokyo"
_TOKEN = (
    r"(?P<mail>(?<![\w.+-])[\w.+-]+@(?:[a-z0-9-]+\.)+[a-z]{2,}(?![\w-]))"
    r"|(?P<url>https?://[^\s<>|]+)"
    rf"|(?P<domain>(?<![\w@./:-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:{_TLDS})(?:/[^\s<>|]*)?(?![\w-]|\.\w))"
    r"|(?P<mention><@[UW][A-Z0-9]+>|(?<!\w)@(?:NAMES)(?!\w))"
    r"|(?P<channel><#C[A-Z0-9]+(?:\|[^>]*)?>|(?<!\w)#[\w-]+)"
    r"|(?P<code>```.*?```|`[^`\n]+`)"
)


def _pattern(state: State) -> re.Pattern[str]:
    """People are mentioned by the names that this workspace has, Japanese ones and ones with spaces too."""
    names = {name for user in state.users.values() for name in (user.name, user.real_name)}
    longest_first = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(_TOKEN.replace("NAMES", longest_first), re.IGNORECASE | re.DOTALL | re.ASCII)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def to_wire(typed: str, state: State, *, labels: bool = False) -> str:
    """The `text` of a message that a person typed: a bare example.co.jp becomes a link, as in Slack.

    `labels`: people with their names, as in the text of a command that is sent escaped: `<@U…|alice>`.
    """
    wire = "".join(text for text, _ in _parts(typed, state))
    if not labels:
        return wire
    return re.sub(r"<@([UW][A-Z0-9]+)>", lambda found: f"<@{found[1]}|{state.users[found[1]].name}>", wire)


def rich_text(typed: str, state: State) -> list[Json]:
    """The rich_text block that Slack's editor sends along."""
    elements = [element for _, element in _parts(typed, state)]
    section = {"type": "rich_text_section", "elements": elements}
    return [{"type": "rich_text", "block_id": "typed", "elements": [section]}] if elements else []


def _parts(typed: str, state: State) -> list[tuple[str, Json]]:
    parts: list[tuple[str, Json]] = []
    end = 0
    for match in _pattern(state).finditer(typed):
        if match.start() > end:
            parts.append(_plain(typed[end : match.start()]))
        parts.append(_token(match, state))
        end = match.end()
    if end < len(typed):
        parts.append(_plain(typed[end:]))
    return parts


def _plain(text: str) -> tuple[str, Json]:
    return escape(text), {"type": "text", "text": text}


def _token(match: re.Match[str], state: State) -> tuple[str, Json]:
    word = match.group()
    if match["mail"]:
        wire = f"<mailto:{escape(word)}|{escape(word)}>"
        return wire, {"type": "link", "url": f"mailto:{word}", "text": word}
    if match["url"]:
        return f"<{escape(word)}>", {"type": "link", "url": word}
    if match["domain"]:
        return f"<http://{escape(word)}|{escape(word)}>", {
            "type": "link",
            "url": f"http://{word}",
            "text": word,
        }
    if match["mention"]:
        name = word.strip("<>").lstrip("@")
        for user in state.users.values():
            if name.lower() in (user.id.lower(), user.name.lower(), user.real_name.lower()):
                return f"<@{user.id}>", {"type": "user", "user_id": user.id}
    if match["channel"]:
        name = word.strip("<>").lstrip("#").partition("|")[0]
        for channel in state.conversations.values():
            if not channel.is_im and name in (channel.id, channel.name):
                return f"<#{channel.id}|{channel.name}>", {"type": "channel", "channel_id": channel.id}
    return _plain(word)
