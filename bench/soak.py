"""The bot under a steady load: does its memory stay flat, does anything fall behind?

    python -m bench.soak [--seconds 240] [--rate 50] [--out bench/results]

One process of `mxcutover run` over HTTP, one that plays Slack, and this one, which sends signed commands and
events at a steady pace: a third are slash commands, each with a response_url at which it is answered, two
thirds messages of people in a channel, which the bot keeps and looks at. Meanwhile reminders fall due, one in
REMINDER_EVERY seconds, each in a thread of its own. Prints the bot's memory, its oldest overdue reminder and
its unsaid messages; writes soak.json and soak.md.

The exit code is 1 unless all of these hold: every delivery was acknowledged, none later than Slack waits;
memory after the first third, by the middle of its looks, grew by no more than a tenth to the last third; no
reminder was overdue for longer than LATE seconds at any look, and each was said once; no message waited for
longer than BACKLOG seconds at any look, and none is left; every command was answered at its response_url,
once.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import math
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession, TCPConnector

from bench.acknowledge import PATH, SECRET
from bot.clock import SystemClock
from bot.store.engine import open_store
from bot.workspace.person import CUTOVER, HANAKO, Person
from bot.workspace.server import BOT_TOKEN, LocalWorkspace
from bot.workspace.surfaces import RESPONSE_URL_USES
from tests.chaos.run import fill
from tests.flow.test_killed import SCRIPT, free_port

GROWTH = 1.1
REMINDER_EVERY = 2.0  # seconds; Slack's pace in one channel is a message a second
LATE = 5.0  # seconds; ticks come once in one
BACKLOG = 10.0  # seconds; what is said within them is no backlog
COMMANDS_EVERY = 3  # deliveries
PATIENCE = 3.0  # seconds; Slack's
EVERY = 10.0  # seconds between two looks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--play-slack", type=int, metavar="ADDRESSES", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    if options.play_slack is not None:
        asyncio.run(_play_slack(options.play_slack))
        return 0
    report = asyncio.run(_soak(options.seconds, options.rate))
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "soak.json").write_text(json.dumps(report, indent=2) + "\n")
    text = table(report)
    (options.out / "soak.md").write_text(text)
    print(text)
    return 0 if report["good"] else 1


def table(report: dict[str, Any]) -> str:
    """What was seen on the way, and how it ended, as Markdown."""
    lines = [
        f"{report['sent']:,} deliveries at {report['rate']:g} a second; acknowledged with 200:"
        f" {report['acknowledged']:,}; p50 {report['p50_ms']} ms, p99 {report['p99_ms']} ms,"
        f" slowest {report['slowest_ms']} ms. Left over at the end: {report['left']}. Commands answered"
        f" once at their response_url: {report['answered']['once']:,} of {report['commands']:,}. Reminders"
        f" said once: {report['reminders']['said'].count(1)} of {report['reminders']['planned']}."
        f" Memory after the first third {report['memory_mb'][0]} MB, in the last"
        f" {report['memory_mb'][1]} MB.",
        "",
        *(f"- {what}: {'yes' if held else '**no**'}" for what, held in report["holds"].items()),
        "",
        "| after, s | memory, MB | oldest overdue reminder, s | unsaid messages | oldest of them, s |",
        "|---:|---:|---:|---:|---:|",
    ]
    lines += [
        "| "
        + " | ".join(str(look[key]) for key in ("after", "memory_mb", "overdue", "unsettled", "oldest"))
        + " |"
        for look in report["looks"]
    ]
    return "\n".join(lines) + "\n"


def _event(number: int) -> tuple[dict[str, str], bytes]:
    """A person's message in a channel, signed."""
    body = json.dumps(
        {
            "token": "unused",
            "team_id": "T0LOCAL001",
            "api_app_id": "A0LOCAL001",
            "type": "event_callback",
            "event_id": f"Ev{number:09d}",
            "event_time": int(time.time()),
            "event": {
                "type": "message",
                "channel_type": "channel",
                "channel": "C0CUTOVER1",
                "user": "U0ALICE001",
                "text": f"おはようございます {number}",
                "ts": f"{int(time.time())}.{number % 1_000_000:06d}",
            },
        },
        ensure_ascii=False,
    )
    return {**_signature(body), "Content-Type": "application/json"}, body.encode()


