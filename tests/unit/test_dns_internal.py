"""Names of the inside: refused when they are typed, and not asked for when somebody's DNS leads there."""

import asyncio

import pytest

from bot.clock import SystemClock
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig
from bot.dns.idn import TableRules
from bot.dns.message import Type
from bot.dns.wire import Budget, Transport
from bot.domain.facts import Outcome
from bot.domain.names import BadName, NameReason, canonical
from bot.settings import INTERNAL, Settings

RULES = TableRules(INTERNAL)


@pytest.mark.parametrize(
    "typed",
    [
        "db.corp",
        "printer.local",
        "nas.LAN",
        "x.home.arpa",
        "intra.example.internal",
        "Ｄｂ．ｃｏｒｐ",
        "a.localhost.",
    ],
)
def test_a_name_of_the_inside_is_refused(typed: str) -> None:
    with pytest.raises(BadName) as refused:
        canonical(typed, RULES)
    assert refused.value.reason is NameReason.INTERNAL
    assert canonical(typed, TableRules()).ascii  # where nothing is set, anything may be asked


@pytest.mark.parametrize(
    "typed", ["corp.example.co.jp", "localhost.example.com", "example.local.jp", "mail.jp"]
)
def test_a_label_elsewhere_in_a_name_is_no_inside(typed: str) -> None:
    assert canonical(typed, RULES).ascii == typed


def test_a_company_adds_its_own() -> None:
    rules = TableRules((".ad.example.co.jp",))
    with pytest.raises(BadName):
        canonical("dc1.AD.example.co.jp", rules)
    with pytest.raises(BadName):
        canonical("ad.example.co.jp", rules)
    assert canonical("bad.example.co.jp", rules).ascii == "bad.example.co.jp"


def test_the_setting_is_a_list() -> None:
    settings = Settings(_env_file=None, internal_suffixes="corp, ad.example.co.jp")  # type: ignore[call-arg, arg-type]
    assert settings.internal_suffixes == ("corp", "ad.example.co.jp")


class Counting(asyncio.DatagramProtocol):
    """A server that answers nothing and counts what it is asked."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.append(data)


async def test_no_packet_leaves_for_an_internal_name() -> None:
    loop = asyncio.get_running_loop()
    server, heard = await loop.create_datagram_endpoint(Counting, local_addr=("127.0.0.1", 0))
    place = server.get_extra_info("sockname")[:2]
    transport = Transport(SystemClock(), (0.05,), 8, ("corp", "home.arpa"))
    for name in ("db.corp.", "CORP.", "a.home.arpa."):
        reply = await transport.ask(place, name, Type.A, Budget(1.0), recursion=True)
        assert (reply.outcome, reply.detail) == (Outcome.NOT_ALLOWED, "an internal name")
    assert heard.heard == []
    await transport.ask(place, "db.corp.example.", Type.A, Budget(1.0), recursion=True)
    assert heard.heard
    server.close()


async def test_a_look_at_one_ends_at_once() -> None:
    config = DnsConfig(resolvers=(("127.0.0.1", 1),), internal=("corp",))
    facts = await DnsClient(config, SystemClock()).look("db.corp")
    assert facts.delegation is Outcome.NOT_ALLOWED
