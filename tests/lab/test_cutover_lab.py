"""A whole cutover by the bot as it runs: its own process, the lab's real servers, and SIGKILL in between.

What it says is measured against caches of real servers, which are asked without pause, so that each takes
the old set as late as it can. One of them asks the lagging secondary alone: the worst resolver there is.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.exception
import pytest

from bot.domain.instants import WHOLE_SECOND
from bot.workspace.person import CUTOVER, Person, texts
from tests.flow.test_killed import World, environment, free_port, slack, submit_form
from tests.lab.dns_servers import (
    CACHES,
    LOOPBACK,
    NEW,
    OLD,
    PRIMARY,
    REGISTRY,
    RESOLVER,
    SECONDARY,
    TTL,
    DnsLab,
    start_unbound,
)

pytestmark = pytest.mark.timeout(240)

TTL_BEFORE = TTL + 2
BEHIND = "198.51.100.57"  # a cache that knows the secondary alone
SAFE, ALL, SOME = "を過ぎました", "すべての権威サーバーでMXが切り替わりました", "一部のサーバーで確認しました"


@dataclass
class Held:
    """What one cache answered: when it last gave the old set, and with how many seconds left."""

    old_at: float = 0.0
    old_until: float = 0.0
    records: set[str] = field(default_factory=set)
    ttl: int = 0


class Caches:
    """Caches that are asked again and again, until told to stop."""

    def __init__(self, lab: DnsLab, domain: str) -> None:
        self._lab, self._domain = lab, domain
        self.addresses = {"plain": CACHES["plain"][0], "capped": CACHES["capped"][0], "behind": BEHIND}
        self.held = {name: Held() for name in self.addresses}

    async def ask(self, name: str) -> Held:
        """One question. A cache that is silent for a moment has said nothing."""
        held = self.held[name]
        try:
            reply = await asyncio.to_thread(
                self._lab.ask, self.addresses[name], self._domain, "MX", recursion=True
            )
        except dns.exception.Timeout:
            return held
        if reply.answer:
            now = datetime.now(UTC).timestamp()
            held.records, held.ttl = {r.to_text() for r in reply.answer[0]}, reply.answer[0].ttl
            if OLD in held.records:
                held.old_at, held.old_until = now, now + held.ttl
        return held

    async def watch(self) -> None:
        while True:
            await asyncio.gather(*(self.ask(name) for name in self.addresses))
            await asyncio.sleep(0.03)


@pytest.fixture
def cut(lab: DnsLab) -> Iterator[str]:
    """A domain whose MX has the TTL from before on both servers, and the cache that knows one of them."""
    domain = lab.domain()
    lab.set_mx(domain, [OLD], TTL_BEFORE)
    lab.catch_up(domain)
    lab.places[BEHIND] = (LOOPBACK, free_port())
    start_unbound(lab, "behind", BEHIND, [("jp", [REGISTRY]), (domain, [SECONDARY])], "", "")
    lab.wait(BEHIND, domain, recursion=True)
    yield domain


@pytest.fixture
async def world(lab: DnsLab, tmp_path: Path) -> AsyncIterator[World]:
    def place(*addresses: str) -> str:
        return ",".join(f"{host}:{port}" for host, port in (lab.places[a] for a in addresses))

    async with slack() as url, Person(url) as hanako:
        given = environment(
            url,
            tmp_path,
            MXCUTOVER_NAMESERVERS=place(PRIMARY, SECONDARY),
            MXCUTOVER_RESOLVERS=place(RESOLVER),
            MXCUTOVER_SAMPLE_RESOLVERS=place(CACHES["plain"][0], CACHES["capped"][0]),
            MXCUTOVER_LOOKS_PER_MINUTE="0",
            MXCUTOVER_LEASE_SECONDS="2",
        )
        made = World(url, given, hanako)
        await made.start_bot()
        yield made
        if made.bot is not None and made.bot.returncode is None:
            made.bot.kill()
            await made.bot.wait()


def instants(world: World) -> dict[str, datetime | None]:
    """As the database has them, whether the bot runs or not."""
    file = Path(world.environment["MXCUTOVER_DATA"]) / "mxcutover.db"
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        (text,) = connection.execute("SELECT instants FROM cutovers").fetchone()
    finally:
        connection.close()
    return {name: datetime.fromisoformat(at) if at else None for name, at in json.loads(text).items()}


async def told(hanako: Person, piece: str) -> list[dict[str, Any]]:
    """What the cutover's channel and threads say with these words."""
    messages = (await hanako.state())["messages"]
    return [m for m in messages if m["channel"] == CUTOVER and piece in texts(m.get("blocks", []))]


async def check(world: World, domain: str, piece: str) -> None:
    """Somebody asks for a look, and the thread tells what it showed."""
    await world.hanako.command(f"/mxcutover check {domain}")
    await world.hanako.wait_for(lambda: told(world.hanako, piece), bool, 60)


async def start_anew(world: World) -> None:
    """SIGKILL, and the next run; what the database holds of the instants is the same all the while."""
    before = instants(world)
    await world.kill_bot()
    assert instants(world) == before
    await world.start_bot()
    assert instants(world) == before


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_killed_in_the_middle_it_says_safe_when_the_last_cache_has_let_go(
    lab: DnsLab, cut: str, world: World
) -> None:
    hanako, caches = world.hanako, Caches(lab, cut)
    watching = asyncio.create_task(caches.watch())
    try:
        await submit_form(hanako, cut)
        await hanako.wait_for(lambda: told(hanako, "のMX切替を始めました"), bool, 60)

        lab.set_mx(cut, [OLD])  # the TTL alone
        lab.catch_up(cut)
        await hanako.command(f"/mxcutover check {cut}")

        async def is_lowered() -> bool:
            return instants(world)["t_lowered"] is not None

        await until(is_lowered)
        lowered = instants(world)
        assert lowered["t_lowered"] is not None
        assert lowered["safe_to_flip"] == lowered["t_lowered"] + timedelta(seconds=TTL_BEFORE)
        assert lowered["t_flip"] is None

        lab.set_mx(cut, [NEW])  # the secondary lags
        await check(world, cut, SOME)
        await start_anew(world)
        await hanako.command(f"/mxcutover check {cut}")

        async def took_the_old_set_afresh() -> bool:
            held = await caches.ask("behind")
            return held.records == {OLD} and held.ttl == TTL

        await until(took_the_old_set_afresh)
        assert instants(world) == lowered
        assert not await told(hanako, ALL)

        lab.catch_up(cut)
        await check(world, cut, ALL)
        flipped = instants(world)
        assert flipped["t_flip"] is not None
        assert flipped["t_safe"] is not None
        assert flipped == {**lowered, "t_flip": flipped["t_flip"], "t_safe": flipped["t_safe"]}
        assert flipped["t_safe"] >= flipped["t_flip"] + timedelta(seconds=TTL)
        await start_anew(world)

        await hanako.wait_for(lambda: told(hanako, SAFE), bool, 60)
        (safe,) = await told(hanako, SAFE)
        for name in caches.addresses:
            assert (await caches.ask(name)).records == {NEW}
        assert instants(world) == flipped
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)

    # An old copy did outlive the flip of the last server.
    assert caches.held["behind"].old_at > flipped["t_flip"].timestamp()
    for held in caches.held.values():
        assert held.old_at < float(safe["ts"])
        assert held.old_until <= (flipped["t_safe"] + WHOLE_SECOND).timestamp()
    assert len(await told(hanako, SOME)) == len(await told(hanako, ALL)) == 1
