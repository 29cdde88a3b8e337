"""What the sandbox's servers and caches say, and their sockets' handlers. Edits are in sandbox.py."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from bot.dns.sandbox_zones import Fault, Zone, answer, quoted
from bot.ports import Clock

UDP_SIZE = 1232
HOST_TTL = 3600
LATE = 0.2


@dataclass
class Cached:
    until: datetime
    rcode: dns.rcode.Rcode
    answers: list[dns.rrset.RRset]
    authority: list[dns.rrset.RRset]


@dataclass
class Cache:
    """A caching resolver: its caps in seconds, and what it holds."""

    address: str
    longest: int = 86400
    shortest: int = 0
    held: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], Cached] = field(default_factory=dict)
    turn: int = 0


@dataclass
class Answers:
    """The world as its servers see it. Hosts are absolute; `lame`: domain → servers that do not know it."""

    clock: Clock
    addresses: Mapping[str, str]
    hosts: Mapping[str, str]
    texts: Mapping[str, tuple[str, ...]]
    top: Mapping[str, tuple[str, ...]]
    zones: dict[str, Zone] = field(default_factory=dict)
    lame: dict[str, frozenset[str]] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)

    def fault_of(self, host: str) -> Fault | None:
        return self.faults.get(host)

    def authoritative(self, host: str, query: dns.message.Message) -> dns.message.Message:
        """What the server `host` says, faults aside."""
        name = query.question[0].name
        held = [z for z in self.zones.values() if host in z.copies and name.is_subdomain(z.apex)]
        if held:
            zone = max(held, key=lambda z: len(z.apex.labels))
            if host in self.lame[zone.domain]:
                return _refused(query)
            return answer(query, zone.held_by(host))
        for top, servers in self.top.items():
            if host in servers and name.is_subdomain(dns.name.from_text(top)):
                return self._top_level(query, top, servers)
        return _refused(query)

    def _top_level(
        self, query: dns.message.Message, top: str, servers: tuple[str, ...]
    ) -> dns.message.Message:
        """A registry's answer: a referral where a zone is delegated, else what it holds itself."""
        name = query.question[0].name
        below = [z for z in self.zones.values() if name.is_subdomain(z.apex)]
        apex = dns.name.from_text(top)
        if below:
            zone = max(below, key=lambda z: len(z.apex.labels))
            response = dns.message.make_response(query)
            response.authority.append(_ns(zone.apex, zone.parent_ns))
            response.additional += [self._address(h) for h in zone.parent_ns if h in self.addresses]
            return response
        held = [_ns(apex, servers), _soa(apex, servers[0])]
        known = {**self.hosts, **self.addresses}
        held += [self._address(h) for h in known if dns.name.from_text(h).is_subdomain(apex)]
        held += [
            dns.rrset.from_text_list(h, HOST_TTL, "IN", "TXT", [quoted(t) for t in texts])
            for h, texts in self.texts.items()
            if dns.name.from_text(h).is_subdomain(apex)
        ]
        return answer(query, held)

    def _address(self, host: str) -> dns.rrset.RRset:
        address = self.addresses.get(host) or self.hosts[host]
        return dns.rrset.from_text(host, HOST_TTL, "IN", "AAAA" if ":" in address else "A", address)

    def recurse(self, cache: Cache, query: dns.message.Message) -> dns.message.Message:
        """What a cache says: what it holds, counted down, else what some authoritative server gives it."""
        question = query.question[0]
        key = (question.name, question.rdtype)
        now = self.clock.now()
        held = cache.held.get(key)
        if held is None or held.until <= now:
            held = self._fetch(cache, query, now)
            if held is not None:
                cache.held[key] = held
        response = dns.message.make_response(query, recursion_available=True)
        if held is None:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        left = max(0, int((held.until - now).total_seconds()))
        response.set_rcode(held.rcode)
        response.answer += [_with_ttl(r, left) for r in held.answers]
        response.authority += [_with_ttl(r, left) for r in held.authority]
        return response

    def _fetch(self, cache: Cache, query: dns.message.Message, now: datetime) -> Cached | None:
        name, kind = query.question[0].name, query.question[0].rdtype
        answers: list[dns.rrset.RRset] = []
        for _ in range(8):
            response = self._ask_some(cache, name, kind)
            if response is None:
                return None
            answers += response.answer
            last = [r for r in response.answer if r.rdtype == dns.rdatatype.CNAME]
            if not last or any(r.rdtype == kind for r in response.answer) or kind == dns.rdatatype.CNAME:
                return self._keep(cache, response, answers, now)
            name = last[-1][0].target
        return None

    def _ask_some(
        self, cache: Cache, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.message.Message | None:
        """Some server of the zone, another one each time, until one answers."""
        hosts = self._servers_for(name)
        cache.turn += 1
        for step in range(len(hosts)):
            host = hosts[(cache.turn + step) % len(hosts)]
            if self.faults.get(host) in _USELESS:
                continue
            response = self.authoritative(host, dns.message.make_query(name, kind))
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return response
        return None

    def _servers_for(self, name: dns.name.Name) -> tuple[str, ...]:
        zones = [z for z in self.zones.values() if name.is_subdomain(z.apex)]
        if zones:
            return max(zones, key=lambda z: len(z.apex.labels)).nameservers
        tops = [s for top, s in self.top.items() if name.is_subdomain(dns.name.from_text(top))]
        return tops[0] if tops else ()

    def _keep(
        self,
        cache: Cache,
        response: dns.message.Message,
        answers: list[dns.rrset.RRset],
        now: datetime,
    ) -> Cached:
        ttls = [r.ttl for r in answers] or [
            min(r.ttl, r[0].minimum) for r in response.authority if r.rdtype == dns.rdatatype.SOA
        ]
        ttl = max(cache.shortest, min(cache.longest, min(ttls, default=0)))
        return Cached(now + timedelta(seconds=ttl), response.rcode(), answers, list(response.authority))


_USELESS = {Fault.DROP, Fault.SERVFAIL, Fault.REFUSED, Fault.LAME, Fault.WRONG_ID, Fault.GARBAGE}


class Authority:
    """One authoritative server on its socket, with its faults."""

    def __init__(self, world: Answers, host: str) -> None:
        self._world = world
        self._host = host

    async def handle(self, packet: bytes, tcp: bool) -> bytes | None:
        query = _parse(packet)
        fault = self._world.fault_of(self._host)
        if query is None or fault is Fault.DROP:
            return None
        if fault is Fault.GARBAGE:
            return packet[:2] + b"\x80\x00" + b"\xff" * 20
        if fault is Fault.DELAY:
            await asyncio.sleep(LATE)
        if fault in (Fault.SERVFAIL, Fault.REFUSED):
            response = dns.message.make_response(query)
            response.set_rcode(dns.rcode.SERVFAIL if fault is Fault.SERVFAIL else dns.rcode.REFUSED)
            return response.to_wire()
        response = self._world.authoritative(self._host, query)
        if fault is Fault.LAME:
            response.flags &= ~dns.flags.AA
        if fault is Fault.WRONG_ID:
            response.id ^= 0xFFFF
        return _wire(response, tcp, cut=fault is Fault.TRUNCATE)


class Recursive:
    """One cache on its socket."""

    def __init__(self, world: Answers, cache: Cache) -> None:
        self._world = world
        self._cache = cache

    async def handle(self, packet: bytes, tcp: bool) -> bytes | None:
        query = _parse(packet)
        return None if query is None else _wire(self._world.recurse(self._cache, query), tcp)


def _parse(packet: bytes) -> dns.message.Message | None:
    try:
        query = dns.message.from_wire(packet)
    except (dns.exception.DNSException, ValueError):
        return None
    good = query.opcode() == dns.opcode.QUERY and len(query.question) == 1 and not query.flags & dns.flags.QR
    return query if good else None


def _wire(response: dns.message.Message, tcp: bool, *, cut: bool = False) -> bytes:
    wire = response.to_wire(max_size=65535)
    if tcp or (len(wire) <= UDP_SIZE and not cut):
        return wire
    response.answer, response.authority, response.additional = [], [], []
    response.flags |= dns.flags.TC
    return response.to_wire()


def _refused(query: dns.message.Message) -> dns.message.Message:
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.REFUSED)
    return response


def _ns(apex: dns.name.Name, hosts: Iterable[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(apex, 86400, "IN", "NS", list(hosts))


def _soa(apex: dns.name.Name, host: str) -> dns.rrset.RRset:
    return dns.rrset.from_text(apex, 900, "IN", "SOA", f"{host} hostmaster.{host} 1 1800 900 604800 900")


def _with_ttl(rrset: dns.rrset.RRset, ttl: int) -> dns.rrset.RRset:
    copy = dns.rrset.RRset(rrset.name, rrset.rdclass, rrset.rdtype)
    for rdata in rrset:
        copy.add(rdata, ttl)
    return copy
