"""Plays one person towards the workspace, over HTTP as the page does. For tests and rehearsals."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from aiohttp import ClientSession, ClientTimeout

Json = dict[str, Any]
T = TypeVar("T")

UNLIMITED, LOOK_SECONDS = ClientTimeout(total=None), 0.1

HANAKO, ALICE, KEN, GUEST = "U0HANAKO01", "U0ALICE001", "U0KEN00001", "U0GUEST001"
CUTOVER, GENERAL, ARCHIVED = "C0CUTOVER1", "C0GENERAL1", "C0ARCHIVE1"


class NotSeen(AssertionError):
    """What was waited for did not come; says what was there instead."""


class Person:
    """`async with Person(url, HANAKO) as hanako:`."""

    def __init__(self, url: str, user: str = HANAKO) -> None:
        self.url = url.rstrip("/")
        self.user = user
        self._http: ClientSession | None = None

    async def __aenter__(self) -> "Person":
        self._http = ClientSession()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            await self._http.close()

    @property
    def http(self) -> ClientSession:
        if self._http is None:
            raise RuntimeError("use `async with Person(...)`")
        return self._http

    async def _post(self, deed: str, **body: Any) -> Json:
        sent = {name: value for name, value in body.items() if value is not None}
        async with self.http.post(f"{self.url}/ui/{deed}", json={"user": self.user, **sent}) as answer:
            found: Json = await answer.json()
            return found

    # --- deeds ---

    async def command(self, text: str, channel: str = CUTOVER) -> Json:
        """Type a slash command, such as `/mxcutover start example.co.jp`."""
        return await self._post("command", channel=channel, text=text)

    async def say(self, text: str, channel: str = CUTOVER, thread_ts: str | None = None) -> Json:
        """Write a message; the answer has its ts."""
        return await self._post("message", channel=channel, text=text, thread_ts=thread_ts)

    async def dm(self, text: str) -> Json:
        """Write to the bot."""
        return await self.say(text, await self.dm_channel())

    async def dm_channel(self) -> str:
        state = await self.state()
        return str(next(c["id"] for c in state["channels"] if c["is_im"]))

    async def click(
        self, where: Mapping[str, Any], action_id: str, value: Any = None, block_id: str | None = None
    ) -> Json:
        """Click or choose in a message or a view, as `messages()`, `modal()` or `home()` gave it."""
        place = (
            {"channel": where["channel"], "ts": where["ts"]}
            if where.get("type") == "message"
            else {"view_id": where["id"]}
        )
        return await self._post("action", action_id=action_id, block_id=block_id, value=value, **place)

    async def fill(self, view: Mapping[str, Any], values: Mapping[str, Any]) -> Json:
        """Enter {block_id: value} without submitting."""
        return await self._post("fill", view_id=view["id"], values=dict(values))

    async def submit(self, view: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Json:
        """Submit a modal; {"ok": False, "errors": {block_id: …}} where it was refused."""
        return await self._post("submit", view_id=view["id"], values=dict(values or {}))

    async def close(self, *, everything: bool = False) -> Json:
        return await self._post("close", everything=everything)

    async def shortcut(self, callback_id: str, message: Mapping[str, Any] | None = None) -> Json:
        """A global shortcut, or that of a message."""
        place = {"channel": message["channel"], "ts": message["ts"]} if message else {}
        return await self._post("shortcut", callback_id=callback_id, **place)

    async def open_home(self) -> Json:
        return await self._post("home", tab="home")

    async def invite(self, channel: str, *, member: bool = True) -> Json:
        """Take the bot into a channel, or remove it."""
        return await self._post("invite", channel=channel, member=member)

    async def move_clock(
        self, *, by: float | None = None, to: str | None = None, next_: bool = False
    ) -> Json:
        """Move the clock by seconds, to an ISO instant with zone, or to the next reminder."""
        return await self._post("clock", by=by, to=to, next=next_ or None)

    async def fault(self, kind: str, **more: Any) -> Json:
        """Inject a fault: `kind` is a value of faults.Kind."""
        return await self._fault(kind=kind, **more)

    async def do(self, deed: str) -> Json:
        """disconnect, refresh, expire_triggers, clear."""
        return await self._fault(do=deed)

    async def _fault(self, **body: Any) -> Json:
        async with self.http.post(f"{self.url}/ui/fault", json=body) as answer:
            found: Json = await answer.json()
            return found

    # --- looks ---

    async def state(self) -> Json:
        """Everything this person sees."""
        async with self.http.get(f"{self.url}/ui/state", params={"user": self.user}) as answer:
            found: Json = await answer.json()
            return found

    async def undelivered(self) -> list[str]:
        """`ts` of what was said and never reached the bot, for all of Slack's retries."""
        async with self.http.get(f"{self.url}/ui/undelivered") as answer:
            found: list[str] = (await answer.json())["events"]
            return found

    async def messages(self, channel: str = CUTOVER, thread_ts: str | None = None) -> list[Json]:
        """Of a channel, or of a thread with its root first; without what only this person sees."""
        return [
            m
            for m in (await self.state())["messages"]
            if m["channel"] == channel
            and "only_for" not in m
            and (not m["is_reply"] if thread_ts is None else thread_ts in (m["ts"], m.get("thread_ts") or ""))
        ]

    async def ephemerals(self, channel: str | None = None) -> list[Json]:
        """What only this person sees, oldest first."""
        return [
            m for m in (await self.state())["messages"] if "only_for" in m and channel in (None, m["channel"])
        ]

    async def modal(self) -> Json | None:
        """The uppermost open modal."""
        stack: list[Json] = (await self.state())["modal"]
        return stack[-1] if stack else None

    async def home(self) -> Json | None:
        """The App Home view."""
        home: Json | None = (await self.state())["home"]
        return home

    async def notices(self) -> list[Json]:
        """What Slack itself told this person, such as operation_timeout."""
        found: list[Json] = (await self.state())["notices"]
        return found

    # --- waiting ---

    async def wait_for(
        self, look: Callable[[], Awaitable[T]], seen: Callable[[T], object] = bool, seconds: float = 10.0
    ) -> T:
        """Look after each change, and ten times a second, until `seen` holds; what was then seen.

        Raises NotSeen.

        `await hanako.wait_for(hanako.modal)`;
        `await hanako.wait_for(hanako.messages, lambda messages: len(messages) == 2)`.
        """
        last: Any = None
        try:
            async with asyncio.timeout(seconds):
                async with self.http.get(f"{self.url}/ui/live", timeout=UNLIMITED) as live:
                    while True:
                        last = found = await look()
                        if seen(found):
                            return found
                        with suppress(TimeoutError):
                            await asyncio.wait_for(live.content.readuntil(b"\n\n"), LOOK_SECONDS)
        except TimeoutError:
            pass
        raise NotSeen(f"not seen within {seconds} s; last looked like {str(last)[:2000]}")


def texts(blocks: object) -> str:
    """All that blocks, a message or a view say, in order, joined by newlines: for assertions."""
    if isinstance(blocks, str):
        return blocks
    if isinstance(blocks, dict):
        parts = [
            texts(value) for key, value in blocks.items() if isinstance(value, dict | list) or key == "text"
        ]
        return "\n".join(part for part in parts if part)
    if isinstance(blocks, list):
        return "\n".join(part for part in map(texts, blocks) if part)
    return ""
