"""The long fault run: replicas of the whole bot, killed at random, against a Slack that fails in every way.

    python -m tests.chaos.run [--database sqlite|postgresql] [--reminders 1000] [--kills 30] [--seed N]

Three processes of `mxcutover run` share a database and are killed with SIGKILL at random moments and started
anew; one process plays Slack. The database goes away in between: PostgreSQL ends every connection, or stops
and starts; SQLite's file is held by another for seconds, at times for longer than anybody waits. Every
reminder has a number, which is looked for in what people see at the end. The seed repeats the faults, their
moments and who is killed (what the operating system does, it cannot).
Ends with the counts, printed and in bench/results/chaos.md; the exit code is 1 where anything was lost or
doubled.
"""

import argparse
import asyncio
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.teams import Team
from bot.ports import PlannedReminder, Tx
from bot.store.engine import SqlStore, open_store
from bot.store.migrate import migrate
from bot.workspace.person import CUTOVER, HANAKO, Person
from bot.workspace.state import TEAM_ID
from tests.contract.samples import cutover
from tests.flow.test_killed import SCRIPT, free_port, slack
from tests.lab.postgres import Postgres, private_postgres

REPLICAS = 3
RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results"
LEASE_SECONDS = 5
TEAM = Team("", TEAM_ID)
FAULTS = (
    {"kind": "drop_answer", "method": "chat.postMessage"},
    {"kind": "delay", "method": "chat.postMessage", "seconds": 1.5},
    {"kind": "rate_limit", "method": "chat.postMessage", "seconds": 1},
    {"kind": "status", "method": "chat.postMessage", "status": 503},
    {"kind": "reset", "method": "chat.postMessage"},
    {"kind": "refuse", "method": "chat.postMessage", "error": "internal_error"},
    {"kind": "drop_answer", "method": "conversations.replies"},
    {"kind": "twice", "method": "events_api"},
    {"kind": "deaf", "method": "events_api"},
)
OUTAGE_EVERY = 4  # kills
LOCKED_SECONDS = (2.0, 8.0, 24.0)  # SQLite's own patience is 5 s, the store's four times that
Outage = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Counts:
    """How a run ended. `unsettled`: rows that were still to be fired or said."""

    database: str
    seed: int
    reminders: int
    kills: int
    faults: int
    outages: int
    seconds: int
    said: int
    lost: int
    doubled: int
    unsettled: int

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.unsettled)


