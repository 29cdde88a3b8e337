"""MTA-STS, SPF, DMARC, DANE, caches, DNSSEC: what must raise each finding, and what must not."""

from datetime import timedelta
from typing import Any

import pytest

from bot.domain.checks import Expectation, judge
from bot.domain.checks.mail import dmarc_policy
from bot.domain.cutover import Instants
from bot.domain.facts import (
    DnssecFacts,
    DomainFacts,
    MtaStsFacts,
    Outcome,
    PolicyOutcome,
    SpfFacts,
    SubdomainMx,
    TextAnswer,
    TlsaAnswer,
)
from bot.domain.findings import Severity, Status
from bot.domain.mx import Mx
from tests.unit.dns_facts import GATEWAY, NOW, OLD, ONE, THREE, answer, both, failed, judged

BLOCK, HIGH, WARN, INFO = Severity.BLOCK, Severity.HIGH, Severity.WARN, Severity.INFO
NEW: dict[str, Any] = {"expected": GATEWAY, "before": OLD}


def txt(*texts: str, outcome: Outcome | None = None) -> TextAnswer:
    found = outcome or (Outcome.ANSWER if texts else Outcome.NODATA)
    return TextAnswer("_x.example.co.jp.", found, texts)


def sts(mode: str, *patterns: str, policy: PolicyOutcome = PolicyOutcome.FETCHED) -> DomainFacts:
    announced = txt("v=STSv1; id=1")
    return both(OLD, mta_sts=MtaStsFacts(announced, "1", policy, mode, patterns, 86400))


def spf(*records: str, **counted: Any) -> DomainFacts:
    outcome = Outcome.ANSWER if records else Outcome.NODATA
    return both(OLD, spf=SpfFacts(outcome, records or (), **counted))


def dmarc(*texts: str) -> DomainFacts:
    return both(OLD, dmarc=txt(*texts))


def caches(*answers: Any) -> DomainFacts:
    return both(GATEWAY, resolvers=answers)


def signed(validated: Outcome, unvalidated: Outcome = Outcome.ANSWER, **more: Any) -> DomainFacts:
    return both(OLD, dnssec=DnssecFacts(Outcome.ANSWER, validated, unvalidated, **more))


def below(*subdomains: SubdomainMx) -> DomainFacts:
    return both(OLD, subdomains=subdomains)


RECORD = "v=spf1 include:x.example -all"
ANYWHERE = Outcome.ANSWER
FLIPPED = Instants(t_flip=NOW - timedelta(minutes=2), t_safe=NOW + timedelta(minutes=3))
SAFE = Instants(t_flip=NOW - timedelta(hours=2), t_safe=NOW - timedelta(hours=1))
OURS = (Mx(10, "mx.example.co.jp."),)

