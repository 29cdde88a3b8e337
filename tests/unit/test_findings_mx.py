"""The MX set: for each finding sets that must raise it, and the ones beside them that must not."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.checks import Expectation, judge, verdict_known
from bot.domain.checks.exchange import distance, is_ip_literal, vendors_domain
from bot.domain.facts import Outcome
from bot.domain.findings import Severity, Status
from bot.domain.mx import Mx, MxSet
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
    mx,
)

TWO_HOSTS = mx("10 mgf.cybermail.jp", "20 mgp.cybermail.jp")
BLOCK, HIGH, WARN = Severity.BLOCK, Severity.HIGH, Severity.WARN

# What the servers give, what is expected; every mx.* finding that must be wrong, no other.
SETS: list[tuple[str, MxSet, MxSet, dict[str, Severity]]] = [
    ("as expected", GATEWAY, GATEWAY, {}),
    ("two hosts as expected", TWO_HOSTS, TWO_HOSTS, {}),
    ("unchanged", OLD, GATEWAY, {"mx.not-changed": HIGH}),
    ("the dot forgotten", mx("10 mgf.cybermail.jp.example.co.jp"), GATEWAY, {"mx.missing-dot": BLOCK}),
    (
        "the dot forgotten, the old one left",
        mx("10 mgf.cybermail.jp.example.co.jp") | OLD,
        GATEWAY,
        {"mx.missing-dot": BLOCK, "mx.leftover-old": HIGH},
    ),
    ("old one left behind", GATEWAY | mx("20 mail.old-provider.example"), GATEWAY, {"mx.leftover-old": HIGH}),
    (
        "another provider's left, not the stored one",
        GATEWAY | mx("20 backup.example.net"),
        GATEWAY,
        {"mx.leftover-old": HIGH},
    ),
    (
        "old one at the same preference",
        GATEWAY | OLD,
        GATEWAY,
        {"mx.leftover-old": HIGH, "mx.equal-preference": HIGH},
    ),
    ("preference", mx("20 mgf.cybermail.jp"), GATEWAY, {"mx.wrong-preference": WARN}),
    (
        "the same host twice",
        mx("10 mgf.cybermail.jp", "20 mgf.cybermail.jp"),
        GATEWAY,
        {"mx.duplicate": WARN},
    ),
    ("one letter", mx("10 mgf.cybermial.jp"), GATEWAY, {"mx.typo": BLOCK}),
    ("two letters", mx("10 mfg.cybermai.jp"), GATEWAY, {"mx.typo": BLOCK}),
    ("a letter too many", mx("10 mgff.cybermail.jp"), GATEWAY, {"mx.typo": BLOCK}),
    ("the vendor's other host", mx("10 mgp.cybermail.jp"), GATEWAY, {"mx.typo": BLOCK}),
    (
        "a host of the vendor that is in no notice",
        mx("10 gateway9.cybermail.jp"),
        GATEWAY,
        {"mx.typo": BLOCK},
    ),
    (
        "both of the vendor's where one is in the notice",
        mx("10 mgf.cybermail.jp", "10 mgp.cybermail.jp"),
        GATEWAY,
        {"mx.typo": BLOCK},
    ),
    ("somebody else's", mx("10 mx.attacker.example"), GATEWAY, {"mx.other": BLOCK}),
    (
        "a name that only looks like it",
        mx("10 evilmgf.cybermail.jp.attacker.example"),
        GATEWAY,
        {"mx.other": BLOCK},
    ),
    (
        "the expected name at the head of another",
        mx("10 mgf.cybermail.jp.attacker.example"),
        GATEWAY,
        {"mx.other": BLOCK},
    ),
    ("the vendor's name as a label", mx("10 cybermail.jp.attacker.example"), GATEWAY, {"mx.other": BLOCK}),
    ("letters of another script", mx("10 mgf.xn--cybrmail-e8g.jp"), GATEWAY, {"mx.look-alike": BLOCK}),
    ("a neighbour of the vendor", mx("10 mgf.notcybermail.jp"), GATEWAY, {"mx.other": BLOCK}),
    ("null", mx("0 ."), GATEWAY, {"mx.null": BLOCK}),
    ("null beside the new one", mx("0 .", "10 mgf.cybermail.jp"), GATEWAY, {"mx.null": BLOCK}),
    ("an address", mx("10 192.0.2.25"), GATEWAY, {"mx.ip-literal": BLOCK}),
    ("an address, the dot forgotten", mx("10 192.0.2.25.example.co.jp"), GATEWAY, {"mx.ip-literal": BLOCK}),
    ("none", mx(), GATEWAY, {"mx.absent": BLOCK}),
    ("half of two", mx("10 mgf.cybermail.jp"), TWO_HOSTS, {"mx.incomplete": HIGH}),
    (
        "half of two, the other with a typo",
        mx("10 mgf.cybermail.jp", "20 mgq.cybermail.jp"),
        TWO_HOSTS,
        {"mx.typo": BLOCK},
    ),
]


@pytest.mark.parametrize(("seen", "expected", "raised"), [row[1:] for row in SETS], ids=[r[0] for r in SETS])
def test_a_set_raises_what_is_wrong_with_it_and_nothing_else(
    seen: MxSet, expected: MxSet, raised: dict[str, Severity]
) -> None:
    found = judged(both(seen), expected=expected, before=OLD)
    assert {i: f.severity for i, f in found.items() if i.startswith("mx.")} == raised
    fine = [
        f for f in judge(both(seen), Expectation(expected=expected, before=OLD)) if f.id == "mx.as-expected"
    ]
    assert [f.status for f in fine] == ([] if raised else [Status.OK])


def test_upper_case_and_a_differing_ttl_are_the_same_set() -> None:
    """Sets are compared on names; how long they may be cached is another matter."""
    split = facts(answer(ONE, GATEWAY, 300), answer(TWO, GATEWAY, 86400))
    assert not {i for i in judged(split, expected=GATEWAY) if i.startswith("mx.")}


def test_the_remedy_has_the_line_to_copy_and_the_line_to_delete() -> None:
    found = judged(both(GATEWAY | OLD), expected=GATEWAY, before=OLD)["mx.leftover-old"]
    assert found.args["lines"] == "example.co.jp. 300 IN MX 10 mgf.cybermail.jp."
    assert found.args["delete"] == "example.co.jp. 300 IN MX 10 mail.old-provider.example."


def test_before_the_day_the_old_set_is_as_it_should_be() -> None:
    ahead = {"expected": GATEWAY, "before": OLD, "planned_at": NOW + timedelta(days=3)}
    assert "mx.not-changed" not in judged(both(OLD), **ahead)
    assert "mx.missing-dot" in judged(both(mx("10 mgf.cybermail.jp.example.co.jp")), **ahead)


def test_without_a_stored_set_nobody_can_say_not_changed() -> None:
    assert set(judged(both(OLD), expected=GATEWAY)) == {"mx.other"}


def test_some_new_some_old_is_partial_and_names_both() -> None:
    split = facts(answer(ONE, GATEWAY), answer(TWO, OLD), answer(THREE, OLD))
    found = judged(split, expected=GATEWAY, before=OLD)
    assert set(found) >= {"mx.partial"}
    assert "mx.not-changed" not in found
    assert found["mx.partial"].args["new"] == [str(ONE)]
    assert found["mx.partial"].args["old"] == [str(TWO), str(THREE)]


@pytest.mark.parametrize(("later", "severity"), [(1799, WARN), (1801, HIGH)])
def test_partial_is_grave_once_the_refresh_has_passed(later: int, severity: Severity) -> None:
    split = facts(answer(ONE, GATEWAY), answer(TWO, OLD))
    since = NOW - timedelta(seconds=later)
    found = judged(split, expected=GATEWAY, before=OLD, first_new_at=since)["mx.partial"]
    assert found.severity is severity


def test_a_mistake_on_one_server_is_named_with_that_server() -> None:
    split = facts(answer(ONE, GATEWAY), answer(TWO, mx("10 mgf.cybermial.jp")))
    found = judged(split, expected=GATEWAY, before=OLD)
    assert found["mx.typo"].args["servers"] == [str(TWO)]


@pytest.mark.parametrize(
    "outcome", [Outcome.TIMEOUT, Outcome.UNREACHABLE, Outcome.SERVFAIL, Outcome.REFUSED, Outcome.MALFORMED]
)
def test_no_word_is_never_taken_for_an_absent_or_unchanged_mx(outcome: Outcome) -> None:
    silent = facts(failed(ONE, outcome), failed(TWO, outcome), delegation=outcome)
    findings = judge(silent, Expectation(expected=GATEWAY, before=OLD, now=NOW))
    about = [f for f in findings if f.id.startswith("mx.")]
    assert [(f.id, f.status) for f in about] == [("mx.as-expected", Status.UNKNOWN)]
    assert not verdict_known(findings)


def test_an_answer_without_authority_does_not_count() -> None:
    lame = facts(answer(ONE, GATEWAY, authoritative=False), answer(TWO, OLD))
    assert "mx.partial" not in judged(lame, expected=GATEWAY, before=OLD)


def test_one_silent_server_leaves_the_verdict_to_the_others() -> None:
    one = facts(answer(ONE, GATEWAY), failed(TWO, Outcome.TIMEOUT))
    findings = judge(one, Expectation(expected=GATEWAY, before=OLD, now=NOW))
    assert verdict_known(findings)
    assert any(f.id == "mx.as-expected" and f.status is Status.OK for f in findings)


def test_an_alias_at_the_domain() -> None:
    aliased = facts(answer(ONE, OLD, owner_cname="www.example.net."), answer(TWO, OLD))
    found = judged(aliased, expected=GATEWAY, before=OLD)
    assert found["mx.owner-is-cname"].severity is BLOCK
    assert found["mx.owner-is-cname"].args["servers"] == [str(ONE)]
    assert "mx.owner-is-cname" not in judged(both(OLD), expected=GATEWAY)


@pytest.mark.parametrize("seen", [GATEWAY, OLD, mx("10 mx.attacker.example")])
def test_drift_is_anything_else_once_the_change_was_complete(seen: MxSet) -> None:
    found = judged(both(seen), expected=GATEWAY, before=OLD, changed=True)
    assert ("mx.drift" in found) is (seen != GATEWAY)
    assert "mx.drift" not in judged(both(seen), expected=GATEWAY, before=OLD)


def test_without_an_expectation_only_what_can_never_be_right() -> None:
    assert judged(both(OLD)) == {}
    assert set(judged(both(mx("0 ."), targets={}))) == {"mx.null"}
    assert set(judged(both(mx(), targets={}))) == {"mx.absent"}
    assert "mx.inconsistent" in judged(facts(answer(ONE, OLD), answer(TWO, GATEWAY)))


def test_gone_altogether() -> None:
    gone = facts(replace(answer(ONE, mx()), outcome=Outcome.NXDOMAIN), targets={})
    assert judged(gone, expected=GATEWAY)["mx.absent"].args["outcome"] == "nxdomain"


# --- the parts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "two", "edits"),
    [
        ("mgf", "mgf", 0),
        ("mgf", "mfg", 1),
        ("mgf", "mg", 1),
        ("mgf", "mgff", 1),
        ("mgf", "xgy", 2),
        ("", "ab", 2),
    ],
)
def test_distance_counts_edits(one: str, two: str, edits: int) -> None:
    assert distance(one, two) == distance(two, one) == edits


@given(one=st.text("abc", max_size=8), two=st.text("abc", max_size=8), three=st.text("abc", max_size=8))
def test_distance_behaves_as_one(one: str, two: str, three: str) -> None:
    assert distance(one, two, bound=20) == distance(two, one, bound=20)
    assert (distance(one, two) == 0) is (one == two)
    bounded, exact = distance(one, two), distance(one, two, bound=20)
    assert bounded == exact if exact <= 2 else bounded > 2
    assert distance(one + three, two + three, bound=20) <= exact


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("mgf.cybermail.jp.", "cybermail.jp."),
        ("mx.example.co.jp.", "example.co.jp."),
        ("example.co.jp.", None),
        ("example.jp.", None),
        ("jp.", None),
    ],
)
def test_the_vendors_domain_is_never_a_registry(host: str, domain: str | None) -> None:
    assert vendors_domain(host) == domain


@pytest.mark.parametrize(
    ("exchange", "literal"),
    [
        ("192.0.2.1.", True),
        ("[192.0.2.1].", True),
        ("2001:db8::1.", True),
        ("192.0.2.1.example.co.jp.", True),
        ("192.0.2.example.co.jp.", False),
        ("mail1.example.co.jp.", False),
        ("1.2.3.4.in-addr.arpa.", False),
    ],
)
def test_an_address_in_place_of_a_name(exchange: str, literal: bool) -> None:
    assert is_ip_literal(exchange, ["example.co.jp."]) is literal


record = st.builds(
    Mx,
    st.sampled_from([0, 10, 20]),
    st.sampled_from(
        [
            ".",
            "mgf.cybermail.jp.",
            "mgp.cybermail.jp.",
            "mgf.cybermail.jp.example.co.jp.",
            "mail.old-provider.example.",
            "mx.attacker.example.",
            "192.0.2.1.",
        ]
    ),
)


@settings(max_examples=1000, deadline=None)
@example(seen=mx("0 mgf.cybermail.jp"), expected=mx("0 mgf.cybermail.jp", "10 mgf.cybermail.jp"))
@given(seen=st.frozensets(record, max_size=4), expected=st.frozensets(record, min_size=1, max_size=2))
def test_only_the_exact_set_is_as_expected_and_anything_else_is_wrong(seen: MxSet, expected: MxSet) -> None:
    """Whatever stands there: never silently in order, and never wrong where it is exactly right."""
    found = judged(both(seen, targets={}), expected=expected, before=OLD)
    assert bool({i for i in found if i.startswith("mx.")}) is (seen != expected)
