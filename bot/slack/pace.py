"""Slack's pace: about one message a second and channel, replies and edits included."""

import asyncio
import time


class Pace:
    """At most one message a second and channel, with a small burst (Slack's posting limit)."""

    def __init__(self, per_second: float, burst: int = 3) -> None:
        self._per_second = per_second
        self._burst = burst
        self._allowance: dict[str, tuple[float, float]] = {}

    def wait_for(self, channel: str) -> float:
        """Seconds to wait before the next message to `channel`; 0 takes the place."""
        if self._per_second <= 0:
            return 0.0
        now = time.monotonic()
        left, since = self._allowance.get(channel, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._per_second)
        if left < 1:
            self._allowance[channel] = (left, now)
            return (1 - left) / self._per_second
        self._allowance[channel] = (left - 1, now)
        return 0.0

    async def turn(self, channel: str) -> None:
        """Wait until a message to `channel` may go."""
        wait = self.wait_for(channel)
        while wait > 0:
            await asyncio.sleep(wait)
            wait = self.wait_for(channel)
