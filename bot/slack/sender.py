"""Says what is in the outbox: claim, render, post, settle.

Slack has no idempotency key. Each post carries its row's key as metadata; where an answer was lost the
outcome is *unknown*, and the key is looked for in the channel before anything is said again.
"""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from structlog.contextvars import bound_contextvars

from bot.domain.cutover import Cutover
from bot.domain.teams import Team
from bot.ports import Clock, Delivery, OutboxRow, Outgoing, Store, Tx
from bot.slack.calls import ResponseUrlRefused, find_post, refusal_of, respond
from bot.slack.errors import Policy, Refusal, understand
from bot.slack.files import drawn, inline
from bot.slack.material import Material, gather
from bot.slack.pace import Pace
from bot.slack.rendered import Rendered
from bot.slack.vault import BadTokenKey
from bot.slack.voice import Voice

log = structlog.get_logger(__name__)

EVENT_TYPE = "mxcutover_message"
LEASE = timedelta(seconds=60)
CALL_SHARE = 1 / 3  # of the lease: a lease must not run out under a call that is alive
BATCH = 20
MOST_MISTAKES = 6
IDLE_SECONDS = 1.0
# Slack is tried at least so often while it fails: nobody tells when it is back, and the rest of the channel
# waits behind the message that failed.
LONGEST_WAIT = timedelta(seconds=10)


# Without files:write, or on a server that has no files at all.
_NO_FILES = frozenset({"missing_scope", "unknown_method", "not_allowed_token_type", "file_uploads_disabled"})


def file_name(name: str, key: str) -> str:
    """A file's name with the row's key in it: a post whose answer was lost is found again by it."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}-{key}{dot}{ending}"


class Clients(Protocol):
    async def of(self, team: Team) -> AsyncWebClient | None:
        """A client with the workspace's token and without retries of its own; None: not installed there."""
        ...


class Renderer(Protocol):
    def __call__(self, message: Outgoing, material: Material) -> Rendered: ...


