"""Server addresses as operators write them, and which addresses a domain's DNS may send us to."""

from pathlib import Path

import pytest

from bot.dns.config import (
    BadEndpoint,
    DnsConfig,
    is_public,
    parse_endpoint,
    parse_endpoints,
    parse_mapping,
    system_resolvers,
)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("9.9.9.9", ("9.9.9.9", 53)),
        (" 127.0.0.1:5300 ", ("127.0.0.1", 5300)),
        ("[::1]:53", ("::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("localhost:5300", ("localhost", 5300)),
        ("ns1.example.co.jp", ("ns1.example.co.jp", 53)),
    ],
)
def test_addresses_as_people_write_them(text: str, endpoint: tuple[str, int]) -> None:
    assert parse_endpoint(text) == endpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "256.1.1.1",
        "127.0.0.1:",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:dns",
        "[::1",
        "[::1]53",
        "::1:53:",
        "-x.example",
        "a b",
        "https://dns.google",
    ],
)
def test_what_is_no_address_is_refused_with_what_was_typed(text: str) -> None:
    with pytest.raises(BadEndpoint) as refused:
        parse_endpoint(text)
    assert (text or "empty") in str(refused.value)


def test_each_once() -> None:
    assert parse_endpoints(["9.9.9.9", "9.9.9.9:53", "1.1.1.1"]) == (("9.9.9.9", 53), ("1.1.1.1", 53))


def test_a_mapping() -> None:
    assert parse_mapping("192.0.2.11=127.0.0.1:5301") == ("192.0.2.11", ("127.0.0.1", 5301))
    for text in ("192.0.2.11", "ns1=127.0.0.1", "192.0.2.11=1.2.3"):
        with pytest.raises(BadEndpoint):
            parse_mapping(text)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("192.0.2.1", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("", False),
        ("ns1.example.jp", False),
    ],
)
def test_only_public_addresses_are_contacted(address: str, public: bool) -> None:
    assert is_public(address) is public
    assert DnsConfig().may_contact(address) is public


def test_a_lab_may_have_this_machine_and_nothing_more() -> None:
    lab = DnsConfig(allow_loopback=True)
    assert lab.may_contact("127.0.0.2")
    assert not lab.may_contact("10.0.0.1")
    assert DnsConfig(allow_private=True).may_contact("10.0.0.1")


def test_the_systems_resolvers(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text("# comment\nsearch example\nnameserver 192.0.2.53\nnameserver\nnameserver fe80::1%eth0\n")
    assert system_resolvers(file) == (("192.0.2.53", 53), ("fe80::1%eth0", 53))
    assert system_resolvers(tmp_path / "none") == ()


def test_with_servers_by_hand_alone_nobody_else_is_asked() -> None:
    assert not DnsConfig(nameservers=(("127.0.0.1", 53),)).may_recurse
    assert DnsConfig(nameservers=(("127.0.0.1", 53),), resolvers=(("127.0.0.1", 54),)).may_recurse
    assert DnsConfig().may_recurse