def _command(number: int, response_url: str) -> tuple[dict[str, str], bytes]:
    """A slash command, signed, that is to be answered at `response_url`."""
    fields = {
        "token": "unused",
        "team_id": "T0LOCAL001",
        "team_domain": "local",
        "channel_id": CUTOVER,
        "channel_name": "mx-cutover",
        "user_id": HANAKO,
        "user_name": "hanako",
        "command": "/mxcutover",
        "text": "help",
        "api_app_id": "A0LOCAL001",
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": f"{number}.soak",
    }
    body = urlencode(fields)
    return {**_signature(body), "Content-Type": "application/x-www-form-urlencoded"}, body.encode()


def _signature(body: str) -> dict[str, str]:
    at = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


async def _play_slack(addresses: int) -> None:
    """The local workspace: prints its address and the keys of so many response_urls, one a line; at the end
    of its input, how many answers came to them.
    """
    workspace = LocalWorkspace(SystemClock())
    await workspace.start()
    keys = [workspace.surfaces.new_response_url(HANAKO, CUTOVER) for _ in range(addresses)]
    print("\n".join([workspace.url, *keys]), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    uses = [RESPONSE_URL_USES - workspace.surfaces.response_urls[key].left for key in keys]
    print(json.dumps({"once": uses.count(1), "more": sum(n > 1 for n in uses)}), flush=True)
    await workspace.stop()


async def _soak(seconds: float, rate: float) -> dict[str, Any]:
    commands = math.ceil(seconds * rate / COMMANDS_EVERY) + 1
    slack = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.soak", "--play-slack", str(commands)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert slack.stdin and slack.stdout  # noqa: S101 - asked for above
    try:
        address, *keys = [(await slack.stdout.readline()).decode().strip() for _ in range(commands + 1)]
        with tempfile.TemporaryDirectory() as folder:
            port = free_port()
            bot = await asyncio.create_subprocess_exec(
                *(SCRIPT, "run"),
                env=_environment(address, folder, port),
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                if bot.stdout is None or not await asyncio.wait_for(bot.stdout.readline(), 60):
                    raise SystemExit("the bot did not start")
                urls = [f"{address}/response/{key}" for key in keys]
                async with Person(address) as hanako:
                    roots = await _plan(hanako, f"sqlite:///{folder}/mxcutover.db", seconds)
                    report = await _load(bot.pid, port, seconds, rate, urls)
                    report["reminders"] = await _said(hanako, roots)
            finally:
                bot.terminate()
                await bot.wait()
        slack.stdin.close()
        answered: dict[str, int] = json.loads(await slack.stdout.readline())
    finally:
        if slack.returncode is None:
            slack.terminate()
        await slack.wait()
    return _judged({**report, "answered": answered})


def _environment(address: str, folder: str, port: int) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))}
    return {
        **kept,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_API_URL": f"{address}/api/",
        "MXCUTOVER_DATA": folder,
        "MXCUTOVER_PORT": str(port),
        "MXCUTOVER_NAMESERVERS": "127.0.0.1:1",
        "MXCUTOVER_SAMPLE_RESOLVERS": "",
    }


