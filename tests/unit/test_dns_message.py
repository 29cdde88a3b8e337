"""The reader of DNS messages, held against dnspython: the same records from the same bytes, never a crash."""

from typing import Any

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dns.message import (
    BadMessage,
    BadName,
    Flag,
    Message,
    Record,
    Type,
    answers,
    is_below,
    name_wire,
    query_wire,
    read_message,
)

labels = st.binary(min_size=1, max_size=63)
names = st.lists(labels, min_size=0, max_size=3).map(lambda some: dns.name.Name([*some, b""]))


def of_dnspython(packet: bytes) -> list[tuple[str, int, int, Any]]:
    """(owner, type, TTL, data) of every record as dnspython reads them."""
    message = dns.message.from_wire(packet, one_rr_per_rrset=True)
    found = []
    for section in (message.answer, message.authority, message.additional):
        for rrset in section:
            owner = rrset.name.to_text().lower()
            found += [(owner, int(rrset.rdtype), rrset.ttl, plain(rdata)) for rdata in rrset]
    return found


def plain(rdata: Any) -> Any:
    kind = dns.rdatatype.to_text(rdata.rdtype)
    if kind in ("A", "AAAA"):
        return rdata.address
    if kind in ("NS", "CNAME"):
        return rdata.target.to_text().lower()
    if kind == "MX":
        return (rdata.preference, rdata.exchange.to_text().lower())
    if kind == "SOA":
        return (rdata.serial, rdata.refresh, rdata.minimum)
    if kind == "TXT":
        return b"".join(rdata.strings)
    if kind == "RRSIG":
        return (int(rdata.type_covered), rdata.expiration)
    return rdata.to_wire()


def of_ours(message: Message) -> list[tuple[str, int, int, Any]]:
    return [tuple(record) for record in (*message.answer, *message.authority, *message.additional)]


@st.composite
def rrsets(draw: st.DrawFn) -> dns.rrset.RRset:
    owner, target = draw(names), draw(names).to_text()
    number = st.integers(0, 2**32 - 1)
    kind, data = draw(
        st.sampled_from(
            [
                ("A", "192.0.2.1"),
                ("AAAA", "2001:db8::1"),
                ("NS", target),
                ("CNAME", target),
                ("MX", f"{draw(st.integers(0, 65535))} {target}"),
                ("SOA", f"{target} h.example. {draw(number)} 1 2 3 {draw(number) % 2**31}"),
                ("TXT", '"v=spf1 mx -all" "second"'),
                ("DS", "1 13 2 " + "ab" * 32),
                ("TLSA", "3 1 1 " + "cd" * 32),
                ("RRSIG", f"MX 13 2 300 {draw(number)} 1 1 {target} YWJj"),
                ("SRV", f"1 2 25 {target}"),
            ]
        )
    )
    ttl = draw(st.integers(0, 2**31 - 1))
    return dns.rrset.from_text(owner, ttl, dns.rdataclass.IN, kind, data)


@settings(max_examples=300, deadline=None)
@given(answer=st.lists(rrsets(), max_size=4), authority=st.lists(rrsets(), max_size=2), name=names)
def test_the_same_records_as_dnspython(
    answer: list[dns.rrset.RRset], authority: list[dns.rrset.RRset], name: dns.name.Name
) -> None:
    query = dns.message.make_query(name, "MX", use_edns=0)
    response = dns.message.make_response(query)
    response.flags |= dns.flags.AA
    response.answer, response.authority = answer, authority
    packet = response.to_wire(max_size=65535)
    message = read_message(packet)
    known = {int(kind) for kind in Type}
    assert [r for r in of_ours(message) if r[1] in known] == [
        r for r in of_dnspython(packet) if r[1] in known
    ]
    assert len(of_ours(message)) == len(of_dnspython(packet))
    assert message.has(Flag.AA)
    assert message.has(Flag.QR)
    assert message.rcode == 0


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_are_a_message_or_refused(packet: bytes) -> None:
    try:
        read_message(packet)
    except BadMessage:
        return


