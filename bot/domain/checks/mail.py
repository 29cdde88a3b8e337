"""What else of a domain's mail depends on its MX: MTA-STS, SPF, DMARC, DANE, TLS reports, subdomains."""

import re

from bot.domain.checks.expectation import Expectation
from bot.domain.checks.making import ok, unknown, wrong
from bot.domain.facts import DEFINITE, DomainFacts, MtaStsFacts, Outcome, PolicyOutcome, SpfFacts
from bot.domain.findings import Finding, Severity
from bot.domain.mta_sts import uncovered
from bot.domain.spf import LOOKUP_LIMIT, VOID_LIMIT


def judge_mail(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Every finding about these; of what was not asked for, none."""
    return [
        *_mta_sts(facts, expectation),
        *_spf(facts, expectation),
        *_dmarc(facts, expectation),
        *_dane(facts),
        *_tls_rpt(facts),
        *_subdomains(facts),
    ]


def _mta_sts(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """RFC 8461 5: with mode enforce, senders must not deliver to a host that the policy does not name."""
    sts = facts.mta_sts
    if sts is None:
        return []
    if sts.txt.outcome not in DEFINITE:
        return [_sts_unknown(facts, sts.txt.outcome.value)]
    if sts.id is None:
        return [ok("mta-sts.excludes-new-mx", domain=facts.domain, mode="absent")]
    if sts.policy is not PolicyOutcome.FETCHED:
        return [_sts_unknown(facts, sts.policy.value)]
    hosts = [record.exchange for record in expectation.expected or ()]
    left = uncovered(sts.patterns, hosts)
    if not left or sts.mode not in ("enforce", "testing"):
        return [ok("mta-sts.excludes-new-mx", domain=facts.domain, mode=sts.mode)]
    enforced = sts.mode == "enforce"
    return [
        wrong(
            "mta-sts.excludes-new-mx" if enforced else "mta-sts.testing-excludes-new-mx",
            Severity.BLOCK if enforced else Severity.WARN,
            **_policy_args(facts, sts, left),
        )
    ]


def _sts_unknown(facts: DomainFacts, why: str) -> Finding:
    return unknown("mta-sts.excludes-new-mx", Severity.WARN, domain=facts.domain, policy_outcome=why)


def _policy_args(facts: DomainFacts, sts: MtaStsFacts, left: list[str]) -> dict[str, object]:
    return {
        "domain": facts.domain,
        "hosts": left,
        "patterns": list(sts.patterns),
        "policy_lines": "\n".join(f"mx: {host.rstrip('.')}" for host in left),
        "policy_id": sts.id,
        "max_age": sts.max_age,
        "max_age_span": sts.max_age,
    }


def _spf(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    spf = facts.spf
    if spf is None:
        return []
    if spf.outcome not in DEFINITE:
        return [unknown("spf.record", domain=facts.domain)]
    if not spf.records:
        if facts.delegation is Outcome.NXDOMAIN:
            return []
        return [wrong("spf.absent", Severity.INFO, domain=facts.domain)]
    found = _spf_faults(facts, spf)
    if spf.mx_mechanisms:
        found.append(
            wrong(
                "spf.mx-mechanism",
                Severity.WARN if _is_changed(facts, expectation) else Severity.HIGH,
                domain=facts.domain,
                mechanisms=list(spf.mx_mechanisms),
                record=spf.records[0],
            )
        )
    if found:
        return found
    if spf.incomplete:
        return [unknown("spf.record", domain=facts.domain, lookups=spf.lookups)]
    return [ok("spf.record", domain=facts.domain, lookups=spf.lookups, record=spf.records[0])]


def _is_changed(facts: DomainFacts, expectation: Expectation) -> bool:
    """Whether the MX is the new one already, so that `mx` means the gateway by now."""
    usable = [answer for answer in facts.authoritative if answer.usable]
    return bool(usable) and all(answer.mx == expectation.expected for answer in usable)


def _spf_faults(facts: DomainFacts, spf: SpfFacts) -> list[Finding]:
    found: list[Finding] = []
    if len(spf.records) > 1:
        return [
            wrong(
                "spf.multiple",
                Severity.HIGH,
                domain=facts.domain,
                count=len(spf.records),
                records=list(spf.records),
            )
        ]
    if spf.errors:
        found.append(wrong("spf.syntax", Severity.HIGH, domain=facts.domain, errors=list(spf.errors)))
    if spf.lookups > LOOKUP_LIMIT:
        found.append(
            wrong("spf.lookups", Severity.HIGH, domain=facts.domain, lookups=spf.lookups, limit=LOOKUP_LIMIT)
        )
    if spf.void_lookups > VOID_LIMIT:
        found.append(
            wrong(
                "spf.void-lookups",
                Severity.HIGH,
                domain=facts.domain,
                void_lookups=spf.void_lookups,
                limit=VOID_LIMIT,
            )
        )
    return found


def dmarc_policy(texts: tuple[str, ...]) -> str | None:
    """The policy of the one DMARC record: none, quarantine or reject; None without a valid one (RFC 7489)."""
    records = [text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|$)", text)]
    if len(records) != 1:
        return None
    match = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\s*(;|$)", records[0], re.IGNORECASE)
    return match[1].lower() if match else None


def _dmarc(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    if facts.dmarc is None:
        return []
    if facts.dmarc.outcome not in DEFINITE:
        return [unknown("dmarc.strict", domain=facts.domain)]
    policy = dmarc_policy(facts.dmarc.texts)
    if policy in ("quarantine", "reject") and expectation.sends_through_gateway is not False:
        return [wrong("dmarc.strict", Severity.WARN, domain=facts.domain, policy=policy)]
    return [ok("dmarc.strict", domain=facts.domain, policy=policy or "absent")]


def _dane(facts: DomainFacts) -> list[Finding]:
    return [
        wrong(
            "dane.mismatch-risk",
            Severity.INFO,
            domain=facts.domain,
            host=tlsa.host,
            records=list(tlsa.records),
        )
        for tlsa in facts.tlsa
        if tlsa.records
    ]


def _tls_rpt(facts: DomainFacts) -> list[Finding]:
    gone = facts.delegation is Outcome.NXDOMAIN
    if facts.tls_rpt is None or gone or facts.tls_rpt.outcome not in DEFINITE:
        return []
    if any(re.match(r"v=TLSRPTv1\s*;", text) for text in facts.tls_rpt.texts):
        return [ok("tls-rpt.absent", domain=facts.domain)]
    return [wrong("tls-rpt.absent", Severity.INFO, domain=facts.domain)]


def _subdomains(facts: DomainFacts) -> list[Finding]:
    """A wildcard's own set, seen under a listed name, is no MX of that name."""
    wild = [s for s in facts.subdomains if s.wildcard and s.outcome is Outcome.ANSWER and s.mx]
    found = [
        wrong("mx.wildcard", Severity.WARN, domain=facts.domain, mx=[str(r) for r in sub.mx]) for sub in wild
    ]
    general = {sub.mx for sub in wild}
    return found + [
        wrong(
            "mx.subdomain",
            Severity.WARN,
            domain=facts.domain,
            name=sub.name.rstrip("."),
            mx=[str(r) for r in sub.mx],
        )
        for sub in facts.subdomains
        if not sub.wildcard and sub.mx and sub.mx not in general
    ]
