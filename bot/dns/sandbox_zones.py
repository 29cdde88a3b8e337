"""The zones of the sandbox: plain data, and what a server that holds them answers. No sockets.

Every server holds its own copy of a zone, so that one may lag behind the others, as secondaries do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from bot.domain.mx import Mx, MxSet, absolute

NS_TTL = 3600
REFRESH = 1800


class Fault(StrEnum):
    """What can be wrong with a server."""

    DROP = "drop"  # silent
    SERVFAIL = "servfail"
    REFUSED = "refused"
    LAME = "lame"  # answers, without authority
    TRUNCATE = "truncate"  # UDP answers are cut: only TCP gives the whole
    DELAY = "delay"  # a fifth of a second late
    WRONG_ID = "wrong_id"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class ZoneCopy:
    """What one server holds of a zone. `texts` and `addresses`: relative name ("" is the apex) → values."""

    serial: int
    mx: MxSet
    ttl: int
    texts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cnames: Mapping[str, str] = field(default_factory=dict)
    minimum: int = 900
    ttls: tuple[tuple[Mx, int], ...] = ()  # records whose own TTL differs (RFC 2181 5.2 forbids it)

    def rrsets(self, domain: str, nameservers: Iterable[str]) -> list[dns.rrset.RRset]:
        """Every RRset of the zone. A record with a TTL of its own is an RRset of its own here."""
        apex = absolute(domain)
        first = next(iter(nameservers), apex)
        made = [
            _rrset(apex, 3600, "SOA", [
                f"{first} hostmaster.{apex} {self.serial} {REFRESH} 900 604800 {self.minimum}"
            ]),
            _rrset(apex, NS_TTL, "NS", sorted(nameservers)),
        ]  # fmt: skip
        own = dict(self.ttls)
        plain = sorted(record for record in self.mx if record not in own)
        if plain:
            made.append(_rrset(apex, self.ttl, "MX", [str(record) for record in plain]))
        made += [_rrset(apex, ttl, "MX", [str(record)]) for record, ttl in own.items() if record in self.mx]
        for name, texts in self.texts.items():
            made.append(_rrset(_under(name, apex), self.ttl, "TXT", [quoted(text) for text in texts]))
        for name, addresses in self.addresses.items():
            for kind, some in (
                ("A", [a for a in addresses if ":" not in a]),
                ("AAAA", [a for a in addresses if ":" in a]),
            ):
                if some:
                    made.append(_rrset(_under(name, apex), self.ttl, kind, some))
        made += [_rrset(_under(n, apex), self.ttl, "CNAME", [absolute(t)]) for n, t in self.cnames.items()]
        return made

    def as_data(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "serial": self.serial,
            "mx": [[r.preference, r.exchange] for r in sorted(self.mx)],
            "ttl": self.ttl,
            "texts": {name: list(texts) for name, texts in self.texts.items()},
            "addresses": {name: list(some) for name, some in self.addresses.items()},
            "cnames": dict(self.cnames),
            "minimum": self.minimum,
        }

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "ZoneCopy":
        """The inverse of as_data."""
        return cls(
            int(data["serial"]),
            mx_of(data["mx"]),
            int(data["ttl"]),
            {name: tuple(texts) for name, texts in data.get("texts", {}).items()},
            {name: tuple(some) for name, some in data.get("addresses", {}).items()},
            dict(data.get("cnames", {})),
            int(data.get("minimum", 900)),
        )


def mx_of(records: Iterable[Iterable[Any]]) -> MxSet:
    """[(preference, exchange), …] as a set of records with absolute exchanges."""
    found = set()
    for preference, exchange in records:
        found.add(Mx(int(preference), absolute(str(exchange))))
    return frozenset(found)


def _rrset(owner: str, ttl: int, kind: str, values: list[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(owner, ttl, dns.rdataclass.IN, kind, values)


def _under(name: str, apex: str) -> str:
    return f"{name}.{apex}" if name else apex


def quoted(text: str) -> str:
    """A TXT record's text in strings of at most 255 octets."""
    escaped = [text[i : i + 255].replace("\\", "\\\\").replace('"', '\\"') for i in range(0, len(text), 255)]
    return " ".join(f'"{piece}"' for piece in escaped or [""])


class Zone:
    """A zone with its copies."""

    def __init__(self, domain: str, nameservers: Iterable[str], copy: ZoneCopy) -> None:
        self.domain = domain
        self.apex = dns.name.from_text(domain)
        self.nameservers = tuple(absolute(host) for host in nameservers)
        self.parent_ns = self.nameservers
        self.copies = dict.fromkeys(self.nameservers, copy)
        self.newest = copy
        self._made: dict[str, tuple[ZoneCopy, list[dns.rrset.RRset]]] = {}

    def edit(self, servers: Iterable[str] | None, **changes: Any) -> None:
        """A new version, on these servers or on all. `servers` are hosts of this zone."""
        self.newest = replace(self.newest, serial=self.newest.serial + 1, **changes)
        for host in self.nameservers if servers is None else servers:
            self.copies[absolute(host)] = self.newest

    def catch_up(self) -> None:
        """Every server takes the newest version."""
        self.copies = dict.fromkeys(self.nameservers, self.newest)

    def held_by(self, host: str) -> list[dns.rrset.RRset]:
        """What one server serves."""
        copy = self.copies[host]
        made = self._made.get(host)
        if made is None or made[0] is not copy:
            made = (copy, copy.rrsets(self.domain, self.nameservers))
            self._made[host] = made
        return made[1]


def answer(
    query: dns.message.Message,
    rrsets: Iterable[dns.rrset.RRset],
    *,
    authoritative: bool = True,
) -> dns.message.Message:
    """What a server that holds `rrsets` of one zone says to `query`: data, an alias, or a negative answer."""
    response = dns.message.make_response(query, recursion_available=not authoritative)
    if authoritative:
        response.flags |= dns.flags.AA
    question = query.question[0]
    held = list(rrsets)
    name, kind = question.name, question.rdtype
    for _ in range(8):
        match = [r for r in held if r.name == name and r.rdtype == kind]
        if match:
            response.answer += match
            return response
        alias = [r for r in held if r.name == name and r.rdtype == dns.rdatatype.CNAME]
        if not alias:
            break
        response.answer += alias
        name = alias[0][0].target
    soa = [r for r in held if r.rdtype == dns.rdatatype.SOA]
    response.authority += soa
    if not response.answer and not any(r.name.is_subdomain(name) for r in held):
        response.set_rcode(dns.rcode.NXDOMAIN)
    return response
