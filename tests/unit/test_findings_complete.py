"""Every check has zones that raise it, at each weight that it has, and zones beside them that do not."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bot.content import messages
from bot.domain.facts import DomainFacts, Outcome
from bot.domain.findings import Severity
from tests.unit.dns_facts import GATEWAY, NOW, OLD, ONE, TWO, answer, both, facts, failed, judged
from tests.unit.test_findings_mail import ROWS as MAIL_ROWS
from tests.unit.test_findings_mx import SETS
from tests.unit.test_findings_zone import ROWS as ZONE_ROWS

BLOCK, HIGH, WARN, INFO = Severity.BLOCK, Severity.HIGH, Severity.WARN, Severity.INFO
CHANGE: dict[str, Any] = {"expected": GATEWAY, "before": OLD}

# The weights of each check (dns-checks.md), and of those that are told besides.
WEIGHTS: dict[str, set[Severity]] = {
    "delegation.mismatch": {HIGH},
    "delegation.lame": {BLOCK, HIGH},
    "delegation.private": {HIGH},
    "ttl.high": {WARN},
    "ttl.mixed": {HIGH},
    "ttl.lowered-too-late": {BLOCK},
    "ttl.not-restored": {WARN},
    "zone.serial-lag": {HIGH},
    "negative-ttl.long": {WARN},
    "target.unresolvable": {BLOCK},
    "target.is-cname": {BLOCK},
    "dnssec.bogus": {BLOCK},
    "dnssec.expiring": {WARN},
    "mta-sts.excludes-new-mx": {BLOCK},
    "mta-sts.testing-excludes-new-mx": {WARN},
    "spf.absent": {INFO},
    "spf.multiple": {HIGH},
    "spf.lookups": {HIGH},
    "spf.void-lookups": {HIGH},
    "spf.syntax": {HIGH},
    "spf.mx-mechanism": {HIGH, WARN},  # WARN once the MX is the new one: it is done by then
    "dmarc.strict": {WARN},
    "dane.mismatch-risk": {INFO},
    "tls-rpt.absent": {INFO},
    "mx.subdomain": {WARN},
    "mx.wildcard": {WARN},
    "mx.owner-is-cname": {BLOCK},
    "mx.not-changed": {HIGH},
    "mx.missing-dot": {BLOCK},
    "mx.leftover-old": {HIGH},
    "mx.equal-preference": {HIGH},
    "mx.incomplete": {HIGH},
    "mx.wrong-preference": {WARN},
    "mx.duplicate": {WARN},
    "mx.typo": {BLOCK},
    "mx.look-alike": {BLOCK},
    "mx.other": {BLOCK},
    "mx.null": {BLOCK},
    "mx.ip-literal": {BLOCK},
    "mx.absent": {BLOCK},
    "mx.partial": {WARN, HIGH},
    "mx.inconsistent": {HIGH},
    "mx.drift": {BLOCK},
    "cache.old-seen": {INFO, HIGH},
    "cache.stale-served": {INFO},
}

ALIASED = facts(answer(ONE, OLD, owner_cname="www.example.net."), answer(TWO, OLD))
SPLIT = facts(answer(ONE, GATEWAY), answer(TWO, OLD))
# Those that depend on more than one set of records: id, facts, expectation, weight; None: not raised.
MORE: list[tuple[str, DomainFacts, dict[str, Any], Severity | None]] = [
    ("mx.owner-is-cname", ALIASED, CHANGE, BLOCK),
    ("mx.owner-is-cname", both(OLD), CHANGE, None),
    ("mx.partial", SPLIT, CHANGE, WARN),
    ("mx.partial", SPLIT, {**CHANGE, "first_new_at": NOW - timedelta(hours=1)}, HIGH),
    ("mx.partial", both(GATEWAY), CHANGE, None),
    ("mx.partial", facts(answer(ONE, GATEWAY), failed(TWO, Outcome.TIMEOUT)), CHANGE, None),
    ("mx.inconsistent", SPLIT, {}, HIGH),
    ("mx.inconsistent", facts(answer(ONE, OLD, 300), answer(TWO, OLD, 3600)), {}, None),
    ("mx.drift", both(OLD), {**CHANGE, "changed": True}, BLOCK),
    ("mx.drift", both(GATEWAY), {**CHANGE, "changed": True}, None),
    ("mx.drift", both(OLD), CHANGE, None),
    ("mx.not-changed", both(OLD), {**CHANGE, "planned_at": NOW + timedelta(days=1)}, None),
]


@pytest.mark.parametrize(
    ("finding_id", "seen", "expectation", "severity"), MORE, ids=[f"{i} {s}" for i, _, _, s in MORE]
)
def test_a_zone_raises_it_or_does_not(
    finding_id: str, seen: DomainFacts, expectation: dict[str, Any], severity: Severity | None
) -> None:
    found = judged(seen, **expectation).get(finding_id)
    assert (found.severity if found else None) is severity


def outcomes() -> dict[str, set[Severity | None]]:
    """What the tables bring about, by check; None: some zone does not raise it."""
    found: dict[str, set[Severity | None]] = {}
    for row in (*ZONE_ROWS, *MAIL_ROWS):
        found.setdefault(row[1], set()).add(row[4])
    for finding_id, _, _, severity in MORE:
        found.setdefault(finding_id, set()).add(severity)
    raised = {finding_id for _, _, _, wrong in SETS for finding_id in wrong}
    for _, _, _, wrong in SETS:  # these name all that must be wrong, so that the others must not
        for finding_id in raised:
            found.setdefault(finding_id, set()).add(wrong.get(finding_id))
    return found


@pytest.mark.parametrize("finding_id", WEIGHTS)
def test_each_check_has_zones_that_raise_it_at_each_weight_and_zones_that_do_not(finding_id: str) -> None:
    assert outcomes().get(finding_id, set()) == {*WEIGHTS[finding_id], None}


def test_no_check_is_without_a_row_and_none_has_words_alone() -> None:
    worded = {
        match[1]
        for key in messages()
        if (match := re.fullmatch(r"finding\.([^.]+\.[^.]+)\.text", key)) and not key.endswith("ok.text")
    }
    assert worded == set(WEIGHTS)
    assert set(outcomes()) <= set(WEIGHTS)
