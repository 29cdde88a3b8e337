"""What a check costs: ours beside checkdmarc's and a loop of dig, with a delay to every server.

    python -m bench.dns_checks [--domains 200] [--delay 20] [--out bench/results]

Real servers on loopback, as in the laboratory: Knot holds the domains and their registry, Unbound
resolves, dnsdist delays every answer. Three measurements: many domains in one run, one domain beside its
longest chain of dependent questions, and bare questions per second beside dnspython's asyncquery.
Writes dns_checks.json and dns_checks.md. Needs knot, unbound, dnsdist, dig and checkdmarc.
"""

import argparse
import asyncio
import json
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bot.clock import SystemClock
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig, Endpoint
from bot.dns.message import Type
from bot.dns.wire import Budget, Reply, Transport
from tests.lab.dns_servers import LOOPBACK, DnsLab, free_port, missing, start_knot, start_unbound

PRIMARY, SECONDARY, REGISTRY, RESOLVER = "192.0.2.11", "192.0.2.12", "192.0.2.1", "198.51.100.1"
SILENT = "192.0.2.66"  # takes questions and answers none
HOSTS = {"mgf.cybermail.jp.": "198.51.100.10", "mail.old-provider.example.": "203.0.113.25"}
# NS of the ancestors → addresses of what they name → the servers themselves → the mail hosts' TLSA.
CHAIN = 4
REPEAT = 5  # runs of ours
DIG_TYPES = ("MX", "NS", "SOA", "TXT", "A", "AAAA")
SPF = '"v=spf1 ip4:192.0.2.1 include:_spf.shared.jp ~all"'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--domains", type=int, default=200)
    parser.add_argument("--delay", type=int, default=20, help="milliseconds")
    parser.add_argument("--rivals", type=int, default=200, help="domains that the slow rivals are timed on")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    need_servers()
    names = [f"d{n}.jp" for n in range(options.domains)]
    with tempfile.TemporaryDirectory() as folder, delayed(Path(folder), names, options.delay) as world:
        report = measure(world, names, options.rivals, options.delay)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "dns_checks.json").write_text(json.dumps(report, indent=2) + "\n")
    text = table(report)
    (options.out / "dns_checks.md").write_text(text)
    print(text)


def need_servers() -> None:
    """Raises SystemExit with what is to be installed, where a server is missing."""
    absent = missing()
    if absent:
        raise SystemExit(f"needs {', '.join(absent)} (apt install knot unbound dnsdist bind9)")


class World:
    """Where everything listens: `slow` with the delay, `fast` without."""

    def __init__(self, lab: DnsLab) -> None:
        self.lab = lab
        self.slow: dict[str, Endpoint] = {}

    def config(self) -> DnsConfig:
        return DnsConfig(resolvers=((RESOLVER, 53),), address_map=self.slow)


@contextmanager
def delayed(folder: Path, names: list[str], delay: int, *, silent: Sequence[str] = ()) -> Iterator[World]:
    """Knot, Unbound and a delaying dnsdist before each. `silent`: names whose servers say nothing."""
    lab = DnsLab(folder)
    for address in (REGISTRY, PRIMARY, RESOLVER):
        lab.places[address] = (LOOPBACK, free_port())
    world = World(lab)
    deaf = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    deaf.bind((LOOPBACK, 0))
    world.slow[SILENT] = deaf.getsockname()
    try:
        start_knot(lab, "registry", REGISTRY, registry(names, silent))
        start_knot(lab, "primary", PRIMARY, {name: zone(name) for name in [*names, "shared.jp"]})
        lab.wait(REGISTRY, "jp.")
        lab.wait(PRIMARY, names[-1])
        stubs = [("jp", [REGISTRY]), ("example", [REGISTRY])]
        stubs += [(name, [PRIMARY]) for name in [*names, "shared.jp"]]
        start_unbound(lab, "unbound", RESOLVER, stubs, "cache-max-ttl: 300")
        lab.wait(RESOLVER, names[-1], recursion=True)
        fronts = {RESOLVER: RESOLVER, PRIMARY: PRIMARY, SECONDARY: PRIMARY, REGISTRY: REGISTRY}
        lines = ['setACL({"127.0.0.0/8"})', 'setSecurityPollSuffix("")']
        for number, (address, behind) in enumerate(fronts.items()):
            world.slow[address] = (LOOPBACK, free_port())
            port = world.slow[address][1]
            pool = f"p{number}"
            lines.append(f'{"setLocal" if number == 0 else "addLocal"}("{LOOPBACK}:{port}")')
            backend = f"{LOOPBACK}:{lab.places[behind][1]}"
            check = 'checkName="mgf.cybermail.jp.", checkType="A"'
            lines.append(f'newServer({{address="{backend}", pool="{pool}", {check}}})')
            here = f"LuaRule(function(dq) return dq.localaddr:getPort() == {port} end)"
            lines += [f"addAction({here}, DelayAction({delay}))", f'addAction({here}, PoolAction("{pool}"))']
        (folder / "dnsdist.conf").write_text("\n".join(lines) + "\n")
        lab.run("dnsdist", "--supervised", "--disable-syslog", "-C", str(folder / "dnsdist.conf"))
        lab.places |= {f"slow {address}": place for address, place in world.slow.items()}
        lab.wait(f"slow {RESOLVER}", names[-1], recursion=True)
        yield world
    finally:
        deaf.close()
        lab.stop()


