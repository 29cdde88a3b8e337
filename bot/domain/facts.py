"""What DNS said: who was asked, what came back, when. No judgement.

Times are aware UTC; TTLs are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.mx import Mx, MxSet


class Outcome(StrEnum):
    """How one question ended."""

    ANSWER = "answer"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    REFUSED = "refused"
    SERVFAIL = "servfail"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    MALFORMED = "malformed"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one nameserver."""

    host: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        where = self.address if self.port == 53 else f"{self.address}:{self.port}"
        return where if self.host in ("", self.address) else f"{self.host} ({where})"


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One record as it was on the wire: its data and its own TTL (RFC 2181 5.2 wants them equal)."""

    mx: Mx
    ttl: int


@dataclass(frozen=True, slots=True)
class MxAnswer:
    """One server's answer to one MX question. `owner_cname`: the domain is an alias (RFC 1034 3.6.2)."""

    server: Server
    at: datetime
    outcome: Outcome
    authoritative: bool = False
    rcode: str = ""
    records: tuple[MxRecord, ...] = ()
    owner_cname: str | None = None
    serial: int | None = None

    @property
    def mx(self) -> MxSet:
        return frozenset(record.mx for record in self.records)

    @property
    def ttl(self) -> int | None:
        """The greatest TTL of the RRset."""
        return max((record.ttl for record in self.records), default=None)

    @property
    def usable(self) -> bool:
        """An authoritative word on the matter, be it that there is none."""
        return self.authoritative and self.outcome in (Outcome.ANSWER, Outcome.NODATA, Outcome.NXDOMAIN)


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """Whether a new exchange can be reached by name at all (RFC 5321 5.1, RFC 2181 10.3)."""

    host: str
    outcome: Outcome
    addresses: tuple[str, ...] = ()
    cname: str | None = None


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """All that one look gathered about a domain."""

    domain: str
    at: datetime
    authoritative: tuple[MxAnswer, ...] = ()
    resolvers: tuple[MxAnswer, ...] = ()
    nameservers: tuple[str, ...] = ()
    targets: Mapping[str, HostAddresses] = field(default_factory=dict)
    delegation: Outcome = Outcome.ANSWER  # how finding the authoritative servers ended

    @property
    def ttl_in_force(self) -> int | None:
        """The greatest TTL that any authoritative address gave (dns-checks.md)."""
        return max((a.ttl for a in self.authoritative if a.usable and a.ttl is not None), default=None)
