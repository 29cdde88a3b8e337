"""Things that are picked up again: a submitted form, a root message that could not be posted."""

from collections.abc import Mapping
from typing import Any

from bot.domain.authority import Act, Actor
from bot.ports import Delivery, Outgoing, Tx
from bot.usecases.context import Deps, transact
from bot.usecases.ending import load
from bot.usecases.observe import refresh


async def root(deps: Deps, actor: Actor, row_id: int | None, cutover_id: str) -> None:
    """Post the checklist now that the bot has been let into the channel."""

    def work(tx: Tx) -> None:
        cutover = load(tx, deps, actor, cutover_id, Act.SETTLE)
        if cutover.thread_ts is not None:
            refresh(tx, cutover)
            return
        tx.outbox.put(actor.team, Outgoing(Delivery.POST, "root", lang=cutover.lang, cutover_id=cutover.id))
        opened: Mapping[str, Any] = {"notes": []}
        tx.outbox.put(
            actor.team, Outgoing(Delivery.POST, "opened", opened, lang=cutover.lang, cutover_id=cutover.id)
        )

    await transact(deps, actor.team, row_id, work)
