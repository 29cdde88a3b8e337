"""The Dns port on real sockets: one look gathers all that DNS says of a domain, concurrently.

Nothing here judges, and nothing raises for what DNS does: every failure is an outcome among the facts.
"""

import asyncio
import socket
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from bot.dns.config import DnsConfig, Endpoint, Fetched, is_public, system_resolvers
from bot.dns.delegation import Delegation, Finder
from bot.dns.mail import MailFacts, look_at_mail, look_up_tlsa
from bot.dns.manners import Manners
from bot.dns.message import BadName, Type, name_wire
from bot.dns.probe import Probe, Seen, mx_answer
from bot.dns.resolver import Around, Asker, Given, Resolver, addresses
from bot.dns.wire import Budget, Transport
from bot.domain.facts import (
    NOT_ASKED,
    SILENT,
    DomainFacts,
    HostAddresses,
    MxAnswer,
    Outcome,
    Server,
    ZoneAnswer,
)
from bot.domain.mx import absolute
from bot.ports import Clock

if TYPE_CHECKING:
    from bot.dns.https_policy import HttpsPolicies


MAX_HOSTS = 20  # mail hosts whose addresses are looked up: far above what anybody has
QUESTIONS_AT_ONCE = 4  # what a look has under way on the average: so many looks share what may be in flight


