"""An embedded DNS world on loopback: authoritative servers, caches, top-level domains, faults.

It serves the local workspace and the quick tests. The bot asks it over real sockets, as it asks the
Internet: `dns_config()` maps the example addresses to where they listen here. Caches count by the
injected clock, so moving it lets them forget, as time does.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name
import dns.rdatatype

from bot.content import content_text, load_yaml
from bot.dns.config import DnsConfig, Fetched
from bot.dns.sandbox_net import LOOPBACK, DnsSocket
from bot.dns.sandbox_servers import Answers, Authority, Cache, Recursive
from bot.dns.sandbox_zones import Fault, Zone, ZoneCopy, mx_of
from bot.domain.facts import PolicyOutcome
from bot.domain.mx import Mx, MxSet, absolute
from bot.ports import Clock

RESOLVER = "198.51.100.1"  # the resolver that the bot finds delegations with


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


class Sandbox:
    """The example world. `start()` opens its sockets; every edit works at once."""

    def __init__(self, clock: Clock, world: Mapping[str, Any] | None = None) -> None:
        """`world`: the content of a file like content/sandbox.yml, which is the default."""
        self._clock = clock
        self._world: Mapping[str, Any] = (
            world if world is not None else load_yaml(content_text("sandbox.yml"), "sandbox.yml")
        )
        self._addresses = {absolute(h): str(a) for h, a in self._world["servers"].items()}
        self._answers = Answers(
            clock,
            self._addresses,
            hosts={absolute(h): str(a) for h, a in self._world.get("hosts", {}).items()},
            texts={absolute(h): tuple(map(str, t)) for h, t in self._world.get("texts", {}).items()},
            top={
                absolute(name): tuple(absolute(h) for h in hosts)
                for name, hosts in self._world["top_level"].items()
            },
        )
        self._notes: dict[str, Mapping[str, str]] = {}
        self._fixed: set[str] = set()
        self._slow: dict[str, tuple[str, ...]] = {}
        self._policies: dict[str, str] = {}
        self._web: set[str] = set()  # addresses that example policies are said to be at
        self._caches = [Cache(RESOLVER, longest=0)]  # finds delegations: what it gives must be fresh
        self._caches += [
            Cache(str(c["address"]), int(c.get("longest", 86400)), int(c.get("shortest", 0)))
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
        self._answers.zones[domain] = Zone(domain, zone["nameservers"], copy)
        for name, address in addresses.items():
            if name and ":" not in address[0]:
                self._web.add(address[0])
        if "parent_ns" in zone:
            self._answers.zones[domain].parent_ns = tuple(absolute(host) for host in zone["parent_ns"])
        self._notes[domain] = dict(zone.get("note", {}))
        self._slow[domain] = tuple(absolute(host) for host in zone.get("slow", []))
        self._answers.lame[domain] = frozenset(absolute(host) for host in zone.get("lame", []))
        if zone.get("fixed_ttl"):
            self._fixed.add(domain)
        if "policy" in zone:
            self._policies[domain] = str(zone["policy"])

    # --- running ---------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open a UDP and a TCP socket for each server and cache, on free loopback ports."""
        for host, address in self._addresses.items():
            await self._open(address, Authority(self._answers, host))
        for cache in self._caches:
            await self._open(cache.address, Recursive(self._answers, cache))

    async def _open(self, address: str, handler: Authority | Recursive) -> None:
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
        return [self.zone(domain) for domain in self._answers.zones]

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
                self._answers.faults.get(host)
                or (Fault.REFUSED if host in self._answers.lame[domain] else None),
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
            return self._answers.zones[domain.rstrip(".").lower()]
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
        self._answers.faults.pop(host, None)
        if fault is not None:
            self._answers.faults[host] = Fault(fault)

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
                for domain, zone in self._answers.zones.items()
            },
            "faults": {host: fault.value for host, fault in self._answers.faults.items()},
            "policies": dict(self._policies),
        }

    def load(self, data: Mapping[str, Any]) -> None:
        """Take up what `to_dict` gave; a domain that this world does not have is passed over."""
        for domain, kept in data.get("zones", {}).items():
            if domain not in self._answers.zones:
                continue
            zone = self._answers.zones[domain]
            zone.newest = ZoneCopy.of(kept["newest"])
            zone.catch_up()
            for host, copy in kept.get("copies", {}).items():
                if host in zone.copies:
                    zone.copies[host] = ZoneCopy.of(copy)
        self._answers.faults = {
            host: Fault(fault) for host, fault in data.get("faults", {}).items() if host in self._addresses
        }
        self._policies = {d: str(p) for d, p in data.get("policies", {}).items() if d in self._answers.zones}


def _listed(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _ttl(ttl: int) -> int:
    if not 0 <= ttl <= 2**31 - 1:
        raise ValueError(f"{ttl} is no TTL: 0 to 2147483647 seconds (RFC 2181 8)")
    return ttl


__all__ = ["Fault", "Mx", "Sandbox", "SandboxServer", "SandboxZone", "UnknownZone"]
