"""Short ways to make findings: a finding that is in order is of no more than informative weight."""

from collections.abc import Iterable
from typing import Any

from bot.domain.facts import MxAnswer
from bot.domain.findings import Finding, Severity, Status
from bot.domain.mx import Mx, zone_line
from bot.domain.plan import LOW_TTL


def ok(finding_id: str, **args: Any) -> Finding:
    return Finding(finding_id, Status.OK, Severity.INFO, args)


def wrong(finding_id: str, severity: Severity, **args: Any) -> Finding:
    return Finding(finding_id, Status.WRONG, severity, args)


def unknown(finding_id: str, severity: Severity = Severity.INFO, **args: Any) -> Finding:
    """Not known, and therefore neither in order nor wrong. WARN where the check is what people came for."""
    return Finding(finding_id, Status.UNKNOWN, severity, args)


def servers(answers: Iterable[MxAnswer]) -> list[str]:
    """The servers behind some answers, each once, as people read them."""
    return list(dict.fromkeys(str(answer.server) for answer in answers))


def lines(domain: str, records: Iterable[Mx], ttl: int | None) -> str:
    """Zone lines to copy, one below the other."""
    return "\n".join(zone_line(domain, record, ttl or LOW_TTL) for record in sorted(records))
