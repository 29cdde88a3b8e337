"""What DNS said, as evidence for the FAQ tree."""

from collections.abc import Iterable

from bot.domain.facts import DomainFacts, MxAnswer
from bot.domain.faq import UNKNOWN, Evidence
from bot.domain.findings import Finding, Severity, Status
from bot.domain.mx import absolute
from bot.domain.plan import LOW_TTL
from bot.usecases.evidence_context import EvidenceContext

GATEWAY_DOMAIN = ".cybermail.jp."

_LEFTOVER = frozenset({"mx.leftover-old", "mx.equal-preference"})
_MINOR = frozenset({"mx.wrong-preference", "mx.duplicate", "mx.incomplete"})  # mail arrives all the same
_NOT_THE_SET = frozenset({"mx.as-expected", "mx.subdomain", "mx.wildcard", "mx.drift", "mx.inconsistent"})


def mx(context: EvidenceContext) -> Evidence:
    """The worst of the MX findings decides; without a cutover, only what the records alone prove."""
    facts = context.facts
    answers = [answer for answer in facts.authoritative if answer.usable] if facts else []
    if facts is None or not answers:
        return Evidence(UNKNOWN)
    wrong = {f.id for f in context.findings if f.id.startswith("mx.") and f.status is Status.WRONG}
    confirmed = any(f.id == "mx.as-expected" and f.status is Status.OK for f in context.findings)
    if "mx.owner-is-cname" in wrong:
        return _mx_evidence("wrong", answers, context, seen="owner_is_cname")
    if "mx.absent" in wrong or not any(answer.records for answer in answers):
        empty = [answer for answer in answers if not answer.records]
        return Evidence("absent", {"servers": _names(empty or answers), "looked_at": facts.at})
    if context.cutover is None:
        return _mx_without_cutover(answers, facts)
    if others := sorted(wrong - _LEFTOVER - _MINOR - _NOT_THE_SET - {"mx.not-changed", "mx.partial"}):
        return _mx_evidence("wrong", answers, context, seen=others[0].removeprefix("mx.").replace("-", "_"))
    if wrong & _LEFTOVER:
        return _mx_evidence("leftover", answers, context)
    if "mx.partial" in wrong:
        return _mx_evidence("partial", answers, context)
    if any(f.id == "mx.not-changed" and f.status is not Status.UNKNOWN for f in context.findings):
        as_planned = "mx.not-changed" not in wrong  # right before the day, wrong after it
        return _mx_evidence("not_changed", answers, context, seen="as_planned" if as_planned else None)
    if confirmed:
        return _mx_evidence("as_expected", answers, context)
    if wrong & _MINOR:
        return _mx_evidence("as_expected", answers, context, seen="minor")
    return Evidence(UNKNOWN)


def _mx_without_cutover(answers: list[MxAnswer], facts: DomainFacts) -> Evidence:
    """Nobody said which set is right, so a set of the vendor's hosts alone proves nothing."""
    sets = {answer.mx for answer in answers}
    gateway = {mx for records in sets for mx in records if mx.exchange.endswith(GATEWAY_DOMAIN)}
    others = {mx for records in sets for mx in records} - gateway
    args = {"servers": _names(answers), "seen_mx": [str(mx) for mx in sorted(gateway | others)]}
    if not gateway:
        return Evidence("not_changed", {**args, "looked_at": facts.at}, seen="elsewhere")
    if others:
        mixed = any(records & gateway and records & others for records in sets)
        return Evidence("leftover" if mixed else "partial", {**args, "looked_at": facts.at})
    return Evidence(UNKNOWN)


def _mx_evidence(
    outcome: str, answers: list[MxAnswer], context: EvidenceContext, seen: str | None = None
) -> Evidence:
    """Names the servers that show it: those that do not give the expected set, else all."""
    assert context.facts is not None  # noqa: S101  (the caller has looked)
    expected = context.cutover.expected if context.cutover else frozenset()
    differing = [answer for answer in answers if answer.mx != expected]
    shown = differing or answers
    records = sorted({mx for answer in shown for mx in answer.mx})
    at = max(answer.at for answer in shown)
    args = {"servers": _names(shown), "seen_mx": [str(mx) for mx in records], "looked_at": at}
    return Evidence(outcome, args, seen)


def _names(answers: Iterable[MxAnswer]) -> list[str]:
    """Server names as people write them, without the final dot."""
    names = ((answer.server.host or answer.server.address).rstrip(".") for answer in answers)
    return list(dict.fromkeys(names))


def ttl(context: EvidenceContext) -> Evidence:
    ttl = context.facts.ttl_in_force if context.facts else None
    if context.facts is None or ttl is None:
        return Evidence(UNKNOWN)
    return Evidence("high" if ttl > LOW_TTL else "low", {"seen_ttl": ttl, "looked_at": context.facts.at})


def spf(context: EvidenceContext) -> Evidence:
    findings = _about(context, "spf.")
    wrong = {f.id for f in findings if f.status is Status.WRONG}
    if "spf.absent" in wrong:
        return Evidence("absent")
    if "spf.multiple" in wrong:
        return Evidence("multiple")
    if wrong & {"spf.lookups", "spf.void-lookups"}:
        return Evidence("lookups")
    if "spf.mx-mechanism" in wrong:
        return Evidence("mx_mechanism")
    if wrong:
        return Evidence("wrong")
    return Evidence("ok" if any(f.status is Status.OK for f in findings) else UNKNOWN)


def dmarc(context: EvidenceContext) -> Evidence:
    findings = _about(context, "dmarc.")
    strict = next((f for f in findings if f.id == "dmarc.strict" and f.status is Status.WRONG), None)
    if strict is not None:
        return Evidence("strict", {"policy": strict.args["policy"]})
    return Evidence("ok" if any(f.status is Status.OK for f in findings) else UNKNOWN)


def mta_sts(context: EvidenceContext) -> Evidence:
    findings = _about(context, "mta-sts.")
    if any(f.status is Status.WRONG and f.severity is Severity.BLOCK for f in findings):
        return Evidence("excludes")
    return Evidence("ok" if any(f.status is Status.OK for f in findings) else UNKNOWN)


def _about(context: EvidenceContext, prefix: str) -> list[Finding]:
    return [finding for finding in context.findings if finding.id.startswith(prefix)]


def dns_host(context: EvidenceContext) -> Evidence:
    snapshot = context.cutover.snapshot if context.cutover else None
    nameservers = snapshot.nameservers if snapshot else ()
    if context.facts and context.facts.nameservers:
        nameservers = context.facts.nameservers
    if not nameservers:
        return Evidence(UNKNOWN)
    shown = [absolute(name).rstrip(".") for name in nameservers]
    host = context.dns_host or (snapshot.dns_host if snapshot else None)
    if host:
        return Evidence("known", {"host": host, "nameservers": shown})
    return Evidence("unnamed", {"nameservers": shown})


def ttl_field(context: EvidenceContext) -> Evidence:
    """B4: some DNS services cannot change a TTL."""
    if context.dns_host is None or context.can_lower_ttl is None:
        return Evidence(UNKNOWN)
    outcome = "changeable" if context.can_lower_ttl else "fixed"
    return Evidence(outcome, {"host": context.dns_host, "host_ttl": context.dns_host})
