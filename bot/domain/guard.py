"""Whether the MX may be changed now: what stands against it, and from when it does not.

Pure. Findings come from domain.checks, which needs facts of a full look.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.domain.cutover import Instants
from bot.domain.findings import Finding, Severity, Status

# Each of these loses or bounces mail if the MX is changed now (dns-checks.md, severity block, before the
# change). What is said of the present MX is not among them: it is about to go.
GUARDED = frozenset(
    {
        "ttl.lowered-too-late",
        "mta-sts.excludes-new-mx",
        "dnssec.bogus",
        "target.unresolvable",
        "target.is-cname",
        "mx.owner-is-cname",
        "delegation.lame",
    }
)


@dataclass(frozen=True, slots=True)
class Go:
    """`blockers`: what stands against a change now. `earliest`: from when time alone removes all of them."""

    blockers: tuple[Finding, ...] = ()
    earliest: datetime | None = None

    @property
    def clear(self) -> bool:
        return not self.blockers


def go_or_no_go(findings: Iterable[Finding], instants: Instants, now: datetime) -> Go:
    """The decision at `now`. A check whose outcome is unknown does not block: it is told apart."""
    blockers = tuple(
        finding
        for finding in findings
        if finding.id in GUARDED
        and finding.status is Status.WRONG
        and finding.severity is Severity.BLOCK
        and not (finding.id == "ttl.lowered-too-late" and _waited(instants, now))
    )
    only_time = bool(blockers) and all(finding.id == "ttl.lowered-too-late" for finding in blockers)
    return Go(blockers, instants.safe_to_flip if only_time else None)


def _waited(instants: Instants, now: datetime) -> bool:
    return instants.safe_to_flip is not None and now >= instants.safe_to_flip
