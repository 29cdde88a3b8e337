"""Differential tests: SPF and MTA-STS read by us and by checkdmarc, on generated records.

Every disagreement must have its reason in the table EXPLAINED; any other fails. What they call an
error we name by kind, and we name every fault of a record where they stop at the first: so verdicts are
compared as "in order" against the set of faults.
"""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.nameserver
import pytest
from checkdmarc import spf as theirs
from checkdmarc.mta_sts import mx_in_mta_sts_patterns, parse_mta_sts_policy

from bot.clock import SystemClock
from bot.dns.resolver import Resolver
from bot.dns.sandbox import Sandbox
from bot.dns.spf import SpfWalker
from bot.dns.wire import Budget, Transport
from bot.domain.facts import SpfFacts
from bot.domain.mta_sts import BadPolicy, matches, parse_policy
from bot.domain.spf import LOOKUP_LIMIT, VOID_LIMIT

RECORDS = 160
POLICIES = 400

EXPLAINED = {
    # SPF
    "void: exists": "checkdmarc never asks for `exists`; RFC 7208 5.7 does, and 4.6.4 counts what is void",
    "void: ptr": "checkdmarc looks for PTR records of the name behind `ptr:`, which no evaluation does (5.5)",
    "several faults": "we name all; checkdmarc raises the one that it meets first",
    # MTA-STS
    "bad mx pattern": "RFC 8461 3.2 has no such pattern, and checkdmarc refuses the policy; we read the "
    "rest, because senders that do so too would refuse to deliver",
    "final dot": "we take `host.` in a policy for `host`",
}

WORLD: dict[str, Any] = {
    "servers": {"a.dns.example": "192.0.2.1", "ns.d.example": "192.0.2.2"},
    "top_level": {"example": ["a.dns.example"]},
    "hosts": {"there.example": "198.51.100.1"},
    "zones": [
        {
            "domain": "d.example",
            "nameservers": ["ns.d.example"],
            "mx": [[10, "there.example"]],
            "ttl": 300,
            "a": {"": "198.51.100.2"},
            "txt": {
                "s1": ["v=spf1 ip4:192.0.2.1 ~all"],
                "s2": ["v=spf1 a:there.example mx:d.example ~all"],
                "s3": ["v=spf1 include:s2.d.example include:s1.d.example ~all"],
                "loop": ["v=spf1 include:loop.d.example ~all"],
                "none": ["hello"],
                "two": ["v=spf1 -all", "v=spf1 ~all"],
            },
        }
    ],
}
NAMES = ("there.example", "gone.example", "d.example", "s1.d.example", "s2.d.example", "s3.d.example")
BAD_NAMES = ("loop.d.example", "none.d.example", "two.d.example")


def term(rng: random.Random) -> str:
    """A term, wrong in one case out of some."""
    name = rng.choice(NAMES * 3 + BAD_NAMES)
    rare = rng.random() < 0.1
    kinds = {
        "a": ["a", f"a:{name}", "a/24", f"a:{name}/28//64", "a/33" if rare else "a"],
        "mx": ["mx", f"mx:{name}", "mx/24", "mx:" if rare else "mx"],
        "ptr": ["ptr", f"ptr:{name}"],
        "include": [f"include:{name}"],
        "exists": [f"exists:{name}", f"exists:%{{i}}.{name}"],
        "ip4": ["ip4:192.0.2.1", "ip4:192.0.2.0/24", "ip4:192.0.2.256" if rare else "ip4:198.51.100.0/28"],
        "ip6": ["ip6:2001:db8::/32", "ip6:192.0.2.1" if rare else "ip6:2001:db8::1"],
        "foo": ["foo" if rare else "ip4:192.0.2.2"],
    }
    return rng.choice(["", "", "+", "-", "~", "?"]) + rng.choice(kinds[rng.choice(list(kinds))])


def record(rng: random.Random) -> str:
    terms = [term(rng) for _ in range(rng.choice([0, 1, 2, 3, 4, 6, 9, 12]))]
    if rng.random() < 0.2:
        terms.append(f"redirect={rng.choice(NAMES)}")
    if rng.random() < 0.7:
        terms.append(rng.choice(["-all", "~all", "?all", "all"]))
    return " ".join(["v=spf1", *terms])


