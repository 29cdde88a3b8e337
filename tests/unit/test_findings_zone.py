"""TTLs, servers, delegation, mail hosts: zones that must raise a finding, and those beside them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.checks import Expectation, judge
from bot.domain.checks.zone import serial_newer
from bot.domain.cutover import Instants
from bot.domain.facts import DomainFacts, HostAddresses, MxRecord, Outcome
from bot.domain.findings import Severity, Status
from bot.domain.mx import Mx
from tests.unit.dns_facts import (
    GATEWAY,
    NOW,
    OLD,
    ONE,
    THREE,
    TWO,
    answer,
    both,
    facts,
    failed,
    judged,
    state,
)

BLOCK, HIGH, WARN = Severity.BLOCK, Severity.HIGH, Severity.WARN
OLD_HOST, NEW_HOST = "mail.old-provider.example.", "mgf.cybermail.jp."


def target(outcome: Outcome, cname: str | None = None) -> DomainFacts:
    addresses = ("198.51.100.10",) if outcome is Outcome.ANSWER else ()
    return both(GATEWAY, targets={NEW_HOST: HostAddresses(NEW_HOST, outcome, addresses, cname)})


def mixed() -> DomainFacts:
    records = (MxRecord(Mx(10, OLD_HOST), 300), MxRecord(Mx(20, NEW_HOST), 3600))
    return facts(replace(answer(ONE, OLD), records=records), answer(TWO, OLD))


def zones(*serials: int) -> DomainFacts:
    seen = both(OLD)
    servers = (ONE, TWO, THREE)
    return replace(seen, zone_answers=tuple(state(s, n) for s, n in zip(servers, serials, strict=False)))


SAFE = Instants(t_lowered=NOW, safe_to_flip=NOW + timedelta(hours=1))
FLIPPED = Instants(t_flip=NOW - timedelta(days=11), t_safe=NOW - timedelta(days=10))

# id, facts that raise it, expectation, severity; None: these facts must not raise it.
ROWS: list[tuple[str, str, DomainFacts, dict[str, Any], Severity | None]] = [
    ("301", "ttl.high", both(OLD, 301), {}, WARN),
    ("300", "ttl.high", both(OLD, 300), {}, None),
    ("one server of two", "ttl.high", facts(answer(ONE, OLD, 300), answer(TWO, OLD, 3600)), {}, WARN),
    ("a resolver's is no TTL", "ttl.high", both(OLD, 300, resolvers=(answer(THREE, OLD, 3600),)), {}, None),
    ("restored after the change", "ttl.high", both(GATEWAY, 3600), {"instants": FLIPPED}, None),
    ("in one set", "ttl.mixed", mixed(), {}, HIGH),
    ("between servers", "ttl.mixed", facts(answer(ONE, OLD, 300), answer(TWO, OLD, 3600)), {}, None),
    (
        "an hour too late",
        "ttl.lowered-too-late",
        both(OLD),
        {"instants": SAFE, "planned_at": NOW + timedelta(minutes=59)},
        BLOCK,
    ),
    (
        "in time",
        "ttl.lowered-too-late",
        both(OLD),
        {"instants": SAFE, "planned_at": NOW + timedelta(minutes=60)},
        None,
    ),
    (
        "planned too early, and over by now",
        "ttl.lowered-too-late",
        both(OLD),
        {"instants": SAFE, "planned_at": NOW, "now": NOW + timedelta(hours=1)},
        None,
    ),
    (
        "never lowered",
        "ttl.lowered-too-late",
        both(OLD, 3600),
        {"planned_at": NOW, "instants": Instants()},
        None,
    ),
    ("still low", "ttl.not-restored", both(GATEWAY, 300), {"instants": FLIPPED, "ttl_before": 3600}, WARN),
    ("restored", "ttl.not-restored", both(GATEWAY, 3600), {"instants": FLIPPED, "ttl_before": 3600}, None),
    (
        "restored on one of two",
        "ttl.not-restored",
        facts(answer(ONE, GATEWAY, 3600), answer(TWO, GATEWAY, 300)),
        {"instants": FLIPPED, "ttl_before": 3600},
        WARN,
    ),
    (
        "nine days after",
        "ttl.not-restored",
        both(GATEWAY, 300),
        {"instants": Instants(t_flip=NOW - timedelta(days=9)), "ttl_before": 3600},
        None,
    ),
    ("refused", "delegation.lame", facts(answer(ONE, OLD), failed(TWO, Outcome.REFUSED)), {}, HIGH),
    ("servfail", "delegation.lame", facts(answer(ONE, OLD), failed(TWO, Outcome.SERVFAIL)), {}, HIGH),
    ("silent", "delegation.lame", facts(answer(ONE, OLD), failed(TWO, Outcome.TIMEOUT)), {}, HIGH),
    (
        "no authority",
        "delegation.lame",
        facts(answer(ONE, OLD), answer(TWO, OLD, authoritative=False)),
        {},
        HIGH,
    ),
    (
        "no authority, and other data",
        "delegation.lame",
        facts(answer(ONE, OLD), answer(TWO, GATEWAY, authoritative=False)),
        {},
        BLOCK,
    ),
    (
        "refused, while the others differ",
        "delegation.lame",
        facts(answer(ONE, OLD), answer(TWO, GATEWAY), failed(THREE, Outcome.REFUSED)),
        {},
        BLOCK,
    ),
    ("all well", "delegation.lame", both(OLD), {}, None),
    (
        "IPv6 without a route",
        "delegation.lame",
        facts(answer(ONE, OLD), failed(TWO, Outcome.NO_ROUTE)),
        {},
        None,
    ),
    (
        "a private address",
        "delegation.private",
        facts(answer(ONE, OLD), failed(TWO, Outcome.NOT_ALLOWED)),
        {},
        HIGH,
    ),
    ("public ones", "delegation.private", both(OLD), {}, None),
    ("another in the parent", "delegation.mismatch", both(OLD, parent_ns=(ONE.host, THREE.host)), {}, HIGH),
    ("one fewer in the parent", "delegation.mismatch", both(OLD, parent_ns=(ONE.host,)), {}, HIGH),
    ("the same", "delegation.mismatch", both(OLD), {}, None),
    ("servers by hand", "delegation.mismatch", both(OLD, parent_ns=(), parent=None, by_hand=True), {}, None),
    ("not delegated", "delegation.mismatch", both(OLD, parent_ns=(), parent=Outcome.NODATA), {}, None),
    ("one behind", "zone.serial-lag", zones(8, 7), {}, HIGH),
    ("together", "zone.serial-lag", zones(8, 8), {}, None),
    ("round the corner", "zone.serial-lag", zones(1, 2**32 - 1), {}, HIGH),
    ("absent", "target.unresolvable", target(Outcome.NXDOMAIN), {"expected": GATEWAY}, BLOCK),
    ("without address", "target.unresolvable", target(Outcome.NODATA), {"expected": GATEWAY}, BLOCK),
    ("silent", "target.unresolvable", target(Outcome.TIMEOUT), {"expected": GATEWAY}, None),
    ("there", "target.unresolvable", target(Outcome.ANSWER), {"expected": GATEWAY}, None),
    ("an alias", "target.is-cname", target(Outcome.ANSWER, "x.example."), {"expected": GATEWAY}, BLOCK),
    ("no alias", "target.is-cname", target(Outcome.ANSWER), {"expected": GATEWAY}, None),
    ("long", "negative-ttl.long", both(OLD, zone_answers=(state(ONE, negative_ttl=3601),)), {}, WARN),
    ("short", "negative-ttl.long", both(OLD, zone_answers=(state(ONE, negative_ttl=3600),)), {}, None),
]


@pytest.mark.parametrize(
    ("finding_id", "seen", "expectation", "severity"),
    [row[1:] for row in ROWS],
    ids=[f"{row[1]}: {row[0]}" for row in ROWS],
)
def test_a_zone_raises_it_or_does_not(
    finding_id: str, seen: DomainFacts, expectation: dict[str, Any], severity: Severity | None
) -> None:
    found = judged(seen, **expectation).get(finding_id)
    assert (found.severity if found else None) is severity


def test_in_order_and_unknown_are_told_apart() -> None:
    fine = {f.id: f.status for f in judge(both(OLD), Expectation(now=NOW))}
    assert {fine[i] for i in ("ttl.high", "ttl.mixed", "delegation.lame", "delegation.mismatch")} == {
        Status.OK
    }
    silent = facts(failed(ONE, Outcome.TIMEOUT), delegation=Outcome.TIMEOUT, targets={})
    unknown = {f.id: f.status for f in judge(silent, Expectation(now=NOW))}
    assert set(unknown.values()) == {Status.UNKNOWN}
    timeout = judge(target(Outcome.TIMEOUT), Expectation(expected=GATEWAY, now=NOW))
    assert [f.status for f in timeout if f.id == "target.unresolvable"] == [Status.UNKNOWN]


def test_a_lame_server_is_named_by_address_with_how_it_failed() -> None:
    found = judged(facts(answer(ONE, OLD), failed(TWO, Outcome.REFUSED)))["delegation.lame"]
    assert found.args["lame"] == [{"server": "ns2.dns-host.example (192.0.2.2)", "outcome": "refused"}]


def test_the_lagging_server_is_named_the_newest_is_not() -> None:
    found = judged(zones(7, 2**31, 7))["zone.serial-lag"]
    assert found.args["newest"] == str(TWO)
    assert found.args["lagging"] == [f"{ONE}: 7", f"{THREE}: 7"]


@pytest.mark.parametrize(
    ("one", "two", "newer"),
    [
        (1, 0, True),
        (0, 1, False),
        (5, 5, False),
        (0, 2**32 - 1, True),
        (2**32 - 1, 0, False),
        (2**31, 0, False),
    ],
)
def test_serials_compare_in_a_circle(one: int, two: int, newer: bool) -> None:
    """RFC 1982 3.2; at a distance of exactly half, neither is newer."""
    assert serial_newer(one, two) is newer


def test_the_gravest_comes_first() -> None:
    findings = judge(
        facts(answer(ONE, frozenset()), failed(TWO, Outcome.REFUSED)), Expectation(expected=GATEWAY)
    )
    wrong = [f for f in findings if f.status is Status.WRONG]
    assert list(findings[: len(wrong)]) == wrong
    assert wrong[0].severity is BLOCK
