"""Says what is in the outbox: claim, render, deliver, settle.

Where Slack's answer was lost the outcome is *unknown*, and found out before anything is said again.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

import structlog
from slack_sdk.web.async_client import AsyncWebClient
from structlog.contextvars import bound_contextvars

from bot.domain.teams import Team
from bot.ports import (
    LONGEST_RETRY,
    Clock,
    Delivery,
    OutboxRow,
    Outgoing,
    Store,
    StoreUnavailable,
    Tx,
    VersionConflict,
)
from bot.slack.deliver import Closed, Deliverer, meaning
from bot.slack.errors import Policy, Refusal
from bot.slack.files import drawn
from bot.slack.material import Material, gather
from bot.slack.pace import Pace
from bot.slack.patience import Patience
from bot.slack.rendered import Rendered
from bot.slack.vault import BadTokenKey

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
CALL_SHARE = 1 / 3  # of the lease: a lease must not run out under a call that is alive
BATCH = 20
MOST_MISTAKES = 6
# Seconds between two tries to note what became of a message while the database is away: what was said and is
# not noted would have to be looked for, or, where Slack cannot be asked, said again.
WAITS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
IDLE_SECONDS = 1.0
# Slack is tried at least so often while it fails: nobody tells when it is back, and the rest of the channel
# waits behind the message that failed.
LONGEST_WAIT = timedelta(seconds=10)
# Between two tries of a message that Slack does not take while it takes others.
ASIDE_WAIT = LONGEST_RETRY
# What somebody has to mend is tried for so long, and so often: after a weekend without the bot, too.
MEND_WITHIN, MEND_TRIES = timedelta(days=1), 60


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
        waits: Sequence[float] = WAITS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._clients = clients
        self._render = render
        self._deliverer = Deliverer(Pace(per_second))
        self._patience = Patience()
        self._lease = lease
        self._call_seconds = lease.total_seconds() * CALL_SHARE
        self._waits = waits
        self._woken = asyncio.Event()
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
        except StoreUnavailable as error:
            bound.warning("not said yet", why="the database is away", reason=error.reason)
            # At once the first time; a database of which a part is broken is not asked without a pause.
            wait = min(timedelta(seconds=2**row.attempts), LONGEST_WAIT) if row.attempts > 1 else timedelta()
            at = self._clock.now() + wait
            await self._note(
                lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=row.unknown, error="database")
            )
        except Exception as error:
            bound.exception("a message could not be made")
            await self._after_a_mistake(row, type(error).__name__)

    async def _after_a_mistake(self, row: OutboxRow, text: str) -> None:
        """A mistake of ours may be one of this moment: only one that stays lets a message go unsaid."""
        mistakes = row.mistakes + 1
        if mistakes >= MOST_MISTAKES:
            await self._note(lambda tx: tx.outbox.failed(row.id, row.token, text))
            return
        at = self._clock.now() + timedelta(seconds=2**mistakes)
        await self._note(
            lambda tx: tx.outbox.again(row.id, row.token, at=at, unknown=True, error=text, mistake=True)
        )

    async def _note(self, work: Callable[[Tx], object]) -> None:
        """Write down what became of a message, also where the database is away for a moment, or somebody else
        changed the cutover at the same moment.

        Where it stays so, the lease runs out, and whoever claims the row then finds out what became of it.
        """
        for wait in (*self._waits, None):
            try:
                await self._store.transact(work)
                return
            except (StoreUnavailable, VersionConflict) as error:
                if wait is None:
                    reason = error.reason if isinstance(error, StoreUnavailable) else "changed meanwhile"
                    log.warning("left until the lease runs out", reason=reason)
                    return
                await asyncio.sleep(wait)

    async def _send(self, row: OutboxRow, bound: Any) -> None:
        try:
            client = await self._clients.of(row.team)
        except BadTokenKey as bad:
            # Another replica may have a newer key: what is to be said is kept until this one has it too.
            bound.error("not said yet", why=str(bad))
            at = self._clock.now() + LONGEST_WAIT
            await self._note(
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
        alone = self._patience.alone(row)
        said = self._deliverer.deliver(client, row, material, rendered, alone=alone)
        try:
            ts = await asyncio.wait_for(said, left)
        except Closed as closed:
            await self._readdress(row, material, closed.code, bound)
        except Exception as error:
            refusal = meaning(error)
            if await self._refused(row, material, refusal, bound, alone=alone):
                await self._patience.refused(row, client, refusal)
            else:
                self._patience.settled(row, said=False)
        else:
            self._patience.settled(row, said=True)
            await self._sent(row, material, ts)

    async def _sent(self, row: OutboxRow, material: Material, ts: str | None) -> None:
        message = row.message

        def work(tx: Tx) -> None:
            if not tx.outbox.sent(row.id, row.token, ts):
                return
            if ts is not None and message.delivery is Delivery.POST and message.cutover_id is not None:
                _keep_ts(tx, row.team, message.cutover_id, message.kind, ts)

        await self._note(work)

    async def _refused(
        self, row: OutboxRow, material: Material, refusal: Refusal, bound: Any, *, alone: bool
    ) -> bool:
        """Do what follows; whether it will be tried again."""
        policy, delivery = refusal.policy, row.message.delivery
        bound.warning("slack refused", code=refusal.code, policy=policy.value, attempts=row.attempts)
        if policy is Policy.GONE:
            await self._note(lambda tx: tx.outbox.sent(row.id, row.token, None))
        elif policy is Policy.READDRESS and delivery is not Delivery.DM:
            await self._readdress(row, material, refusal.code, bound)
        elif delivery is Delivery.RESPONSE and row.message.user and (policy is Policy.GIVE_UP or alone):
            await self._by_dm(row, (row.message,))  # the response_url has expired, is used up or out of reach
        elif policy in (Policy.RETRY, Policy.UNKNOWN):
            return await self._again(row, refusal, aside=alone)
        elif policy in (Policy.MENDED, Policy.PLAIN) and not self._too_long(row):
            bound.error("not said until somebody mends what Slack refuses", code=refusal.code)
            return await self._again(row, refusal, aside=alone)
        else:
            await self._fail(row, refusal, bound)
        return False

    def _too_long(self, row: OutboxRow) -> bool:
        since = row.tried_at
        old = since is None or self._clock.now() - since >= MEND_WITHIN
        return old and row.attempts >= MEND_TRIES

    async def _again(self, row: OutboxRow, refusal: Refusal, *, aside: bool) -> bool:
        """Later, which is True. `aside`: the rest of the channel does not wait for it."""
        wait = refusal.wait or min(timedelta(seconds=2 ** min(row.attempts, 8)), LONGEST_WAIT)
        if aside:
            log.error("put aside: Slack takes other messages, but not this one", code=refusal.code)
            wait = max(wait, ASIDE_WAIT)
        at = self._clock.now() + min(wait, LONGEST_RETRY)
        unknown = refusal.policy is Policy.UNKNOWN or row.unknown
        await self._note(
            lambda tx: tx.outbox.again(
                row.id, row.token, at=at, unknown=unknown, error=refusal.code, aside=aside
            )
        )
        return True

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

        await self._note(work)

    async def _fail(self, row: OutboxRow, refusal: Refusal, bound: Any) -> None:
        bound.error("a message was given up", code=refusal.code)
        await self._note(lambda tx: tx.outbox.failed(row.id, row.token, refusal.code))


def _keep_ts(tx: Tx, team: Team, cutover_id: str, kind: str, ts: str) -> None:
    if kind not in ("root", "progress"):
        return
    cutover = tx.cutovers.get(team, cutover_id)
    if cutover is not None:
        kept = replace(cutover, thread_ts=ts) if kind == "root" else replace(cutover, progress_ts=ts)
        tx.cutovers.save(kept)
