"""The checks against real servers: Knot, a lagging BIND, Unbound with its habits, dnsdist with faults."""

import asyncio
import json
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.dns.client import DnsClient
from bot.domain.checks import Expectation, judge
from bot.domain.facts import DomainFacts, Outcome
from bot.domain.facts_json import facts_from_json, facts_to_json
from bot.domain.findings import Finding, Severity, Status
from bot.domain.instants import derive
from bot.domain.mx import Mx
from tests.lab.dns_servers import NEW, OLD, PRIMARY, SECONDARY, TTL, DnsLab

GATEWAY = frozenset({Mx(10, "mgf.cybermail.jp.")})
BEFORE = frozenset({Mx(10, "mail.old-provider.example.")})


def client(lab: DnsLab) -> DnsClient:
    return DnsClient(lab.config(), SystemClock())


def wrong(facts: DomainFacts) -> dict[str, Finding]:
    found = judge(facts, Expectation(expected=GATEWAY, before=BEFORE, now=SystemClock().now()))
    return {f.id: f for f in found if f.status is Status.WRONG and f.severity is not Severity.INFO}


async def test_delegation_servers_and_ttl(lab: DnsLab) -> None:
    domain = lab.domain()
    facts = await client(lab).look(domain, expected=["mgf.cybermail.jp."])
    assert facts.zone == f"{domain}."
    assert facts.parent_ns == facts.nameservers == ("ns1.lab.jp.", "ns2.lab.jp.")
    assert [a.server.address for a in facts.authoritative] == [PRIMARY, SECONDARY]
    assert all(a.usable and a.mx == BEFORE and a.ttl == TTL for a in facts.authoritative)
    assert facts.targets["mgf.cybermail.jp."].addresses == ("198.51.100.10",)
    assert set(wrong(facts)) == {"mx.not-changed"}


async def test_a_resolvers_countdown_is_no_ttl_in_force(lab: DnsLab) -> None:
    domain = lab.domain()
    held = lab.held_by("capped", domain)
    assert held is not None
    assert held[1] <= 3
    assert (await client(lab).look(domain)).ttl_in_force == TTL


async def test_a_lagging_secondary_is_partial_and_named(lab: DnsLab) -> None:
    domain = lab.domain()
    lab.set_mx(domain, [NEW])
    facts = await client(lab).look(domain, expected=["mgf.cybermail.jp."])
    found = wrong(facts)
    assert set(found) == {"mx.partial", "zone.serial-lag"}
    assert found["mx.partial"].args["old"] == [f"ns2.lab.jp ({SECONDARY})"]
    lab.catch_up(domain)
    assert set(wrong(await client(lab).look(domain, expected=["mgf.cybermail.jp."]))) == set()


@pytest.mark.parametrize(
    ("records", "finding"),
    [
        (["10 mgf.cybermail.jp.{}."], "mx.missing-dot"),
        ([NEW, "20 mail.old-provider.example."], "mx.leftover-old"),
        (["10 mgf.cybermial.jp."], "mx.typo"),
        (["0 ."], "mx.null"),
        ([], "mx.absent"),
        (["10 evilmgf.cybermail.jp.attacker.example."], "mx.other"),
    ],
)
async def test_mistakes_as_real_servers_serve_them(
    lab: DnsLab, records: list[str], finding: str, request: pytest.FixtureRequest
) -> None:
    domain = "cut15.jp"  # one domain for all: each test sets its own records
    lab.set_mx(domain, [record.format(domain) for record in records])
    lab.catch_up(domain)
    facts = await client(lab).look(domain, expected=["mgf.cybermail.jp."])
    assert finding in wrong(facts)


