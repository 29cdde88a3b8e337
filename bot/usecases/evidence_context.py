"""What is known when a question is answered."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.cutover import Cutover
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding
from bot.domain.mailtext import Reading


@dataclass(frozen=True, slots=True)
class SupportNow:
    """Whether the vendor's normal support is open (procedure W2), and when it opens next."""

    open: bool
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EvidenceContext:
    """All that is known when a question is answered. `now`, and every time in it, is aware UTC."""

    now: datetime
    cutover: Cutover | None = None
    domain: str | None = None  # where there is no cutover, the domain that was named
    facts: DomainFacts | None = None
    findings: tuple[Finding, ...] = ()
    support: SupportNow | None = None
    mail: Reading | None = None  # what a pasted bounce or header showed
    dns_host: str | None = None  # the id of the service that its name servers belong to (procedure B3)
    can_lower_ttl: bool | None = None  # whether that service lets a customer do so; None: not known