@contextmanager
def sandbox() -> Iterator[tuple[Sandbox, asyncio.AbstractEventLoop]]:
    """The sandbox on a loop of its own, because checkdmarc blocks."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    world = Sandbox(SystemClock(), WORLD)
    try:
        asyncio.run_coroutine_threadsafe(world.start(), loop).result(10)
        yield world, loop
        asyncio.run_coroutine_threadsafe(world.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def our_faults(spf: SpfFacts) -> set[str]:
    found = {"syntax"} if spf.errors else set()
    found |= {"lookups"} if spf.lookups > LOOKUP_LIMIT else set()
    return found | ({"void"} if spf.void_lookups > VOID_LIMIT else set())


def their_fault(text: str, place: tuple[str, int]) -> tuple[str | None, int, int]:
    """Their verdict and counts."""
    server = dns.nameserver.Do53Nameserver(*place)
    try:
        found: Any = theirs.parse_spf_record(text, "d.example", nameservers=[server], timeout=3)
    except theirs.SPFTooManyDNSLookups:
        return "lookups", 0, 0
    except theirs.SPFTooManyVoidDNSLookups:
        return "void", 0, 0
    except theirs.SPFError:
        return "syntax", 0, 0
    return None, found["dns_lookups"], found["void_dns_lookups"]


def disagreement(text: str, spf: SpfFacts, fault: str | None, lookups: int, void: int) -> str | None:
    """Why the two differ, as a key of EXPLAINED; "?" where nothing explains it; None: they agree."""
    ours = our_faults(spf)
    mechanisms = text.replace("+", "").replace("-", "").replace("~", "").replace("?", "")
    if fault in ours:
        return "several faults" if len(ours) > 1 else None
    if fault is None and not ours and (spf.lookups, spf.void_lookups) == (lookups, void):
        return None
    if "void" in {fault, *ours} or (fault is None and spf.lookups == lookups):
        if " exists:" in mechanisms and (spf.void_lookups > void or "void" in ours):
            return "void: exists"
        if " ptr" in mechanisms:
            return "void: ptr"
    return "several faults" if fault is not None and ours else "?"


def test_spf_is_read_alike() -> None:
    rng = random.Random(7208)
    records = [record(rng) for _ in range(RECORDS)]
    reasons: Counter[str | None] = Counter()
    unexplained = []
    with sandbox() as (world, loop):
        host, port = world.dns_config().address_map["198.51.100.1"]

        async def walk() -> SpfFacts:
            transport = Transport(SystemClock(), (2.0, 3.0), 64)
            asker = Resolver(transport, ((host, port),), SystemClock())
            return await SpfWalker(asker, Budget(20)).walk("d.example.")

        for text in records:
            world.set_txt("d.example", "", [text])
            ours = asyncio.run_coroutine_threadsafe(walk(), loop).result(30)
            assert not ours.incomplete
            fault, lookups, void = their_fault(text, (host, port))
            reason = disagreement(text, ours, fault, lookups, void)
            reasons[reason] += 1
            if reason == "?":
                unexplained.append((text, ours, fault, lookups, void))
    assert unexplained == []
    assert set(reasons) - {None} <= set(EXPLAINED)
    assert reasons[None] > RECORDS * 0.75


def policy(rng: random.Random) -> str:
    lines = [f"version: {rng.choice(['STSv1'] * 8 + ['STSv2', 'stsv1'])}"]
    lines.append(f"mode: {rng.choice(['enforce', 'testing', 'none'] * 4 + ['Enforce', 'strict', ''])}")
    patterns = ["mgf.cybermail.jp", "*.cybermail.jp", "*.example.com", "MX.example.com"] * 2 + [
        "*",
        "a b",
        "-x.y",
    ]
    lines += [f"mx: {rng.choice(patterns)}" for _ in range(rng.choice([0, 1, 1, 2, 3]))]
    ages = ["86400", "604800", "0", "31557600"] * 3 + ["31557601", "-1", "x", "1.5"]
    lines.append(f"max_age: {rng.choice(ages)}")
    if rng.random() < 0.1:
        del lines[rng.randrange(len(lines))]
    if rng.random() < 0.15:
        lines.append(rng.choice(["extra: y", "garbage", lines[0]]))
    if rng.random() < 0.15:
        rng.shuffle(lines)
    return rng.choice(["\r\n", "\n"]).join(lines) + rng.choice(["", "\n", "\r\n"])


def test_policies_are_read_alike() -> None:
    rng = random.Random(8461)
    agreed = 0
    for _ in range(POLICIES):
        text = policy(rng)
        try:
            ours = parse_policy(text)
        except BadPolicy:
            ours = None
        try:
            found: Any = parse_mta_sts_policy(text)["policy"]
        except Exception as error:
            if ours is None:
                agreed += 1
            else:  # explained: "bad mx pattern"
                assert "Invalid mx value" in str(error), text
            continue
        assert ours is not None, text
        assert (ours.mode, ours.max_age) == (found["mode"], found["max_age"])
        assert ours.patterns == tuple(pattern.lower() for pattern in found["mx"])
        agreed += 1
    assert agreed > POLICIES * 0.8


HOSTS = [
    "mgf.cybermail.jp",
    "a.b.cybermail.jp",
    "cybermail.jp",
    "mx.example.com",
    "evilmgf.cybermail.jp",
    "x",
]
PATTERNS = [
    "mgf.cybermail.jp",
    "*.cybermail.jp",
    "*.example.com",
    "mail.*.example",
    "*",
    "MX.example.com",
    "*.*.example.com",
    "*.jp",
    "b.cybermail.jp",
    "*b.cybermail.jp",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_match_alike(pattern: str) -> None:
    for host in HOSTS:
        assert matches(pattern, host) is mx_in_mta_sts_patterns(host, [pattern]), host


def test_the_final_dot_is_the_one_difference() -> None:
    assert matches("mgf.cybermail.jp.", "mgf.cybermail.jp")
    assert not mx_in_mta_sts_patterns("mgf.cybermail.jp", ["mgf.cybermail.jp."])
