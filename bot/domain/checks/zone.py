"""TTLs, delegation, serials: the servers rather than what they say of mail."""

from collections.abc import Sequence

from bot.domain.checks.expectation import Expectation
from bot.domain.checks.making import ok, unknown, wrong
from bot.domain.facts import NOT_ASKED, SILENT, DomainFacts, MxAnswer, Outcome, ZoneAnswer
from bot.domain.findings import Finding, Severity
from bot.domain.plan import LOW_TTL, STABLE

LONG_NEGATIVE_TTL = 3600
SERIAL_HALF = 2**31


def judge_zone(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Every finding about TTLs, delegation, serials and negative answers."""
    return [
        *_ttl_high(facts, expectation),
        *_ttl_mixed(facts),
        *_lowered_too_late(facts, expectation),
        *_not_restored(facts, expectation),
        *_lame(facts),
        *_mismatch(facts),
        *_serial_lag(facts),
        *_negative_ttl(facts),
    ]


def _ttl_high(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Only until the change: afterwards a long TTL is what is wanted again."""
    if expectation.is_flipped or expectation.changed:
        return []
    ttl = facts.ttl_in_force
    if ttl is None:
        return [] if facts.seen else [unknown("ttl.high", domain=facts.domain)]
    if ttl > LOW_TTL:
        return [wrong("ttl.high", Severity.WARN, domain=facts.domain, ttl=ttl, ttl_span=ttl, low=LOW_TTL)]
    return [ok("ttl.high", domain=facts.domain, ttl=ttl)]


def _ttl_mixed(facts: DomainFacts) -> list[Finding]:
    mixed = [a for a in facts.authoritative if a.usable and len({r.ttl for r in a.records}) > 1]
    if not mixed:
        return [ok("ttl.mixed", domain=facts.domain)] if facts.ttl_in_force is not None else []
    return [
        wrong(
            "ttl.mixed",
            Severity.HIGH,
            domain=facts.domain,
            servers=list(dict.fromkeys(str(answer.server) for answer in mixed)),
            ttls=sorted({record.ttl for record in mixed[0].records}),
            mx=[f"{record.ttl} IN MX {record.mx}" for record in mixed[0].records],
        )
    ]


def _lowered_too_late(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """The old TTL has not run out everywhere at the planned moment."""
    safe = expectation.instants.safe_to_flip if expectation.instants else None
    if safe is None or expectation.planned_at is None or expectation.is_flipped or expectation.changed:
        return []
    if safe <= expectation.planned_at or (expectation.now is not None and expectation.now >= safe):
        return [ok("ttl.lowered-too-late", domain=facts.domain, safe_at=safe.isoformat())]
    return [
        wrong(
            "ttl.lowered-too-late",
            Severity.BLOCK,
            domain=facts.domain,
            safe_at=safe.isoformat(),
            planned_at=expectation.planned_at.isoformat(),
        )
    ]


def _not_restored(facts: DomainFacts, expectation: Expectation) -> list[Finding]:
    """Ten days after the change: the stored TTL again, on every server (procedure B7)."""
    flip = expectation.instants.t_flip if expectation.instants else None
    due = flip is not None and expectation.now is not None and expectation.now >= flip + STABLE
    if not due or expectation.ttl_before is None:
        return []
    ttls = sorted({record.ttl for a in facts.authoritative if a.usable for record in a.records})
    if not ttls:
        return [unknown("ttl.not-restored", domain=facts.domain, before=expectation.ttl_before)]
    if ttls == [expectation.ttl_before]:
        return [ok("ttl.not-restored", domain=facts.domain, ttl=ttls[0])]
    return [
        wrong(
            "ttl.not-restored",
            Severity.WARN,
            domain=facts.domain,
            ttls=ttls,
            before=expectation.ttl_before,
            before_span=expectation.ttl_before,
        )
    ]


def _lame(facts: DomainFacts) -> list[Finding]:
    """Addresses that are named as nameservers and do not serve the zone.

    Where nobody answered at all, the fault may be on our side: unknown.
    """
    asked = [answer for answer in facts.authoritative if answer.outcome not in NOT_ASKED]
    refused = [answer for answer in facts.authoritative if answer.outcome is Outcome.NOT_ALLOWED]
    bad = [answer for answer in asked if not answer.usable]
    found: list[Finding] = []
    if refused:
        found.append(wrong("delegation.private", Severity.HIGH, domain=facts.domain, servers=_named(refused)))
    if not asked:
        return found or [
            unknown("delegation.lame", Severity.WARN, domain=facts.domain, outcome=facts.delegation.value)
        ]
    if not bad:
        return [*found, ok("delegation.lame", domain=facts.domain, count=len(asked))]
    args = {"domain": facts.domain, "lame": _reasons(bad)}
    if not facts.seen and all(answer.outcome in SILENT for answer in bad):
        return [*found, unknown("delegation.lame", Severity.WARN, outcome=facts.delegation.value, **args)]
    sets = {answer.mx for answer in asked if answer.usable} | {a.mx for a in bad if a.records}
    severity = Severity.BLOCK if len(sets) > 1 else Severity.HIGH
    return [*found, wrong("delegation.lame", severity, by_hand=facts.by_hand, **args)]


def _named(answers: Sequence[MxAnswer]) -> list[str]:
    return list(dict.fromkeys(str(answer.server) for answer in answers))


def _reasons(answers: Sequence[MxAnswer]) -> list[dict[str, str]]:
    """Each server with how it failed: a word that the texts know."""
    found: dict[str, str] = {}
    for answer in answers:
        how = answer.outcome.value
        if not answer.server.address:
            how = "no_address" if answer.outcome is Outcome.OTHER else "address_unknown"
        elif answer.outcome in (Outcome.ANSWER, Outcome.NODATA, Outcome.NXDOMAIN):
            how = "not_authoritative"
        elif answer.detail == "referral":
            how = "referral"
        found.setdefault(str(answer.server), how)
    return [{"server": server, "outcome": how} for server, how in found.items()]


def _mismatch(facts: DomainFacts) -> list[Finding]:
    if facts.by_hand or facts.parent is None:
        return []
    if facts.parent in (Outcome.NODATA, Outcome.NXDOMAIN):
        return []  # not delegated at all
    child = {z.ns for z in facts.zone_answers if z.ns and z.authoritative}
    if facts.parent is not Outcome.ANSWER or not facts.parent_ns or not child:
        return [] if not facts.seen else [unknown("delegation.mismatch", domain=facts.domain)]
    parent = set(facts.parent_ns)
    named = {host for ns in child for host in ns}
    if all(set(ns) == parent for ns in child):
        return [ok("delegation.mismatch", domain=facts.domain, nameservers=sorted(parent))]
    return [
        wrong(
            "delegation.mismatch",
            Severity.HIGH,
            domain=facts.domain,
            zone=facts.zone,
            parent_ns=sorted(parent),
            child_ns=sorted(named),
            only_parent=sorted(parent - named),
            only_child=sorted(named - parent),
        )
    ]


def serial_newer(one: int, two: int) -> bool:
    """Whether serial `one` is greater than `two` (RFC 1982 3.2); False where it is undefined."""
    return one != two and 0 < (one - two) % 2**32 < SERIAL_HALF


def _serial_lag(facts: DomainFacts) -> list[Finding]:
    known = [z for z in facts.zone_answers if z.authoritative and z.serial is not None]
    if not known:
        return []
    newest = known[0]
    for zone in known[1:]:
        if serial_newer(zone.serial or 0, newest.serial or 0):
            newest = zone
    behind = [z for z in known if z.serial != newest.serial]
    if not behind:
        return [ok("zone.serial-lag", domain=facts.domain, serial=newest.serial)]
    return [
        wrong(
            "zone.serial-lag",
            Severity.HIGH,
            domain=facts.domain,
            serial=newest.serial,
            newest=str(newest.server),
            lagging=[f"{z.server}: {z.serial}" for z in behind],
            **_refresh(known),
        )
    ]


def _refresh(zones: Sequence[ZoneAnswer]) -> dict[str, int]:
    known = [zone.refresh for zone in zones if zone.refresh is not None]
    return {"refresh_span": max(known)} if known else {}


def _negative_ttl(facts: DomainFacts) -> list[Finding]:
    known = [z.negative_ttl for z in facts.zone_answers if z.negative_ttl is not None]
    if not known:
        return []
    longest = max(known)
    if longest <= LONG_NEGATIVE_TTL:
        return [ok("negative-ttl.long", domain=facts.domain, ttl=longest)]
    return [wrong("negative-ttl.long", Severity.WARN, domain=facts.domain, ttl=longest, ttl_span=longest)]
