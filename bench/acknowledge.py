"""How long Slack waits for the acknowledgement of a slash command: this bot, which keeps the command first,
beside Bolt and a bare endpoint, which keep nothing.

    python -m bench.acknowledge [--requests 3000] [--repeat 3] [--out bench/results]

Every side is a process of its own behind the same HTTP server (aiohttp) on loopback, and gets the same signed
requests, each with a body of its own, from the same client over kept-alive connections. One connection gives
the latency, sixteen the requests a second. The whole bot's work on the commands is held back while these are
taken (acknowledging is what is measured), and done afterwards: each command must have its answer. In a row of
its own the bot works on them meanwhile, at a steady pace. Writes acknowledge.json and acknowledge.md.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import os
import platform
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

SECRET = "benchmark-signing-secret"  # noqa: S105 - of these processes alone
PATH = "/slack/events"
CONNECTIONS = 16
WARM_UP = 300
PACE = 50  # commands a second, where they are worked on meanwhile
PACED = 750

SIDES = {
    "ours": "This bot, kept in SQLite first (WAL, NORMAL)",
    "ours_default": "This bot, kept in SQLite first (its default here: {default})",
    "bolt_before": "Bolt, process_before_response=True, keeps nothing",
    "bolt": "Bolt, its default mode, keeps nothing",
    "bare": "A bare endpoint that verifies the signature, keeps nothing",
}
WORKING = "This bot (WAL, NORMAL) at {pace} commands a second, each carried out meanwhile"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument(
        "--repeat", type=int, default=3, help="runs in turns; the median of each figure counts"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results")
    parser.add_argument("--serve", nargs=2, metavar=("SIDE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(_serve(options.serve[0], Path(options.serve[1])))
        return
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
    for turn in range(options.repeat):
        for side in SIDES:  # in turns, so that a busy moment of the machine meets all
            print(f"{side}, run {turn + 1} …", file=sys.stderr)
            runs[side].append(_measure(side, options.requests))
    print("ours, working meanwhile …", file=sys.stderr)
    report: dict[str, Any] = {
        "requests": options.requests,
        "repeat": options.repeat,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "slack-bolt": version("slack-bolt"),
        "aiohttp": version("aiohttp"),
        "default": _default_durability(),
        "disk_ms": _disk_ms(),
        "sides": {side: _middle(found) for side, found in runs.items()},
        "working": _measure_working(),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "acknowledge.json").write_text(json.dumps(report, indent=2) + "\n")
    text = table(report)
    (options.out / "acknowledge.md").write_text(text)
    print(text)


def _middle(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}


def table(report: dict[str, Any]) -> str:
    """The figures as a Markdown table."""
    sides, working = report["sides"], report["working"]
    lines = [
        f"Python {report['python']}, SQLite {report['sqlite']}, Bolt {report['slack-bolt']},"
        f" aiohttp {report['aiohttp']}. {report['requests']:,} requests a figure, the median of"
        f" {report['repeat']} runs in turns. One wait for this disk (fsync of 4 kB): {report['disk_ms']} ms.",
        "",
        "| A slash command is acknowledged by | p50, ms | p99, ms | requests/s"
        f" ({CONNECTIONS} connections) | carried out after |",
        "|---|---:|---:|---:|---:|",
    ]
    for side, label in SIDES.items():
        row = sides[side]
        after = f"{row['answered']:,.0f} of {row['accepted']:,.0f}" if "accepted" in row else "–"
        lines.append(
            f"| {label.format(default=report['default'])} | {row['p50_ms']} | {row['p99_ms']}"
            f" | {row['per_second']:,.0f} | {after} |"
        )
    lines.append(
        f"| {WORKING.format(pace=PACE)} | {working['p50_ms']} | {working['p99_ms']} | –"
        f" | {working['answered']:,.0f} of {working['accepted']:,.0f} |"
    )
    ratio = sides["ours"]["p50_ms"] / sides["bolt_before"]["p50_ms"]
    lines += ["", f"Ours at p50: {ratio:.1f} times Bolt with process_before_response=True."]
    return "\n".join(lines) + "\n"


# --- the client ------------------------------------------------------------------------------------


def signed_command(number: int, run: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of one command as Slack sends it; `number` and `run` make it unlike any other."""
    body = urlencode(
        {
            "token": "unused",
            "team_id": "T0LOCAL001",
            "team_domain": "local",
            "channel_id": "C0CUTOVER1",
            "channel_name": "mx-cutover",
            "user_id": "U0HANAKO01",
            "user_name": "hanako",
            "command": "/mxcutover",
            "text": "help",
            "api_app_id": "A0LOCAL001",
            "is_enterprise_install": "false",
            "trigger_id": f"{number}.{run}",
        }
    )
    at = str(int(time.time()))
    digest = hmac.new(SECRET.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "Accept": "application/json,*/*",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": at,
        "X-Slack-Signature": f"v0={digest}",
    }
    return headers, body.encode()


