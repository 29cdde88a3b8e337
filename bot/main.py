"""Wires everything together: the ports' adapters, the rules, Slack, the ticks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from pydantic import SecretStr

from bot.content.faq_loader import load_tree
from bot.content.hosts import can_lower_ttl, recognise
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig, parse_endpoints
from bot.dns.idn import TableRules
from bot.domain.policy import Policy, channel_langs, freezes, operator_ids
from bot.heartbeat import Heartbeat
from bot.holidays import japanese_calendar
from bot.matching import default_matcher
from bot.metrics import CountedMatcher, Metrics, TimedDns, Waiting
from bot.ports import Clock, Dns
from bot.scheduler import Scheduler
from bot.settings import Settings
from bot.slack.app import OneTeam, SlackSide
from bot.slack.install import Installs, ManyTeams, OAuthApp
from bot.slack.render import render
from bot.slack.sender import Clients, Sender
from bot.slack.vault import Vault
from bot.store.engine import SqlStore
from bot.store.figures import waiting
from bot.store.retention import Keep, Retention
from bot.usecases.ask import Asker
from bot.usecases.context import Deps
from bot.usecases.remind import Reminders
from bot.usecases.watch import Looks

log = structlog.get_logger(__name__)

ALIVE_WITHIN = 30.0  # seconds since the last tick
HUNG_AFTER = 300.0  # seconds; nothing that a tick calls takes so long and still ends
STOP_SECONDS = 20.0  # well within the grace period of compose.yml
LONG_OVERDUE = 600.0  # seconds; a restart or an outage of DNS explains less


class Bot:
    """One running bot: start it once, stop it once."""

    def __init__(
        self,
        settings: Settings,
        store: SqlStore,
        dns: Dns,
        clock: Clock,
        *,
        token: SecretStr,
        api_url: str,
        app_token: SecretStr | None,
        signing_secret: SecretStr | None,
        per_second: float = 1.0,
        oauth: OAuthApp | None = None,
        metrics: Metrics | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`oauth`: for several workspaces, each with its own token; then `token` is not used.

        `metrics`: where to count; without it in its own. `monotonic` (seconds): of the scheduler's ticks.
        """
        lease = timedelta(seconds=settings.lease_seconds)
        self._vault = Vault(settings.token_keys())
        self._oauth = oauth is not None
        clients: Clients = ManyTeams(store, api_url, self._vault) if oauth else OneTeam(token, api_url)
        sender = Sender(store, clock, clients, render, per_second=per_second, lease=lease)
        self.store = store
        self.clock = clock
        self.metrics = metrics or Metrics()
        self.deps = Deps(
            store=store,
            dns=TimedDns(dns, self.metrics),
            clock=clock,
            asker=Asker(load_tree(), CountedMatcher(default_matcher(), self.metrics)),
            calendar=japanese_calendar(settings.closed_days),
            rules=TableRules(settings.internal_suffixes),
            name_host=name_host,
            can_lower_ttl=can_lower_ttl,
            operators=operator_ids(settings.operators),
            policy=policy_by(settings),
            wake=sender.wake,
            looks_per_minute=settings.looks_per_minute,
            note=log.info,
        )
        self.sender = sender
        self.slack = SlackSide(
            self.deps,
            sender,
            clients,
            app_token=app_token,
            signing_secret=signing_secret,
            api_url=api_url,
            installs=Installs(store, clock, oauth, api_url, self._vault) if oauth else None,
            acknowledging=self.metrics.acknowledging,
        )
        self.reminders = Reminders(self.deps, lease=lease)
        self.looks = Looks(self.deps)
        self.scheduler = Scheduler(
            {
                "reminders": self.reminders.tick,
                "looks": self.looks.tick,
                "inbox": self.slack.worker.sweep,
                "retention": Retention(store, clock, Keep.by(settings)).run,
                "heartbeat": Heartbeat(settings.heartbeat_url, self.well).run,
            },
            monotonic=monotonic,
        )
        self.metrics.watch_tick(lambda: self.scheduler.age_seconds, lambda: self.scheduler.busy_seconds)

    async def start(self) -> None:
        """Begin: what an earlier run left first, then whatever Slack delivers and the clock brings."""
        if self._oauth:
            await self._seal_tokens()
        await self.store.health()  # raises where nothing could be kept: then better not to begin
        await self.store.wipe()
        # Before Slack: until it can be reached, what falls due is looked at, kept, and told to the outside.
        self.scheduler.start()
        await self.slack.start()
        log.info("started")

    async def _seal_tokens(self) -> None:
        """Raises BadTokenKey before anything is begun with tokens that cannot be read."""
        sealed = await self._vault.reseal(self.store)
        if sealed:
            log.info("tokens encrypted", tokens=sealed)
        if not self._vault.has_key:
            log.warning("tokens of workspaces are kept unencrypted: set MXCUTOVER_TOKEN_KEY")

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Let what is under way end within `seconds` in all, then close the store. What did not end is kept.

        The sender goes last: it has what the others leave of the time, at least a third.
        """
        end, share = time.monotonic() + seconds, seconds * 2 / 3
        await asyncio.gather(self._tick_no_more(share), self.slack.take_no_more(share))
        await self.slack.stop(max(end - time.monotonic(), 0.0))
        await self.store.close()
        log.info("stopped")

    async def _tick_no_more(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        await self.scheduler.stop(seconds / 2)  # first, for its ticks begin the others
        left = max(end - time.monotonic(), 0.0)
        await asyncio.gather(self.reminders.stop(left), self.looks.stop(left))

    async def alive(self) -> bool:
        """Ticks come, and what they call ends; a long look at DNS is no tick, and ends by its own clock."""
        return self.scheduler.age_seconds < ALIVE_WITHIN and self.scheduler.busy_seconds < HUNG_AFTER

    async def database_ready(self) -> bool:
        """The database answers, with the schema that this code expects."""
        return (await self.store.health()).current

    async def tokens_ready(self) -> bool:
        """The tokens of all workspaces can be read; where there is one workspace, there is none to read."""
        return not self._oauth or await self._vault.opens_all(self.store)

    async def well(self) -> bool:
        """What the heartbeat tells of: ticks live, database and tokens are read, nothing is long overdue."""
        if not (await self.alive() and await self.database_ready() and await self.tokens_ready()):
            return False
        return (await self.waiting()).overdue_seconds < LONG_OVERDUE

    async def waiting(self) -> Waiting:
        """What is still to be done, and since when."""
        now = self.clock.now()
        return await self.store.transact(lambda tx: waiting(tx.connection, now))

    async def settle(self) -> None:
        """Do everything that is due now, to the last message: for a clock that was moved."""
        async with self.scheduler.paused():
            for _ in range(50):
                due = await self.reminders.due() + await self.looks.due()
                await self.slack.worker.idle()
                await self._said()
                if not due:
                    return

    async def _said(self) -> None:
        """Until the outbox is empty; a message that Slack does not take now is not waited for long."""
        for _ in range(100):
            if not await self.store.transact(lambda tx: tx.outbox.unsettled()):
                return
            if not await self.sender.drain():
                await asyncio.sleep(0.01)  # the sender's own loop has it in hand

    async def next_due(self) -> datetime | None:
        """When the next reminder comes."""
        return await self.store.transact(lambda tx: tx.reminders.next_due())

    async def next_look(self, until: datetime) -> datetime | None:
        """When DNS is next looked at unasked, where that is before `until`."""
        rows = await self.store.transact(lambda tx: tx.cutovers.due_looks(until, 1))
        return rows[0].next_look_at if rows else None


def policy_by(settings: Settings) -> Policy:
    """What holds in every workspace that has set nothing itself. Raises BadPolicy."""
    return Policy(
        operators=operator_ids(settings.operators),
        channels=frozenset(settings.channels),
        langs=channel_langs(settings.channel_languages),
        freezes=freezes(settings.freezes),
        viewers=operator_ids(settings.viewers),
    )


def name_host(nameservers: Sequence[str]) -> str | None:
    """The id of the DNS host that these NS names belong to (procedure B3)."""
    host = recognise(nameservers)
    return host.id if host else None


def dns_config(settings: Settings) -> DnsConfig:
    """Whom to ask, as the settings say. Raises BadEndpoint."""
    return DnsConfig(
        resolvers=parse_endpoints(settings.resolvers),
        nameservers=parse_endpoints(settings.nameservers),
        sample_resolvers=parse_endpoints(settings.sample_resolvers),
        internal=settings.internal_suffixes,
    )


def dns_client(settings: Settings, clock: Clock) -> DnsClient:
    return DnsClient(dns_config(settings), clock)


HOPS = 60


async def travel(bot: Bot, set_clock: Callable[[datetime], None], target: datetime) -> None:
    """Move the clock to `target` as time would pass: stopping wherever something falls due."""
    start = bot.clock.now()
    nearest = max((target - start) / HOPS, timedelta(seconds=1))
    while True:
        now = bot.clock.now()
        await bot.settle()
        if now >= target:
            return
        stops = [target]
        due = await bot.next_due()
        if due is not None and due < target:
            stops.append(max(due, now + timedelta(seconds=1)))
        look = await bot.next_look(target)
        if look is not None:
            stops.append(max(look, now + nearest))
        set_clock(max(min(stops), bot.clock.now()))
        await asyncio.sleep(0)