def registry(names: list[str], silent: Sequence[str]) -> dict[str, str]:
    head = (
        f"$TTL 3600\n@ SOA ns.{{0}}. h.{{0}}. 1 1800 900 604800 60\n@ NS ns.{{0}}.\nns.{{0}}. A {REGISTRY}\n"
    )
    hosts = "".join(f"{host} A {address}\n" for host, address in HOSTS.items())
    jp = head.format("jp") + f"ns1.lab.jp. A {PRIMARY}\nns2.lab.jp. A {SECONDARY}\nns3.lab.jp. A {SILENT}\n"
    dead = set(silent)
    for name in [*names, "shared.jp"]:
        hosts_of = ("ns3",) if name in dead else ("ns1", "ns2")
        jp += "".join(f"{name}. NS {host}.lab.jp.\n" for host in hosts_of)
    jp += "".join(line + "\n" for line in hosts.splitlines() if ".jp." in line)
    example = head.format("example") + "".join(
        line + "\n" for line in hosts.splitlines() if ".example." in line
    )
    return {"jp": jp, "example": example}


def zone(name: str) -> str:
    return (
        f"$TTL 300\n@ SOA ns1.lab.jp. h.{name}. 1 1800 900 604800 300\n@ NS ns1.lab.jp.\n@ NS ns2.lab.jp.\n"
        f"@ MX 10 mail.old-provider.example.\n@ A 203.0.113.80\n@ TXT {SPF}\n"
        '_dmarc TXT "v=DMARC1; p=none"\n_spf TXT "v=spf1 ip4:192.0.2.0/24 ~all"\n'
    )


def measure(world: World, names: list[str], rivals: int, delay: int) -> dict[str, Any]:
    """Every figure, one after the other on the same machine."""
    warm(world, names)
    few = names[:rivals]
    print("ours …", file=sys.stderr)
    ours = middle([asyncio.run(many(world, names)) for _ in range(REPEAT)])
    one = asyncio.run(alone(world, names[0]))
    print("checkdmarc …", file=sys.stderr)
    theirs = checkdmarc_rate(world, few)
    print("dig …", file=sys.stderr)
    dig = dig_rate(world, few)
    print("bare questions …", file=sys.stderr)
    bare = asyncio.run(questions(world.lab.places[PRIMARY], names[0]))
    return {
        "python": platform.python_version(),
        "dnspython": version("dnspython"),
        "checkdmarc": version("checkdmarc"),
        "delay_ms": delay,
        "domains": len(names),
        "rivals_on": rivals,
        "ours": ours,
        "checkdmarc_per_s": theirs,
        "dig_per_s": dig,
        "times_checkdmarc": round(ours["per_s"] / theirs, 1),
        "one_ms": one,
        "chain_ms": CHAIN * delay,
        "one_per_chain": round(one / (CHAIN * delay), 2),
        "bare": bare,
    }