class Replica:
    """One process of the bot, started again after each kill."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._environment = {**environment, "MXCUTOVER_PORT": str(free_port())}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                SCRIPT, "run", env=self._environment, stdout=asyncio.subprocess.DEVNULL, stderr=log
            )

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def start_if_ended(self) -> None:
        """As a supervisor does with one that could not begin, for want of a database."""
        if self._process is not None and self._process.returncode is not None:
            await self.start()

    async def kill_and_start(self) -> None:
        await self.kill()
        await self.start()


def domain_of(number: int) -> str:
    """Whose reminder it is: named in every reminder, so that it can be found in what is said."""
    return f"n{number:05d}.example"


async def fill(store: SqlStore, roots: dict[int, str], due: dict[int, datetime]) -> None:
    """A cutover of its own for each reminder, its thread opened already."""
    numbers = sorted(roots)

    def some(part: list[int]) -> None:
        def work(tx: Tx) -> None:
            for number in part:
                made = cutover(number, TEAM, domain=domain_of(number), owner=HANAKO, channel=CUTOVER)
                made = replace(made, thread_ts=roots[number], assignees=(), asked=None)
                tx.cutovers.add(replace(made, day=datetime.now(UTC) + timedelta(days=20)))
                row = PlannedReminder("connector", due[number], "send_with_note")
                tx.reminders.plan(TEAM, made.id, made.plan_version, [row])

        store.run(work)

    for start in range(0, len(numbers), 50):
        await asyncio.to_thread(some, numbers[start : start + 50])


async def harm(
    hanako: Person,
    chance: random.Random,
    replicas: list[Replica],
    outages: Sequence[Outage],
    kills: int,
    span: float,
) -> tuple[int, int]:
    """Faults, kills and outages at random moments over `span` seconds; how many faults and outages."""
    faults, away = 0, 0
    for kill in range(kills):
        for _ in range(chance.randint(1, 3)):
            await hanako.fault(**chance.choice(FAULTS))
            faults += 1
        if chance.random() < 0.2:
            await hanako.do("disconnect")
            faults += 1
        if kill % OUTAGE_EVERY == 1:
            await outages[away % len(outages)]()
            away += 1
        await asyncio.sleep(span / kills * chance.uniform(0.5, 1.5))
        await chance.choice(replicas).kill_and_start()
        for replica in replicas:
            await replica.start_if_ended()
    return faults, away


async def left(store: SqlStore) -> int:
    """Reminders not fired and messages not said."""

    def work(tx: Tx) -> int:
        return tx.outbox.unsettled() + (tx.reminders.next_due() is not None)

    return await store.transact(work)


async def chaos(
    url: str,
    outages: Sequence[Outage],
    name: str,
    *,
    reminders: int,
    kills: int,
    seed: int,
    span: float,
    folder: Path,
) -> Counts:
    """One run on a fresh migrated database."""
    chance, started = random.Random(seed), time.monotonic()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(slack())
        hanako = await stack.enter_async_context(Person(address))
        roots = {n: str((await hanako.say(f"root {n}"))["ts"]) for n in range(reminders)}
        store = open_store(url)
        stack.push_async_callback(store.close)
        begin = datetime.now(UTC) + timedelta(seconds=3)
        await fill(store, roots, {n: begin + timedelta(seconds=chance.uniform(0, span)) for n in roots})
        environment = {
            **{
                k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))
            },
            "SLACK_BOT_TOKEN": "xoxb-local",
            "SLACK_APP_TOKEN": "xapp-local",
            "SLACK_API_URL": f"{address}/api/",
            "DATABASE_URL": url,
            "MXCUTOVER_DATA": str(folder),
            "MXCUTOVER_NAMESERVERS": "127.0.0.1:1",
            "MXCUTOVER_SAMPLE_RESOLVERS": "",
            "MXCUTOVER_LEASE_SECONDS": str(LEASE_SECONDS),
            "MXCUTOVER_MESSAGES_PER_SECOND": "0",
        }
        replicas = [Replica(environment, folder / f"replica{n}.log") for n in range(REPLICAS)]
        for replica in replicas:
            stack.push_async_callback(replica.kill)
            await replica.start()
        faults, away = await harm(hanako, chance, replicas, outages, kills, span)
        await hanako.do("clear")
        until = time.monotonic() + 120 + reminders / 2
        while (unsettled := await left(store)) and time.monotonic() < until:
            await asyncio.sleep(1)
            for replica in replicas:
                await replica.start_if_ended()
        await asyncio.sleep(
            2 * LEASE_SECONDS
        )  # for as long as an expired lease would need to double something
        seen = Counter[int]()
        by_thread = {ts: number for number, ts in roots.items()}
        for message in (await hanako.state())["messages"]:
            if message["is_reply"] and message.get("bot_id"):
                seen[by_thread[message["thread_ts"]]] += 1
    return Counts(
        database=name,
        seed=seed,
        reminders=reminders,
        kills=kills,
        faults=faults,
        outages=away,
        seconds=round(time.monotonic() - started),
        said=len(seen),
        lost=reminders - len(seen),
        doubled=sum(times > 1 for times in seen.values()),
        unsettled=unsettled,
    )


def held(file: Path, seconds: float) -> Outage:
    """Another process's write lock on a SQLite file, for so long."""

    async def hold() -> None:
        connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)
        finally:
            connection.close()

    return hold


def server_outages(server: Postgres) -> list[Outage]:
    """Connections ended at once; a restart; a crash with some seconds of nothing."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mxcutover'"

    async def ended() -> None:
        await asyncio.to_thread(server.sql, ends)

    async def restarted() -> None:
        await asyncio.to_thread(server.control, "-m", "fast", "restart")

    async def crashed() -> None:
        await asyncio.to_thread(server.control, "-m", "immediate", "stop")
        await asyncio.sleep(6)
        await asyncio.to_thread(server.control, "start")

    return [ended, restarted, crashed]


@asynccontextmanager
async def fresh(name: str, folder: Path) -> AsyncIterator[tuple[str, list[Outage]]]:
    """The URL of a new migrated database, and the ways in which it goes away."""
    with private_postgres() if name == "postgresql" else nullcontext() as server:
        if server is not None:
            server.sql("CREATE DATABASE chaos")
            url, outages = server.url("chaos"), server_outages(server)
        else:
            file = folder / "chaos.db"
            url, outages = f"sqlite:///{file}", [held(file, seconds) for seconds in LOCKED_SECONDS]
        await asyncio.to_thread(migrate, url)
        yield url, outages


async def run(name: str, **how: float) -> Counts:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        async with fresh(name, folder) as (url, outages):
            return await chaos(url, outages, name, folder=folder, **how)  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--reminders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--span", type=float, default=240, help="seconds over which they fall due")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for chaos.md")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    ended = list[Counts]()
    for name in options.database or ["sqlite", "postgresql"]:
        how = {"reminders": options.reminders, "kills": options.kills, "span": options.span}
        counts = asyncio.run(run(name, seed=options.seed, **how))
        print(json.dumps(asdict(counts)), flush=True)
        ended.append(counts)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "chaos.md").write_text(table(ended))
    return 0 if all(counts.good for counts in ended) else 1


def table(ended: Sequence[Counts]) -> str:
    """The closing counts as Markdown, a row for each database."""
    names = [field.name for field in fields(Counts)]
    rows = [[str(value) for value in asdict(counts).values()] for counts in ended]
    lines = [names, ["---"] + ["---:"] * (len(names) - 1), *rows]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{REPLICAS} replicas over Socket Mode; `seconds` is the whole run's length.\n\n{text}\n"


if __name__ == "__main__":
    sys.exit(main())
