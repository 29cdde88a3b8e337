"""The bot under a steady load: does its memory stay flat, does anything fall behind?

    python -m bench.soak [--seconds 240] [--rate 50] [--out bench/results]

One process of `mxcutover run` over HTTP, one that plays Slack, and this one, which sends signed commands and
events at a steady pace: a third are slash commands, two thirds messages of people in a channel, which the bot
keeps and looks at. Slack's pace for messages is off, for no channel would take fifty answers a second. Prints
the bot's memory, its oldest overdue reminder and its unsaid messages; writes soak.json and soak.md. The exit
code is 1 where memory grew by more than a tenth after the first third, anything was left over, or anything
waited for longer than Slack does.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, TCPConnector

from bench.acknowledge import PATH, SECRET, signed_command
from bot.workspace.server import BOT_TOKEN
from tests.flow.test_killed import SCRIPT, free_port, slack

GROWTH = 1.1
PATIENCE = 3.0  # seconds; Slack's
EVERY = 10.0  # seconds between two looks


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
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
        f" slowest {report['slowest_ms']} ms. Left over at the end: {report['left']}.",
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
    at = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}
    return {**headers, "Content-Type": "application/json"}, body.encode()


async def _soak(seconds: float, rate: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with slack() as address:
            port = free_port()
            kept = {
                k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))
            }
            environment = {
                **kept,
                "SLACK_BOT_TOKEN": BOT_TOKEN,
                "SLACK_SIGNING_SECRET": SECRET,
                "SLACK_API_URL": f"{address}/api/",
                "MXCUTOVER_DATA": folder,
                "MXCUTOVER_PORT": str(port),
                "MXCUTOVER_NAMESERVERS": "127.0.0.1:1",
                "MXCUTOVER_SAMPLE_RESOLVERS": "",
                "MXCUTOVER_MESSAGES_PER_SECOND": "0",
            }
            bot = await asyncio.create_subprocess_exec(
                SCRIPT, "run", env=environment, stdout=asyncio.subprocess.PIPE
            )
            try:
                if bot.stdout is None or not await asyncio.wait_for(bot.stdout.readline(), 60):
                    raise SystemExit("the bot did not start")
                return await _load(bot.pid, port, seconds, rate)
            finally:
                bot.terminate()
                await bot.wait()


def _memory_mb(pid: int) -> float:
    """Resident memory of a process, from /proc (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def _load(pid: int, port: int, seconds: float, rate: float) -> dict[str, Any]:
    times, statuses, looks = list[float](), list[int](), list[dict[str, float]]()
    base = f"http://127.0.0.1:{port}"
    async with ClientSession(connector=TCPConnector(limit=0)) as http:

        async def deliver(number: int) -> None:
            headers, body = signed_command(number, "soak") if number % 3 == 0 else _event(number)
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
    early = max(found["memory_mb"] for found in looks[: max(1, len(looks) // 3)])
    acknowledged = statuses.count(200)
    return {
        "rate": rate,
        "sent": number,
        "acknowledged": acknowledged,
        "p50_ms": round(statistics.median(times) * 1e3, 1),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 1),
        "slowest_ms": round(times[-1] * 1e3, 1),
        "left": last["unsettled"],
        "good": acknowledged == number
        and times[-1] < PATIENCE
        and last["memory_mb"] <= early * GROWTH
        and not last["unsettled"]
        and max(found["overdue"] for found in looks) == 0,
        "looks": looks,
    }


if __name__ == "__main__":
    sys.exit(main())