def _request(number: int, run: str) -> bytes:
    headers, body = signed_command(number, run)
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _answered(received: bytes) -> bool:
    """Whether a whole response is there; raises where it is no 200."""
    head, found, rest = received.partition(b"\r\n\r\n")
    if not found:
        return False
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(f"not acknowledged: {received!r}")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(rest) >= int(value)
    raise SystemExit(f"no length: {received!r}")


def _latencies(port: int, requests: list[bytes], pause: float = 0.0) -> list[float]:
    """Seconds from sending to the last byte of the answer, one request after the other."""
    found = []
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        begin = time.perf_counter()
        for number, request in enumerate(requests):
            if pause and (wait := begin + number * pause - time.perf_counter()) > 0:
                time.sleep(wait)
            started = time.perf_counter()
            line.sendall(request)
            received = b""
            while not _answered(received):
                received += line.recv(65536)
            found.append(time.perf_counter() - started)
    return found


async def _rate(port: int, requests: list[bytes]) -> float:
    """Requests a second over so many connections, each with one request on its way."""
    left = iter(requests)

    async def keep_asking() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for request in left:
            writer.write(request)
            received = b""
            while not _answered(received):
                received += await reader.read(65536)
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(keep_asking() for _ in range(CONNECTIONS)))
    return len(requests) / (time.perf_counter() - started)


def _measure(side: str, count: int) -> dict[str, float]:
    with _server(side) as (process, port):
        _latencies(port, [_request(n, "warm") for n in range(WARM_UP)])
        times = sorted(_latencies(port, [_request(n, "one") for n in range(count)]))
        rate = asyncio.run(_rate(port, [_request(n, "many") for n in range(count)]))
        return {**_quantiles(times), "per_second": rate, **_end(process)}


def _measure_working() -> dict[str, float]:
    with _server("ours_working") as (process, port):
        _latencies(port, [_request(n, "warm") for n in range(PACE)], 1 / PACE)
        times = sorted(_latencies(port, [_request(n, "paced") for n in range(PACED)], 1 / PACE))
        return {**_quantiles(times), **_end(process)}


def _quantiles(times: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(statistics.median(times) * 1e3, 3),
        "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 3),
    }


@contextmanager
def _server(side: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "bench.acknowledge", "--serve", side, folder]
        with subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                if not line:
                    raise SystemExit(process.communicate()[1])
                yield process, int(line)
            finally:
                process.kill()


def _end(process: "subprocess.Popen[str]") -> dict[str, float]:
    """Let the server finish what it accepted; what it says of it."""
    said, complaints = process.communicate("end\n", timeout=600)
    if process.returncode:
        raise SystemExit(complaints)
    found: dict[str, float] = json.loads(said)
    return found


# --- the servers -----------------------------------------------------------------------------------


async def _serve(side: str, folder: Path) -> None:
    """Listen, print the port, and end when a line comes; then print what there is to say."""
    if side == "bare":
        await _until_told(_bare())
    elif side.startswith("bolt"):
        await _until_told(_bolt(process_before_response=side == "bolt_before"))
    else:
        await _serve_ours(side, folder)


async def _until_told(app: web.Application) -> None:
    await _listen(app)
    await asyncio.to_thread(sys.stdin.readline)
    print("{}", flush=True)


async def _listen(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)


