"""What a reminder costs: this bot's rows with leases beside APScheduler's SQLAlchemy job store, on SQLite.

    python -m bench.reminders [--rows 1000 100000 1000000] [--repeat 3] [--out bench/results]

Each figure is taken in a process of its own, on a database with so many reminders that are not due yet.
Both sides use a file on the same disk, each with its own default settings. Writes reminders.json and
reminders.md.
"""

import argparse
import json
import logging
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

SIDES = ("ours", "apscheduler")
ROWS = (1_000, 100_000, 1_000_000)
LOOKS = 300  # how often the look for due reminders is timed
PLANNED = 200  # how many are planned one by one
BURST = 200  # how many fall due at the same moment
LATE = timedelta(hours=1)
LEASE = timedelta(minutes=1)

FIGURES = (
    ("disk_ms", "For comparison: one wait for this disk (fsync of 4 kB), ms (median)"),
    ("start_ms", "Opening to the first look, ms"),
    ("look_us", "A look when nothing is due, µs (median)"),
    ("look_p99_us", "A look when nothing is due, µs (99th percentile)"),
    ("plan_us", "Planning one reminder, committed, µs (median)"),
    ("burst_ms_each", f"{BURST} due at once: ms each, claimed, fired, settled"),
    ("burst_last_late_ms", f"{BURST} due at once: the last one's lateness, ms"),
    ("late_fired", f"Of {BURST} that fell due an hour ago, in downtime: fired"),
    ("doubled", f"{BURST} due, two schedulers at once: fired twice"),
    ("unfired", f"{BURST} due, two schedulers at once: not fired within 10 s"),
    ("died", f"{BURST} due, two schedulers at once: schedulers that died of it"),
    ("memory_mb", "Memory at the end, MB"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=list(ROWS))
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which each figure's best counts")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--one", nargs=3, metavar=("SIDE", "ROWS", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        side, rows, folder = options.one
        # By its own name, not as __main__: APScheduler's jobs are to find this module's list.
        from bench import reminders

        measure = {"ours": reminders.measure_ours, "apscheduler": reminders.measure_apscheduler}[side]
        figures = measure(int(rows), Path(folder))
        print(json.dumps({**figures, "disk_ms": _disk_ms(Path(folder))}))
        return
    results: dict[str, dict[str, dict[str, float]]] = {}
    for rows in options.rows:
        runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for turn in range(options.repeat):
            for side in SIDES:  # in turns, so that a busy moment of the machine meets both
                print(f"{side}, {rows:,} rows, run {turn + 1} …", file=sys.stderr)
                runs[side].append(_one(side, rows))
        results[str(rows)] = {side: _best(runs[side]) for side in SIDES}
    report: dict[str, Any] = {
        "repeat": options.repeat,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "apscheduler": version("apscheduler"),
        "rows": results,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "reminders.json").write_text(json.dumps(report, indent=2) + "\n")
    text = table(report)
    (options.out / "reminders.md").write_text(text)
    print(text)


def _one(side: str, rows: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.reminders", "--one", side, str(rows), folder]
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _best(runs: list[dict[str, float]]) -> dict[str, float]:
    """Of what should be small the least; of what shall not happen, and of what must, the worst."""
    worst = {"doubled": max, "unfired": max, "died": max, "memory_mb": max}
    return {key: worst.get(key, min)(run[key] for run in runs) for key in runs[0]}


def table(report: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    sizes = list(report["rows"])
    head = "| |" + "".join(f" ours, {int(size):,} rows | APScheduler |" for size in sizes)
    lines = [
        f"Python {report['python']}, SQLite {report['sqlite']}, APScheduler {report['apscheduler']}."
        f" The best of {report['repeat']} runs in turns; of what should never happen, the worst.",
        "",
        head,
        "|---|" + "---:|---:|" * len(sizes),
    ]
    for key, label in FIGURES:
        cells = [f"{report['rows'][size][side][key]:,}" for size in sizes for side in SIDES]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    fewest, most = (report["rows"][size]["ours"]["look_us"] for size in (sizes[0], sizes[-1]))
    grown = f"A look among {int(sizes[-1]):,} rows takes {most / fewest:.2f} times what it takes among"
    return "\n".join([*lines, "", f"{grown} {int(sizes[0]):,}."]) + "\n"


# --- ours ------------------------------------------------------------------------------------------


def measure_ours(rows: int, folder: Path) -> dict[str, float]:
    from sqlalchemy import insert

    from bot.domain.cutover import Cutover, MailService, Plan, Product
    from bot.domain.teams import Team
    from bot.ports import PlannedReminder
    from bot.store.engine import SqlStore, open_store
    from bot.store.migrate import migrate
    from bot.store.tables import REMINDERS
    from bot.store.tx import SqlTx

    team, now = Team("", "T"), datetime.now(UTC)
    url = f"sqlite:///{folder / 'ours.db'}"
    migrate(url)
    filler = open_store(url)

    def fill(tx: SqlTx) -> None:
        tx.cutovers.add(
            Cutover(
                id="c",
                team=team,
                domain="example.co.jp",
                product=Product.MAILGATES,
                plan=Plan.SIGMA,
                mail_service=MailService.OTHER,
                expected=frozenset(),
                day=now,
                owner="U",
                channel="C",
                opened_at=now,
            )
        )
        row = {"enterprise_id": "", "team_id": "T", "cutover_id": "c", "kind": "x", "late": "send"}
        row |= {"args": {}, "state": "pending"}  # type: ignore[dict-item]
        for start in range(0, rows, 10_000):
            numbers = range(start, min(rows, start + 10_000))
            tx.connection.execute(
                insert(REMINDERS),
                [
                    {**row, "plan_version": 100 + n, "due_at": now + timedelta(days=30, seconds=n)}
                    for n in numbers
                ],
            )

    filler.run(fill)
    filler.engine.dispose()

    def look(store: SqlStore) -> int:
        at = datetime.now(UTC)
        return len(store.run(lambda tx: tx.reminders.claim(at, limit=20, lease=LEASE)))

    def fire_all(store: SqlStore, fired: list[int], lateness: list[float]) -> None:
        """As the scheduler's tick does: claimed in batches, each settled in a transaction of its own."""
        while batch := store.run(lambda tx: tx.reminders.claim(datetime.now(UTC), limit=20, lease=LEASE)):
            for row in batch:
                token = row.token or ""
                if store.run(lambda tx, i=row.id, t=token: tx.reminders.done(i, t, "fired")):  # type: ignore[misc]
                    fired.append(row.id)
                    lateness.append((datetime.now(UTC) - row.reminder.due_at).total_seconds())

    def plan(store: SqlStore, version: int, due: datetime, count: int = 1) -> None:
        reminders = [PlannedReminder(f"k{n}", due, "send") for n in range(count)]
        store.run(lambda tx: tx.reminders.plan(team, "c", version, reminders))

    started = time.perf_counter()
    store = open_store(url)
    look(store)
    figures = {"start_ms": round((time.perf_counter() - started) * 1e3, 1)}
    figures |= _looks(lambda: look(store))
    later = now + timedelta(days=20)
    figures["plan_us"] = _median_us(PLANNED, lambda n: plan(store, 10_000_000 + n, later))

    fired, lateness = list[int](), list[float]()
    plan(store, 1, datetime.now(UTC), BURST)
    started = time.perf_counter()
    fire_all(store, fired, lateness)
    figures |= _burst(time.perf_counter() - started, lateness)

    fired.clear()
    plan(store, 2, datetime.now(UTC) - LATE, BURST)
    fire_all(store, fired, lateness)
    figures["late_fired"] = len(set(fired))

    fired.clear()
    plan(store, 3, datetime.now(UTC), BURST)
    other = open_store(url)
    ended: list[SqlStore] = []

    def fire_beside(each: SqlStore) -> None:
        fire_all(each, fired, lateness)
        ended.append(each)

    pair = [threading.Thread(target=fire_beside, args=(each,)) for each in (store, other)]
    for thread in pair:
        thread.start()
    for thread in pair:
        thread.join()
    figures["died"] = 2 - len(ended)
    figures["doubled"] = len(fired) - len(set(fired))
    figures["unfired"] = BURST - len(set(fired))
    figures["memory_mb"] = _memory_mb()
    return figures


# --- APScheduler -----------------------------------------------------------------------------------

_fired: list[tuple[str, float]] = []
_settled = threading.Semaphore(0)


def fired(name: str, due: float) -> None:
    """What APScheduler's jobs call; found by its name, as a job store wants it."""
    _fired.append((name, time.time() - due))


def measure_apscheduler(rows: int, folder: Path) -> dict[str, float]:
    from apscheduler.events import EVENT_JOB_EXECUTED, EVENT_JOB_MISSED
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler
    from sqlalchemy import insert, select

    logging.disable(logging.CRITICAL)
    url, now = f"sqlite:///{folder / 'apscheduler.db'}", datetime.now(UTC)

    def scheduler(**defaults: Any) -> Any:
        made = BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(url=url)}, job_defaults=defaults, timezone="UTC"
        )
        made.start(paused=True)
        return made

    def add(on: Any, name: str, due: datetime) -> None:
        on.add_job("bench.reminders:fired", "date", run_date=due, args=(name, due.timestamp()), id=name)

    filler = scheduler()
    add(filler, "template", now + timedelta(days=30))
    store = filler._lookup_jobstore("default")
    with store.engine.begin() as connection:
        # Copies of one job's row: its own way of adding would take minutes, and none of them is run.
        state = connection.execute(select(store.jobs_t.c.job_state)).scalar_one()
        at = (now + timedelta(days=30)).timestamp()
        for start in range(0, rows, 10_000):
            numbers = range(start, min(rows, start + 10_000))
            connection.execute(
                insert(store.jobs_t),
                [{"id": f"later{n}", "next_run_time": at + n, "job_state": state} for n in numbers],
            )
    filler.shutdown()

    def look(on: Any) -> None:
        """What each of its wake-ups asks of the job store."""
        jobs = on._lookup_jobstore("default")
        jobs.get_due_jobs(datetime.now(UTC))
        jobs.get_next_run_time()

    started = time.perf_counter()
    running = scheduler()
    look(running)
    figures = {"start_ms": round((time.perf_counter() - started) * 1e3, 1)}
    figures |= _looks(lambda: look(running))
    figures["plan_us"] = _median_us(PLANNED, lambda n: add(running, f"p{n}", now + timedelta(days=20)))
    running.shutdown()

    died: list[int] = []

    def run(schedulers: list[Any], expected: int) -> float:
        """Let them work until so many jobs were run or given up; the seconds that it took."""
        for each in schedulers:
            each.add_listener(lambda _: _settled.release(), EVENT_JOB_EXECUTED | EVENT_JOB_MISSED)
        began = time.perf_counter()
        for each in schedulers:
            each.resume()
        for _ in range(expected):
            if not _settled.acquire(timeout=10):
                break  # a scheduler that died settles nothing more
        took = time.perf_counter() - began
        died.append(sum(not each._thread.is_alive() for each in schedulers))
        for each in schedulers:
            each.shutdown()
        while _settled.acquire(blocking=False):
            pass
        return took

    def planned(on: Any, due: datetime) -> None:
        _fired.clear()
        for n in range(BURST):
            add(on, f"b{n}", due)

    # A grace of None, so that the burst is run at all: planning it takes longer than the default second.
    one = scheduler(misfire_grace_time=None)
    due = datetime.now(UTC)
    planned(one, due)
    waited = (datetime.now(UTC) - due).total_seconds()  # planning the burst is no lateness
    took = run([one], BURST)
    figures |= _burst(took, [late - waited for _, late in _fired])

    downtime = scheduler()
    planned(downtime, datetime.now(UTC) - LATE)
    run([downtime], BURST)
    figures["late_fired"] = len({name for name, _ in _fired})

    pair = [scheduler(misfire_grace_time=None), scheduler(misfire_grace_time=None)]
    planned(pair[0], datetime.now(UTC))
    run(pair, BURST)
    figures["doubled"] = len(_fired) - len({name for name, _ in _fired})
    figures["unfired"] = BURST - len({name for name, _ in _fired})
    figures["died"] = died[-1]
    figures["memory_mb"] = _memory_mb()
    return figures


# --- measuring -------------------------------------------------------------------------------------


def _looks(look: Callable[[], object]) -> dict[str, float]:
    times = _times(LOOKS, lambda _: look())
    return {
        "look_us": round(statistics.median(times) * 1e6),
        "look_p99_us": round(sorted(times)[int(len(times) * 0.99)] * 1e6),
    }


def _median_us(count: int, do: Callable[[int], object]) -> float:
    return round(statistics.median(_times(count, do)) * 1e6)


def _times(count: int, do: Callable[[int], object]) -> list[float]:
    found = []
    for number in range(count):
        started = time.perf_counter()
        do(number)
        found.append(time.perf_counter() - started)
    return found


def _burst(took: float, lateness: list[float]) -> dict[str, float]:
    return {
        "burst_ms_each": round(took / BURST * 1e3, 2),
        "burst_last_late_ms": round(max(lateness) * 1e3),
    }


def _disk_ms(folder: Path) -> float:
    """What one commit cannot do without, and what makes up most of it."""
    with (folder / "probe").open("wb", buffering=0) as file:

        def write(_: int) -> None:
            file.write(b"x" * 4096)
            os.fsync(file.fileno())

        return round(statistics.median(_times(50, write)) * 1e3, 2)


def _memory_mb() -> float:
    """Resident memory now, from /proc (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * 4096 / 1e6, 1)


if __name__ == "__main__":
    main()
