"""Looking at the sandbox's domains over real sockets: every fault ends as an outcome, within its time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.dns.client import DnsClient
from bot.dns.sandbox import Sandbox
from bot.dns.sandbox_zones import Fault
from bot.domain.facts import Outcome
from bot.domain.mx import Mx
from tests.unit.dns_facts import grave, judged

QUICK = {"tries": (0.4, 0.6), "deadline": 5.0}
OLD = frozenset({Mx(10, "mail.old-provider.example.")})
NEW = [(10, "mgf.cybermail.jp")]
GATEWAY = frozenset({Mx(10, "mgf.cybermail.jp.")})


class Moved:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def sandbox(clock: Moved) -> AsyncIterator[Sandbox]:
    world = Sandbox(clock)
    await world.start()
    yield world
    await world.stop()


def client(sandbox: Sandbox, clock: Moved, **changes: Any) -> DnsClient:
    return DnsClient(sandbox.dns_config(**{**QUICK, **changes}), clock)


async def test_a_look_finds_the_servers_and_asks_each(sandbox: Sandbox, clock: Moved) -> None:
    facts = await client(sandbox, clock).look("example.co.jp", expected=["mgf.cybermail.jp."])
    assert facts.delegation is Outcome.ANSWER
    assert facts.zone == "example.co.jp."
    assert facts.nameservers == facts.parent_ns == ("01.dnsv.jp.", "02.dnsv.jp.")
    assert [str(a.server) for a in facts.authoritative] == [
        "01.dnsv.jp (192.0.2.11)",
        "02.dnsv.jp (192.0.2.12)",
    ]
    assert all(a.usable and a.mx == OLD and a.serial for a in facts.authoritative)
    assert facts.ttl_in_force == 3600
    assert facts.targets["mgf.cybermail.jp."].addresses == ("198.51.100.10",)
    assert len(facts.resolvers) == 9
    assert grave(judged(facts, expected=OLD)) == {"ttl.high"}


async def test_without_an_expectation_the_present_hosts_are_looked_up(sandbox: Sandbox, clock: Moved) -> None:
    facts = await client(sandbox, clock).look("example.co.jp")
    assert list(facts.targets) == ["mail.old-provider.example."]


async def test_the_watch_asks_the_known_servers_alone(sandbox: Sandbox, clock: Moved) -> None:
    dns = client(sandbox, clock, sample_resolvers=())
    known = await dns.look("example.co.jp")
    before = dns.asked
    sandbox.set_mx("example.co.jp", NEW, 300, servers=["01.dnsv.jp"])
    facts = await dns.look_mx("example.co.jp", known)
    assert dns.asked - before == 4  # MX and SOA of each address
    assert [a.mx for a in facts.authoritative] == [GATEWAY, OLD]
    assert facts.zone_answers[0].serial != facts.zone_answers[1].serial
    assert "mx.partial" in judged(facts, expected=GATEWAY, before=OLD)


async def test_the_watch_finds_servers_that_it_does_not_know(sandbox: Sandbox, clock: Moved) -> None:
    facts = await client(sandbox, clock).look_mx("example.co.jp")
    assert facts.seen
    assert facts.nameservers


async def test_a_mixed_ttl_is_read_record_by_record(clock: Moved) -> None:
    world = Sandbox(clock)
    zone = world._zone("example.jp")
    zone.edit(None, ttls=((Mx(10, "mx1.old-provider.example."), 60),))
    await world.start()
    try:
        facts = await client(world, clock).look("example.jp")
    finally:
        await world.stop()
    assert sorted(r.ttl for r in facts.authoritative[0].records) == [60, 3600]
    assert facts.ttl_in_force == 3600
    assert "ttl.mixed" in judged(facts)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (Fault.DROP, Outcome.TIMEOUT),
        (Fault.SERVFAIL, Outcome.SERVFAIL),
        (Fault.REFUSED, Outcome.REFUSED),
        (Fault.WRONG_ID, Outcome.MALFORMED),
        (Fault.GARBAGE, Outcome.MALFORMED),
    ],
)
async def test_a_faulty_server_is_an_outcome(
    sandbox: Sandbox, clock: Moved, fault: Fault, outcome: Outcome
) -> None:
    sandbox.set_fault("02.dnsv.jp", fault)
    facts = await client(sandbox, clock).look("example.co.jp")
    assert [a.outcome for a in facts.authoritative] == [Outcome.ANSWER, outcome]
    found = judged(facts, expected=OLD)
    assert grave(found) == {"delegation.lame", "ttl.high"}


@pytest.mark.parametrize("fault", [Fault.TRUNCATE, Fault.DELAY])
async def test_what_is_only_slow_or_cut_is_answered_all_the_same(
    sandbox: Sandbox, clock: Moved, fault: Fault
) -> None:
    for host in ("01.dnsv.jp", "02.dnsv.jp"):
        sandbox.set_fault(host, fault)
    facts = await client(sandbox, clock).look("example.co.jp")
    assert [a.outcome for a in facts.authoritative] == [Outcome.ANSWER, Outcome.ANSWER]
    assert facts.ttl_in_force == 3600


async def test_an_answer_without_authority_is_not_usable(sandbox: Sandbox, clock: Moved) -> None:
    sandbox.set_fault("02.dnsv.jp", Fault.LAME)
    facts = await client(sandbox, clock).look("example.co.jp")
    assert [a.usable for a in facts.authoritative] == [True, False]
    assert judged(facts)["delegation.lame"].args["lame"][0]["outcome"] == "not_authoritative"


async def test_all_silent_is_unknown_within_the_deadline(sandbox: Sandbox, clock: Moved) -> None:
    for host in ("01.dnsv.jp", "02.dnsv.jp"):
        sandbox.set_fault(host, Fault.DROP)
    loop = asyncio.get_running_loop()
    start = loop.time()
    facts = await client(sandbox, clock).look("example.co.jp")
    assert loop.time() - start < 5.5
    assert not facts.seen
    assert facts.delegation is Outcome.TIMEOUT
    assert grave(judged(facts, expected=OLD)) == set()


async def test_a_domain_that_is_not_there(sandbox: Sandbox, clock: Moved) -> None:
    facts = await client(sandbox, clock).look("no-such-domain.jp")
    assert facts.delegation is Outcome.NXDOMAIN
    assert judged(facts)["mx.absent"].args["outcome"] == "nxdomain"


async def test_a_name_below_a_zone_is_asked_of_the_zones_servers(sandbox: Sandbox, clock: Moved) -> None:
    facts = await client(sandbox, clock).look("sub.example.co.jp")
    assert facts.zone == "example.co.jp."
    assert [a.outcome for a in facts.authoritative] == [Outcome.NXDOMAIN] * 2
    assert facts.parent_ns == ("01.dnsv.jp.", "02.dnsv.jp.")


async def test_servers_by_hand_and_nobody_else(sandbox: Sandbox, clock: Moved) -> None:
    config = sandbox.dns_config(
        **QUICK,
        nameservers=(sandbox.place("01.dnsv.jp"),),
        resolvers=(),
        sample_resolvers=(),
        address_map={},
    )
    facts = await DnsClient(config, clock).look("example.co.jp", expected=["mgf.cybermail.jp."])
    assert facts.by_hand
    assert facts.zone == "example.co.jp."
    assert [a.mx for a in facts.authoritative] == [OLD]
    assert facts.targets["mgf.cybermail.jp."].outcome is Outcome.NOT_ALLOWED
    assert facts.resolvers == ()


async def test_private_nameservers_are_never_contacted(sandbox: Sandbox, clock: Moved) -> None:
    """A domain's DNS must not be able to send us into somebody's network."""
    everything = sandbox.dns_config().address_map
    known = {a: p for a, p in everything.items() if a not in ("192.0.2.11", "192.0.2.12")}
    facts = await client(sandbox, clock, address_map=known).look("example.co.jp")
    assert [a.outcome for a in facts.authoritative] == [Outcome.NOT_ALLOWED] * 2
    assert grave(judged(facts, expected=OLD)) == {"delegation.private"}


async def test_a_parent_that_names_others_is_seen(clock: Moved) -> None:
    world = Sandbox(clock)
    world._zone("example.co.jp").parent_ns = ("01.dnsv.jp.", "ns1.xserver.jp.")
    await world.start()
    try:
        facts = await client(world, clock).look("example.co.jp")
    finally:
        await world.stop()
    assert facts.parent_ns == ("01.dnsv.jp.", "ns1.xserver.jp.")
    found = judged(facts)
    assert found["delegation.mismatch"].args["only_parent"] == ["ns1.xserver.jp."]
    assert found["delegation.lame"].args["lame"] == [
        {"server": "ns1.xserver.jp (192.0.2.61)", "outcome": "refused"}
    ]


async def test_a_zone_that_the_resolver_cannot_reach_is_found_by_referral(
    sandbox: Sandbox, clock: Moved
) -> None:
    """Both servers refuse recursion's questions: the parent still says who they are."""
    for host in ("01.dnsv.jp", "02.dnsv.jp"):
        sandbox.set_fault(host, Fault.SERVFAIL)
    facts = await client(sandbox, clock).look("example.co.jp")
    assert facts.nameservers == ("01.dnsv.jp.", "02.dnsv.jp.")
    assert [a.outcome for a in facts.authoritative] == [Outcome.SERVFAIL] * 2
    assert grave(judged(facts, expected=OLD)) == {"delegation.lame"}


