"""Asking one authoritative address all that a look wants of it."""

import asyncio
from dataclasses import replace
from datetime import datetime

from bot.dns.config import DnsConfig, Endpoint
from bot.dns.message import Type
from bot.dns.wire import Budget, Reply, Transport
from bot.domain.facts import DEFINITE, MxAnswer, MxRecord, Outcome, Server, ZoneAnswer
from bot.domain.mx import Mx
from bot.ports import Clock

Seen = tuple[tuple[MxAnswer, ...], ZoneAnswer | None]


class Probe:
    """The direct questions to authoritative addresses: RD=0, every record read with its own TTL."""

    def __init__(self, transport: Transport, config: DnsConfig, clock: Clock) -> None:
        self._transport = transport
        self._config = config
        self._clock = clock
        self._given: set[Endpoint] = set(config.nameservers)

    def allow(self, endpoint: Endpoint) -> None:
        """An address that the operator named may be any."""
        self._given.add(endpoint)

    def now(self) -> datetime:
        return self._clock.now()

    def place(self, server: Server) -> Endpoint | None:
        """Where to send a question for `server`; None: its address may not be contacted."""
        mapped = self._config.address_map.get(server.address)
        if mapped is not None:
            return mapped
        if (server.address, server.port) in self._given:
            return server.address, server.port
        if self._config.may_contact(server.address):
            return server.address, server.port
        return None

    async def ask(
        self,
        server: Server,
        name: str,
        rdtype: Type,
        budget: Budget,
        *,
        dnssec: bool = False,
    ) -> Reply:
        """One question to one authoritative address."""
        place = self.place(server)
        if place is None:
            return Reply(Outcome.NOT_ALLOWED, self._clock.now(), None, "special address", name, rdtype)
        return await self._transport.ask(place, name, rdtype, budget, dnssec=dnssec)

    async def see(self, server: Server, domain: str, zone: str, budget: Budget, *, reads: int) -> Seen:
        """Its MX answers for `domain` (more than one where reads differ in their data) and its zone's state.

        The first MX question decides: where nothing comes back, the others are called off, so that
        many dead addresses cost one time-out together.
        """
        mx = asyncio.create_task(self.ask(server, domain, Type.MX, budget))
        soa = asyncio.create_task(self.ask(server, zone, Type.SOA, budget))
        more = [asyncio.create_task(self.ask(server, domain, Type.MX, budget)) for _ in range(reads - 1)]
        ns = asyncio.create_task(self.ask(server, zone, Type.NS, budget)) if reads > 1 else None
        others = [soa, *more] + ([ns] if ns else [])
        first = await mx
        if first.message is None:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            return (mx_answer(server, first),), None
        await asyncio.gather(*others)
        state = zone_answer(server, soa.result(), ns.result() if ns else None)
        answers = merge_reads(
            [mx_answer(server, first)]
            + [mx_answer(server, task.result()) for task in more if task.result().outcome in DEFINITE]
        )
        return tuple(replace(answer, serial=state.serial) for answer in answers), state


def mx_answer(server: Server, reply: Reply) -> MxAnswer:
    """A reply to an MX question as a fact."""
    records = tuple(
        sorted(
            (MxRecord(Mx(*data), ttl) for data, ttl in reply.mx()),
            key=lambda record: (record.mx, record.ttl),
        )
    )
    outcome, detail = reply.outcome, reply.detail
    if outcome is Outcome.NODATA and not reply.authoritative and reply.authority(Type.NS):
        outcome, detail = Outcome.OTHER, "referral"
    return MxAnswer(
        server, reply.at, outcome, reply.authoritative, reply.rcode, records, reply.cname(), None, detail
    )


def merge_reads(answers: list[MxAnswer]) -> list[MxAnswer]:
    """Reads of one address: those with equal data become one, with the greatest TTL of each record.

    Data that differs stays apart: several servers stand behind the address, and each counts.
    """
    merged: list[MxAnswer] = []
    for answer in answers:
        for index, other in enumerate(merged):
            same = (other.outcome, other.authoritative, other.mx, other.owner_cname) == (
                answer.outcome, answer.authoritative, answer.mx, answer.owner_cname
            )  # fmt: skip
            if same:
                merged[index] = _greater(other, answer)
                break
        else:
            merged.append(answer)
    return merged


def _greater(one: MxAnswer, two: MxAnswer) -> MxAnswer:
    if len(one.records) != len(two.records):
        return one
    pairs = list(zip(one.records, two.records, strict=True))
    records = tuple(MxRecord(a.mx, max(a.ttl, b.ttl)) for a, b in pairs)
    counted = one.decremented or any(a.ttl != b.ttl for a, b in pairs)
    return replace(one, at=max(one.at, two.at), records=records, decremented=counted)


def zone_answer(server: Server, soa: Reply, ns: Reply | None) -> ZoneAnswer:
    """What the SOA and NS replies say of the zone. A SOA in the authority section counts too (RFC 2308)."""
    found = soa.records() or soa.authority(Type.SOA)
    names = ns.records() if ns is not None and ns.authoritative else []
    answer = ZoneAnswer(
        server,
        soa.at,
        soa.outcome,
        soa.authoritative,
        ns=tuple(sorted(record.data for record in names)),
        ns_ttl=max((record.ttl for record in names), default=None),
    )
    if not found or not soa.authoritative:
        return answer
    record = found[0]
    return replace(
        answer,
        serial=record.data.serial,
        refresh=record.data.refresh,
        negative_ttl=min(record.ttl, record.data.minimum),
        apex=record.name,
    )
