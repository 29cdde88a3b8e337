"""Asking the recursive resolvers: for finding servers, never for a verdict on what a zone holds."""

import asyncio

import dns.name
import dns.rdatatype

from bot.dns.config import Endpoint
from bot.dns.wire import Budget, Reply, Transport
from bot.domain.facts import DEFINITE, HostAddresses, Outcome, TextAnswer
from bot.ports import Clock


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
        rdtype: dns.rdatatype.RdataType,
        budget: Budget,
        *,
        cd: bool = True,
        dnssec: bool = False,
    ) -> Reply:
        """The first definite answer, else the most telling failure.

        With `cd` (the default) a zone that does not validate is seen all the same: whether it
        validates is a check of its own.
        """
        qname = dns.name.from_text(name)
        worst: Reply | None = None
        first = self._first
        for step in range(len(self._servers)):
            number = (first + step) % len(self._servers)
            reply = await self._transport.ask(
                self._servers[number], qname, rdtype, budget, recursion=True, cd=cd, dnssec=dnssec
            )
            if reply.outcome in DEFINITE:
                self._first = number
                return reply
            if worst is None or reply.message is not None:
                worst = reply
        if worst is not None:
            return worst
        return Reply(Outcome.NOT_ALLOWED, self._clock.now(), None, "no resolver", qname, rdtype)

    async def addresses(self, host: str, budget: Budget) -> HostAddresses:
        """A and AAAA of a host, at the end of any chain of aliases."""
        four, six = await asyncio.gather(
            self.ask(host, dns.rdatatype.A, budget), self.ask(host, dns.rdatatype.AAAA, budget)
        )
        return host_addresses(host, four, six)

    async def texts(self, name: str, budget: Budget) -> TextAnswer:
        """The TXT records at a name, the strings of each joined."""
        reply = await self.ask(name, dns.rdatatype.TXT, budget)
        found = [b"".join(r.strings).decode("utf-8", "replace") for r, _ in reply.records()]  # type: ignore[attr-defined]
        return TextAnswer(name, reply.outcome, tuple(sorted(found)))


def host_addresses(host: str, four: Reply, six: Reply) -> HostAddresses:
    """What the two questions together say: found in either; absent only where both said so."""
    found = tuple(r.address for reply in (four, six) for r, _ in reply.records())  # type: ignore[attr-defined]
    cname = four.cname() or six.cname()
    if found:
        return HostAddresses(host, Outcome.ANSWER, found, cname)
    for reply in (four, six):
        if reply.outcome not in DEFINITE:
            return HostAddresses(host, reply.outcome, (), cname, reply.detail)
    return HostAddresses(host, four.outcome, (), cname)
