"""Several workspaces in one bot: installed by OAuth, each sees its own and nothing else."""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import web
from cryptography.fernet import Fernet
from pydantic import SecretStr
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import select
from structlog.testing import capture_logs

from bot.cli.ops import explain
from bot.dns.client import DnsClient
from bot.dns.config import DnsConfig
from bot.dns.sandbox import Sandbox
from bot.domain.cutover import Cutover
from bot.domain.teams import Team
from bot.main import Bot
from bot.manifest import load_manifest
from bot.ports import Delivery, Installation, Outgoing
from bot.slack.app import EVENTS_PATH
from bot.slack.install import INSTALL_PATH, REDIRECT_PATH, ManyTeams, OAuthApp
from bot.slack.material import gather
from bot.slack.render import render
from bot.slack.vault import BadTokenKey, Vault
from bot.store.codec import outgoing_of
from bot.store.engine import open_store
from bot.store.migrate import migrate
from bot.store.tables import OUTBOX
from bot.workspace.app import App
from bot.workspace.clock import MovableClock
from bot.workspace.person import CUTOVER, HANAKO, Person, texts
from bot.workspace.server import BOT_TOKEN, SIGNING_SECRET, LocalWorkspace
from bot.workspace.state import TEAM_ID
from tests.flow.conftest import BEGINNING, FixedBase, House, settings_of
from tests.flow.test_killed import free_port
from tests.flow.test_whole_cutover import open_cutover

A = Team("", TEAM_ID)
B = Team("", "T0OTHER001")


ORG_WIDE = {
    "team": None,
    "enterprise": {"id": "E0GRID0001", "name": "Grid"},
    "is_enterprise_install": True,
    "access_token": "xoxb-of-all",
}
OLD_KEY, NEW_KEY, OTHER_KEY = (Fernet.generate_key().decode() for _ in range(3))


