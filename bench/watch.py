"""What watching thousands of domains costs: the whole bot's looks beside a bare loop of asyncquery.

    python -m bench.watch [--domains 5000] [--changing 100] [--seconds 120] [--out bench/results]

The domains are on a Knot of their own on loopback, every answer delayed; one in a hundred has servers
that say nothing. Most were changed a while ago and wait for t_safe (looked at every five minutes), some
change now (every twenty seconds). Ours: the bot as main.py wires it, with its scheduler's ticks and a
SQLite file, on the real clock; every look is stored, judged and told to the outbox. The rival: one task
a domain that sleeps, and asks the same two questions of each server by dns.asyncquery; nothing is kept.
Each side is a process of its own. Writes watch.json and watch.md.
"""

import argparse
import asyncio
import json
import logging
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.dns_checks import PRIMARY, RESOLVER, SECONDARY, SILENT, delayed, need_servers

SIDES = ("ours", "asyncquery")
EVERY, EVERY_CHANGING = 300.0, 20.0  # seconds, as bot/domain/progress.py has them
ONE_IN = 100  # so many domains for one that has silent servers
FIGURES = (
    ("polls", "Looks made"),
    ("cpu_percent", "CPU, % of one core"),
    ("cpu_ms_each", "CPU a look, ms"),
    ("memory_mb", "Memory, MB"),
    ("memory_idle_mb", "Memory before the first look, MB"),
    ("late_median_ms", "A look's lateness, ms (median)"),
    ("late_p99_ms", "A look's lateness, ms (99th percentile)"),
    ("late_max_ms", "A look's lateness, ms (worst)"),
    ("stored", "Looks stored and judged"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--domains", type=int, default=5000)
    parser.add_argument("--changing", type=int, default=100, help="how many of them change just now")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long each side is watched")
    parser.add_argument("--delay", type=int, default=20, help="milliseconds, of every answer")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--one", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        side, folder = options.one[0], Path(options.one[1])
        world = json.loads((folder / "world.json").read_text())
        measure = {"ours": watch_ours, "asyncquery": watch_bare}[side]
        print(json.dumps(asyncio.run(measure(world, folder))))
        return
    need_servers()
    report = run(options)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "watch.json").write_text(json.dumps(report, indent=2) + "\n")
    text = table(report)
    (options.out / "watch.md").write_text(text)
    print(text)


def run(options: argparse.Namespace) -> dict[str, Any]:
    names = [f"d{n}.jp" for n in range(options.domains)]
    silent = names[1::ONE_IN]
    sides: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        with delayed(folder, names, options.delay, silent=silent) as lab:
            world = {
                "names": names,
                "silent": silent,
                "changing": options.changing,
                "seconds": options.seconds,
                "places": {address: list(place) for address, place in lab.slow.items()},
            }
            (folder / "world.json").write_text(json.dumps(world))
            for side in SIDES:
                print(f"{side}, {options.domains:,} domains, {options.seconds:.0f} s …", file=sys.stderr)
                command = [sys.executable, "-m", "bench.watch", "--one", side, text]
                done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603
                if done.returncode:
                    raise SystemExit(done.stderr)
                sides[side] = json.loads(done.stdout.splitlines()[-1])
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "dnspython": version("dnspython"),
        "domains": options.domains,
        "changing": options.changing,
        "silent": len(silent),
        "seconds": options.seconds,
        "delay_ms": options.delay,
        **sides,
    }


def first_dues(world: dict[str, Any]) -> list[float]:
    """Seconds from the start to each domain's first look: evenly over its period, as they come to be."""
    changing, count = world["changing"], len(world["names"])
    quick = [EVERY_CHANGING * n / max(1, changing) for n in range(changing)]
    return quick + [EVERY * n / max(1, count - changing) for n in range(count - changing)]


def memory_mb() -> float:
    """Resident memory now, from /proc (Linux)."""
    return round(int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6, 1)


class Meter:
    """CPU from the beginning on, and the lateness of each look."""

    def __init__(self) -> None:
        self.late: list[float] = []
        self._idle = memory_mb()
        self._cpu, self._began = time.process_time(), time.perf_counter()

    def figures(self) -> dict[str, float]:
        cpu, took = time.process_time() - self._cpu, time.perf_counter() - self._began
        late = sorted(self.late)
        return {
            "polls": len(late),
            "cpu_percent": round(100 * cpu / took, 1),
            "cpu_ms_each": round(1000 * cpu / len(late), 2),
            "memory_mb": memory_mb(),
            "memory_idle_mb": self._idle,
            "late_median_ms": round(1000 * statistics.median(late)),
            "late_p99_ms": round(1000 * late[int(len(late) * 0.99)]),
            "late_max_ms": round(1000 * late[-1]),
        }


