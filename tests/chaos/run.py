"""The long fault run: replicas of the whole bot, killed at random, against a Slack that fails in every way.

    python -m tests.chaos.run [--database sqlite|postgresql] [--reminders 1000] [--kills 30] [--seed N]

Three processes of `mxcutover run`, two over Socket Mode and one by signed HTTP, share a database and are
killed with SIGKILL at random moments and started anew; one process plays Slack. People give commands all the
while (people.py). The database goes away in between: PostgreSQL ends every connection, once or for seconds
on end, or stops and starts; SQLite's file is held by another for seconds, at times for longer than anybody
waits, or the disk is full.
Every reminder has a number, which is looked for in what people see at the end. The seed repeats the faults,
their moments, who is killed and what people do (what the operating system does, it cannot).
Ends with the counts, printed and in bench/results/chaos.md; the exit code is 1 where anything was lost or
doubled.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack, nullcontext
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.teams import Team
from bot.ports import PlannedReminder, Tx
from bot.store.engine import SqlStore, open_store
from bot.workspace.person import ALICE, CUTOVER, HANAKO, KEN, Person
from bot.workspace.state import TEAM_ID
from tests.chaos.people import Deeds, ask_all, open_all, outcome, state_all
from tests.chaos.replicas import LEASE_SECONDS, ROADS, Outage, Replica, Way, environment, fresh
from tests.contract.samples import cutover
from tests.flow.test_killed import SCRIPT, slack

RESULTS = Path(__file__).resolve().parents[2] / "bench" / "results"
TEAM = Team("", TEAM_ID)
FAULTS = (
    {"kind": "drop_answer", "method": "chat.postMessage"},
    {"kind": "delay", "method": "chat.postMessage", "seconds": 1.5},
    {"kind": "rate_limit", "method": "chat.postMessage", "seconds": 1},
    {"kind": "status", "method": "chat.postMessage", "status": 503},
    {"kind": "reset", "method": "chat.postMessage"},
    {"kind": "refuse", "method": "chat.postMessage", "error": "internal_error"},
    {"kind": "drop_answer", "method": "conversations.replies"},
    {"kind": "refuse", "method": "views.open", "error": "expired_trigger_id"},
    {"kind": "delay", "method": "views.open", "seconds": 4},
    {"kind": "drop_answer", "method": "views.open"},
    {"kind": "status", "method": "response_url", "status": 503},
    {"kind": "reset", "method": "response_url"},
    {"kind": "drop_answer", "method": "response_url"},
    {"kind": "twice", "method": "events_api"},
    {"kind": "deaf", "method": "events_api"},
    {"kind": "twice", "method": "slash_commands"},
    {"kind": "deaf", "method": "slash_commands"},
    {"kind": "never", "method": "slash_commands"},
    {"kind": "twice", "method": "interactive"},
    {"kind": "deaf", "method": "interactive"},
)
MOST_FAULTS = 6  # for each kill
DEEDS = ("disconnect", "refresh", "expire_triggers")
OUTAGE_EVERY = 4  # kills
KILLED_EARLY = 0.2  # how many may be killed while they start; all others were at work
RETRIES = "0,6,30"  # seconds; Slack's own are 0, 1 min and 5 min


@dataclass(frozen=True, slots=True)
class Counts:
    """How a run ended. `unsettled`: rows that were still to be fired, said or worked on."""

    database: str
    seed: int
    reminders: int
    kills: int
    faults: int
    outages: int
    seconds: int
    lost: int
    doubled: int
    commands: int
    refused: int
    forms: int
    buttons: int
    statements: int
    questions: int
    commands_lost: int
    commands_doubled: int
    answers_repeated: int
    unsettled: int

    @property
    def good(self) -> bool:
        wrong = self.lost, self.doubled, self.commands_lost, self.commands_doubled, self.unsettled
        return not any(wrong)


MEANING = {
    "seconds": "length of the run, seconds",
    "lost": "reminders lost",
    "doubled": "reminders doubled",
    "commands": "commands, clicks and questions by people",
    "refused": "of these not taken, and the person told so by Slack",
    "forms": "cutovers opened by a form",
    "buttons": "a button given where the form's trigger had expired",
    "statements": "steps reported in a thread",
    "questions": "private questions",
    "commands_lost": "of what people did: accepted and lost",
    "commands_doubled": "of what people did: done or said twice",
    "answers_repeated": "private answers said again after an unknown outcome",
    "unsettled": "still to be fired, said or worked on at the end",
}


def domain_of(number: int, what: str = "n") -> str:
    """Whose it is: named in every message, so that it can be found in what is said."""
    return f"{what}{number:05d}.example"


async def fill(store: SqlStore, roots: dict[str, str], due: dict[str, datetime]) -> None:
    """A cutover for each domain, its thread opened already; with a reminder where it is `due`."""

    def some(part: Sequence[str]) -> None:
        def work(tx: Tx) -> None:
            for domain in part:
                made = cutover(1, TEAM, id=domain, domain=domain, owner=HANAKO, channel=CUTOVER)
                made = replace(made, thread_ts=roots[domain], assignees=(), asked=None)
                tx.cutovers.add(replace(made, day=datetime.now(UTC) + timedelta(days=20)))
                if domain in due:
                    row = PlannedReminder("connector", due[domain], "send_with_note")
                    tx.reminders.plan(TEAM, made.id, made.plan_version, [row])

        store.run(work)

    domains = list(roots)
    for start in range(0, len(domains), 50):
        await asyncio.to_thread(some, domains[start : start + 50])


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
        for _ in range(chance.randint(1, MOST_FAULTS)):
            await hanako.fault(**chance.choice(FAULTS))
            faults += 1
        if chance.random() < 0.3:
            await hanako.do(chance.choice(DEEDS))
            faults += 1
        if kill % OUTAGE_EVERY == 1:
            await outages[away % len(outages)](replicas)
            away += 1
        victim, early = chance.choice(replicas), chance.random() < KILLED_EARLY
        await asyncio.sleep(span / kills * chance.uniform(0.5, 1.5))
        if not early:
            await victim.started()
        await victim.kill_and_start()
        for replica in replicas:
            await replica.start_if_ended()
    return faults, away


async def left(store: SqlStore) -> int:
    """Reminders due and not fired, messages not said, deliveries not worked on."""
    now = datetime.now(UTC)

    def work(tx: Tx) -> int:
        due = tx.reminders.next_due()
        waiting = tx.inbox.unprocessed(older_than=now, limit=100)
        return tx.outbox.unsettled() + len(waiting) + (due is not None and due <= now)

    return await store.transact(work)


async def settled(store: SqlStore, replicas: Sequence[Replica], seconds: float) -> int:
    """Until everything is done, or `seconds` are over; what is left. Replicas that ended are started."""
    until = time.monotonic() + seconds
    while (unsettled := await left(store)) and time.monotonic() < until:
        await asyncio.sleep(1)
        for replica in replicas:
            await replica.start_if_ended()
    return unsettled


async def chaos(
    url: str,
    outages: Sequence[Outage],
    database: str,
    *,
    reminders: int,
    kills: int,
    seed: int,
    span: float,
    folder: Path,
    older: str | None = None,
) -> Counts:
    """One run on an empty database. `older`: an earlier release's program, which is the first replica."""
    chance, started = random.Random(seed), time.monotonic()
    deeds, dealt = Deeds(), max(kills, reminders // 10)
    async with AsyncExitStack() as stack:
        ways = [Way(road) for road in ROADS]
        targets = [option for way in ways if way.target for option in ("--http-target", way.target)]
        address = await stack.enter_async_context(slack("--retry-delays", RETRIES, *targets))
        hanako, alice, ken = [
            await stack.enter_async_context(Person(address, who)) for who in (HANAKO, ALICE, KEN)
        ]
        names = [domain_of(n) for n in range(reminders)]
        threads = [domain_of(n, "s") for n in range(dealt)]
        roots = {name: str((await hanako.say(f"root {name}"))["ts"]) for name in [*names, *threads]}
        shared = environment(f"{address}/api/", url, folder)
        scripts = [older or SCRIPT, SCRIPT, SCRIPT]
        replicas = [
            Replica(shared, way, folder / f"replica{n}.log", script)
            for n, (way, script) in enumerate(zip(ways, scripts, strict=True))
        ]
        for replica in replicas:
            stack.push_async_callback(replica.kill)
            await replica.migrate()  # where the first is older, it is at work while the second migrates
            await replica.start()
            await replica.started()
        store = open_store(url)
        stack.push_async_callback(store.close)
        begin = datetime.now(UTC) + timedelta(seconds=3)
        due = {name: begin + timedelta(seconds=chance.uniform(0, span)) for name in names}
        await fill(store, roots, due)
        random_of = [random.Random(f"{seed} {who}") for who in (HANAKO, ALICE, KEN)]
        opened = [domain_of(n, "f") for n in range(kills)]
        asked = [domain_of(n, "q") for n in range(dealt)]
        at_work = asyncio.gather(
            open_all(hanako, opened, deeds, random_of[0], span / kills),
            state_all(alice, [roots[name] for name in threads], deeds, random_of[1], span / dealt),
            ask_all(ken, asked, deeds, random_of[2], span / dealt),
        )
        stack.callback(at_work.cancel)
        faults, away = await harm(hanako, chance, replicas, outages, kills, span)
        await hanako.do("clear")
        await kept_up(at_work, replicas)
        unsettled = await settled(store, replicas, 120 + reminders / 2)
        # For as long as an expired lease would need to double something.
        await asyncio.sleep(2 * LEASE_SECONDS)
        seen = [m for m in (await hanako.state())["messages"] if m.get("bot_id") and not m.get("only_for")]
        private = [m for m in (await ken.state())["messages"] if m.get("only_for")]
        done = await outcome(deeds, seen, private, await hanako.undelivered(), store)
    if done.lost or done.doubled:
        print(f"lost: {done.lost}; doubled: {done.doubled}", file=sys.stderr)
    replies = Counter(message["thread_ts"] for message in seen if message["is_reply"])
    said = [replies[roots[name]] for name in names]
    return Counts(
        database=database,
        seed=seed,
        reminders=reminders,
        kills=kills,
        faults=faults,
        outages=away,
        seconds=round(time.monotonic() - started),
        lost=said.count(0),
        doubled=sum(times > 1 for times in said),
        commands=deeds.commands,
        refused=deeds.refused,
        forms=len(deeds.opened),
        buttons=deeds.buttons,
        statements=len(deeds.stated),
        questions=len(deeds.asked),
        commands_lost=len(done.lost),
        commands_doubled=len(done.doubled),
        answers_repeated=len(done.repeated),
        unsettled=unsettled,
    )


async def kept_up(at_work: "asyncio.Future[tuple[None, None, None]]", replicas: Sequence[Replica]) -> None:
    """Until people have done what they meant to; replicas that ended are started meanwhile."""
    while not at_work.done():
        await asyncio.wait([at_work], timeout=1)
        for replica in replicas:
            await replica.start_if_ended()
    at_work.result()


async def run(name: str, kept: Path | None = None, older: str | None = None, **how: float) -> Counts:
    """`kept`: a folder for the database and the replicas' logs, which stays."""
    with nullcontext(str(kept)) if kept else tempfile.TemporaryDirectory() as text:
        folder = Path(text) / name
        folder.mkdir(parents=True)
        async with fresh(name, folder) as (url, outages):
            return await chaos(url, outages, name, folder=folder, older=older, **how)  # type: ignore[arg-type]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], action="append")
    parser.add_argument("--reminders", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--span", type=float, default=240, help="seconds over which they fall due")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    parser.add_argument("--keep", type=Path, help="folder in which databases and logs stay")
    parser.add_argument("--older", help="`mxcutover` of an earlier release, which is the first replica")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for chaos.md")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    ended = list[Counts]()
    for name in options.database or ["sqlite", "postgresql"]:
        how = {"reminders": options.reminders, "kills": options.kills, "span": options.span}
        counts = asyncio.run(run(name, options.keep, options.older, seed=options.seed, **how))
        print(json.dumps(asdict(counts)), flush=True)
        ended.append(counts)
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "chaos.md").write_text(table(ended))
    return 0 if all(counts.good for counts in ended) else 1


def table(ended: Sequence[Counts]) -> str:
    """The closing counts as Markdown, a column for each database."""
    rows = [[field.name, *(str(getattr(counts, field.name)) for counts in ended)] for field in fields(Counts)]
    head, *rest = rows
    lines = [
        ["", *head[1:]],
        ["---", *["---:"] * len(ended)],
        *([MEANING.get(name, name), *values] for name, *values in rest),
    ]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    ways = ", ".join(f"{ROADS.count(road)} by {shown}" for road, shown in SHOWN.items())
    return f"{len(ROADS)} replicas: {ways}.\n\n{text}\n"


SHOWN = {"socket": "Socket Mode", "http": "signed HTTP"}

if __name__ == "__main__":
    sys.exit(main())
