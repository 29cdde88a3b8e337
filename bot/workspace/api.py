"""Slack's Web API, as far as the bot uses it, as strict as Slack: token, arguments, method."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from aiohttp import web

from bot.workspace.app import APP_ID, BOT_ID, BOT_USER, App
from bot.workspace.args import Args
from bot.workspace.chat import Chat
from bot.workspace.conversations import Conversations
from bot.workspace.errors import SlackRefusal
from bot.workspace.events import Events
from bot.workspace.faults import Fault, Faults, Kind
from bot.workspace.state import TEAM_ID, Json, State
from bot.workspace.surfaces import Surfaces
from bot.workspace.uploads import Uploads
from bot.workspace.usergroups import UserGroups

Method = Callable[[Args], Json]
APP_TOKEN_METHODS = frozenset({"apps.connections.open"})
OPEN_METHODS = frozenset({"api.test"})


class Api:
    """The methods by name, and the road from a request to an answer."""

    def __init__(
        self,
        *,
        state: State,
        surfaces: Surfaces,
        events: Events,
        faults: Faults,
        app: App,
        bot_token: str,
        app_token: str,
        socket_url: Callable[[], str],
    ) -> None:
        self._state = state
        self._surfaces = surfaces
        self._faults = faults
        self._app = app
        self._tokens = {bot_token: "bot", app_token: "app"}
        self._socket_url = socket_url
        self.base_url = ""
        self.chat = Chat(state, surfaces, events)
        self.uploads = Uploads(state, self.chat)
        self.calls: dict[str, int] = {}
        looks = Conversations(state, events)
        groups = UserGroups(state)
        self._methods: dict[str, Method] = {
            "api.test": lambda args: {"ok": True, "args": {}},
            "auth.test": self._auth_test,
            "bots.info": self._bots_info,
            "apps.connections.open": lambda args: {"ok": True, "url": self._socket_url()},
            "chat.postMessage": self.chat.post_message,
            "chat.postEphemeral": self.chat.post_ephemeral,
            "chat.update": self.chat.update,
            "chat.delete": self.chat.delete,
            "chat.getPermalink": self.chat.permalink,
            "views.open": self._views_open,
            "views.push": self._views_push,
            "views.update": self._views_update,
            "views.publish": self._views_publish,
            "conversations.open": looks.open,
            "conversations.info": looks.info,
            "conversations.list": looks.channels,
            "conversations.members": looks.members,
            "conversations.join": looks.join,
            "conversations.history": looks.history,
            "conversations.replies": looks.replies,
            "usergroups.list": groups.list,
            "usergroups.users.list": groups.users,
            "users.info": looks.user_info,
            "users.list": looks.user_list,
            "users.conversations": looks.user_conversations,
            "reactions.add": lambda args: looks.react(args, add=True),
            "reactions.remove": lambda args: looks.react(args, add=False),
            "assistant.threads.setStatus": self._set_status,
            "assistant.threads.setSuggestedPrompts": self._set_prompts,
            "assistant.threads.setTitle": self._set_title,
            "files.getUploadURLExternal": self.uploads.upload_url,
            "files.completeUploadExternal": self.uploads.complete,
        }

    # --- from a request to an answer ---

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Any method under /api/."""
        method = request.match_info["method"]
        args, token = await self._read(request)
        return await self.faulty(
            request,
            method,
            lambda: web.json_response(self.call(method, token, args)),
            json.dumps(args, ensure_ascii=False),
        )

    async def serve_response_url(self, request: web.Request) -> web.StreamResponse:
        """A post to a response_url."""
        key = request.match_info["key"]
        try:
            body = await request.json()
        except ValueError:
            body = None
        return await self.faulty(
            request,
            "response_url",
            lambda: self._respond(key, body),
            json.dumps(body, ensure_ascii=False),
        )

    def _respond(self, key: str, body: object) -> web.Response:
        self.calls["response_url"] = self.calls.get("response_url", 0) + 1
        try:
            if not isinstance(body, dict):
                raise SlackRefusal("invalid_payload")
            self.chat.respond(self._surfaces.use_response_url(key), body)
        except SlackRefusal as refusal:
            status = 404 if refusal.code in ("expired_url", "used_url") else 400
            return web.json_response(refusal.as_answer(), status=status)
        return web.Response(text="ok")

    async def faulty(
        self, request: web.Request, method: str, answer: Callable[[], web.Response], given: str = ""
    ) -> web.StreamResponse:
        """The answer to a call, unless a fault is waiting for it. `given`: its arguments, as text."""
        fault = self._faults.take_call(method, given)
        if fault is None:
            return answer()
        return await self._with_fault(request, fault, answer)

    @staticmethod
    async def _with_fault(
        request: web.Request, fault: Fault, answer: Callable[[], web.Response]
    ) -> web.StreamResponse:
        if fault.kind is Kind.DELAY:
            await asyncio.sleep(fault.seconds)
            return answer()
        if fault.kind is Kind.RATE_LIMIT:
            headers = {"Retry-After": str(int(fault.seconds))}
            return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)
        if fault.kind is Kind.STATUS:
            return web.Response(status=fault.status, text=fault.body, content_type=fault.content_type)
        if fault.kind is Kind.REFUSE:
            return web.json_response(SlackRefusal(fault.error).as_answer())
        if fault.kind is Kind.DROP_ANSWER:
            answer()
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)

    @staticmethod
    async def _read(request: web.Request) -> tuple[Json, str | None]:
        """The arguments and the token, from wherever Slack takes them."""
        given: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json":
            try:
                body = await request.json()
            except json.JSONDecodeError:
                body = {}
            given |= body if isinstance(body, dict) else {}
        elif request.can_read_body:
            form = await request.post()
            given |= {name: value for name, value in form.items() if isinstance(value, str)}
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else given.get("token")
        return given, token

    def call(self, method: str, token: str | None, given: Json) -> Json:
        """The answer to one call; refusals are answers too."""
        self.calls[method] = self.calls.get(method, 0) + 1
        try:
            self._authorise(method, token)
            found = self._methods.get(method)
            if found is None:
                return {"ok": False, "error": "unknown_method", "req_method": method}
            return found(Args(given))
        except SlackRefusal as refusal:
            return refusal.as_answer()

    def _authorise(self, method: str, token: str | None) -> None:
        if method in OPEN_METHODS:
            return
        if not token:
            raise SlackRefusal("not_authed")
        kind = self._tokens.get(token)
        if kind is None:
            raise SlackRefusal("invalid_auth")
        if (kind == "app") != (method in APP_TOKEN_METHODS):
            raise SlackRefusal("not_allowed_token_type")

    # --- methods of no other module ---

    def _auth_test(self, args: Args) -> Json:
        return {
            "ok": True,
            "url": f"{self.base_url}/",
            "team": "ローカル・ワークスペース",
            "user": self._app.name,
            "team_id": TEAM_ID,
            "user_id": BOT_USER,
            "bot_id": BOT_ID,
            "is_enterprise_install": False,
        }

    def _bots_info(self, args: Args) -> Json:
        if args.text("bot", BOT_ID) != BOT_ID:
            raise SlackRefusal("bot_not_found")
        bot = {"id": BOT_ID, "app_id": APP_ID, "user_id": BOT_USER, "name": self._app.name, "deleted": False}
        return {"ok": True, "bot": bot}

    def _views_open(self, args: Args) -> Json:
        view = args.parsed("view")
        return {"ok": True, "view": self._surfaces.open_view(args.need("trigger_id"), view)}

    def _views_push(self, args: Args) -> Json:
        view = args.parsed("view")
        return {"ok": True, "view": self._surfaces.push_view(args.need("trigger_id"), view)}

    def _views_update(self, args: Args) -> Json:
        view = self._surfaces.update_view(
            args.parsed("view"),
            view_id=args.text("view_id") or None,
            external_id=args.text("external_id") or None,
            hash_=args.text("hash") or None,
        )
        return {"ok": True, "view": view}

    def _views_publish(self, args: Args) -> Json:
        if not self._app.home_tab:
            raise SlackRefusal("not_enabled")
        view = self._surfaces.publish_view(
            args.need("user_id"), args.parsed("view"), args.text("hash") or None
        )
        return {"ok": True, "view": view}

    def _set_status(self, args: Args) -> Json:
        channel = self._state.conversation(args.need("channel_id"))
        self._surfaces.statuses[channel.id, args.text("thread_ts")] = args.text("status")
        self._state.touch()
        return {"ok": True}

    def _set_prompts(self, args: Args) -> Json:
        channel = self._state.conversation(args.need("channel_id"))
        prompts = args.parsed("prompts")
        if not isinstance(prompts, list) or not 1 <= len(prompts) <= 4:
            raise SlackRefusal("invalid_arguments", ["prompts must have 1 to 4 items"])
        self._state.prompts[channel.id] = {"title": args.text("title"), "prompts": prompts}
        self._state.touch()
        return {"ok": True}

    def _set_title(self, args: Args) -> Json:
        self._state.conversation(args.need("channel_id"))
        args.need("title")
        return {"ok": True}