@pytest.mark.parametrize(
    ("fault", "outcome", "lame"),
    [
        ("drop", Outcome.TIMEOUT, True),
        ("servfail", Outcome.SERVFAIL, True),
        ("refused", Outcome.REFUSED, True),
        ("truncate", Outcome.ANSWER, False),
        ("delay", Outcome.ANSWER, False),
    ],
)
async def test_faults_of_one_server(lab: DnsLab, fault: str, outcome: Outcome, lame: bool) -> None:
    facts = await client(lab).look(f"{fault}.jp")
    by_host = {a.server.host: a for a in facts.authoritative}
    assert by_host[f"{fault}.lab.jp."].outcome is outcome
    assert by_host["ns1.lab.jp."].mx == BEFORE
    assert ("delegation.lame" in wrong(facts)) is lame
    assert "mx.absent" not in wrong(facts)


async def test_a_server_that_is_named_and_does_not_serve(lab: DnsLab) -> None:
    facts = await client(lab).look("lame.jp")
    assert "delegation.lame" in wrong(facts)
    assert facts.seen


async def test_dnssec(lab: DnsLab) -> None:
    dns = client(lab)
    good, expiring, bogus, unsigned = await asyncio.gather(
        *(dns.look(domain) for domain in ("signed.jp", "expiring.jp", "bogus.jp", "cut14.jp"))
    )
    status = [
        {f.id: f.status for f in judge(facts, Expectation(now=facts.at)) if f.id.startswith("dnssec.")}
        for facts in (good, expiring, bogus, unsigned)
    ]
    assert status == [
        {"dnssec.bogus": Status.OK, "dnssec.expiring": Status.OK},
        {"dnssec.bogus": Status.OK, "dnssec.expiring": Status.WRONG},
        {"dnssec.bogus": Status.WRONG},
        {},
    ]
    assert bogus.seen  # the servers themselves are asked all the same


async def test_a_policy_and_spf_are_read_from_texts(lab: DnsLab) -> None:
    domain = lab.domain()
    lab.set_txt(domain, "@", ["v=spf1 mx include:missing.jp -all"])
    lab.set_txt(domain, "_dmarc", ["v=DMARC1; p=reject"])
    lab.catch_up(domain)
    facts = await client(lab).look(domain)
    assert facts.spf is not None
    assert (facts.spf.lookups, facts.spf.void_lookups) == (2, 1)
    assert {"spf.mx-mechanism", "spf.syntax", "dmarc.strict"} <= set(wrong(facts))


async def test_a_whole_cutover_and_no_safe_before_the_last_cache_has_let_go(lab: DnsLab) -> None:
    """TTL 8, a secondary that lags for four seconds: measured against Unbound itself.

    The plain caches obey TTLs; they are asked without pause, so they take the old set as late as can be.
    """
    domain = lab.domain()
    clock, dns = SystemClock(), client(lab)
    known = await dns.look(domain)
    observations = [known]
    loop = asyncio.get_running_loop()
    start = loop.time()
    flipped = caught = False
    last_old = None
    while True:
        await asyncio.sleep(0.25)
        if not flipped and loop.time() - start > 1:
            lab.set_mx(domain, [NEW])
            flipped = True
        if not caught and loop.time() - start > 5:
            lab.catch_up(domain)
            caught = True
        for cache in ("plain", "capped"):
            held = lab.held_by(cache, domain)
            if held is not None and OLD in held[0]:
                last_old = clock.now() + timedelta(seconds=held[1])
        observations.append(await dns.look_mx(domain, known))
        instants = derive(observations, GATEWAY, TTL)
        if instants.t_safe is not None and clock.now() >= instants.t_safe:
            break
        assert loop.time() - start < 40
    for cache in ("plain", "capped"):
        held = lab.held_by(cache, domain)
        assert held is not None
        assert held[0] == {NEW}
    assert last_old is not None
    assert instants.t_flip is not None
    assert instants.t_safe is not None
    assert last_old <= instants.t_safe
    # Not safe as soon as the first server had it: the secondary went on giving the old set.
    first_new = next(o.at for o in observations if any(a.mx == GATEWAY for a in o.authoritative))
    assert instants.t_safe - first_new > timedelta(seconds=TTL + 3)
    # Killed and started again: what was stored gives the same instants.
    stored = [facts_from_json(json.loads(json.dumps(facts_to_json(o)))) for o in observations]
    assert derive(stored, GATEWAY, TTL) == instants
