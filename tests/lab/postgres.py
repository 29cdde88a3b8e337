"""A private PostgreSQL on a free loopback port, from the server binaries that Debian installs."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """The newest installed server's folder; None: there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


@dataclass(frozen=True)
class Postgres:
    """A running server. `url(name)` is the URL of one of its databases."""

    folder: Path
    port: int
    bin: Path

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, statement: str, database: str = "postgres") -> None:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def control(self, *words: str) -> None:
        """pg_ctl: stop, start, restart, with their options."""
        _run(
            str(self.bin / "pg_ctl"),
            *("-D", str(self.folder / "data"), "-w", "-t", "60", "-l", str(self.folder / "log")),
            *words,
        )


def need_binaries() -> Path:
    """The folder of the server, or skip; with MXCUTOVER_REQUIRE_LAB=1 fail, so that CI cannot pass it by."""
    found = binaries()
    if found is not None:
        return found
    reason = "PostgreSQL's server is not installed (apt install postgresql)"
    if os.environ.get("MXCUTOVER_REQUIRE_LAB") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def private_postgres() -> Iterator[Postgres]:
    """Start a server of its own folder, fsync off; stop it and remove the folder afterwards."""
    bin_folder = need_binaries()
    folder = Path(tempfile.mkdtemp(prefix="mxcutover-pg-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Postgres(folder, port, bin_folder)
    with _kept(server):
        _run(
            str(bin_folder / "initdb"),
            *("-D", str(folder / "data"), "-U", "postgres", "-A", "trust"),
            *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        settings = {
            "port": port,
            "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{folder}'",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in settings.items())
        server.control("start")
        yield server


@contextmanager
def _kept(server: Postgres) -> Iterator[None]:
    """Clears up when the block ends, or this process is killed: its end of the pipe closes either way."""
    data = server.folder / "data"
    stop = " ".join([*_as_postgres(), str(server.bin / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"])
    script = f"cat >/dev/null; {stop}; rm -rf {server.folder}"
    keeper = subprocess.Popen(
        ["sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
    )
    try:
        yield
    finally:
        assert keeper.stdin is not None
        keeper.stdin.close()
        keeper.wait(60)


def _as_postgres() -> list[str]:
    """What to put before a command: the server refuses to run as root."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def _run(*command: str) -> None:
    done = subprocess.run(
        [*_as_postgres(), *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        check=False,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout}")
