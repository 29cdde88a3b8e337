"""Real DNS servers on free loopback ports: Knot, BIND, Unbound, dnsdist, as Debian installs them.

The registry (Knot) holds `jp.` and `example.`; the primary (Knot) and a secondary (BIND) that gets no
NOTIFY hold the domains; several Unbounds are caches of different habits; dnsdist stands before the
primary with a fault on each port. Addresses are those of the documentation ranges, mapped to where
the servers listen, so the client takes the same road as on the Internet.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rdatatype
import dns.rrset
import dns.update
import pytest

from bot.dns.config import DnsConfig, Endpoint

LOOPBACK = "127.0.0.1"
NEEDED = ("knotd", "named", "unbound", "dnsdist")
DOMAINS = tuple(f"cut{n}.jp" for n in range(16))
SIGNED = {"signed.jp": "14d", "expiring.jp": "6h", "bogus.jp": "14d"}
FAULTS = ("drop", "servfail", "refused", "truncate", "delay")
LATE = 20  # milliseconds of the delaying port
OLD, NEW = "10 mail.old-provider.example.", "10 mgf.cybermail.jp."
TTL = 8

REGISTRY, PRIMARY, SECONDARY, RESOLVER = "192.0.2.1", "192.0.2.11", "192.0.2.12", "198.51.100.1"
FAULTY = {fault: f"192.0.2.{20 + n}" for n, fault in enumerate(FAULTS)}
CACHES = {
    "plain": ("198.51.100.53", ""),
    "capped": ("198.51.100.54", "cache-max-ttl: 3"),
    "floored": ("198.51.100.55", "cache-min-ttl: 20"),
    "stale": (
        "198.51.100.56",
        "serve-expired: yes\n  serve-expired-ttl: 3600\n  serve-expired-reply-ttl: 30",
    ),
}


def missing() -> list[str]:
    """The servers that are not installed here."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return [name for name in NEEDED if shutil.which(name) is None and shutil.which(name, path=path) is None]


