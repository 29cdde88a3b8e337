"""One suite for DNS worlds: the sandbox that ships with the bot, and the laboratory of real servers.

What the local workspace shows must be what real servers do; so both pass the same tests, through the
same client.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Protocol

import pytest

from bot.clock import SystemClock
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig
from bot.dns.sandbox import Sandbox
from bot.domain.facts import Outcome
from bot.domain.mx import Mx
from tests.lab.dns_servers import DnsLab, lab_or_skip
from tests.unit.dns_facts import grave, judged

GATEWAY = frozenset({Mx(10, "mgf.cybermail.jp.")})
OLD = frozenset({Mx(10, "mail.old-provider.example.")})
NEW = [(10, "mgf.cybermail.jp.")]


class World(Protocol):
    """A domain on two servers, and caches before it."""

    domain: str

    def config(self) -> DnsConfig: ...

    async def set_mx(self, records: list[tuple[int, str]], ttl: int) -> None:
        """On the first server; the second lags."""
        ...

    async def catch_up(self) -> None: ...

    async def set_txt(self, name: str, texts: list[str]) -> None: ...


@dataclass
class SandboxWorld:
    sandbox: Sandbox
    domain: str = "example.co.jp"

    def config(self) -> DnsConfig:
        return self.sandbox.dns_config(tries=(0.4, 0.6), deadline=6.0)

    async def set_mx(self, records: list[tuple[int, str]], ttl: int) -> None:
        self.sandbox.set_mx(self.domain, records, ttl, servers=["01.dnsv.jp"])

    async def catch_up(self) -> None:
        self.sandbox.catch_up(self.domain)

    async def set_txt(self, name: str, texts: list[str]) -> None:
        self.sandbox.set_txt(self.domain, name, texts)


@dataclass
class LabWorld:
    lab: DnsLab
    domain: str

    def config(self) -> DnsConfig:
        return self.lab.config()

    async def set_mx(self, records: list[tuple[int, str]], ttl: int) -> None:
        lines = [f"{preference} {exchange}" for preference, exchange in records]
        await asyncio.to_thread(self.lab.set_mx, self.domain, lines, ttl)

    async def catch_up(self) -> None:
        await asyncio.to_thread(self.lab.catch_up, self.domain)

    async def set_txt(self, name: str, texts: list[str]) -> None:
        await asyncio.to_thread(self.lab.set_txt, self.domain, name or "@", texts)
        await self.catch_up()


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DnsLab | None]:
    if request.param == "sandbox":
        yield None
    else:
        yield from lab_or_skip(tmp_path_factory)


@pytest.fixture
async def world(running: DnsLab | None) -> AsyncIterator[World]:
    if running is not None:
        yield LabWorld(running, running.domain())
        return
    sandbox = Sandbox(SystemClock())
    await sandbox.start()
    sandbox.set_ttl("example.co.jp", 8)
    yield SandboxWorld(sandbox)
    await sandbox.stop()


pytestmark = pytest.mark.parametrize("running", ["sandbox", "lab"], indirect=True)


def client(world: World) -> DnsClient:
    return DnsClient(world.config(), SystemClock())


async def test_the_start(world: World) -> None:
    facts = await client(world).look(world.domain, expected=["mgf.cybermail.jp."])
    assert facts.delegation is Outcome.ANSWER
    assert facts.zone == f"{world.domain}."
    assert facts.parent_ns == facts.nameservers
    assert [(a.mx, a.ttl, a.usable) for a in facts.authoritative] == [(OLD, 8, True)] * 2
    assert facts.targets["mgf.cybermail.jp."].outcome is Outcome.ANSWER
    assert all(answer.mx == OLD and not answer.authoritative for answer in facts.resolvers)
    assert grave(judged(facts, expected=GATEWAY, before=OLD)) == {"mx.not-changed"}


async def test_a_change_that_has_half_arrived(world: World) -> None:
    dns = client(world)
    known = await dns.look(world.domain)
    await world.set_mx(NEW, 300)
    facts = await dns.look_mx(world.domain, known)
    assert [a.mx for a in facts.authoritative] == [GATEWAY, OLD]
    assert grave(judged(facts, expected=GATEWAY, before=OLD)) == {"mx.partial", "zone.serial-lag"}
    await world.catch_up()
    facts = await dns.look_mx(world.domain, known)
    assert [a.mx for a in facts.authoritative] == [GATEWAY, GATEWAY]
    assert facts.ttl_in_force == 300
    assert grave(judged(facts, expected=GATEWAY, before=OLD)) == set()


async def test_a_cache_holds_the_old_set_while_its_ttl_lasts(world: World) -> None:
    dns = client(world)
    known = await dns.look(world.domain)
    await world.set_mx(NEW, 8)
    await world.catch_up()
    facts = await dns.look_mx(world.domain, known)
    held = [answer for answer in facts.resolvers if answer.mx == OLD]
    assert held
    assert all(answer.ttl is not None and answer.ttl <= 60 for answer in held)
    assert "cache.old-seen" in judged(facts, expected=GATEWAY, before=OLD)


async def test_no_mx_at_all(world: World) -> None:
    await world.set_mx([], 8)
    await world.catch_up()
    facts = await client(world).look(world.domain)
    assert [a.outcome for a in facts.authoritative] == [Outcome.NODATA] * 2
    assert "mx.absent" in judged(facts, expected=GATEWAY, before=OLD)


async def test_texts(world: World) -> None:
    await world.set_txt("", ["v=spf1 mx a:mgf.cybermail.jp -all"])
    await world.set_txt("_dmarc", ["v=DMARC1; p=quarantine"])
    facts = await client(world).look(world.domain)
    assert facts.spf is not None
    assert (facts.spf.lookups, facts.spf.void_lookups, facts.spf.mx_mechanisms) == (2, 0, ("mx",))
    assert {"spf.mx-mechanism", "dmarc.strict"} <= grave(judged(facts, expected=GATEWAY, before=OLD))


async def test_a_name_that_is_not_there(world: World) -> None:
    facts = await client(world).look("no-such-domain-at-all.jp")
    assert facts.delegation is Outcome.NXDOMAIN
    assert [a.outcome for a in facts.authoritative] == [Outcome.NXDOMAIN]
