"""/ui/: a person's deeds and looks over HTTP. The page uses it, and so do tests that play a person."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import structlog
from aiohttp import web

from bot.content import LANGUAGES, content_text, load_yaml
from bot.workspace.app import App
from bot.workspace.delivery import Delivery
from bot.workspace.dns_panel import DnsPanel
from bot.workspace.errors import SlackRefusal
from bot.workspace.faults import Fault, Faults, Kind
from bot.workspace.interactions import Deed, Interactions
from bot.workspace.snapshot import snapshot
from bot.workspace.state import Json, State
from bot.workspace.surfaces import Surfaces

log = structlog.get_logger(__name__)
HEARTBEAT_SECONDS = 15.0
LOCALES = ("ja-JP", "en-US")


Travel = Callable[[datetime], Awaitable[None]]


@lru_cache(maxsize=1)
def _texts() -> dict[str, dict[str, str]]:
    texts = load_yaml(content_text("messages", "workspace.yml"), "workspace.yml")
    return {lang: {key: text[lang] for key, text in texts.items()} for lang in LANGUAGES}


class Live:
    """Tells every open page that something changed."""

    def __init__(self) -> None:
        self._pages: set[asyncio.Event] = set()
        self.closing = False

    def changed(self) -> None:
        for page in self._pages:
            page.set()

    def close(self) -> None:
        self.closing = True
        self.changed()

    async def serve(self, request: web.Request, revision: Callable[[], str]) -> web.StreamResponse:
        """Server-sent events: the revision, at once and after each change."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        page = asyncio.Event()
        self._pages.add(page)
        try:
            while not self.closing:
                await response.write(f"data: {revision()}\n\n".encode())
                try:
                    async with asyncio.timeout(HEARTBEAT_SECONDS):
                        await page.wait()
                except TimeoutError:
                    continue
                page.clear()
        except ConnectionError:
            log.debug("workspace_page_left")
        finally:
            self._pages.discard(page)
        return response