def _binary(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin") or name


def free_port() -> int:
    """A port that is free on UDP and TCP now."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((LOOPBACK, 0))
            port = int(tcp.getsockname()[1])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
                try:
                    udp.bind((LOOPBACK, port))
                except OSError:
                    continue
                return port


@dataclass
class DnsLab:
    """The running servers."""

    folder: Path
    places: dict[str, Endpoint] = field(default_factory=dict)
    _taken: Iterator[str] = field(default_factory=lambda: iter(DOMAINS))
    _processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def config(self, **changes: Any) -> DnsConfig:
        """How the client asks here."""
        given: dict[str, Any] = {
            "resolvers": ((RESOLVER, 53),),
            "sample_resolvers": tuple((address, 53) for address, _ in CACHES.values()),
            "address_map": dict(self.places),
            "tries": (0.4, 0.6),
            "deadline": 6.0,
        }
        return DnsConfig(**{**given, **changes})

    def domain(self) -> str:
        """A domain that no other test has touched: OLD with a TTL of 8 s on both servers."""
        return next(self._taken)

    def ask(
        self, address: str, name: str, rdtype: str, *, recursion: bool = False, cd: bool = False
    ) -> dns.message.Message:
        """One question, by dnspython's own client. Raises dns.exception.Timeout."""
        query = dns.message.make_query(name, rdtype)
        query.flags = (dns.flags.RD if recursion else 0) | (dns.flags.CD if cd else 0)
        host, port = self.places[address]
        return dns.query.udp(query, host, port=port, timeout=2)

    def held_by(self, cache: str, domain: str) -> tuple[set[str], int] | None:
        """What a cache answers for a domain's MX: (records, TTL left)."""
        answer = self.ask(CACHES[cache][0], domain, "MX", recursion=True).answer
        return ({r.to_text() for r in answer[0]}, answer[0].ttl) if answer else None

    def set_mx(self, domain: str, records: Iterable[str], ttl: int = TTL) -> None:
        """On the primary at once (RFC 2136); the secondary lags until `catch_up`."""
        update = dns.update.UpdateMessage(domain)
        values = list(records)
        update.delete("@", "MX")
        if values:
            update.add("@", dns.rrset.from_text_list(domain, ttl, "IN", "MX", values))
        self._send(update)

    def set_txt(self, domain: str, name: str, texts: Iterable[str], ttl: int = TTL) -> None:
        update = dns.update.UpdateMessage(domain)
        update.delete(name, "TXT")
        for text in texts:
            update.add(name, ttl, "TXT", '"' + text.replace('"', '\\"') + '"')
        self._send(update)

    def _send(self, update: dns.update.UpdateMessage) -> None:
        host, port = self.places[PRIMARY]
        response = dns.query.tcp(update, host, port=port, timeout=5)
        assert response.rcode() == 0, response

    def catch_up(self, domain: str) -> None:
        """Tell the secondary (NOTIFY), and wait until it has the primary's version."""
        wanted = self.serial(PRIMARY, domain)
        host, port = self.places[SECONDARY]
        for _ in range(100):
            if self.serial(SECONDARY, domain) == wanted:
                return
            notify = dns.message.make_query(domain, "SOA")
            notify.set_opcode(dns.opcode.NOTIFY)
            notify.flags |= dns.flags.AA
            dns.query.udp(notify, host, port=port, timeout=2)
            time.sleep(0.1)
        raise TimeoutError(f"the secondary never took {domain} {wanted}")

    def serial(self, address: str, domain: str) -> int:
        return int(self.ask(address, domain, "SOA").answer[0][0].serial)

    # --- starting ----------------------------------------------------------------------------------

    def run(self, name: str, *words: str) -> None:
        """Start a server in the foreground; it ends with the lab."""
        log = (self.folder / f"{name}-{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            [_binary(name), *words],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
        )
        log.close()
        self._processes.append(process)

    def wait(self, address: str, name: str, rdtype: str = "SOA", *, recursion: bool = False) -> None:
        """Until the server at `address` answers a question."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            dead = [p for p in self._processes if p.poll() is not None]
            if dead:
                raise RuntimeError(f"{dead[0].args!r} ended with {dead[0].returncode}: {self._logs()}")
            try:
                if self.ask(address, name, rdtype, recursion=recursion, cd=True).answer:
                    return
            except (dns.exception.DNSException, OSError):
                pass
            time.sleep(0.05)
        raise TimeoutError(f"no answer for {name} at {address}: {self._logs()}")

    def _logs(self) -> str:
        return "\n".join(
            f"{p.name}: {p.read_text(errors='replace')[-600:]}" for p in self.folder.glob("*.log")
        )

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def dns_lab(folder: Path) -> Iterator[DnsLab]:
    """Every server running and answering."""
    lab = DnsLab(folder)
    for address in (
        REGISTRY,
        PRIMARY,
        SECONDARY,
        RESOLVER,
        *FAULTY.values(),
        *(a for a, _ in CACHES.values()),
    ):
        lab.places[address] = (LOOPBACK, free_port())
    try:
        start_knot(lab, "registry", REGISTRY, _registry_zones())
        start_knot(lab, "primary", PRIMARY, _domain_zones())
        lab.wait(REGISTRY, "jp.")
        lab.wait(PRIMARY, DOMAINS[-1])
        for domain in SIGNED:
            lab.wait(PRIMARY, domain, "DNSKEY")
        _bind(lab)
        _dnsdist(lab)
        for number, (address, habit) in enumerate([(RESOLVER, "cache-max-ttl: 0"), *CACHES.values()]):
            start_unbound(lab, f"unbound{number}", address, _stubs(), habit, _anchors(lab))
        for address in (RESOLVER, *(a for a, _ in CACHES.values())):
            lab.wait(address, "mgf.cybermail.jp.", "A", recursion=True)
        lab.wait(SECONDARY, DOMAINS[-1])
        lab.wait(FAULTY["delay"], "delay.jp")
        yield lab
    finally:
        lab.stop()


def lab_or_skip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DnsLab]:
    """The laboratory; skipped with a reason where a server is not installed.

    Where MXCUTOVER_REQUIRE_LAB=1 is set, as in CI, that is a failure.
    """
    absent = missing()
    if absent:
        reason = f"the DNS laboratory needs {', '.join(absent)} (apt install knot bind9 unbound dnsdist)"
        if os.environ.get("MXCUTOVER_REQUIRE_LAB") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    with dns_lab(tmp_path_factory.mktemp("dns")) as lab:
        yield lab


def _registry_zones() -> dict[str, str]:
    head = (
        "$TTL 3600\n@ SOA ns.{0}. hostmaster.{0}. 1 1800 900 604800 60\n@ NS ns.{0}.\nns.{0}. A " + REGISTRY
    )
    lines = [head.format("jp")]
    lines += [f"ns1.lab.jp. A {PRIMARY}", f"ns2.lab.jp. A {SECONDARY}", "mgf.cybermail.jp. A 198.51.100.10"]
    lines += [f"{fault}.lab.jp. A {address}" for fault, address in FAULTY.items()]
    for domain in (*DOMAINS, *SIGNED):
        lines += [f"{domain}. NS ns1.lab.jp.", f"{domain}. NS ns2.lab.jp."]
    for fault in FAULTS:
        lines += [f"{fault}.jp. NS ns1.lab.jp.", f"{fault}.jp. NS {fault}.lab.jp."]
    # Everybody can see that this one names a server that does not serve it.
    lines += ["lame.jp. NS ns1.lab.jp.", "lame.jp. NS registry.lab.jp.", f"registry.lab.jp. A {REGISTRY}"]
    example = [head.format("example"), "mail.old-provider.example. A 203.0.113.25"]
    return {"jp": "\n".join(lines) + "\n", "example": "\n".join(example) + "\n"}


def _domain_zones() -> dict[str, str]:
    zones = {}
    for domain in (*DOMAINS, *SIGNED):
        zones[domain] = _zone(domain, ("ns1.lab.jp.", "ns2.lab.jp."))
    for fault in FAULTS:
        zones[f"{fault}.jp"] = _zone(f"{fault}.jp", ("ns1.lab.jp.", f"{fault}.lab.jp."))
    zones["lame.jp"] = _zone("lame.jp", ("ns1.lab.jp.", "registry.lab.jp."))
    return zones


def _zone(domain: str, nameservers: Iterable[str]) -> str:
    ns = "".join(f"@ NS {host}\n" for host in nameservers)
    soa = f"@ SOA ns1.lab.jp. hostmaster.{domain}. 1 1800 900 604800 5"
    return f"$TTL {TTL}\n{soa}\n{ns}@ {TTL} MX {OLD}\n"


def start_knot(lab: DnsLab, name: str, address: str, zones: dict[str, str]) -> None:
    """An authoritative server that takes updates from this machine. `zones`: name → zone file."""
    folder = lab.folder / name
    folder.mkdir()
    host, port = lab.places[address]
    policies = "".join(
        f"  - id: {domain}\n    algorithm: ECDSAP256SHA256\n    rrsig-lifetime: {life}\n"
        "    rrsig-refresh: 2h\n"
        "    propagation-delay: 1\n    zone-max-ttl: 60\n    dnskey-ttl: 60\n"
        for domain, life in SIGNED.items()
    )
    entries = []
    for domain, text in zones.items():
        (folder / f"{domain}.zone").write_text(text)
        signing = f"    dnssec-signing: on\n    dnssec-policy: {domain}\n" if domain in SIGNED else ""
        entries.append(
            f"  - domain: {domain}\n    file: {folder}/{domain}.zone\n    acl: all\n"
            f"    zonefile-load: whole\n    journal-content: all\n    zonefile-sync: -1\n{signing}"
        )
    (folder / "knot.conf").write_text(
        f"server:\n  rundir: {folder}\n  listen: {host}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n"
        f"  background-workers: 1\ndatabase:\n  storage: {folder}\n"
        f"acl:\n  - id: all\n    action: [update, transfer]\n    address: {LOOPBACK}\n"
        f"log:\n  - target: stderr\n    any: warning\npolicy:\n{policies}zone:\n{''.join(entries)}"
    )
    lab.run("knotd", "-c", str(folder / "knot.conf"))


def _bind(lab: DnsLab) -> None:
    """A secondary that hears of nothing: it lags until it is told."""
    folder = lab.folder / "bind"
    folder.mkdir()
    port, primary = lab.places[SECONDARY][1], lab.places[PRIMARY][1]
    zones = "".join(
        f'zone "{domain}" {{ type secondary; primaries {{ {LOOPBACK} port {primary}; }}; '
        f'file "{folder}/{domain}.db"; }};\n'
        for domain in (*DOMAINS, *SIGNED)
    )
    (folder / "named.conf").write_text(
        f'options {{ directory "{folder}"; listen-on port {port} {{ {LOOPBACK}; }}; '
        f"listen-on-v6 {{ none; }}; "
        f'recursion no; notify no; allow-notify {{ any; }}; pid-file "{folder}/named.pid"; '
        f'session-keyfile "{folder}/session.key"; serial-query-rate 100; dnssec-validation no; '
        "allow-transfer { any; }; }; controls { };\n" + zones
    )
    lab.run("named", "-g", "-n", "1", "-c", str(folder / "named.conf"))


def _dnsdist(lab: DnsLab) -> None:
    """Before the primary, a fault on each port."""
    backend = lab.places[PRIMARY][1]
    actions = {
        "drop": "DropAction()",
        "servfail": "RCodeAction(DNSRCode.SERVFAIL)",
        "refused": "RCodeAction(DNSRCode.REFUSED)",
    }
    lines = [f'newServer({{address="{LOOPBACK}:{backend}", useClientSubnet=false}})']
    for fault, address in FAULTY.items():
        port = lab.places[address][1]
        adder = "addLocal" if fault != FAULTS[0] else "setLocal"
        lines.append(f'{adder}("{LOOPBACK}:{port}")')
        here = f"LuaRule(function(dq) return dq.localaddr:getPort() == {port} end)"
        if fault in actions:
            lines.append(f"addAction({here}, {actions[fault]})")
        elif fault == "truncate":
            lines.append(f"addAction(AndRule{{{here}, TCPRule(false)}}, TCAction())")
        else:
            lines.append(f"addAction({here}, DelayAction({LATE}))")
    lines += ['setACL({"127.0.0.0/8"})', 'setSecurityPollSuffix("")']
    config = lab.folder / "dnsdist.conf"
    config.write_text("\n".join(lines) + "\n")
    lab.run("dnsdist", "--supervised", "--disable-syslog", "-C", str(config))


def start_unbound(
    lab: DnsLab,
    name: str,
    address: str,
    stubs: Iterable[tuple[str, list[str]]],
    habit: str,
    anchors: str = "",
) -> None:
    """A validating cache. `stubs`: (zone, the addresses that serve it); `habit`: lines of its own."""
    folder = lab.folder / name
    folder.mkdir()
    port = lab.places[address][1]
    zones = ""
    for zone, addresses in stubs:
        places = "".join(f"  stub-addr: {LOOPBACK}@{lab.places[a][1]}\n" for a in addresses)
        zones += f'stub-zone:\n  name: "{zone}"\n{places}'
    (folder / "unbound.conf").write_text(
        f'server:\n  directory: "{folder}"\n  chroot: ""\n  username: ""\n  pidfile: "{folder}/pid"\n'
        f"  interface: {LOOPBACK}@{port}\n  do-ip6: no\n  use-syslog: no\n  verbosity: 0\n"
        '  do-not-query-localhost: no\n  module-config: "validator iterator"\n  num-threads: 1\n'
        '  infra-cache-max-rtt: 1000\n  aggressive-nsec: no\n  root-hints: ""\n  cache-max-negative-ttl: 1\n'
        f"{anchors}{'  ' + habit if habit else ''}\n"
        "remote-control:\n  control-enable: no\n" + zones
    )
    lab.run("unbound", "-d", "-c", str(folder / "unbound.conf"))


def _stubs() -> list[tuple[str, list[str]]]:
    alone = [*SIGNED, "lame.jp", *(f"{fault}.jp" for fault in FAULTS)]
    return [
        ("jp", [REGISTRY]),
        ("example", [REGISTRY]),
        *((domain, [PRIMARY, SECONDARY]) for domain in DOMAINS),
        *((domain, [PRIMARY]) for domain in alone),
    ]


def _anchors(lab: DnsLab) -> str:
    """What the resolver trusts: the signed domains' own keys, and for the bogus one a key that is not its."""
    lines = ""
    for domain in SIGNED:
        keys = lab.ask(PRIMARY, domain, "DNSKEY").answer[0]
        owner = dns.name.from_text(domain if domain != "bogus.jp" else "other.jp")
        for key in keys:
            if key.flags & 1:  # the key-signing key
                ds = dns.dnssec.make_ds(owner, key, "SHA256")
                lines += f'  trust-anchor: "{domain}. DS {ds.to_text()}"\n'
    return lines
