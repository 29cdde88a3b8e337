"""Whether Slack would take a message's blocks or a view. Pure: JSON in, Slack's complaints out.

The limits are Slack's documented ones, those that its SDK lets through included.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bot.workspace.checks import Findings
from bot.workspace.elements import IN_ACTIONS, IN_INPUT, IN_SECTION, check_element
from bot.workspace.errors import SlackRefusal

Json = dict[str, Any]

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
ALL_TEXT = 13_000  # what all blocks of a message may say together (measured by others at about 13,200)
POST_TEXT, UPDATE_TEXT = 40_000, 4_000
METADATA_BYTES = 16_384

MESSAGE, MODAL, HOME = "message", "modal", "home"


def _section(block: Json, found: Findings, at: str) -> None:
    if block.get("text") is None and block.get("fields") is None:
        found.add("missing required field: text or fields", at)
    if block.get("text") is not None:
        found.text_object(block["text"], 3000, f"{at}/text")
    if block.get("fields") is not None:
        for index, field in enumerate(found.items(block["fields"], 10, f"{at}/fields")):
            found.text_object(field, 2000, f"{at}/fields/{index}")
    if block.get("accessory") is not None:
        check_element(block["accessory"], IN_SECTION, found, f"{at}/accessory")


def _header(block: Json, found: Findings, at: str) -> None:
    if found.required(block, ["text"], at):
        found.text_object(block["text"], 150, f"{at}/text", plain_only=True)


def _actions(block: Json, found: Findings, at: str) -> None:
    for index, element in enumerate(found.items(block.get("elements"), 25, f"{at}/elements")):
        check_element(element, IN_ACTIONS, found, f"{at}/elements/{index}")


def _context(block: Json, found: Findings, at: str) -> None:
    for index, element in enumerate(found.items(block.get("elements"), 10, f"{at}/elements")):
        here = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") in ("plain_text", "mrkdwn"):
            found.text_object(element, 3000, here)
        else:
            check_element(element, frozenset({"image"}), found, here)


def _image(block: Json, found: Findings, at: str) -> None:
    check_element({**block, "type": "image"}, frozenset({"image"}), found, at)
    if block.get("title") is not None:
        found.text_object(block["title"], 2000, f"{at}/title", plain_only=True)


def _input(block: Json, found: Findings, at: str) -> None:
    if found.required(block, ["label", "element"], at):
        found.text_object(block["label"], 2000, f"{at}/label", plain_only=True)
        check_element(block["element"], IN_INPUT, found, f"{at}/element")
    if block.get("hint") is not None:
        found.text_object(block["hint"], 2000, f"{at}/hint", plain_only=True)


def _divider(block: Json, found: Findings, at: str) -> None:
    found.unknown_fields(block, ("type", "block_id"), at)


def _rich_text(block: Json, found: Findings, at: str) -> None:
    kinds = ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")
    for index, element in enumerate(found.items(block.get("elements"), 1000, f"{at}/elements")):
        here = f"{at}/elements/{index}"
        if not isinstance(element, dict):
            found.add("must be an object", here)
        elif found.one_of(element.get("type"), kinds, f"{here}/type"):
            found.items(element.get("elements"), 1000, f"{here}/elements", least=0)


def _markdown(block: Json, found: Findings, at: str) -> None:
    if found.required(block, ["text"], at):
        found.text_length(block["text"], 12_000, f"{at}/text")


def _table(block: Json, found: Findings, at: str) -> None:
    for index, row in enumerate(found.items(block.get("rows"), 100, f"{at}/rows")):
        for column, cell in enumerate(found.items(row, 20, f"{at}/rows/{index}")):
            here = f"{at}/rows/{index}/{column}"
            if not isinstance(cell, dict):
                found.add("must be an object", here)
            elif found.one_of(cell.get("type"), ("rich_text", "raw_text", "raw_number"), f"{here}/type"):
                found.required(cell, ["elements" if cell["type"] == "rich_text" else "text"], here)
    if block.get("column_settings") is not None:
        found.items(block["column_settings"], 20, f"{at}/column_settings", least=0)


def _alert(block: Json, found: Findings, at: str) -> None:
    if found.required(block, ["text"], at):
        found.text_object(block["text"], 3000, f"{at}/text")
    if block.get("level") is not None:
        found.one_of(block["level"], ("default", "info", "warning", "error", "success"), f"{at}/level")


def _container(block: Json, found: Findings, at: str) -> None:
    if block.get("title") is None and block.get("rich_text_title") is None:
        found.add("missing required field: title", at)
    if block.get("title") is not None:
        found.text_object(block["title"], 150, f"{at}/title", plain_only=True)
    if block.get("subtitle") is not None:
        found.text_object(block["subtitle"], 150, f"{at}/subtitle")
    if block.get("width") is not None:
        found.one_of(block["width"], ("narrow", "standard", "wide", "full"), f"{at}/width")
    if block.get("is_collapsible") and block.get("has_header_divider"):
        found.add("has_header_divider cannot be set when is_collapsible is true", at)
    for index, child in enumerate(found.items(block.get("child_blocks"), 10, f"{at}/child_blocks")):
        here = f"{at}/child_blocks/{index}"
        if isinstance(child, dict) and child.get("type") == "container":
            found.add("unsupported type: container", f"{here}/type")
        else:
            _block(child, MESSAGE, found, here)


BLOCKS: dict[str, Callable[[Json, Findings, str], None]] = {
    "section": _section,
    "header": _header,
    "actions": _actions,
    "context": _context,
    "image": _image,
    "input": _input,
    "divider": _divider,
    "rich_text": _rich_text,
    "markdown": _markdown,
    "table": _table,
    "alert": _alert,
    "container": _container,
}

MESSAGE_ONLY = frozenset({"markdown", "table"})


def _block(block: object, surface: str, found: Findings, at: str) -> None:
    if not isinstance(block, dict):
        found.add("must be an object", at)
        return
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in BLOCKS or (surface != MESSAGE and kind in MESSAGE_ONLY):
        found.add(f"unsupported type: {kind}", f"{at}/type")
        return
    found.identifier(block.get("block_id"), f"{at}/block_id")
    BLOCKS[kind](block, found, at)


def elements_of(block: Json) -> list[Json]:
    """The interactive elements of one block, in order (of its children for a container)."""
    if block.get("type") == "container":
        return [element for child in block.get("child_blocks", ()) for element in elements_of(child)]
    if block.get("type") == "actions":
        return list(block.get("elements", ()))
    one = block.get("element") if block.get("type") == "input" else block.get("accessory")
    return [one] if isinstance(one, dict) and one.get("type") != "image" else []


def flat(blocks: Sequence[Json]) -> Iterator[Json]:
    """The blocks, a container's children in its place after it."""
    for block in blocks:
        yield block
        if block.get("type") == "container":
            yield from flat(block.get("child_blocks", ()))


