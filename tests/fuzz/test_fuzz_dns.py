"""What DNS and the web answer: packets, SPF records, MTA-STS records and policies."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dns.message import BadMessage, BadName, Message, Type, answers, name_wire, query_wire, read_message
from bot.domain.mta_sts import BadPolicy, matches, parse_policy, policy_id
from bot.domain.spf import is_spf, parse_spf
from tests.fuzz.harness import anything, fuzzed, quick

# --- packets -----------------------------------------------------------------------------------------

names = st.one_of(
    st.binary(max_size=20),
    st.lists(st.binary(min_size=1, max_size=63), max_size=6).map(
        lambda parts: b"".join(bytes([len(p)]) + p for p in parts) + b"\0"
    ),
    st.integers(0, 0x3FFF).map(lambda at: struct.pack("!H", 0xC000 | at)),
    st.just(b"\xc0\x0c"),
)
types = st.one_of(st.sampled_from([int(t) for t in Type]), st.just(41), st.integers(0, 0xFFFF))
records = st.builds(
    lambda name, kind, cls, ttl, data, lie: (
        name + struct.pack("!HHIH", kind, cls, ttl, max(0, len(data) + lie) & 0xFFFF) + data
    ),
    names,
    types,
    st.sampled_from([1, 1, 1, 3, 255]),
    st.integers(0, 2**32 - 1),
    st.one_of(st.binary(max_size=40), names, names.map(lambda n: b"\0\x0a" + n)),
    st.sampled_from([0, 0, 0, 0, 1, -1, 300]),
)
packets = st.builds(
    lambda flags, question, counts, parts: (
        struct.pack("!HHHHHH", 7, flags, 1, *counts) + question + b"\0\x0f\0\x01" + b"".join(parts)
    ),
    st.integers(0, 0xFFFF),
    names,
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 4)),
    st.lists(records, max_size=12),
)


def mutated(packet: bytes, at: int, byte: int, end: int) -> bytes:
    cut = packet[: max(1, len(packet) - end)]
    place = at % len(cut)
    return cut[:place] + bytes([byte]) + cut[place + 1 :]


hostile = st.one_of(
    st.binary(max_size=600),
    packets,
    st.builds(mutated, packets, st.integers(0, 9999), st.integers(0, 255), st.integers(0, 20)),
)


def read(packet: bytes) -> Message | None:
    try:
        return read_message(packet)
    except BadMessage:
        return None


@fuzzed
@given(hostile)
def test_a_packet(packet: bytes) -> None:
    message = quick(read, packet)
    if message is None:
        return
    for record in (*message.answer, *message.authority, *message.additional):
        assert record.name.isascii()
        assert record.name.isprintable()
        assert 0 <= record.ttl < 2**31


@fuzzed
@given(hostile)
def test_whose_answer_a_packet_is(packet: bytes) -> None:
    query = query_wire("example.co.jp.", Type.MX, recursion=False)
    quick(answers, query, packet)
    quick(answers, query, query[:2] + packet)


@fuzzed
@given(st.one_of(st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=4), st.none()), anything)
def test_a_name_goes_out_as_it_came_in(labels: list[bytes] | None, text: str) -> None:
    with suppress(BadName):
        quick(name_wire, text)
    if labels is None:
        return
    wire = b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
    packet = struct.pack("!HHHHHH", 7, 0x8400, 0, 1, 0, 0) + wire + struct.pack("!HHIH", 99, 1, 0, 0)
    message = read(packet)
    if message is not None:
        assert name_wire(message.answer[0].name) == wire.lower()


def test_64_kib_of_pointers_to_pointers() -> None:
    """Each record's name is a pointer to the one before: as far to walk as the form allows."""
    head = struct.pack("!HHHHHH", 7, 0x8400, 0, 5400, 0, 0)
    body, last = b"\x01a\0" + struct.pack("!HHIH", 1, 1, 0, 0), 12
    while len(head) + len(body) < 65_500:
        at = len(head) + len(body)
        body += struct.pack("!H", 0xC000 | (last & 0x3FFF)) + struct.pack("!HHIH", 99, 1, 0, 0)
        last = at if at < 0x3FFF else last
    quick(read, head + body)


