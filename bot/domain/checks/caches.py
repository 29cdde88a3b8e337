"""What caches still hold after the change, and whether DNSSEC lets anybody see it."""

from datetime import timedelta

from bot.domain.checks.expectation import Expectation
from bot.domain.checks.making import ok, servers, unknown, wrong
from bot.domain.facts import DEFINITE, DomainFacts, Outcome
from bot.domain.findings import Finding, Severity

STALE_TTL = 30  # RFC 8767 4: what a cache says of an expired answer that it serves all the same
SHORT_LIFE = timedelta(hours=12)


def judge_caches(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Old answers among the sampled ones: only once some authoritative server gives the new set."""
    expected = expectation.expected
    if expected is None or not facts.resolvers:
        return []
    if not any(answer.usable and answer.mx == expected for answer in facts.authoritative):
        return []
    known = [answer for answer in facts.resolvers if answer.outcome in DEFINITE]
    if not known:
        return [unknown("cache.old-seen", domain=facts.domain)]
    old = [answer for answer in known if answer.mx != expected]
    stale: list[Finding] = []
    if expectation.is_safe:
        expired = [answer for answer in old if answer.ttl is not None and answer.ttl <= STALE_TTL]
        old = [answer for answer in old if answer not in expired]
        if expired:
            stale = [
                wrong("cache.stale-served", Severity.INFO, domain=facts.domain, servers=servers(expired))
            ]
    if not old:
        return stale or [ok("cache.old-seen", domain=facts.domain, total=len(known))]
    gone_at = max(answer.at + timedelta(seconds=answer.ttl or 0) for answer in old)
    args = {
        "domain": facts.domain,
        "total": len(known),
        "old": len(old),
        "gone_at": gone_at.isoformat(),
        "servers": servers(old),
    }
    safe = expectation.instants.t_safe if expectation.instants else None
    if expectation.is_safe and safe is not None:
        late = wrong("cache.old-seen", Severity.HIGH, **args, late=True, safe_at=safe.isoformat())
        return [*stale, late]
    return [*stale, wrong("cache.old-seen", Severity.INFO, **args)]


def judge_dnssec(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Bogus: a validating resolver refuses what it gives when told not to validate (RFC 4035)."""
    sec = facts.dnssec
    if sec is None:
        return []
    if sec.unvalidated not in DEFINITE or sec.validated not in {*DEFINITE, Outcome.SERVFAIL}:
        return [unknown("dnssec.bogus", domain=facts.domain)]
    if sec.validated is Outcome.SERVFAIL:
        return [wrong("dnssec.bogus", Severity.BLOCK, domain=facts.domain)]
    if not sec.authenticated:
        if sec.ds is Outcome.ANSWER:  # signed, and the resolver does not validate
            return [unknown("dnssec.bogus", domain=facts.domain), *_expiring(facts, expectation)]
        return []
    return [ok("dnssec.bogus", domain=facts.domain), *_expiring(facts, expectation)]


def _expiring(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    sec = facts.dnssec
    if sec is None or sec.expires is None:
        return []
    args = {"domain": facts.domain, "expires_at": sec.expires.isoformat(), "over": sec.expires_over}
    if sec.expires - (expectation.now or facts.at) < SHORT_LIFE:
        return [wrong("dnssec.expiring", Severity.WARN, **args)]
    return [ok("dnssec.expiring", **args)]