# --- ours ------------------------------------------------------------------------------------------


async def watch_ours(world: dict[str, Any], folder: Path) -> dict[str, float]:
    from pydantic import SecretStr

    from bot.clock import SystemClock
    from bot.dns.client import DnsClient
    from bot.dns.config import DnsConfig
    from bot.domain.facts import DomainFacts
    from bot.main import Bot
    from bot.settings import Settings
    from bot.store.engine import open_store
    from bot.store.migrate import migrate

    logging.disable(logging.CRITICAL)
    url = f"sqlite:///{folder / 'ours.db'}"
    migrate(url)
    clock = SystemClock()
    places = {address: (str(host), int(port)) for address, (host, port) in world["places"].items()}
    client = DnsClient(DnsConfig(resolvers=((RESOLVER, 53),), address_map=places), clock)
    meter: Meter | None = None
    due: dict[str, datetime] = {}

    class Timed:
        """The client, with the time of each look beside the time that it was due at."""

        def took(self, domain: str, at: datetime) -> None:
            planned = due.pop(domain, None)
            if meter is not None and planned is not None:
                meter.late.append((at - planned).total_seconds())

        async def look(self, domain: str, *, expected: Sequence[str] = ()) -> DomainFacts:
            facts = await client.look(domain, expected=expected)
            self.took(domain, facts.at)
            return facts

        async def look_mx(self, domain: str, known: DomainFacts | None = None) -> DomainFacts:
            facts = await client.look_mx(domain, known)
            self.took(domain, facts.at)
            return facts

    settings = Settings(_env_file=None, data=folder, sample_resolvers=())  # type: ignore[call-arg]
    store = open_store(url)
    await asyncio.to_thread(fill, store, world, datetime.now(UTC))
    bot = Bot(
        settings,
        store,
        Timed(),
        clock,
        token=SecretStr("xoxb-bench"),
        api_url="http://127.0.0.1:9/api/",  # what is told stays in the outbox
        app_token=None,
        signing_secret=None,
    )

    keep_dues(due)
    started = await asyncio.to_thread(plan_ahead, store, first_dues(world))
    await asyncio.sleep((started - datetime.now(UTC)).total_seconds() - 1)
    meter = Meter()
    bot.scheduler.start()
    await asyncio.sleep(world["seconds"])
    figures = meter.figures()
    await bot.scheduler.stop()
    await bot.looks.stop(20)
    figures["stored"] = await asyncio.to_thread(stored, store, started)
    await store.close()
    return figures


def keep_dues(due: dict[str, datetime]) -> None:
    """Note when each claimed cutover was due, for the meter: the claim itself moves the time on."""
    from bot.domain.cutover import Cutover, State
    from bot.store.cutovers import SqlCutovers

    claimed = SqlCutovers.due_looks

    def noted(
        self: SqlCutovers, now: datetime, limit: int, *, states: frozenset[State] | None = None
    ) -> Sequence[Cutover]:
        rows = claimed(self, now, limit, states=states)
        due.update({row.domain: row.next_look_at for row in rows if row.next_look_at is not None})
        return rows

    SqlCutovers.due_looks = noted  # type: ignore[method-assign]


def fill(store: Any, world: dict[str, Any], now: datetime) -> None:
    """The cutovers as a change leaves them, and the two looks that showed it."""
    from bot.domain.cutover import Cutover, Instants, MailService, Plan, Product, Snapshot, State
    from bot.domain.facts import DomainFacts, MxAnswer, MxRecord, Outcome, Server
    from bot.domain.mx import Mx
    from bot.domain.teams import Team
    from bot.store.tx import SqlTx

    team, silent = Team("", "T"), set(world["silent"])
    mx = frozenset({Mx(10, "mail.old-provider.example.")})  # what the zones hold
    before = frozenset({Mx(10, "mx.before.example.")})
    flip = now - timedelta(minutes=30)

    def answers(name: str, at: datetime, held: frozenset[Mx]) -> DomainFacts:
        addresses = (SILENT,) if name in silent else (PRIMARY, SECONDARY)
        servers = [Server(f"ns{n}.lab.jp.", address) for n, address in enumerate(addresses, 1)]
        records = tuple(MxRecord(record, 7200) for record in held)
        said = [MxAnswer(s, at, Outcome.ANSWER, True, "NOERROR", records) for s in servers]
        return DomainFacts(name, at, tuple(said), zone=f"{name}.", nameservers=("ns1.lab.jp.", "ns2.lab.jp."))

    def add(tx: SqlTx, start: int) -> None:
        for number in range(start, min(start + 500, len(world["names"]))):
            name, changing = world["names"][number], number < world["changing"]
            held = before if changing else mx
            cutover = Cutover(
                id=f"c{number}",
                team=team,
                domain=name,
                product=Product.MAILGATES,
                plan=Plan.SIGMA,
                mail_service=MailService.OTHER,
                expected=frozenset({Mx(10, "mgf.cybermail.jp.")}) if changing else mx,
                day=flip,
                owner="U",
                channel="C",
                opened_at=now,
                state=State.CHANGING if changing else State.WATCHING,
                snapshot=Snapshot(mx if changing else before, 7200, ("ns1.lab.jp.",), None, now),
                instants=Instants() if changing else Instants(t_flip=flip, t_safe=flip + timedelta(hours=2)),
                progress_ts="1.1",
                thread_ts="1.0",
            )
            tx.cutovers.add(cutover)
            held = mx
            if not changing:
                tx.observations.add(team, cutover.id, answers(name, flip - timedelta(minutes=1), before))
            tx.observations.add(team, cutover.id, answers(name, flip, held))

    for start in range(0, len(world["names"]), 500):
        store.run(lambda tx, s=start: add(tx, s))


