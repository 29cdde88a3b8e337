"""MX data as values: what a record says, apart from how long it may be cached."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Mx:
    """One MX record's data (RFC 5321 5.1). `exchange` is absolute, lower case, with its final dot."""

    preference: int
    exchange: str

    def __str__(self) -> str:
        return f"{self.preference} {self.exchange}"


MxSet = frozenset[Mx]


def mx_set(records: Iterable[Mx]) -> MxSet:
    """The data of an MX RRset; TTLs are compared apart from it."""
    return frozenset(records)


def absolute(host: str) -> str:
    """`host` lower-cased with its final dot. Raises nothing; the caller has validated the name."""
    lowered = host.strip().lower()
    return lowered if lowered.endswith(".") else lowered + "."


def zone_line(domain: str, record: Mx, ttl: int) -> str:
    """The line as it stands in a zone file (procedure, the day, step 1). `ttl` in seconds."""
    return f"{absolute(domain)} {ttl} IN MX {record.preference} {record.exchange}"
