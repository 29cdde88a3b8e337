"""The operator's commands: what they do, say and exit with."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bot.cli.app import app
from bot.cli.ops import ready_url
from bot.store.migrate import head

CALM = {"DATABASE_URL": "", "MXCUTOVER_DATA": ""}


def run(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(app, list(words), env={**CALM, **environment})


def test_migrate_then_backup_then_restore(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    first = run("migrate", "--data", data, "--lang", "en")
    assert (first.exit_code, first.output) == (0, f"The database was set up (schema {head()}).\n")
    again = run("migrate", "--data", data)
    assert (again.exit_code, "最新です" in again.output) == (0, True)
    made = run("backup", "--data", data, "--to", str(tmp_path / "copy.db"))
    assert made.exit_code == 0
    assert (tmp_path / "copy.db").exists()
    restored = run("restore", str(tmp_path / "copy.db"), "--data", data, "--lang", "en")
    assert restored.exit_code == 0
    assert "Restored to" in restored.output
    assert "is kept" in restored.output


def test_a_backup_without_a_name_goes_beside_the_database(tmp_path: Path) -> None:
    run("migrate", MXCUTOVER_DATA=str(tmp_path))
    assert run("backup", MXCUTOVER_DATA=str(tmp_path)).exit_code == 0
    assert len(list((tmp_path / "backups").glob("mxcutover-*Z.db"))) == 1


@pytest.mark.parametrize(
    ("words", "url", "code", "said"),
    [
        (["migrate"], "mysql://u:hunter2@h/d", 2, "sqlite"),
        (["migrate"], "hunter2", 2, "sqlite:///"),
        (["migrate"], "postgresql://u:hunter2@127.0.0.1:1/d", 1, "DATABASE_URL"),
        (["backup"], "postgresql://u:hunter2@127.0.0.1:1/d", 2, "pg_dump"),
        (["restore", "copy.db"], "postgresql://u:hunter2@127.0.0.1:1/d", 2, "pg_restore"),
        (["backup"], "sqlite:////nowhere/at/all.db", 1, "/nowhere/at/all.db"),
        (["restore", "/nowhere/copy.db"], "sqlite:////nowhere/at/all.db", 1, "/nowhere/copy.db"),
    ],
)
@pytest.mark.parametrize("lang", ["ja", "en"])
def test_trouble_is_explained_without_a_traceback_or_a_password(
    words: list[str], url: str, code: int, said: str, lang: str
) -> None:
    result = run(*words, "--lang", lang, DATABASE_URL=url)
    assert result.exit_code == code
    assert said in result.stderr
    assert "hunter2" not in result.output
    assert "Traceback" not in result.output


class _Ready(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"ready": self.status == 200}).encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Ready)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_healthcheck_asks_the_configured_port(
    port: int, status: int, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Ready, "status", status)
    result = run("healthcheck", MXCUTOVER_PORT=str(port), MXCUTOVER_HOST="0.0.0.0")
    assert result.exit_code == code
    assert f"http://127.0.0.1:{port}/readyz" in result.output
    assert run("healthcheck", "--url", f"http://127.0.0.1:{port}/readyz").exit_code == code


def test_healthcheck_fails_where_nothing_answers() -> None:
    result = run("healthcheck", "--url", "http://127.0.0.1:1/readyz", "--lang", "en")
    assert result.exit_code == 1
    assert "No answer" in result.stderr


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://h/x", "nonsense", "http://"])
def test_healthcheck_asks_web_addresses_only(url: str) -> None:
    assert run("healthcheck", "--url", url).exit_code == 2


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3000/readyz"),
        ("0.0.0.0", "http://127.0.0.1:3000/readyz"),
        ("::", "http://[::1]:3000/readyz"),
        ("bot.internal", "http://bot.internal:3000/readyz"),
    ],
)
def test_a_bot_on_every_address_is_asked_on_loopback(host: str, url: str) -> None:
    assert ready_url(host, 3000) == url
