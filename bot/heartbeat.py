"""Tells somebody outside, every minute, that the bot lives; whoever is told notices when it falls silent.

Called by the scheduler, so a scheduler that stands still says nothing either.
"""

import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout
from pydantic import SecretStr

log = structlog.get_logger(__name__)

EVERY = 60.0  # seconds, monotonic
AGAIN = 5.0  # seconds until the next audit where one found something: a start is over sooner than EVERY
WITHIN = 5.0  # seconds for the answer

Check = Callable[[], Awaitable[bool]]


class Heartbeat:
    """GET of one address at each audit that finds all well. The address is a secret: it is never logged."""

    def __init__(
        self,
        address: SecretStr | None,
        well: Check,
        *,
        every: float = EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._address = address
        self._well = well
        self._every = every
        self._clock = clock
        self._last: float | None = None
        self._found: str | None = None  # what was wrong at the last audit; said once, not each time

    async def run(self) -> None:
        """Call it often: it acts once in `every` seconds. Raises nothing."""
        now = self._clock()
        if self._address is None or (self._last is not None and now - self._last < self._every):
            return
        self._last = now
        try:
            found = None if await self._well() else "the audit found something"
        except Exception as error:
            found = f"the audit failed: {type(error).__name__}"
        if found is not None:
            self._last = now - self._every + min(AGAIN, self._every)
            if found != self._found:
                log.warning("no heartbeat", why=found)
        self._found = found
        if found is not None:
            return
        await self._tell(self._address.get_secret_value())

    async def _tell(self, address: str) -> None:
        try:
            # A redirect is not followed: it would tell, and believe, another than the one that was named.
            async with (
                ClientSession(timeout=ClientTimeout(total=WITHIN)) as http,
                http.get(address, allow_redirects=False) as answer,
            ):
                status = answer.status
        except (ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("the heartbeat was not taken", error=type(error).__name__)
            return
        if not 200 <= status < 300:
            log.warning("the heartbeat was not taken", status=status)