ROWS: list[tuple[str, str, DomainFacts, dict[str, Any], Severity | None]] = [
    ("enforced, without it", "mta-sts.excludes-new-mx", sts("enforce", "*.google.com"), NEW, BLOCK),
    ("enforced, with it", "mta-sts.excludes-new-mx", sts("enforce", "mgf.cybermail.jp"), NEW, None),
    ("enforced, by wildcard", "mta-sts.excludes-new-mx", sts("enforce", "*.cybermail.jp"), NEW, None),
    ("wildcard one label up", "mta-sts.excludes-new-mx", sts("enforce", "*.jp"), NEW, BLOCK),
    ("only part of the name", "mta-sts.excludes-new-mx", sts("enforce", "gf.cybermail.jp"), NEW, BLOCK),
    ("mode none", "mta-sts.excludes-new-mx", sts("none"), NEW, None),
    ("testing", "mta-sts.excludes-new-mx", sts("testing", "x.example"), NEW, None),
    ("testing", "mta-sts.testing-excludes-new-mx", sts("testing", "x.example"), NEW, WARN),
    ("testing, with it", "mta-sts.testing-excludes-new-mx", sts("testing", "mgf.cybermail.jp"), NEW, None),
    ("enforced", "mta-sts.testing-excludes-new-mx", sts("enforce", "x.example"), NEW, None),
    (
        "not fetched",
        "mta-sts.excludes-new-mx",
        sts("enforce", policy=PolicyOutcome.TIMEOUT),
        NEW,
        None,
    ),
    ("two records", "spf.multiple", spf("v=spf1 -all", "v=spf1 ~all"), {}, HIGH),
    ("one record", "spf.multiple", spf(RECORD), {}, None),
    ("11 look-ups", "spf.lookups", spf(RECORD, lookups=11), {}, HIGH),
    ("10 look-ups", "spf.lookups", spf(RECORD, lookups=10), {}, None),
    ("3 void", "spf.void-lookups", spf(RECORD, void_lookups=3), {}, HIGH),
    ("2 void", "spf.void-lookups", spf(RECORD, void_lookups=2), {}, None),
    ("a mistake", "spf.syntax", spf(RECORD, errors=("ipv4:192.0.2.1",)), {}, HIGH),
    ("none", "spf.syntax", spf(RECORD), {}, None),
    ("mx", "spf.mx-mechanism", spf("v=spf1 mx -all", mx_mechanisms=("mx",)), NEW, HIGH),
    (
        "mx, changed by now",
        "spf.mx-mechanism",
        both(GATEWAY, spf=SpfFacts(ANYWHERE, ("v=spf1 mx -all",), mx_mechanisms=("mx",))),
        NEW,
        WARN,
    ),
    ("no mx", "spf.mx-mechanism", spf(RECORD), NEW, None),
    ("none at all", "spf.absent", spf(), {}, INFO),
    ("there", "spf.absent", spf(RECORD), {}, None),
    ("reject", "dmarc.strict", dmarc("v=DMARC1; p=reject"), {}, WARN),
    ("quarantine", "dmarc.strict", dmarc("v=DMARC1;p=quarantine; pct=5"), {}, WARN),
    ("none", "dmarc.strict", dmarc("v=DMARC1; p=none"), {}, None),
    ("absent", "dmarc.strict", dmarc(), {}, None),
    (
        "the route stays",
        "dmarc.strict",
        dmarc("v=DMARC1; p=reject"),
        {"sends_through_gateway": False},
        None,
    ),
    (
        "TLSA",
        "dane.mismatch-risk",
        both(OLD, tlsa=(TlsaAnswer("mgf.cybermail.jp.", ANYWHERE, ("3 1 1 ab",)),)),
        {},
        INFO,
    ),
    (
        "no TLSA",
        "dane.mismatch-risk",
        both(OLD, tlsa=(TlsaAnswer("mgf.cybermail.jp.", Outcome.NODATA),)),
        {},
        None,
    ),
    ("absent", "tls-rpt.absent", both(OLD, tls_rpt=txt()), {}, INFO),
    ("something else there", "tls-rpt.absent", both(OLD, tls_rpt=txt("hello")), {}, INFO),
    ("there", "tls-rpt.absent", both(OLD, tls_rpt=txt("v=TLSRPTv1; rua=mailto:a@b.example")), {}, None),
    ("silent", "tls-rpt.absent", both(OLD, tls_rpt=txt(outcome=Outcome.TIMEOUT)), {}, None),
    ("one", "mx.subdomain", below(SubdomainMx("ml.example.co.jp.", ANYWHERE, OURS)), {}, WARN),
    ("none", "mx.subdomain", below(SubdomainMx("ml.example.co.jp.", Outcome.NODATA)), {}, None),
    (
        "only the wildcard's",
        "mx.subdomain",
        below(
            SubdomainMx("r.example.co.jp.", ANYWHERE, OURS, wildcard=True),
            SubdomainMx("ml.example.co.jp.", ANYWHERE, OURS),
        ),
        {},
        None,
    ),
    ("random label", "mx.wildcard", below(SubdomainMx("r.example.co.jp.", ANYWHERE, OURS, True)), {}, WARN),
    ("nothing", "mx.wildcard", below(SubdomainMx("r.example.co.jp.", Outcome.NXDOMAIN, (), True)), {}, None),
    ("refused when validated", "dnssec.bogus", signed(Outcome.SERVFAIL), {}, BLOCK),
    ("refused either way", "dnssec.bogus", signed(Outcome.SERVFAIL, Outcome.SERVFAIL), {}, None),
    ("validates", "dnssec.bogus", signed(ANYWHERE, authenticated=True), {}, None),
    ("silent", "dnssec.bogus", signed(Outcome.TIMEOUT), {}, None),
    (
        "11 hours left",
        "dnssec.expiring",
        signed(ANYWHERE, authenticated=True, expires=NOW + timedelta(hours=11), expires_over="MX"),
        {},
        WARN,
    ),
    (
        "12 hours left",
        "dnssec.expiring",
        signed(ANYWHERE, authenticated=True, expires=NOW + timedelta(hours=12), expires_over="MX"),
        {},
        None,
    ),
    ("in time", "cache.old-seen", caches(answer(THREE, OLD, 90)), {**NEW, "instants": FLIPPED}, INFO),
    ("after", "cache.old-seen", caches(answer(THREE, OLD, 90)), {**NEW, "instants": SAFE}, HIGH),
    ("all new", "cache.old-seen", caches(answer(THREE, GATEWAY, 90)), {**NEW, "instants": SAFE}, None),
    (
        "before any change",
        "cache.old-seen",
        both(OLD, resolvers=(answer(THREE, OLD, 90),)),
        NEW,
        None,
    ),
    ("30 left, after", "cache.stale-served", caches(answer(THREE, OLD, 30)), {**NEW, "instants": SAFE}, INFO),
    ("31 left, after", "cache.stale-served", caches(answer(THREE, OLD, 31)), {**NEW, "instants": SAFE}, None),
    (
        "30 left, before",
        "cache.stale-served",
        caches(answer(THREE, OLD, 30)),
        {**NEW, "instants": FLIPPED},
        None,
    ),
]