def test_64_kib_of_mx_that_point_into_a_long_chain() -> None:
    head = struct.pack("!HHHHHH", 7, 0x8400, 0, 4000, 0, 0)
    chain = b"\x01a\0" + struct.pack("!HHIH", 99, 1, 0, 126 * 2)
    first = 12 + len(chain)
    chain += b"".join(struct.pack("!H", 0xC000 | (12 if n == 0 else first + 2 * n - 2)) for n in range(126))
    end = first + 2 * 60
    mx = struct.pack("!H", 0xC000 | end) + struct.pack("!HHIH", 15, 1, 0, 4)
    mx += struct.pack("!HH", 10, 0xC000 | end)
    quick(read, head + chain + mx * 4000)


# --- texts -------------------------------------------------------------------------------------------

terms = st.one_of(
    st.sampled_from(
        [
            "v=spf1",
            "mx",
            "a",
            "-all",
            "~all",
            "include:",
            "redirect=",
            "exp=",
            "ip4:",
            "ip6:",
            "exists:%{i}.x.jp",
        ]
    ),
    st.sampled_from(
        ["192.0.2.1/24", "/24//64", "//129", "example.jp", "%{d}", "%", "%{ir}.%{v}", "::1/", "=", ":"]
    ),
    st.text("abcz019.:/%{}=-_~?+ ", max_size=12),
)
spf = st.one_of(
    st.lists(terms, max_size=40).map(" ".join),
    st.lists(terms, max_size=40).map("".join),
    anything,
    st.builds(lambda piece, times: ("v=spf1 " + piece * times)[:65_000], terms, st.integers(1, 20_000)),
).map(lambda text: text if text.startswith("v=spf1") else f"v=spf1 {text}")


@fuzzed
@given(spf)
def test_an_spf_record(text: str) -> None:
    is_spf(text)
    record = quick(parse_spf, text)
    for term in record.terms:
        assert term.text in text


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 a/" + "1" * 5000,
        "v=spf1 mx//" + "9" * 5000,
        "v=spf1 a/0000000000024",
        "v=spf1 a/²",
        "v=spf1 " + "a " * 30_000,
        "v=spf1 ip4:1.2.3.4/" + "9" * 5000,
    ],
)
def test_an_spf_record_that_is_meant_to_hurt(text: str) -> None:
    record = quick(parse_spf, text)
    assert bool(record.errors) is not text.endswith("24")


fields = st.one_of(
    st.sampled_from(
        ["version: STSv1", "mode: enforce", "mx: *.example.jp", "max_age: 86400", "max_age: 9e9"]
    ),
    st.builds(
        "{}:{}".format, st.sampled_from(["version", "mode", "mx", "max_age", ""]), st.text(max_size=20)
    ),
    st.text(max_size=20),
)
policies = st.one_of(
    st.lists(fields, max_size=12).map("\r\n".join),
    anything,
    st.builds(lambda line, times: (line + "\n") * times, fields, st.integers(1, 5000)).map(
        lambda t: t[:65_536]
    ),
)


@fuzzed
@given(policies, st.text(max_size=40))
def test_a_policy(text: str, host: str) -> None:
    def whole() -> None:
        try:
            policy = parse_policy(text)
        except BadPolicy:
            return
        assert policy.mode in ("enforce", "testing", "none")
        for pattern in policy.patterns[:10]:
            matches(pattern, host)

    quick(whole)


@fuzzed
@given(st.lists(st.one_of(anything, anything.map("v=STSv1; id=".__add__)), max_size=4))
def test_the_record_that_announces_a_policy(texts: list[str]) -> None:
    found = quick(policy_id, texts)
    assert found is None or (found.isascii() and len(found) <= 32)
