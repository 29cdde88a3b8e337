"""The example world: edits, lagging copies, caches that forget by the clock."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import dns.asyncquery
import dns.message
import dns.rdatatype
import pytest

from bot.content import load_yaml
from bot.dns.sandbox import Sandbox, UnknownZone
from bot.dns.sandbox_zones import Fault
from bot.domain.mx import Mx

NEW = [(10, "mgf.cybermail.jp")]


class Moved:
    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 3, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@pytest.fixture
def clock() -> Moved:
    return Moved()


@pytest.fixture
async def sandbox(clock: Moved) -> AsyncIterator[Sandbox]:
    world = Sandbox(clock)
    await world.start()
    yield world
    await world.stop()


async def mx_at(sandbox: Sandbox, address: str) -> tuple[set[str], int]:
    """Ask as any other client would, with dnspython's own transport."""
    host, port = sandbox.dns_config().address_map[address]
    query = dns.message.make_query("example.co.jp", dns.rdatatype.MX)
    response = await dns.asyncquery.udp(query, host, port=port, timeout=2)
    rrset = response.answer[0]
    return {r.to_text() for r in rrset}, rrset.ttl


CACHE, CAPPED, FLOORED = "198.51.100.53", "198.51.100.54", "198.51.100.55"
OLD_TEXT, NEW_TEXT = {"10 mail.old-provider.example."}, {"10 mgf.cybermail.jp."}


async def test_a_cache_counts_down_by_the_clock_and_forgets(sandbox: Sandbox, clock: Moved) -> None:
    assert await mx_at(sandbox, CACHE) == (OLD_TEXT, 3600)
    sandbox.set_mx("example.co.jp", NEW, 300)
    assert await mx_at(sandbox, "192.0.2.11") == (NEW_TEXT, 300)
    clock.at += timedelta(seconds=3599)
    assert await mx_at(sandbox, CACHE) == (OLD_TEXT, 1)
    clock.at += timedelta(seconds=1)
    assert await mx_at(sandbox, CACHE) == (NEW_TEXT, 300)


async def test_caps_shorten_and_floors_lengthen(sandbox: Sandbox, clock: Moved) -> None:
    assert (await mx_at(sandbox, CAPPED))[1] == 600
    sandbox.set_ttl("example.co.jp", 5)
    sandbox.flush_cache()
    assert (await mx_at(sandbox, FLOORED))[1] == 60


async def test_a_lagging_server_keeps_its_copy_until_it_catches_up(sandbox: Sandbox) -> None:
    sandbox.set_mx("example.co.jp", NEW, 300, servers=["01.dnsv.jp"])
    assert (await mx_at(sandbox, "192.0.2.11"))[0] == NEW_TEXT
    assert (await mx_at(sandbox, "192.0.2.12"))[0] == OLD_TEXT
    assert [s.lagging for s in sandbox.zone("example.co.jp").servers] == [False, True]
    sandbox.catch_up("example.co.jp")
    assert (await mx_at(sandbox, "192.0.2.12"))[0] == NEW_TEXT


async def test_a_slow_server_lags_by_itself(sandbox: Sandbox) -> None:
    sandbox.set_mx("lagging.example.net", NEW)
    assert [s.lagging for s in sandbox.zone("lagging.example.net").servers] == [False, True]


def test_a_relative_name_gets_the_zone_appended(clock: Moved) -> None:
    sandbox = Sandbox(clock)
    sandbox.set_mx("example.co.jp", NEW, relative=True)
    assert sandbox.zone("example.co.jp").mx == {Mx(10, "mgf.cybermail.jp.example.co.jp.")}
    sandbox.set_mx("example.co.jp", [(10, "mgf.cybermail.jp.")], relative=True)
    assert sandbox.zone("example.co.jp").mx == {Mx(10, "mgf.cybermail.jp.")}


def test_bad_edits_are_refused_and_change_nothing(clock: Moved) -> None:
    sandbox = Sandbox(clock)
    before = sandbox.to_dict()
    for records in ([(70000, "a.example")], [(10, "a..b")], [(10, "x" * 64 + ".jp")]):
        with pytest.raises(ValueError):
            sandbox.set_mx("example.co.jp", records)
    with pytest.raises(ValueError):
        sandbox.set_ttl("example.co.jp", -1)
    with pytest.raises(UnknownZone):
        sandbox.set_ttl("no.example", 300)
    with pytest.raises(UnknownZone):
        sandbox.set_mx("example.co.jp", NEW, servers=["ns1.xserver.jp"])
    with pytest.raises(UnknownZone):
        sandbox.set_fault("no.example", Fault.DROP)
    assert sandbox.to_dict() == before


async def test_texts_and_long_ones_come_whole(sandbox: Sandbox) -> None:
    long = "v=spf1 " + "ip4:192.0.2.1 " * 40 + '"quoted\\" -all'
    sandbox.set_txt("example.co.jp", "", [long, "other"])
    host, port = sandbox.place("01.dnsv.jp")
    query = dns.message.make_query("example.co.jp", dns.rdatatype.TXT)
    response = await dns.asyncquery.udp(query, host, port=port, timeout=2)
    assert {b"".join(r.strings).decode() for r in response.answer[0]} == {long, "other"}
    sandbox.set_txt("example.co.jp", "", [])
    assert "" not in sandbox.zone("example.co.jp").texts


def test_what_was_edited_survives(clock: Moved) -> None:
    one = Sandbox(clock)
    one.set_mx("example.co.jp", NEW, 300, servers=["01.dnsv.jp"])
    one.set_txt("example.jp", "_dmarc", ["v=DMARC1; p=reject"])
    one.set_fault("ns1.xserver.jp", Fault.DROP)
    one.set_policy("example.org", None)
    two = Sandbox(clock)
    two.load(json.loads(json.dumps(one.to_dict())))
    assert two.zones() == one.zones()
    assert two.policy("example.org") is None
    assert [s.lagging for s in two.zone("example.co.jp").servers] == [False, True]


def test_a_world_that_has_lost_a_domain_still_loads(clock: Moved) -> None:
    kept = Sandbox(clock).to_dict()
    smaller = Sandbox(clock, load_yaml("servers: {}\ntop_level: {}\nzones: []", "test"))
    smaller.load(kept)
    assert smaller.zones() == []


def test_every_example_has_a_note_in_both_languages_and_servers(clock: Moved) -> None:
    for zone in Sandbox(clock).zones():
        assert set(zone.note) == {"ja", "en"}
        assert len(zone.servers) == 2
