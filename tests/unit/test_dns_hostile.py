"""Servers that are broken or mean it: a verdict inside the deadline, and unknown where it is unknown."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from bot.clock import SystemClock
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig
from bot.dns.delegation import MAX_SERVERS
from bot.dns.sandbox_net import LOOPBACK, DnsSocket
from bot.domain.checks import Expectation, judge, verdict_known
from bot.domain.facts import DomainFacts, Outcome
from bot.domain.findings import Status
from bot.domain.mx import Mx

DEADLINE = 3.0
RESOLVER, PARENT, CHILD = "198.51.100.1", "192.0.2.1", "192.0.2.2"
GATEWAY = frozenset({Mx(10, "mgf.cybermail.jp.")})

Say = Callable[[dns.message.Message, bool], dns.message.Message | bytes | list[bytes] | None]


def reply(
    query: dns.message.Message, *lines: str, aa: bool = True, where: str = "answer"
) -> dns.message.Message:
    """A response with records in zone-file form, each a line: `owner ttl type data`."""
    response = dns.message.make_response(query)
    if aa:
        response.flags |= dns.flags.AA
    section: list[dns.rrset.RRset] = getattr(response, where)
    for line in lines:
        owner, ttl, kind, data = line.split(" ", 3)
        section.append(dns.rrset.from_text(owner, int(ttl), "IN", kind, data))
    return response


def asks(query: dns.message.Message, name: str, kind: str) -> bool:
    question = query.question[0]
    return question.name == dns.name.from_text(name) and question.rdtype == dns.rdatatype.from_text(kind)


def silent(query: dns.message.Message, tcp: bool) -> None:
    return None


def ordinary_parent(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    """Refers d.jp to ns.d.jp, with glue."""
    response = reply(query, "d.jp. 300 NS ns.d.jp.", aa=False, where="authority")
    response.additional.append(dns.rrset.from_text("ns.d.jp.", 300, "IN", "A", CHILD))
    return response


def resolver(extra: dict[tuple[str, str], list[str]] | None = None) -> Say:
    """A resolver that knows d.jp, its nameserver and the parent's, and what is given besides."""
    known = {
        ("d.jp.", "NS"): ["d.jp. 300 NS ns.d.jp."],
        ("jp.", "NS"): ["jp. 300 NS ns.jp."],
        ("ns.jp.", "A"): [f"ns.jp. 300 A {PARENT}"],
        ("ns.d.jp.", "A"): [f"ns.d.jp. 300 A {CHILD}"],
        ("mgf.cybermail.jp.", "A"): ["mgf.cybermail.jp. 300 A 198.51.100.10"],
        **(extra or {}),
    }

    def say(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        question = query.question[0]
        lines = known.get((question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)), [])
        return reply(query, *lines, aa=False)

    return say


def ordinary_child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
    if asks(query, "d.jp", "MX"):
        return reply(query, "d.jp. 300 MX 10 mgf.cybermail.jp.")
    if asks(query, "d.jp", "NS"):
        return reply(query, "d.jp. 300 NS ns.d.jp.")
    return reply(query, "d.jp. 300 SOA ns.d.jp. h.d.jp. 1 1800 900 604800 300")


@asynccontextmanager
async def world(servers: dict[str, Say], **config: Any) -> AsyncIterator[DnsClient]:
    """Servers that say what the test makes them say, each on a socket of its own."""
    sockets: dict[str, DnsSocket] = {}

    def handler(say: Say) -> Callable[[bytes, bool], Any]:
        async def handle(packet: bytes, tcp: bool) -> bytes | None:
            said = say(dns.message.from_wire(packet), tcp)
            return said.to_wire(max_size=65535) if isinstance(said, dns.message.Message) else said  # type: ignore[return-value]

        return handle

    for address, say in servers.items():
        sockets[address] = DnsSocket(handler(say))
        await sockets[address].start()
    places = {address: (LOOPBACK, socket.port) for address, socket in sockets.items()}
    settings: dict[str, Any] = {
        "resolvers": ((RESOLVER, 53),),
        "address_map": places,
        "tries": (0.3, 0.4),
        "deadline": DEADLINE,
    }
    try:
        yield DnsClient(DnsConfig(**{**settings, **config}), SystemClock())
    finally:
        for socket in sockets.values():
            await socket.stop()


async def looked(servers: dict[str, Say], **config: Any) -> DomainFacts:
    """A look, which must be over in time whatever the servers do."""
    loop = asyncio.get_running_loop()
    async with world(servers, **config) as client:
        start = loop.time()
        facts = await client.look("d.jp", expected=["mgf.cybermail.jp."])
        assert loop.time() - start < DEADLINE + 1
    return facts


def unknown(facts: DomainFacts) -> bool:
    found = judge(facts, Expectation(expected=GATEWAY))
    grave = {f.id for f in found if f.status is Status.WRONG and f.id.startswith("mx.")}
    return not verdict_known(found) and not grave


async def test_the_ordinary_case() -> None:
    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: ordinary_child})
    assert [a.mx for a in facts.authoritative] == [GATEWAY]