def middle(runs: list[dict[str, float]]) -> dict[str, float]:
    """The run of the median rate: a run takes two seconds, which a busy moment spoils (theirs: a minute)."""
    return sorted(runs, key=lambda run: run["per_s"])[len(runs) // 2]


def warm(world: World, names: list[str]) -> None:
    """Fill the resolver's cache, so that all sides meet the same one."""
    asyncio.run(many(world, names))


async def many(world: World, names: list[str]) -> dict[str, float]:
    client = DnsClient(world.config(), SystemClock())
    start, cpu = time.perf_counter(), time.process_time()
    looks = await asyncio.gather(*(client.look(name, expected=["mgf.cybermail.jp."]) for name in names))
    took = time.perf_counter() - start
    return {
        "per_s": round(len(names) / took, 1),
        "seconds": round(took, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "questions": client.asked,
        "known": sum(facts.seen for facts in looks),
    }


async def alone(world: World, name: str, times: int = 9) -> float:
    """One domain, ms: the median."""
    took = []
    for _ in range(times):
        client = DnsClient(world.config(), SystemClock())
        start = time.perf_counter()
        await client.look(name, expected=["mgf.cybermail.jp."])
        took.append((time.perf_counter() - start) * 1000)
    return round(statistics.median(took), 1)


def checkdmarc_rate(world: World, names: list[str]) -> float:
    import checkdmarc
    import dns.nameserver

    server = dns.nameserver.Do53Nameserver(*world.slow[RESOLVER])
    start = time.perf_counter()
    checkdmarc.check_domains(names, nameservers=[server], timeout=5)
    return round(len(names) / (time.perf_counter() - start), 2)


def dig_rate(world: World, names: list[str]) -> float:
    """A loop as people write it: six types at the domain, and the texts beside it, one after the other."""
    host, port = world.slow[RESOLVER]
    start = time.perf_counter()
    for name in names:
        asked = [(name, kind) for kind in DIG_TYPES]
        asked += [(f"{label}.{name}", "TXT") for label in ("_dmarc", "_mta-sts", "_smtp._tls")]
        for owner, kind in asked:
            subprocess.run(  # noqa: S603
                ["dig", "+short", f"@{host}", "-p", str(port), owner, kind],  # noqa: S607
                stdout=subprocess.DEVNULL,
                check=False,
            )
    return round(len(names) / (time.perf_counter() - start), 2)


async def questions(place: Endpoint, name: str, count: int = 4000) -> dict[str, float]:
    """Questions per second without delay, 64 at once: our transport beside dnspython's asyncquery."""
    import dns.asyncquery
    import dns.message

    transport = Transport(SystemClock(), (2.0, 2.0), 64)

    async def ours() -> None:
        budget = Budget(60)
        qname = name + "."

        async def one() -> Reply:
            return await transport.ask(place, qname, Type.MX, budget)

        replies = await asyncio.gather(*(one() for _ in range(count)))
        if not all(reply.records() for reply in replies):
            raise RuntimeError("an answer is missing")

    async def bare() -> None:
        slots = asyncio.Semaphore(64)

        async def one() -> None:
            async with slots:
                query = dns.message.make_query(name, "MX", use_edns=0, payload=1232)
                await dns.asyncquery.udp(query, place[0], port=place[1], timeout=5)

        await asyncio.gather(*(one() for _ in range(count)))

    figures: dict[str, float] = {}
    for label, side in (("ours_per_s", ours), ("asyncquery_per_s", bare)):
        start = time.perf_counter()
        await side()
        figures[label] = round(count / (time.perf_counter() - start))
    return figures


def table(report: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    ours, bare = report["ours"], report["bare"]
    each = ours["questions"] / report["domains"]
    rows = [
        (
            f"Domains per second, {report['domains']} at once (median of {REPEAT} runs)",
            f"{ours['per_s']} (each {each:.0f} questions)",
        ),
        (f"checkdmarc, {report['rivals_on']} domains", report["checkdmarc_per_s"]),
        ("A loop of dig, nine questions a domain", report["dig_per_s"]),
        ("Ours, times checkdmarc", report["times_checkdmarc"]),
        ("One domain, ms (median)", report["one_ms"]),
        (
            f"Its longest chain of dependent questions, ms ({CHAIN} × {report['delay_ms']})",
            report["chain_ms"],
        ),
        ("One domain, times its chain", report["one_per_chain"]),
        ("Bare questions per second, no delay", bare["ours_per_s"]),
        ("dnspython's asyncquery, likewise", bare["asyncquery_per_s"]),
        (f"CPU seconds for {report['domains']} domains", ours["cpu_seconds"]),
    ]
    lines = [
        f"Python {report['python']}, dnspython {report['dnspython']}, checkdmarc {report['checkdmarc']}; "
        f"{report['delay_ms']} ms of delay to every server.",
        "",
        "| | |",
        "|---|---:|",
        *(f"| {label} | {value} |" for label, value in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
