"""What the bot can see for itself before it asks a person: named providers for the FAQ tree.

Pure: a context of things already known in, one outcome out. What is not known is `unknown`, never guessed.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any

from bot.domain.cutover import MailService, State, Step, StepStatus
from bot.domain.faq import UNKNOWN, Evidence, Provider
from bot.domain.mx import MxSet, zone_line
from bot.domain.plan import LOW_TTL, STABLE
from bot.domain.progress import ttl_of_lines, ttl_of_new_lines
from bot.usecases import evidence_dns
from bot.usecases.evidence_context import EvidenceContext

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
    {
        "domain",
        "domain_name",  # as a command takes it
        "mx_lines",
        "old_mx_lines",
        "old_exchange",
        "new_exchange",
        "old_ttl",
        "dns_host",
        "dot_note",
        "mail_service",
        "connector",
        "lockdown",
        "trace",
        "support_hours",
    }
)


def general_args(context: EvidenceContext) -> dict[str, Any]:
    """Those of GENERAL that the context knows; content/ has general words for the others."""
    cutover = context.cutover
    args: dict[str, Any] = {}
    domain = cutover.domain if cutover else context.domain
    if domain:
        args["domain"] = args["domain_name"] = domain
    if context.dns_host:
        args["dns_host"] = args["dot_note"] = context.dns_host
    if context.support is not None:
        args["support_hours"] = context.support.opens_at or ("open" if context.support.open else "closed")
    if cutover is None:
        return args
    args["mx_lines"] = _lines(cutover.domain, cutover.expected, ttl_of_new_lines(cutover))
    args["new_exchange"] = [mx.exchange.rstrip(".") for mx in sorted(cutover.expected)]
    snapshot = cutover.snapshot
    if snapshot is not None:
        if snapshot.mx:
            args["old_mx_lines"] = _lines(cutover.domain, snapshot.mx, ttl_of_lines(cutover))
            args["old_exchange"] = [mx.exchange.rstrip(".") for mx in sorted(snapshot.mx)]
        if snapshot.ttl is not None:
            args["old_ttl"] = snapshot.ttl
        if snapshot.dns_host:
            args["dns_host"] = args["dot_note"] = snapshot.dns_host
    for name in ("connector", "lockdown", "trace"):
        args[name] = cutover.mail_service.value
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
    step, snapshot = cutover.step(Step.RESTORE_TTL), cutover.snapshot
    if step.status is StepStatus.DONE:
        return Evidence("done")
    never_low = snapshot is not None and snapshot.ttl is not None and snapshot.ttl <= LOW_TTL
    if step.settled or never_low or cutover.step(Step.TTL).status is StepStatus.SKIPPED:
        return Evidence("done", seen="not_needed")
    if cutover.instants.t_flip is None:
        return Evidence(UNKNOWN)
    restore_at = cutover.instants.t_flip + STABLE
    if context.now < restore_at:
        return Evidence("wait", {"restore_at": restore_at})
    if snapshot is None or snapshot.ttl is None:
        return Evidence(UNKNOWN)
    return Evidence("due", {"old_ttl": snapshot.ttl})


def _support(context: EvidenceContext) -> Evidence:
    if context.support is None:
        return Evidence(UNKNOWN)
    if context.support.open:
        return Evidence("open")
    if context.support.opens_at is None:
        return Evidence("closed")
    return Evidence("closed", {"opens_at": context.support.opens_at}, seen="closed_until")


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


_LOOKS: Mapping[str, Callable[[EvidenceContext], Evidence]] = {
    "mx": evidence_dns.mx,
    "caches": _caches,
    "phase": _phase,
    "day": _day,
    "plan": _plan,
    "ttl": evidence_dns.ttl,
    "restore": _restore,
    "spf": evidence_dns.spf,
    "dmarc": evidence_dns.dmarc,
    "mta_sts": evidence_dns.mta_sts,
    "dns_host": evidence_dns.dns_host,
    "ttl_field": evidence_dns.ttl_field,
    "support": _support,
    "old_mx": _old_mx,
    "mail_service": _mail_service,
    "mail_route": _mail_route,
    "mail_spf": _mail_spf,
    "mail_wait": _mail_wait,
}