def _judged(report: dict[str, Any]) -> dict[str, Any]:
    """With the verdict, and what spoke against it."""
    looks = report["looks"]
    third = max(1, len(looks) // 3)
    memory = [
        statistics.median(found["memory_mb"] for found in part)
        for part in (looks[third : 2 * third] or looks[-1:], looks[-third:])
    ]
    holds = {
        "every delivery acknowledged": report["acknowledged"] == report["sent"],
        f"none later than {PATIENCE:g} s": report["slowest_ms"] < PATIENCE * 1e3,
        f"memory flat within {GROWTH - 1:.0%}": memory[1] <= memory[0] * GROWTH,
        f"no reminder overdue for {LATE:g} s": max(found["overdue"] for found in looks) < LATE,
        "every reminder said once": report["reminders"]["said"] == [1] * report["reminders"]["planned"],
        f"no message waited for {BACKLOG:g} s": max(found["oldest"] for found in looks) < BACKLOG,
        "nothing left at the end": not report["left"],
        "every command answered once": report["answered"] == {"once": report["commands"], "more": 0},
    }
    return {**report, "memory_mb": memory, "holds": holds, "good": all(holds.values())}


async def _plan(hanako: Person, url: str, seconds: float) -> dict[str, str]:
    """Reminders to fall due over so many seconds; the thread of each, by its domain."""
    begin = datetime.now(UTC)
    domains = [f"r{number:05d}.example" for number in range(int(seconds / REMINDER_EVERY))]
    roots = {domain: str((await hanako.say(domain))["ts"]) for domain in domains}
    store = open_store(url)
    dues = [begin + timedelta(seconds=REMINDER_EVERY * number) for number in range(len(domains))]
    await fill(store, roots, dict(zip(domains, dues, strict=True)))
    await store.close()
    return roots


async def _said(hanako: Person, roots: Mapping[str, str]) -> dict[str, Any]:
    """How many were planned, and how often each was said."""
    replies = Counter(
        message["thread_ts"] for message in (await hanako.state())["messages"] if message["is_reply"]
    )
    return {"planned": len(roots), "said": [replies[thread] for thread in roots.values()]}


def _memory_mb(pid: int) -> float:
    """Resident memory of a process, from /proc (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def _load(pid: int, port: int, seconds: float, rate: float, urls: list[str]) -> dict[str, Any]:
    times, statuses, looks = list[float](), list[int](), list[dict[str, float]]()
    base = f"http://127.0.0.1:{port}"
    async with ClientSession(connector=TCPConnector(limit=0)) as http:

        async def deliver(number: int) -> None:
            command, rest = divmod(number, COMMANDS_EVERY)
            headers, body = _event(number) if rest else _command(number, urls[command])
            started = time.perf_counter()
            async with http.post(f"{base}{PATH}", data=body, headers=headers) as answer:
                await answer.read()
                statuses.append(answer.status)
            times.append(time.perf_counter() - started)

        begin = time.monotonic()

        async def look() -> dict[str, float]:
            async with http.get(f"{base}/metrics") as answer:
                figures = dict(
                    line.rsplit(" ", 1)
                    for line in (await answer.text()).splitlines()
                    if not line.startswith("#")
                )
            found = {
                "after": round(time.monotonic() - begin),
                "memory_mb": _memory_mb(pid),
                "overdue": round(float(figures["mxcutover_oldest_overdue_reminder_seconds"]), 1),
                "unsettled": int(float(figures["mxcutover_outbox_unsettled"])),
                "oldest": round(float(figures["mxcutover_outbox_oldest_seconds"]), 2),
            }
            looks.append(found)
            print(found, file=sys.stderr, flush=True)
            return found

        under_way = set[asyncio.Task[None]]()
        number, next_look = 0, 0.0
        while (passed := time.monotonic() - begin) < seconds:
            if passed >= next_look:
                await look()
                next_look += EVERY
            task = asyncio.create_task(deliver(number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            number += 1
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
        await asyncio.gather(*under_way)
        for _ in range(30):  # what is under way may end
            last = await look()
            if not last["unsettled"]:
                break
            await asyncio.sleep(1)
    times.sort()
    acknowledged = statuses.count(200)
    return {
        "rate": rate,
        "sent": number,
        "commands": -(-number // COMMANDS_EVERY),
        "acknowledged": acknowledged,
        "p50_ms": round(statistics.median(times) * 1e3, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 1),
        "slowest_ms": round(times[-1] * 1e3, 1),
        "left": last["unsettled"],
        "looks": looks,
    }


if __name__ == "__main__":
    sys.exit(main())
