"""What people do: type, click, choose, submit. Each becomes a delivery to the bot; its answer is carried out.

The answers are JSON for the page. A refusal by Slack itself (no such command, a required input) is one too.
"""

from collections.abc import Mapping
from typing import Any

from bot.workspace import payloads
from bot.workspace.app import BOT_USER, App
from bot.workspace.chat import Chat
from bot.workspace.delivery import COMMAND, INTERACTIVE, Delivery, Outcome
from bot.workspace.elements import STATEFUL
from bot.workspace.errors import SlackRefusal
from bot.workspace.events import Events
from bot.workspace.inputs import problems
from bot.workspace.markup import rich_text, to_wire
from bot.workspace.state import Conversation, Json, Message, State, User
from bot.workspace.surfaces import Surfaces, find_element, random_id
from bot.workspace.validate import MODAL, require_view

OK: Json = {"ok": True}
TIMEOUT, UNREACHABLE = "operation_timeout", "dispatch_failed"


class Deed(Exception):
    """Something a person cannot do here; `code` names the text that tells them."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Interactions:
    def __init__(
        self,
        *,
        state: State,
        surfaces: Surfaces,
        events: Events,
        delivery: Delivery,
        chat: Chat,
        app: App,
        response_base: str,
    ) -> None:
        self._state = state
        self._surfaces = surfaces
        self._events = events
        self._delivery = delivery
        self._chat = chat
        self._app = app
        self.response_base = response_base

    # --- helpers ---

    def _person(self, user_id: str) -> User:
        user = self._state.users.get(user_id)
        if user is None or user.is_bot:
            raise Deed("no_such_person")
        return user

    def _channel_of(self, user: User, channel_id: str) -> Conversation:
        channel = self._state.conversation(channel_id)
        if user.id not in channel.members:
            raise Deed("not_a_member")
        return channel

    def _visible(self, user: User, channel: str, ts: str) -> Message:
        message = self._state.messages.get((channel, ts))
        if message is None or message.only_for not in (None, user.id):
            raise Deed("message_gone")
        return message

    def _response_url(self, user: User, channel: str, message: Message | None = None) -> tuple[str, str]:
        key = self._surfaces.new_response_url(user.id, channel, message.ts if message else None)
        return key, f"{self.response_base}/{key}"

    def _failed(self, user: User, outcome: Outcome, channel: str | None, **args: Any) -> Json:
        """Tell the person that the app did not answer, as Slack does."""
        code = UNREACHABLE if outcome.reason in ("connection_failed", "http_error", "no_retry") else TIMEOUT
        self._state.notify(user.id, code, channel, **args)
        return {"ok": False, "error": code}

    # --- typing ---

    async def say(self, user_id: str, channel_id: str, text: str, thread_ts: str | None = None) -> Json:
        """A message in a channel, a thread or a DM. A command in a thread is refused, as in Slack."""
        user = self._person(user_id)
        channel = self._channel_of(user, channel_id)
        if channel.is_archived:
            raise Deed("archived")
        if not text.strip():
            raise Deed("empty")
        if text.startswith("/") and not text.startswith("//"):
            if thread_ts:
                raise Deed("command_in_thread")
            return await self.command(user_id, channel_id, text)
        if thread_ts:
            root = self._visible(user, channel.id, thread_ts)
            thread_ts = root.thread_ts or root.ts
        message = Message(
            channel=channel.id,
            ts=self._state.next_ts(),
            user=user.id,
            text=to_wire(text, self._state),
            blocks=rich_text(text, self._state),
            thread_ts=thread_ts,
        )
        self._state.post(message)
        self._events.posted(message, client_msg_id=f"{random_id(8)}-{random_id(12)}")
        return {"ok": True, "channel": channel.id, "ts": message.ts}

    async def command(self, user_id: str, channel_id: str, typed: str) -> Json:
        user = self._person(user_id)
        channel = self._channel_of(user, channel_id)
        word, _, text = typed.strip().partition(" ")
        known = next((c for c in self._app.commands if c.command == word), None)
        if known is None:
            self._state.notify(user.id, "invalid_command", channel.id, command=word)
            return {"ok": False, "error": "invalid_command"}
        text = text.strip()
        if known.should_escape:
            text = to_wire(text, self._state, labels=True)
        key, address = self._response_url(user, channel.id)
        fields = payloads.command(
            user,
            channel,
            word,
            text,
            trigger_id=self._surfaces.new_trigger(user.id),
            response_url=address,
        )
        outcome = await self._delivery.ask(COMMAND, fields, accepts_answer=True)
        if not outcome.acked:
            return self._failed(user, outcome, channel.id, command=word)
        answer = {"text": outcome.answer} if isinstance(outcome.answer, str) else outcome.answer
        if isinstance(answer, dict) and (answer.get("text") or answer.get("blocks")):
            try:
                self._chat.respond(self._surfaces.response_urls[key], answer)
            except SlackRefusal as refusal:
                self._state.notify(user.id, UNREACHABLE, channel.id, command=word, why=str(refusal))
                return {"ok": False, "error": refusal.code}
        return OK

    # --- clicking and choosing ---

    async def act(
        self,
        user_id: str,
        *,
        action_id: str,
        block_id: str | None = None,
        value: Any = None,
        channel_id: str | None = None,
        ts: str | None = None,
        view_id: str | None = None,
    ) -> Json:
        """A click on a button or a choice in a select, in a message (channel, ts) or a view."""
        user = self._person(user_id)
        if view_id is not None:
            return await self._act_in_view(user, view_id, action_id, block_id, value)
        message = self._visible(user, channel_id or "", ts or "")
        block, element = self._find(message.blocks, action_id, block_id)
        surface = f"{message.channel}:{message.ts}"
        self._remember(user, surface, block, element, value)
        _, address = self._response_url(user, message.channel, message)
        payload = payloads.message_action(
            self._state,
            user,
            message,
            [self._action(block, element, value)],
            trigger_id=self._surfaces.new_trigger(user.id),
            response_url=address,
            entered=self._surfaces.entered_in(user.id, surface),
        )
        outcome = await self._delivery.ask(INTERACTIVE, payload)
        return OK if outcome.acked else self._failed(user, outcome, message.channel)

    async def _act_in_view(
        self, user: User, view_id: str, action_id: str, block_id: str | None, value: Any
    ) -> Json:
        view = self._surfaces.view_of(user.id, view_id)
        block, element = self._find(view["blocks"], action_id, block_id)
        self._remember(user, view_id, block, element, value)
        if block["type"] == "input" and not block.get("dispatch_action"):
            return OK
        payload = payloads.view_action(
            user,
            view,
            [self._action(block, element, value)],
            trigger_id=self._surfaces.new_trigger(user.id, view_id),
            entered=self._surfaces.entered_in(user.id, view_id),
        )
        outcome = await self._delivery.ask(INTERACTIVE, payload)
        return OK if outcome.acked else self._failed(user, outcome, None)

    @staticmethod
    def _find(blocks: list[Json], action_id: str, block_id: str | None) -> tuple[Json, Json]:
        try:
            return find_element(blocks, action_id, block_id)
        except KeyError:
            raise Deed("element_gone") from None

    def _action(self, block: Json, element: Json, value: Any) -> Json:
        try:
            return payloads.action(block, element, value, self._state.next_ts())
        except ValueError:
            raise Deed("no_such_option") from None

    def _remember(self, user: User, surface: str, block: Json, element: Json, value: Any) -> None:
        if element["type"] in STATEFUL:
            self._surfaces.enter(user.id, surface, block["block_id"], element["action_id"], value)

    # --- modals ---

    def enter(self, user_id: str, view_id: str, values: Mapping[str, Any]) -> None:
        """Fill inputs of a view: {block_id: value}, or {block_id: {action_id: value}}. Raises Deed."""
        view = self._surfaces.view_of(user_id, view_id)
        for block_id, given in values.items():
            block = next((b for b in view["blocks"] if b["block_id"] == block_id), None)
            if block is None:
                raise Deed("element_gone")
            if not isinstance(given, dict):
                if block["type"] != "input":
                    raise Deed("element_gone")
                given = {block["element"]["action_id"]: given}
            for action_id, value in given.items():
                _, element = self._find(view["blocks"], action_id, block_id)
                self._action(block, element, value)
                self._surfaces.enter(user_id, view_id, block_id, action_id, value)

    async def submit(self, user_id: str, view_id: str, values: Mapping[str, Any]) -> Json:
        """Submit the uppermost modal. Errors: {"errors": {block_id: text or {"code", …}}}."""
        user = self._person(user_id)
        stack = self._surfaces.stack(user.id)
        if not stack or stack[-1]["id"] != view_id:
            raise Deed("view_gone")
        view = stack[-1]
        if not view["submit"]:
            raise Deed("no_submit")
        self.enter(user.id, view_id, values)
        entered = self._surfaces.entered_in(user.id, view_id)
        wrong = problems(view["blocks"], entered)
        if wrong:
            errors = {block_id: {"code": code, **args} for block_id, (code, args) in wrong.items()}
            return {"ok": False, "errors": errors}
        payload = payloads.view_submission(
            user, view, trigger_id=self._surfaces.new_trigger(user.id, view_id), entered=entered
        )
        outcome = await self._delivery.ask(INTERACTIVE, payload, accepts_answer=True)
        if not outcome.acked:
            return {"ok": False, "error": self._code_of(outcome)}
        return self._carry_out(user, view, outcome.answer)

    @staticmethod
    def _code_of(outcome: Outcome) -> str:
        return UNREACHABLE if outcome.reason in ("connection_failed", "http_error") else TIMEOUT

    def _carry_out(self, user: User, view: Json, answer: Any) -> Json:
        """The response_action of a submission; without one the submitted view closes."""
        kind = answer.get("response_action") if isinstance(answer, dict) else None
        stack = self._surfaces.stack(user.id)
        if not any(v["id"] == view["id"] for v in stack):
            return OK
        try:
            if kind == "errors":
                return self._errors(view, answer.get("errors"))
            if kind in ("update", "push"):
                given = require_view(answer.get("view"))
                if given["type"] != MODAL:
                    raise SlackRefusal("invalid_arguments", ["must be a modal"])
                put = self._surfaces.replace_top if kind == "update" else self._surfaces.put_on_top
                put(user.id, given)
                return OK
        except SlackRefusal as refusal:
            return {"ok": False, "error": UNREACHABLE, "why": str(refusal)}
        if kind == "clear":
            self._surfaces.clear(user.id)
        elif kind is None:
            self._surfaces.close_top(user.id)
        else:
            return {"ok": False, "error": UNREACHABLE, "why": f"unknown response_action {kind}"}
        return OK

    @staticmethod
    def _errors(view: Json, errors: Any) -> Json:
        inputs = {b["block_id"] for b in view["blocks"] if b["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
            why = "errors must name block_ids of input blocks of this view"
            return {"ok": False, "error": UNREACHABLE, "why": why}
        return {"ok": False, "errors": {key: str(text) for key, text in errors.items()}}

    async def close(self, user_id: str, *, everything: bool = False) -> Json:
        """Close the uppermost modal (the X and Cancel), or all of them."""
        user = self._person(user_id)
        stack = self._surfaces.stack(user.id)
        if not stack:
            raise Deed("view_gone")
        everything = everything or bool(stack[-1]["clear_on_close"])
        entered = {view["id"]: self._surfaces.entered_in(user.id, view["id"]) for view in stack}
        closed = self._surfaces.clear(user.id) if everything else [self._surfaces.close_top(user.id)]
        for view in closed:
            if view["notify_on_close"]:
                payload = payloads.view_closed(user, view, entered[view["id"]], is_cleared=everything)
                await self._delivery.ask(INTERACTIVE, payload)
        return OK

    # --- shortcuts, App Home, DM ---

    async def shortcut(
        self, user_id: str, callback_id: str, channel_id: str | None = None, ts: str | None = None
    ) -> Json:
        """A global shortcut, or with a message its shortcut."""
        user = self._person(user_id)
        kind = "message" if ts else "global"
        if not any(s.callback_id == callback_id and s.kind == kind for s in self._app.shortcuts):
            raise Deed("no_such_shortcut")
        trigger_id, now = self._surfaces.new_trigger(user.id), self._state.next_ts()
        if ts is None:
            payload = payloads.shortcut(user, callback_id, trigger_id=trigger_id, ts=now)
        else:
            message = self._visible(user, channel_id or "", ts)
            if message.only_for is not None:
                raise Deed("message_gone")
            _, address = self._response_url(user, message.channel, message)
            payload = payloads.message_shortcut(
                self._state,
                user,
                callback_id,
                message,
                trigger_id=trigger_id,
                response_url=address,
                ts=now,
            )
        outcome = await self._delivery.ask(INTERACTIVE, payload)
        return OK if outcome.acked else self._failed(user, outcome, channel_id)

    async def open_home(self, user_id: str, tab: str = "home") -> Json:
        """Look at the App Home or its messages; the bot hears app_home_opened."""
        user = self._person(user_id)
        self._events.home_opened(user.id, "messages" if tab == "messages" else "home")
        return {"ok": True, "channel": self._state.dm_with(user.id).id}

    def invite(self, user_id: str, channel_id: str, *, member: bool = True) -> Json:
        """Take the bot into a channel, or remove it."""
        user = self._person(user_id)
        channel = self._channel_of(user, channel_id)
        if self._state.set_membership(channel.id, BOT_USER, member=member):
            self._events.membership(channel.id, BOT_USER, joined=member)
        return OK
