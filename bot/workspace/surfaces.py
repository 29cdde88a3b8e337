"""What lives only while people look: triggers, response addresses, open modals, half-filled inputs.

Their lives are counted on a monotonic clock in real seconds, so moving the workspace's clock ends none.
"""

import secrets
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.workspace.app import APP_ID, BOT_ID
from bot.workspace.errors import SlackRefusal
from bot.workspace.inputs import still_fitting
from bot.workspace.state import TEAM_ID, Json, State
from bot.workspace.validate import HOME, MODAL, elements_of, flat, require_view

TRIGGER_SECONDS = 3.0
RESPONSE_URL_SECONDS = 30 * 60.0
RESPONSE_URL_USES = 5
MOST_VIEWS = 3

_LETTERS = string.ascii_letters + string.digits


def random_id(length: int = 5) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def with_ids(blocks: Iterable[Json]) -> list[Json]:
    """A copy of the blocks in which each block and element has the id that Slack would give it."""
    given: list[Json] = []
    for block in blocks:
        block = {**block, "block_id": block.get("block_id") or random_id()}
        kind = block["type"]
        if kind == "container":
            block["child_blocks"] = with_ids(block["child_blocks"])
        elif kind == "actions":
            block["elements"] = [_with_action_id(element) for element in block["elements"]]
        elif kind == "section" and "accessory" in block:
            block["accessory"] = _with_action_id(block["accessory"])
        elif kind == "input":
            block["element"] = _with_action_id(block["element"])
        given.append(block)
    return given


def _with_action_id(element: Json) -> Json:
    if element["type"] == "image" or element.get("action_id"):
        return element
    return {**element, "action_id": random_id()}


def find_element(blocks: Sequence[Json], action_id: str, block_id: str | None = None) -> tuple[Json, Json]:
    """The block and the element of an action. Raises KeyError."""
    for block in flat(blocks):
        if block_id in (None, block.get("block_id")) and block.get("type") != "container":
            for element in elements_of(block):
                if element.get("action_id") == action_id:
                    return block, element
    raise KeyError(action_id)


@dataclass
class Trigger:
    user: str
    until: float
    used: bool = False
    view_id: str | None = None  # the modal from which it came


@dataclass
class ResponseUrl:
    user: str
    channel: str
    until: float
    message_ts: str | None = None
    thread_ts: str | None = None
    left: int = RESPONSE_URL_USES