class DnsClient:
    """Looks at domains. One instance serves the whole bot: it bounds what is in flight."""

    def __init__(self, config: DnsConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._transport = Transport(clock, config.tries, config.max_in_flight, config.internal)
        self._turns = asyncio.Semaphore(max(1, config.max_in_flight // QUESTIONS_AT_ONCE))
        self._manners = Manners()
        self._probe = Probe(self._transport, config, clock)
        servers = config.resolvers
        if not servers and config.may_recurse:
            servers = system_resolvers()
        self._policies: HttpsPolicies | None = None
        self._resolver = Resolver(self._transport, tuple(map(config.place_of, servers)), clock)

    @property
    def asked(self) -> int:
        """How many questions have gone out since the start."""
        return self._transport.asked

    async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
        """All that DNS says of `domain` (A-label form), within the deadline.

        `expected`: the new exchanges, whose addresses are looked up too; without them, those that the
        domain has now. Never raises for what DNS does.
        """
        return await self._look(domain, expected, None, full=True)

    async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
        """The MX answers of the authoritative addresses, and one sample of each cache: for the watch.

        `known` spares finding the servers again; without servers in it they are found.
        """
        return await self._look(domain, (), known, full=False)

    async def _look(
        self, domain: str, expected: Sequence[str], known: DomainFacts | None, *, full: bool
    ) -> DomainFacts:
        at = self._clock.now()
        name = absolute(domain)
        if not _is_name(name):
            return DomainFacts(domain, at, delegation=Outcome.MALFORMED)
        async with self._turns:  # the deadline counts from here, so that a queue does not eat it
            return await self._gather(domain, name, expected, known, Budget(self._config.deadline), full=full)

    async def _gather(
        self,
        domain: str,
        name: str,
        expected: Sequence[str],
        known: DomainFacts | None,
        budget: Budget,
        *,
        full: bool,
    ) -> DomainFacts:
        at = self._clock.now()
        samples = asyncio.create_task(self._sample(name, budget, watching=not full))
        if not full:
            facts = await self._servers_say(domain, at, name, known, budget)
            return replace(facts, resolvers=await samples)
        asker = await self._asker(name)
        mail = asyncio.create_task(self._mail(asker, name, budget))
        wanted = [absolute(host) for host in expected][:MAX_HOSTS]
        targets = asyncio.create_task(self._targets(asker, wanted, budget))
        tlsa = asyncio.create_task(look_up_tlsa(asker, [h for h in wanted if _is_name(h)], budget))
        facts = await self._servers_say(domain, at, name, None, budget, full=True)
        found, certificates = dict(await targets), await tlsa
        present = {r.mx.exchange for a in facts.authoritative if a.usable for r in a.records} - {"."}
        more = sorted(host for host in present if host not in found and _is_name(host))[:MAX_HOSTS]
        if more:
            others, now = await asyncio.gather(
                self._targets(asker, [] if expected else more, budget), look_up_tlsa(asker, more, budget)
            )
            found, certificates = {**found, **dict(others)}, certificates + now
        about = await mail
        return replace(
            facts,
            targets=found,
            resolvers=await samples,
            mta_sts=about.mta_sts,
            spf=about.spf,
            dmarc=about.dmarc,
            tls_rpt=about.tls_rpt,
            tlsa=certificates,
            dnssec=about.dnssec,
            subdomains=about.subdomains,
        )

    async def _servers_say(
        self,
        domain: str,
        at: datetime,
        name: str,
        known: DomainFacts | None,
        budget: Budget,
        *,
        full: bool = False,
    ) -> DomainFacts:
        """The authoritative part: known servers, given ones, or those that the delegation names."""
        servers = _servers(known) if known is not None else []
        if known is not None and servers:
            return await self._ask_known(domain, at, name, known, servers, budget)
        if self._config.nameservers:
            return await self._ask_given(domain, at, name, budget, full=full)
        return await self._find_and_ask(domain, at, name, budget, full=full)

    async def _asker(self, name: str) -> Asker:
        """Whom to ask for the names around a domain."""
        around = Around(self._resolver, name)
        if not self._config.nameservers:
            return around
        servers = [await self._server(endpoint) for endpoint in self._config.nameservers]
        return Given(self._probe, servers, name, around if self._config.may_recurse else None)

    async def _mail(self, asker: Asker, name: str, budget: Budget) -> MailFacts:
        """The rest of the domain's mail. With servers by hand alone, nothing is fetched from the web."""
        recurse = self._config.may_recurse
        return await look_at_mail(
            asker,
            self._resolver if recurse else None,
            (self._config.fetch_policy or self._fetch) if recurse else None,
            self._config,
            name,
            budget,
        )

    async def _fetch(self, host: str, allowed: list[str], seconds: float) -> Fetched:
        from bot.dns.https_policy import HttpsPolicies

        if self._policies is None:
            self._policies = HttpsPolicies(self._config.policy_port, self._config.policy_ca)
        return await self._policies(host, allowed, seconds)

    async def _ask_known(
        self,
        domain: str,
        at: datetime,
        name: str,
        known: DomainFacts,
        servers: Sequence[Server],
        budget: Budget,
    ) -> DomainFacts:
        zone = known.zone or name
        seen = await asyncio.gather(*(self._probe.see(s, name, zone, budget, reads=1) for s in servers))
        answers, states = _sort(seen)
        nowhere = tuple(a for a in known.authoritative if not a.server.address)
        return DomainFacts(
            domain,
            at,
            answers + nowhere,
            nameservers=known.nameservers,
            delegation=known.delegation,
            zone=known.zone,
            parent_ns=known.parent_ns,
            parent=known.parent,
            zone_answers=states,
            by_hand=known.by_hand,
        )

    async def _ask_given(
        self, domain: str, at: datetime, name: str, budget: Budget, *, full: bool
    ) -> DomainFacts:
        """The servers that the operator named, and no others."""
        servers = [await self._server(endpoint) for endpoint in self._config.nameservers]
        reads = self._config.ttl_reads if full else 1
        seen = await asyncio.gather(*(self._probe.see(s, name, name, budget, reads=reads) for s in servers))
        answers, states = _sort(seen)
        names = sorted({host for state in states for host in state.ns})
        outcome = Outcome.ANSWER
        if not any(a.usable for a in answers):
            outcome = next((a.outcome for a in answers), Outcome.OTHER)
        return DomainFacts(
            domain,
            at,
            answers,
            nameservers=tuple(names),
            delegation=outcome,
            zone=next((state.apex for state in states if state.apex), ""),
            zone_answers=states,
            by_hand=True,
        )

    async def _server(self, endpoint: Endpoint) -> Server:
        """An operator's endpoint as a server; a host name is resolved by this machine."""
        host, port = endpoint
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError:
            return Server(host, host, port)  # asked all the same, and found unreachable there
        address = str(found[0][4][0])
        self._probe.allow((address, port))
        return Server(host, address, port)

    async def _find_and_ask(
        self, domain: str, at: datetime, name: str, budget: Budget, *, full: bool
    ) -> DomainFacts:
        """Follow the delegation; ask each address as soon as it is known."""
        running: dict[tuple[Server, str], asyncio.Task[Seen]] = {}
        reads = self._config.ttl_reads if full else 1

        def start(server: Server, zone: str) -> None:
            running[server, zone] = asyncio.create_task(
                self._probe.see(server, name, zone, budget, reads=reads)
            )

        finder = Finder(Around(self._resolver, name), self._probe, self._config, budget, start)
        found = await finder.find(name)
        seen = [await task for (_, zone), task in running.items() if zone == found.zone]
        for task in running.values():
            task.cancel()
        await asyncio.gather(*running.values(), return_exceptions=True)
        answers, states = _sort(seen)
        return DomainFacts(
            domain,
            at,
            answers + _nowhere(found, answers),
            nameservers=_names(found, states),
            delegation=_ended(found, answers),
            zone=found.zone,
            parent_ns=found.parent_ns,
            parent=found.parent,
            zone_answers=states,
        )

    async def _targets(
        self, asker: Asker, hosts: Sequence[str], budget: Budget
    ) -> list[tuple[str, HostAddresses]]:
        found = await asyncio.gather(*(_target(asker, host, budget) for host in hosts))
        return list(zip(hosts, found, strict=True))

    async def _sample(self, name: str, budget: Budget, *, watching: bool) -> tuple[MxAnswer, ...]:
        """What the configured caches hold. One address may be many caches: a check asks each several times.

        A watch asks once, and public resolvers no more than they put up with; one that is let be for
        the moment has no answer in the facts.
        """
        times = 1 if watching else self._config.samples
        asked = [
            endpoint
            for endpoint in self._config.sample_resolvers
            if not (watching and self._is_public(endpoint)) or self._manners.may_ask(endpoint, name)
            for _ in range(times)
        ]
        replies = await asyncio.gather(
            *(
                self._transport.ask(self._config.place_of(endpoint), name, Type.MX, budget, recursion=True)
                for endpoint in asked
            )
        )
        for endpoint, reply in zip(asked, replies, strict=True):
            self._manners.heard(endpoint, reply.outcome)
        return tuple(
            mx_answer(Server(host, host, port), reply)
            for (host, port), reply in zip(asked, replies, strict=True)
        )

    def _is_public(self, endpoint: Endpoint) -> bool:
        return is_public(self._config.place_of(endpoint)[0])


async def _target(asker: Asker, host: str, budget: Budget) -> HostAddresses:
    if not _is_name(host):
        return HostAddresses(host, Outcome.MALFORMED)
    return await addresses(asker, host, budget)


def _is_name(text: str) -> bool:
    """Whether it can be asked for. Not in Unicode: dnspython would take IDNA 2003 for it."""
    try:
        return len(name_wire(text)) > 1
    except BadName:
        return False


def _servers(known: DomainFacts) -> list[Server]:
    """The addresses to ask again, each once."""
    return list(dict.fromkeys(answer.server for answer in known.authoritative if answer.server.address))


def _sort(seen: Sequence[Seen]) -> tuple[tuple[MxAnswer, ...], tuple[ZoneAnswer, ...]]:
    """By server. Addresses of a family that this machine cannot reach say nothing and are left out,
    unless that leaves none."""
    answers = [answer for some, _ in seen for answer in some]
    reached = [answer for answer in answers if answer.outcome is not Outcome.NO_ROUTE] or answers

    def key(answer: MxAnswer | ZoneAnswer) -> tuple[str, str, int]:
        return answer.server.host, answer.server.address, answer.server.port

    return tuple(sorted(reached, key=key)), tuple(sorted((s for _, s in seen if s), key=key))


def _nowhere(found: Delegation, answers: Sequence[MxAnswer]) -> tuple[MxAnswer, ...]:
    asked = {answer.server.host for answer in answers}
    return tuple(answer for host, answer in sorted(found.nowhere.items()) if host not in asked)


def _names(found: Delegation, states: Sequence[ZoneAnswer]) -> tuple[str, ...]:
    """Every nameserver that anybody names for the zone."""
    return tuple(
        sorted({*found.parent_ns, *found.child_ns, *(host for state in states for host in state.ns)})
    )


def _ended(found: Delegation, answers: Sequence[MxAnswer]) -> Outcome:
    """How it ended as a whole: an answer as soon as any server spoke with authority."""
    usable = [answer for answer in answers if answer.usable]
    if usable:
        gone = all(answer.outcome is Outcome.NXDOMAIN for answer in usable)
        return Outcome.NXDOMAIN if gone else Outcome.ANSWER
    if found.outcome is not Outcome.ANSWER:
        return found.outcome
    for answer in answers:
        if answer.outcome in SILENT or answer.outcome in NOT_ASKED:
            return answer.outcome
    return answers[0].outcome if answers else Outcome.OTHER