def plan_ahead(store: Any, dues: Sequence[float]) -> datetime:
    """Plan the looks from a moment on that is still to come when that is done; that moment."""
    ahead = 5.0
    while True:
        start = datetime.now(UTC) + timedelta(seconds=ahead)
        plan(store, dues, start)
        if start > datetime.now(UTC) + timedelta(seconds=2):
            return start
        ahead *= 2


def plan(store: Any, dues: Sequence[float], start: datetime) -> None:
    """The looks' times, now that filling the database has taken its while."""
    from sqlalchemy import bindparam, update

    from bot.store.tables import CUTOVERS

    column = CUTOVERS.c.next_look_at
    statement = update(CUTOVERS).where(CUTOVERS.c.id == bindparam("number"))
    statement = statement.values(next_look_at=bindparam("due", type_=column.type))
    rows = [{"number": f"c{n}", "due": start + timedelta(seconds=s)} for n, s in enumerate(dues)]
    with store.engine.begin() as connection:
        connection.execute(statement, rows)


def stored(store: Any, since: datetime) -> int:
    """How many looks came into the database after the filling."""
    from sqlalchemy import func, select

    from bot.store.tables import OBSERVATIONS

    with store.engine.connect() as connection:
        statement = select(func.count()).select_from(OBSERVATIONS).where(OBSERVATIONS.c.at > since)
        return int(connection.execute(statement).scalar_one())


# --- the rival -------------------------------------------------------------------------------------


async def watch_bare(world: dict[str, Any], folder: Path) -> dict[str, float]:
    """A task a domain: sleep, ask MX and SOA of each server by dnspython, sleep."""
    import dns.asyncquery
    import dns.exception
    import dns.message

    places, silent = world["places"], set(world["silent"])
    slots = asyncio.Semaphore(64)
    loop = asyncio.get_running_loop()

    async def ask(name: str, kind: str, address: str, due: float | None) -> None:
        host, port = places[address]
        async with slots:
            if due is not None:
                meter.late.append(loop.time() - due)
            for seconds in (1.5, 2.5):
                query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
                try:
                    await dns.asyncquery.udp(query, host, port=port, timeout=seconds)
                except dns.exception.Timeout:
                    continue
                return

    async def watch(name: str, first: float, every: float) -> None:
        due = start + first
        while True:
            await asyncio.sleep(due - loop.time())
            addresses = (SILENT,) if name in silent else (PRIMARY, SECONDARY)
            asked = [ask(name, kind, a, None) for a in addresses for kind in ("SOA", "MX")]
            asked[0].close()
            asked[0] = ask(name, "SOA", addresses[0], due)
            await asyncio.gather(*asked)
            due = loop.time() + every

    dues = first_dues(world)
    meter, start = Meter(), loop.time() + 1
    tasks = [
        asyncio.create_task(watch(name, dues[n], EVERY_CHANGING if n < world["changing"] else EVERY))
        for n, name in enumerate(world["names"])
    ]
    await asyncio.sleep(world["seconds"])
    figures = meter.figures()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return {**figures, "stored": 0}


def table(report: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    lines = [
        f"Python {report['python']}, SQLite {report['sqlite']}, dnspython {report['dnspython']}."
        f" {report['domains']:,} domains watched for {report['seconds']:.0f} s, {report['changing']:,} of"
        f" them changing, {report['silent']:,} with silent servers; {report['delay_ms']} ms of delay.",
        "",
        "| | ours | a loop of asyncquery |",
        "|---|---:|---:|",
        *(
            f"| {label} | {' | '.join(f'{report[side][key]:,}' for side in SIDES)} |"
            for key, label in FIGURES
        ),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