class OAuthServer:
    """Slack's side of an installation: one code, exchanged for B's token."""

    def __init__(self) -> None:
        self.codes = ["code-1"]
        self.org_wide = False

    async def access(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("code") not in self.codes:
            return web.json_response({"ok": False, "error": "invalid_code"})
        self.codes.remove(str(form["code"]))
        if self.org_wide:
            return web.json_response({**self.installed(), **ORG_WIDE})
        return web.json_response(self.installed())

    def installed(self) -> dict[str, Any]:
        return {
            "ok": True,
            "app_id": "A1",
            "authed_user": {"id": "U0BOSS0001"},
            "scope": "commands,chat:write",
            "token_type": "bot",
            "access_token": "xoxb-of-b",
            "bot_user_id": "U0BOTOFB01",
            "team": {"id": B.team_id, "name": "Other"},
            "enterprise": None,
            "is_enterprise_install": False,
        }

    async def test(self, request: web.Request) -> web.Response:
        return web.json_response({"ok": True, "bot_id": "B0BOTOFB01", "user_id": "U0BOTOFB01"})


@dataclass
class Two:
    """The local workspace is A; B's deliveries are made by hand, signed as Slack signs."""

    house: House
    base: str
    oauth: OAuthServer

    async def deliver(self, body: Mapping[str, Any] | str) -> tuple[int, str]:
        form = isinstance(body, str)
        text = body if isinstance(body, str) else json.dumps(body)
        at = str(int(time.time()))
        signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=text)
        headers = {
            "X-Slack-Request-Timestamp": at,
            "X-Slack-Signature": str(signature),
            "Content-Type": "application/x-www-form-urlencoded" if form else "application/json",
        }
        async with (
            aiohttp.ClientSession() as http,
            http.post(self.base + EVENTS_PATH, data=text, headers=headers) as answer,
        ):
            status, said = answer.status, await answer.text()
        await self.house.bot.slack.worker.idle()
        return status, said

    async def command(self, text: str) -> None:
        await self.deliver(
            urlencode(
                {
                    "command": "/mxcutover",
                    "text": text,
                    "team_id": B.team_id,
                    "user_id": HANAKO,
                    "channel_id": CUTOVER,
                    "trigger_id": uuid4().hex,
                    "response_url": f"{self.house.workspace.url}/response/none",
                }
            )
        )

    async def event(self, event: Mapping[str, Any]) -> None:
        await self.deliver(
            {
                "type": "event_callback",
                "team_id": B.team_id,
                "event_id": uuid4().hex,
                "event": {"user": HANAKO, "channel": CUTOVER, "ts": "1.1", **event},
                "authorizations": [{"user_id": "U0BOTOFB01", "team_id": B.team_id, "enterprise_id": None}],
            }
        )

    async def interact(self, payload: Mapping[str, Any]) -> str:
        whole = {
            "team": {"id": B.team_id},
            "user": {"id": HANAKO, "team_id": B.team_id},
            "channel": {"id": CUTOVER},
            "trigger_id": uuid4().hex,
            **payload,
        }
        return (await self.deliver(urlencode({"payload": json.dumps(whole)})))[1]

    async def click(self, action_id: str, data: Mapping[str, str]) -> None:
        action = {"action_id": action_id, "block_id": "b", "type": "button", "value": json.dumps(data)}
        await self.interact(
            {
                "type": "block_actions",
                "actions": [action],
                "container": {"type": "message", "channel_id": CUTOVER, "message_ts": "1.1"},
            }
        )

    async def said_to_b(self) -> str:
        """Everything that was ever to be said in B, as it would be rendered."""

        def work(tx: Any) -> str:
            rows = tx.connection.execute(select(OUTBOX).where(OUTBOX.c.team_id == B.team_id)).mappings()
            parts = []
            for row in rows.all():
                message = outgoing_of(row)
                shown = render(message, gather(tx, B, message, BEGINNING))
                parts.append(json.dumps([shown.text, shown.blocks, dict(message.args)], ensure_ascii=False))
                parts += [file.content.decode() for file in shown.files]
            return "\n".join(parts)

        return await self.house.bot.store.transact(work)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    clock = MovableClock(FixedBase())
    sandbox = Sandbox(clock)
    await sandbox.start()
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    workspace = LocalWorkspace(
        clock, app=App.from_manifest(load_manifest()), http_targets=[base + EVENTS_PATH]
    )
    await workspace.start()
    bot = Bot(
        settings_of(tmp_path),
        open_store(url, synchronous="OFF"),
        DnsClient(sandbox.dns_config(), clock),
        clock,
        token=SecretStr(""),
        api_url=workspace.api_url,
        app_token=None,
        signing_secret=SecretStr(SIGNING_SECRET),
        per_second=0,
        oauth=OAuthApp("1.2", SecretStr("client-secret")),
    )
    for team in (A, B):
        # The local workspace has one token; that B's people are looked up there with it does no harm.
        kept = Installation(BOT_TOKEN, "U0LOCALBOT", "B0LOCAL001", "A1", (), HANAKO, team.team_id, BEGINNING)
        await bot.store.transact(lambda tx, team=team, kept=kept: tx.workspaces.install(team, kept))  # type: ignore[misc]
    app = web.Application()
    bot.slack.add_routes(app)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await bot.start()
    async with Person(workspace.url, HANAKO) as hanako:
        yield Two(House(workspace, bot, sandbox, clock, hanako, hanako, hanako, hanako), base, OAuthServer())
    await bot.stop()
    await workspace.stop()
    await runner.cleanup()
    await sandbox.stop()


async def of_a(two: Two) -> tuple[Cutover, list[Any]]:
    def work(tx: Any) -> tuple[Cutover, list[Any]]:
        cutover = tx.cutovers.latest_for(A, "example.co.jp")
        return cutover, [
            tx.history.of(A, cutover.id),
            [row.reminder for row in tx.reminders.pending(A, cutover.id)],
            tx.observations.of(A, cutover.id),
            tx.workspaces.settings(A),
            tx.workspaces.installation(A),
        ]

    return await two.house.bot.store.transact(work)


VERBS = (
    "status",
    "plan",
    "history",
    "menu",
    "prepare",
    "runbook",
    "tests",
    "lockdown",
    "text",
    "calendar",
    "report",
    "export",
    "cancel",
    "rollback",
    "reschedule",
    "assign",
)
CLICKS = (
    "check",
    "plan",
    "history",
    "status",
    "menu",
    "cancel",
    "rollback",
    "go",
    "retry_root",
    *(f"do.{verb}" for verb in VERBS),
)


