"""Processes of the whole bot, over either of Slack's roads, and how their database goes away."""

import asyncio
import os
import resource
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path

from bot.slack.app import EVENTS_PATH
from bot.workspace.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET
from tests.flow.test_killed import SCRIPT, free_port
from tests.lab.postgres import Postgres, private_postgres

ROADS = ("socket", "http", "socket")  # of each replica
LEASE_SECONDS = 5
LOCKED_SECONDS = (2.0, 8.0, 24.0)  # SQLite's own patience is 5 s, the store's four times that
FULL_SECONDS = 6.0
FLAPS = 16  # ends of all connections, four a second
STARTED_WITHIN = 60.0  # seconds; a busy machine takes many


class Way:
    """How Slack reaches a replica: its road (socket or http), and its port, which outlives it."""

    def __init__(self, road: str) -> None:
        self._road = road
        self._port = free_port()

    @property
    def target(self) -> str | None:
        """Where Slack sends requests to."""
        return f"http://127.0.0.1:{self._port}{EVENTS_PATH}" if self._road == "http" else None

    @property
    def environment(self) -> dict[str, str]:
        secret = ("SLACK_SIGNING_SECRET", SIGNING_SECRET) if self.target else ("SLACK_APP_TOKEN", APP_TOKEN)
        return {"MXCUTOVER_PORT": str(self._port), secret[0]: secret[1]}


class Replica:
    """One process of the bot, started again after each kill."""

    def __init__(self, environment: dict[str, str], way: Way, log: Path, script: str = SCRIPT) -> None:
        self._script = script
        self._environment = {**environment, **way.environment}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Future[tuple[None, None]] | None = None
        self._up = asyncio.Event()

    async def start(self) -> None:
        self._up.clear()
        self._process = await asyncio.create_subprocess_exec(
            *(self._script, "run"),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,  # no file: the log is no part of the disk that gets full
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._reading = asyncio.gather(self._listen(self._process.stdout), self._copy(self._process.stderr))

    async def _listen(self, lines: asyncio.StreamReader) -> None:
        while await lines.readline():  # it says that it has started, and nothing else
            self._up.set()

    async def _copy(self, lines: asyncio.StreamReader) -> None:
        with self._log.open("ab", buffering=0) as log:
            while some := await lines.read(1 << 16):
                log.write(some)

    async def started(self) -> None:
        """Until it is at work, or has ended, or STARTED_WITHIN is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STARTED_WITHIN):
                while self.running and not self._up.is_set():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._up.wait(), 0.2)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        if self._process is not None and self._reading is not None:
            if self.running:
                self._process.kill()
                await self._process.wait()
            await self._reading

    async def start_if_ended(self) -> None:
        """As a supervisor does with one that could not begin, for want of a database."""
        if self._process is not None and not self.running:
            await self.start()

    async def migrate(self) -> None:
        """Bring the database to the schema of this replica's release."""
        done = await asyncio.create_subprocess_exec(*(self._script, "migrate"), env=self._environment)
        assert await done.wait() == 0

    async def kill_and_start(self) -> None:
        await self.kill()
        await self.start()

    def may_write(self, *, files: bool) -> None:
        """Let this process write to files, or no longer: each write fails as on a disk that is full."""
        if self.running and self._process is not None:
            _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (hard if files else 0, hard))


Outage = Callable[[Sequence[Replica]], Awaitable[None]]


def environment(api_url: str, database: str, folder: Path) -> dict[str, str]:
    """What every replica is given, but for its road."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "MXCUTOVER_", "DATABASE_"))}
    return {
        **kept,
        "SLACK_BOT_TOKEN": BOT_TOKEN,
        "SLACK_API_URL": api_url,
        "DATABASE_URL": database,
        "MXCUTOVER_DATA": str(folder),
        "MXCUTOVER_NAMESERVERS": "127.0.0.1:1",
        "MXCUTOVER_SAMPLE_RESOLVERS": "",
        "MXCUTOVER_LOOKS_PER_MINUTE": "0",
        "MXCUTOVER_LEASE_SECONDS": str(LEASE_SECONDS),
        "MXCUTOVER_MESSAGES_PER_SECOND": "0",
    }


def held(file: Path, seconds: float) -> Outage:
    """Another process's write lock on a SQLite file, for so long."""

    async def hold(_: Sequence[Replica]) -> None:
        connection = sqlite3.connect(file, timeout=60, isolation_level=None)
        try:
            connection.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)
        finally:
            connection.close()

    return hold


async def full(replicas: Sequence[Replica]) -> None:
    """The disk is full for everybody, for some seconds."""
    for replica in replicas:
        replica.may_write(files=False)
    await asyncio.sleep(FULL_SECONDS)
    for replica in replicas:
        replica.may_write(files=True)


def server_outages(server: Postgres) -> list[Outage]:
    """Connections ended at once; a restart; ended again and again; a crash with some seconds of nothing."""
    ends = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mxcutover'"

    async def ended(_: Sequence[Replica]) -> None:
        await asyncio.to_thread(server.sql, ends)

    async def flapping(replicas: Sequence[Replica]) -> None:
        for _ in range(FLAPS):
            await ended(replicas)
            await asyncio.sleep(0.25)

    async def restarted(_: Sequence[Replica]) -> None:
        await asyncio.to_thread(server.control, "-m", "fast", "restart")

    async def crashed(_: Sequence[Replica]) -> None:
        await asyncio.to_thread(server.control, "-m", "immediate", "stop")
        await asyncio.sleep(6)
        await asyncio.to_thread(server.control, "start")

    return [ended, restarted, flapping, crashed]


@asynccontextmanager
async def fresh(name: str, folder: Path) -> AsyncIterator[tuple[str, list[Outage]]]:
    """The URL of a new empty database, and the ways in which it goes away."""
    with private_postgres() if name == "postgresql" else nullcontext() as server:
        if server is not None:
            server.sql("CREATE DATABASE chaos")
            url, outages = server.url("chaos"), server_outages(server)
        else:
            file = folder / "chaos.db"
            url = f"sqlite:///{file}"
            short, longer, longest = (held(file, seconds) for seconds in LOCKED_SECONDS)
            outages = [full, short, longer, full, longest]
        yield url, outages
