"""How often somebody may ask in a minute: the moments of the last one are kept, no counter that is reset.

A counter by the clock's minute would let twice as many through around its turn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Allowance:
    """`used`: the moments to keep. `again_at`: None where it was allowed, else when it will be."""

    used: tuple[datetime, ...]
    again_at: datetime | None = None


def admit(used: Sequence[datetime], now: datetime, most: int) -> Allowance:
    """Whether one more is allowed at `now`, of at most `most` in a WINDOW; 0: any number.

    A moment in the future (a clock that was set back) counts as now, so that nobody is locked out for long.
    """
    recent = tuple(min(at, now) for at in used if min(at, now) > now - WINDOW)
    if most <= 0:
        return Allowance(())
    if len(recent) >= most:
        return Allowance(recent, sorted(recent)[-most] + WINDOW)
    return Allowance((*recent, now))
