"""What a look at DNS is judged against."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.cutover import Instants
from bot.domain.mx import MxSet


@dataclass(frozen=True, slots=True)
class Expectation:
    """What ought to be, as far as it is known; every part may be absent.

    `expected`: the set of the notice. `before`, `ttl_before`: what was stored at the start.
    `planned_at`: the moment of the change. `first_new_at`: when any address was first seen with the new set.
    `changed`: the change was complete at some time, so anything else now is drift.
    `sends_through_gateway`: the outbound route changes too (None: nobody said).
    """

    expected: MxSet | None = None
    before: MxSet | None = None
    ttl_before: int | None = None
    planned_at: datetime | None = None
    now: datetime | None = None
    changed: bool = False
    instants: Instants | None = None
    first_new_at: datetime | None = None
    sends_through_gateway: bool | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether the change is still to come by the plan."""
        return self.now is not None and self.planned_at is not None and self.now < self.planned_at

    @property
    def is_flipped(self) -> bool:
        """Whether every address has been seen with the new set, and none went back since."""
        return self.instants is not None and self.instants.t_flip is not None

    @property
    def is_safe(self) -> bool:
        """Whether no cache that obeys TTLs can hold the old set any more."""
        safe = self.instants.t_safe if self.instants else None
        return safe is not None and self.now is not None and self.now >= safe