@dataclass
class Surfaces:
    state: State
    monotonic: Callable[[], float]
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    modals: dict[str, list[Json]] = field(default_factory=dict)
    entered: dict[tuple[str, str], dict[str, dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[tuple[str, str], str] = field(default_factory=dict)  # (channel, thread): "is thinking…"

    # --- triggers and response addresses ---

    def new_trigger(self, user: str, view_id: str | None = None) -> str:
        now = self.monotonic()
        for old in [key for key, trigger in self.triggers.items() if trigger.until < now - 600]:
            del self.triggers[old]
        key = f"{self.state.next_id('')}.{TEAM_ID}.{secrets.token_hex(16)}"
        self.triggers[key] = Trigger(user, now + TRIGGER_SECONDS, view_id=view_id)
        return key

    def expire_triggers(self) -> None:
        """End every trigger now."""
        for trigger in self.triggers.values():
            trigger.until = float("-inf")

    def exchange(self, trigger_id: object) -> Trigger:
        """Use a trigger up. Raises invalid_trigger_id, expired_trigger_id, exchanged_trigger_id."""
        trigger = self.triggers.get(str(trigger_id))
        if trigger is None:
            raise SlackRefusal("invalid_trigger_id")
        if trigger.used:
            raise SlackRefusal("exchanged_trigger_id")
        if self.monotonic() > trigger.until:
            raise SlackRefusal("expired_trigger_id")
        trigger.used = True
        return trigger

    def new_response_url(
        self, user: str, channel: str, message_ts: str | None = None, thread_ts: str | None = None
    ) -> str:
        """The secret last part of the address."""
        key = secrets.token_urlsafe(24)
        until = self.monotonic() + RESPONSE_URL_SECONDS
        self.response_urls[key] = ResponseUrl(user, channel, until, message_ts, thread_ts)
        return key

    def use_response_url(self, key: str) -> ResponseUrl:
        """Count one use. Raises used_url, expired_url."""
        found = self.response_urls.get(key)
        if found is None or self.monotonic() > found.until:
            raise SlackRefusal("expired_url")
        if found.left <= 0:
            raise SlackRefusal("used_url")
        found.left -= 1
        return found

    # --- views ---

    def _make(self, view: Json, *, view_id: str | None = None) -> Json:
        return {
            "id": view_id or self.state.next_id("V"),
            "team_id": TEAM_ID,
            "type": view["type"],
            "blocks": with_ids(view["blocks"]),
            "private_metadata": view.get("private_metadata") or "",
            "callback_id": view.get("callback_id") or "",
            "state": {"values": {}},
            "hash": f"{self.state.next_ts()}.{random_id(8)}",
            "title": view.get("title") or {"type": "plain_text", "text": "View Title", "emoji": True},
            "clear_on_close": bool(view.get("clear_on_close")),
            "notify_on_close": bool(view.get("notify_on_close")),
            "close": view.get("close"),
            "submit": view.get("submit"),
            "previous_view_id": None,
            "root_view_id": None,
            "app_id": APP_ID,
            "external_id": view.get("external_id") or "",
            "app_installed_team_id": TEAM_ID,
            "bot_id": BOT_ID,
        }

    def stack(self, user: str) -> list[Json]:
        """A person's open modals, the uppermost last."""
        return self.modals.setdefault(user, [])

    def open_view(self, trigger_id: object, view: object) -> Json:
        """views.open: a new root modal for the person who caused the trigger."""
        checked = self._modal(view)
        user = self.exchange(trigger_id).user
        made = self._make(checked)
        made["root_view_id"] = made["id"]
        self.clear(user)
        self.modals[user] = [made]
        self.state.touch()
        return made

    def push_view(self, trigger_id: object, view: object) -> Json:
        """views.push: on top of the modal from which the trigger came."""
        checked = self._modal(view)
        trigger = self.triggers.get(str(trigger_id))
        stack = self.stack(trigger.user) if trigger is not None else []
        if trigger is not None and not stack:
            raise SlackRefusal("not_found", ["no open modal to push upon"])
        if len(stack) >= MOST_VIEWS:
            raise SlackRefusal("push_limit_reached")
        user = self.exchange(trigger_id).user
        return self.put_on_top(user, checked)

    def put_on_top(self, user: str, view: Json) -> Json:
        stack = self.stack(user)
        if len(stack) >= MOST_VIEWS:
            raise SlackRefusal("push_limit_reached")
        made = self._make(view)
        made["root_view_id"] = stack[0]["id"] if stack else made["id"]
        made["previous_view_id"] = stack[-1]["id"] if stack else None
        stack.append(made)
        self.state.touch()
        return made

    def update_view(
        self, view: object, *, view_id: str | None, external_id: str | None, hash_: str | None
    ) -> Json:
        """views.update. Raises not_found, hash_conflict."""
        checked = require_view(view)
        for user, stack in self.modals.items():
            for index, old in enumerate(stack):
                if old["id"] == view_id or (external_id and old["external_id"] == external_id):
                    if hash_ and hash_ != old["hash"]:
                        raise SlackRefusal("hash_conflict")
                    if checked["type"] != MODAL:
                        raise SlackRefusal("invalid_arguments", ["must be a modal [json-pointer:/view/type]"])
                    return self._replace(user, index, checked)
        for user, home in self.state.homes.items():
            if home["id"] == view_id:
                return self.publish_view(user, checked, hash_)
        raise SlackRefusal("not_found")

    def _replace(self, user: str, index: int, view: Json) -> Json:
        stack = self.stack(user)
        old = stack[index]
        made = self._make(view, view_id=old["id"])
        made["root_view_id"], made["previous_view_id"] = old["root_view_id"], old["previous_view_id"]
        key = (user, old["id"])
        self.entered[key] = still_fitting(made["blocks"], self.entered.get(key, {}))
        stack[index] = made
        self.state.touch()
        return made

    def replace_top(self, user: str, view: Json) -> Json:
        """response_action update: the uppermost view becomes another, its id stays."""
        return self._replace(user, len(self.stack(user)) - 1, view)

    def publish_view(self, user: str, view: object, hash_: str | None = None) -> Json:
        """views.publish: the App Home of one person. Raises hash_conflict."""
        checked = require_view(view)
        if checked["type"] != HOME:
            raise SlackRefusal("invalid_arguments", ["must be a home view [json-pointer:/view/type]"])
        self.state.user(user)
        old = self.state.homes.get(user)
        if hash_ and old is not None and hash_ != old["hash"]:
            raise SlackRefusal("hash_conflict")
        made = self._make(checked, view_id=old["id"] if old else None)
        made["root_view_id"] = made["id"]
        self.state.homes[user] = made
        self.state.touch()
        return made

    @staticmethod
    def _modal(view: object) -> Json:
        checked = require_view(view)
        if checked["type"] != MODAL:
            raise SlackRefusal("invalid_arguments", ["must be a modal [json-pointer:/view/type]"])
        return checked

    def view_of(self, user: str, view_id: str) -> Json:
        """An open modal of a person or their App Home. Raises not_found."""
        home = self.state.homes.get(user)
        for view in [*self.stack(user), *([home] if home else [])]:
            if view["id"] == view_id:
                return view
        raise SlackRefusal("not_found")

    def close_top(self, user: str) -> Json:
        """Take the uppermost modal away and return it. Raises not_found."""
        stack = self.stack(user)
        if not stack:
            raise SlackRefusal("not_found")
        closed = stack.pop()
        self.entered.pop((user, closed["id"]), None)
        self.state.touch()
        return closed

    def clear(self, user: str) -> list[Json]:
        """Close all modals of a person; the closed ones, uppermost first."""
        closed = []
        while self.stack(user):
            closed.append(self.close_top(user))
        return closed

    # --- half-filled inputs ---

    def enter(self, user: str, surface: str, block_id: str, action_id: str, value: Any) -> None:
        self.entered.setdefault((user, surface), {}).setdefault(block_id, {})[action_id] = value

    def entered_in(self, user: str, surface: str) -> dict[str, dict[str, Any]]:
        return self.entered.get((user, surface), {})