class Ui:
    def __init__(
        self,
        *,
        state: State,
        surfaces: Surfaces,
        app: App,
        interactions: Interactions,
        delivery: Delivery,
        faults: Faults,
        live: Live,
        clock_face: Callable[[], Awaitable[Json]],
        travel: Travel,
        next_due: Callable[[], Awaitable[datetime | None]],
        now: Callable[[], datetime],
        dns: DnsPanel | None,
        run: str,
    ) -> None:
        self._state = state
        self._surfaces = surfaces
        self._app = app
        self._do = interactions
        self._delivery = delivery
        self._faults = faults
        self._live = live
        self._clock_face = clock_face
        self._travel = travel
        self._next_due = next_due
        self._now = now
        self._dns = dns
        self._run = run
        self._travelling = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        posts: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "command": self._command,
            "message": self._message,
            "action": self._action,
            "select": self._action,
            "fill": self._fill,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._home,
            "dm": self._dm,
            "invite": self._invite,
            "clock": self._clock,
            "fault": self._fault,
            "locale": self._locale,
            "dns": self._edit_dns,
        }
        return [
            web.get("/ui/state", self._get_state),
            web.get("/ui/live", self._get_live),
            web.get("/ui/texts", self._get_texts),
            web.get("/ui/clock", self._get_clock),
            web.get("/ui/dns", self._get_dns),
            web.get("/ui/undelivered", self._get_undelivered),
            *(web.post(f"/ui/{name}", self._posted(work)) for name, work in posts.items()),
        ]

    # --- looks ---

    async def _get_state(self, request: web.Request) -> web.Response:
        since = int(request.query.get("since", "-1"))
        if request.query.get("run") != self._run:
            since = -1
        try:
            seen = snapshot(
                self._state,
                self._surfaces,
                self._app,
                request.query.get("user", ""),
                since=since,
                run=self._run,
            )
        except SlackRefusal as refusal:
            return web.json_response(refusal.as_answer(), status=404)
        seen["clock"] = await self._clock_face()
        seen["connected"] = self._delivery.connected + len(self._delivery.http_targets)
        return web.json_response(seen)

    async def _get_live(self, request: web.Request) -> web.StreamResponse:
        return await self._live.serve(request, lambda: json.dumps({"run": self._run, "rev": self._state.rev}))

    async def _get_texts(self, request: web.Request) -> web.Response:
        """The page's own texts in both languages."""
        return web.json_response(await asyncio.to_thread(_texts))

    async def _get_clock(self, request: web.Request) -> web.Response:
        return web.json_response(await self._clock_face())

    async def _get_dns(self, request: web.Request) -> web.Response:
        if self._dns is None:
            return web.json_response({"ok": False, "error": "no_sandbox"})
        return web.json_response(self._dns.show())

    async def _get_undelivered(self, request: web.Request) -> web.Response:
        """Events that were never acknowledged, by their event_ts."""
        return web.json_response({"events": self._delivery.given_up})

    # --- deeds ---

    def _posted(
        self, work: Callable[[Json], Awaitable[Json]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="send JSON")
            try:
                body = await request.json()
                if not isinstance(body, dict):
                    raise ValueError("not an object")
            except ValueError as error:
                raise web.HTTPBadRequest(text="send a JSON object") from error
            try:
                answer = await work(body)
            except (Deed, SlackRefusal) as refusal:
                return web.json_response({"ok": False, "error": refusal.code}, status=409)
            except (KeyError, TypeError, ValueError) as error:
                return web.json_response({"ok": False, "error": "bad_request", "why": str(error)}, status=400)
            finally:
                self._live.changed()
            return web.json_response(answer)

        return handle

    async def _command(self, body: Json) -> Json:
        return await self._do.command(body["user"], body["channel"], body["text"])

    async def _message(self, body: Json) -> Json:
        return await self._do.say(body["user"], body["channel"], body["text"], body.get("thread_ts"))

    async def _action(self, body: Json) -> Json:
        return await self._do.act(
            body["user"],
            action_id=body["action_id"],
            block_id=body.get("block_id"),
            value=body.get("value"),
            channel_id=body.get("channel"),
            ts=body.get("ts"),
            view_id=body.get("view_id"),
        )

    async def _fill(self, body: Json) -> Json:
        self._do.enter(body["user"], body["view_id"], body["values"])
        return {"ok": True}

    async def _submit(self, body: Json) -> Json:
        return await self._do.submit(body["user"], body["view_id"], body.get("values") or {})

    async def _close(self, body: Json) -> Json:
        return await self._do.close(body["user"], everything=bool(body.get("everything")))

    async def _shortcut(self, body: Json) -> Json:
        return await self._do.shortcut(body["user"], body["callback_id"], body.get("channel"), body.get("ts"))

    async def _home(self, body: Json) -> Json:
        return await self._do.open_home(body["user"], body.get("tab", "home"))

    async def _dm(self, body: Json) -> Json:
        return await self._do.open_home(body["user"], "messages")

    async def _invite(self, body: Json) -> Json:
        return self._do.invite(body["user"], body["channel"], member=bool(body.get("member", True)))

    async def _locale(self, body: Json) -> Json:
        """The language of this person's Slack: ja-JP or en-US."""
        if body["locale"] not in LOCALES:
            raise ValueError("ja-JP or en-US")
        self._state.user(body["user"]).locale = body["locale"]
        self._state.touch()
        return {"ok": True}

    async def _edit_dns(self, body: Json) -> Json:
        if self._dns is None:
            raise Deed("no_sandbox")
        self._dns.edit(body)
        self._state.touch()
        return {"ok": True}

    async def _clock(self, body: Json) -> Json:
        """`by` (seconds), `to` (ISO with zone), or `next`: the next reminder."""
        async with self._travelling:
            now = self._now()
            if body.get("next"):
                due = await self._next_due()
                if due is None:
                    raise Deed("no_reminder")
                target = max(due, now)
            elif "by" in body:
                target = now + timedelta(seconds=float(body["by"]))
            else:
                target = datetime.fromisoformat(body["to"])
                if target.tzinfo is None:
                    raise ValueError("an instant needs its zone")
            if target < now:
                raise Deed("only_forward")
            await self._travel(target)
            self._state.touch()
        return {"ok": True, **await self._clock_face()}

    async def _fault(self, body: Json) -> Json:
        """Inject a fault, or do one of: disconnect, refresh, expire_triggers, clear."""
        deed: Any = body.get("do")
        if deed == "disconnect":
            await self._delivery.disconnect()
        elif deed == "refresh":
            await self._delivery.disconnect(politely=True)
        elif deed == "expire_triggers":
            self._surfaces.expire_triggers()
        elif deed == "clear":
            self._faults.clear()
        else:
            kind = Kind(body["kind"])
            self._faults.add(Fault(**{**body, "kind": kind}))
        return {"ok": True, "left": self._faults.left()}
