"""DNS services known by the names of their nameservers (procedure B3 and good practice)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from bot.content import LANGUAGES, ContentError, content_text, load_yaml

FILE = "dns_hosts.yml"


@dataclass(frozen=True, slots=True)
class DnsHost:
    """What is known of one service. Texts by language; `ttl` and `dot` are {} where nothing is known.

    `can_lower_ttl`: None where it is not known. `verified`: tried, not only read.
    """

    id: str
    name: Mapping[str, str]
    nameservers: tuple[str, ...]
    ttl: Mapping[str, str]
    dot: Mapping[str, str]
    can_lower_ttl: bool | None
    verified: bool

    def serves(self, nameserver: str) -> bool:
        """Whether a nameserver's name is one of this service's."""
        name = nameserver.rstrip(".").lower()
        return any(
            name.count(".") == pattern.count(".") and fnmatchcase(name, pattern)
            for pattern in self.nameservers
        )


@lru_cache(maxsize=1)
def dns_hosts() -> Mapping[str, DnsHost]:
    """Every service of content/dns_hosts.yml by its id. Raises ContentError where the file is not right."""
    data = load_yaml(content_text(FILE), FILE)
    return {str(host_id): _host(str(host_id), entry) for host_id, entry in data.items()}


def _host(host_id: str, entry: Mapping[str, Any]) -> DnsHost:
    known = {"name", "nameservers", "ttl", "dot", "can_lower_ttl", "verified"}
    if extra := set(entry) - known:
        raise ContentError(f"{FILE}: {host_id} has {', '.join(sorted(extra))}, which mean nothing")
    for field in ("name", "ttl", "dot"):
        if field in entry and set(entry[field]) != set(LANGUAGES):
            raise ContentError(f"{FILE}: {host_id}.{field} needs exactly ja and en")
    return DnsHost(
        host_id,
        dict(entry["name"]),
        tuple(str(pattern) for pattern in entry["nameservers"]),
        dict(entry.get("ttl", {})),
        dict(entry.get("dot", {})),
        entry.get("can_lower_ttl"),
        bool(entry.get("verified", False)),
    )


def recognise(nameservers: Iterable[str]) -> DnsHost | None:
    """The service that all these nameservers belong to; None where it is not known, or there are several."""
    names = list(nameservers)
    if not names:
        return None
    for host in dns_hosts().values():
        if all(host.serves(name) for name in names):
            return host
    return None


def can_lower_ttl(host_id: str) -> bool | None:
    """Whether a customer of the service can lower a TTL; None where it is not known."""
    host = dns_hosts().get(host_id)
    return host.can_lower_ttl if host else None


def ttl_note(host_id: str, lang: str) -> str:
    """What is known of the service's TTL field; "" where nothing is."""
    host = dns_hosts().get(host_id)
    return host.ttl.get(lang, "") if host else ""


def dot_note(host_id: str, lang: str) -> str:
    """Whether the service's form wants a host name's final dot; "" where that is not known."""
    host = dns_hosts().get(host_id)
    return host.dot.get(lang, "") if host else ""


def host_name(host_id: str, lang: str) -> str:
    """What people call the service; the id itself where the file does not know it any more."""
    host = dns_hosts().get(host_id)
    return host.name[lang] if host else host_id