def _unique_ids(blocks: Sequence[Json], found: Findings, at: str) -> None:
    seen: set[str] = set()
    for index, block in enumerate(flat(blocks)):
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            found.add(f"`block_id` already exists: {block_id}", f"{at}/{index}/block_id")
        seen.add(block_id or "")
        if block.get("type") == "container":
            continue
        actions = [e["action_id"] for e in elements_of(block) if e.get("action_id")]
        for action_id in {a for a in actions if actions.count(a) > 1}:
            found.add(f"`action_id` already exists: {action_id}", f"{at}/{index}")


def check_blocks(blocks: object, surface: str = MESSAGE, at: str = "/blocks") -> list[str]:
    """What Slack would complain of in a list of blocks; empty where it takes them."""
    found = Findings()
    most = MESSAGE_BLOCKS if surface == MESSAGE else VIEW_BLOCKS
    for index, block in enumerate(found.items(blocks, most, at, least=0)):
        _block(block, surface, found, f"{at}/{index}")
    if not found.lines and isinstance(blocks, list):
        _unique_ids(blocks, found, at)
    return found.lines


def said(value: object) -> int:
    """How many characters the texts in blocks have together."""
    if isinstance(value, dict):
        return sum(len(v) if k == "text" and isinstance(v, str) else said(v) for k, v in value.items())
    if isinstance(value, list):
        return sum(said(item) for item in value)
    return 0


def require_message(text: object, blocks: object, *, updating: bool = False) -> None:
    """Raises SlackRefusal where Slack would not take this text or these blocks."""
    if blocks is not None:
        if not isinstance(blocks, list):
            raise SlackRefusal("invalid_blocks_format")
        lines = check_blocks(blocks)
        if lines:
            raise SlackRefusal("invalid_blocks", lines)
        if said(blocks) > ALL_TEXT:
            raise SlackRefusal("msg_blocks_too_long")
    if isinstance(text, str) and len(text) > (UPDATE_TEXT if updating else POST_TEXT):
        raise SlackRefusal("msg_too_long")


def require_view(view: object) -> Json:
    """The view, where Slack would take it. Raises SlackRefusal (invalid_arguments) otherwise."""
    if not isinstance(view, dict):
        raise SlackRefusal("invalid_arguments", ["missing required field: view [json-pointer:/view]"])
    found = Findings()
    surface = view.get("type")
    if not found.one_of(surface, (MODAL, HOME), "/view/type"):
        raise SlackRefusal("invalid_arguments", found.lines)
    found.required(view, ["blocks"], "/view")
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        if view.get(name) is not None:
            found.text_length(view[name], limit, f"/view/{name}", least=0)
    if surface == MODAL:
        found.required(view, ["title"], "/view")
        for name in ("title", "submit", "close"):
            if view.get(name) is not None:
                found.text_object(view[name], 24, f"/view/{name}", plain_only=True)
        has_input = any(isinstance(b, dict) and b.get("type") == "input" for b in view.get("blocks") or ())
        if has_input and view.get("submit") is None:
            found.add("missing required field: submit", "/view")
    if view.get("blocks") is not None:
        found.lines += check_blocks(view["blocks"], str(surface), "/view/blocks")
    if found.lines:
        raise SlackRefusal("invalid_arguments", found.lines)
    return view
