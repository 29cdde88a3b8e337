"""What DNS said: who was asked, what came back, when. No judgement.

Times are aware UTC; TTLs are seconds. Names are absolute, lower case, with the final dot, except
`DomainFacts.domain`, which is as the rest of the bot writes a domain (A-label form, no final dot).
Every new field has a default, so that what was stored before it is still readable (facts_json.py).
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
    TIMEOUT = "timeout"  # silent on UDP and on TCP
    UNREACHABLE = "unreachable"  # something on the way said that nobody listens there
    NO_ROUTE = "no_route"  # this machine has no way to such an address (IPv6, most often): says nothing
    NOT_ALLOWED = "not_allowed"  # a private or otherwise special address: never contacted
    MALFORMED = "malformed"
    OTHER = "other"


SILENT = frozenset({Outcome.TIMEOUT, Outcome.UNREACHABLE})
NOT_ASKED = frozenset({Outcome.NO_ROUTE, Outcome.NOT_ALLOWED})
DEFINITE = frozenset({Outcome.ANSWER, Outcome.NODATA, Outcome.NXDOMAIN})


@dataclass(frozen=True, slots=True)
class Server:
    """One address of one nameserver."""

    host: str
    address: str
    port: int = 53

    def __str__(self) -> str:
        shown = f"[{self.address}]" if ":" in self.address else self.address
        where = self.address if self.port == 53 else f"{shown}:{self.port}"
        return where if self.host in ("", self.address) else f"{self.host.rstrip('.')} ({where})"


@dataclass(frozen=True, slots=True)
class MxRecord:
    """One record as it was on the wire: its data and its own TTL (RFC 2181 5.2 wants them equal)."""

    mx: Mx
    ttl: int


@dataclass(frozen=True, slots=True)
class MxAnswer:
    """One server's answer to one MX question. `owner_cname`: the domain is an alias (RFC 1034 3.6.2).

    `at` is when the answer came, not when it was asked for. `detail` says why, where there is no answer.
    `decremented`: two reads differed in nothing but a TTL that counts down, so a cache stands in front.
    """

    server: Server
    at: datetime
    outcome: Outcome
    authoritative: bool = False
    rcode: str = ""
    records: tuple[MxRecord, ...] = ()
    owner_cname: str | None = None
    serial: int | None = None
    detail: str = ""
    decremented: bool = False

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
        return self.authoritative and self.outcome in DEFINITE


@dataclass(frozen=True, slots=True)
class ZoneAnswer:
    """What one authoritative address says of the zone itself: its SOA and its own NS set.

    `refresh`, `negative_ttl` (RFC 2308: the lesser of the SOA's TTL and its minimum) and `ns_ttl` in
    seconds; None where it gave no SOA or NS.
    """

    server: Server
    at: datetime
    outcome: Outcome
    authoritative: bool = False
    serial: int | None = None
    refresh: int | None = None
    negative_ttl: int | None = None
    ns: tuple[str, ...] = ()
    ns_ttl: int | None = None
    apex: str = ""  # the SOA's owner: where the zone begins


@dataclass(frozen=True, slots=True)
class HostAddresses:
    """Whether a new exchange can be reached by name at all (RFC 5321 5.1, RFC 2181 10.3)."""

    host: str
    outcome: Outcome
    addresses: tuple[str, ...] = ()
    cname: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """The TXT records at a name, each with its strings joined (RFC 7208 3.3), as a resolver gave them."""

    name: str
    outcome: Outcome
    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SpfFacts:
    """The walk of a domain's SPF record (RFC 7208).

    `lookups`: terms that ask DNS, over the whole walk (4.6.4). `void_lookups`: those that found nothing.
    `errors`: a term that cannot be parsed, a loop, an include without a record; each as `kind: term`.
    `incomplete`: a look-up on the way got no answer, so the counts are lower bounds.
    """

    outcome: Outcome
    records: tuple[str, ...] = ()
    lookups: int = 0
    void_lookups: int = 0
    mx_mechanisms: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    incomplete: bool = False


class PolicyOutcome(StrEnum):
    """How fetching an MTA-STS policy ended (RFC 8461 3.3)."""

    FETCHED = "fetched"
    NOT_ASKED = "not_asked"  # no TXT record says that there is one, or nobody may be asked
    NO_HOST = "no_host"  # mta-sts.<domain> has no address
    NOT_ALLOWED = "not_allowed"  # its address is private or otherwise special
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    STATUS = "status"  # anything but 200, a redirect included
    TOO_LARGE = "too_large"
    INVALID = "invalid"  # it came, and is no policy
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class MtaStsFacts:
    """`_mta-sts` and the policy behind it (RFC 8461). `max_age` in seconds; `patterns` as written."""

    txt: TextAnswer
    id: str | None = None
    policy: PolicyOutcome = PolicyOutcome.NOT_ASKED
    mode: str | None = None
    patterns: tuple[str, ...] = ()
    max_age: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TlsaAnswer:
    """TLSA records of one exchange (RFC 7672), at `_25._tcp.<host>`."""

    host: str
    outcome: Outcome
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DnssecFacts:
    """Whether a validating resolver accepts the zone's MX (RFC 4035).

    `ds`: the parent has a DS. `validated`: outcome of the MX question with validation;
    `unvalidated`: the same with CD=1. `expires`: the earliest end of an RRSIG over MX, SOA or
    DNSKEY, looked up below a DS alone.
    """

    ds: Outcome
    validated: Outcome
    unvalidated: Outcome
    authenticated: bool = False  # the AD bit
    expires: datetime | None = None
    expires_over: str = ""


@dataclass(frozen=True, slots=True)
class SubdomainMx:
    """MX at a name below the domain, which the change of the domain's own MX does not move."""

    name: str
    outcome: Outcome
    mx: tuple[Mx, ...] = ()
    wildcard: bool = False


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """All that one look gathered about a domain. A part that is None or empty was not asked for."""

    domain: str
    at: datetime
    authoritative: tuple[MxAnswer, ...] = ()
    resolvers: tuple[MxAnswer, ...] = ()
    nameservers: tuple[str, ...] = ()
    targets: Mapping[str, HostAddresses] = field(default_factory=dict)
    delegation: Outcome = Outcome.ANSWER  # how finding the authoritative servers ended
    zone: str = ""  # the apex of the zone that holds the domain
    parent_ns: tuple[str, ...] = ()  # the NS set of the parent's referral
    parent: Outcome | None = None  # how asking the parent ended; None: it was not asked
    zone_answers: tuple[ZoneAnswer, ...] = ()
    by_hand: bool = False  # the servers were given by the operator: no delegation was followed
    mta_sts: MtaStsFacts | None = None
    spf: SpfFacts | None = None
    dmarc: TextAnswer | None = None
    tls_rpt: TextAnswer | None = None
    tlsa: tuple[TlsaAnswer, ...] = ()
    dnssec: DnssecFacts | None = None
    subdomains: tuple[SubdomainMx, ...] = ()

    @property
    def ttl_in_force(self) -> int | None:
        """The greatest TTL that any authoritative address gave (dns-checks.md)."""
        return max((a.ttl for a in self.authoritative if a.usable and a.ttl is not None), default=None)

    @property
    def seen(self) -> bool:
        """Whether any authoritative address said anything of the MX at all."""
        return any(answer.usable for answer in self.authoritative)
