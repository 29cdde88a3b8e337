"""The log of a real process at DEBUG, through faults and tracebacks: ids are in it, no secret is."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.logs import STRUCK, Redaction
from bot.settings import Settings
from bot.workspace.person import Person
from tests.flow.test_killed import SCRIPT, environment, slack
from tests.flow.test_opening import dms

PASSWORD = "p%40ss-of-this-test"


def test_secrets_are_struck_out_wherever_they_stand() -> None:
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        SLACK_SIGNING_SECRET="8f742231b10e8888abcd99yyyzzz85a5",
        DATABASE_URL=f"postgresql://bot:{PASSWORD}@db.example/x",
        heartbeat_url=SecretStr("https://watch.example/ping/1234-5678"),
    )
    redact = Redaction(settings.secrets())
    for text in (
        "secret 8f742231b10e8888abcd99yyyzzz85a5 here",
        f"cannot reach postgresql://bot:{PASSWORD}@db.example/x",
        "password p@ss-of-this-test refused",
        "told https://watch.example/ping/1234-5678",
        "xoxb-1234567890-abcdef and xapp-1-A0B1-2345-abcdef",
        "https://hooks.slack.com/commands/T1/2/verysecret",
        "postgresql+psycopg://other:password2@db/x",
    ):
        struck = redact(text)
        assert STRUCK in struck
        for secret in ("8f742231", "ss-of-this-test", "1234", "A0B1", "verysecret", "password2"):
            assert secret not in struck
    assert redact("https://docs.slack.dev/x is left") == "https://docs.slack.dev/x is left"


async def submit(hanako: Person) -> None:
    """Start a cutover without DNS: its servers do not answer here."""
    await hanako.command("/mxcutover start example.co.jp")
    view = await hanako.wait_for(hanako.modal, lambda v: v and "plan" in json.dumps(v), 20)
    assert view is not None
    day = (datetime.now(UTC) + timedelta(days=20)).date().isoformat()
    values = {"plan": "standard", "service": "google", "mx": "10 mgf.cybermail.jp", "date": day}
    answer = await hanako.submit(view, {**values, "time": "22:00"})
    assert answer["ok"], answer


async def test_a_flow_with_faults_leaves_no_secret_in_the_log(tmp_path: Path) -> None:
    """Slack resets and fails, blocks are refused, a response_url is gone: each is logged, with its ids."""
    log = tmp_path / "log"
    async with slack() as url, Person(url) as hanako:
        given = environment(
            url,
            tmp_path,
            SLACK_SIGNING_SECRET="of-this-very-test",
            MXCUTOVER_NAMESERVERS="127.0.0.1:1",
            MXCUTOVER_SAMPLE_RESOLVERS="",
            MXCUTOVER_LOG_LEVEL="DEBUG",
            MXCUTOVER_HEARTBEAT_URL="http://127.0.0.1:1/SECRET-KEY",
        )
        with log.open("wb") as file:
            bot = await asyncio.create_subprocess_exec(
                SCRIPT, "run", env=given, stdout=asyncio.subprocess.PIPE, stderr=file
            )
        try:
            assert bot.stdout is not None
            assert b"socket" in await asyncio.wait_for(bot.stdout.readline(), 60)
            for fault in ({"kind": "status", "method": "response_url", "status": 404}, {"kind": "reset"}):
                await hanako.fault(**fault)
            await hanako.command("/mxcutover help")
            await hanako.wait_for(lambda: dms(hanako), bool, 20)
            await hanako.fault("refuse", method="chat.postMessage", error="invalid_blocks")
            await submit(hanako)
            await hanako.wait_for(hanako.messages, bool, 30)

            async def logged() -> str:
                return log.read_text()

            await hanako.wait_for(logged, lambda text: "the heartbeat was not taken" in text, 30)
        finally:
            bot.terminate()
            await asyncio.wait_for(bot.wait(), 20)
    text = log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert any(line["event"] == "slack refused" and line["outbox_id"] for line in lines), text[-2000:]
    assert any(line.get("cutover_id") for line in lines)
    assert any(line["event"] == "the heartbeat was not taken" for line in lines)
    for secret in ("xoxb-", "xapp-", "of-this-very-test", "SECRET-KEY", "/response/", "hooks"):
        assert secret not in text, secret