async def test_thirty_silent_nameservers() -> None:
    hosts = [f"ns{n}.d.jp." for n in range(30)]
    extra = {("d.jp.", "NS"): [f"d.jp. 300 NS {host}" for host in hosts]}
    extra |= {(host, "A"): [f"{host} 300 A 192.0.2.{100 + n}"] for n, host in enumerate(hosts)}
    quiet: dict[str, Say] = {f"192.0.2.{100 + n}": silent for n in range(30)}
    facts = await looked({RESOLVER: resolver(extra), PARENT: silent, **quiet})
    assert len(facts.authoritative) == 30
    assert {a.outcome for a in facts.authoritative} == {Outcome.TIMEOUT}
    assert unknown(facts)


async def test_more_nameservers_than_anybody_needs_are_bounded() -> None:
    hosts = [f"ns{n}.d.jp." for n in range(100)]
    extra = {("d.jp.", "NS"): [f"d.jp. 300 NS {host}" for host in hosts]}
    extra |= {(host, "A"): [f"{host} 300 A 203.0.113.{n}"] for n, host in enumerate(hosts)}
    facts = await looked({RESOLVER: resolver(extra), PARENT: silent})
    assert len(facts.authoritative) <= MAX_SERVERS


async def test_nobody_answers_at_all() -> None:
    facts = await looked({RESOLVER: silent})
    assert facts.delegation is Outcome.TIMEOUT
    assert unknown(facts)


async def test_an_alias_loop_at_the_domain() -> None:
    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        if asks(query, "d.jp", "MX"):
            return reply(query, "d.jp. 300 CNAME e.d.jp.", "e.d.jp. 300 CNAME d.jp.")
        return ordinary_child(query, tcp)

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert facts.authoritative[0].owner_cname == "e.d.jp."
    assert "mx.owner-is-cname" in {f.id for f in judge(facts, Expectation(expected=GATEWAY))}


async def test_an_alias_loop_at_the_mail_host() -> None:
    loop = {
        ("mgf.cybermail.jp.", "A"): ["mgf.cybermail.jp. 300 CNAME x.jp.", "x.jp. 300 CNAME mgf.cybermail.jp."]
    }
    facts = await looked({RESOLVER: resolver(loop), PARENT: ordinary_parent, CHILD: ordinary_child})
    assert facts.targets["mgf.cybermail.jp."].cname == "x.jp."
    assert "target.is-cname" in {f.id for f in judge(facts, Expectation(expected=GATEWAY))}