async def test_nothing_crosses_the_border_by_any_door(two: Two) -> None:
    root = await open_cutover(two.house)
    await two.house.bot.settle()
    before, rows = await of_a(two)
    assert before.owner == HANAKO  # the same id as the person of B: an id alone is no key
    ts, c = str(root["ts"]), {"c": before.id}

    for verb in VERBS:
        await two.command(f"{verb} example.co.jp 12/26 21:30 <@{HANAKO}>")
    await two.command("list all")
    await two.command("settings")
    for words in ("完了", "中止", "報告書", "延期 12/26 21:30", "担当は <@U0KEN00001>", "切り戻し", "当日"):
        await two.event({"type": "message", "thread_ts": ts, "text": words})
        await two.event({"type": "app_mention", "thread_ts": ts, "text": f"<@U0BOTOFB01> {words}"})
    for action in CLICKS:
        await two.click(action, {**c, "v": action.removeprefix("do.")})
    for step in ("ttl", "mx", "connector"):
        for says in ("done", "cant", "not_needed", "later", "not_yet"):
            await two.click(f"step_{says}", {**c, "s": step})
    for item in ("inventory", "docomo", "lock_down"):
        await two.click("tick", {**c, "i": item})
        await two.click("untick", {**c, "i": item})
    await two.click("reschedule.0", {**c, "at": "2026-12-26T12:30:00+00:00"})
    await two.click("text.other", {**c, "r": "request ja"})
    await two.interact(
        {
            "type": "message_action",
            "callback_id": "about_message",
            "message": {"ts": ts, "text": "?", "type": "message"},
        }
    )
    home = await two.house.hanako.home()

    after, rows_after = await of_a(two)
    assert after == before
    assert rows_after == rows
    said = await two.said_to_b()
    assert said
    shown = said.replace("example.co.jp の進行中の切替はありません", "")
    for secret in (before.id, "mail.old-provider.example", "mgf.cybermail.jp", "開始時のMX"):
        assert secret not in shown, secret
    assert home is None or "example.co.jp" not in texts(home)


async def test_a_form_of_one_workspace_is_none_in_another(two: Two) -> None:
    await two.house.hanako.command("/mxcutover start example.co.jp")
    view = await two.house.hanako.wait_for(two.house.hanako.modal, lambda v: v and "TTL" in texts(v))
    assert view is not None
    answer = await two.interact(
        {
            "type": "view_submission",
            "view": {
                "callback_id": "start",
                "type": "modal",
                "private_metadata": view["private_metadata"],
                "state": {"values": {}},
            },
        }
    )
    assert "見つかりませんでした" in answer


async def test_the_same_domain_may_be_open_in_both(two: Two) -> None:
    await open_cutover(two.house)
    cutover, _ = await of_a(two)
    theirs = replace(cutover, team=B, id="b1", owner="U0BOSS0001", version=0)
    await two.house.bot.store.transact(lambda tx: tx.cutovers.add(theirs))
    await two.command("list")
    assert "U0BOSS0001" in await two.said_to_b()
    found = await two.house.bot.store.transact(lambda tx: tx.cutovers.list(A))
    assert [c.owner for c in found.rows] == [HANAKO]


@pytest.mark.parametrize(
    ("event", "gone"),
    [
        ({"type": "app_uninstalled"}, True),
        ({"type": "tokens_revoked", "tokens": {"bot": ["U0BOTOFB01"]}}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}, False),
    ],
)
async def test_an_uninstalled_workspace_is_forgotten_and_no_other(
    two: Two, event: dict[str, Any], gone: bool
) -> None:
    await two.deliver(
        {"type": "event_callback", "team_id": B.team_id, "event_id": uuid4().hex, "event": event}
    )
    store = two.house.bot.store
    assert (await store.transact(lambda tx: tx.workspaces.installation(B)) is None) is gone
    assert await store.transact(lambda tx: tx.workspaces.installation(A)) is not None
    before = await two.said_to_b()
    await two.command("list")
    assert (await two.said_to_b() == before) is gone  # nobody there is answered any more


@pytest.mark.parametrize(("later", "gone"), [(30, False), (-30, True), (None, True)])
async def test_an_uninstall_that_comes_late_leaves_a_newer_installation(
    two: Two, later: int | None, gone: bool
) -> None:
    """`later`: seconds from the event to the installation that there is; None: the event names no time."""
    store, now = two.house.bot.store, two.house.clock.now()
    happened = None if later is None else now.timestamp() - later
    installed = await store.transact(lambda tx: tx.workspaces.installation(B))
    assert installed is not None
    anew = replace(installed, at=now)
    await store.transact(lambda tx: tx.workspaces.install(B, anew))
    await two.deliver(
        {
            "type": "event_callback",
            "team_id": B.team_id,
            "event_id": uuid4().hex,
            **({} if happened is None else {"event_time": int(happened)}),
            "event": {"type": "app_uninstalled"},
        }
    )
    assert (await store.transact(lambda tx: tx.workspaces.installation(B)) is None) is gone


