"""What the bot can see for itself before it asks a person: named providers for the FAQ tree.

Pure: a context of things already known in, one outcome out. What is not known is `unknown`, never guessed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.cutover import Cutover, MailService, State, Step, StepStatus
from bot.domain.facts import DomainFacts, MxAnswer
from bot.domain.faq import UNKNOWN, Evidence, Provider
from bot.domain.findings import Finding, Severity, Status
from bot.domain.mailtext import Reading
from bot.domain.mx import MxSet, absolute, zone_line

RECOMMENDED_TTL = 300  # seconds, procedure B2
STABLE_FOR = timedelta(days=10)  # procedure B7
GATEWAY_DOMAIN = ".cybermail.jp."


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


_NOTHING: frozenset[str] = frozenset()
_SEEN_MX = frozenset({"servers", "seen_mx", "looked_at"})


def _outcomes(**args: Iterable[str]) -> Provider:
    named = {name: frozenset(names) for name, names in args.items()}
    return Provider({**named, UNKNOWN: _NOTHING})


def _step_provider() -> Provider:
    return _outcomes(open=(), done=())


PROVIDERS: Mapping[str, Provider] = {
    "mx": _outcomes(
        as_expected=_SEEN_MX,
        not_changed=_SEEN_MX,
        wrong=_SEEN_MX,
        leftover=_SEEN_MX,
        partial=_SEEN_MX,
        absent={"servers", "looked_at"},
    ),
    "caches": _outcomes(before_safe={"t_safe"}, after_safe={"t_safe"}),
    "phase": _outcomes(before={"day"}, changing=(), watching=(), stable=(), ended=()),
    "day": _outcomes(ahead={"day"}, today={"day"}, passed={"day"}),
    "step.connector": _step_provider(),
    "step.ttl": _step_provider(),
    "step.admin": _step_provider(),
    "step.allow_rule": _step_provider(),
    "step.delivery": _step_provider(),
    "step.outside_test": _step_provider(),
    "step.zip": _step_provider(),
    "plan": _outcomes(needed={"plan"}),
    "ttl": _outcomes(high={"seen_ttl", "looked_at"}, low={"seen_ttl", "looked_at"}),
    "restore": _outcomes(wait={"restore_at"}, due={"old_ttl"}, done=()),
    "spf": _outcomes(ok=(), absent=(), multiple=(), lookups=(), mx_mechanism=(), wrong=()),
    "dmarc": _outcomes(strict={"policy"}, ok=()),
    "mta_sts": _outcomes(excludes=(), ok=()),
    "dns_host": _outcomes(known={"host", "nameservers"}, unnamed={"nameservers"}),
    "ttl_field": _outcomes(fixed={"host", "host_ttl"}, changeable={"host", "host_ttl"}),
    "support": _outcomes(open=(), closed=()),
    "old_mx": _outcomes(known={"snapshot_mx"}),
    "mail_service": _outcomes(google=(), microsoft=(), other=()),
    "mail_route": _outcomes(via_mailgates=(), direct=(), old_service=()),
    "mail_spf": _outcomes(failed=(), passed=()),
    "mail_wait": _outcomes(slow={"slow_server", "slow_span"}, quick=()),
}

# Placeholders that always have a value: the context's own, or the general words of content/.
GENERAL = frozenset(
    {"domain", "mx_lines", "old_mx_lines", "old_exchange", "new_exchange", "dns_host", "mail_service"}
)


def general_args(context: EvidenceContext) -> dict[str, Any]:
    """Those of GENERAL that the context knows; content/ has general words for the others."""
    cutover = context.cutover
    args: dict[str, Any] = {}
    domain = cutover.domain if cutover else context.domain
    if domain:
        args["domain"] = domain
    if context.dns_host:
        args["dns_host"] = context.dns_host
    if cutover is None:
        return args
    args["mx_lines"] = _lines(cutover.domain, cutover.expected, RECOMMENDED_TTL)
    args["new_exchange"] = [mx.exchange.rstrip(".") for mx in sorted(cutover.expected)]
    snapshot = cutover.snapshot
    if snapshot is not None:
        if snapshot.mx:
            args["old_mx_lines"] = _lines(cutover.domain, snapshot.mx, snapshot.ttl or RECOMMENDED_TTL)
            args["old_exchange"] = [mx.exchange.rstrip(".") for mx in sorted(snapshot.mx)]
        if snapshot.dns_host:
            args["dns_host"] = snapshot.dns_host
    if cutover.mail_service is MailService.GOOGLE:
        args["mail_service"] = "Google Workspace"
    elif cutover.mail_service is MailService.MICROSOFT:
        args["mail_service"] = "Microsoft 365"
    return args


def _lines(domain: str, records: MxSet, ttl: int) -> str:
    return "\n".join(zone_line(domain, record, ttl) for record in sorted(records))


def look(provider: str, context: EvidenceContext) -> Evidence:
    """What a provider says in this context. Raises KeyError for a name that is not in PROVIDERS."""
    if provider.startswith("step."):
        return _step(Step(provider.removeprefix("step.")), context)
    return _LOOKS[provider](context)


# --- the cutover's own state ---------------------------------------------------------------------


def _step(step: Step, context: EvidenceContext) -> Evidence:
    if context.cutover is None:
        return Evidence(UNKNOWN)
    state = context.cutover.step(step)
    if state.status is StepStatus.OPEN:
        return Evidence("open")
    if state.status is StepStatus.DONE:
        return Evidence("done")
    return Evidence("done", seen="skipped")


def _caches(context: EvidenceContext) -> Evidence:
    t_safe = context.cutover.instants.t_safe if context.cutover else None
    if t_safe is None:
        return Evidence(UNKNOWN)
    return Evidence("before_safe" if context.now < t_safe else "after_safe", {"t_safe": t_safe})


def _phase(context: EvidenceContext) -> Evidence:
    cutover = context.cutover
    if cutover is None:
        return Evidence(UNKNOWN)
    match cutover.state:
        case State.PREPARING:
            return Evidence("before", {"day": cutover.day})
        case State.CHANGING:
            return Evidence("changing")
        case State.WATCHING:
            return Evidence("watching")
        case State.STABILISING | State.FINISHED:
            return Evidence("stable")
        case _:
            return Evidence("ended")


def _day(context: EvidenceContext) -> Evidence:
    cutover = context.cutover
    if cutover is None:
        return Evidence(UNKNOWN)
    apart = cutover.day - context.now
    if abs(apart) <= timedelta(hours=12):
        return Evidence("today", {"day": cutover.day})
    return Evidence("ahead" if apart > timedelta() else "passed", {"day": cutover.day})


def _plan(context: EvidenceContext) -> Evidence:
    """A cutover is opened only for a plan that needs one (procedure P1-P4)."""
    if context.cutover is None:
        return Evidence(UNKNOWN)
    return Evidence("needed", {"plan": context.cutover.plan.value})


def _old_mx(context: EvidenceContext) -> Evidence:
    snapshot = context.cutover.snapshot if context.cutover else None
    if snapshot is None or not snapshot.mx:
        return Evidence(UNKNOWN)
    return Evidence("known", {"snapshot_mx": [mx.exchange.rstrip(".") for mx in sorted(snapshot.mx)]})


def _mail_service(context: EvidenceContext) -> Evidence:
    return Evidence(context.cutover.mail_service.value if context.cutover else UNKNOWN)


def _restore(context: EvidenceContext) -> Evidence:
    """B7: ten stable days after the change the old TTL comes back."""
    cutover = context.cutover
    if cutover is None:
        return Evidence(UNKNOWN)
    if cutover.step(Step.RESTORE_TTL).settled:
        return Evidence("done")
    if cutover.instants.t_flip is None:
        return Evidence(UNKNOWN)
    restore_at = cutover.instants.t_flip + STABLE_FOR
    if context.now < restore_at:
        return Evidence("wait", {"restore_at": restore_at})
    snapshot = cutover.snapshot
    if snapshot is None or snapshot.ttl is None:
        return Evidence(UNKNOWN)
    return Evidence("due", {"old_ttl": snapshot.ttl})


def _support(context: EvidenceContext) -> Evidence:
    if context.support is None:
        return Evidence(UNKNOWN)
    return Evidence("open" if context.support.open else "closed")


def _mail_spf(context: EvidenceContext) -> Evidence:
    result = context.mail.spf if context.mail else None
    if result is None:
        return Evidence(UNKNOWN)
    return Evidence("passed" if result == "pass" else "failed")


def _mail_wait(context: EvidenceContext) -> Evidence:
    mail = context.mail
    if mail is None or not any(hop.took is not None for hop in mail.hops):
        return Evidence(UNKNOWN)
    slow = mail.slowest
    if slow is None or slow.took is None:
        return Evidence("quick")
    return Evidence("slow", {"slow_server": slow.server, "slow_span": int(slow.took.total_seconds())})


def _mail_route(context: EvidenceContext) -> Evidence:
    return Evidence(context.mail.route if context.mail else UNKNOWN)


# --- what DNS said -------------------------------------------------------------------------------

_LEFTOVER = frozenset({"mx.leftover-old", "mx.equal-preference"})
_MINOR = frozenset({"mx.wrong-preference", "mx.duplicate", "mx.incomplete"})  # mail arrives all the same
_NOT_THE_SET = frozenset({"mx.as-expected", "mx.subdomain", "mx.wildcard", "mx.drift", "mx.inconsistent"})


def _mx(context: EvidenceContext) -> Evidence:
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
        return _mx_evidence("not_changed", answers, context)  # right before the day, wrong after it
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


def _ttl(context: EvidenceContext) -> Evidence:
    ttl = context.facts.ttl_in_force if context.facts else None
    if context.facts is None or ttl is None:
        return Evidence(UNKNOWN)
    return Evidence(
        "high" if ttl > RECOMMENDED_TTL else "low", {"seen_ttl": ttl, "looked_at": context.facts.at}
    )


def _spf(context: EvidenceContext) -> Evidence:
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


def _dmarc(context: EvidenceContext) -> Evidence:
    findings = _about(context, "dmarc.")
    strict = next((f for f in findings if f.id == "dmarc.strict" and f.status is Status.WRONG), None)
    if strict is not None:
        return Evidence("strict", {"policy": strict.args["policy"]})
    return Evidence("ok" if any(f.status is Status.OK for f in findings) else UNKNOWN)


def _mta_sts(context: EvidenceContext) -> Evidence:
    findings = _about(context, "mta-sts.")
    if any(f.status is Status.WRONG and f.severity is Severity.BLOCK for f in findings):
        return Evidence("excludes")
    return Evidence("ok" if any(f.status is Status.OK for f in findings) else UNKNOWN)


def _about(context: EvidenceContext, prefix: str) -> list[Finding]:
    return [finding for finding in context.findings if finding.id.startswith(prefix)]


def _dns_host(context: EvidenceContext) -> Evidence:
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


def _ttl_field(context: EvidenceContext) -> Evidence:
    """B4: some DNS services cannot change a TTL."""
    if context.dns_host is None or context.can_lower_ttl is None:
        return Evidence(UNKNOWN)
    outcome = "changeable" if context.can_lower_ttl else "fixed"
    return Evidence(outcome, {"host": context.dns_host, "host_ttl": context.dns_host})


_LOOKS: Mapping[str, Callable[[EvidenceContext], Evidence]] = {
    "mx": _mx,
    "caches": _caches,
    "phase": _phase,
    "day": _day,
    "plan": _plan,
    "ttl": _ttl,
    "restore": _restore,
    "spf": _spf,
    "dmarc": _dmarc,
    "mta_sts": _mta_sts,
    "dns_host": _dns_host,
    "ttl_field": _ttl_field,
    "support": _support,
    "old_mx": _old_mx,
    "mail_service": _mail_service,
    "mail_route": _mail_route,
    "mail_spf": _mail_spf,
    "mail_wait": _mail_wait,
}
