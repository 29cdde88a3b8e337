"""The local workspace: one server on this machine that is Slack to the bot and a page to its people."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from uuid import uuid4

import structlog
from aiohttp import web

from bot.ports import Clock
from bot.workspace import keeping
from bot.workspace.api import Api
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.delivery import RETRY_DELAYS, Delivery
from bot.workspace.dns_panel import DnsPanel
from bot.workspace.events import Events
from bot.workspace.faults import Faults
from bot.workspace.interactions import Interactions
from bot.workspace.snapshot import clock_face
from bot.workspace.state import Json, State, seed
from bot.workspace.surfaces import Surfaces
from bot.workspace.ui import Live, Travel, Ui
from bot.workspace.uploads import MOST_BYTES, SHOWN
from bot.workspace.web import guard

log = structlog.get_logger(__name__)

BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-local", "xapp-local", "local-signing-secret"
PAGE_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class LocalWorkspace:
    """Slack on this machine. `travel` moves the clock and does what falls due on the way (main gives it);
    without it the clock is just set. `next_due` says when the next reminder comes. `dns`: the sandbox that
    the page shows. `add_routes` adds further addresses to the server, such as health checks.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state_file: Path | None = None,
        app: App | None = None,
        travel: Travel | None = None,
        next_due: Callable[[], Awaitable[datetime | None]] | None = None,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        http_targets: Sequence[str] = (),
        dns: DnsPanel | None = None,
        add_routes: Callable[[web.Application], None] | None = None,
        retry_delays: Sequence[float] = RETRY_DELAYS,
        ack_seconds: float = 3.0,
        monotonic: Callable[[], float] = time.monotonic,
        extra_hosts: Sequence[str] = (),
    ) -> None:
        self.clock = clock
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self._host, self._port = host, port
        self._hosts = {"127.0.0.1", "localhost", "::1", host.lower(), *(h.lower() for h in extra_hosts)}
        self._app = app or App()
        self._travel = travel
        self._next_due = next_due
        self._run = uuid4().hex
        self.state = State(clock.now)
        self.surfaces = Surfaces(self.state, monotonic)
        self.faults = Faults()
        self._live = Live()
        self.delivery = Delivery(
            signing_secret=signing_secret,
            http_targets=http_targets,
            faults=self.faults,
            retry_delays=retry_delays,
            ack_seconds=ack_seconds,
            on_connections=self._live.changed,
        )
        self._events = Events(self.state, self.delivery, self._app)
        self.api = Api(
            state=self.state,
            surfaces=self.surfaces,
            events=self._events,
            faults=self.faults,
            app=self._app,
            bot_token=bot_token,
            app_token=app_token,
            socket_url=self._socket_url,
        )
        self.interactions = Interactions(
            state=self.state,
            surfaces=self.surfaces,
            events=self._events,
            delivery=self.delivery,
            chat=self.api.chat,
            app=self._app,
            response_base="",
        )
        self._ui = Ui(
            state=self.state,
            surfaces=self.surfaces,
            app=self._app,
            interactions=self.interactions,
            delivery=self.delivery,
            faults=self.faults,
            live=self._live,
            clock_face=self._face,
            travel=self._go_to,
            next_due=self._when_due,
            now=clock.now,
            dns=dns,
            run=self._run,
        )
        self._add_routes = add_routes
        self._keeper = keeping.Keeper(state_file, self._dump) if state_file is not None else None
        self._state_file = state_file
        self._runner: web.AppRunner | None = None

    # --- life ---

    async def start(self) -> None:
        """Take up what was kept, then listen. Raises OSError where the port is taken, ValueError where
        the state file is something else.
        """
        self._restore()
        seed(self.state, self._app.name)
        self.state.changed = self._changed
        await self.delivery.start()
        server = web.Application(
            middlewares=[guard(self._hosts)],  # type: ignore[list-item]
            client_max_size=MOST_BYTES,
        )
        server.add_routes(
            [
                web.route("*", "/api/{method}", self.api.serve),
                web.post("/response/{key}", self.api.serve_response_url),
                web.get("/link", self.delivery.serve_socket),
                web.post("/upload/{file}", self._receive_file),
                web.get("/files/{file}/{name}", self._send_file),
                *self._ui.routes(),
                web.get("/", self._page),
                web.get("/page/{name}", self._page),
            ]
        )
        if self._add_routes is not None:
            self._add_routes(server)
        self._runner = web.AppRunner(server, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = int(self._runner.addresses[0][1])
        self.api.base_url = self.api.uploads.base_url = self.url
        self.interactions.response_base = f"{self.url}/response"

    async def stop(self) -> None:
        """End every connection and write what is unwritten."""
        self._live.close()
        await self.delivery.stop()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._keeper is not None:
            await self._keeper.close()

    async def __aenter__(self) -> "LocalWorkspace":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Where the page is."""
        host = "127.0.0.1" if self._host in ("0.0.0.0", "::") else self._host  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{self._port}"

    @property
    def api_url(self) -> str:
        """What the bot's client takes as its base address."""
        return f"{self.url}/api/"

    async def wait_connected(self, seconds: float = 10.0) -> None:
        """Until the bot holds a Socket Mode connection. Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            await self.delivery.some_connection.wait()

    def _socket_url(self) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/link?ticket={self.delivery.new_ticket()}"

    # --- keeping ---

    def _changed(self) -> None:
        self._live.changed()
        if self._keeper is not None:
            self._keeper.changed()

    def _dump(self) -> Json:
        kept: Json = {"state": self.state.dump()}
        if isinstance(self.clock, MovableClock):
            kept["clock_offset_seconds"] = self.clock.offset.total_seconds()
        return kept

    def _restore(self) -> None:
        kept = keeping.read(self._state_file) if self._state_file is not None else None
        if kept is None:
            return
        try:
            self.state.load(kept["state"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{self._state_file} is no workspace of this version") from error
        if isinstance(self.clock, MovableClock):
            self.clock.restore(timedelta(seconds=float(kept.get("clock_offset_seconds", 0))))

    # --- the clock ---

    async def _face(self) -> Json:
        movable = isinstance(self.clock, MovableClock)
        offset = self.clock.offset if isinstance(self.clock, MovableClock) else timedelta()
        due = await self._when_due()
        return {
            **clock_face(self.clock.now(), offset),
            "can_travel": movable or self._travel is not None,
            "next_due": due.isoformat() if due else None,
        }

    async def _when_due(self) -> datetime | None:
        return await self._next_due() if self._next_due is not None else None

    async def _go_to(self, instant: datetime) -> None:
        if self._travel is not None:
            await self._travel(instant)
        elif isinstance(self.clock, MovableClock):
            self.clock.set(instant)
        else:
            raise ValueError("this clock cannot be moved")

    # --- files and the page ---

    async def _receive_file(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        return await self.api.faulty(request, "upload", lambda: self._take_file(request, content))

    def _take_file(self, request: web.Request, content: bytes) -> web.Response:
        if request.content_type == "multipart/form-data":
            return web.Response(status=400, text="send the bytes alone")
        if not self.api.uploads.receive(request.match_info["file"], content):
            return web.Response(status=400, text="no such upload, or not the promised length")
        return web.Response(text=f"OK - {len(content)}")

    async def _send_file(self, request: web.Request) -> web.Response:
        upload = self.api.uploads.get(request.match_info["file"])
        if upload is None or upload.content is None:
            raise web.HTTPNotFound
        inline = upload.mimetype in SHOWN
        headers = {
            "Content-Type": upload.mimetype if inline else "application/octet-stream",
            "Content-Disposition": "inline" if inline else "attachment",
            # A picture is looked at: whatever an SVG may hold, nothing of it runs or is fetched.
            "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        }
        return web.Response(body=upload.content, headers=headers)

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info.get("name", "index.html")
        page = files("bot.workspace").joinpath("page")
        found = next((entry for entry in page.iterdir() if entry.name == name), None)
        content_type = PAGE_TYPES.get(Path(name).suffix)
        if found is None or content_type is None:
            raise web.HTTPNotFound
        text = found.read_text(encoding="utf-8")
        return web.Response(text=text, content_type=content_type, headers={"Cache-Control": "no-cache"})
