"""Finding a domain's authoritative servers, from above: the parent's referral beside the child's own word.

The chain of dependent questions is three long in the common case: NS of every ancestor at once, the
addresses of what they name, then the servers themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from bot.dns.config import DnsConfig
from bot.dns.message import Type, is_below
from bot.dns.probe import Probe
from bot.dns.resolver import Asker, addresses
from bot.dns.wire import Budget, Reply
from bot.domain.facts import DEFINITE, HostAddresses, MxAnswer, Outcome, Server

MAX_ANCESTORS = 10
MAX_REFERRALS = 6
MAX_SERVERS = (
    64  # addresses asked of one domain: far above what serves, and a bound on what a hostile zone costs
)
ASK_PARENTS = 2  # addresses of the parent that are asked at once

Start = Callable[[Server, str], None]


@dataclass
class Delegation:
    """Where a domain's zone is served. `nowhere`: nameservers that have no address, as answers."""

    zone: str = ""
    outcome: Outcome = Outcome.ANSWER
    parent: Outcome | None = None
    parent_ns: tuple[str, ...] = ()
    child_ns: tuple[str, ...] = ()
    nowhere: dict[str, MxAnswer] = field(default_factory=dict)


class Finder:
    """Follows the delegation of one domain; tells `start` of each (server, zone) as soon as it is known."""

    def __init__(
        self, resolver: Asker, probe: Probe, config: DnsConfig, budget: Budget, start: Start
    ) -> None:
        self._resolver = resolver
        self._probe = probe
        self._config = config
        self._budget = budget
        self._start = start
        self._hosts: dict[str, asyncio.Task[HostAddresses]] = {}
        self._started: set[tuple[str, str]] = set()

    async def find(self, domain: str) -> Delegation:
        """The zone and its servers. `domain` is absolute."""
        found = Delegation()
        names = _ancestors(domain)
        replies = dict(
            zip(
                names,
                await asyncio.gather(*(self._resolver.ask(name, Type.NS, self._budget) for name in names)),
                strict=True,
            )
        )
        hint, parent = _cut(names, replies)
        if hint is not None:
            found.zone, found.child_ns = hint, _targets(replies[hint])
        found.outcome = _how(replies[names[0]], hint)
        work: list[Awaitable[None]] = []
        if hint is not None:
            work.append(self._serve(found, found.child_ns, hint, {}))
        if parent is None and hint is not None and hint != domain:
            parent = hint  # a negative answer may be an old one: the zone above is asked itself
        if parent is not None:
            work.append(self._referral(found, domain, parent, _targets(replies[parent])))
        await asyncio.gather(*work)
        return found

    async def _serve(
        self, found: Delegation, hosts: Iterable[str], zone: str, glue: dict[str, list[str]]
    ) -> None:
        await asyncio.gather(*(self._serve_host(found, host, zone, glue.get(host, [])) for host in hosts))

    async def _serve_host(self, found: Delegation, host: str, zone: str, glue: list[str]) -> None:
        """Start asking every address of a nameserver: what the resolver finds, and the parent's glue."""
        for address in glue:
            self._begin(host, address, zone)
        known = await self._addresses(host)
        for address in known.addresses:
            self._begin(host, address, zone)
        if not known.addresses and not glue:
            outcome = Outcome.OTHER if known.outcome in DEFINITE else known.outcome
            detail = "no address" if known.outcome in DEFINITE else "address unknown"
            found.nowhere[host] = MxAnswer(Server(host, ""), self._probe.now(), outcome, detail=detail)

    def _begin(self, host: str, address: str, zone: str) -> None:
        if (address, zone) not in self._started and len(self._started) < MAX_SERVERS:
            self._started.add((address, zone))
            self._start(Server(host, address, self._config.authoritative_port), zone)

    async def _addresses(self, host: str) -> HostAddresses:
        if host not in self._hosts:
            self._hosts[host] = asyncio.create_task(addresses(self._resolver, host, self._budget))
        return await self._hosts[host]

    async def _referral(self, found: Delegation, domain: str, parent: str, hosts: tuple[str, ...]) -> None:
        """Walk down from the parent's servers to the zone, by their referrals."""
        zone, glue = parent, dict[str, list[str]]()
        above: tuple[Outcome, tuple[str, ...]] = (Outcome.TIMEOUT, ())
        for _ in range(MAX_REFERRALS):
            reply = await self._ask_any(hosts, glue, domain)
            if reply is None or reply.outcome not in DEFINITE:
                if zone == parent:
                    found.parent = Outcome.TIMEOUT if reply is None else reply.outcome
                    return
                break  # the referral is known; the servers it names do not answer
            deeper = _deeper(reply, zone, domain)
            if deeper is None:
                if not reply.authoritative and zone == parent:
                    found.parent = Outcome.OTHER
                    return
                if reply.authoritative and reply.records():  # the parent's servers hold the child too
                    zone, hosts = domain, _targets(reply)
                    above = (Outcome.ANSWER, hosts if above[1] == () else above[1])
                elif zone == parent:  # not delegated: the parent's zone holds the domain
                    above = (reply.outcome, ())
                break
            zone = deeper
            hosts = tuple(sorted({record.data for record in reply.authority(Type.NS)}))
            above = (Outcome.ANSWER, hosts)
            glue = _glue(reply, hosts)
            if zone == domain:
                break
        found.parent, found.parent_ns = above
        if zone != found.zone:
            found.zone, found.child_ns = zone, ()
            found.outcome = above[0]
            found.nowhere.clear()
        await self._serve(found, hosts, zone, glue)

    async def _ask_any(self, hosts: tuple[str, ...], glue: dict[str, list[str]], domain: str) -> Reply | None:
        """The NS question to some address of `hosts`: the first definite answer of a few."""
        servers = [Server(host, address) for host in hosts for address in glue.get(host, [])]
        if not servers:
            known = await asyncio.gather(*(self._addresses(host) for host in hosts[:4]))
            servers = [Server(host.host, address) for host in known for address in host.addresses]
        servers.sort(key=lambda server: ":" in server.address)
        last: Reply | None = None
        for index in range(0, min(len(servers), 3 * ASK_PARENTS), ASK_PARENTS):
            some = [
                asyncio.create_task(self._probe.ask(server, domain, Type.NS, self._budget))
                for server in servers[index : index + ASK_PARENTS]
            ]
            try:
                for task in asyncio.as_completed(some):
                    last = await task
                    if last.outcome in DEFINITE:
                        return last
            finally:
                for pending in some:
                    pending.cancel()
                await asyncio.gather(*some, return_exceptions=True)
        return last


