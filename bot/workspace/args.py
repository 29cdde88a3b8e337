"""The arguments of a Web API call: a form with JSON strings in it, or a JSON body."""

import base64
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from bot.workspace.errors import SlackRefusal

T = TypeVar("T")
Json = dict[str, Any]


class Args:
    """Read access to what the caller sent, with Slack's complaints."""

    def __init__(self, given: Json) -> None:
        self._given = given

    def has(self, name: str) -> bool:
        return self._given.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        value = self._given.get(name)
        return default if value is None else str(value)

    def need(self, name: str) -> str:
        """Raises invalid_arguments where it is missing."""
        if not self.has(name):
            raise SlackRefusal("invalid_arguments", [f"missing required field: {name}"])
        return self.text(name)

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._given.get(name)
        return default if value is None else str(value).lower() in ("1", "true")

    def parsed(self, name: str, otherwise: str = "invalid_arguments") -> Any:
        """A JSON value, decoded where it came as a string. Raises `otherwise`."""
        value = self._given.get(name)
        if not isinstance(value, str):
            return value
        if value == "":
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise SlackRefusal(otherwise) from None

    def number(self, name: str, default: int, most: int) -> int:
        value = self._given.get(name)
        try:
            return default if value in (None, "") else max(1, min(int(str(value)), most))
        except ValueError:
            raise SlackRefusal("invalid_limit") from None


def page(items: Sequence[T], args: Args, *, default: int, most: int = 1000) -> tuple[list[T], Json]:
    """One page by `cursor` and `limit`, and the answer's response_metadata. Raises invalid_cursor."""
    limit = args.number("limit", default, most)
    start = 0
    if args.has("cursor"):
        try:
            start = int(base64.b64decode(args.text("cursor"), validate=True).decode().removeprefix("next:"))
        except ValueError:
            raise SlackRefusal("invalid_cursor") from None
    end = start + limit
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(items) else ""
    return list(items[start:end]), {"next_cursor": cursor}
