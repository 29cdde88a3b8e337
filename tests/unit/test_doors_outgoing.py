"""The one request that a stranger's DNS can cause: where it may go, and that no second answer can turn it."""

import asyncio
import socket
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.dns.config import DnsConfig, Fetched
from bot.dns.https_policy import HttpsPolicies
from bot.dns.message import Message, Record, Type
from bot.dns.mta_sts import look_up_policy
from bot.dns.wire import Budget, Reply
from bot.domain.facts import Outcome, PolicyOutcome

HOST = "mta-sts.example.jp."


class Rebinding:
    """A resolver whose answer for an address is another one each time."""

    def __init__(self, *addresses: tuple[str, ...]) -> None:
        self._answers = list(addresses)
        self.asked: list[tuple[str, Type]] = []

    async def ask(self, name: str, rdtype: Type, budget: Budget, **_: Any) -> Reply:
        self.asked.append((name, rdtype))
        records: list[Record] = []
        if rdtype is Type.TXT:
            records = [Record(name, Type.TXT, 60, b"v=STSv1; id=1")]
        elif rdtype is Type.A:
            found = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            records = [Record(name, Type.A, 0, address) for address in found]
        message = Message(1, 0x8400, 0, tuple(records), (), ())
        outcome = Outcome.ANSWER if records else Outcome.NODATA
        return Reply(outcome, SystemClock().now(), message, "", name, rdtype)


class Fetches:
    def __init__(self) -> None:
        self.places: list[list[str]] = []

    async def __call__(self, host: str, allowed: list[str], seconds: float) -> Fetched:
        self.places.append(allowed)
        return Fetched(PolicyOutcome.UNREACHABLE)


async def test_a_second_answer_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """First a public address, then this machine's: the fetch goes to what was allowed, by its number."""
    resolver, fetches = Rebinding(("93.184.215.14",), ("127.0.0.1",)), Fetches()
    await look_up_policy(resolver, fetches, DnsConfig(), "example.jp.", Budget(3))
    assert fetches.places == [["93.184.215.14"]]
    assert [kind for name, kind in resolver.asked if name == HOST] == [Type.A, Type.AAAA]

    connected: list[Any] = []
    looked_up: list[Any] = []
    loop = asyncio.get_running_loop()

    async def lookup(*args: Any, **_: Any) -> Any:
        looked_up.append(args)
        raise socket.gaierror

    async def connect(_loop: Any, _sock: Any, address: Any) -> None:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(type(loop), "getaddrinfo", lookup)
    monkeypatch.setattr(type(loop), "sock_connect", connect)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    found = await HttpsPolicies()("mta-sts.example.jp", fetches.places[0], 2.0)
    assert found.outcome is PolicyOutcome.UNREACHABLE
    assert connected == [("93.184.215.14", 443)]
    assert looked_up == []


@pytest.mark.parametrize(
    "inside",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "224.0.0.1", "255.255.255.255", "192.0.2.1",
    ],
)  # fmt: skip
async def test_addresses_of_the_inside_are_left_out_of_a_mixed_answer(inside: str) -> None:
    fetches = Fetches()
    await look_up_policy(Rebinding((inside, "93.184.215.14")), fetches, DnsConfig(), "example.jp.", Budget(3))
    assert fetches.places == [["93.184.215.14"]]
    alone = await look_up_policy(Rebinding((inside,)), fetches, DnsConfig(), "example.jp.", Budget(3))
    assert alone.policy is PolicyOutcome.NOT_ALLOWED
    assert len(fetches.places) == 1
