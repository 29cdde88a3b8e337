"""`mxcutover check` as it is typed: what it prints and how it exits."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from bot.cli.app import app
from bot.clock import SystemClock
from bot.dns.sandbox import Sandbox
from bot.dns.sandbox_zones import Fault

EXPECT = "10 mgf.cybermail.jp"
IDN = "xn--wgv71a119e.jp"  # 日本語.jp


class World:
    """The sandbox on a loop of its own, for a command that runs a loop itself."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sandbox = Sandbox(SystemClock())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def run(self, work: Callable[[], Any]) -> Any:
        async def call() -> Any:
            made = work()
            return await made if asyncio.iscoroutine(made) else made

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)

    def servers(self, *hosts: str) -> list[str]:
        places = [self.sandbox.place(host) for host in hosts]
        return [word for host, port in places for word in ("--nameserver", f"{host}:{port}")]

    def whole(self) -> list[str]:
        """The way through resolver and delegation, the example addresses served here."""
        config = self.sandbox.dns_config()
        words = [w for a, (h, p) in config.address_map.items() for w in ("--map", f"{a}={h}:{p}")]
        host, port = config.address_map[config.resolvers[0][0]]
        return [*words, "--resolver", f"{host}:{port}"]


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    world = World()
    world.thread.start()
    world.run(world.sandbox.start)
    yield world
    world.run(world.sandbox.stop)
    world.loop.call_soon_threadsafe(world.loop.stop)
    world.thread.join(5)
    world.loop.close()


@pytest.fixture
def world(running: World) -> Iterator[World]:
    kept = running.sandbox.to_dict()
    yield running
    running.run(lambda: running.sandbox.load(kept))
    running.run(running.sandbox.flush_cache)


def check(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["check", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def checked(*words: str) -> tuple[int, dict[str, Any]]:
    code, out, _ = check(*words, "--json")
    data: dict[str, Any] = json.loads(out)
    return code, data


def test_as_expected_is_0(world: World) -> None:
    world.run(lambda: world.sandbox.set_mx("example.co.jp", [(10, "mgf.cybermail.jp")], 300))
    code, data = checked("example.co.jp", "--expect", EXPECT, *world.servers("01.dnsv.jp", "02.dnsv.jp"))
    assert code == 0
    assert data["domain"] == "example.co.jp"
    assert data["ttl_in_force"] == 300
    assert data["verdict"] == "ok"
    assert {f["status"] for f in data["findings"] if f["id"] == "mx.as-expected"} == {"ok"}
    assert [s["mx"] for s in data["servers"]] == [
        [{"preference": 10, "exchange": "mgf.cybermail.jp.", "ttl": 300}]
    ] * 2
    assert data["facts"]["by_hand"] is True


def test_a_warning_alone_is_0(world: World) -> None:
    code, data = checked("example.co.jp", *world.servers("01.dnsv.jp"))
    assert code == 0
    wrong = [f["id"] for f in data["findings"] if f["status"] == "wrong" and f["severity"] != "info"]
    assert wrong == ["ttl.high"]


def test_something_grave_is_1_with_both_languages(world: World) -> None:
    code, data = checked(
        "example.co.jp",
        "--expect",
        EXPECT,
        "--before",
        "10 mail.old-provider.example",
        *world.servers("01.dnsv.jp"),
    )
    assert code == 1
    first = data["findings"][0]
    assert (first["id"], first["status"], first["severity"]) == ("mx.not-changed", "wrong", "high")
    for lang in ("ja", "en"):
        assert "example.co.jp. 3600 IN MX 10 mgf.cybermail.jp." in first["remedy"][lang]
    assert "切替前" in first["text"]["ja"]


def test_through_resolver_and_delegation(world: World) -> None:
    code, data = checked("example.co.jp", "--expect", EXPECT, *world.whole())
    assert code == 1
    assert data["nameservers"] == ["01.dnsv.jp", "02.dnsv.jp"]
    assert data["facts"]["parent_ns"] == ["01.dnsv.jp.", "02.dnsv.jp."]
    assert data["facts"]["targets"]["mgf.cybermail.jp."]["addresses"] == ["198.51.100.10"]
    assert data["facts"]["resolvers"]


def test_nobody_answers_is_3_never_absent(world: World) -> None:
    code, data = checked("example.co.jp", "--expect", EXPECT, "--nameserver", "127.0.0.1:1")
    assert code == 3
    assert data["verdict"] == "unknown"
    assert data["ttl_in_force"] is None
    assert {f["status"] for f in data["findings"]} == {"unknown"}


def test_one_of_two_refusing_is_1(world: World) -> None:
    world.run(lambda: world.sandbox.set_fault("02.dnsv.jp", Fault.REFUSED))
    code, data = checked("example.co.jp", *world.servers("01.dnsv.jp", "02.dnsv.jp"))
    assert code == 1
    assert data["findings"][0]["id"] == "delegation.lame"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jp"], "jp"),
        (["http://example.jp/"], "example.jp"),
        (["user@example.jp"], "example.jp"),
        (["co.jp"], "co.jp"),
        (["example.jp", "--expect", "mgf.cybermail.jp"], "--expect"),
        (["example.jp", "--expect", "ten mgf.cybermail.jp"], "--expect"),
        (["example.jp", "--before", "0 ."], "--before"),
        (["example.jp", "--nameserver", "1.2.3"], "1.2.3"),
        (["example.jp", "--resolver", "127.0.0.1:0"], "127.0.0.1:0"),
        (["example.jp", "--map", "x=y"], "x=y"),
        (["example.jp", "--lang", "fr"], "fr"),
        (["example.jp", "--no-such-option"], "--no-such-option"),
        ([], "DOMAIN"),
    ],
)
def test_bad_usage_is_2_and_says_what(words: list[str], said: str) -> None:
    code, out, err = check(*words)
    assert code == 2
    assert out == ""
    assert said.lower() in err.lower()
    assert "Traceback" not in err


def test_a_name_in_japanese_and_full_width(world: World) -> None:
    code, data = checked("日本語。ＪＰ", *world.servers("ns1.dns.ne.jp"))
    assert code == 0
    assert (data["domain"], data["domain_unicode"]) == ("xn--wgv71a119e.jp", "日本語.jp")


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_a_name_in_japanese_is_shown_in_both_forms_and_copied_as_dns_takes_it(
    world: World, lang: str
) -> None:
    """The page of a domain whose MX is its own host without the final dot of the gateway's."""
    world.run(lambda: world.sandbox.set_mx(IDN, [(10, f"mgf.cybermail.jp.{IDN}")]))
    _, out, _ = check("日本語.jp", "--expect", EXPECT, *world.servers("ns1.dns.ne.jp"), "--lang", lang)
    assert f"mgf.cybermail.jp.日本語.jp. (mgf.cybermail.jp.{IDN}.)" in out
    copied = [line.strip() for line in out.splitlines() if " IN MX " in line]
    assert f"{IDN}. 1800 IN MX 10 mgf.cybermail.jp." in copied
    assert all(line.isascii() for line in copied)


@pytest.mark.parametrize(("lang", "word"), [("ja", "重要"), ("en", "[high]")])
def test_the_page_for_people(world: World, lang: str, word: str) -> None:
    before = ["--before", "10 mail.old-provider.example"]
    code, out, _ = check(
        "example.co.jp", "--expect", EXPECT, *before, *world.servers("01.dnsv.jp"), "--lang", lang
    )
    assert code == 1
    assert word in out
    assert "    example.co.jp. 3600 IN MX 10 mgf.cybermail.jp." in out
    assert "`" not in out
