"""Asking for names: the recursive resolvers, or the servers that were given by hand."""

import asyncio
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
