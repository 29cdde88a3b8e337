"""A form that is to be opened. Slack forgets a trigger after three seconds, and a process may die in between:
so the message that a person gets instead is put, for a little later, in the transaction that settles their
delivery, and is withdrawn once the form is there.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.domain.authority import Actor
from bot.domain.teams import Team
from bot.ports import Outgoing, StoreUnavailable, Tx
from bot.usecases.context import Deps, Where, transact

OPENED_WITHIN = timedelta(seconds=10)  # longer than a form may take to be opened
# Seconds between two tries to withdraw it while the database is away; what is left of the time is for them.
WAITS = (0.1, 0.2, 0.4, 0.8, 1.6)


def instead(
    deps: Deps, actor: Actor, where: Where, kind: str, args: Mapping[str, Any] | None = None
) -> Outgoing:
    """What the person is told where no form comes; to be put with what settles the delivery."""
    return replace(where.private(actor, kind, args), not_before=deps.clock.now() + OPENED_WITHIN)


async def kept(deps: Deps, team: Team, promised: Outgoing) -> None:
    """The form is there. Raises StoreUnavailable where the database stays away; then the promise is said."""
    for wait in WAITS:
        with suppress(StoreUnavailable):
            await deps.store.transact(lambda tx: tx.outbox.withdraw(team, promised.key))
            return
        await asyncio.sleep(wait)
    await deps.store.transact(lambda tx: tx.outbox.withdraw(team, promised.key))


async def broken(deps: Deps, team: Team, promised: Outgoing) -> None:
    """No form will come: say it now."""

    def work(tx: Tx) -> None:
        if tx.outbox.withdraw(team, promised.key):
            tx.outbox.put(team, replace(promised, key=f"{promised.key}-now", not_before=None))

    await transact(deps, team, None, work)