# The SDK authenticates with a class that aiohttp has begun to part with.
@pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning")
async def test_installed_by_oauth_once_and_with_its_own_state(tmp_path: Path) -> None:
    slack, port = OAuthServer(), free_port()
    server = web.Application()
    server.router.add_post("/api/oauth.v2.access", slack.access)
    server.router.add_post("/api/auth.test", slack.test)
    clock = MovableClock(FixedBase())
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    bot = Bot(
        settings_of(tmp_path, token_key=SecretStr(OLD_KEY)),
        open_store(url, synchronous="OFF"),
        DnsClient(DnsConfig(), clock),
        clock,
        token=SecretStr(""),
        api_url=f"http://127.0.0.1:{port}/api/",
        app_token=None,
        signing_secret=SecretStr(SIGNING_SECRET),
        oauth=OAuthApp("1.2", SecretStr("client-secret")),
    )
    bot.slack.add_routes(server)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    base = f"http://127.0.0.1:{port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(base + INSTALL_PATH) as page:
            state, cookie = _state_of(await page.text()), page.headers["Set-Cookie"].split(";")[0]
        headers = {"Cookie": cookie}

        async def back(code: str, given: str) -> int:
            query = urlencode({"code": code, "state": given})
            async with http.get(f"{base}{REDIRECT_PATH}?{query}", headers=headers) as answer:
                return answer.status

        assert await back("code-1", "not-the-state") == 400
        assert await bot.store.transact(lambda tx: tx.workspaces.installation(B)) is None
        assert await back("code-1", state) == 200
        found = await bot.store.transact(lambda tx: tx.workspaces.installation(B))
        assert found is not None
        assert (found.bot_user, found.bot_id) == ("U0BOTOFB01", "B0BOTOFB01")
        assert Vault([OLD_KEY]).open(found.bot_token) == "xoxb-of-b"
        assert not holds(tmp_path, b"xoxb")
        slack.codes.append("code-2")
        assert await back("code-2", state) == 401  # a state is good once
        async with http.get(base + INSTALL_PATH) as page:
            late, cookie = _state_of(await page.text()), page.headers["Set-Cookie"].split(";")[0]
        assert await back("code-2", late) == 400  # begun in another browser
        headers = {"Cookie": cookie}
        clock.set(clock.now() + timedelta(minutes=11))
        assert await back("code-2", late) == 401
        slack.org_wide = True
        async with http.get(base + INSTALL_PATH) as page:
            fresh, cookie = _state_of(await page.text()), page.headers["Set-Cookie"].split(";")[0]
        query = urlencode({"code": "code-2", "state": fresh})
        async with http.get(f"{base}{REDIRECT_PATH}?{query}", headers={"Cookie": cookie}) as answer:
            assert answer.status == 400
            told = await answer.text()
        assert "ワークスペースを1つ選んで" in told
        assert "choose one workspace" in told
        assert await bot.store.transact(lambda tx: tx.workspaces.installed()) == (B,)
    await runner.cleanup()
    await bot.store.close()


async def test_tokens_kept_plain_are_sealed_and_keys_may_be_changed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    store = open_store(url, synchronous="OFF")
    plain = Installation("xoxb-plain", "U1", "B1", "A1", (), HANAKO, "One", BEGINNING)
    await store.transact(lambda tx: tx.workspaces.install(A, plain))

    async def kept() -> str:
        found = await store.transact(lambda tx: tx.workspaces.installation(A))
        assert found is not None
        return found.bot_token

    assert await Vault().reseal(store) == 0  # without a key it is read as it is
    assert Vault([OLD_KEY]).open(await kept()) == "xoxb-plain"
    assert await Vault([OLD_KEY]).reseal(store) == 1
    assert "xoxb" not in await kept()
    assert await Vault([OLD_KEY]).reseal(store) == 0
    client = await ManyTeams(store, "http://127.0.0.1:1/api/", Vault([OLD_KEY])).of(A)
    assert client is not None
    assert client.token == "xoxb-plain"
    assert await Vault([NEW_KEY, OLD_KEY]).reseal(store) == 1
    assert Vault([NEW_KEY]).open(await kept()) == "xoxb-plain"
    before = await kept()
    for keys, reason in (([OTHER_KEY], "wrong"), ([], "missing")):
        with pytest.raises(BadTokenKey) as refused:
            await Vault(keys).reseal(store)
        assert refused.value.reason == reason
        assert "MXCUTOVER_TOKEN_KEY" in str(explain(refused.value, "ja"))
        assert "MXCUTOVER_TOKEN_KEY" in str(explain(refused.value, "en"))
    assert await kept() == before
    await store.close()
    with pytest.raises(BadTokenKey, match="form"):
        Vault(["not a key"])


