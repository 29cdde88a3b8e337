"""What is left of a reply of several parts: a delivery of its own, kept in the transaction that settles the
one before it. So no part that was accepted is lost where the process ends in between, and none is done twice.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter

from bot.domain.cutover import Step
from bot.domain.replies import Reply
from bot.ports import Clock, InboxRow, Tx
from bot.usecases.hear import Left

REST = "rest"  # in the payload, beside what Slack delivered
_PARTS = TypeAdapter(tuple[Reply, ...])


def first_delivery(row: InboxRow) -> str:
    """The id of the delivery that Slack made, also for what is left of it."""
    kept = row.payload.get(REST)
    return str(kept["of"]) if isinstance(kept, Mapping) else row.delivery_id


def key_of(*parts: str) -> str:
    """A message's key that is the same whenever it is made of the same."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def left_in(row: InboxRow) -> Left | None:
    """What a row holds of a reply that was begun; None: it is as Slack delivered it."""
    kept = row.payload.get(REST)
    if not isinstance(kept, Mapping):
        return None
    asked = kept["asked"]
    return Left(_PARTS.validate_python(kept["parts"]), Step(asked) if asked else None)


class Rest:
    """Keeps what is left, once. `row_id`: of the row that holds it, where something was kept."""

    def __init__(self, row: InboxRow, clock: Clock) -> None:
        self._row = row
        self._clock = clock
        self.row_id: int | None = None

    def keep(self, tx: Tx, left: Left) -> None:
        """To be done with what settles the row."""
        row = self._row
        kept: dict[str, Any] = {
            "of": first_delivery(row),
            "parts": _PARTS.dump_python(left.parts, mode="json"),
            "asked": left.asked.value if left.asked else None,
        }
        payload = {**row.payload, REST: kept}
        name = f"{first_delivery(row)}:{len(left.parts)} left"
        self.row_id = tx.inbox.accept(name, row.kind, row.team, payload, self._clock.now())
