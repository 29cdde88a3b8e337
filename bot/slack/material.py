"""What a message is made of besides its own words: the cutover as it stands when the message is sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.cutover import Cutover
from bot.domain.teams import Team
from bot.ports import Outgoing, ReminderRow, Tx


@dataclass(frozen=True, slots=True)
class Material:
    """Read in one transaction, so that a message is of one moment."""

    now: datetime
    cutover: Cutover | None = None
    pending: Sequence[ReminderRow] = ()


def gather(tx: Tx, team: Team, message: Outgoing, now: datetime) -> Material:
    """What `message` may show of its cutover."""
    if message.cutover_id is None:
        return Material(now)
    cutover = tx.cutovers.get(team, message.cutover_id)
    if cutover is None:
        return Material(now)
    return Material(now, cutover, tx.reminders.pending(team, cutover.id))
