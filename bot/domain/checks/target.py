"""The new mail hosts: each has to have an address under its own name."""

from bot.domain.checks.expectation import Expectation
from bot.domain.checks.making import ok, unknown, wrong
from bot.domain.facts import DEFINITE, DomainFacts, HostAddresses, Outcome
from bot.domain.findings import Finding, Severity


def judge_targets(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """One finding a host: unresolvable, an alias, unknown, or in order."""
    if expectation.expected is not None:
        wanted = sorted({record.exchange for record in expectation.expected})
        hosts = [facts.targets[host] for host in wanted if host in facts.targets]
    else:
        hosts = [facts.targets[host] for host in sorted(facts.targets)]
    return [_judge(facts, host) for host in hosts]


def _judge(facts: DomainFacts, host: HostAddresses) -> Finding:
    args = {"domain": facts.domain, "host": host.host}
    if host.cname is not None:
        return wrong("target.is-cname", Severity.BLOCK, **args, cname=host.cname)
    if host.outcome is Outcome.ANSWER:
        return ok("target.unresolvable", **args, addresses=list(host.addresses))
    if host.outcome in DEFINITE or host.outcome is Outcome.MALFORMED:
        return wrong("target.unresolvable", Severity.BLOCK, **args, outcome=host.outcome.value)
    return unknown("target.unresolvable", domain=facts.domain, host=host.host, outcome=host.outcome.value)
