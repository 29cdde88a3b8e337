"""An embedded DNS world on loopback: authoritative servers, caches, top-level domains, faults.

It serves the local workspace and the quick tests. The bot asks it over real sockets, as it asks the
Internet: `dns_config()` maps the example addresses to where they listen here. Caches count by the
injected clock, so moving it lets them forget, as time does.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset

from bot.content import content_text, load_yaml
from bot.dns.config import DnsConfig, Fetched
from bot.dns.sandbox_net import LOOPBACK, DnsSocket
from bot.dns.sandbox_zones import Fault, Zone, ZoneCopy, answer, mx_of, quoted
from bot.domain.facts import PolicyOutcome
from bot.domain.mx import Mx, MxSet, absolute
from bot.ports import Clock

UDP_SIZE = 1232
RESOLVER = "198.51.100.1"  # the resolver that the bot finds delegations with
HOST_TTL = 3600
LATE = 0.2


@dataclass(frozen=True)
class SandboxServer:
    """One nameserver of a zone, as the visitor sees it."""

    host: str
    address: str
    mx: MxSet
    ttl: int
    serial: int
    lagging: bool
    fault: Fault | None


@dataclass(frozen=True)
class SandboxZone:
    """An example domain, as the visitor sees it. `mx` and `ttl` are those of the newest version."""

    domain: str
    mx: MxSet
    ttl: int
    fixed_ttl: bool
    servers: tuple[SandboxServer, ...]
    texts: Mapping[str, tuple[str, ...]]
    note: Mapping[str, str]
    slow: tuple[str, ...]


class UnknownZone(KeyError):
    """The sandbox has no such domain, or the domain no such server."""


@dataclass
class _Cached:
    until: datetime
    rcode: dns.rcode.Rcode
    answers: list[dns.rrset.RRset]
    authority: list[dns.rrset.RRset]


@dataclass
class _Cache:
    """A caching resolver: its caps in seconds, and what it holds."""

    address: str
    longest: int = 86400
    shortest: int = 0
    held: dict[tuple[dns.name.Name, dns.rdatatype.RdataType], _Cached] = field(default_factory=dict)
    turn: int = 0


class Sandbox:
    """The example world. `start()` opens its sockets; every edit works at once."""

    def __init__(self, clock: Clock, world: Mapping[str, Any] | None = None) -> None:
        """`world`: the content of a file like content/sandbox.yml, which is the default."""
        self._clock = clock
        self._world: Mapping[str, Any] = (
            world if world is not None else load_yaml(content_text("sandbox.yml"), "sandbox.yml")
        )
        self._addresses = {absolute(h): str(a) for h, a in self._world["servers"].items()}
        self._hosts = {absolute(h): str(a) for h, a in self._world.get("hosts", {}).items()}
        self._texts = {absolute(h): tuple(map(str, t)) for h, t in self._world.get("texts", {}).items()}
        self._zones: dict[str, Zone] = {}
        self._notes: dict[str, Mapping[str, str]] = {}
        self._fixed: set[str] = set()
        self._slow: dict[str, tuple[str, ...]] = {}
        self._policies: dict[str, str] = {}
        self._faults: dict[str, Fault] = {}
        self._web: set[str] = set()  # addresses that example policies are said to be at
        self._lame: dict[str, frozenset[str]] = {}
        self._top = {
            absolute(name): tuple(absolute(h) for h in hosts)
            for name, hosts in self._world["top_level"].items()
        }
        self._caches = [_Cache(RESOLVER, longest=0)]  # finds delegations: what it gives must be fresh
        self._caches += [
            _Cache(str(c["address"]), int(c.get("longest", 86400)), int(c.get("shortest", 0)))
            for c in self._world.get("caches", [])
        ]
        self._sockets: dict[str, DnsSocket] = {}
        for zone in self._world.get("zones", []):
            self._add(zone)

    def _add(self, zone: Mapping[str, Any]) -> None:
        texts = {str(n): tuple(map(str, t)) for n, t in zone.get("txt", {}).items()}
        addresses = {str(n): tuple(_listed(a)) for n, a in zone.get("a", {}).items()}
        cnames = {str(n): str(t) for n, t in zone.get("cname", {}).items()}
        copy = ZoneCopy(
            int(zone.get("serial", 2026110101)),
            mx_of(zone.get("mx", [])),
            int(zone.get("ttl", 3600)),
            texts,
            addresses,
            cnames,
            int(zone.get("minimum", 900)),
        )
        domain = str(zone["domain"])
        self._zones[domain] = Zone(domain, zone["nameservers"], copy)
        for name, address in addresses.items():
            if name and ":" not in address[0]:
                self._web.add(address[0])
        if "parent_ns" in zone:
            self._zones[domain].parent_ns = tuple(absolute(host) for host in zone["parent_ns"])
        self._notes[domain] = dict(zone.get("note", {}))
        self._slow[domain] = tuple(absolute(host) for host in zone.get("slow", []))
        self._lame[domain] = frozenset(absolute(host) for host in zone.get("lame", []))
        if zone.get("fixed_ttl"):
            self._fixed.add(domain)
        if "policy" in zone:
            self._policies[domain] = str(zone["policy"])

    # --- running ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open a UDP and a TCP socket for each server and cache, on free loopback ports."""
        for host, address in self._addresses.items():
            await self._open(address, _Authority(self, host))
        for cache in self._caches:
            await self._open(cache.address, _Recursive(self, cache))

    async def _open(self, address: str, handler: "_Authority | _Recursive") -> None:
        socket = DnsSocket(handler.handle)
        await socket.start()
        self._sockets[address] = socket

    async def stop(self) -> None:
        """Close every socket."""
        for socket in self._sockets.values():
            await socket.stop()
        self._sockets.clear()

    def dns_config(self, **changes: Any) -> DnsConfig:
        """How to ask this world; call it after `start()`. `changes` are fields of DnsConfig."""
        where = {address: (LOOPBACK, socket.port) for address, socket in self._sockets.items()}
        where |= dict.fromkeys(self._web, (LOOPBACK, 9))
        given: dict[str, Any] = {
            "resolvers": ((RESOLVER, 53),),
            "sample_resolvers": tuple((cache.address, 53) for cache in self._caches[1:]),
            "address_map": where,
            "fetch_policy": self._policy_at,
        }
        return DnsConfig(**{**given, **changes})

    def place(self, host: str) -> tuple[str, int]:
        """Where the server `host` listens: for asking it by hand."""
        return LOOPBACK, self._sockets[self._addresses[absolute(host)]].port

    # --- what there is ---------------------------------------------------------------------------

    def zones(self) -> list[SandboxZone]:
        """The example domains, in the order of the content file."""
        return [self.zone(domain) for domain in self._zones]

    def zone(self, domain: str) -> SandboxZone:
        """One of them. Raises UnknownZone."""
        zone = self._zone(domain)
        servers = tuple(
            SandboxServer(
                host.rstrip("."),
                self._addresses[host],
                copy.mx,
                copy.ttl,
                copy.serial,
                copy is not zone.newest,
                self._faults.get(host) or (Fault.REFUSED if host in self._lame[domain] else None),
            )
            for host, copy in zone.copies.items()
        )
        return SandboxZone(
            domain,
            zone.newest.mx,
            zone.newest.ttl,
            domain in self._fixed,
            servers,
            zone.newest.texts,
            self._notes[domain],
            tuple(host.rstrip(".") for host in self._slow[domain]),
        )

    def held(self, domain: str) -> list[tuple[str, MxSet, int]]:
        """What the sampled caches hold of a domain's MX: address, records, seconds left (0: nothing held)."""
        key = (dns.name.from_text(domain), dns.rdatatype.MX)
        now = self._clock.now()
        found = []
        for cache in self._caches[1:]:
            entry = cache.held.get(key)
            left = int((entry.until - now).total_seconds()) if entry is not None else 0
            records = frozenset(
                Mx(rdata.preference, rdata.exchange.to_text())
                for rrset in (entry.answers if entry is not None and left > 0 else ())
                if rrset.rdtype == dns.rdatatype.MX
                for rdata in rrset
            )
            found.append((cache.address, records, max(0, left)))
        return found

    def policy(self, domain: str) -> str | None:
        """The MTA-STS policy that `https://mta-sts.<domain>` gives here."""
        return self._policies.get(domain)

    async def _policy_at(self, host: str, allowed: list[str], seconds: float) -> Fetched:
        """What `https://mta-sts.<domain>` gives in this world, without the web."""
        text = self._policies.get(host.removeprefix("mta-sts."))
        if text is None:
            return Fetched(PolicyOutcome.STATUS, detail="404")
        return Fetched(PolicyOutcome.FETCHED, text)

    def _zone(self, domain: str) -> Zone:
        try:
            return self._zones[domain.rstrip(".").lower()]
        except KeyError:
            raise UnknownZone(domain) from None

    # --- edits -----------------------------------------------------------------------------------

    def set_mx(
        self,
        domain: str,
        records: Iterable[tuple[int, str]],
        ttl: int | None = None,
        *,
        servers: Iterable[str] | None = None,
        relative: bool = False,
    ) -> None:
        """Put a new MX set into the zone. `ttl` in seconds; None: as before.

        `servers`: only these get it, the others lag (None: all but those that are slow by nature).
        `relative`: a name without its final dot has the zone appended, as zone files have it.
        Raises UnknownZone; ValueError for a record that cannot be.
        """
        zone = self._zone(domain)
        made = []
        for preference, exchange in records:
            text = exchange.strip()
            if relative and not text.endswith("."):
                text = f"{text}.{zone.domain}."
            if not 0 <= int(preference) <= 65535:
                raise ValueError(f"{preference} is no preference: 0 to 65535")
            try:
                dns.name.from_text(absolute(text))
            except (dns.exception.DNSException, UnicodeError) as error:
                raise ValueError(f"{exchange!r} is no host name") from error
            made.append((preference, text))
        self._edit(zone, servers, mx=mx_of(made), ttl=zone.newest.ttl if ttl is None else _ttl(ttl))

    def set_ttl(self, domain: str, ttl: int, *, servers: Iterable[str] | None = None) -> None:
        """Set the TTL of every record of the zone, in seconds. Raises UnknownZone, ValueError."""
        self._edit(self._zone(domain), servers, ttl=_ttl(ttl))

    def set_txt(
        self, domain: str, name: str, texts: Iterable[str], *, servers: Iterable[str] | None = None
    ) -> None:
        """Set the TXT records at `name` below the domain ("" is the domain itself); none deletes them."""
        zone = self._zone(domain)
        kept = {n: t for n, t in zone.newest.texts.items() if n != name}
        values = tuple(texts)
        self._edit(zone, servers, texts={**kept, name: values} if values else kept)

    def set_policy(self, domain: str, text: str | None) -> None:
        """The MTA-STS policy that the domain's web server gives; None: it has none."""
        self._zone(domain)
        self._policies.pop(domain, None)
        if text is not None:
            self._policies[domain] = text

    def set_fault(self, server: str, fault: Fault | str | None) -> None:
        """What is wrong with a server from now on; None: nothing. Raises UnknownZone, ValueError."""
        host = absolute(server)
        if host not in self._addresses:
            raise UnknownZone(server)
        self._faults.pop(host, None)
        if fault is not None:
            self._faults[host] = Fault(fault)

    def catch_up(self, domain: str) -> None:
        """Lagging servers fetch the newest version, as secondaries do in the end."""
        self._zone(domain).catch_up()

    def flush_cache(self) -> None:
        """Every cache forgets all."""
        for cache in self._caches:
            cache.held.clear()

    def _edit(self, zone: Zone, servers: Iterable[str] | None, **changes: Any) -> None:
        if servers is None:
            slow = self._slow[zone.domain]
            servers = [host for host in zone.nameservers if host not in slow]
        chosen = [absolute(host) for host in servers]
        for host in chosen:
            if host not in zone.copies:
                raise UnknownZone(host)
        zone.edit(chosen, **changes)

    # --- keeping ---------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """What has been edited, JSON-able; caches start empty after `load`."""
        return {
            "zones": {
                domain: {
                    "newest": zone.newest.as_data(),
                    "copies": {h: c.as_data() for h, c in zone.copies.items() if c is not zone.newest},
                }
                for domain, zone in self._zones.items()
            },
            "faults": {host: fault.value for host, fault in self._faults.items()},
            "policies": dict(self._policies),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """Take up what `to_dict` gave; a domain that this world does not have is passed over."""
        for domain, kept in data.get("zones", {}).items():
            if domain not in self._zones:
                continue
            zone = self._zones[domain]
            zone.newest = ZoneCopy.of(kept["newest"])
            zone.catch_up()
            for host, copy in kept.get("copies", {}).items():
                if host in zone.copies:
                    zone.copies[host] = ZoneCopy.of(copy)
        self._faults = {
            host: Fault(fault) for host, fault in data.get("faults", {}).items() if host in self._addresses
        }
        self._policies = {d: str(p) for d, p in data.get("policies", {}).items() if d in self._zones}

    # --- answering -------------------------------------------------------------------------------

    def fault_of(self, host: str) -> Fault | None:
        return self._faults.get(host)

    def authoritative(self, host: str, query: dns.message.Message) -> dns.message.Message:
        """What the server `host` says, faults aside."""
        name = query.question[0].name
        held = [z for z in self._zones.values() if host in z.copies and name.is_subdomain(z.apex)]
        if held:
            zone = max(held, key=lambda z: len(z.apex.labels))
            if host in self._lame[zone.domain]:
                return _refused(query)
            return answer(query, zone.held_by(host))
        for top, servers in self._top.items():
            if host in servers and name.is_subdomain(dns.name.from_text(top)):
                return self._top_level(query, top, servers)
        return _refused(query)

    def _top_level(
        self, query: dns.message.Message, top: str, servers: tuple[str, ...]
    ) -> dns.message.Message:
        """A registry's answer: a referral where a zone is delegated, else what it holds itself."""
        name = query.question[0].name
        below = [z for z in self._zones.values() if name.is_subdomain(z.apex)]
        apex = dns.name.from_text(top)
        if below:
            zone = max(below, key=lambda z: len(z.apex.labels))
            response = dns.message.make_response(query)
            response.authority.append(_ns(zone.apex, zone.parent_ns))
            response.additional += [self._address(h) for h in zone.parent_ns if h in self._addresses]
            return response
        held = [_ns(apex, servers), _soa(apex, servers[0])]
        known = {**self._hosts, **self._addresses}
        held += [self._address(h) for h in known if dns.name.from_text(h).is_subdomain(apex)]
        held += [
            dns.rrset.from_text_list(h, HOST_TTL, "IN", "TXT", [quoted(t) for t in texts])
            for h, texts in self._texts.items()
            if dns.name.from_text(h).is_subdomain(apex)
        ]
        return answer(query, held)

    def _address(self, host: str) -> dns.rrset.RRset:
        address = self._addresses.get(host) or self._hosts[host]
        return dns.rrset.from_text(host, HOST_TTL, "IN", "AAAA" if ":" in address else "A", address)

    def recurse(self, cache: _Cache, query: dns.message.Message) -> dns.message.Message:
        """What a cache says: what it holds, counted down, else what some authoritative server gives it."""
        question = query.question[0]
        key = (question.name, question.rdtype)
        now = self._clock.now()
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

    def _fetch(self, cache: _Cache, query: dns.message.Message, now: datetime) -> _Cached | None:
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
        self, cache: _Cache, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.message.Message | None:
        """Some server of the zone, another one each time, until one answers."""
        hosts = self._servers_for(name)
        cache.turn += 1
        for step in range(len(hosts)):
            host = hosts[(cache.turn + step) % len(hosts)]
            if self._faults.get(host) in _USELESS:
                continue
            response = self.authoritative(host, dns.message.make_query(name, kind))
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return response
        return None

    def _servers_for(self, name: dns.name.Name) -> tuple[str, ...]:
        zones = [z for z in self._zones.values() if name.is_subdomain(z.apex)]
        if zones:
            return max(zones, key=lambda z: len(z.apex.labels)).nameservers
        tops = [s for top, s in self._top.items() if name.is_subdomain(dns.name.from_text(top))]
        return tops[0] if tops else ()

    def _keep(
        self,
        cache: _Cache,
        response: dns.message.Message,
        answers: list[dns.rrset.RRset],
        now: datetime,
    ) -> _Cached:
        ttls = [r.ttl for r in answers] or [
            min(r.ttl, r[0].minimum) for r in response.authority if r.rdtype == dns.rdatatype.SOA
        ]
        ttl = max(cache.shortest, min(cache.longest, min(ttls, default=0)))
        return _Cached(now + timedelta(seconds=ttl), response.rcode(), answers, list(response.authority))


_USELESS = {Fault.DROP, Fault.SERVFAIL, Fault.REFUSED, Fault.LAME, Fault.WRONG_ID, Fault.GARBAGE}


class _Authority:
    """One authoritative server on its socket, with its faults."""

    def __init__(self, world: Sandbox, host: str) -> None:
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


class _Recursive:
    """One cache on its socket."""

    def __init__(self, world: Sandbox, cache: _Cache) -> None:
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


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _ttl(ttl: int) -> int:
    if not 0 <= ttl <= 2**31 - 1:
        raise ValueError(f"{ttl} is no TTL: 0 to 2147483647 seconds (RFC 2181 8)")
    return ttl


__all__ = ["Fault", "Mx", "Sandbox", "SandboxServer", "SandboxZone", "UnknownZone"]
