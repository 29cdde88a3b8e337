"""Small checks of JSON against Slack's limits, each with the line and the pointer Slack would give."""

from collections.abc import Iterable, Sequence
from typing import Any

Json = dict[str, Any]


class Findings:
    """The lines gathered so far, in Slack's own wording."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, line: str, pointer: str) -> None:
        self.lines.append(f"{line} [json-pointer:{pointer}]")

    def required(self, holder: Json, names: Iterable[str], pointer: str) -> bool:
        """Whether all are there; a null is as good as missing."""
        missing = [name for name in names if holder.get(name) is None]
        for name in missing:
            self.add(f"missing required field: {name}", pointer)
        return not missing

    def text_length(self, value: object, limit: int, pointer: str, *, least: int = 1) -> None:
        if not isinstance(value, str):
            self.add("must be a string", pointer)
        elif len(value) > limit:
            self.add(f"must be less than {limit + 1} characters", pointer)
        elif len(value) < least:
            self.add(f"must be more than {least - 1} characters", pointer)

    def items(self, value: object, most: int, pointer: str, *, least: int = 1) -> Sequence[Any]:
        """The items where it is an array of allowed length, else none."""
        if not isinstance(value, list):
            self.add("must be an array", pointer)
            return ()
        if len(value) > most:
            self.add(f"no more than {most} items allowed", pointer)
        elif len(value) < least:
            self.add(f"no fewer than {least} items allowed", pointer)
        return value

    def one_of(self, value: object, allowed: Iterable[str], pointer: str) -> bool:
        if value in tuple(allowed):
            return True
        self.add(f"must be a valid enum value: {value}", pointer)
        return False

    def text_object(
        self, value: object, limit: int, pointer: str, *, plain_only: bool = False, least: int = 1
    ) -> None:
        """A plain_text or mrkdwn object."""
        if not isinstance(value, dict):
            self.add("must be an object", pointer)
            return
        kind = value.get("type")
        if kind not in (("plain_text",) if plain_only else ("plain_text", "mrkdwn")):
            self.add(f"unsupported text type: {kind}", f"{pointer}/type")
        if kind == "mrkdwn" and "emoji" in value:
            self.add("emoji is only allowed with plain_text", f"{pointer}/emoji")
        if kind == "plain_text" and "verbatim" in value:
            self.add("verbatim is only allowed with mrkdwn", f"{pointer}/verbatim")
        self.text_length(value.get("text"), limit, f"{pointer}/text", least=least)

    def identifier(self, value: object, pointer: str, limit: int = 255) -> None:
        """block_id, action_id, callback_id: optional, at most 255 characters."""
        if value is not None:
            self.text_length(value, limit, pointer)

    def unknown_fields(self, holder: Json, allowed: Iterable[str], pointer: str) -> None:
        for name in holder.keys() - set(allowed):
            self.add(f"additional property: {name}", pointer)