@pytest.mark.parametrize("domain", ["", ".", "a..b", "x" * 64 + ".jp", "münchen.example"])
async def test_what_is_no_name_is_an_outcome_too(sandbox: Sandbox, clock: Moved, domain: str) -> None:
    facts = await client(sandbox, clock).look(domain)
    assert not facts.seen
    assert facts.delegation is not Outcome.ANSWER


async def test_without_any_resolver_nothing_is_known(sandbox: Sandbox, clock: Moved) -> None:
    config = sandbox.dns_config(**QUICK, resolvers=(("127.0.0.1", 1),), sample_resolvers=())
    facts = await DnsClient(config, clock).look("example.co.jp", expected=["mgf.cybermail.jp."])
    assert facts.delegation is Outcome.UNREACHABLE
    assert grave(judged(facts, expected=OLD)) == set()


async def test_a_dead_resolver_is_passed_over(sandbox: Sandbox, clock: Moved) -> None:
    good = sandbox.dns_config().resolvers
    dns = client(sandbox, clock, resolvers=(("127.0.0.1", 1), *good))
    facts = await dns.look("example.co.jp")
    assert facts.seen


async def test_what_many_want_is_asked_once_and_the_domains_own_each_time(
    sandbox: Sandbox, clock: Moved
) -> None:
    """Registry and gateway are the same for all; what a domain says of itself is never an old answer."""
    dns = client(sandbox, clock, sample_resolvers=())
    await dns.look("example.co.jp", expected=["mgf.cybermail.jp."])
    alone = dns.asked
    await dns.look("example.co.jp", expected=["mgf.cybermail.jp."])
    assert dns.asked - alone < alone
    sandbox.set_txt("example.co.jp", "", ["v=spf1 -all"])
    facts = await dns.look("example.co.jp")
    assert facts.spf is not None
    assert facts.spf.records == ("v=spf1 -all",)
    before = dns.asked
    await asyncio.gather(*(dns.look("example.co.jp") for _ in range(10)))
    assert dns.asked - before < 10 * alone


async def test_a_host_below_a_zone_by_hand_knows_its_zone(sandbox: Sandbox, clock: Moved) -> None:
    """A name without its final dot gets the zone appended, not the host."""
    config = sandbox.dns_config(**QUICK, nameservers=(sandbox.place("01.dnsv.jp"),), sample_resolvers=())
    facts = await DnsClient(config, clock).look("host.example.co.jp")
    assert facts.zone == "example.co.jp."
