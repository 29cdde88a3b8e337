"""Situations in which questions are asked: real facts, judged by the real checks, and cutovers as stored."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.domain.cutover import (
    Cutover,
    Instants,
    MailService,
    Plan,
    Product,
    Snapshot,
    State,
    Step,
    StepState,
    StepStatus,
)
from bot.domain.facts import DomainFacts, MtaStsFacts, Outcome, PolicyOutcome, SpfFacts, TextAnswer
from bot.domain.mailtext import Hop, Reading
from bot.domain.mx import MxSet
from bot.domain.teams import Team
from bot.usecases.evidence_context import EvidenceContext, SupportNow
from bot.usecases.observe import findings_for
from tests.unit.dns_facts import DOMAIN, GATEWAY, NOW, OLD, ONE, TWO, answer, both, facts, mx

CUTOVER = Cutover(
    id="c1",
    team=Team("", "T1"),
    domain=DOMAIN,
    product=Product.MAILGATES,
    plan=Plan.SIGMA,
    mail_service=MailService.MICROSOFT,
    expected=GATEWAY,
    day=NOW + timedelta(days=12),
    owner="U1",
    channel="C1",
    opened_at=NOW - timedelta(days=2),
    snapshot=Snapshot(OLD, 3600, (ONE.host, TWO.host), "sakura", NOW - timedelta(days=2)),
)
DONE = StepState(StepStatus.DONE)
SAFE = Instants(t_flip=NOW - timedelta(hours=5), t_safe=NOW - timedelta(hours=1))
SOON = Instants(t_flip=NOW - timedelta(minutes=10), t_safe=NOW + timedelta(hours=1))


def context(cutover: Cutover | None, seen: DomainFacts | None, **more: Any) -> EvidenceContext:
    """What is known, with the findings that the checks make of it."""
    now: datetime = more.pop("now", NOW)
    findings = findings_for(cutover, seen, now) if cutover and seen else ()
    return EvidenceContext(now=now, cutover=cutover, facts=seen, findings=findings, **more)


def during(state: State = State.CHANGING, **changes: Any) -> Cutover:
    return replace(CUTOVER, state=state, day=NOW - timedelta(hours=1), **changes)


def steps(*done: Step) -> dict[Step, StepState]:
    return dict.fromkeys(done, DONE)


def look(records: MxSet, ttl: int = 300, **changes: Any) -> DomainFacts:
    return both(records, ttl, **changes)


def spf(record: str | None = "v=spf1 ip4:192.0.2.10 -all", **changes: Any) -> SpfFacts:
    return SpfFacts(Outcome.ANSWER, (record,) if record else (), **changes)


def sts(*patterns: str) -> MtaStsFacts:
    txt = TextAnswer(f"_mta-sts.{DOMAIN}.", Outcome.ANSWER, ("v=STSv1; id=1",))
    return MtaStsFacts(txt, "1", PolicyOutcome.FETCHED, "enforce", patterns, 86400)


def dmarc(record: str) -> TextAnswer:
    return TextAnswer(f"_dmarc.{DOMAIN}.", Outcome.ANSWER, (record,))


WATCHING = during(State.WATCHING, instants=SOON)
STABLE = during(State.STABILISING, instants=SAFE)
ALL_DONE = steps(Step.ALLOW_RULE, Step.DELIVERY)

CONTEXTS: Mapping[str, EvidenceContext] = {
    "nothing": EvidenceContext(now=NOW),
    "before": context(CUTOVER, look(OLD, 3600), support=SupportNow(True)),
    "before_low_ttl": context(CUTOVER, look(OLD, 300), support=SupportNow(False)),
    "not_changed": context(during(), look(OLD)),
    "typo": context(during(), look(mx("10 mfg.cybermail.jp"))),
    "leftover": context(during(), look(GATEWAY | OLD)),
    "partial": context(during(), facts(answer(ONE, GATEWAY), answer(TWO, OLD))),
    "absent": context(during(), look(mx())),
    "watching": context(WATCHING, look(GATEWAY)),
    "watching_done": context(replace(WATCHING, steps=ALL_DONE), look(GATEWAY)),
    "safe": context(STABLE, look(GATEWAY)),
    "safe_done": context(replace(STABLE, steps=ALL_DONE), look(GATEWAY)),
    "safe_steps_unclear": context(replace(STABLE, steps=steps(Step.ALLOW_RULE)), look(GATEWAY)),
    "rule_done_bypassed": context(during(steps=steps(Step.ALLOW_RULE)), look(GATEWAY | OLD)),
    "mta_sts": context(STABLE, look(GATEWAY, mta_sts=sts("mail.old-provider.example"))),
    "mta_sts_ok": context(STABLE, look(GATEWAY, mta_sts=sts("*.cybermail.jp"))),
    "spf_ok": context(STABLE, look(GATEWAY, spf=spf())),
    "spf_absent": context(STABLE, look(GATEWAY, spf=spf(None))),
    "spf_two": context(
        STABLE, look(GATEWAY, spf=SpfFacts(Outcome.ANSWER, ("v=spf1 a -all", "v=spf1 mx -all")))
    ),
    "spf_lookups": context(STABLE, look(GATEWAY, spf=spf(lookups=12))),
    "spf_mx": context(STABLE, look(GATEWAY, spf=spf("v=spf1 mx -all", mx_mechanisms=("mx",)))),
    "spf_syntax": context(STABLE, look(GATEWAY, spf=spf(errors=("term: ipv4:192.0.2.1",)))),
    "ten_days_later": context(
        replace(STABLE, instants=replace(SAFE, t_flip=NOW - timedelta(days=11))), look(GATEWAY)
    ),
    "restored": context(replace(STABLE, steps=steps(Step.RESTORE_TTL)), look(GATEWAY, 3600)),
    "host_unknown": context(
        replace(CUTOVER, snapshot=Snapshot(OLD, 3600, (ONE.host,), None, NOW)), look(OLD)
    ),
    "ttl_fixed": context(CUTOVER, look(OLD, 3600), dns_host="muumuu", can_lower_ttl=False),
    "ttl_changeable": context(CUTOVER, look(OLD, 3600), dns_host="onamae", can_lower_ttl=True),
    "dmarc_strict": context(STABLE, look(GATEWAY, spf=spf(), dmarc=dmarc("v=DMARC1; p=reject"))),
    "dmarc_none": context(STABLE, look(GATEWAY, spf=spf(), dmarc=dmarc("v=DMARC1; p=none"))),
    "no_snapshot": context(replace(during(), snapshot=None), look(OLD)),
    "mail_via": EvidenceContext(now=NOW, mail=Reading("via_mailgates")),
    "mail_direct": EvidenceContext(now=NOW, mail=Reading("direct")),
    "mail_old": EvidenceContext(now=NOW, mail=Reading("old_service")),
    "mail_slow": EvidenceContext(
        now=NOW, mail=Reading("via_mailgates", (Hop("mx.example.net", NOW, timedelta(hours=2)),))
    ),
    "mail_quick": EvidenceContext(
        now=NOW, mail=Reading("via_mailgates", (Hop("mx.example.net", NOW, timedelta(seconds=3)),))
    ),
    "mail_spf_fail": EvidenceContext(now=NOW, mail=Reading("via_mailgates", spf="fail")),
}
