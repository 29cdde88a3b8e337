"""MTA-STS (RFC 8461): records, policies, and the fetch over a real TLS connection."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bot.dns.client import DnsClient
from bot.dns.https_policy import MOST_BYTES, HttpsPolicies
from bot.dns.sandbox import Sandbox
from bot.domain.facts import PolicyOutcome
from bot.domain.mta_sts import BadPolicy, matches, parse_policy, policy_id, uncovered
from tests.unit.test_dns_client import Moved

GOOD = "version: STSv1\r\nmode: enforce\r\nmx: MX.example.org\r\nmx: *.example.net.\r\nmax_age: 86400\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20260401T000000;"], "20260401T000000"),
        (["v=STSv1;id=a1"], "a1"),
        (["v=STSv1; x=y; id=a1; z=w"], "a1"),
        (["v=STSv1; id=a1", "something else"], "a1"),
        (["v=STSv1; id=a1", "v=STSv1; id=a2"], None),
        (["v=STSv2; id=a1"], None),
        (["v=STSv1"], None),
        (["v=STSv1; id=a-1"], None),
        (["v=STSv1; id=" + "a" * 33], None),
        ([], None),
    ],
)
def test_the_announcing_record(texts: list[str], found: str | None) -> None:
    assert policy_id(texts) == found


def test_a_policy() -> None:
    policy = parse_policy(GOOD)
    assert (policy.mode, policy.patterns, policy.max_age) == (
        "enforce",
        ("mx.example.org", "*.example.net"),
        86400,
    )
    assert parse_policy(GOOD.replace("\r\n", "\n")) == policy
    assert parse_policy(GOOD + "mode: none\r\nx-new: y\r\n") == policy  # the first of a double field counts
    assert parse_policy("version: STSv1\nmode: none\nmax_age: 0").patterns == ()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>",
        GOOD.replace("STSv1", "STSv2"),
        GOOD.replace("enforce", "strict"),
        GOOD.replace("86400", "-1"),
        GOOD.replace("86400", "31557601"),
        GOOD.replace("86400", "a day"),
        "version: STSv1\nmode: enforce\nmax_age: 86400",
        GOOD + "no colon here\n",
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(BadPolicy):
        parse_policy(text)


@given(st.text(max_size=300))
def test_any_body_is_a_policy_or_refused(text: str) -> None:
    try:
        parse_policy(text)
    except BadPolicy:
        return


@pytest.mark.parametrize(
    ("pattern", "host", "covered"),
    [
        ("mgf.cybermail.jp", "mgf.cybermail.jp.", True),
        ("MGF.cybermail.jp.", "mgf.cybermail.jp.", True),
        ("*.cybermail.jp", "mgf.cybermail.jp.", True),
        ("*.cybermail.jp", "a.b.cybermail.jp.", False),
        ("*.cybermail.jp", "cybermail.jp.", False),
        ("*.jp", "mgf.cybermail.jp.", False),
        ("mg*.cybermail.jp", "mgf.cybermail.jp.", False),
        ("*", "mgf.cybermail.jp.", False),
        ("cybermail.jp", "mgf.cybermail.jp.", False),
        ("evilmgf.cybermail.jp", "mgf.cybermail.jp.", False),
    ],
)
def test_a_wildcard_is_exactly_one_label_at_the_left(pattern: str, host: str, covered: bool) -> None:
    assert matches(pattern, host) is covered
    assert uncovered([pattern], [host]) == ([] if covered else [host])


# --- the fetch ------------------------------------------------------------------------------------

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def _certificate(folder: Path, name: str, *, expired: bool = False) -> tuple[Path, Path]:
    """A self-signed certificate, which is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
    now = dt.datetime.now(dt.UTC)
    end = now - dt.timedelta(days=1) if expired else now + dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, key_file = folder / f"{name}-{expired}.pem", folder / f"{name}-{expired}.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, key_file


class Web:
    """An HTTPS server on loopback whose answer the test chooses."""

    def __init__(self, folder: Path, name: str = "mta-sts.example.org", *, expired: bool = False) -> None:
        self.ca, self._key = _certificate(folder, name, expired=expired)
        self.answer: Handler = self.policy
        self.asked: list[str] = []
        self.port = 0

    async def policy(self, request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=GOOD)

    async def start(self) -> None:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            self.asked.append(f"{request.host.partition(':')[0]}{request.path}")
            return await self.answer(request)

        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.ca, self._key)
        self._runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def fetch(
        self, host: str = "mta-sts.example.org", seconds: float = 3.0
    ) -> tuple[PolicyOutcome, str]:
        found = await HttpsPolicies(self.port, self.ca)(host, ["127.0.0.1"], seconds)
        return found.outcome, found.body


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Web]:
    running = Web(tmp_path)
    await running.start()
    yield running
    await running.stop()