async def test_a_key_that_another_replica_has_changed_is_told_of_and_nothing_is_lost(tmp_path: Path) -> None:
    clock = MovableClock(FixedBase())
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    bot = Bot(
        settings_of(tmp_path, token_key=SecretStr(OLD_KEY)),
        open_store(url, synchronous="OFF"),
        DnsClient(DnsConfig(), clock),
        clock,
        token=SecretStr(""),
        api_url="http://127.0.0.1:1/api/",
        app_token=None,
        signing_secret=SecretStr(SIGNING_SECRET),
        oauth=OAuthApp("1.2", SecretStr("client-secret")),
    )

    async def kept_with(key: str) -> None:
        sealed = Vault([key]).seal("xoxb-plain")
        kept = Installation(sealed, "U1", "B1", "A1", (), HANAKO, "One", BEGINNING)
        await bot.store.transact(lambda tx: tx.workspaces.install(A, kept))

    await kept_with(OLD_KEY)
    assert await bot.tokens_ready()
    await kept_with(OTHER_KEY)
    assert not await bot.tokens_ready()
    assert not await bot.well()
    message = Outgoing(Delivery.POST, "help", channel="C1", user=HANAKO)
    await bot.store.transact(lambda tx: tx.outbox.put(A, message))
    with capture_logs() as lines:
        for _ in range(10):
            await bot.sender.drain()
            clock.set(clock.now() + timedelta(seconds=60))
    said = [line for line in lines if line["event"] == "not said yet"]
    assert len(said) == 10
    assert all("MXCUTOVER_TOKEN_KEY does not open" in line["why"] and "exc_info" not in line for line in said)
    assert await bot.store.transact(lambda tx: tx.outbox.unsettled())
    event = {"type": "app_home_opened", "user": HANAKO, "tab": "home", "channel": "D1"}
    body = json.dumps({"type": "event_callback", "team_id": A.team_id, "event_id": "Ev1", "event": event})
    at = str(int(time.time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=at, body=body)
    headers: dict[str, str | Sequence[str]] = {
        "content-type": ["application/json"],
        "x-slack-request-timestamp": [at],
        "x-slack-signature": [signature or ""],
    }
    answer = await bot.slack.app.async_dispatch(AsyncBoltRequest(body=body, headers=headers))
    assert answer.status == 503  # Slack delivers it again
    await bot.store.close()


def test_a_bot_with_the_wrong_key_ends_in_words(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mxcutover.db'}"
    migrate(url)
    store = open_store(url, synchronous="OFF")
    sealed = Vault([OLD_KEY]).seal("xoxb-plain")
    kept = Installation(sealed, "U1", "B1", "A1", (), HANAKO, "One", BEGINNING)
    store.run(lambda tx: tx.workspaces.install(A, kept))
    env = {
        **os.environ,
        "MXCUTOVER_DATA": str(tmp_path),
        "MXCUTOVER_PORT": str(free_port()),
        "SLACK_CLIENT_ID": "1.2",
        "SLACK_CLIENT_SECRET": "s",
        "SLACK_SIGNING_SECRET": "s",
        "MXCUTOVER_TOKEN_KEY": OTHER_KEY,
    }
    command = [sys.executable, "-c", "from bot.cli import main; main()", "run"]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert ended.returncode == 1
    assert "install the app anew" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert OTHER_KEY not in ended.stderr


def holds(folder: Path, words: bytes) -> bool:
    """Whether any file there, the database and its journal among them, has `words` in it."""
    return any(words in file.read_bytes() for file in folder.iterdir() if file.is_file())


def _state_of(page: str) -> str:
    address = page.split('<a href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    return parse_qs(urlsplit(address).query)["state"][0]