class Sender:
    """The loop that empties the outbox."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        clients: Clients,
        render: Renderer,
        *,
        per_second: float = 1.0,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._clients = clients
        self._render = render
        self._pace = Pace(per_second)
        self._lease = lease
        self._call_seconds = lease.total_seconds() * CALL_SHARE
        self._woken = asyncio.Event()
        self._dm: dict[tuple[Team, str], str] = {}
        self._stopping = False

    def wake(self) -> None:
        """There may be something to say."""
        self._woken.set()

    async def run(self) -> None:
        """Until `stop`: send what is due, else wait to be woken or a second."""
        while not self._stopping:
            self._woken.clear()
            try:
                sent = await self.drain()
            except Exception:
                log.exception("the outbox could not be read")
                sent = 0
            if sent:
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), IDLE_SECONDS)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """End `run` after the batch in hand."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> int:
        """Send one batch; how many rows it held."""
        now = self._clock.now()
        rows = await self._store.transact(lambda tx: tx.outbox.claim(now, limit=BATCH, lease=self._lease))
        if rows:
            await asyncio.gather(*(self._settle(row) for row in rows))
        return len(rows)

    async def _settle(self, row: OutboxRow) -> None:
        ids = {"outbox_id": row.id, "kind": row.message.kind, "cutover_id": row.message.cutover_id}
        with bound_contextvars(**ids):  # a task of its own: every line that this row causes has its ids
            await self._settle_one(row, log)

    async def _settle_one(self, row: OutboxRow, bound: Any) -> None:
        try:
            await self._send(row, bound)
        except Exception as error:
            bound.exception("a message could not be made")
            await self._after_a_mistake(row, type(error).__name__)

    async def _after_a_mistake(self, row: OutboxRow, text: str) -> None:
        """A mistake of ours may be one of this moment: only one that stays lets a message go unsaid."""
        if row.attempts >= MOST_MISTAKES:
            await self._store.transact(lambda tx: tx.outbox.failed(row.id, row.token, text))
            return
        at = self._clock.now() + timedelta(seconds=2**row.attempts)
        await self._store.transact(
            lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=True, error=text)
        )

    async def _send(self, row: OutboxRow, bound: Any) -> None:
        try:
            client = await self._clients.of(row.team)
        except BadTokenKey as bad:
            # Another replica may have a newer key: what is to be said is kept until this one has it too.
            bound.error("not said yet", why=str(bad))
            at = self._clock.now() + LONGEST_WAIT
            await self._store.transact(
                lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=row.unknown, error="token_key")
            )
            return
        if client is None:
            await self._fail(row, Refusal(Policy.GIVE_UP, "not_installed"), bound)
            return
        message = row.message

        def prepare(tx: Tx) -> tuple[Material | None, float]:
            """What is to be said, and since when (monotonic seconds) it is known that it is ours to say."""
            if tx.outbox.held(row.id, row.token, self._call_seconds):
                return gather(tx, row.team, message, self._clock.now()), time.monotonic()
            # The database kept us waiting: another may be at it, or will be before we were done.
            tx.outbox.again(row.id, row.token, at=self._clock.now(), unknown=row.unknown, error="late")
            return None, 0.0

        material, known = await self._store.transact(prepare)
        if material is None:
            bound.warning("the lease ran out before the message was sent; left to whoever has it")
            return
        rendered = await drawn(self._render(message, material))
        left = known + self._call_seconds - time.monotonic()
        try:
            ts = await asyncio.wait_for(self._deliver(client, row, material, rendered), left)
        except _Closed as closed:
            await self._readdress(row, material, closed.code, bound)
            return
        except ResponseUrlRefused as refused:
            await self._refused(row, material, refusal_of(refused), bound)
            return
        except Exception as error:
            await self._refused(row, material, understand(error), bound)
            return
        await self._sent(row, material, ts)

    async def _deliver(
        self, client: AsyncWebClient, row: OutboxRow, material: Material, rendered: Rendered
    ) -> str | None:
        message = row.message
        if message.delivery is Delivery.RESPONSE and message.response_url:
            await respond(client, message.response_url, rendered, replace=bool(message.args.get("replace")))
            return None
        if message.delivery is Delivery.UPDATE:
            return await self._update(client, row, material, rendered)
        channel, thread = await self._address(client, row, material)
        if message.delivery is Delivery.EPHEMERAL:
            await self._pace.turn(channel)
            await client.chat_postEphemeral(
                channel=channel, user=message.user or "", thread_ts=thread, **rendered.body()
            )
            return None
        if row.unknown:
            found = await find_post(client, channel, thread, row.message.key)
            if found is not None:
                return found
        await self._pace.turn(channel)
        if rendered.files:
            return await self._upload(client, row, channel, thread, rendered)
        return await self._post(client, row, channel, thread, rendered)

    async def _upload(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, rendered: Rendered
    ) -> str | None:
        """One message with its files, each named by the row's key; no `ts` comes back with them.

        Where the app may not send files, their text goes into the message instead.
        """
        key = row.message.key[:8]
        uploads = [
            {"filename": file_name(file.name, key), "content": file.content, "title": file.name}
            for file in rendered.files
        ]
        try:
            await client.files_upload_v2(
                file_uploads=uploads,
                channel=channel,
                thread_ts=thread,
                initial_comment=rendered.text,
                request_file_info=False,
            )
        except SlackApiError as error:
            if error.response.get("error") not in _NO_FILES:
                raise
            log.info("files may not be sent; their text is said instead", kind=row.message.kind)
            lang = row.message.lang
            return await self._post(client, row, channel, thread, inline(Voice(lang), rendered))
        return None

    async def _post(
        self, client: AsyncWebClient, row: OutboxRow, channel: str, thread: str | None, rendered: Rendered
    ) -> str:
        metadata = {"event_type": EVENT_TYPE, "event_payload": {"outbox_id": row.message.key}}
        shared: dict[str, Any] = {
            "channel": channel,
            "thread_ts": thread,
            "metadata": metadata,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            response = await client.chat_postMessage(**shared, **rendered.body())
        except Exception as error:
            if understand(error).policy is not Policy.PLAIN or rendered.blocks is None:
                raise
            log.exception("blocks were refused; the text alone is said", kind=row.message.kind)
            response = await client.chat_postMessage(**shared, text=rendered.text)
        return str(response["ts"])

    async def _update(
        self, client: AsyncWebClient, row: OutboxRow, material: Material, rendered: Rendered
    ) -> str | None:
        message, cutover = row.message, material.cutover
        ts = message.update_ts or _ts_of(message.kind, cutover)
        channel = message.channel or (cutover.channel if cutover else None)
        if not ts or channel is None:
            return None  # its post has not been made, and will show the present state anyhow
        await self._pace.turn(channel)
        body = rendered.body()
        await client.chat_update(channel=channel, ts=ts, **body)
        return ts

    async def _address(
        self, client: AsyncWebClient, row: OutboxRow, material: Material
    ) -> tuple[str, str | None]:
        message, cutover = row.message, material.cutover
        if message.delivery in (Delivery.DM, Delivery.RESPONSE):
            return await self._dm_channel(client, row.team, message.user or ""), None
        if cutover is not None and message.kind == "root":
            return cutover.channel, None
        if cutover is not None and message.thread_ts is None and message.channel is None:
            if cutover.thread_ts is None:
                raise _Closed("no_thread")
            return cutover.channel, cutover.thread_ts
        return message.channel or "", message.thread_ts

    async def _dm_channel(self, client: AsyncWebClient, team: Team, user: str) -> str:
        known = self._dm.get((team, user))
        if known is None:
            opened = await client.conversations_open(users=[user])
            known = self._dm[team, user] = str(opened["channel"]["id"])
        return known

    async def _sent(self, row: OutboxRow, material: Material, ts: str | None) -> None:
        message = row.message

        def work(tx: Tx) -> None:
            if not tx.outbox.sent(row.id, row.token, ts):
                return
            if ts is not None and message.delivery is Delivery.POST and message.cutover_id is not None:
                _keep_ts(tx, row.team, message.cutover_id, message.kind, ts)

        await self._store.transact(work)

    async def _refused(self, row: OutboxRow, material: Material, refusal: Refusal, bound: Any) -> None:
        bound.warning("slack refused", code=refusal.code, policy=refusal.policy.value, attempts=row.attempts)
        if refusal.policy in (Policy.RETRY, Policy.UNKNOWN):
            wait = refusal.wait or min(timedelta(seconds=2 ** min(row.attempts, 8)), LONGEST_WAIT)
            at = self._clock.now() + wait
            unknown = refusal.policy is Policy.UNKNOWN or row.unknown
            await self._store.transact(
                lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=unknown, error=refusal.code)
            )
        elif refusal.policy is Policy.GONE:
            await self._store.transact(lambda tx: tx.outbox.sent(row.id, row.token, None))
        elif refusal.policy is Policy.READDRESS and row.message.delivery is not Delivery.DM:
            await self._readdress(row, material, refusal.code, bound)
        elif row.message.delivery is Delivery.RESPONSE and row.message.user:
            await self._by_dm(row, (row.message,))  # the response_url has expired or is used up
        else:
            await self._fail(row, refusal, bound)

    async def _readdress(self, row: OutboxRow, material: Material, code: str, bound: Any) -> None:
        """The channel is closed to the bot: the message goes to the owner (or asker) by DM, with why."""
        message, cutover = row.message, material.cutover
        if message.delivery is Delivery.UPDATE:
            await self._fail(row, Refusal(Policy.GIVE_UP, code), bound)
            return
        user = message.user or (cutover.owner if cutover else None)
        if user is None:
            await self._fail(row, Refusal(Policy.GIVE_UP, code), bound)
            return
        channel = message.channel or (cutover.channel if cutover else "")
        why = Outgoing(
            Delivery.DM,
            "channel_closed",
            {"channel": channel, "code": code, "root": message.kind == "root"},
            lang=message.lang,
            user=user,
            cutover_id=message.cutover_id,
        )
        notes = (why,) if code != "no_thread" else ()
        follow = () if message.kind == "root" else (message,)
        await self._by_dm(row, (*notes, *follow), user=user)

    async def _by_dm(self, row: OutboxRow, messages: tuple[Outgoing, ...], user: str | None = None) -> None:
        def work(tx: Tx) -> None:
            if not tx.outbox.failed(row.id, row.token, "readdressed"):
                return
            for message in messages:
                tx.outbox.put(
                    row.team,
                    Outgoing(
                        Delivery.DM,
                        message.kind,
                        message.args,
                        lang=message.lang,
                        user=user or message.user,
                        cutover_id=message.cutover_id,
                    ),
                )

        await self._store.transact(work)

    async def _fail(self, row: OutboxRow, refusal: Refusal, bound: Any) -> None:
        bound.error("a message was given up", code=refusal.code)
        await self._store.transact(lambda tx: tx.outbox.failed(row.id, row.token, refusal.code))


class _Closed(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _ts_of(kind: str, cutover: Cutover | None) -> str | None:
    if cutover is None:
        return None
    return cutover.progress_ts if kind == "progress" else cutover.thread_ts


def _keep_ts(tx: Tx, team: Team, cutover_id: str, kind: str, ts: str) -> None:
    if kind not in ("root", "progress"):
        return
    cutover = tx.cutovers.get(team, cutover_id)
    if cutover is not None:
        kept = replace(cutover, thread_ts=ts) if kind == "root" else replace(cutover, progress_ts=ts)
        tx.cutovers.save(kept)
