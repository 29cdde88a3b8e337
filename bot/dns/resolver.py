"""Asking for names: the recursive resolvers, or the servers that were given by hand."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from bot.dns.config import Endpoint
from bot.dns.message import Type, is_below
from bot.dns.probe import Probe
from bot.dns.wire import Budget, Reply, Transport
from bot.domain.facts import DEFINITE, HostAddresses, Outcome, Server, TextAnswer
from bot.ports import Clock


class Asker(Protocol):
    """Somebody who answers questions about any name."""

    async def ask(
        self,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        cd: bool = True,
        dnssec: bool = False,
        only_first: bool = False,
    ) -> Reply: ...


KEEP, KEEP_NEGATIVE = 20.0, 5.0  # seconds; never longer than the record's own TTL
MOST_KEPT = 4096

_Question = tuple[str, Type, bool, bool]


class Resolver:
    """Some recursive servers, asked in turn until one has an answer.

    The one that answered last is asked first, so a dead one costs its time-outs once.
    Without servers every question ends as NOT_ALLOWED: nobody may be asked.
    """

    def __init__(self, transport: Transport, servers: tuple[Endpoint, ...], clock: Clock) -> None:
        self._transport = transport
        self._servers = servers
        self._clock = clock
        self._first = 0
        self._kept: OrderedDict[_Question, tuple[float, Reply]] = OrderedDict()
        self._running: dict[_Question, asyncio.Task[Reply]] = {}

    async def shared(
        self, name: str, rdtype: Type, budget: Budget, *, cd: bool = True, dnssec: bool = False
    ) -> Reply:
        """As `ask`, but one question serves all who want it at the moment and for a few seconds more."""
        question = (name, rdtype, cd, dnssec)
        now = asyncio.get_running_loop().time()
        kept = self._kept.get(question)
        if kept is not None and kept[0] > now:
            return kept[1]
        task = self._running.get(question)
        if task is not None and not task.done():
            reply = await asyncio.shield(task)
            if reply.outcome in DEFINITE or budget.over:
                return reply  # else the one who asked had less time left than we have
        task = asyncio.create_task(self.ask(name, rdtype, budget, cd=cd, dnssec=dnssec))
        self._running[question] = task
        task.add_done_callback(lambda done: self._settle(question, done, now))
        return await asyncio.shield(task)

    def _settle(self, question: _Question, task: asyncio.Task[Reply], asked_at: float) -> None:
        if self._running.get(question) is task:
            del self._running[question]
        if not task.cancelled() and task.exception() is None:
            self._keep(question, task.result(), asked_at)

    def _keep(self, question: _Question, reply: Reply, now: float) -> None:
        if reply.outcome not in DEFINITE:
            return
        longest = KEEP if reply.outcome is Outcome.ANSWER else KEEP_NEGATIVE
        ttl = min((record.ttl for record in reply.records()), default=longest)
        self._kept[question] = (now + min(longest, ttl), reply)
        self._kept.move_to_end(question)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    async def ask(
        self,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        cd: bool = True,
        dnssec: bool = False,
        only_first: bool = False,
    ) -> Reply:
        """The first definite answer, else the most telling failure.

        With `cd` (the default) a zone that does not validate is seen all the same: whether it
        validates is a check of its own, for which `only_first` keeps to one and the same server.
        """
        worst: Reply | None = None
        first = self._first
        for step in range(1 if only_first and self._servers else len(self._servers)):
            number = (first + step) % len(self._servers)
            reply = await self._transport.ask(
                self._servers[number], name, rdtype, budget, recursion=True, cd=cd, dnssec=dnssec
            )
            if reply.outcome in DEFINITE:
                self._first = number
                return reply
            if worst is None or reply.message is not None:
                worst = reply
        if worst is not None:
            return worst
        return Reply(Outcome.NOT_ALLOWED, self._clock.now(), None, "no resolver", name, rdtype)


class Around:
    """A resolver as one look uses it: what lies below its domain is asked afresh, anything else is shared.

    Registries, nameservers' and gateways' addresses, includes: many looks at once want the same ones.
    """

    def __init__(self, resolver: Resolver, domain: str) -> None:
        """`domain`: absolute."""
        self._resolver = resolver
        self._domain = domain

    async def ask(
        self,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        cd: bool = True,
        dnssec: bool = False,
        only_first: bool = False,
    ) -> Reply:
        if only_first or is_below(name, self._domain):
            return await self._resolver.ask(name, rdtype, budget, cd=cd, dnssec=dnssec, only_first=only_first)
        return await self._resolver.shared(name, rdtype, budget, cd=cd, dnssec=dnssec)


class Given:
    """The authoritative servers that were given by hand: they know the domain, and perhaps more.

    What they do not answer with authority goes to `otherwise`, who may be nobody.
    """

    def __init__(self, probe: Probe, servers: Sequence[Server], domain: str, otherwise: Asker | None) -> None:
        """`domain`: absolute; names outside it are asked of the servers only where nobody else may be."""
        self._probe = probe
        self._servers = servers
        self._domain = domain
        self._otherwise = otherwise

    async def ask(
        self,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        cd: bool = True,
        dnssec: bool = False,
        only_first: bool = False,
    ) -> Reply:
        """The first authoritative answer, else what the resolver says, if there is one."""
        if self._otherwise is None or is_below(name, self._domain):
            for server in self._servers:
                reply = await self._probe.ask(server, name, rdtype, budget, dnssec=dnssec)
                if reply.authoritative and reply.outcome in DEFINITE:
                    return reply
        if self._otherwise is None:
            return Reply(Outcome.NOT_ALLOWED, self._probe.now(), None, "no resolver", name, rdtype)
        return await self._otherwise.ask(name, rdtype, budget, cd=cd, dnssec=dnssec, only_first=only_first)


async def addresses(asker: Asker, host: str, budget: Budget) -> HostAddresses:
    """A and AAAA of a host, at the end of any chain of aliases: found in either; absent only in both."""
    four, six = await asyncio.gather(asker.ask(host, Type.A, budget), asker.ask(host, Type.AAAA, budget))
    found = tuple(address for reply in (four, six) for address in reply.data())
    cname = four.cname() or six.cname()
    if found:
        return HostAddresses(host, Outcome.ANSWER, found, cname)
    for reply in (four, six):
        if reply.outcome not in DEFINITE:
            return HostAddresses(host, reply.outcome, (), cname, reply.detail)
    return HostAddresses(host, four.outcome, (), cname)


async def texts(asker: Asker, name: str, budget: Budget) -> TextAnswer:
    """The TXT records at a name, the strings of each joined (RFC 7208 3.3)."""
    reply = await asker.ask(name, Type.TXT, budget)
    found = [data.decode("utf-8", "replace") for data in reply.data()]
    return TextAnswer(name, reply.outcome, tuple(sorted(found)))