def _bare() -> web.Application:
    from slack_sdk.signature import SignatureVerifier

    verifier = SignatureVerifier(SECRET)

    async def acknowledge(request: web.Request) -> web.Response:
        body = (await request.read()).decode()
        good = verifier.is_valid(
            body, request.headers["X-Slack-Request-Timestamp"], request.headers["X-Slack-Signature"]
        )
        return web.Response(status=200 if good else 401)

    app = web.Application()
    app.router.add_post(PATH, acknowledge)
    return app


def _bolt(*, process_before_response: bool) -> web.Application:
    from slack_bolt.app.async_app import AsyncApp
    from slack_bolt.authorization import AuthorizeResult

    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(
            enterprise_id=None,
            team_id="T0LOCAL001",
            bot_user_id="U0LOCALBOT",
            bot_id="B0LOCAL001",
            bot_token="xoxb-1",  # noqa: S106 - of nobody
        )

    app = AsyncApp(
        signing_secret=SECRET, authorize=authorize, process_before_response=process_before_response
    )

    async def acknowledge(ack: Any) -> None:
        await ack()

    app.command("/mxcutover")(acknowledge)
    return app.web_app(PATH)


async def _serve_ours(side: str, folder: Path) -> None:
    """The bot as `mxcutover run` wires it for HTTP, beside a local workspace that takes its answers."""
    from pydantic import SecretStr

    from bot.clock import SystemClock
    from bot.logs import configure
    from bot.main import Bot, dns_client
    from bot.settings import Settings
    from bot.slack.door import LARGEST_BODY
    from bot.store.engine import open_store
    from bot.store.migrate import migrate
    from bot.workspace.server import BOT_TOKEN

    configure("ERROR", as_json=True)
    url = f"sqlite:///{folder / 'bot.db'}"
    await asyncio.to_thread(migrate, url)
    store = (
        open_store(url) if side == "ours_default" else open_store(url, synchronous="NORMAL", journal="WAL")
    )
    slack = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.workspace", stdout=asyncio.subprocess.PIPE
    )
    address = (await slack.stdout.readline()).decode().strip() if slack.stdout else ""
    settings = Settings(_env_file=None, data=folder, nameservers=("127.0.0.1:1",), sample_resolvers=())  # type: ignore[call-arg]
    clock = SystemClock()
    bot = Bot(
        settings,
        store,
        dns_client(settings, clock),
        clock,
        token=SecretStr(BOT_TOKEN),
        api_url=f"{address}/api/",
        app_token=None,
        signing_secret=SecretStr(SECRET),
        per_second=0,
    )
    app = web.Application(client_max_size=LARGEST_BODY)
    bot.slack.add_routes(app)
    await bot.start()
    held_back = nullcontext() if side == "ours_working" else bot.slack.worker.paused()
    try:
        async with held_back:
            await _listen(app)
            await asyncio.to_thread(sys.stdin.readline)
        print(json.dumps(await _carried_out(bot)), flush=True)
    finally:
        await bot.stop()
        slack.terminate()
        await slack.wait()


async def _carried_out(bot: Any) -> dict[str, int]:
    """Wait for the last answer; how many commands were accepted, how many answered."""
    await bot.slack.worker.idle()
    while await bot.store.transact(lambda tx: tx.outbox.unsettled()):
        if not await bot.sender.drain():
            await asyncio.sleep(0.01)

    def count(tx: Any) -> dict[str, int]:
        sql = tx.connection.exec_driver_sql
        return {
            "accepted": sql("SELECT count(*) FROM inbox").scalar_one(),
            "answered": sql("SELECT count(*) FROM outbox WHERE state = 'sent'").scalar_one(),
        }

    counted: dict[str, int] = await bot.store.transact(count)
    return counted


# --- the machine -----------------------------------------------------------------------------------


def _default_durability() -> str:
    from bot.store.engine import wal_is_safe

    return f"{'WAL' if wal_is_safe() else 'PERSIST'}, FULL"


def _disk_ms() -> float:
    """What one commit in its default mode cannot do without."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "probe").open("wb", buffering=0) as file:
        times = []
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - started)
    return round(statistics.median(times) * 1e3, 2)


if __name__ == "__main__":
    main()
