"""The local workspace's door: this machine's browser and programs, nobody else."""

import socket

import pytest
from aiohttp import ClientSession

from bot.settings import Settings
from bot.workspace.clock import MovableClock
from bot.workspace.server import LocalWorkspace


async def test_loopback_only_unless_told() -> None:
    assert Settings.model_fields["host"].default == "127.0.0.1"
    async with LocalWorkspace(MovableClock()) as slack:
        port = int(slack.url.rpartition(":")[2])
        # The same port of another address of this machine is free: nobody listens there.
        with socket.socket() as other:
            other.bind(("127.0.0.2", port))


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example:80"])
async def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    """What a page of evil.example reaches after its name was rebound to 127.0.0.1."""
    async with LocalWorkspace(MovableClock()) as slack, ClientSession() as http:
        for path in ("/", "/ui/state?user=U0HANAKO01", "/api/auth.test"):
            async with http.get(f"{slack.url}{path}", headers={"Host": host}) as answer:
                assert answer.status in (400, 403)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
async def test_another_sites_post_is_refused(origin: str) -> None:
    async with LocalWorkspace(MovableClock()) as slack, ClientSession() as http:
        for path in (
            "/ui/command",
            "/ui/message",
            "/ui/clock",
            "/ui/fault",
            "/api/chat.postMessage",
            "/response/x",
        ):
            async with http.post(f"{slack.url}{path}", headers={"Origin": origin}, json={}) as answer:
                assert answer.status == 403


async def test_the_page_may_be_framed_by_nobody_and_runs_its_own_scripts_only() -> None:
    async with (
        LocalWorkspace(MovableClock()) as slack,
        ClientSession() as http,
        http.get(slack.url) as answer,
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