@settings(max_examples=400, deadline=None)
@given(answer=st.lists(rrsets(), min_size=1, max_size=3), data=st.data())
def test_a_damaged_reply_never_crashes_and_never_gives_more_than_it_holds(
    answer: list[dns.rrset.RRset], data: st.DataObject
) -> None:
    response = dns.message.make_response(dns.message.make_query("example.co.jp", "MX"))
    response.answer = answer
    packet = bytearray(response.to_wire(max_size=65535))
    for _ in range(data.draw(st.integers(1, 4))):
        packet[data.draw(st.integers(12, len(packet) - 1))] = data.draw(st.integers(0, 255))
    del packet[data.draw(st.integers(12, len(packet))) :]
    try:
        read_message(bytes(packet))
    except BadMessage:
        return


def test_pointers_round_in_circles_are_refused() -> None:
    head = b"\0\1\x84\0\0\1\0\0\0\0\0\0"
    for name in (b"\xc0\x0c", b"\xc0\x0e\xc0\x0c", b"\x01a\xc0\x0c", b"\xc0\xff"):
        with pytest.raises(BadMessage):
            read_message(head + name + b"\0\x0f\0\1")


def test_each_record_keeps_its_own_ttl_and_a_negative_one_is_none() -> None:
    query = query_wire("d.jp", Type.MX, recursion=False)
    head = query[:2] + b"\x84\0" + b"\0\1\0\2\0\0\0\0" + query[12:22]

    def record(ttl: bytes, preference: bytes) -> bytes:
        return b"\xc0\x0c\0\x0f\0\1" + ttl + b"\0\5" + preference + b"\1a\0"

    message = read_message(head + record(b"\0\0\1\x2c", b"\0\x0a") + record(b"\xff\0\0\0", b"\0\x14"))
    assert message.answer == (
        Record("d.jp.", 15, 300, (10, "a.")),
        Record("d.jp.", 15, 0, (20, "a.")),
    )


def test_the_extended_rcode() -> None:
    query = dns.message.make_query("d.jp", "MX", use_edns=0)
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.BADVERS)
    assert read_message(response.to_wire()).rcode == 16


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        (".", b"\0"),
        ("jp", b"\2jp\0"),
        ("Example.jp.", b"\7Example\2jp\0"),
        ("a\\.b.jp.", b"\3a.b\2jp\0"),
        ("a\\046b.jp.", b"\3a.b\2jp\0"),
        ("_25._tcp.x.", b"\3_25\4_tcp\1x\0"),
    ],
)
def test_names_on_the_wire(text: str, wire: bytes) -> None:
    assert name_wire(text) == wire == dns.name.from_text(text).to_wire()


@pytest.mark.parametrize(
    "text", ["", "..", "a..b", ".a", "x" * 64 + ".jp", "日本語.jp", "a\\", "a\\25", "a." * 130]
)
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(BadName):
        name_wire(text)


@given(names)
def test_a_name_goes_out_and_comes_back(name: dns.name.Name) -> None:
    text = name.to_text().lower()
    assert name_wire(text) == dns.name.from_text(text).to_wire()


def test_what_claims_to_be_the_answer() -> None:
    query = query_wire("Example.jp.", Type.MX, recursion=False)
    good = query[:2] + b"\x84\0" + query[4:]
    assert answers(query, good)
    assert answers(query, good.replace(b"Example", b"eXAMPLE"))
    assert answers(query, good[:4] + b"\0\0" + good[6:]) is False
    assert answers(query, query[:2] + b"\x80\1\0\0\0\0\0\0\0\0")  # FORMERR without the question
    assert not answers(query, query)
    assert not answers(query, bytes([good[0] ^ 1]) + good[1:])
    assert not answers(query, good.replace(b"Example", b"Exemple"))
    assert not answers(query, good[:2] + b"\xa8" + good[3:])  # another opcode
    assert not answers(query, b"")


@pytest.mark.parametrize(
    ("name", "zone", "below"),
    [
        ("a.example.jp.", "example.jp.", True),
        ("example.jp.", "example.jp.", True),
        ("evilexample.jp.", "example.jp.", False),
        ("jp.", "example.jp.", False),
        ("jp.", ".", True),
    ],
)
def test_below(name: str, zone: str, below: bool) -> None:
    assert is_below(name, zone) is below


def test_a_question_is_what_dnspython_reads_in_it() -> None:
    message = dns.message.from_wire(query_wire("d.jp", Type.MX, recursion=True, cd=True, dnssec=True))
    assert message.question[0].name == dns.name.from_text("d.jp")
    assert message.flags == dns.flags.RD | dns.flags.CD
    assert (message.edns, message.payload, message.ednsflags) == (0, 1232, dns.flags.DO)