async def test_a_policy_comes_over_tls_from_the_one_place(server: Web) -> None:
    assert await server.fetch() == (PolicyOutcome.FETCHED, GOOD)
    assert server.asked == ["mta-sts.example.org/.well-known/mta-sts.txt"]


async def test_a_redirect_is_not_followed(server: Web) -> None:
    """RFC 8461 3.3."""

    async def away(request: web.BaseRequest) -> web.StreamResponse:
        raise web.HTTPFound("https://mta-sts.example.org/elsewhere")

    server.answer = away
    assert (await server.fetch())[0] is PolicyOutcome.STATUS
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [204, 304, 404, 500])
async def test_only_200_is_an_answer(server: Web, status: int) -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status)

    server.answer = refuse
    assert (await server.fetch())[0] is PolicyOutcome.STATUS


@pytest.mark.parametrize(("size", "outcome"), [(0, PolicyOutcome.FETCHED), (1, PolicyOutcome.TOO_LARGE)])
async def test_64_kib_and_not_a_byte_more(server: Web, size: int, outcome: PolicyOutcome) -> None:
    async def long(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="x" * (MOST_BYTES + size))

    server.answer = long
    assert (await server.fetch())[0] is outcome


async def test_a_page_is_no_policy(server: Web) -> None:
    async def page(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=GOOD, content_type="text/html")

    server.answer = page
    assert (await server.fetch())[0] is PolicyOutcome.INVALID


async def test_bytes_that_are_no_text(server: Web) -> None:
    async def noise(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"\xff\xfe", content_type="text/plain")

    server.answer = noise
    assert (await server.fetch())[0] is PolicyOutcome.INVALID


async def test_a_certificate_for_another_name(server: Web) -> None:
    assert (await server.fetch("mta-sts.example.net"))[0] is PolicyOutcome.CERTIFICATE
    assert server.asked == []


async def test_a_certificate_that_has_run_out(tmp_path: Path) -> None:
    old = Web(tmp_path, expired=True)
    await old.start()
    try:
        assert (await old.fetch())[0] is PolicyOutcome.CERTIFICATE
    finally:
        await old.stop()


async def test_a_certificate_of_an_unknown_authority(server: Web) -> None:
    found = await HttpsPolicies(server.port)("mta-sts.example.org", ["127.0.0.1"], 3.0)
    assert found.outcome is PolicyOutcome.CERTIFICATE


async def test_a_slow_server_is_a_time_out(server: Web) -> None:
    async def never(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    server.answer = never
    assert (await server.fetch(seconds=0.2))[0] is PolicyOutcome.TIMEOUT


async def test_nobody_listens() -> None:
    found = await HttpsPolicies(1)("mta-sts.example.org", ["127.0.0.1"], 2.0)
    assert found.outcome is PolicyOutcome.UNREACHABLE


async def test_a_private_address_is_never_asked(server: Web) -> None:
    """A domain must not be able to send our HTTPS into somebody's network."""
    clock = Moved()
    sandbox = Sandbox(clock)
    await sandbox.start()
    try:
        places = {a: p for a, p in sandbox.dns_config().address_map.items() if a != "203.0.113.60"}
        config = sandbox.dns_config(
            address_map=places, fetch_policy=None, policy_port=server.port, policy_ca=server.ca
        )
        facts = await DnsClient(config, clock).look("example.org")
    finally:
        await sandbox.stop()
    assert facts.mta_sts is not None
    assert facts.mta_sts.policy is PolicyOutcome.NOT_ALLOWED
    assert server.asked == []


async def test_from_the_announcement_to_the_policy(server: Web) -> None:
    clock = Moved()
    sandbox = Sandbox(clock)
    await sandbox.start()
    try:
        real = {"fetch_policy": None, "policy_port": server.port, "policy_ca": server.ca}
        fetched = await DnsClient(sandbox.dns_config(**real), clock).look("example.org")
        none = await DnsClient(sandbox.dns_config(**real), clock).look("example.co.jp")
        played = await DnsClient(sandbox.dns_config(), clock).look("example.org")
    finally:
        await sandbox.stop()
    assert fetched.mta_sts is not None
    assert (fetched.mta_sts.id, fetched.mta_sts.mode) == ("20260401T000000", "enforce")
    assert fetched.mta_sts.patterns == ("mx.example.org", "*.example.net")
    assert none.mta_sts is not None
    assert none.mta_sts.policy is PolicyOutcome.NOT_ASKED
    assert len(server.asked) == 1
    assert played.mta_sts is not None
    assert played.mta_sts.patterns == ("*.google.com", "*.l.google.com")
