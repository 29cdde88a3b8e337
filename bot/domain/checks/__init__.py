"""Facts → findings: pure judgements, one module an area (dns-checks.md). Prose is in content/."""

from bot.domain.checks.caches import judge_caches, judge_dnssec
from bot.domain.checks.expectation import Expectation
from bot.domain.checks.mail import judge_mail
from bot.domain.checks.mx import judge_mx
from bot.domain.checks.target import judge_targets
from bot.domain.checks.zone import judge_zone
from bot.domain.facts import DomainFacts
from bot.domain.findings import Finding, Severity, Status

__all__ = ["Expectation", "judge", "verdict_known"]

_WEIGHT = {Severity.BLOCK: 0, Severity.HIGH: 1, Severity.WARN: 2, Severity.INFO: 3}
_FIRST = {Status.WRONG: 0, Status.UNKNOWN: 1, Status.OK: 2}


def judge(facts: DomainFacts, expectation: Expectation) -> tuple[Finding, ...]:
    """Every check that the facts allow, the gravest first: wrong, then unknown, then in order."""
    found = [
        *judge_mx(facts, expectation),
        *judge_targets(facts, expectation),
        *judge_zone(facts, expectation),
        *judge_mail(facts, expectation),
        *judge_dnssec(facts, expectation),
        *judge_caches(facts, expectation),
    ]
    return tuple(sorted(found, key=lambda f: (_FIRST[f.status], _WEIGHT[f.severity])))


def verdict_known(findings: tuple[Finding, ...]) -> bool:
    """Whether anything can be said of the MX at all: False where no authoritative server gave a word."""
    return not any(f.id == "mx.as-expected" and f.status is Status.UNKNOWN for f in findings)
