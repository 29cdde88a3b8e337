"""Whom to ask and how long to wait. Everything is a setting, so that a lab serves as the Internet does."""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from bot.domain.facts import PolicyOutcome

Endpoint = tuple[str, int]

_HOST = re.compile(
    r"(?=.{1,253}\.?$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$"
)


class BadEndpoint(ValueError):
    """Not a server address; the message says what is wrong with it."""


def parse_endpoint(text: str, default_port: int = 53) -> Endpoint:
    """`9.9.9.9`, `127.0.0.1:5300`, `[::1]:53`, `::1` or `ns1.example.jp:53` as (host, port).

    Raises BadEndpoint, whose message names the text and the fault.
    """
    given = text.strip()
    if not given:
        raise BadEndpoint("a server address is empty; write it as HOST or HOST:PORT, like 127.0.0.1:5300")
    if given.startswith("["):
        host, bracket, rest = given[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or not _is_ip(host):
            raise BadEndpoint(f"{given}: write an IPv6 address as [ADDRESS]:PORT, like [::1]:5300")
        return host, _port(rest[1:], given) if rest else default_port
    if _is_ip(given):
        return given, default_port
    host, colon, port = given.rpartition(":")
    if not colon:
        host, port = given, ""
    if ":" in host:
        raise BadEndpoint(f"{given}: write an IPv6 address with a port as [ADDRESS]:PORT, like [::1]:5300")
    number = _port(port, given) if colon else default_port
    if re.fullmatch(r"[0-9.]+", host) and not _is_ip(host):
        raise BadEndpoint(f"{given}: {host} is not an IP address")
    if not _is_ip(host) and not _HOST.match(host.lower()):
        raise BadEndpoint(f"{given}: {host or 'the host'} is neither an IP address nor a host name")
    return host, number


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str, given: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= 65535:
        raise BadEndpoint(f"{given}: the port must be a number from 1 to 65535")
    return int(text)


def parse_endpoints(texts: Iterable[str]) -> tuple[Endpoint, ...]:
    """Each once, in the given order. Raises BadEndpoint."""
    return tuple(dict.fromkeys(parse_endpoint(text) for text in texts))


_NAT64 = IPv6Address("64:ff9b::")


def is_public(address: str) -> bool:
    """Whether a domain's own DNS may send us to this address.

    False for private, loopback, link-local, multicast and other special addresses, also where an IPv6
    address carries such an IPv4 one (mapped, 6to4, Teredo, NAT64), and for what is no address.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and int(ip) >> 32 == int(_NAT64) >> 32:
            inner = ip_address(int(ip) & 0xFFFFFFFF)  # type: ignore[assignment]
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_loopback(address: str) -> bool:
    """Whether it is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def parse_mapping(text: str) -> tuple[str, Endpoint]:
    """`192.0.2.11=127.0.0.1:5301`: an address as DNS gives it → where a lab serves it. Raises BadEndpoint."""
    address, equals, place = text.partition("=")
    if not equals or not _is_ip(address.strip()):
        raise BadEndpoint(f"{text}: write it as ADDRESS=HOST:PORT, like 192.0.2.11=127.0.0.1:5301")
    return str(ip_address(address.strip())), parse_endpoint(place)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The body, or why there is none."""

    outcome: PolicyOutcome
    body: str = ""
    detail: str = ""


# (host, its addresses that may be contacted, seconds) → what it gave. Never raises.
Fetch = Callable[[str, list[str], float], Awaitable[Fetched]]


@dataclass(frozen=True)
class DnsConfig:
    """How DNS is asked. Times in seconds.

    `resolvers`: recursive servers for finding the delegation; empty: those of /etc/resolv.conf.
    `nameservers`: the authoritative servers, given by hand; then no delegation is followed.
    `sample_resolvers`: caches that are asked what they still hold; empty: none.
    `address_map`: an authoritative address as DNS gives it → where a lab serves it instead.
    `allow_private`: addresses that a domain's DNS gives may be private ones (an internal network);
    `allow_loopback`: or those of this machine, and no others (a lab).
    `fetch_policy`: how MTA-STS policies are fetched; None: over HTTPS, at `policy_port`, with the
    certificates of `policy_ca` (PEM) or the system's.
    `internal`: names that are never asked for, nor any below them, whoever's DNS leads there.
    `tries`: how long each try waits; the last goes over UDP and TCP at once.
    """

    resolvers: tuple[Endpoint, ...] = ()
    nameservers: tuple[Endpoint, ...] = ()
    sample_resolvers: tuple[Endpoint, ...] = ()
    address_map: Mapping[str, Endpoint] = field(default_factory=dict)
    allow_private: bool = False
    allow_loopback: bool = False
    authoritative_port: int = 53
    tries: tuple[float, ...] = (1.5, 2.5)
    deadline: float = 15.0
    max_in_flight: int = 64
    samples: int = 3
    ttl_reads: int = 2
    fetch_policy: Fetch | None = None
    policy_port: int = 443
    policy_ca: Path | None = None
    internal: tuple[str, ...] = ()

    def may_contact(self, address: str) -> bool:
        """Whether an address that a domain's DNS gave may be contacted."""
        return self.allow_private or is_public(address) or (self.allow_loopback and is_loopback(address))

    def place_of(self, endpoint: Endpoint) -> Endpoint:
        """Where to send a question for an operator's endpoint: a lab may serve it elsewhere."""
        return self.address_map.get(endpoint[0], endpoint)

    @property
    def may_recurse(self) -> bool:
        """Whether any resolver may be asked: never, where servers were given by hand and no resolver was."""
        return bool(self.resolvers) or not self.nameservers


def system_resolvers(path: Path = Path("/etc/resolv.conf")) -> tuple[Endpoint, ...]:
    """The resolvers of this machine; empty where there are none. Reads a file."""
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ()
    found: list[Endpoint] = []
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and _is_ip(words[1].partition("%")[0]):
            found.append((words[1], 53))
    return tuple(dict.fromkeys(found))
