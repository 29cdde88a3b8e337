"""SPF (RFC 7208): how a record is read, and the walk through its includes over real sockets."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dns.client import DnsClient
from bot.dns.sandbox import Sandbox
from bot.domain.facts import SpfFacts
from bot.domain.spf import is_spf, parse_spf

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)


class Still:
    def now(self) -> datetime:
        return NOW


@pytest.mark.parametrize(
    ("text", "spf"),
    [
        ("v=spf1 -all", True),
        ("V=SPF1", True),
        ("v=spf10 -all", False),
        ("v=spf1-all", False),
        ("spf1 -all", False),
        (" v=spf1", False),
    ],
)
def test_what_is_an_spf_record(text: str, spf: bool) -> None:
    assert is_spf(text) is spf


@pytest.mark.parametrize(
    "term",
    [
        "all",
        "-all",
        "?all",
        "include:_spf.example.com",
        "a",
        "a/24",
        "a//64",
        "a/24//64",
        "a:mail.example.com/28",
        "MX:example.com",
        "mx//0",
        "ptr",
        "ptr:example.com",
        "ip4:192.0.2.1",
        "ip4:192.0.2.0/24",
        "ip6:2001:db8::/32",
        "exists:%{i}._spf.%{d2}",
        "redirect=_spf.example.com",
        "exp=explain.%{d}",
        "unknown-modifier=what%ever",
        "exists:%{ir}.%{v}._spf.%{d}",
    ],
)
def test_terms_that_are_right(term: str) -> None:
    assert parse_spf(f"v=spf1 {term} ~all").errors == ()


@pytest.mark.parametrize(
    "term",
    [
        "ipv4:192.0.2.1",
        "ip4:192.0.2.256",
        "ip4:192.0.2.0/33",
        "ip4",
        "ip4:",
        "ip4:example.com",
        "ip6:192.0.2.1",
        "include",
        "include:",
        "include:nodots",
        "all:x",
        "+-all",
        "a:",
        "a/33",
        "a//129",
        "mx:bad..name",
        "exists",
        "exists:%{z}.example.com",
        "exists:%i.example.com",
        "redirect=",
        "a example。com",
        "foo",
        "-include=example.com",
    ],
)
def test_terms_that_are_wrong_are_named(term: str) -> None:
    assert any(word in parse_spf(f"v=spf1 {term} ~all").errors for word in (term, *term.split(), "not ASCII"))


def test_what_is_never_reached_does_not_count() -> None:
    """After `all` nothing is evaluated (5.1), and `redirect` beside it is ignored (6.1)."""
    terms = parse_spf("v=spf1 a -all include:x.example redirect=y.example").terms
    assert [term.name for term in terms] == ["a", "all"]
    assert [term.name for term in parse_spf("v=spf1 redirect=y.example").terms] == ["redirect"]


def test_a_modifier_twice_is_a_mistake() -> None:
    assert parse_spf("v=spf1 redirect=a.example redirect=b.example").errors


@given(st.text(max_size=80))
def test_any_text_is_read_without_raising(text: str) -> None:
    parse_spf("v=spf1 " + text)


# --- the walk -------------------------------------------------------------------------------------


def world(records: dict[str, Any]) -> dict[str, Any]:
    """A zone d.example with these TXT records (by name below it), and some hosts."""
    return {
        "servers": {"a.dns.example": "192.0.2.1", "ns.d.example": "192.0.2.2"},
        "top_level": {"example": ["a.dns.example"]},
        "hosts": {"there.example": "198.51.100.1"},
        "zones": [
            {
                "domain": "d.example",
                "nameservers": ["ns.d.example"],
                "mx": [[10, "there.example"]],
                "ttl": 300,
                "txt": {name: [text] if isinstance(text, str) else text for name, text in records.items()},
            }
        ],
    }


@asynccontextmanager
async def looking(records: dict[str, Any]) -> AsyncIterator[DnsClient]:
    sandbox = Sandbox(Still(), world(records))
    await sandbox.start()
    try:
        yield DnsClient(sandbox.dns_config(tries=(0.3, 0.3), deadline=4.0), Still())
    finally:
        await sandbox.stop()


async def walked(records: dict[str, Any]) -> SpfFacts:
    async with looking(records) as client:
        facts = await client.look("d.example")
    assert facts.spf is not None
    return facts.spf


CHAIN = {f"s{n}": f"v=spf1 include:s{n + 1}.d.example ~all" for n in range(12)} | {"s12": "v=spf1 ~all"}

WALKS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", {"": "v=spf1 ip4:192.0.2.1 -all"}, {"lookups": 0, "void_lookups": 0, "errors": ()}),
    ("nothing", {"": "hello"}, {"records": (), "lookups": 0}),
    ("two", {"": ["v=spf1 -all", "v=spf1 ~all", "other"]}, {"records": ("v=spf1 -all", "v=spf1 ~all")}),
    ("a, mx, exists and ptr each count", {"": "v=spf1 a:there.example mx exists:there.example ptr -all"}, {
        "lookups": 4, "void_lookups": 0, "mx_mechanisms": ("mx",),
    }),
    ("another domain's mx is not ours", {"": "v=spf1 mx:there.example -all"}, {
        "mx_mechanisms": (), "lookups": 1, "void_lookups": 1,
    }),
    ("ours by its name is", {"": "v=spf1 mx:D.example/24 -all"}, {"mx_mechanisms": ("mx:D.example/24",)}),
    ("an included mx means the included domain", {
        "": "v=spf1 include:s.d.example -all", "s": "v=spf1 mx -all",
    }, {"mx_mechanisms": (), "lookups": 2, "void_lookups": 1}),
    ("an include that names ours", {
        "": "v=spf1 include:s.d.example -all", "s": "v=spf1 mx:d.example -all",
    }, {"mx_mechanisms": ("mx:d.example",)}),
    ("void: names that are not there", {"": "v=spf1 a:no1.example exists:no2.example mx:no3.example -all"}, {
        "lookups": 3, "void_lookups": 3, "errors": (),
    }),
    ("an include without a record", {"": "v=spf1 include:there.example -all"}, {
        "errors": ("include:there.example: no SPF record",), "void_lookups": 1,
    }),
    ("a loop", {"": "v=spf1 include:s.d.example -all", "s": "v=spf1 include:d.example -all"}, {
        "errors": ("include:d.example (s.d.example): loop",), "lookups": 2,
    }),
    ("itself", {"": "v=spf1 redirect=d.example"}, {"errors": ("redirect=d.example: loop",)}),
    ("twelve deep", {"": "v=spf1 include:s0.d.example -all", **CHAIN}, {"lookups": 13, "errors": ()}),
    ("the same twice counts twice", {
        "": "v=spf1 include:s.d.example include:s.d.example -all", "s": "v=spf1 a:there.example -all",
    }, {"lookups": 4}),
    ("a mistake deep down is named with its place", {
        "": "v=spf1 include:s.d.example -all", "s": "v=spf1 ipv4:192.0.2.1 -all",
    }, {"errors": ("ipv4:192.0.2.1 (s.d.example)",)}),
    ("what depends on the sender is counted and not asked", {"": "v=spf1 exists:%{i}.d.example -all"}, {
        "lookups": 1, "void_lookups": 0,
    }),
    ("a hundred of them", {"": "v=spf1 " + "a:there.example " * 100 + "-all"}, {"errors": ()}),
]  # fmt: skip


@pytest.mark.parametrize(("records", "expected"), [row[1:] for row in WALKS], ids=[row[0] for row in WALKS])
async def test_a_walk(records: dict[str, Any], expected: dict[str, Any]) -> None:
    found = await walked(records)
    assert {name: getattr(found, name) for name in expected} == expected
    assert not found.incomplete


async def test_counting_stops_somewhere_above_the_limit() -> None:
    assert 10 < (await walked({"": "v=spf1 " + "a:there.example " * 100 + "-all"})).lookups <= 61


async def test_a_target_that_does_not_answer_leaves_the_walk_incomplete() -> None:
    async with looking({"": "v=spf1 include:x.elsewhere.test -all"}) as client:
        facts = await client.look("d.example")
    assert facts.spf is not None
    assert facts.spf.incomplete
    assert facts.spf.errors == ()