def _ancestors(domain: str) -> list[str]:
    """`domain` and the names above it, down to the top-level domain; the nearest ones of a very deep name."""
    labels = domain.rstrip(".").split(".")
    names = [".".join(labels[n:]) + "." for n in range(len(labels))]
    return names if len(names) <= MAX_ANCESTORS else names[: MAX_ANCESTORS - 2] + names[-2:]


def _cut(names: list[str], replies: dict[str, Reply]) -> tuple[str | None, str | None]:
    """The zone as the resolver sees it (None: it cannot say), and the next zone above."""
    hint: str | None = None
    sure = True
    for name in names:
        reply = replies[name]
        if reply.outcome is Outcome.ANSWER and reply.cname() is None:
            if hint is not None or not sure:
                return hint, name
            hint = name
        elif reply.outcome not in DEFINITE or reply.cname() is not None:
            sure = sure and hint is not None
    return hint, None


def _how(reply: Reply, hint: str | None) -> Outcome:
    if hint is not None:
        return Outcome.NXDOMAIN if reply.outcome is Outcome.NXDOMAIN else Outcome.ANSWER
    return reply.outcome if reply.outcome is not Outcome.ANSWER else Outcome.OTHER


def _targets(reply: Reply) -> tuple[str, ...]:
    return tuple(sorted(reply.data()))


def _deeper(reply: Reply, zone: str, domain: str) -> str | None:
    """The zone that a reply refers to, where that lies between `zone` and `domain`."""
    if reply.records() or reply.authoritative:
        return None
    for record in reply.authority(Type.NS):
        if record.name != zone and is_below(record.name, zone) and is_below(domain, record.name):
            return record.name
    return None


def _glue(reply: Reply, hosts: tuple[str, ...]) -> dict[str, list[str]]:
    glue: dict[str, list[str]] = {}
    for host, address in reply.glue():
        if host in hosts:
            glue.setdefault(host, []).append(address)
    return glue
