"""Who speaks in a delivery, and the way their answer goes."""

from dataclasses import dataclass, replace
from typing import Any

from bot.domain.authority import Act, Actor
from bot.domain.cutover import Cutover
from bot.ports import InboxRow
from bot.slack.rest import first_delivery, key_of
from bot.usecases import ending
from bot.usecases.context import Deps, Where, say


@dataclass(frozen=True, slots=True)
class Speaker:
    """One delivery's actor, place, inbox row and what is left of its trigger."""

    actor: Actor
    where: Where
    row: InboxRow
    trigger: str | None
    deps: Deps  # with the rules of the actor's workspace

    @property
    def row_id(self) -> int:
        return self.row.id

    async def private(self, kind: str, **args: Any) -> None:
        """Answer the actor alone, and settle the delivery."""
        message = self.where.private(self.actor, kind, args)
        await say(self.deps, self.actor.team, self.row_id, message)

    async def refuse(self, kind: str, about: str = "", **args: Any) -> None:
        """Say that something is refused, and settle the delivery.

        Of several parts of one reply that are refused with the same words (`about`), it is said once.
        """
        key = key_of(first_delivery(self.row), kind, about)
        message = replace(self.where.private(self.actor, kind, args), key=key)
        await say(self.deps, self.actor.team, self.row_id, message)

    async def cutover(self, cutover_id: str) -> Cutover:
        """The cutover that a button names. Raises Gone, NotAllowed."""
        return await self.deps.store.transact(
            lambda tx: ending.load(tx, self.deps, self.actor, cutover_id, Act.SEE)
        )
