"""Tells a message that Slack does not take from a Slack that takes none.

A channel's messages keep their order, so one that fails is waited for; one that alone fails must not silence
the channel for good. What others of the workspace got through meanwhile is the best sign; where there were
none, whether Slack answers at all.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.teams import Team
from bot.ports import OutboxRow
from bot.slack.errors import OF_ALL, Refusal

TRIES = 30  # in vain while others get through
WEIGHT = 3  # of such a try, beside one during which Slack only answered
ANSWER_SECONDS = 5.0


@dataclass
class _Fate:
    said: int  # of the workspace, at the last try
    weight: int = 0


class Patience:
    """Of this process: several replicas count each for itself."""

    def __init__(self) -> None:
        self._said: Counter[Team] = Counter()
        self._rows: dict[int, _Fate] = {}

    def settled(self, row: OutboxRow, *, said: bool) -> None:
        """It needs no more tries. `said`: a message got through."""
        self._said[row.team] += said
        self._rows.pop(row.id, None)

    def alone(self, row: OutboxRow) -> bool:
        """Whether this message fails while Slack takes others."""
        fate = self._rows.get(row.id)
        return fate is not None and fate.weight >= TRIES * WEIGHT

    async def refused(self, row: OutboxRow, client: AsyncWebClient, refusal: Refusal) -> None:
        """It was tried in vain."""
        if refusal.code in OF_ALL:
            return
        said = self._said[row.team]
        fate = self._rows.setdefault(row.id, _Fate(said))
        if said != fate.said:
            fate.said = said
            fate.weight += WEIGHT
        elif not self.alone(row) and await _answers(client):
            fate.weight += 1


async def _answers(client: AsyncWebClient) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.auth_test()
    except Exception:
        return False
    return True