@pytest.mark.parametrize(
    ("finding_id", "seen", "expectation", "severity"),
    [row[1:] for row in ROWS],
    ids=[f"{row[1]}: {row[0]}" for row in ROWS],
)
def test_a_domain_raises_it_or_does_not(
    finding_id: str, seen: DomainFacts, expectation: dict[str, Any], severity: Severity | None
) -> None:
    found = judged(seen, **expectation).get(finding_id)
    assert (found.severity if found else None) is severity


SILENT = [
    ("mta-sts.excludes-new-mx", both(OLD, mta_sts=MtaStsFacts(txt(outcome=Outcome.TIMEOUT)))),
    ("mta-sts.excludes-new-mx", sts("enforce", policy=PolicyOutcome.CERTIFICATE)),
    ("spf.record", both(OLD, spf=SpfFacts(Outcome.SERVFAIL))),
    ("spf.record", spf(RECORD, incomplete=True)),
    ("dmarc.strict", both(OLD, dmarc=txt(outcome=Outcome.TIMEOUT))),
    ("dnssec.bogus", signed(Outcome.ANSWER)),
    ("dnssec.bogus", signed(Outcome.TIMEOUT, Outcome.TIMEOUT)),
    ("cache.old-seen", caches(failed(THREE, Outcome.TIMEOUT))),
]


@pytest.mark.parametrize(("finding_id", "seen"), SILENT)
def test_what_gave_no_answer_is_unknown_and_neither_right_nor_wrong(
    finding_id: str, seen: DomainFacts
) -> None:
    found = [f for f in judge(seen, Expectation(**NEW, now=NOW)) if f.id == finding_id]
    assert [f.status for f in found] == [Status.UNKNOWN]


def test_what_was_not_asked_for_is_not_judged() -> None:
    families = ("spf.", "dmarc.", "mta-sts.", "dane.", "tls-rpt.", "dnssec.", "cache.", "mx.subdomain")
    assert not [f for f in judge(both(OLD), Expectation(**NEW)) if f.id.startswith(families)]


def test_the_last_old_copy_is_gone_by_the_greatest_ttl_that_is_left() -> None:
    seen = caches(answer(ONE, OLD, 90), answer(THREE, OLD, 240), answer(THREE, GATEWAY, 9999))
    found = judged(seen, **NEW, instants=FLIPPED)["cache.old-seen"]
    assert found.args["gone_at"] == (NOW + timedelta(seconds=240)).isoformat()
    assert (found.args["old"], found.args["total"]) == (2, 3)


def test_the_line_for_the_policy_is_ready_to_copy() -> None:
    found = judged(sts("enforce", "*.google.com"), **NEW)["mta-sts.excludes-new-mx"]
    assert found.args["policy_lines"] == "mx: mgf.cybermail.jp"
    assert found.args["max_age"] == 86400


@pytest.mark.parametrize(
    ("texts", "policy"),
    [
        (("v=DMARC1; p=reject",), "reject"),
        (("v=DMARC1;p=None",), "none"),
        (("v=DMARC1; sp=reject; p=quarantine; rua=mailto:x@y.example",), "quarantine"),
        (("v=DMARC1",), None),
        (("v=DMARC1; p=strict",), None),
        (("v=DMARC2; p=reject",), None),
        (("v=DMARC1; p=reject", "v=DMARC1; p=none"), None),
        (("v=DMARC1; p=reject", "something else"), "reject"),
        ((), None),
    ],
)
def test_the_policy_of_a_dmarc_record(texts: tuple[str, ...], policy: str | None) -> None:
    assert dmarc_policy(texts) == policy
