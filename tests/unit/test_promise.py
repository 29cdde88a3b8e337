"""A form that was opened is not said to have failed, also where the database goes away just then."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.teams import Team
from bot.ports import Delivery, Outgoing, StoreUnavailable
from bot.usecases import promise
from tests.fakes.memory_store import MemoryStore

TEAM = Team("", "T1")


@dataclass
class Away:
    """The store, but for its first transactions."""

    store: MemoryStore
    times: int

    async def transact(self, work: Callable[[Any], Any]) -> Any:
        if self.times:
            self.times -= 1
            raise StoreUnavailable("unreachable", "gone")
        return await self.store.transact(work)


@dataclass
class Rules:
    store: Away


async def test_what_was_promised_is_withdrawn_once_the_database_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(promise, "WAITS", (0, 0, 0))
    store = MemoryStore()
    promised = Outgoing(Delivery.DM, "form_late", user="U1")
    for times, unsettled in ((3, 0), (4, 1)):
        kept = replace(promised, key=str(times))
        await store.transact(lambda tx, kept=kept: tx.outbox.put(TEAM, kept))  # type: ignore[misc]
        try:
            await promise.kept(Rules(Away(store, times)), TEAM, kept)  # type: ignore[arg-type]
        except StoreUnavailable:
            assert unsettled
        assert await store.transact(lambda tx: tx.outbox.unsettled()) == unsettled


def test_there_is_time_for_it_before_the_promise_is_said() -> None:
    assert timedelta(seconds=sum(promise.WAITS)) < promise.OPENED_WITHIN / 2
