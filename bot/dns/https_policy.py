"""The policy of MTA-STS over HTTPS (RFC 8461 3.3). Apart, because aiohttp takes its time to import."""

import socket
import ssl
from pathlib import Path

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.dns.config import Fetched
from bot.domain.facts import PolicyOutcome

MOST_BYTES = 64 * 1024
PATH = "/.well-known/mta-sts.txt"


class _Fixed(AbstractResolver):
    """The addresses that were found and allowed, so that no second look-up can give others."""

    def __init__(self, found: list[str], port: int) -> None:
        self._found = found
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=self._port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._found
        ]

    async def close(self) -> None:
        pass


class HttpsPolicies:
    """Fetches over HTTPS: certificate verified, no redirects, 64 KiB at most, only to allowed addresses."""

    def __init__(self, port: int = 443, ca_file: Path | None = None) -> None:
        """`port` and `ca_file` (PEM) are a lab's; senders use 443 and the public authorities."""
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)

    async def __call__(self, host: str, allowed: list[str], seconds: float) -> Fetched:
        timeout = aiohttp.ClientTimeout(total=max(seconds, 0.001))
        connector = aiohttp.TCPConnector(
            resolver=_Fixed(allowed, self._port), ssl=self._tls, use_dns_cache=False, force_close=True
        )
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.get(
                    f"https://{host}{PATH}",
                    allow_redirects=False,
                    headers={"Accept": "text/plain", "Accept-Encoding": "identity"},
                ) as response,
            ):
                return await _body(response)
        except aiohttp.ClientConnectorCertificateError as error:
            return Fetched(PolicyOutcome.CERTIFICATE, detail=str(error.certificate_error)[:200])
        except aiohttp.ClientSSLError as error:
            return Fetched(PolicyOutcome.CERTIFICATE, detail=str(error)[:200])
        except TimeoutError:
            return Fetched(PolicyOutcome.TIMEOUT)
        except (aiohttp.ClientError, OSError, UnicodeError, ValueError) as error:
            return Fetched(PolicyOutcome.UNREACHABLE, detail=type(error).__name__)


async def _body(response: aiohttp.ClientResponse) -> Fetched:
    if response.status != 200:
        return Fetched(PolicyOutcome.STATUS, detail=str(response.status))
    if response.content_type != "text/plain":
        return Fetched(PolicyOutcome.INVALID, detail=response.content_type)
    body = bytearray()
    async for chunk in response.content.iter_chunked(8192):
        body += chunk
        if len(body) > MOST_BYTES:
            return Fetched(PolicyOutcome.TOO_LARGE)
    try:
        return Fetched(PolicyOutcome.FETCHED, body.decode("utf-8"))
    except UnicodeDecodeError:
        return Fetched(PolicyOutcome.INVALID, detail="not UTF-8")