async def test_a_parent_that_refers_to_itself() -> None:
    def parent(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        return reply(query, "jp. 300 NS ns.jp.", aa=False, where="authority")

    facts = await looked({RESOLVER: resolver(), PARENT: parent, CHILD: ordinary_child})
    assert facts.seen


async def test_servers_that_refer_to_each_other_for_ever() -> None:
    def round_and_round(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        return reply(query, "d.jp. 300 NS ns.d.jp.", aa=False, where="authority")

    facts = await looked({RESOLVER: resolver(), PARENT: round_and_round, CHILD: round_and_round})
    assert unknown(facts)
    assert [a.detail for a in facts.authoritative] == ["referral"]


async def test_nameservers_named_in_each_others_zones() -> None:
    """No address can be found for either: named as such, and nothing is concluded."""
    extra: dict[tuple[str, str], list[str]] = {("d.jp.", "NS"): ["d.jp. 300 NS ns.e.jp."]}

    def parent(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        return reply(query, "d.jp. 300 NS ns.e.jp.", aa=False, where="authority")

    facts = await looked({RESOLVER: resolver(extra), PARENT: parent})
    assert [(a.server.host, a.server.address, a.usable) for a in facts.authoritative] == [
        ("ns.e.jp.", "", False)
    ]
    assert unknown(facts)


async def test_64_kib_over_tcp() -> None:
    lines = [f"d.jp. 300 MX {n} {'x' * 60}{n}.{'y' * 40}.example." for n in range(440)]

    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        if not asks(query, "d.jp", "MX"):
            return ordinary_child(query, tcp)
        if tcp:
            return reply(query, *lines)
        cut = reply(query)
        cut.flags |= dns.flags.TC
        return cut

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert len(facts.authoritative[0].records) == 440


async def test_truncated_and_nothing_behind_it() -> None:
    """Half an answer is none: the half that came may lack the very record that matters."""

    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message | None:
        if tcp:
            return None
        cut = ordinary_child(query, tcp)
        cut.flags |= dns.flags.TC
        return cut

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert not facts.seen
    assert facts.authoritative[0].outcome is Outcome.TIMEOUT
    assert unknown(facts)


@pytest.mark.parametrize("spoil", ["id", "question", "query", "empty", "zero"])
async def test_packets_that_are_no_answers_are_passed_over(spoil: str) -> None:
    """And what comes over TCP after them is taken."""

    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message | bytes:
        good = ordinary_child(query, tcp)
        if tcp:
            return good
        if spoil == "id":
            good.id ^= 1
        elif spoil == "question":
            good.question[0].name = dns.name.from_text("other.jp")
        elif spoil == "query":
            good.flags &= ~dns.flags.QR
        elif spoil == "empty":
            return b""
        else:
            return b"\0" * 12
        return good

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert [a.mx for a in facts.authoritative] == [GATEWAY]


async def test_a_server_that_does_not_know_edns_is_asked_without() -> None:
    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        if query.edns < 0:
            return ordinary_child(query, tcp)
        old = dns.message.make_response(query)
        old.use_edns(False)
        old.question = []
        old.set_rcode(dns.rcode.FORMERR)
        return old

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert [a.mx for a in facts.authoritative] == [GATEWAY]


async def test_upper_case_is_the_same_name() -> None:
    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        if asks(query, "d.jp", "MX"):
            return reply(query, "D.JP. 300 MX 10 MGF.CyberMail.JP.")
        return ordinary_child(query, tcp)

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert [a.mx for a in facts.authoritative] == [GATEWAY]


async def test_two_backends_behind_one_address_are_both_seen() -> None:
    turn = 0

    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        nonlocal turn
        if not asks(query, "d.jp", "MX"):
            return ordinary_child(query, tcp)
        turn += 1
        return reply(query, f"d.jp. 300 MX 10 {'mgf.cybermail.jp.' if turn % 2 else 'old.example.'}")

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert len(facts.authoritative) == 2
    assert {f.id for f in judge(facts, Expectation(expected=GATEWAY))} >= {"mx.partial"}


async def test_a_front_that_counts_down_is_read_at_its_greatest() -> None:
    turn = 0

    def child(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        nonlocal turn
        if not asks(query, "d.jp", "MX"):
            return ordinary_child(query, tcp)
        turn += 1
        return reply(query, f"d.jp. {300 - turn} MX 10 mgf.cybermail.jp.")

    facts = await looked({RESOLVER: resolver(), PARENT: ordinary_parent, CHILD: child})
    assert facts.ttl_in_force == 299
    assert facts.authoritative[0].decremented


async def test_a_stale_negative_answer_of_the_resolver_does_not_hide_a_new_domain() -> None:
    extra: dict[tuple[str, str], list[str]] = {("d.jp.", "NS"): []}
    facts = await looked({RESOLVER: resolver(extra), PARENT: ordinary_parent, CHILD: ordinary_child})
    assert facts.zone == "d.jp."
    assert [a.mx for a in facts.authoritative] == [GATEWAY]


async def test_many_looks_at_once_keep_to_the_limit_and_all_end() -> None:
    busy = most = 0

    async def held(packet: bytes, tcp: bool) -> bytes:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        for _ in range(20):  # turns of the loop, in which further questions would arrive
            await asyncio.sleep(0)
        busy -= 1
        return ordinary_child(dns.message.from_wire(packet), tcp).to_wire()

    slow = DnsSocket(held)
    await slow.start()
    try:
        async with world(
            {RESOLVER: resolver(), PARENT: ordinary_parent},
            max_in_flight=8,
            tries=(10.0, 10.0),  # none is sent twice
            deadline=20.0,
            nameservers=((LOOPBACK, slow.port),),
        ) as client:
            facts = await asyncio.gather(*(client.look("d.jp") for _ in range(20)))
    finally:
        await slow.stop()
    assert all(f.seen for f in facts)
    assert 4 < most <= 8


async def test_an_address_that_only_the_parent_gives_is_asked_too() -> None:
    """Old glue at the registry: some resolvers go there, so what it serves counts."""
    stale = "192.0.2.9"

    def parent(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        response = reply(query, "d.jp. 300 NS ns.d.jp.", aa=False, where="authority")
        response.additional.append(dns.rrset.from_text("ns.d.jp.", 300, "IN", "A", stale))
        return response

    def old(query: dns.message.Message, tcp: bool) -> dns.message.Message:
        if asks(query, "d.jp", "MX"):
            return reply(query, "d.jp. 300 MX 10 mail.old-provider.example.")
        return ordinary_child(query, tcp)

    facts = await looked({RESOLVER: resolver(), PARENT: parent, CHILD: ordinary_child, stale: old})
    assert {a.server.address for a in facts.authoritative} == {CHILD, stale}
    assert "mx.partial" in {f.id for f in judge(facts, Expectation(expected=GATEWAY))}


async def test_what_a_domain_says_of_itself_is_never_an_old_answer() -> None:
    """Others' names are shared between looks for some seconds; its own are asked each time."""
    texts: dict[tuple[str, str], list[str]] = {("d.jp.", "TXT"): ['d.jp. 300 TXT "v=spf1 mx -all"']}
    asked: list[str] = []

    def say(query: dns.message.Message, tcp: bool) -> Any:
        asked.append(query.question[0].name.to_text())
        return resolver(texts)(query, tcp)

    async with world({RESOLVER: say, PARENT: ordinary_parent, CHILD: ordinary_child}) as client:
        await client.look("d.jp", expected=["mgf.cybermail.jp."])
        texts["d.jp.", "TXT"] = ['d.jp. 300 TXT "v=spf1 -all"']
        facts = await client.look("d.jp", expected=["mgf.cybermail.jp."])
    assert facts.spf is not None
    assert facts.spf.records == ("v=spf1 -all",)
    assert asked.count("jp.") == 1
