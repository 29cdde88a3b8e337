"""A person's budget of looks at DNS. Kept in the store: a restart or another replica gives no more."""

from datetime import datetime

from bot.domain.allowance import admit
from bot.domain.authority import Actor
from bot.ports import Tx
from bot.usecases.context import Deps


class TooMany(Exception):
    """The person has caused as many looks as one may in a minute; `again_at`: when there may be one more."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__(f"again at {again_at.isoformat()}")
        self.again_at = again_at


async def may_look(deps: Deps, actor: Actor) -> None:
    """Count one look at DNS that `actor` causes. Raises TooMany, and then nothing is counted."""
    if deps.looks_per_minute <= 0:
        return
    now = deps.clock.now()
    key = f"looks:{actor.user}"

    def work(tx: Tx) -> datetime | None:
        place = tx.places.get(actor.team, key)
        used = [datetime.fromisoformat(at) for at in place["at"]] if place is not None else []
        allowance = admit(used, now, deps.looks_per_minute)
        tx.places.put(actor.team, key, {"at": [at.isoformat() for at in allowance.used]}, now)
        return allowance.again_at

    again_at = await deps.store.transact(work)
    if again_at is not None:
        raise TooMany(again_at)
